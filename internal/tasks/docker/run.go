package docker

import (
	"context"

	engine "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/sdk"
)

// Run runs a container.
type Run struct {
	Base
	engine.Container
	ContainerImage  string           `json:"containerImage" required:"true" doc:"The image; the registry of the credentials is put before it."`
	Commands        []sdk.Template   `json:"commands" doc:"The command with its arguments; that of the image unless it is set."`
	Env             any              `json:"env" raw:"true" doc:"Environment variables: a map."`
	InputFiles      any              `json:"inputFiles" raw:"true" doc:"Files to write to the working directory first: names with contents, or with URIs of files."`
	OutputFiles     []string         `json:"outputFiles" doc:"Globs of the files to store afterwards."`
	NamespaceFiles  *files.Namespace `json:"namespaceFiles" doc:"Namespace files to copy into the working directory first."`
	WarningOnStdErr bool             `json:"warningOnStdErr" default:"false" deprecated:"an exit code" doc:"Accepted and not used."`

	scripts script.Deps
}

// Run runs the task.
func (t *Run) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.scripts.Exec(ctx, run, t.engine.NewRunner(t.Connection, t.Container), script.Common{
		ContainerImage: t.qualified(t.ContainerImage), Env: t.Env, InputFiles: t.InputFiles, OutputFiles: t.OutputFiles, NamespaceFiles: t.NamespaceFiles,
	}, t.Commands)
}
