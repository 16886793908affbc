package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// Migrated is a state that was a file, as installations of the reference had it before it kept states as keys.
type Migrated struct {
	Namespace string `json:"namespace"`
	Key       string `json:"key"`
	File      string `json:"file"`
	// Kept is set where the key was there already: it is newer, and both stay as they are.
	Kept bool `json:"kept,omitempty"`
}

// Migrate turns the files of flows and of their namespaces into keys. A file is deleted once its key is stored, so that what
// was interrupted can be begun again. What cannot be done does not keep the rest from being done: it returns both.
func Migrate(ctx context.Context, files storage.Storage, keys *kv.Store, flows []storage.Flow) ([]Migrated, error) {
	m := &migration{files: files, keys: keys, done: []Migrated{}}
	namespaces := map[storage.Flow]bool{}
	for _, f := range flows {
		dir, err := f.Dir()
		m.migrate(ctx, f, storage.Slug(f.ID)+"_", dir, err)
		if ns := (storage.Flow{Tenant: f.Tenant, Namespace: f.Namespace}); !namespaces[ns] {
			namespaces[ns] = true
			dir, err := storage.NamespaceDir(ns.Tenant, ns.Namespace)
			m.migrate(ctx, ns, "", dir, err)
		}
	}
	return m.done, errors.Join(m.errs...)
}

// migration is a Migrate under way.
type migration struct {
	files storage.Storage
	keys  *kv.Store
	done  []Migrated
	errs  []error
}

// migrate turns the files below DIR/states into keys of a namespace.
func (m *migration) migrate(ctx context.Context, of storage.Flow, prefix string, dir storage.URI, err error) {
	var found []storage.URI
	if err == nil {
		dir, err = dir.Join("states", "")
	}
	if err == nil {
		found, err = m.files.AllByPrefix(ctx, dir, false)
	}
	if err != nil {
		m.errs = append(m.errs, fmt.Errorf("states of %s.%s: %w", of.Namespace, of.ID, err))
		return
	}
	for _, file := range found {
		rest, _ := file.Rel(dir)
		key, ok := keyOfFile(rest)
		if !ok {
			continue
		}
		one := Migrated{Namespace: of.Namespace, Key: prefix + key, File: file.String()}
		if one.Kept, err = m.migrateFile(ctx, of, file, one.Key); err != nil {
			m.errs = append(m.errs, fmt.Errorf("%s: %w", file, err))
			continue
		}
		m.done = append(m.done, one)
	}
}

// keyOfFile is the key of a state that was STORE/NAME, or STORE/HASH/NAME where each value of a loop had its own. Other files
// are those of a flow or namespace that is called states.
func keyOfFile(path string) (string, bool) {
	p := strings.Split(path, "/")
	switch {
	case strings.HasPrefix(path, "_"): // files and keys of a namespace
	case len(p) == 2:
		return "states_" + p[0] + "_" + p[1], true
	case len(p) == 3 && isHash(p[1]):
		return "states_" + p[0] + "_" + p[2] + "_" + p[1], true
	}
	return "", false
}

// isHash tells whether a text may come from hash.
func isHash(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// maxState bounds what is read of one file, in bytes.
const maxState = 16 << 20

// migrateFile stores a file's content under a key and deletes the file; a key that is there already is kept.
func (m *migration) migrateFile(ctx context.Context, of storage.Flow, file storage.URI, key string) (kept bool, err error) {
	content, err := readFile(ctx, m.files, file)
	if err != nil {
		return false, err
	}
	put := kv.Put{Tenant: of.Tenant, Namespace: of.Namespace, Key: key, Value: content, Type: kv.String, KeepExisting: true}
	if v, parseErr := value.ParseJSON([]byte(content)); parseErr == nil {
		if state, ok := value.AsMap(v); ok { // as the tasks of this package keep it
			put.Value, put.Type = state, kv.JSON
		}
	}
	if err := m.keys.Set(ctx, put); errors.Is(err, kv.ErrExists) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	_, err = m.files.Delete(ctx, file)
	return false, err
}

func readFile(ctx context.Context, files storage.Storage, file storage.URI) (string, error) {
	o, err := files.Get(ctx, file)
	if err != nil {
		return "", err
	}
	defer o.Close()
	b, err := io.ReadAll(io.LimitReader(o, maxState+1))
	if err == nil && len(b) > maxState {
		err = fmt.Errorf("a state has at most %d bytes", maxState)
	}
	return string(b), err
}
