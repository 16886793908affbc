// Package namespace holds tasks about the files of namespaces.
package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.core.namespace."

// Types lists the types of this package; they use internal storage.
func Types(store storage.Storage) []plugin.Type {
	return []plugin.Type{uploadType(store), downloadType(store), deleteType(store), purgeType(store)}
}

// tree is the files of one namespace.
type tree struct {
	store storage.Storage
	base  storage.URI
}

func open(store storage.Storage, tenant, namespace string) (tree, error) {
	base, err := storage.NamespaceFile(tenant, namespace, "", 1)
	return tree{store, base}, err
}

// file returns the place of a file.
func (t tree) file(path string) (storage.URI, error) {
	uri, err := t.base.Join(strings.ReplaceAll(path, `\`, "/"))
	if err == nil && uri.IsDirectory() {
		err = fmt.Errorf("%q is not the path of a file", path)
	}
	return uri, err
}

// match lists the paths of the files that one of the patterns matches, sorted. Patterns are globs, or regular expressions
// where they begin with regex:.
func (t tree) match(ctx context.Context, patterns []string) ([]string, error) {
	all, err := t.store.AllByPrefix(ctx, t.base, false)
	if err != nil {
		return nil, err
	}
	matches, err := files.AnyOf(patterns)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, uri := range all {
		path, ok := uri.Rel(t.base)
		if ok && matches(path) {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out, nil
}

// patterns reads one pattern, a list of them or its JSON.
func patterns(v any) ([]string, error) {
	if text, ok := v.(string); ok {
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			return []string{text}, nil
		}
		parsed, err := value.ParseJSON([]byte(text))
		if err != nil {
			return []string{text}, nil //nolint:nilerr // a glob may begin with a class of characters
		}
		v = parsed
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("files: expected a text or a list of texts, got %s", value.TypeName(v))
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, value.Print(e))
	}
	if len(out) == 0 {
		return nil, errors.New("files: at least one is required")
	}
	return out, nil
}

// selected opens a namespace and lists the files in it that the patterns of a task name.
func selected(ctx context.Context, run sdk.Run, store storage.Storage, namespace string, files any) (tree, []string, error) {
	ns, err := open(store, run.Info().Tenant, namespace)
	if err != nil {
		return ns, nil, err
	}
	wanted, err := patterns(files)
	if err != nil {
		return ns, nil, err
	}
	names, err := ns.match(ctx, wanted)
	return ns, names, err
}
