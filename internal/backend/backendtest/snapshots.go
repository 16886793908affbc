package backendtest

import (
	"slices"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var snapshotScenarios = []scenario{
	{"task runs come in their order", runsInOrder},
	{"a changed task run keeps its place", runChanged},
	{"dropped task runs are gone", runsDropped},
	{"dropped and added again at once", droppedAndAdded},
	{"active executions", activeExecutions},
	{"an execution that is restarted is active again", restartedIsActive},
	{"what is unknown", loadUnknown},
	{"triggers have a version", triggerVersions},
}

func runsInOrder(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	var want []*model.TaskRun
	for i := range 60 {
		want = append(want, taskRun(e, numbered("task", 60-i), i))
	}
	f.commit(create(e, want[:10]...))
	mixed := slices.Clone(want[10:])
	slices.Reverse(mixed)
	f.commit(&model.Transition{Of: of, Version: 2, TaskRuns: mixed[:25]})
	f.commit(&model.Transition{Of: of, Version: 3, TaskRuns: mixed[25:]})
	f.equal(f.load(of).TaskRuns, want)
}

func runChanged(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	a, b := taskRun(e, "a", 0), taskRun(e, "b", 1)
	tr := create(e, a, b)
	f.commit(tr)
	done := *a
	done.State = append(model.History(nil), a.State...).With(model.Success, t0.Add(time.Second))
	done.Outputs = []byte(`{"x":1}`)
	f.commit(&model.Transition{Of: tr.Of, Version: 2, TaskRuns: []*model.TaskRun{&done}})
	s := f.load(tr.Of)
	f.equal(s.TaskRuns, []*model.TaskRun{&done, b})
	f.equal(s.Execution, e) // a transition without a header leaves it
}

func runsDropped(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	a, b, c := taskRun(e, "a", 0), taskRun(e, "b", 1), taskRun(e, "c", 2)
	tr := create(e, a, b, c)
	f.commit(tr)
	f.commit(&model.Transition{Of: tr.Of, Version: 2, DropRuns: []string{a.ID, c.ID, "unknown"}})
	f.equal(f.load(tr.Of).TaskRuns, []*model.TaskRun{b})
	page, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 10})
	f.must(err)
	f.equal(page.Results, []*model.TaskRun{b})
}

func droppedAndAdded(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	a, b := taskRun(e, "a", 0), taskRun(e, "b", 1)
	tr := create(e, a)
	f.commit(tr)
	again := *a
	again.TaskID = "renamed"
	f.commit(
		&model.Transition{Of: tr.Of, Version: 2, DropRuns: []string{a.ID}, TaskRuns: []*model.TaskRun{b}},
		&model.Transition{Of: tr.Of, Version: 3, DropRuns: []string{b.ID}, TaskRuns: []*model.TaskRun{&again}},
	)
	f.equal(f.load(tr.Of).TaskRuns, []*model.TaskRun{&again})
}

func (f *fixture) active(shard int, after model.Entity, max int) []model.Entity {
	f.t.Helper()
	list, err := f.b.Active(f.ctx, f.leases[shard], after, max)
	f.must(err)
	return list
}

func activeExecutions(t *testing.T, f *fixture) {
	const shard = 30
	var want []model.Entity
	for i := range 9 {
		e := execution(idInShard(shard))
		of := model.ExecutionEntity(e.ID)
		f.commit(create(e))
		switch i % 3 {
		case 0:
			f.commit(&model.Transition{Of: of, Version: 2, Execution: ended(e, model.Failed, time.Second)})
		case 1:
			afterwards := *ended(e, model.Success, time.Second) // its afterExecution tasks still run
			afterwards.Engine.Finished = false
			f.commit(&model.Transition{Of: of, Version: 2, Execution: &afterwards})
			want = append(want, of)
		default:
			want = append(want, of)
		}
	}
	f.commit(create(execution(idInShard(shard + 1))))
	slices.SortFunc(want, func(a, b model.Entity) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	f.equal(f.active(shard, model.Entity{}, 100), want)
	f.equal(f.active(shard, model.Entity{}, 2), want[:2])
	f.equal(f.active(shard, want[1], 100), want[2:])
	f.equal(f.active(shard, want[5], 100), []model.Entity(nil))
}

func restartedIsActive(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	shard := backend.ShardOf(of)
	f.commit(create(ended(e, model.Failed, time.Second)))
	f.equal(f.active(shard, model.Entity{}, 10), []model.Entity(nil))
	f.commit(&model.Transition{Of: of, Version: 2, Execution: e})
	f.equal(f.active(shard, model.Entity{}, 10), []model.Entity{of})
	f.commit(&model.Transition{Of: of, Version: 3, Execution: ended(e, model.Success, time.Minute)})
	f.equal(f.active(shard, model.Entity{}, 10), []model.Entity(nil))
}

func loadUnknown(t *testing.T, f *fixture) {
	for _, of := range []model.Entity{model.ExecutionEntity("unknown"), model.GateEntity(tenant, "a", "b"), {Kind: model.EntityTrigger, ID: "x"}} {
		_, err := f.b.Load(f.ctx, f.lease(of), of)
		f.wantError(err, backend.ErrNotFound)
	}
}

func triggerVersions(t *testing.T, f *fixture) {
	of := model.Entity{Kind: model.EntityTrigger, ID: tenant + "/ns/flow/daily"}
	to := model.ExecutionEntity(model.NewID())
	f.append(event("due", of))
	f.receiveEvents(of, 1)
	fire := &model.Transition{Of: of, Version: 1, Acks: []string{"due"}, Events: []model.Event{event("create", to)}}
	f.commit(fire)
	f.commit(fire)
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"create"})
	if v := f.load(of).Version; v != 1 {
		t.Errorf("version %d", v)
	}
	rejected(f, f.commitError(&model.Transition{Of: of, Version: 3}), of.ID)
}
