// Package local keeps internal storage in a directory, in the layout of the reference's local
// storage: {base}/{tenant}/{path}, metadata as Ion beside the file.
//
// Nothing a URI or a link says leads out of a tenant's directory. Several processes, on a shared
// file system several machines, may use one directory.
package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/windhover-io/windhover/internal/storage"
)

const (
	directoryMode = 0o750
	fileMode      = 0o640
)

// staleAfter is the age at which an unfinished file is taken for one whose writer is gone.
const staleAfter = 24 * time.Hour

// Storage is a storage.Storage on a directory.
type Storage struct {
	base *os.Root
	// escapes is what os says of a path that leads out of a root; it has no exported name.
	escapes error

	mu      sync.Mutex
	tenants map[string]*os.Root // opened when first used
}

var _ storage.Storage = (*Storage)(nil)

// Open uses a directory, which it makes where there is none. Close it after use.
func Open(dir string) (*Storage, error) {
	if err := os.MkdirAll(dir, directoryMode); err != nil {
		return nil, fmt.Errorf("open local storage: %w", err)
	}
	base, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open local storage: %w", err)
	}
	s := &Storage{base: base, tenants: map[string]*os.Root{}}
	_, err = base.Lstat("..")
	s.escapes = cause(err)
	return s, nil
}

// Close ends the use of the directory; open objects stay readable.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := []error{s.base.Close()}
	for _, root := range s.tenants {
		errs = append(errs, root.Close())
	}
	return errors.Join(errs...)
}

// place is a URI on disk: a path below its tenant's directory.
type place struct {
	root *os.Root
	path string
}

// locate finds where a URI is on disk. The tenant's directory is made if it is needed.
func (s *Storage) locate(ctx context.Context, op string, uri storage.URI) (place, error) {
	if err := storage.Check(ctx, op, uri); err != nil {
		return place{}, err
	}
	path, err := diskPath(uri)
	if err != nil {
		return place{}, storage.Error(op, uri, err)
	}
	root, err := s.tenant(uri.Tenant())
	if err != nil {
		return place{}, s.fail(op, uri, err)
	}
	return place{root, path}, nil
}

func (s *Storage) tenant(name string) (*os.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if root := s.tenants[name]; root != nil {
		return root, nil
	}
	disk := encodeName(name)
	switch err := s.base.Mkdir(disk, directoryMode); {
	case err == nil:
		if err := syncDir(s.base, "."); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	root, err := s.base.OpenRoot(disk)
	if err != nil {
		return nil, err
	}
	removeStale(root)
	s.tenants[name] = root
	return root, nil
}

// removeStale clears away what crashed writers left. It may fail: nothing depends on it.
func removeStale(root *os.Root) {
	dir, err := root.Open(partialSuffix)
	if err != nil {
		return
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(-1)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = root.Remove(filepath.Join(partialSuffix, e.Name()))
		}
	}
}

// Get implements storage.Storage. The object can be sought in.
func (s *Storage) Get(ctx context.Context, uri storage.URI) (*storage.Object, error) {
	p, err := s.locate(ctx, "get", uri)
	if err != nil {
		return nil, err
	}
	file, err := p.root.Open(p.path)
	if err != nil {
		return nil, s.fail("get", uri, err)
	}
	attributes, err := s.describeOpen(p, uri, file)
	if err == nil && attributes.Type == storage.Directory {
		err = storage.ErrIsDirectory
	}
	if err != nil {
		file.Close()
		return nil, s.fail("get", uri, err)
	}
	return &storage.Object{ReadCloser: file, Attributes: attributes}, nil
}

func (s *Storage) describeOpen(p place, uri storage.URI, file *os.File) (storage.Attributes, error) {
	info, err := file.Stat()
	if err != nil {
		return storage.Attributes{}, err
	}
	return p.describe(uri.Name(), uri.IsDirectory(), info)
}

// Put implements storage.Storage. The file and its metadata are each replaced at once, one after the other.
func (s *Storage) Put(ctx context.Context, uri storage.URI, content io.Reader, metadata map[string]string) error {
	p, err := s.locate(ctx, "put", uri)
	if err != nil {
		return err
	}
	if err := p.put(ctx, uri, content, metadata); err != nil {
		return s.fail("put", uri, err)
	}
	return nil
}

func (p place) put(ctx context.Context, uri storage.URI, content io.Reader, metadata map[string]string) error {
	if info, err := p.root.Stat(p.path); uri.IsDirectory() || err == nil && info.IsDir() {
		return storage.ErrIsDirectory
	}
	partial, err := p.write(ctx, content)
	if err != nil {
		return err
	}
	defer func() { _ = p.root.Remove(partial) }() // fails, as it should, once the file is in place
	beside, err := p.writeMetadata(ctx, metadata)
	if err != nil {
		return err
	}
	if beside != "" {
		defer func() { _ = p.root.Remove(beside) }()
	}
	if err := p.moveIn(partial); err != nil {
		return err
	}
	if beside != "" {
		err = p.root.Rename(beside, p.path+metadataSuffix)
	} else {
		err = p.root.RemoveAll(p.path + metadataSuffix)
	}
	if err != nil {
		return err
	}
	return syncDir(p.root, filepath.Dir(p.path))
}

// moveIn renames a file to where p is, and makes the directories above. Another process may be
// deleting these at the same time, so that they have to be made again.
func (p place) moveIn(from string) error {
	for attempt := 1; ; attempt++ {
		if err := makeDirs(p.root, filepath.Dir(p.path)); err != nil {
			return err
		}
		err := p.root.Rename(from, p.path)
		if err == nil || attempt == 3 || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// write stores a stream in a file of its own, outside of what users see, and returns its path.
func (p place) write(ctx context.Context, content io.Reader) (string, error) {
	if err := p.root.Mkdir(partialSuffix, directoryMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	partial := filepath.Join(partialSuffix, rand.Text())
	file, err := p.root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, storage.ContextReader(ctx, content))
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = p.root.Remove(partial)
		return "", err
	}
	return partial, nil
}

// CreateDirectory implements storage.Storage.
func (s *Storage) CreateDirectory(ctx context.Context, uri storage.URI) error {
	p, err := s.locate(ctx, "create directory", uri)
	if err != nil {
		return err
	}
	info, err := p.root.Stat(p.path)
	switch {
	case err == nil && !info.IsDir():
		err = storage.ErrExists
	case errors.Is(err, fs.ErrNotExist):
		err = makeDirs(p.root, p.path)
	}
	if err != nil {
		return s.fail("create directory", uri, err)
	}
	return nil
}

// makeDirs makes a directory and those above it, each of which survives a crash.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	err := root.Mkdir(dir, directoryMode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeDirs(root, filepath.Dir(dir)); err != nil {
			return err
		}
		err = root.Mkdir(dir, directoryMode)
	}
	if err == nil {
		return syncDir(root, filepath.Dir(dir))
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := root.Stat(dir); err != nil || !info.IsDir() {
		return errors.Join(storage.ErrNotDirectory, err)
	}
	return nil
}

// syncDir makes the names in a directory durable. Windows cannot, and does not need it.
func syncDir(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// missing reports whether an error says that there is nothing, be it because a directory on the way
// is a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// fail gives an error of the system the meaning that the port has for it.
func (s *Storage) fail(op string, uri storage.URI, err error) error {
	writes := op == "put" || op == "move" || op == "create directory"
	switch {
	case errors.Is(err, syscall.ENOTDIR) && writes:
		err = storage.ErrNotDirectory
	case missing(err):
		err = storage.ErrNotFound
	case s.escapes != nil && errors.Is(err, s.escapes):
		err = storage.ErrOutsideRoot
	}
	return storage.Error(op, uri, err)
}

// cause returns what is wrong, without the path that it is wrong with.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
