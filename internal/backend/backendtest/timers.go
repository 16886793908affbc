package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

var timerScenarios = []scenario{
	{"timers come soonest first", timersInOrder},
	{"a timer that is set again is replaced", timerReplaced},
	{"a timer that is cleared is gone", timerCleared},
	{"set and cleared at once", setAndCleared},
	{"a gate has timers", gateTimers},
}

func timer(of model.Entity, id string, after time.Duration) model.Timer {
	return model.Timer{ID: id, Of: of, Kind: model.TimerRetry, Due: t0.Add(after), TaskRunID: "run", Ref: "ref", Number: 3}
}

func (f *fixture) timers(shard int, until time.Duration, max int) []model.Timer {
	f.t.Helper()
	list, err := f.b.Timers(f.ctx, f.leases[shard], t0.Add(until), max)
	f.must(err)
	return list
}

func timersInOrder(t *testing.T, f *fixture) {
	const shard = 20
	var want []model.Timer
	for i := range 6 {
		e := execution(idInShard(shard))
		of := model.ExecutionEntity(e.ID)
		tr := create(e)
		due := timer(of, "a", time.Duration((i*4)%6)*time.Minute+time.Duration(i)*time.Second)
		tr.SetTimers = []model.Timer{due, timer(of, "far", time.Hour)}
		f.commit(tr)
		want = append(want, due)
	}
	other := execution(idInShard(shard + 1))
	tr := create(other)
	tr.SetTimers = []model.Timer{timer(tr.Of, "a", 0)}
	f.commit(tr)

	got := f.timers(shard, time.Hour, 100) // those due before, not at
	f.equal(len(got), len(want))
	for i := 1; i < len(got); i++ {
		if got[i].Due.Before(got[i-1].Due) {
			t.Errorf("%v comes after %v", got[i].Due, got[i-1].Due)
		}
	}
	f.equal(f.timers(shard, time.Hour, 3), got[:3])
	f.equal(got[0], want[0])
	f.equal(len(f.timers(shard, time.Hour+time.Microsecond, 100)), 12)
}

func timerReplaced(t *testing.T, f *fixture) {
	e := execution(idInShard(0))
	tr := create(e)
	tr.SetTimers = []model.Timer{timer(tr.Of, "a", time.Minute)}
	f.commit(tr)
	later := timer(tr.Of, "a", time.Hour)
	f.commit(&model.Transition{Of: tr.Of, Version: 2, SetTimers: []model.Timer{later}})
	f.equal(f.timers(0, time.Minute*2, 10), []model.Timer(nil))
	f.equal(f.timers(0, time.Hour*2, 10), []model.Timer{later})
	f.equal(f.load(tr.Of).Timers, []model.Timer{later})
}

func timerCleared(t *testing.T, f *fixture) {
	e := execution(idInShard(0))
	tr := create(e)
	tr.SetTimers = []model.Timer{timer(tr.Of, "a", time.Minute), timer(tr.Of, "b", time.Minute)}
	f.commit(tr)
	f.commit(&model.Transition{Of: tr.Of, Version: 2, ClearTimers: []string{"a", "never set"}})
	f.equal(f.timers(0, time.Hour, 10), tr.SetTimers[1:])
	f.equal(f.load(tr.Of).Timers, tr.SetTimers[1:])
}

func setAndCleared(t *testing.T, f *fixture) {
	e := execution(idInShard(0))
	tr := create(e)
	tr.SetTimers = []model.Timer{timer(tr.Of, "old", time.Minute)}
	f.commit(tr)
	again := timer(tr.Of, "again", time.Minute)
	f.commit(
		&model.Transition{Of: tr.Of, Version: 2, SetTimers: []model.Timer{timer(tr.Of, "old", time.Hour), timer(tr.Of, "new", 0), timer(tr.Of, "again", 0)}},
		&model.Transition{Of: tr.Of, Version: 3, ClearTimers: []string{"old", "new", "again"}},
		&model.Transition{Of: tr.Of, Version: 4, SetTimers: []model.Timer{again}},
	)
	f.equal(f.timers(0, 2*time.Hour, 10), []model.Timer{again})
}

func gateTimers(t *testing.T, f *fixture) {
	of := model.GateEntity(tenant, "ns", "flow")
	tr := &model.Transition{Of: of, Version: 1, Gate: &model.GateChange{Limit: 1, Behavior: model.BehaviorQueue}}
	tr.SetTimers = []model.Timer{timer(of, "ask", time.Minute)}
	f.commit(tr)
	list, err := f.b.Timers(f.ctx, f.lease(of), t0.Add(time.Hour), 10)
	f.must(err)
	f.equal(list, tr.SetTimers)
	f.equal(f.load(of).Timers, tr.SetTimers)
}
