package docker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
)

// A container outlives its worker. If its task run is handed to another worker, that one takes it up; if it is not, because it
// was killed meanwhile, say, nobody comes, and the container is removed here. Several installations may use one engine, and
// each removes only what it knows to be its own.

// Sweeper removes containers whose workers have died and whose task runs are over.
type Sweeper struct {
	Engine  *Engine
	Backend backend.Backend
	Log     *slog.Logger
	Every   time.Duration
}

// Run sweeps now and then, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	tick := time.NewTicker(s.Every)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("looking for containers of dead workers failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep looks once at every engine that is in use, and at the worker's own.
func (s *Sweeper) Sweep(ctx context.Context) error {
	hosts := s.Engine.hosts()
	if own := address(""); !slices.Contains(hosts, own) {
		hosts = append(hosts, own)
	}
	var errs []error
	for _, host := range hosts {
		d, err := s.Engine.Connect(host)
		if err == nil {
			err = s.sweep(ctx, d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (e *Engine) hosts() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.daemons))
}

func (e *Engine) minds(names []string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(names, func(n string) bool { return e.busy[n[1:]] }) // the engine's names begin with a slash
}

func (s *Sweeper) sweep(ctx context.Context, d *Daemon) error {
	list, err := d.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", leftover.Worker)})
	if client.IsErrConnectionFailed(err) {
		return nil // who has no engine has no containers
	}
	if err != nil || len(list.Items) == 0 {
		return err
	}
	members, err := s.Backend.List(ctx)
	if err != nil {
		return err
	}
	for i := range list.Items {
		c := &list.Items[i]
		if c.Labels[leftover.Kept] != "" || s.Engine.minds(c.Names) {
			continue
		}
		abandoned, err := leftover.Abandoned(ctx, s.Backend, members, c.Labels)
		if err != nil {
			return err
		}
		if !abandoned {
			continue
		}
		_, err = d.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		s.Log.Info("removed the container of a worker that has died", "container", c.ID, "taskRun", c.Labels[leftover.TaskRun], "error", err)
	}
	return nil
}
