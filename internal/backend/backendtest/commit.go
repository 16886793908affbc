package backendtest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var commitScenarios = []scenario{
	{"a commit is all or nothing", commitIsAtomic},
	{"a commit acknowledges", commitAcknowledges},
	{"a commit sends", commitSends},
	{"transitions on top of uncommitted ones", pipelined},
	{"done comes in order", doneInOrder},
	{"after a failure all fail until reset", failsUntilReset},
	{"a failure harms no other shard", failureStaysInShard},
	{"what rests on a failed commit fails", dependentsFail},
	{"a transition without version", withoutVersion},
	{"an entity of another shard is refused", otherShard},
	{"an execution that is not there is refused", notThere},
	{"a deleted execution stays deleted", deletedStaysDeleted},
	{"created and deleted at once", createdAndDeleted},
	{"many shards at once", manyShards},
}

// rejected wants a *backend.RejectedError that blames the entity.
func rejected(f *fixture, err error, id string) {
	f.t.Helper()
	var r *backend.RejectedError
	if !errors.As(err, &r) {
		f.t.Fatalf("error %v, want one that rejects %s", err, id)
	}
	if r.Of.ID != id {
		f.t.Fatalf("%s was blamed, want %s", r.Of.ID, id)
	}
}

func commitIsAtomic(t *testing.T, f *fixture) {
	good, other := execution(idInShard(1)), execution(idInShard(1))
	to := model.ExecutionEntity(idInShard(1))
	f.append(event("e", model.ExecutionEntity(good.ID)))
	f.receiveEvents(to, 1)
	first := create(good)
	first.Acks, first.Events = []string{"e"}, []model.Event{event("out", to)}
	gap := create(other)
	gap.Version = 7
	rejected(f, f.commitError(first, gap), other.ID)

	_, err := f.b.Load(f.ctx, f.leases[1], model.ExecutionEntity(good.ID))
	f.wantError(err, backend.ErrNotFound)
	f.b.Reset(f.leases[1])
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"e"}) // not acknowledged, and nothing was sent
	f.nothingToReceive(to)
}

func commitAcknowledges(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.append(event("a", of), event("b", of))
	f.receiveEvents(of, 2)
	tr := create(e)
	tr.Acks = []string{"a"}
	f.commit(tr)
	f.b.Reset(f.lease(of))
	f.equal(eventIDs(f.receiveEvents(of, 1)), []string{"b"})
	f.nothingToReceive(of)
}

func commitSends(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	to := model.ExecutionEntity(model.NewID())
	tr := create(e)
	tr.Events = []model.Event{event("one", to), event("two", to)}
	f.commit(tr)
	f.equal(f.receiveEvents(to, 2), tr.Events)
}

func pipelined(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	run := taskRun(e, "a", 0)
	var last <-chan error
	for v := range 20 {
		next := *e
		next.Engine.Runs = v
		changed := *run
		changed.Engine.Turn = v
		last = f.handIn(&model.Transition{Of: of, Version: int64(v + 1), Execution: &next, TaskRuns: []*model.TaskRun{&changed}})
	}
	f.must(receive(f, last))
	got := f.load(of)
	if got.Version != 20 || got.Execution.Engine.Runs != 19 || len(got.TaskRuns) != 1 || got.TaskRuns[0].Engine.Turn != 19 {
		t.Errorf("loaded version %d with %d runs: %+v", got.Version, got.Execution.Engine.Runs, got.TaskRuns)
	}
}

func doneInOrder(t *testing.T, f *fixture) {
	var mu sync.Mutex
	var order []int
	all := make(chan struct{})
	const n = 50
	for i := range n {
		e := execution(idInShard(4))
		f.b.Commit(f.leases[4], []*model.Transition{create(e)}, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if order = append(order, i); err != nil {
				t.Error(err)
			}
			if len(order) == n {
				close(all)
			}
		})
	}
	select {
	case <-all:
	case <-f.ctx.Done():
		t.Fatal("not all were done")
	}
	if !slices.IsSorted(order) {
		t.Errorf("done in the order %v", order)
	}
}

func failsUntilReset(t *testing.T, f *fixture) {
	bad, next := execution(idInShard(6)), execution(idInShard(6))
	gap := create(bad)
	gap.Version = 2
	first := f.handIn(gap)
	second := f.handIn(create(next))
	rejected(f, receive(f, first), bad.ID)
	f.wantError(receive(f, second), backend.ErrUnavailable)
	f.wantError(f.commitError(create(next)), backend.ErrUnavailable)
	f.b.Reset(f.leases[6])
	f.commit(create(next))
	_, err := f.b.Load(f.ctx, f.leases[6], model.ExecutionEntity(bad.ID))
	f.wantError(err, backend.ErrNotFound)
}

func failureStaysInShard(t *testing.T, f *fixture) {
	var good []<-chan error
	var ids []string
	var bad <-chan error
	for i := range 40 {
		e := execution(idInShard(10 + i))
		tr := create(e)
		if i == 17 {
			tr.Version = 9
			bad = f.handIn(tr)
			continue
		}
		good = append(good, f.handIn(tr))
		ids = append(ids, e.ID)
	}
	var r *backend.RejectedError
	if err := receive(f, bad); !errors.As(err, &r) {
		t.Errorf("error %v, want a rejection", err)
	}
	for i, done := range good {
		f.must(receive(f, done))
		f.load(model.ExecutionEntity(ids[i]))
	}
}

// dependentsFail: where events run ahead, a commit that consumed one of a failed commit must not become durable.
func dependentsFail(t *testing.T, f *fixture) {
	if !f.b.Caps().RunAhead {
		t.Skip("SKIPPED: this adapter has no RunAhead")
	}
	bad, child := execution(idInShard(1)), execution(idInShard(2))
	to := model.ExecutionEntity(child.ID)
	bad.Outputs = []byte(`{`)
	first := create(bad)
	first.Events = []model.Event{event("make", to)}
	parent := f.handIn(first)
	ctx, cancel := contextFor(f, time.Second)
	defer cancel()
	events, err := f.b.Receive(ctx, f.leases[2], 1)
	if err != nil {
		// It failed before anybody received the event, which is as good.
		f.wantError(err, ctx.Err())
		rejected(f, receive(f, parent), bad.ID)
		return
	}
	f.equal(eventIDs(events), []string{"make"})
	second := create(child)
	second.Acks = []string{"make"}
	f.wantError(f.commitError(second), backend.ErrUnavailable)
	rejected(f, receive(f, parent), bad.ID)
	f.b.Reset(f.leases[2])
	f.nothingToReceive(to)
	_, err = f.b.Load(f.ctx, f.leases[2], to)
	f.wantError(err, backend.ErrNotFound)
}

func withoutVersion(t *testing.T, f *fixture) {
	of := model.ExecutionEntity(idInShard(3)) // apart: what is sent to the other one comes again after a reset, too
	to := model.ExecutionEntity(idInShard(4))
	f.append(event("e", of))
	f.receiveEvents(of, 1)
	tr := &model.Transition{Of: of, Acks: []string{"e"}, Events: []model.Event{event("reply", to)}}
	f.commit(tr)
	f.commit(tr) // once more is no harm
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"reply"})
	f.b.Reset(f.lease(of))
	f.nothingToReceive(of)
	_, err := f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrNotFound)
}

func otherShard(t *testing.T, f *fixture) {
	e := execution(idInShard(11))
	done := make(chan error, 1)
	f.b.Commit(f.leases[12], []*model.Transition{create(e)}, func(err error) { done <- err })
	rejected(f, receive(f, done), e.ID)
	_, err := f.b.Load(f.ctx, f.leases[11], model.ExecutionEntity(e.ID))
	f.wantError(err, backend.ErrNotFound)
}

func notThere(t *testing.T, f *fixture) {
	of := model.ExecutionEntity(model.NewID())
	rejected(f, f.commitError(&model.Transition{Of: of, Version: 1, ClearTimers: []string{"x"}}), of.ID)
	f.b.Reset(f.lease(of))
	rejected(f, f.commitError(&model.Transition{Of: of, Version: 5, Execution: execution(of.ID)}), of.ID)
}

func deletedStaysDeleted(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	tr := create(e, taskRun(e, "a", 0))
	tr.SetTimers = []model.Timer{{ID: "t", Of: of, Kind: model.TimerSLA, Due: t0}}
	f.commit(tr)
	f.commit(&model.Transition{Of: of, Version: 2, Deleted: true})
	_, err := f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrGone)
	_, err = f.b.Executions().Get(f.ctx, tenant, e.ID)
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Executions().TaskRuns(f.ctx, tenant, e.ID)
	f.wantError(err, backend.ErrNotFound)
	timers, err := f.b.Timers(f.ctx, f.lease(of), t0.Add(time.Hour), 10)
	f.must(err)
	f.equal(timers, []model.Timer(nil))

	f.commit(create(e)) // it was done before, as far as anybody can tell
	_, err = f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrGone)
	err = f.commitError(&model.Transition{Of: of, Version: 3, Execution: e})
	rejected(f, err, e.ID)
	f.wantError(err, backend.ErrGone)
	f.b.Reset(f.lease(of))
	f.commit(&model.Transition{Of: of, Acks: []string{"late"}}) // an event to something gone is still acknowledged
}

func createdAndDeleted(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.commit(create(e, taskRun(e, "a", 0)), &model.Transition{Of: of, Version: 2, Deleted: true})
	_, err := f.b.Load(f.ctx, f.lease(of), of)
	f.wantError(err, backend.ErrGone)
	page, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 5})
	f.must(err)
	if page.Total != 0 || len(page.Results) != 0 {
		t.Errorf("task runs are left: %v", page.Results)
	}
}

func manyShards(t *testing.T, f *fixture) {
	var done []<-chan error
	var all []*model.Execution
	for range 300 {
		e := execution(model.NewID())
		all = append(all, e)
		done = append(done, f.handIn(create(e, taskRun(e, "a", 0))))
		done = append(done, f.handIn(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Execution: ended(e, model.Success, time.Second)}))
	}
	for _, d := range done {
		f.must(receive(f, d))
	}
	for _, e := range all {
		if s := f.load(model.ExecutionEntity(e.ID)); s.Version != 2 || s.Execution.State.Current() != model.Success || len(s.TaskRuns) != 1 {
			t.Errorf("%s: version %d, %v", e.ID, s.Version, s.Execution.State)
		}
	}
}
