// Package docker holds the tasks that ask a Docker engine for something: to run or build an image, and to move, name and remove
// what it has.
package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/plugin"
	engine "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/sdk"
)

const (
	area  = "io.kestra.plugin.docker.cli."
	older = "io.kestra.plugin.docker."
)

// Types lists the types of this package.
func Types(e *engine.Engine, scripts script.Deps) []plugin.Type {
	base := Base{engine: e}
	of := func(name, title, example string, outputs any, make func() any) plugin.Type {
		return plugin.Type{
			Name: area + name, Aliases: []string{older + name}, Category: plugin.Task, Title: title, New: make, Outputs: outputs,
			Examples: []plugin.Example{{Title: title, YAML: "id: docker\ntype: " + area + name + "\n" + example}},
		}
	}
	return []plugin.Type{
		of("Run", "Run a container.", "containerImage: busybox\ncommands: [echo, hello]", script.Output{}, func() any { return &Run{Base: base, scripts: scripts} }),
		of("Build", "Build an image.", "tags: [my-image:1]\ndockerfile: |\n  FROM busybox\n  CMD [\"echo\", \"hello\"]", BuildOutput{},
			func() any { return &Build{Base: base, scripts: scripts} }),
		of("Pull", "Pull an image from its registry.", "image: alpine:3", nil, func() any { return &Pull{Base: base} }),
		of("Push", "Push images to their registries.", "tags: [registry.example.com/my-image:1]", nil, func() any { return &Push{Base: base} }),
		of("Tag", "Give an image another name.", "sourceImage: my-image:1\ntargetImage: my-image:stable", nil, func() any { return &Tag{Base: base} }),
		of("Rm", "Remove containers and images.", "containerIds: [my-container]\nforce: true", nil, func() any { return &Rm{Base: base} }),
		of("Stop", "Stop a container.", "containerId: my-container", nil, func() any { return &Stop{Base: base} }),
	}
}

// Base is what all tasks have.
type Base struct {
	engine.Connection
	engine *engine.Engine
}

// daemon is the engine of the task.
func (b *Base) daemon() (*engine.Daemon, error) { return b.engine.Connect(b.Host) }

// qualified is an image with the registry of the credentials before it, unless it names one.
func (b *Base) qualified(image string) string {
	if b.Credentials == nil || b.Credentials.Registry == "" {
		return image
	}
	host := engine.Bare(b.Credentials.Registry)
	if host == engine.HubName || strings.HasPrefix(image, host) {
		return image
	}
	return host + "/" + image
}

// plain is an image's name without the scheme that people write before it.
func plain(image string) string {
	if _, rest, ok := strings.Cut(image, "://"); ok {
		return rest
	}
	return image
}

// Pull pulls an image.
type Pull struct {
	Base
	Image string `json:"image" required:"true" doc:"The image."`
}

// Run runs the task.
func (t *Pull) Run(ctx context.Context, run sdk.Run) (any, error) {
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	return nil, d.Pull(ctx, run, t.Connection, t.qualified(t.Image))
}

// Push pushes images.
type Push struct {
	Base
	Tags []string `json:"tags" required:"true" doc:"The images."`
}

// Run runs the task.
func (t *Push) Run(ctx context.Context, run sdk.Run) (any, error) {
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	if len(t.Tags) == 0 {
		return nil, errors.New("tags: at least one is required")
	}
	for _, tag := range t.Tags {
		if err := d.Push(ctx, run, t.Connection, plain(tag)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Tag names an image.
type Tag struct {
	Base
	SourceImage string `json:"sourceImage" required:"true" doc:"The image, or its id."`
	TargetImage string `json:"targetImage" required:"true" doc:"Its other name; the tag is latest unless there is one."`
}

// Run runs the task.
func (t *Tag) Run(ctx context.Context, _ sdk.Run) (any, error) {
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	_, err = d.ImageTag(ctx, client.ImageTagOptions{Source: t.SourceImage, Target: t.TargetImage})
	return nil, d.Explain(err)
}

// Rm removes containers and images.
type Rm struct {
	Base
	ContainerIDs  []string `json:"containerIds" doc:"Containers, by name or id."`
	ImageIDs      []string `json:"imageIds" doc:"Images, by name or id."`
	RemoveVolumes bool     `json:"removeVolumes" default:"false" doc:"Whether volumes that a container has made go with it."`
	Force         bool     `json:"force" default:"false" doc:"Whether containers that run, and images that are used, are removed too."`
}

// Run runs the task.
func (t *Rm) Run(ctx context.Context, _ sdk.Run) (any, error) {
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	for _, id := range t.ContainerIDs {
		if _, err := d.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: t.Force, RemoveVolumes: t.RemoveVolumes}); err != nil {
			return nil, fmt.Errorf("removing the container %s: %w", id, d.Explain(err))
		}
	}
	for _, id := range t.ImageIDs {
		if _, err := d.ImageRemove(ctx, id, client.ImageRemoveOptions{Force: t.Force, PruneChildren: true}); err != nil {
			return nil, fmt.Errorf("removing the image %s: %w", id, d.Explain(err))
		}
	}
	return nil, nil
}

// Stop stops a container.
type Stop struct {
	Base
	ContainerID string `json:"containerId" required:"true" doc:"The container, by name or id."`
	Kill        bool   `json:"kill" default:"false" doc:"Whether it is killed at once, rather than asked to end first."`
	Delete      bool   `json:"delete" default:"true" doc:"Whether it is removed then."`
}

// Run runs the task.
func (t *Stop) Run(ctx context.Context, _ sdk.Run) (any, error) {
	d, err := t.daemon()
	if err != nil {
		return nil, err
	}
	if t.Kill {
		_, err = d.ContainerKill(ctx, t.ContainerID, client.ContainerKillOptions{})
	} else {
		_, err = d.ContainerStop(ctx, t.ContainerID, client.ContainerStopOptions{})
	}
	if err == nil && t.Delete {
		_, err = d.ContainerRemove(ctx, t.ContainerID, client.ContainerRemoveOptions{})
	}
	return nil, d.Explain(err)
}
