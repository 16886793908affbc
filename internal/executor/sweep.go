package executor

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// sweepEvery is how often jobs are looked for whose workers have died.
const sweepEvery = 2 * time.Second

// maxOrphans is how many of them are reported at once.
const maxOrphans = 1000

// sweep reports jobs whose workers have died to their executions and triggers, which hand them out again. Every executor does so: a
// report that comes twice is ignored the second time.
func (e *Executor) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		orphans, err := e.cfg.Backend.Orphans(ctx, maxOrphans)
		if err != nil && ctx.Err() == nil && !errors.Is(err, backend.ErrClosed) {
			e.cfg.Log.Warn("looking for lost jobs failed", "error", err)
		}
		events := make([]model.Event, 0, len(orphans))
		for _, j := range orphans {
			events = append(events, lostJob(j.Entity(), j.ID, j.TaskRunID(), j.Attempt, e.cfg.Now()))
		}
		if len(events) > 0 {
			e.cfg.Log.Info("jobs of dead workers are handed out again", "jobs", len(events))
			e.cfg.Backend.Append(events, func(err error) { // what does not arrive is found again by the next sweep
				if err != nil && !errors.Is(err, backend.ErrClosed) {
					e.cfg.Log.Warn("reporting lost jobs failed", "error", err)
				}
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lostJob is the event that tells of a job whose worker has died, or that is not there.
func lostJob(of model.Entity, id, taskRunID string, attempt int, now time.Time) model.Event {
	return model.Event{
		ID: id + ".lost", To: of, Kind: model.EventJobLost, At: now,
		Job: &model.JobReport{ID: id, TaskRunID: taskRunID, Attempt: attempt},
	}
}
