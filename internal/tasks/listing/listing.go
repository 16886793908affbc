// Package listing is what triggers have in common that look for files: in a directory, on a server, in a bucket. It decides
// which files are new or changed, brings them to internal storage, and moves or deletes them once it is certain that the
// flow starts for them.
//
// What must not happen is that a file is moved away and no flow ever hears of it, or that a flow hears of it twice. So the
// order is: bring the files; tell the trigger, durably; remember in the key-value store that they were told of; move them;
// forget them. Whatever ends in between goes on from there the next time: a file that is remembered, and that has not changed
// since, is only moved.
package listing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/sdk"
)

// File is a file that was found.
type File struct {
	// Key names it in its place, Version differs when its content does.
	Key, Version string
	Modified     time.Time
	// Of is what the place knows of it.
	Of any
}

// Place is where files are.
type Place interface {
	// List returns the files that the trigger is about, and whether those are all: a place that is limited tells only some.
	List(ctx context.Context) (files []File, all bool, err error)
	// Open reads a file. An error that is fs.ErrNotExist tells that it has gone.
	Open(ctx context.Context, f File) (io.ReadCloser, error)
	// Current is the version that the file has now, "" if it has gone.
	Current(ctx context.Context, f File) (string, error)
	// Delete removes a file, Move puts it where the trigger says.
	Delete(ctx context.Context, f File) error
	Move(ctx context.Context, f File) error
	Close()
}

// What becomes of the files.
const (
	Move   = "MOVE"
	Delete = "DELETE"
	None   = "NONE"
)

// Which changes of files start the flow.
const (
	onCreate = "CREATE"
	onUpdate = "UPDATE"
	onBoth   = "CREATE_OR_UPDATE"
)

// Watch are the properties that all such triggers have.
type Watch struct {
	Interval sdk.Duration  `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each look."`
	On       string        `json:"on" default:"CREATE_OR_UPDATE" enum:"CREATE,UPDATE,CREATE_OR_UPDATE" doc:"Which files count where they are left in place: new ones, changed ones, or both."`
	StateKey string        `json:"stateKey" doc:"The key of the namespace's key-value store under which is remembered which files were seen; without it one of the trigger's own."`
	StateTTL *sdk.Duration `json:"stateTtl" doc:"How long that is remembered; without it as long as the file is there."`
	MaxFiles int           `json:"maxFiles" default:"25" min:"1" doc:"How many files one execution gets at most; the others are for the next one."`
}

// Fired is a file that starts the flow.
type Fired struct {
	File
	URI string // in internal storage
	// Change is CREATE or UPDATE.
	Change string
}

// Look is one evaluation of a trigger.
type Look struct {
	Watch
	Action string
	KV     *kv.Store
	Place  Place
	// Order sorts what is found before it is limited; nil leaves it.
	Order func(a, b File) int
	// Trigger names the trigger's state where it has no key.
	Trigger string

	run   sdk.Run
	state *state
}

// Find looks for files and returns those that start the flow, which the caller makes variables of. What it returns has to be
// settled, also where there are no files; nil tells that nothing has to be.
func (l *Look) Find(ctx context.Context, run sdk.Run) (*Found, error) {
	l.run = run
	files, all, err := l.Place.List(ctx)
	if err != nil {
		return nil, err
	}
	if l.state, err = l.remembered(ctx); err != nil {
		return nil, err
	}
	if all {
		l.state.keepOnly(files)
	}
	pending := l.pending(ctx, files)
	if l.Order != nil {
		slices.SortStableFunc(pending, func(a, b Fired) int { return l.Order(a.File, b.File) })
	}
	if len(pending) > l.MaxFiles {
		run.Log(sdk.LevelInfo, "%d files were found: the first %d are taken", len(pending), l.MaxFiles)
		pending = pending[:l.MaxFiles]
	}
	if pending, err = l.bring(ctx, pending); err != nil {
		return nil, err
	}
	if err := l.state.save(ctx); err != nil {
		return nil, err
	}
	return &Found{Files: pending, look: l}, nil
}

func (l *Look) removes() bool { return l.Action == Move || l.Action == Delete }

// pending are the files that start the flow, as far as is remembered. Others are remembered as they are, and those that were
// told of and not removed are removed.
func (l *Look) pending(ctx context.Context, files []File) []Fired {
	var out []Fired
	for _, f := range files {
		known, seen := l.state.entries[f.Key]
		same := seen && known.Version == f.Version
		switch {
		case same && l.removes():
			l.remove(ctx, f)
		case same:
		case l.removes():
			out = append(out, Fired{File: f, Change: onCreate})
		case !seen && l.On != onUpdate:
			out = append(out, Fired{File: f, Change: onCreate})
		case seen && l.On != onCreate:
			out = append(out, Fired{File: f, Change: onUpdate})
		default:
			l.state.put(f)
		}
	}
	return out
}

// bring stores the files. One that has gone in the meantime is left out.
func (l *Look) bring(ctx context.Context, pending []Fired) ([]Fired, error) {
	out := pending[:0]
	for _, f := range pending {
		uri, err := l.store(ctx, f.File)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Key, err)
		}
		f.URI = uri
		out = append(out, f)
	}
	return out, nil
}

func (l *Look) store(ctx context.Context, f File) (string, error) {
	r, err := l.Place.Open(ctx, f)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return l.run.Store(ctx, NameOf(f.Key), r)
}

var extension = regexp.MustCompile(`^\.[A-Za-z0-9]{1,16}$`)

// NameOf is what a file is called in internal storage: files of one name in several directories are not mixed up.
func NameOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	name := hex.EncodeToString(sum[:10])
	if ext := path.Ext(key); extension.MatchString(ext) {
		name += ext
	}
	return name
}

// remove moves or deletes a file and forgets it. One that has changed since is left: it is found again. A failure is logged;
// the file is remembered, and removed the next time.
func (l *Look) remove(ctx context.Context, f File) bool {
	version, err := l.Place.Current(ctx, f)
	if err == nil && version == f.Version {
		if l.Action == Move {
			err = l.Place.Move(ctx, f)
		} else {
			err = l.Place.Delete(ctx, f)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.run.Log(sdk.LevelError, "%s could not be removed, which is tried again: %s", f.Key, err)
		return false
	}
	l.state.forget(f)
	return true
}

// Found is what a look has found.
type Found struct {
	Files []Fired
	look  *Look
}

// Settle marks the files as told of, and removes them.
func (f *Found) Settle(ctx context.Context, durable bool) error {
	l := f.look
	defer l.Place.Close()
	if !durable {
		return nil
	}
	for _, file := range f.Files {
		l.state.put(file.File)
	}
	if err := l.state.save(ctx); err != nil {
		return err
	}
	if !l.removes() {
		return nil
	}
	left := 0
	for _, file := range f.Files {
		if !l.remove(ctx, file.File) {
			left++
		}
	}
	err := l.state.save(ctx)
	if left > 0 {
		err = errors.Join(err, fmt.Errorf("%d files could not be removed", left))
	}
	return err
}

// Order returns the order of that name: LAST_MODIFIED_ASC, LAST_MODIFIED_DESC, NAME_ASC, NAME_DESC; nil for NONE.
func Order(name string) func(a, b File) int {
	var by func(a, b File) int
	switch {
	case strings.HasPrefix(name, "LAST_MODIFIED"):
		by = func(a, b File) int { return a.Modified.Compare(b.Modified) }
	case strings.HasPrefix(name, "NAME"):
		by = func(a, b File) int { return strings.Compare(path.Base(a.Key), path.Base(b.Key)) }
	default:
		return nil
	}
	if strings.HasSuffix(name, "_DESC") {
		return func(a, b File) int { return by(b, a) }
	}
	return by
}
