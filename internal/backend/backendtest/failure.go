package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var failureScenarios = []scenario{
	{"a write that fails is reported and changes nothing", writeFails},
	{"the same transitions are handed in again", sameAgainAfterFailure},
	{"what ran ahead is taken back", aheadIsTakenBack},
}

// broken lets every write fail until repair is called.
func broken(f *fixture) (repair func()) {
	f.t.Helper()
	if f.h.Break == nil {
		f.t.Skip("SKIPPED: this adapter has no Break")
	}
	return f.h.Break(f.t, f.b)
}

func writeFails(t *testing.T, f *fixture) {
	kept := execution(model.NewID())
	f.commit(create(kept))
	repair := broken(f)
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.wantError(f.commitError(create(e)), backend.ErrUnavailable)
	f.wantError(f.appendError(event("e", of)), backend.ErrUnavailable)
	_, err := f.b.Executions().Get(f.ctx, tenant, kept.ID) // reading goes on
	f.must(err)
	_, err = f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrNotFound)
	repair()
	f.b.Reset(f.lease(of))
	f.nothingToReceive(of)
	f.commit(create(e))
}

func sameAgainAfterFailure(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	first := create(e, taskRun(e, "a", 0))
	second := &model.Transition{Of: of, Version: 2, Execution: ended(e, model.Success, time.Second)}
	repair := broken(f)
	one, two := f.handIn(first), f.handIn(second)
	f.wantError(receive(f, one), backend.ErrUnavailable)
	f.wantError(receive(f, two), backend.ErrUnavailable)
	repair()
	f.b.Reset(f.lease(of))
	one, two = f.handIn(first), f.handIn(second)
	f.must(receive(f, one))
	f.must(receive(f, two))
	if s := f.load(of); s.Version != 2 || len(s.TaskRuns) != 1 {
		t.Errorf("version %d with %d task runs", s.Version, len(s.TaskRuns))
	}
}

func aheadIsTakenBack(t *testing.T, f *fixture) {
	f.join("w")
	e := execution(model.NewID())
	of, to := model.ExecutionEntity(e.ID), model.ExecutionEntity(model.NewID())
	run := taskRun(e, "a", 0)
	pure, plain := job(e, run), job(e, taskRun(e, "b", 1))
	pure.Pure = true
	tr := create(e, run)
	tr.Jobs, tr.Events = []*model.Job{pure, plain}, []model.Event{event("out", to)}
	repair := broken(f)
	f.wantError(f.commitError(tr), backend.ErrUnavailable)
	f.equal(f.queued(), 0)
	repair()
	f.b.Reset(f.lease(of))
	f.b.Reset(f.lease(to))
	f.nothingToReceive(to)
	f.commit(tr)
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"out"})
	f.equal(len(f.claim("w", 2)), 2)
}
