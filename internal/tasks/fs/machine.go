package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Machine is the worker's machine, as far as it is allowed.
type Machine struct{ allowed []string }

// allowing says how directories are allowed.
const allowing = "The directories have to be allowed:\n\n" +
	"```yaml\nkestra:\n  plugins:\n    configurations:\n      - type: io.kestra.plugin.fs.local\n        values:\n          allowed-paths: [/data/files]\n```"

// spot is a directory within an allowed one.
type spot struct {
	root *os.Root
	rel  string
}

// spot finds a directory within the allowed ones.
func (m Machine) spot(property, name string) (*spot, error) {
	if len(m.allowed) == 0 {
		return nil, errNothingAllowed
	}
	asked, err := filepath.Abs(strings.TrimPrefix(name, "file://"))
	if err != nil {
		return nil, err
	}
	asked = resolved(asked)
	for _, allowed := range m.allowed {
		base, err := filepath.Abs(allowed)
		if err != nil {
			return nil, err
		}
		base = resolved(base)
		rel, err := filepath.Rel(base, asked)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		root, err := os.OpenRoot(base)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", property, err)
		}
		return &spot{root, rel}, nil
	}
	return nil, fmt.Errorf("%s: %s is not within the allowed directories: %s", property, name, strings.Join(m.allowed, ", "))
}

// resolved follows the links of a path, as far as it exists.
func resolved(name string) string {
	rest := ""
	for at := name; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if filepath.Dir(at) == at {
			return name
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

func (s *spot) path(rel string) string { return filepath.Join(s.root.Name(), rel) }

var errNothingAllowed = fmt.Errorf("no directory is allowed: list some as %s of %s in plugins.configurations", allowedName, localArea)

// local is the tree of the allowed directories. All access goes by os.Root, so that no link leads out of what is allowed. Names
// are paths of the machine with slashes.
type local struct {
	Machine
	roots map[string]*os.Root // by their paths
}

func (m Machine) open(context.Context) (tree, error) {
	if len(m.allowed) == 0 {
		return nil, errNothingAllowed
	}
	return &local{m, map[string]*os.Root{}}, nil
}

// in calls f with the allowed directory that a name lies in. Links are followed, to where that is allowed.
func in[T any](l *local, name string, f func(r *os.Root, rel string) (T, error)) (T, error) {
	s, err := l.spot("path", filepath.FromSlash(name))
	return use(l, s, err, f)
}

// at is in for what is about a name itself, also where it is a link.
func at[T any](l *local, name string, f func(r *os.Root, rel string) (T, error)) (T, error) {
	s, err := l.itself(name)
	return use(l, s, err, f)
}

// itself finds a name in the directory that it is in, or a directory that is allowed as a whole.
func (l *local) itself(name string) (*spot, error) {
	dir, base := filepath.Split(filepath.FromSlash(name))
	s, err := l.spot("path", dir)
	if err != nil {
		return l.spot("path", filepath.FromSlash(name))
	}
	s.rel = filepath.Join(s.rel, base)
	return s, nil
}

func use[T any](l *local, s *spot, err error, f func(r *os.Root, rel string) (T, error)) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	if known := l.roots[s.root.Name()]; known != nil {
		s.root.Close()
		s.root = known
	} else {
		l.roots[s.root.Name()] = s.root
	}
	return f(s.root, s.rel)
}

func (l *local) Name(written string) string {
	if u, err := url.Parse(written); err == nil && u.Scheme == "file" {
		written = u.Path
		if runtime.GOOS == "windows" {
			written = strings.TrimPrefix(written, "/")
		}
	}
	if at, err := filepath.Abs(written); err == nil {
		written = at
	}
	return filepath.ToSlash(written)
}

func (l *local) URI(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return (&url.URL{Scheme: "file", Path: name}).String()
}

func (l *local) Stat(name string) (fs.FileInfo, error) { return in(l, name, (*os.Root).Stat) }

func (l *local) Lstat(name string) (fs.FileInfo, error) { return at(l, name, (*os.Root).Lstat) }

func (l *local) ReadDir(_ context.Context, name string) ([]fs.FileInfo, error) {
	return in(l, name, func(r *os.Root, rel string) ([]fs.FileInfo, error) {
		entries, err := fs.ReadDir(r.FS(), filepath.ToSlash(rel))
		var out []fs.FileInfo
		for _, e := range entries {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, info)
		}
		return out, err
	})
}

func (l *local) Open(name string) (io.ReadCloser, error) {
	return in(l, name, func(r *os.Root, rel string) (io.ReadCloser, error) { return r.Open(rel) })
}

// Write writes beside the file first, so that nobody sees a part of it.
func (l *local) Write(ctx context.Context, name string, from io.Reader) (int64, error) {
	return in(l, name, func(r *os.Root, rel string) (int64, error) {
		part := rel + ".part"
		to, err := r.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(to, from)
		if err = errors.Join(err, ctx.Err(), to.Sync(), to.Close()); err == nil {
			err = r.Rename(part, rel)
		}
		if err != nil {
			return 0, errors.Join(err, r.Remove(part))
		}
		return n, nil
	})
}

func (l *local) MkdirAll(name string) error {
	_, err := in(l, name, func(r *os.Root, rel string) (any, error) { return nil, r.MkdirAll(rel, 0o755) })
	return err
}

func (l *local) Remove(name string) error {
	_, err := at(l, name, func(r *os.Root, rel string) (any, error) { return nil, r.Remove(rel) })
	return err
}

// whole tells whether a directory is allowed as a whole.
func (l *local) whole(name string) bool {
	whole, err := at(l, name, func(_ *os.Root, rel string) (bool, error) { return rel == ".", nil })
	return whole && err == nil
}

// Rename copies between two allowed directories, or file systems.
func (l *local) Rename(from, to string) error {
	a, err := l.itself(from)
	if err != nil {
		return err
	}
	defer a.root.Close()
	b, err := l.itself(to)
	if err != nil {
		return err
	}
	defer b.root.Close()
	if a.root.Name() == b.root.Name() && a.root.Rename(a.rel, b.rel) == nil {
		return nil
	}
	if info, err := a.root.Lstat(a.rel); err != nil || info.IsDir() {
		return errors.Join(err, fmt.Errorf("the directory %s cannot be moved to another file system", from))
	}
	if err := copyFile(context.Background(), l, from, to); err != nil {
		return err
	}
	return a.root.Remove(a.rel)
}

func (l *local) Close() {
	for _, r := range l.roots {
		r.Close()
	}
}
