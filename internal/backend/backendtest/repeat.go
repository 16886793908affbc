package backendtest

import (
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var repeatScenarios = []scenario{
	{"a repeated commit changes nothing", repeatedCommit},
	{"a repeated commit hands no job out again", repeatedJobs},
	{"a repeated commit sends nothing again", repeatedEvents},
	{"a repeat followed by something new", repeatThenNew},
	{"an older version changes nothing", olderVersion},
	{"a repeated deletion", repeatedDeletion},
}

func repeatedCommit(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.append(event("e", of))
	f.receiveEvents(of, 1)
	tr := create(e, taskRun(e, "a", 0))
	tr.Acks = []string{"e"}
	tr.SetTimers = []model.Timer{{ID: "t", Of: of, Kind: model.TimerSLA, Due: t0}}
	tr.Metrics = []model.Metric{{Tenant: tenant, Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID, Type: "counter", Name: "n", Value: 1, Timestamp: t0}}
	for range 3 {
		f.commit(tr)
	}
	s := f.load(of)
	f.equal(s.Execution, e)
	if s.Version != 1 || len(s.TaskRuns) != 1 || len(s.Timers) != 1 {
		t.Errorf("version %d, %d task runs, %d timers", s.Version, len(s.TaskRuns), len(s.Timers))
	}
	metrics, err := f.b.Metrics().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10})
	f.must(err)
	if len(metrics.Results) != 1 {
		t.Errorf("%d metrics, want 1", len(metrics.Results))
	}
}

func repeatedJobs(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	tr := create(e, run)
	j := job(e, run)
	tr.Jobs = []*model.Job{j}
	f.commit(tr)
	f.join("w")
	f.claim("w", 1)
	f.commit(tr)
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs are queued", n)
	}
	f.commit(&model.Transition{Of: tr.Of, Version: 2, Execution: e, JobsDone: []string{j.ID}})
	f.commit(tr)
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs are queued", n)
	}
	f.equal(f.load(tr.Of).Jobs, []string(nil))
}

func repeatThenNew(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	first := create(e, taskRun(e, "a", 0))
	f.commit(first)
	second := &model.Transition{Of: of, Version: 2, Execution: e, TaskRuns: []*model.TaskRun{taskRun(e, "b", 1)}}
	f.commit(first, second)
	third := &model.Transition{Of: of, Version: 3, TaskRuns: []*model.TaskRun{taskRun(e, "c", 2)}}
	one, two := f.handIn(second), f.handIn(third)
	f.must(receive(f, one))
	f.must(receive(f, two))
	if s := f.load(of); s.Version != 3 || len(s.TaskRuns) != 3 {
		t.Errorf("version %d, %d task runs", s.Version, len(s.TaskRuns))
	}
}

func olderVersion(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	newer := *e
	newer.FlowRevision = 9
	f.commit(create(e), &model.Transition{Of: of, Version: 2, Execution: &newer})
	f.commit(create(e))
	if s := f.load(of); s.Version != 2 || s.Execution.FlowRevision != 9 {
		t.Errorf("an older version won: %d, revision %d", s.Version, s.Execution.FlowRevision)
	}
}

func repeatedDeletion(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.commit(create(e))
	gone := &model.Transition{Of: of, Version: 2, Deleted: true}
	f.commit(gone)
	f.commit(gone)
	_, err := f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrGone)
}

// repeatedEvents: what a repeated transition sends was sent before, and may have been consumed.
func repeatedEvents(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	to := model.ExecutionEntity(model.NewID())
	tr := create(e)
	tr.Events = []model.Event{event("out", to)}
	f.commit(tr)
	f.receiveEvents(to, 1)
	f.commit(&model.Transition{Of: to, Acks: []string{"out"}})
	f.commit(tr)
	f.b.Reset(f.lease(to))
	f.nothingToReceive(to)
}
