package fs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

// tree is a file system that tasks work in: a server's, or what the configuration allows of the worker's machine. Names are
// those of flows, absolute and with slashes.
type tree interface {
	// Name makes the name of what a flow has written: a path, or a URI that uri has made.
	Name(written string) string
	// URI is how outputs tell of a file.
	URI(name string) string
	// Stat tells of a file, or of what a link leads to; the error is fs.ErrNotExist where there is none.
	Stat(name string) (fs.FileInfo, error)
	// Lstat is Stat that tells of a link itself.
	Lstat(name string) (fs.FileInfo, error)
	// ReadDir lists a directory; a link in it is a link.
	ReadDir(ctx context.Context, name string) ([]fs.FileInfo, error)
	Open(name string) (io.ReadCloser, error)
	// Write makes a file anew. One that is not complete is removed.
	Write(ctx context.Context, name string, r io.Reader) (size int64, err error)
	MkdirAll(name string) error
	// Remove removes a file, or an empty directory.
	Remove(name string) error
	// Rename moves a file or a directory, and replaces a file that is there.
	Rename(from, to string) error
	Close()
}

// opener is what says which tree is meant.
type opener interface {
	open(ctx context.Context) (tree, error)
}

// within runs a task in its tree.
func within(ctx context.Context, o opener, do func(t tree) (any, error)) (any, error) {
	t, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return do(t)
}

// found is a file of a tree.
type found struct {
	name string
	info fs.FileInfo
}

// Selection says which files of a directory are meant.
type Selection struct {
	RegExp    string `json:"regExp" doc:"What the whole path of a file has to match."`
	Recursive bool   `json:"recursive" default:"false" doc:"Whether directories below it count."`
}

// files are the regular files of a directory, or the one that it is. Where it is missing there are none.
func (s *Selection) files(ctx context.Context, t tree, dir string) ([]found, error) {
	matches, err := listing.Pattern("regExp", s.RegExp)
	if err != nil {
		return nil, err
	}
	info, err := t.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var out []found
	add := func(f found) error {
		ok, err := matches(f.name)
		if ok {
			out = append(out, f)
		}
		return err
	}
	if !info.IsDir() {
		return out, add(found{dir, info})
	}
	return out, walk(ctx, t, dir, func(f found) (bool, error) {
		switch {
		case f.info.IsDir():
			return s.Recursive, nil
		case f.info.Mode().IsRegular():
			return false, add(f)
		}
		return false, nil
	})
}

// walk calls visit with everything in a directory; what it says tells whether to look into a directory.
func walk(ctx context.Context, t tree, dir string, visit func(found) (into bool, err error)) error {
	entries, err := t.ReadDir(ctx, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	for _, e := range entries {
		f := found{path.Join(dir, e.Name()), e}
		into, err := visit(f)
		if err == nil && into && e.IsDir() {
			err = walk(ctx, t, f.name, visit)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// first are the first files, and a warning where there are more.
func first[T any](run sdk.Run, list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	run.Log(sdk.LevelWarn, "there are %d files, and maxFiles is %d: the others are left", len(list), most)
	return list[:most]
}

// sorted puts files into the order of that name.
func sorted(list []found, order string) {
	by := listing.Order(order)
	if by == nil {
		return
	}
	slices.SortStableFunc(list, func(a, b found) int {
		return cmp.Or(by(a.file(), b.file()), strings.Compare(a.name, b.name))
	})
}

func (f found) file() listing.File {
	return listing.File{Key: f.name, Modified: f.info.ModTime().UTC(), Of: f.info}
}

// isDir tells whether a directory of that name is there.
func isDir(t tree, name string) (bool, error) {
	info, err := t.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// target is where a file of that base comes that is written or moved to what a flow has written: into it, where that is a
// directory or ends with a slash. There must be no file, unless it may be overwritten.
func target(t tree, written, base string, overwrite bool) (string, error) {
	name := t.Name(written)
	into := strings.HasSuffix(written, "/")
	if !into {
		var err error
		if into, err = isDir(t, name); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	if into {
		name = path.Join(name, base)
	}
	info, err := t.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = t.MkdirAll(path.Dir(name))
	case err == nil && info.IsDir():
		return "", fmt.Errorf("%s is a directory, and no file can replace it", name)
	case err == nil && !overwrite:
		return "", fmt.Errorf("%s is there already; overwrite: true replaces it", name)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return name, nil
}

// removeAll removes a directory with all that is in it. Links are removed, not followed.
func removeAll(ctx context.Context, t tree, dir string) error {
	entries, err := t.ReadDir(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			err = removeAll(ctx, t, name)
		} else {
			err = t.Remove(name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return t.Remove(dir)
}

// removeEmpty removes a directory and those below it, unless there is something in them.
func removeEmpty(ctx context.Context, t tree, dir string) (empty bool, err error) {
	entries, err := t.ReadDir(ctx, dir)
	if err != nil {
		return false, fmt.Errorf("%s: %w", dir, err)
	}
	empty = true
	for _, e := range entries {
		gone := false
		if e.IsDir() {
			if gone, err = removeEmpty(ctx, t, path.Join(dir, e.Name())); err != nil {
				return false, err
			}
		}
		empty = empty && gone
	}
	if empty {
		err = t.Remove(dir)
	}
	return empty, err
}

// copyFile writes one file as another.
func copyFile(ctx context.Context, t tree, from, to string) error {
	r, err := t.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = t.Write(ctx, to, r)
	return err
}
