// Package memory keeps internal storage in memory, for tests and for what need not outlive the process.
package memory

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/storage"
)

// Storage is a storage.Storage whose files are gone with it. Finding what is in a directory takes
// time linear in the number of all files.
type Storage struct {
	mu      sync.RWMutex
	entries map[storage.URI]entry // by the URI without a trailing slash; roots are not in it
}

var _ storage.Storage = (*Storage)(nil)

// entry is a file or, without content, a directory.
type entry struct {
	directory bool
	content   []byte // never changed, so that readers need no lock
	metadata  map[string]string
	modified  time.Time
}

// New returns an empty storage.
func New() *Storage { return &Storage{entries: map[storage.URI]entry{}} }

// AllByPrefix implements storage.Storage.
func (s *Storage) AllByPrefix(ctx context.Context, dir storage.URI, directories bool) ([]storage.URI, error) {
	if err := storage.Check(ctx, "list", dir); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.below(dir, directories), nil
}

// below lists what is strictly below a directory, in reverse order.
func (s *Storage) below(dir storage.URI, directories bool) []storage.URI {
	var found []storage.URI
	for uri, e := range s.entries {
		if rel, ok := uri.Rel(dir); !ok || rel == "" {
			continue
		}
		switch {
		case !e.directory:
			found = append(found, uri)
		case directories:
			found = append(found, uri.AsDirectory())
		}
	}
	slices.SortFunc(found, func(a, b storage.URI) int { return strings.Compare(b.Path(), a.Path()) })
	return found
}

// CreateDirectory implements storage.Storage.
func (s *Storage) CreateDirectory(ctx context.Context, dir storage.URI) error {
	if err := storage.Check(ctx, "create directory", dir); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.entries[dir.AsFile()]; ok && !e.directory {
		return storage.Error("create directory", dir, storage.ErrExists)
	}
	if err := s.makeDirs(dir); err != nil {
		return storage.Error("create directory", dir, err)
	}
	return nil
}

// makeDirs creates a directory and those above it, unless one of them is a file.
func (s *Storage) makeDirs(dir storage.URI) error {
	var missing []storage.URI
	for ; !dir.IsRoot(); dir = dir.Parent() {
		e, ok := s.entries[dir.AsFile()]
		if ok && !e.directory {
			return storage.ErrNotDirectory
		}
		if !ok {
			missing = append(missing, dir.AsFile())
		}
	}
	for _, uri := range missing {
		s.entries[uri] = entry{directory: true, modified: time.Now()}
	}
	return nil
}

// Delete implements storage.Storage.
func (s *Storage) Delete(ctx context.Context, uri storage.URI) (bool, error) {
	removed, err := s.DeleteByPrefix(ctx, uri)
	return len(removed) > 0, err
}

// DeleteByPrefix implements storage.Storage.
func (s *Storage) DeleteByPrefix(ctx context.Context, uri storage.URI) ([]storage.URI, error) {
	if err := storage.Check(ctx, "delete", uri); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[uri.AsFile()]
	if ok && !e.directory && uri.IsDirectory() {
		return nil, nil
	}
	removed := s.below(uri, true)
	switch {
	case ok && e.directory:
		removed = append(removed, uri.AsDirectory())
	case ok:
		removed = append(removed, uri)
	}
	for _, r := range removed {
		delete(s.entries, r.AsFile())
	}
	return removed, nil
}

// Get implements storage.Storage. The object can be sought in.
func (s *Storage) Get(ctx context.Context, file storage.URI) (*storage.Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(ctx, "get", file)
	if err != nil {
		return nil, err
	}
	if e.directory {
		return nil, storage.Error("get", file, storage.ErrIsDirectory)
	}
	return &storage.Object{ReadCloser: stream{bytes.NewReader(e.content)}, Attributes: describe(file, e)}, nil
}

type stream struct{ *bytes.Reader }

func (stream) Close() error { return nil }

// find returns what is at a URI; the caller holds the lock.
func (s *Storage) find(ctx context.Context, op string, uri storage.URI) (entry, error) {
	if err := storage.Check(ctx, op, uri); err != nil {
		return entry{}, err
	}
	if uri.IsRoot() {
		return entry{directory: true}, nil
	}
	e, ok := s.entries[uri.AsFile()]
	if !ok || uri.IsDirectory() && !e.directory {
		return entry{}, storage.Error(op, uri, storage.ErrNotFound)
	}
	return e, nil
}

// List implements storage.Storage.
func (s *Storage) List(ctx context.Context, dir storage.URI) ([]storage.Attributes, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(ctx, "list", dir)
	if err != nil {
		return nil, err
	}
	if !e.directory {
		return nil, storage.Error("list", dir, storage.ErrNotDirectory)
	}
	list := []storage.Attributes{}
	for uri, e := range s.entries {
		if uri.Parent() == dir.AsDirectory() {
			list = append(list, describe(uri, e))
		}
	}
	slices.SortFunc(list, func(a, b storage.Attributes) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Move implements storage.Storage.
func (s *Storage) Move(ctx context.Context, from, to storage.URI) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := storage.Check(ctx, "move", to); err != nil {
		return err
	}
	e, err := s.find(ctx, "move", from)
	if err != nil {
		return err
	}
	from, to = from.AsFile(), to.AsFile()
	target, exists := s.entries[to]
	switch {
	case from == to:
		return nil
	case from.Tenant() != to.Tenant() || from.IsRoot() || to.Within(from):
		return storage.Error("move", to, storage.ErrInvalid)
	case to.IsRoot() || exists && (e.directory || target.directory):
		return storage.Error("move", to, storage.ErrExists)
	}
	moved := map[storage.URI]entry{to: e}
	below := s.below(from, true)
	for _, uri := range below {
		rel, _ := uri.AsFile().Rel(from)
		place, err := to.Join(rel)
		if err != nil {
			return storage.Error("move", to, err)
		}
		moved[place] = s.entries[uri.AsFile()]
	}
	if err := s.makeDirs(to.Parent()); err != nil {
		return storage.Error("move", to, err)
	}
	for _, uri := range append(below, from) {
		delete(s.entries, uri.AsFile())
	}
	maps.Copy(s.entries, moved)
	return nil
}

// Put implements storage.Storage.
func (s *Storage) Put(ctx context.Context, file storage.URI, content io.Reader, metadata map[string]string) error {
	if err := storage.Check(ctx, "put", file); err != nil {
		return err
	}
	if file.IsDirectory() {
		return storage.Error("put", file, storage.ErrIsDirectory)
	}
	data, err := io.ReadAll(storage.ContextReader(ctx, content))
	if err != nil {
		return storage.Error("put", file, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[file].directory {
		return storage.Error("put", file, storage.ErrIsDirectory)
	}
	if err := s.makeDirs(file.Parent()); err != nil {
		return storage.Error("put", file, err)
	}
	s.entries[file] = entry{content: data, metadata: maps.Clone(metadata), modified: time.Now()}
	return nil
}

// Stat implements storage.Storage.
func (s *Storage) Stat(ctx context.Context, uri storage.URI) (storage.Attributes, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.find(ctx, "stat", uri)
	if err != nil {
		return storage.Attributes{}, err
	}
	return describe(uri, e), nil
}

func describe(uri storage.URI, e entry) storage.Attributes {
	a := storage.Attributes{
		Name: uri.Name(), Type: storage.File, Size: int64(len(e.content)),
		Modified: e.modified, Created: e.modified, Metadata: maps.Clone(e.metadata),
	}
	if e.directory {
		a.Type = storage.Directory
	}
	if len(a.Metadata) == 0 {
		a.Metadata = nil
	}
	return a
}
