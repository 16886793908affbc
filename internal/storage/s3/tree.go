package s3

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/windhover-io/windhover/internal/storage"
)

// atOnce is how many objects are asked about at the same time.
const atOnce = 8

// keys calls f for each object below a directory with its path there, which ends with a slash for the marker of a directory
// and is empty for the directory's own.
func (s *Storage) keys(ctx context.Context, dir storage.URI, recursive bool, f func(rel string) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing that goes on beside this
	defer cancel()
	prefix := s.key(dir.AsDirectory())
	for info := range s.client.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: recursive}) {
		if info.Err != nil {
			return info.Err
		}
		if err := f(strings.TrimPrefix(info.Key, prefix)); err != nil {
			return err
		}
	}
	return ctx.Err()
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
	err = s.keys(ctx, dir, true, func(rel string) error {
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

// List implements storage.Storage. Each file costs a request: a list says nothing of metadata.
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

func (s *Storage) list(ctx context.Context, dir storage.URI) ([]storage.Attributes, error) {
	there := dir.IsRoot()
	var found []storage.URI
	err := s.keys(ctx, dir, false, func(rel string) error {
		there = true
		if uri, err := dir.Join(rel); err == nil && rel != "" {
			found = append(found, uri)
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
	group.SetLimit(atOnce)
	for i, uri := range found {
		if uri.IsDirectory() {
			list[i] = storage.Attributes{Name: uri.Name(), Type: storage.Directory}
			continue
		}
		group.Go(func() error {
			a, err := s.stat(ctx, uri)
			list[i] = a
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

// notDirectory says what is there instead of a directory.
func (s *Storage) notDirectory(ctx context.Context, dir storage.URI) error {
	_, err := s.client.StatObject(ctx, s.bucket, s.key(dir.AsFile()), minio.StatObjectOptions{})
	switch {
	case err == nil && !dir.IsDirectory():
		return storage.ErrNotDirectory
	case err == nil || notThere(err):
		return storage.ErrNotFound
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
		_, err := s.client.StatObject(ctx, s.bucket, s.key(uri), minio.StatObjectOptions{})
		if err == nil {
			return []storage.URI{uri}, s.client.RemoveObject(ctx, s.bucket, s.key(uri), minio.RemoveObjectOptions{})
		}
		if !notThere(err) {
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

// remove deletes objects, and the markers of directories, which may not be there. What is inside a directory precedes it.
func (s *Storage) remove(ctx context.Context, uris []storage.URI) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	objects := make(chan minio.ObjectInfo)
	go func() {
		defer close(objects)
		for _, uri := range uris {
			select {
			case objects <- minio.ObjectInfo{Key: s.key(uri)}:
			case <-ctx.Done():
				return
			}
		}
	}()
	var errs []error
	for failed := range s.client.RemoveObjects(ctx, s.bucket, objects, minio.RemoveObjectsOptions{}) {
		if !notThere(failed.Err) {
			errs = append(errs, failed.Err)
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// maxCopy is the largest object that a server copies in one piece, in bytes.
const maxCopy = 5 << 30

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
		if err := s.copy(ctx, from, to, source.Size); err != nil {
			return err
		}
		return s.client.RemoveObject(ctx, s.bucket, s.key(from), minio.RemoveObjectOptions{})
	}
	return s.moveDirectory(ctx, from.AsDirectory(), to.AsDirectory())
}

func (s *Storage) moveDirectory(ctx context.Context, from, to storage.URI) error {
	all, _, err := s.below(ctx, from, true)
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
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
			info, err := s.client.StatObject(within, s.bucket, s.key(uri), minio.StatObjectOptions{})
			if err != nil {
				return err
			}
			return s.copy(within, uri, place, info.Size)
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

func (s *Storage) copy(ctx context.Context, from, to storage.URI, size int64) error {
	src := minio.CopySrcOptions{Bucket: s.bucket, Object: s.key(from)}
	dst := minio.CopyDestOptions{Bucket: s.bucket, Object: s.key(to)}
	var err error
	if size > maxCopy {
		_, err = s.client.ComposeObject(ctx, dst, src)
	} else {
		_, err = s.client.Client.CopyObject(ctx, dst, src)
	}
	return err
}
