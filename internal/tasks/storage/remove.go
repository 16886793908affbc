package storage

import (
	"context"
	"fmt"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

func sizeType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "Size", Aliases: []string{older + "Size"}, Category: plugin.Task, Title: "Put out the size of a file.",
		Examples: []plugin.Example{{Title: "How large is the input?", YAML: `id: size
type: io.kestra.plugin.core.storage.Size
uri: "{{ inputs.data }}"`}},
		New: func() any { return &Size{store: store} }, Outputs: SizeOutput{},
	}
}

// Size puts out the size of a file.
type Size struct {
	URI   string `json:"uri" required:"true" doc:"The URI of the file."`
	store storage.Storage
}

// SizeOutput is what Size puts out.
type SizeOutput struct {
	Size int64 `json:"size" doc:"The size in bytes."`
}

// Run asks the storage.
func (t *Size) Run(ctx context.Context, run sdk.Run) (any, error) {
	at, err := files.Locate(run, t.URI)
	if err != nil {
		return nil, err
	}
	attr, err := t.store.Stat(ctx, at)
	if err == nil && attr.Type == storage.Directory {
		err = storage.Error("size", at, storage.ErrIsDirectory)
	}
	if err != nil {
		return nil, err
	}
	return SizeOutput{attr.Size}, nil
}

func deleteType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "Delete", Aliases: []string{older + "Delete"}, Category: plugin.Task, Title: "Delete a file.",
		Examples: []plugin.Example{{Title: "Delete what a task has stored", YAML: `id: tidy
type: io.kestra.plugin.core.storage.Delete
uri: "{{ outputs.extract.uri }}"`}},
		New: func() any { return &Delete{store: store} }, Outputs: DeleteOutput{},
	}
}

// Delete deletes a file.
type Delete struct {
	URI            string `json:"uri" required:"true" doc:"The URI of the file."`
	ErrorOnMissing bool   `json:"errorOnMissing" default:"false" doc:"Fail if there is no such file."`
	store          storage.Storage
}

// DeleteOutput is what Delete puts out.
type DeleteOutput struct {
	URI     string `json:"uri" doc:"The URI of the file."`
	Deleted bool   `json:"deleted" doc:"Whether there was such a file."`
}

// Run deletes the file. A directory is refused: its name may be no more than a slip, and all within would be gone.
func (t *Delete) Run(ctx context.Context, run sdk.Run) (any, error) {
	at, err := files.Locate(run, t.URI)
	if err != nil {
		return nil, err
	}
	attr, err := t.store.Stat(ctx, at)
	if err == nil && attr.Type == storage.Directory {
		return nil, storage.Error("delete", at, storage.ErrIsDirectory)
	}
	deleted, err := t.store.Delete(ctx, at)
	if err != nil {
		return nil, err
	}
	if !deleted && t.ErrorOnMissing {
		return nil, fmt.Errorf("there is no file %s", t.URI)
	}
	return DeleteOutput{t.URI, deleted}, nil
}

func purgeCurrentType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name:     area + "PurgeCurrentExecutionFiles",
		Aliases:  []string{older + "PurgeExecution", area + "PurgeExecution"},
		Category: plugin.Task, Title: "Delete the files of this execution.",
		Description: "Deletes all that the execution has stored so far, its inputs included. Outputs that are URIs of such files lead nowhere then.",
		Examples: []plugin.Example{{Title: "Keep nothing", YAML: `id: tidy
type: io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles`}},
		New: func() any { return &PurgeCurrentExecutionFiles{store: store} }, Outputs: PurgeCurrentOutput{},
	}
}

// PurgeCurrentExecutionFiles deletes the files of its execution.
type PurgeCurrentExecutionFiles struct {
	store storage.Storage
}

// PurgeCurrentOutput is what PurgeCurrentExecutionFiles puts out.
type PurgeCurrentOutput struct {
	URIs []string `json:"uris" doc:"The URIs of the files that were deleted."`
}

// Run deletes the execution's directory.
func (t *PurgeCurrentExecutionFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	info := run.Info()
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: info.Tenant, Namespace: info.Namespace, ID: info.FlowID}, ID: info.ExecutionID}.Dir()
	if err != nil {
		return nil, err
	}
	gone, err := t.store.DeleteByPrefix(ctx, dir)
	if err != nil {
		return nil, err
	}
	out := PurgeCurrentOutput{URIs: []string{}}
	for _, uri := range gone {
		if !uri.IsDirectory() {
			out.URIs = append(out.URIs, uri.String())
		}
	}
	return out, nil
}
