package storage

import (
	"context"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func localFilesType() plugin.Type {
	return plugin.Type{
		Name: area + "LocalFiles", Aliases: []string{older + "LocalFiles"},
		Category: plugin.Task, Title: "Write files into the working directory, and store files from it.",
		Description: "Within a WorkingDirectory, it makes files for the tasks after it, and keeps files that those before it have made.",
		Deprecated:  "the inputFiles and outputFiles of the tasks themselves",
		Examples: []plugin.Example{{Title: "Write a file and keep all text files", YAML: `id: files
type: io.kestra.plugin.core.storage.LocalFiles
inputs:
  hello.txt: Hello
outputs:
  - "*.txt"`}},
		New: func() any { return &LocalFiles{} }, Outputs: LocalFilesOutput{},
	}
}

// LocalFiles writes and stores files.
type LocalFiles struct {
	Inputs  any      `json:"inputs" doc:"Files to write: names with contents, or with URIs of files."`
	Outputs []string `json:"outputs" doc:"Globs of the files to store."`
}

// LocalFilesOutput is what LocalFiles puts out.
type LocalFilesOutput struct {
	URIs *value.Map `json:"uris" doc:"The stored files by name."`
}

// Run writes, then stores.
func (t *LocalFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	if err := files.Put(ctx, run, dir, t.Inputs); err != nil {
		return nil, err
	}
	uris, err := files.Collect(ctx, run, dir, t.Outputs)
	if err != nil {
		return nil, err
	}
	return LocalFilesOutput{uris}, nil
}
