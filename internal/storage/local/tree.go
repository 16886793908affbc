package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/storage"
)

// Stat implements storage.Storage.
func (s *Storage) Stat(ctx context.Context, uri storage.URI) (storage.Attributes, error) {
	p, err := s.locate(ctx, "stat", uri)
	if err != nil {
		return storage.Attributes{}, err
	}
	info, err := p.root.Stat(p.path)
	if err != nil {
		return storage.Attributes{}, s.fail("stat", uri, err)
	}
	attributes, err := p.describe(uri.Name(), uri.IsDirectory(), info)
	if err != nil {
		return storage.Attributes{}, s.fail("stat", uri, err)
	}
	return attributes, nil
}

// List implements storage.Storage.
func (s *Storage) List(ctx context.Context, uri storage.URI) ([]storage.Attributes, error) {
	p, err := s.locate(ctx, "list", uri)
	if err != nil {
		return nil, err
	}
	children, err := p.children()
	if err != nil {
		return nil, s.fail("list", uri, err)
	}
	list := make([]storage.Attributes, 0, len(children))
	for _, c := range children {
		attributes, err := c.describe(c.name, false, c.info)
		if missing(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, s.fail("list", uri, err)
		}
		list = append(list, attributes)
	}
	slices.SortFunc(list, func(a, b storage.Attributes) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// child is something in a directory.
type child struct {
	place
	name string
	info fs.FileInfo // of what a link leads to
}

// children returns what users put into a directory. Left out are links that lead nowhere or outside.
func (p place) children() ([]child, error) {
	dir, err := p.root.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil || !info.IsDir() {
		return nil, errors.Join(storage.ErrNotDirectory, err)
	}
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var children []child
	for _, e := range entries {
		name, ok := decodeName(e.Name())
		if !ok {
			continue
		}
		c := child{place: place{p.root, filepath.Join(p.path, e.Name())}, name: name}
		if c.info, err = c.root.Stat(c.path); err == nil {
			children = append(children, c)
		}
	}
	return children, nil
}

// AllByPrefix implements storage.Storage. Links to directories are not followed.
func (s *Storage) AllByPrefix(ctx context.Context, uri storage.URI, directories bool) ([]storage.URI, error) {
	p, err := s.locate(ctx, "list", uri)
	if err != nil {
		return nil, err
	}
	all, err := p.below(ctx, uri, directories)
	if err != nil {
		return nil, s.fail("list", uri, err)
	}
	slices.SortFunc(all, func(a, b storage.URI) int { return strings.Compare(b.Path(), a.Path()) })
	return all, nil
}

// below returns what is below a directory at any depth, nothing for a file or for what is not there.
func (p place) below(ctx context.Context, uri storage.URI, directories bool) ([]storage.URI, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	children, err := p.children()
	if missing(err) || errors.Is(err, storage.ErrNotDirectory) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []storage.URI
	for _, c := range children {
		at, err := uri.Join(c.name)
		if err != nil {
			continue // no URI leads there
		}
		link, err := c.root.Lstat(c.path)
		switch {
		case err != nil:
			continue // removed meanwhile
		case !c.info.IsDir():
			all = append(all, at)
			continue
		case directories:
			all = append(all, at.AsDirectory())
		}
		if link.IsDir() {
			below, err := c.below(ctx, at, directories)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
		}
	}
	return all, nil
}

// Delete implements storage.Storage.
func (s *Storage) Delete(ctx context.Context, uri storage.URI) (bool, error) {
	p, err := s.locate(ctx, "delete", uri)
	if err != nil {
		return false, err
	}
	found, err := p.remove(uri)
	if err != nil {
		return false, s.fail("delete", uri, err)
	}
	return found, nil
}

// remove deletes a file with its metadata, or a directory with all it holds, but of the tenant's
// own directory only the content.
func (p place) remove(uri storage.URI) (bool, error) {
	if uri.IsRoot() {
		children, err := p.children()
		for _, c := range children {
			err = errors.Join(err, removeWithMetadata(c.root, c.path))
		}
		return len(children) > 0, err
	}
	info, err := p.root.Lstat(p.path)
	if missing(err) || err == nil && uri.IsDirectory() && info.Mode().IsRegular() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := removeWithMetadata(p.root, p.path); err != nil {
		return false, err
	}
	return true, syncDir(p.root, filepath.Dir(p.path))
}

func removeWithMetadata(root *os.Root, path string) error {
	if err := root.RemoveAll(path); err != nil {
		return err
	}
	return root.RemoveAll(path + metadataSuffix)
}

// DeleteByPrefix implements storage.Storage.
func (s *Storage) DeleteByPrefix(ctx context.Context, uri storage.URI) ([]storage.URI, error) {
	attributes, err := s.Stat(ctx, uri)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	removed, err := s.AllByPrefix(ctx, uri, true)
	if err != nil {
		return nil, err
	}
	if _, err := s.Delete(ctx, uri); err != nil {
		return nil, err
	}
	switch {
	case uri.IsRoot():
	case attributes.Type == storage.Directory:
		removed = append(removed, uri.AsDirectory())
	default:
		removed = append(removed, uri)
	}
	return removed, nil
}

// Move implements storage.Storage.
func (s *Storage) Move(ctx context.Context, from, to storage.URI) error {
	source, err := s.locate(ctx, "move", from)
	if err != nil {
		return err
	}
	target, err := s.locate(ctx, "move", to)
	if err != nil {
		return err
	}
	if from.Tenant() != to.Tenant() {
		return storage.Error("move", to, storage.ErrInvalid)
	}
	attributes, err := s.Stat(ctx, from)
	switch {
	case err != nil:
		return err
	case source.path == target.path:
		return nil
	case from.IsRoot() || to.Within(from):
		return storage.Error("move", to, storage.ErrInvalid)
	}
	if info, err := target.root.Stat(target.path); err == nil && (info.IsDir() || attributes.Type == storage.Directory) {
		return storage.Error("move", to, storage.ErrExists)
	}
	if err := source.rename(target, attributes.Metadata != nil); err != nil {
		return s.fail("move", to, err)
	}
	return nil
}

func (p place) rename(target place, metadata bool) error {
	if err := target.moveIn(p.path); err != nil {
		return err
	}
	var err error
	if metadata {
		err = p.root.Rename(p.path+metadataSuffix, target.path+metadataSuffix)
	} else {
		err = p.root.RemoveAll(target.path + metadataSuffix)
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDir(p.root, filepath.Dir(target.path)), syncDir(p.root, filepath.Dir(p.path)))
}
