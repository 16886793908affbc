package executor

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// auditEvery is how often a page of each shard's entities is looked at, auditPage how many entities that is.
const (
	auditEvery = time.Minute
	auditPage  = 20
)

// audit proves, a page at a time, what the engine promises of every execution that has not ended: that something or
// somebody will move it on. It reads what the last commit left, so it asks nothing of the shard's own goroutine. What it
// finds twice at the same version is real: an execution that waits for nothing is a defect and is reported; one that waits
// for a job that the backend does not have gets it handed out anew.
func (s *shard) audit(ctx context.Context) {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	var after model.Entity
	suspects := map[model.Entity]int64{} // version at which something was missing
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		page, err := s.e.cfg.Backend.Active(ctx, s.lease, after, auditPage)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, backend.ErrFenced) && !errors.Is(err, backend.ErrClosed) {
				s.e.cfg.Log.Warn("auditing failed, trying again", "shard", s.lease.Shard, "error", err)
			}
			continue
		}
		for _, of := range page {
			after = of
			s.examine(ctx, of, suspects)
		}
		if len(page) < auditPage { // that was the last page: what is suspected is looked at again
			after = model.Entity{}
		}
	}
}

// examine looks at one entity.
func (s *shard) examine(ctx context.Context, of model.Entity, suspects map[model.Entity]int64) {
	if of.Kind != model.EntityExecution {
		return
	}
	snap, err := s.e.cfg.Backend.Load(ctx, s.lease, of)
	if err != nil {
		delete(suspects, of)
		return
	}
	e := snap.Execution
	flow := s.flow(ctx, e)
	if flow == nil {
		return // it is ended as soon as anything happens to it
	}
	forgotten, lost := s.missing(ctx, engine.Load(flow, e, snap.TaskRuns, snap.Timers, snap.Version))
	version, suspected := suspects[of]
	switch {
	case !forgotten && len(lost) == 0:
		delete(suspects, of)
	case !suspected || version != snap.Version:
		suspects[of] = snap.Version
	case forgotten:
		s.e.cfg.Log.Error("an execution waits for nothing", "execution", e.ID, "namespace", e.Namespace, "flow", e.FlowID, "state", e.State.Current())
	default:
		s.e.cfg.Log.Warn("jobs that nobody has are handed out again", "execution", e.ID, "jobs", len(lost))
		s.e.report(lost)
	}
}

// missing tells whether an execution waits for nothing, and which of the jobs that it waits for are not there.
func (s *shard) missing(ctx context.Context, st *engine.State) (forgotten bool, lost []model.Event) {
	absent := map[string]bool{}
	for _, w := range engine.Explain(st) {
		switch w.For {
		case engine.WaitNothing:
			forgotten = true
		case engine.WaitWorker, engine.WaitTask:
			if _, err := s.e.cfg.Backend.Waiting(ctx, w.Ref); errors.Is(err, backend.ErrNotFound) {
				absent[w.TaskRunID] = true
			}
		}
	}
	if len(absent) == 0 {
		return forgotten, nil
	}
	for _, run := range st.Records() {
		if absent[run.ID] {
			lost = append(lost, lostJob(st.Exec.ID, run.ID, run.Engine.Job, s.e.cfg.Now()))
		}
	}
	return forgotten, lost
}
