package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var countScenarios = []scenario{
	{"counts by state", countsByState},
	{"counts by day of a time zone", countsByDay},
	{"counts by hour, minute, week and month", countsByBucket},
	{"counts by group", countsByGroup},
	{"counts of what filters select", countsFiltered},
	{"counts follow deletion", countsAfterDeletion},
	{"counts of task runs", countsOfTaskRuns},
	{"counts that are refused", countsRefused},
}

// stored commits an execution that began at start and ended after d; d of 0 is one that runs.
func stored(f *fixture, flow string, start time.Time, s model.State, d time.Duration) *model.Execution {
	f.t.Helper()
	e := execution(model.NewID())
	e.FlowID = flow
	e.State = model.NewHistory(model.Created, start)
	if d > 0 {
		e = ended(e, s, d)
	} else {
		e.State = e.State.With(s, start)
	}
	f.commit(create(e, taskRun(e, "task-"+flow, 0)))
	return e
}

func (f *fixture) counts(q backend.CountQuery) []backend.Count {
	f.t.Helper()
	q.Tenant = tenant
	list, err := f.b.Executions().Count(f.ctx, q)
	f.must(err)
	return list
}

func countsByState(t *testing.T, f *fixture) {
	stored(f, "a", t0, model.Success, 3*time.Second)
	stored(f, "b", hour(1), model.Success, 5*time.Second)
	stored(f, "a", hour(2), model.Failed, time.Second)
	stored(f, "a", hour(3), model.Running, 0)
	f.equal(f.counts(backend.CountQuery{}), []backend.Count{
		{State: model.Running, Count: 1},
		{State: model.Success, Count: 2, Ended: 2, Sum: 8 * time.Second, Min: 3 * time.Second, Max: 5 * time.Second},
		{State: model.Failed, Count: 1, Ended: 1, Sum: time.Second, Min: time.Second, Max: time.Second},
	})
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("SKIPPED: no time zone %s here: %v", name, err)
	}
	return loc
}

func countsByDay(t *testing.T, f *fixture) {
	for _, name := range []string{"UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns"} {
		loc := zone(t, name)
		flow := "in-" + name
		// The days around the change to summer time in Europe.
		for day := 28; day <= 30; day++ {
			midnight := time.Date(2026, 3, day, 0, 0, 0, 0, loc)
			stored(f, flow, midnight, model.Success, time.Second)
			stored(f, flow, midnight.Add(-time.Microsecond), model.Success, time.Second)
		}
		got := f.counts(backend.CountQuery{Bucket: 24 * time.Hour, Location: loc, Query: backend.Query{Filters: []backend.Filter{
			{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: flow}}}})
		for i, want := range []int{1, 2, 2, 1} {
			day := time.Date(2026, 3, 27+i, 0, 0, 0, 0, loc)
			if len(got) != 4 || got[i].Count != want || !got[i].Bucket.Equal(day) {
				t.Errorf("%s: %+v", name, got)
				break
			}
		}
	}
}

func countsByBucket(t *testing.T, f *fixture) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC) // a Wednesday
	stored(f, "a", at, model.Success, time.Second)
	for bucket, want := range map[time.Duration]time.Time{
		0:                   {},
		time.Minute:         time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC),
		10 * time.Minute:    time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC),
		15 * time.Minute:    time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC),
		time.Hour:           time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC),
		6 * time.Hour:       time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC),
		24 * time.Hour:      time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC),
		7 * 24 * time.Hour:  time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		30 * 24 * time.Hour: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		got := f.counts(backend.CountQuery{Bucket: bucket})
		if len(got) != 1 || got[0].Count != 1 || !got[0].Bucket.Equal(want) {
			t.Errorf("bucket of %v: %+v, want %v", bucket, got, want)
		}
	}
}

func countsByGroup(t *testing.T, f *fixture) {
	stored(f, "a", t0, model.Success, time.Second)
	stored(f, "b", t0, model.Success, time.Second)
	stored(f, "b", hour(1), model.Success, time.Second)
	one := func(namespace, flow string, n int) backend.Count {
		return backend.Count{Namespace: namespace, FlowID: flow, State: model.Success, Count: n, Ended: n, Sum: time.Duration(n) * time.Second, Min: time.Second, Max: time.Second}
	}
	f.equal(f.counts(backend.CountQuery{By: "namespace"}), []backend.Count{one("company.team", "", 3)})
	f.equal(f.counts(backend.CountQuery{By: "flow"}), []backend.Count{one("company.team", "a", 1), one("company.team", "b", 2)})
}

// countsFiltered: an adapter may keep sums; what it gives must be what it would count.
func countsFiltered(t *testing.T, f *fixture) {
	for i := range 40 {
		e := execution(model.NewID())
		e.FlowID = string(rune('a' + i%3))
		e.State = model.NewHistory(model.Created, t0.Add(time.Duration(i)*11*time.Minute))
		if i%5 == 0 {
			e.Labels = append(e.Labels, model.Label{Key: "k", Value: "v"})
		}
		if i%4 > 0 {
			e = ended(e, model.Success, time.Second)
		}
		f.commit(create(e))
	}
	sum := func(filters ...backend.Filter) (n int) {
		t.Helper()
		for _, c := range f.counts(backend.CountQuery{Bucket: time.Hour, By: "flow", Query: backend.Query{Filters: filters}}) {
			n += c.Count
		}
		return n
	}
	between := []backend.Filter{
		{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: t0.Add(33 * time.Minute)},
		{Field: backend.FieldStartDate, Op: backend.OpLess, Value: t0.Add(330 * time.Minute)},
	}
	f.equal(sum(), 40)
	f.equal(sum(between...), 27)
	f.equal(sum(append(between, backend.Filter{Field: backend.FieldState, Op: backend.OpEquals, Value: "SUCCESS"})...), 20)
	f.equal(sum(append(between, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: "a"})...), 9)
	f.equal(sum(append(between, backend.Filter{Field: backend.FieldLabels, Op: backend.OpEquals, Value: []model.Label{{Key: "k", Value: "v"}}})...), 5)
	f.equal(sum(backend.Filter{Field: backend.FieldStartDate, Op: backend.OpEquals, Value: t0.Add(22 * time.Minute)}), 1)
}

func countsAfterDeletion(t *testing.T, f *fixture) {
	kept := stored(f, "a", t0, model.Success, 3*time.Second)
	gone := stored(f, "a", t0, model.Success, 9*time.Second)
	_, err := f.b.Executions().Delete(f.ctx, tenant, []string{gone.ID})
	f.must(err)
	want := backend.Count{State: model.Success, Count: 1, Ended: 1, Sum: 3 * time.Second, Min: 3 * time.Second, Max: 3 * time.Second}
	f.equal(f.counts(backend.CountQuery{}), []backend.Count{want})
	short := stored(f, "a", t0, model.Success, time.Second)
	restarted := *short
	restarted.State = append(model.History(nil), short.State...).With(model.Restarted, hour(1))
	restarted.Engine.Finished = false
	f.commit(&model.Transition{Of: model.ExecutionEntity(short.ID), Version: 2, Execution: &restarted})
	f.equal(f.counts(backend.CountQuery{}), []backend.Count{{State: model.Restarted, Count: 1}, want})
	f.commit(&model.Transition{Of: model.ExecutionEntity(short.ID), Version: 3, Deleted: true})
	_, err = f.b.Executions().Delete(f.ctx, tenant, []string{kept.ID})
	f.must(err)
	f.equal(f.counts(backend.CountQuery{}), []backend.Count(nil))
}

func countsOfTaskRuns(t *testing.T, f *fixture) {
	stored(f, "a", t0, model.Success, time.Second)
	stored(f, "b", t0, model.Running, 0)
	stored(f, "b", hour(30), model.Running, 0)
	f.equal(f.counts(backend.CountQuery{TaskRuns: true, By: "task"}), []backend.Count{
		{TaskID: "task-a", State: model.Created, Count: 1}, {TaskID: "task-b", State: model.Created, Count: 2}})
	day := f.counts(backend.CountQuery{TaskRuns: true, Bucket: 24 * time.Hour})
	f.equal(len(day), 2)
}

func countsRefused(t *testing.T, f *fixture) {
	for _, q := range []backend.CountQuery{{By: "nonsense"}, {By: "task"}, {Bucket: -1}, {Query: backend.Query{Filters: []backend.Filter{{Field: "x"}}}}} {
		q.Tenant = tenant
		_, err := f.b.Executions().Count(f.ctx, q)
		f.wantError(err, backend.ErrInvalid)
	}
}
