package bucket

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/windhover-io/windhover/internal/storage"
)

// AtOnce is how many objects are asked about, copied or removed at the same time.
const AtOnce = 8

// keys calls f for each object below a directory with its path there, which ends with a slash for the marker of a directory
// and is empty for the directory's own.
func (s *Storage) keys(ctx context.Context, dir storage.URI, deep bool, f func(rel string, info *Info) error) error {
	prefix := s.key(dir.AsDirectory())
	err := s.objects.List(ctx, prefix, deep, 0, func(item Item) error { return f(strings.TrimPrefix(item.Key, prefix), item.Info) })
	return errors.Join(err, ctx.Err())
}

// below lists the files below a directory, and with directories these too, in reverse order; there tells whether anything is.
func (s *Storage) below(ctx context.Context, dir storage.URI, directories bool) (found []storage.URI, there bool, err error) {
	seen := map[storage.URI]bool{}
	add := func(uri storage.URI) {
		if !seen[uri] && (directories || !uri.IsDirectory()) {
			seen[uri] = true
			found = append(found, uri)
		}
		for up := uri.Parent(); directories && up != dir.AsDirectory() && !seen[up]; up = up.Parent() {
			seen[up] = true
			found = append(found, up)
		}
	}
	err = s.keys(ctx, dir, true, func(rel string, _ *Info) error {
		there = true
		if uri, err := dir.Join(rel); err == nil && rel != "" { // no URI leads to the others
			add(uri)
		}
		return nil
	})
	slices.SortFunc(found, func(a, b storage.URI) int { return strings.Compare(b.Path(), a.Path()) })
	return found, there, err
}

// AllByPrefix implements storage.Storage.
func (s *Storage) AllByPrefix(ctx context.Context, dir storage.URI, directories bool) ([]storage.URI, error) {
	if err := storage.Check(ctx, "list", dir); err != nil {
		return nil, err
	}
	found, _, err := s.below(ctx, dir, directories)
	if err != nil {
		return nil, storage.Error("list", dir, err)
	}
	return found, nil
}

// List implements storage.Storage. Each file costs a request where lists of the bucket say nothing of metadata.
func (s *Storage) List(ctx context.Context, dir storage.URI) ([]storage.Attributes, error) {
	if err := storage.Check(ctx, "list", dir); err != nil {
		return nil, err
	}
	list, err := s.list(ctx, dir)
	if err != nil {
		return nil, storage.Error("list", dir, err)
	}
	return list, nil
}

// child is a file or a directory of a list.
type child struct {
	uri  storage.URI
	info *Info
}

func (s *Storage) list(ctx context.Context, dir storage.URI) ([]storage.Attributes, error) {
	there := dir.IsRoot()
	var found []child
	err := s.keys(ctx, dir, false, func(rel string, info *Info) error {
		there = true
		if uri, err := dir.Join(rel); err == nil && rel != "" {
			found = append(found, child{uri, info})
		}
		return nil
	})
	if err == nil && !there {
		err = s.notDirectory(ctx, dir)
	}
	if err != nil {
		return nil, err
	}
	list := make([]storage.Attributes, len(found))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	for i, c := range found {
		group.Go(func() (err error) {
			list[i], err = s.describeChild(ctx, c)
			if errors.Is(err, storage.ErrNotFound) {
				return nil // removed meanwhile
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(a storage.Attributes) bool { return a.Type == storage.Directory && a.Name == "" })
	slices.SortFunc(list, func(a, b storage.Attributes) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *Storage) describeChild(ctx context.Context, c child) (storage.Attributes, error) {
	switch {
	case c.uri.IsDirectory():
		return storage.Attributes{Name: c.uri.Name(), Type: storage.Directory}, nil
	case c.info != nil:
		return describe(c.uri, *c.info)
	}
	return s.stat(ctx, c.uri)
}

// notDirectory says what is there instead of a directory.
func (s *Storage) notDirectory(ctx context.Context, dir storage.URI) error {
	_, err := s.objects.Stat(ctx, s.key(dir.AsFile()))
	if err == nil && dir.IsDirectory() {
		return storage.ErrNotFound
	}
	if err == nil {
		return storage.ErrNotDirectory
	}
	return err
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
	removed, err := s.delete(ctx, uri)
	if err != nil {
		return nil, storage.Error("delete", uri, err)
	}
	return removed, nil
}

func (s *Storage) delete(ctx context.Context, uri storage.URI) ([]storage.URI, error) {
	if !uri.IsDirectory() {
		_, err := s.objects.Stat(ctx, s.key(uri))
		if err == nil {
			return []storage.URI{uri}, s.remove(ctx, []storage.URI{uri})
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
	}
	removed, there, err := s.below(ctx, uri, true)
	if err != nil || !there {
		return nil, err
	}
	if !uri.IsRoot() {
		removed = append(removed, uri.AsDirectory())
	}
	return removed, s.remove(ctx, removed)
}

// remove deletes objects, and the markers of directories, which may not be there.
func (s *Storage) remove(ctx context.Context, uris []storage.URI) error {
	keys := make([]string, len(uris))
	for i, uri := range uris {
		keys[i] = s.key(uri)
	}
	return s.objects.Remove(ctx, keys)
}

// RemoveEach is a Remove for servers that take one key at a time.
func RemoveEach(ctx context.Context, keys []string, remove func(ctx context.Context, key string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	for _, key := range keys {
		group.Go(func() error {
			err := remove(ctx, key)
			if errors.Is(err, storage.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// Move implements storage.Storage. The server copies; a move of a directory that ends early has moved some of its files twice
// and none away.
func (s *Storage) Move(ctx context.Context, from, to storage.URI) error {
	if err := errors.Join(storage.Check(ctx, "move", from), storage.Check(ctx, "move", to)); err != nil {
		return err
	}
	if err := s.move(ctx, from, to); err != nil {
		return storage.Error("move", from, err)
	}
	return nil
}

func (s *Storage) move(ctx context.Context, from, to storage.URI) error {
	source, err := s.stat(ctx, from)
	if err != nil {
		return err
	}
	from, to = from.AsFile(), to.AsFile()
	if from == to {
		return nil
	}
	if from.Tenant() != to.Tenant() || from.IsRoot() || to.Within(from) {
		return storage.ErrInvalid
	}
	target, err := s.stat(ctx, to)
	switch {
	case err == nil && (to.IsRoot() || source.Type == storage.Directory || target.Type == storage.Directory):
		return storage.ErrExists
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return err
	}
	if source.Type == storage.File {
		if err := s.objects.Copy(ctx, s.key(from), s.key(to), source.Size); err != nil {
			return err
		}
		return s.remove(ctx, []storage.URI{from})
	}
	return s.moveDirectory(ctx, from.AsDirectory(), to.AsDirectory())
}

func (s *Storage) moveDirectory(ctx context.Context, from, to storage.URI) error {
	all, _, err := s.below(ctx, from, true)
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	for _, uri := range all {
		rel, _ := uri.Rel(from)
		place, err := to.Join(rel)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			if uri.IsDirectory() {
				return s.createDirectory(within, place)
			}
			info, err := s.objects.Stat(within, s.key(uri))
			if err != nil {
				return err
			}
			return s.objects.Copy(within, s.key(uri), s.key(place), info.Size)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.createDirectory(ctx, to); err != nil { // where it was empty
		return err
	}
	return s.remove(ctx, append(all, from))
}
