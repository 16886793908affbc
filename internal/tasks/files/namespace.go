package files

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/sdk"
)

// Namespace says which namespace files are copied into a task's directory.
type Namespace struct {
	Enabled            *bool    `json:"enabled" doc:"Whether to copy any; true unless it is set."`
	Include            []string `json:"include" doc:"Globs of the files to copy; all unless it is set."`
	Exclude            []string `json:"exclude" doc:"Globs of the files not to copy."`
	Namespaces         []string `json:"namespaces" default:"[\"{{ flow.namespace }}\"]" doc:"The namespaces; later ones go over earlier ones."`
	IfExists           string   `json:"ifExists" default:"OVERWRITE" enum:"OVERWRITE,FAIL,WARN,IGNORE" doc:"What to do with a file that is there already."`
	FolderPerNamespace bool     `json:"folderPerNamespace" default:"false" doc:"Put the files of each namespace into a directory of its name."`
}

// PutNamespace copies namespace files into the directory.
func PutNamespace(ctx context.Context, run sdk.Run, store storage.Storage, dir string, n Namespace) error {
	if n.Enabled != nil && !*n.Enabled {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, ns := range n.Namespaces {
		if err := n.copy(ctx, run, store, root, ns); err != nil {
			return fmt.Errorf("namespaceFiles of %s: %w", ns, err)
		}
	}
	return nil
}

func (n Namespace) copy(ctx context.Context, run sdk.Run, store storage.Storage, root *os.Root, ns string) error {
	wanted, err := n.filter()
	if err != nil {
		return err
	}
	base, err := storage.NamespaceFile(run.Info().Tenant, ns, "", 1)
	if err != nil {
		return err
	}
	all, err := store.AllByPrefix(ctx, base.AsDirectory(), false)
	if err != nil {
		return err
	}
	for _, uri := range all {
		name, ok := uri.Rel(base.AsDirectory())
		if !ok || !wanted(name) {
			continue
		}
		target := name
		if n.FolderPerNamespace {
			target = ns + "/" + name
		}
		if _, err := root.Stat(target); err == nil {
			switch n.IfExists {
			case "FAIL":
				return fmt.Errorf("%s: %w", target, storage.ErrExists)
			case "WARN":
				run.Log(sdk.LevelWarn, "the file %s exists already and is kept", target)
				continue
			case "IGNORE":
				continue
			}
		}
		obj, err := store.Get(ctx, uri)
		if err != nil {
			return err
		}
		if err := errors.Join(Write(root, target, obj), obj.Close()); err != nil {
			return err
		}
	}
	return nil
}

// filter returns what tells whether a file is to be copied.
func (n Namespace) filter() (func(name string) bool, error) {
	include, err := AnyOf(n.Include)
	if err != nil {
		return nil, fmt.Errorf("include: %w", err)
	}
	exclude, err := AnyOf(n.Exclude)
	if err != nil {
		return nil, fmt.Errorf("exclude: %w", err)
	}
	return func(name string) bool { return (len(n.Include) == 0 || include(name)) && !exclude(name) }, nil
}
