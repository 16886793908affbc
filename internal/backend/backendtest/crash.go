package backendtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var crashScenarios = []scenario{
	{"what was reported survives", reportedSurvives},
	{"what was in flight is all or nothing", inFlightSurvivesWhole},
	{"unacknowledged events come again", eventsSurvive},
	{"jobs that wait are handed out", waitingJobsSurvive},
	{"jobs that were claimed are orphans", claimedJobsSurvive},
	{"a job that was cancelled while it waited is not handed out", cancelledJobsSurvive},
	{"timers survive", timersSurvive},
	{"gates survive", gatesSurvive},
	{"tombstones survive", tombstonesSurvive},
	{"a commit of unknown outcome is repeated", repeatAfterCrash},
	{"repositories survive", repositoriesSurvive},
}

func reportedSurvives(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	f.commit(create(e, run))
	done := ended(e, model.Success, time.Second)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Execution: done})
	f.reopen()
	s := f.load(model.ExecutionEntity(e.ID))
	f.equal(s, &backend.Snapshot{Version: 2, Execution: done, TaskRuns: []*model.TaskRun{run}})
	page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 5, Filters: []backend.Filter{{Field: backend.FieldState, Op: backend.OpEquals, Value: "SUCCESS"}}})
	f.must(err)
	f.equal(page.Total, 1)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 3, TaskRuns: []*model.TaskRun{taskRun(e, "b", 1)}})
	// What comes later does not take the place of what was there.
	other := execution(model.NewID())
	f.commit(create(other, taskRun(other, "x", 0)))
	f.equal(len(f.load(model.ExecutionEntity(e.ID)).TaskRuns), 2)
	f.equal(len(f.load(model.ExecutionEntity(other.ID)).TaskRuns), 1)
}

// inFlightSurvivesWhole: each execution sends an event in the commit that creates it: both are there, or neither.
func inFlightSurvivesWhole(t *testing.T, f *fixture) {
	const n = 200
	to := entitiesIn(1, 1)[0]
	var all []*model.Execution
	var done []<-chan error
	for i := range n {
		e := execution(idInShard(0))
		tr := create(e, taskRun(e, "a", 0))
		tr.Events = []model.Event{event(e.ID, to)}
		all = append(all, e)
		done = append(done, f.handIn(tr))
		if i == n/4 {
			f.must(receive(f, done[0]))
		}
	}
	reported := map[string]bool{}
	for i, d := range done {
		select {
		case err := <-d:
			f.must(err)
			reported[all[i].ID] = true
		default:
		}
	}
	f.reopen()
	page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: n})
	f.must(err)
	there := map[string]bool{}
	for _, e := range page.Results {
		there[e.ID] = true
		delete(reported, e.ID)
	}
	if len(reported) > 0 {
		t.Errorf("%d executions were reported and are lost", len(reported))
	}
	for _, e := range f.receiveEvents(to, len(there)) {
		if !there[e.ID] {
			t.Errorf("an event without its execution %s", e.ID)
		}
	}
	f.nothingToReceive(to)
	runs, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant})
	f.must(err)
	f.equal(runs.Total, len(there))
}

func eventsSurvive(t *testing.T, f *fixture) {
	of := entitiesIn(2, 1)[0]
	for i := range 10 {
		f.append(event(numbered("e", i), of))
	}
	f.receiveEvents(of, 10)
	f.commit(&model.Transition{Of: of, Acks: []string{"e-0000", "e-0003"}})
	f.reopen()
	f.equal(eventIDs(f.receiveEvents(of, 8)), []string{"e-0001", "e-0002", "e-0004", "e-0005", "e-0006", "e-0007", "e-0008", "e-0009"})
	f.nothingToReceive(of)
}

func waitingJobsSurvive(t *testing.T, f *fixture) {
	e, jobs := withJobs(f, 3, nil)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, JobsDone: []string{jobs[1].ID}})
	f.reopen()
	f.equal(len(f.load(model.ExecutionEntity(e.ID)).Jobs), 2)
	f.join("w")
	f.equal(f.claim("w", 2), []*model.Job{jobs[0], jobs[2]})
}

// settled waits until whatever was noted before is durable.
func (f *fixture) settled() {
	f.t.Helper()
	f.commit(&model.Transition{Of: entitiesIn(40, 1)[0]})
}

func claimedJobsSurvive(t *testing.T, f *fixture) {
	f.join("w")
	_, jobs := withJobs(f, 2, nil)
	f.claim("w", 1)
	f.settled()
	f.reopen()
	f.equal(orphans(f), []string{jobs[0].ID})
	f.join("v")
	f.equal(f.claim("v", 1), jobs[1:])
	f.equal(orphans(f), []string{jobs[0].ID})
	f.commit(&model.Transition{Of: model.ExecutionEntity(jobs[0].Execution.ID), Version: 2, JobsDone: []string{jobs[0].ID}})
	f.equal(orphans(f), []string(nil))
}

func cancelledJobsSurvive(t *testing.T, f *fixture) {
	e, jobs := withJobs(f, 2, nil)
	of := model.ExecutionEntity(e.ID)
	f.commit(&model.Transition{Of: of, Version: 2, CancelJobs: []string{jobs[0].ID}})
	f.reopen()
	f.join("w")
	f.equal(f.claim("w", 1), jobs[1:])
	wantWithdrawn(f, of, jobs[0])
	if n := f.queued(); n != 0 {
		t.Errorf("%d jobs still wait", n)
	}
}

func timersSurvive(t *testing.T, f *fixture) {
	const n = 50
	var want []model.Timer
	for i := range n {
		e := execution(idInShard(0))
		tr := create(e)
		tr.SetTimers = []model.Timer{timer(tr.Of, "t", time.Duration(i)*time.Minute)}
		want = append(want, tr.SetTimers...)
		f.commit(tr)
	}
	f.reopen()
	f.equal(f.timers(0, 30*time.Minute, n), want[:30])
	f.equal(f.timers(0, 30*time.Minute, 7), want[:7])
}

func gatesSurvive(t *testing.T, f *fixture) {
	f.commit(gateChange(1, 2, []model.GateMember{member("a", 0, true), member("b", 1, false)}))
	f.commit(gateChange(2, 2, []model.GateMember{member("b", 1, true)}, "a"))
	f.reopen()
	s := f.load(gateOf)
	f.equal(s, &backend.Snapshot{Version: 2, Gate: &model.GateChange{Limit: 2, Behavior: model.BehaviorQueue, Revision: 8, Put: []model.GateMember{member("b", 1, true)}}})
}

func tombstonesSurvive(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.commit(create(e))
	f.commit(&model.Transition{Of: of, Version: 2, Deleted: true})
	f.reopen()
	_, err := f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrGone)
	f.wantError(f.commitError(&model.Transition{Of: of, Version: 3, Execution: e}), backend.ErrGone)
}

func repeatAfterCrash(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	tr := create(e, run)
	to := model.ExecutionEntity(idInShard(backend.ShardOf(tr.Of)))
	tr.Events = []model.Event{event("out", to)}
	tr.Jobs = []*model.Job{job(e, run)}
	f.commit(tr)
	f.reopen()
	f.commit(tr) // whoever did not hear of it commits it again
	f.equal(f.load(tr.Of).Version, int64(1))
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"out"})
	f.nothingToReceive(to)
	f.equal(f.queued(), 1)
}

func repositoriesSurvive(t *testing.T, f *fixture) {
	withTriggers(f, "ns", "flow", "daily")
	f.remember(1, model.TriggerState{Tenant: tenant, Namespace: "ns", FlowID: "flow", TriggerID: "daily", Next: pointer(t0)})
	_, err := f.b.Documents().Put(f.ctx, document("ns", "a", `{"x":1}`), 0)
	f.must(err)
	e := execution(model.NewID())
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{logLine(e, taskRun(e, "t", 0), 0, "hello")}))
	f.must(f.b.Metrics().Append(f.ctx, []model.Metric{metric(e, taskRun(e, "t", 0), "n", 1, 0)}))
	f.reopen()
	r, err := f.b.Flows().Get(f.ctx, key("ns", "flow", 0), false)
	f.must(err)
	f.equal(r.Revision, 1)
	s, err := f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "daily")
	f.must(err)
	f.equal(fmt.Sprint(s.Next.UTC()), fmt.Sprint(t0))
	d, err := f.b.Documents().Get(f.ctx, "kv", tenant, "ns", "a")
	f.must(err)
	f.equal(string(d.Body), `{"x":1}`)
	f.equal(messages(f.logs()), []string{"hello"})
	metrics, err := f.b.Metrics().Search(f.ctx, backend.Query{Tenant: tenant})
	f.must(err)
	f.equal(metrics.Total, 1)
}
