package namespace

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
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
		deleted, err := t.store.Delete(ctx, at)
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

func purgeType() plugin.Type {
	return plugin.Type{
		Name: area + "PurgeFiles", Category: plugin.Task, Title: "Delete old versions of namespace files.",
		Description: "Deletes versions of files that a newer version has replaced. Only the newest version of a file is kept anyway, so that " +
			"there is nothing to delete; flows that purge run on as they did.",
		Examples: []plugin.Example{{Title: "Keep three versions", YAML: `id: purge
type: io.kestra.plugin.core.namespace.PurgeFiles
namespaces: [company.team]
behavior:
  type: version
  keepAmount: 3`}},
		New: func() any { return &PurgeFiles{} }, Outputs: PurgeOutput{},
	}
}

// PurgeFiles deletes old versions.
type PurgeFiles struct {
	FilePattern            string    `json:"filePattern" doc:"A pattern of the files; all unless it is set."`
	Namespaces             []string  `json:"namespaces" doc:"The namespaces; all unless some are named."`
	NamespacePattern       string    `json:"namespacePattern" doc:"A glob for namespaces, instead of naming them."`
	IncludeChildNamespaces bool      `json:"includeChildNamespaces" default:"true" doc:"Also the namespaces below those that are named."`
	Behavior               *Behavior `json:"behavior" doc:"Which versions to delete; all but the newest unless it is set."`
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

// Run deletes nothing: a file that is replaced leaves no version behind, so there are none but the newest.
func (t *PurgeFiles) Run(_ context.Context, run sdk.Run) (any, error) {
	run.Log(sdk.LevelInfo, "nothing to delete: only the newest version of each namespace file is kept")
	return PurgeOutput{}, nil
}
