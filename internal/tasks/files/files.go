// Package files moves files between a task's working directory, internal storage and namespaces. No path that a flow names
// leaves the directory.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Put writes input files into the directory: a map, or its JSON text, of names to contents. A content that is a URI of
// internal storage or of a namespace file stands for that file.
func Put(ctx context.Context, run sdk.Run, dir string, inputs any) error {
	if text, ok := inputs.(string); ok {
		if strings.TrimSpace(text) == "" {
			return nil
		}
		v, err := value.ParseJSON([]byte(text))
		if err != nil {
			return fmt.Errorf("inputFiles: expected a map, or its JSON: %w", err)
		}
		inputs = v
	}
	if inputs == nil {
		return nil
	}
	m, ok := value.AsMap(inputs)
	if !ok {
		return fmt.Errorf("inputFiles: expected a map of names to contents, got %s", value.TypeName(inputs))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, content := range m.All() {
		if content == nil {
			continue
		}
		if err := putOne(ctx, run, root, name, value.Print(content)); err != nil {
			return fmt.Errorf("inputFiles: %s: %w", name, err)
		}
	}
	return nil
}

func putOne(ctx context.Context, run sdk.Run, root *os.Root, name, content string) error {
	if !IsURI(content) {
		return Write(root, name, strings.NewReader(content))
	}
	r, err := run.Open(ctx, content)
	if err != nil {
		return err
	}
	defer r.Close()
	return Write(root, name, r)
}

// IsURI tells whether a text is the URI of a file that a task can open.
func IsURI(s string) bool {
	return (strings.HasPrefix(s, "kestra://") || strings.HasPrefix(s, "nsfile://")) && !strings.ContainsAny(s, "\r\n")
}

// Write writes a file below a root, and makes the directories that lead to it.
func Write(root *os.Root, name string, content io.Reader) error {
	name = filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/"))
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// Collect stores the files of the directory that match one of the globs, and returns their URIs by their names.
func Collect(ctx context.Context, run sdk.Run, dir string, globs []string) (*value.Map, error) {
	names, err := Match(dir, globs)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	out := value.NewMap(len(names))
	for _, name := range names {
		uri, err := storeOne(ctx, run, root, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Set(name, uri)
	}
	return out, nil
}

func storeOne(ctx context.Context, run sdk.Run, root *os.Root, name string) (string, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return run.Store(ctx, name, f)
}

// list lists the files below the directory.
func list(dir string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		all = append(all, filepath.ToSlash(rel))
		return err
	})
	return all, err
}
