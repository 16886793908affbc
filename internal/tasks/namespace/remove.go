package namespace

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func deleteType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "DeleteFiles", Category: plugin.Task, Title: "Delete files of a namespace.",
		Examples: []plugin.Example{{Title: "Delete all temporary files", YAML: `id: tidy
type: io.kestra.plugin.core.namespace.DeleteFiles
namespace: company.team
files:
  - "**.tmp"`}},
		New: func() any { return &DeleteFiles{store: store} }, Outputs: FilesOutput{},
	}
}

// DeleteFiles deletes files of a namespace.
type DeleteFiles struct {
	Namespace          string `json:"namespace" required:"true" doc:"The namespace."`
	Files              any    `json:"files" required:"true" doc:"Patterns of the files: a glob or a list of them, or regular expressions with the prefix regex:."`
	DeleteParentFolder bool   `json:"deleteParentFolder" default:"false" doc:"Delete directories too that have lost their last file."`
	store              storage.Storage
}

// Run deletes the files.
func (t *DeleteFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	ns, names, err := selected(ctx, run, t.store, t.Namespace, t.Files)
	if err != nil {
		return nil, err
	}
	out := FilesOutput{value.NewMap(len(names))}
	for _, name := range names {
		at, err := ns.file(name)
		if err != nil {
			return nil, err
		}
		deleted, err := storage.DeleteRevision(ctx, t.store, at)
		if err != nil {
			return nil, err
		}
		if deleted {
			out.Files.Set("/"+name, at.String())
		}
		if t.DeleteParentFolder {
			if err := ns.prune(ctx, at.Parent()); err != nil {
				return nil, err
			}
		}
	}
	run.Counter("deleted", float64(out.Files.Len()))
	return out, nil
}

// prune deletes a directory that is empty, and those above it that are then, but not the namespace's own.
func (t tree) prune(ctx context.Context, dir storage.URI) error {
	for dir != t.base.AsDirectory() && dir.Within(t.base) {
		in, err := t.store.List(ctx, dir)
		if errors.Is(err, storage.ErrNotFound) {
			dir = dir.Parent()
			continue
		}
		if err != nil || len(in) > 0 {
			return err
		}
		if _, err := t.store.Delete(ctx, dir); err != nil {
			return err
		}
		dir = dir.Parent()
	}
	return nil
}

func purgeType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "PurgeFiles", Category: plugin.Task, Title: "Delete old versions of namespace files.",
		Description: "Deletes versions of files that a newer version has replaced, and those that deleted files have left.",
		Examples: []plugin.Example{{Title: "Keep three versions", YAML: `id: purge
type: io.kestra.plugin.core.namespace.PurgeFiles
namespaces: [company.team]
behavior:
  type: version
  keepAmount: 3`}},
		New: func() any { return &PurgeFiles{store: store} }, Outputs: PurgeOutput{},
	}
}

// PurgeFiles deletes old versions.
type PurgeFiles struct {
	FilePattern            string    `json:"filePattern" doc:"A pattern of the files; all unless it is set."`
	Namespaces             []string  `json:"namespaces" doc:"The namespaces; all unless some are named."`
	NamespacePattern       string    `json:"namespacePattern" doc:"A glob for namespaces, instead of naming them."`
	IncludeChildNamespaces bool      `json:"includeChildNamespaces" default:"true" doc:"Also the namespaces below those that are named."`
	Behavior               *Behavior `json:"behavior" doc:"Which versions to delete; all but the newest unless it is set."`
	store                  storage.Storage
}

// Behavior says which versions are deleted.
type Behavior struct {
	Type       string     `json:"type" default:"version" enum:"version" doc:"By version, the only kind."`
	Before     *time.Time `json:"before" doc:"Versions from before this date."`
	KeepAmount *int       `json:"keepAmount" min:"1" doc:"How many versions of each file to keep."`
}

// PurgeOutput is what PurgeFiles puts out.
type PurgeOutput struct {
	Size int `json:"size" doc:"How many versions were deleted."`
}

var stars = regexp.MustCompile(`\*+`)

// anywhere is a pattern whose stars match slashes too, as they do in this task and in no other.
func anywhere(pattern string) string {
	if strings.HasPrefix(pattern, "regex:") {
		return pattern
	}
	return stars.ReplaceAllLiteralString(pattern, "**")
}

// Run deletes the versions.
func (t *PurgeFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	keep, before := 1, time.Time{}
	if b := t.Behavior; b != nil {
		if b.Before != nil && b.KeepAmount != nil {
			return nil, errors.New("behavior: either before or keepAmount, not both")
		}
		if b.KeepAmount != nil {
			keep = *b.KeepAmount
		}
		if b.Before != nil {
			before = *b.Before
		}
	}
	matches := func(string) bool { return true }
	if t.FilePattern != "" {
		var err error
		if matches, err = files.Pattern(anywhere(t.FilePattern)); err != nil {
			return nil, err
		}
	}
	namespaces, err := t.namespaces(ctx, run.Info().Tenant)
	if err != nil {
		return nil, err
	}
	var out PurgeOutput
	for _, name := range namespaces {
		n, err := t.purge(ctx, run.Info().Tenant, name, matches, keep, before)
		if err != nil {
			return nil, err
		}
		out.Size += n
	}
	run.Log(sdk.LevelInfo, "deleted %d versions in %d namespaces", out.Size, len(namespaces))
	return out, nil
}

// namespaces lists the namespaces with old versions that the task is about.
func (t *PurgeFiles) namespaces(ctx context.Context, tenant string) ([]string, error) {
	all, err := storage.NamespacesWithRevisions(ctx, t.store, tenant)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for _, name := range all {
		ok := len(t.Namespaces) == 0 && t.NamespacePattern == ""
		for _, ns := range t.Namespaces {
			ok = ok || name == ns || t.IncludeChildNamespaces && strings.HasPrefix(name, ns+".")
		}
		if t.NamespacePattern != "" {
			if ok, err = path.Match(t.NamespacePattern, name); err != nil {
				return nil, fmt.Errorf("namespacePattern: %w", err)
			}
		}
		if ok {
			wanted = append(wanted, name)
		}
	}
	return wanted, nil
}

func (t *PurgeFiles) purge(ctx context.Context, tenant, namespace string, matches func(string) bool, keep int, before time.Time) (int, error) {
	ns, err := open(t.store, tenant, namespace)
	if err != nil {
		return 0, err
	}
	all, err := storage.FilesWithRevisions(ctx, t.store, ns.base)
	if err != nil {
		return 0, err
	}
	gone := 0
	for _, file := range all {
		if name, ok := file.Rel(ns.base); !ok || !matches(name) {
			continue
		}
		n, err := storage.PruneRevisions(ctx, t.store, file, keep, before)
		if err != nil {
			return gone, err
		}
		gone += n
	}
	return gone, nil
}
