package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner/archive"
	engine "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/sdk"
)

// Build builds an image from the files of the working directory.
type Build struct {
	Base
	Dockerfile     string            `json:"dockerfile" required:"true" doc:"The Dockerfile: its text, its path in the working directory, or its URI."`
	Tags           []string          `json:"tags" required:"true" doc:"The names of the image."`
	Platforms      []string          `json:"platforms" doc:"What it is built for, such as linux/arm64; what the engine runs on unless it is set."`
	Push           bool              `json:"push" default:"false" doc:"Whether it is pushed then."`
	Pull           bool              `json:"pull" default:"true" doc:"Whether the newest version of its base is pulled first."`
	BuildArgs      map[string]string `json:"buildArgs" doc:"Arguments of the build."`
	Labels         map[string]string `json:"labels" doc:"Labels of the image."`
	Target         string            `json:"target" doc:"The stage to end with."`
	InputFiles     any               `json:"inputFiles" raw:"true" doc:"Files to build with: names with contents, or with URIs of files."`
	NamespaceFiles *files.Namespace  `json:"namespaceFiles" doc:"Namespace files to build with."`

	scripts script.Deps
}

// BuildOutput is what a build puts out.
type BuildOutput struct {
	ImageID string `json:"imageId" doc:"The id of the image."`
}

// Run runs the task.
func (t *Build) Run(ctx context.Context, run sdk.Run) (any, error) {
	if len(t.Tags) == 0 {
		return nil, errors.New("tags: at least one is required")
	}
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	options, err := t.prepare(ctx, run, dir)
	if err != nil {
		return nil, err
	}
	out, err := t.build(ctx, run, d, dir, options)
	if err != nil {
		return nil, fmt.Errorf("building the image: %w", d.Explain(err))
	}
	if t.Push {
		for _, tag := range options.Tags {
			if err := d.Push(ctx, run, t.Connection, tag); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// prepare fills the directory, and finds what the engine is to be told.
func (t *Build) prepare(ctx context.Context, run sdk.Run, dir string) (o client.ImageBuildOptions, err error) {
	if t.NamespaceFiles != nil {
		if err := files.PutNamespace(ctx, run, t.scripts.Storage, dir, *t.NamespaceFiles); err != nil {
			return o, err
		}
	}
	if t.InputFiles != nil {
		given, err := run.RenderTyped(t.InputFiles, nil)
		if err == nil {
			err = files.Put(ctx, run, dir, given)
		}
		if err != nil {
			return o, fmt.Errorf("inputFiles: %w", err)
		}
	}
	o = client.ImageBuildOptions{Remove: true, ForceRemove: true, PullParent: t.Pull, Labels: t.Labels, Target: t.Target, BuildArgs: map[string]*string{}}
	for _, tag := range t.Tags {
		o.Tags = append(o.Tags, plain(tag))
	}
	for name, v := range t.BuildArgs {
		o.BuildArgs[name] = &v
	}
	for _, p := range t.Platforms {
		parts := strings.SplitN(p+"//", "/", 4)
		if parts[0] == "" || parts[1] == "" {
			return o, fmt.Errorf("platforms: %q is none such as linux/amd64", p)
		}
		o.Platforms = append(o.Platforms, ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]})
	}
	if o.Dockerfile, err = t.dockerfile(ctx, run, dir); err != nil {
		return o, fmt.Errorf("dockerfile: %w", err)
	}
	o.AuthConfigs, err = t.All()
	return o, err
}

// dockerfile is the path of the Dockerfile in the directory.
func (t *Build) dockerfile(ctx context.Context, run sdk.Run, dir string) (string, error) {
	if filepath.IsLocal(t.Dockerfile) && !strings.ContainsAny(t.Dockerfile, "\n\x00") {
		if info, err := os.Stat(filepath.Join(dir, t.Dockerfile)); err == nil && info.Mode().IsRegular() {
			return filepath.ToSlash(t.Dockerfile), nil
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	name := model.NewID() + ".dockerfile"
	if !files.IsURI(t.Dockerfile) {
		return name, files.Write(root, name, strings.NewReader(t.Dockerfile))
	}
	r, err := run.Open(ctx, t.Dockerfile)
	if err != nil {
		return "", err
	}
	return name, errors.Join(files.Write(root, name, r), r.Close())
}

// build sends the directory and logs what the engine does with it.
func (t *Build) build(ctx context.Context, run sdk.Run, d *engine.Daemon, dir string, options client.ImageBuildOptions) (out BuildOutput, err error) {
	r, w := io.Pipe()
	defer func() { _ = r.Close() }() // which ends the writer, too
	go func() { w.CloseWithError(archive.Pack(w, dir, ".")) }()
	answer, err := d.ImageBuild(ctx, r, options)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	for messages := json.NewDecoder(answer.Body); ; {
		var m jsonstream.Message
		if err := messages.Decode(&m); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, err
		}
		if m.Error != nil {
			return out, m.Error
		}
		if text := strings.TrimSpace(m.Stream); text != "" {
			run.Log(sdk.LevelInfo, "%s", text)
		}
		var made struct{ ID string }
		if m.Aux != nil && json.Unmarshal(*m.Aux, &made) == nil && made.ID != "" {
			out.ImageID = made.ID
		}
	}
}
