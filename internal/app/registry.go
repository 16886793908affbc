package app

import (
	"context"
	"path/filepath"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks"
	"github.com/windhover-io/windhover/internal/value"
)

// registry lists every type that this process knows.
func (a *App) registry() *plugin.Registry {
	reg := plugin.NewRegistry()
	scripts := a.Config.Tasks.Scripts
	if scripts.CacheDir == "" && a.Config.Backend.Type == "sqlite" {
		scripts.CacheDir = filepath.Join(a.Config.Backend.Path, "cache")
	}
	a.docker = docker.New(scripts.Docker.With(a.Config.Plugins.Configurations))
	tasks.Register(reg, tasks.Deps{
		Backend: a.Backend, Storage: a.Storage, KV: kv.New(a.Backend.Documents()), Resume: a.resume, Configurations: a.Config.Plugins.Configurations,
		Scripts: scripts, Docker: a.docker,
	})
	for _, x := range a.extras {
		reg.Add(x.Types...)
	}
	return reg
}

// resume finds how an execution that waits is resumed.
func (a *App) resume(ctx context.Context, tenant, id string, given *value.Map) (*model.Action, error) {
	p, err := a.Launcher.Paused(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return p.Resume(ctx, given)
}
