package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/windhover-io/windhover/sdk"
)

// ListFiles says which files are listed.
type ListFiles struct {
	From string `json:"from" required:"true" doc:"The directory; where it is missing there are no files."`
	Selection
	MaxFiles int    `json:"maxFiles" default:"25" min:"0" doc:"How many files are listed at most."`
	Sort     string `json:"sort" default:"NONE" enum:"NONE,LAST_MODIFIED_ASC,LAST_MODIFIED_DESC,NAME_ASC,NAME_DESC" doc:"Which files come first."`
}

func (l *ListFiles) list(ctx context.Context, run sdk.Run, t tree) ([]found, error) {
	list, err := l.files(ctx, t, t.Name(l.From))
	sorted(list, l.Sort)
	return first(run, list, l.MaxFiles), err
}

// DeleteFiles says how files are deleted.
type DeleteFiles struct {
	Selection
	ErrorOnMissing bool `json:"errorOnMissing" default:"false" doc:"Whether it is an error where there is nothing of that name."`
}

// DeleteOutput is what came of deleting.
type DeleteOutput struct {
	URI     string   `json:"uri" doc:"What was to be deleted."`
	Deleted bool     `json:"deleted" doc:"Whether something was."`
	URIs    []string `json:"uris" doc:"The files that were deleted, where regExp chooses them."`
}

// delete deletes a file, a directory, or the files of a directory that match.
func (d *DeleteFiles) delete(ctx context.Context, run sdk.Run, t tree, written string) (any, error) {
	name := t.Name(written)
	out := DeleteOutput{URI: t.URI(name), URIs: []string{}}
	info, err := t.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.ErrorOnMissing:
		return nil, fmt.Errorf("there is no %s", name)
	case errors.Is(err, fs.ErrNotExist):
		run.Log(sdk.LevelDebug, "there is no %s", name)
		return out, nil
	case err == nil && d.RegExp != "":
		return d.matching(ctx, run, t, out, name)
	case err == nil && info.IsDir() && d.Recursive:
		err = removeAll(ctx, t, name)
	case err == nil:
		err = t.Remove(name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out.Deleted = true
	run.Log(sdk.LevelDebug, "%s is deleted", name)
	return out, nil
}

func (d *DeleteFiles) matching(ctx context.Context, run sdk.Run, t tree, out DeleteOutput, dir string) (any, error) {
	list, err := d.files(ctx, t, dir)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if err := t.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		out.URIs = append(out.URIs, t.URI(f.name))
	}
	out.Deleted = len(list) > 0
	run.Log(sdk.LevelInfo, "%d files of %s are deleted", len(list), dir)
	return out, nil
}

// FromTo says what is moved or copied where.
type FromTo struct {
	From      string `json:"from" required:"true" doc:"The file or directory."`
	To        string `json:"to" required:"true" doc:"Where it comes: a path, or for a file a directory, which ends with a slash or is there already. A directory that is there takes what is in the other."`
	Overwrite bool   `json:"overwrite" default:"false" doc:"Whether files that are there are replaced. Of a directory those that may not be are left out."`
}

// transfer brings a file or a directory elsewhere, each file by one, and returns where it is.
func (m *FromTo) transfer(ctx context.Context, run sdk.Run, t tree, one func(from, to string) error, keep bool) (from, to string, err error) {
	from = t.Name(m.From)
	info, err := t.Stat(from)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("from: there is no %s", from)
	case err != nil:
		return "", "", fmt.Errorf("from: %s: %w", from, err)
	case info.IsDir():
		to, err = m.directory(ctx, run, t, from, one, keep)
	default:
		if to, err = target(t, m.To, path.Base(from), m.Overwrite); err == nil && to != from {
			err = one(from, to)
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("to: %w", err)
	}
	run.Log(sdk.LevelInfo, "%s is now %s", from, to)
	return from, to, nil
}

// directory brings what is in a directory to another. A directory that is not there yet is moved as a whole.
func (m *FromTo) directory(ctx context.Context, run sdk.Run, t tree, from string, one func(from, to string) error, keep bool) (string, error) {
	to := t.Name(m.To)
	if strings.HasPrefix(to+"/", from+"/") {
		return "", fmt.Errorf("%s lies within %s", to, from)
	}
	_, err := t.Stat(to)
	if errors.Is(err, fs.ErrNotExist) && !keep {
		if err := t.MkdirAll(path.Dir(to)); err != nil {
			return "", fmt.Errorf("%s: %w", path.Dir(to), err)
		}
		return to, t.Rename(from, to)
	}
	if err := t.MkdirAll(to); err != nil {
		return "", fmt.Errorf("%s: %w", to, err)
	}
	err = walk(ctx, t, from, func(f found) (bool, error) {
		at := path.Join(to, strings.TrimPrefix(f.name, from))
		if f.info.IsDir() {
			return true, t.MkdirAll(at)
		}
		if _, err := t.Stat(at); err == nil && !m.Overwrite {
			run.Log(sdk.LevelWarn, "%s is there already, and %s stays", at, f.name)
			return false, nil
		}
		if !f.info.Mode().IsRegular() {
			run.Log(sdk.LevelWarn, "%s is not a regular file and stays", f.name)
			return false, nil
		}
		return false, one(f.name, at)
	})
	if err == nil && !keep {
		_, err = removeEmpty(ctx, t, from)
	}
	return to, err
}
