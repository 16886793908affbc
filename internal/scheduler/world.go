package scheduler

import (
	"context"
	"errors"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
)

// world answers what a decision about one trigger has to know.
type world struct {
	launch.World // of the flow, once it was read
	cfg          *Config
	of           model.Entity
}

func newWorld(ctx context.Context, cfg *Config, of model.Entity) *world {
	return &world{World: launch.World{Context: ctx, Launcher: cfg.Launcher}, cfg: cfg, of: of}
}

// insist tries until the backend answers, or the context ends.
func (w *world) insist(try func() error) error {
	return shard.Insist(w.Context, try, func(err error) {
		w.cfg.Log.Warn("the backend does not answer, trying again", "trigger", w.of.ID, "error", err)
	})
}

// Declared reads the latest revision of the trigger's flow.
func (w *world) Declared() (*trigger.Declared, error) {
	key, id := model.TriggerOf(w.of)
	err := w.insist(func() (err error) {
		w.Flow, err = w.cfg.Flows.Get(w.Context, key)
		return err
	})
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, backend.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, t := range w.Flow.Triggers {
		if t.ID == id {
			return w.Declare(t, w.cfg.Recover)
		}
	}
	return nil, nil
}

// Render is that of launch.World; it is tried again while the backend does not answer.
func (w *world) Render(text string, vars *value.Map, up *model.Upstream) (out string, err error) {
	err = w.insist(func() (err error) {
		out, err = w.World.Render(text, vars, up)
		return err
	})
	return out, err
}

// Launch prepares the execution.
func (w *world) Launch(l trigger.Launch) (model.Event, error) {
	var p *launch.Prepared
	err := w.insist(func() (err error) {
		p, err = w.cfg.Launcher.PrepareTriggered(w.Context, l)
		return err
	})
	if err != nil {
		return model.Event{}, err
	}
	return p.Event, nil
}
