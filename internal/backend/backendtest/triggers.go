package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var triggerScenarios = []scenario{
	{"update and search", triggerUpdates},
	{"declared and loaded", triggerLoaded},
	{"removed, and back", triggerRemoved},
}

func withTriggers(f *fixture, namespace, id string, triggers ...string) {
	f.t.Helper()
	r := flow(namespace, id)
	for _, name := range triggers {
		r.Triggers = append(r.Triggers, model.TriggerState{Tenant: tenant, Namespace: namespace, FlowID: id, TriggerID: name, Type: "schedule"})
	}
	f.save(r, 0)
}

func triggerUpdates(t *testing.T, f *fixture) {
	withTriggers(f, "b", "flow", "daily", "hourly")
	withTriggers(f, "a", "other", "daily")
	want := model.TriggerState{
		Tenant: tenant, Namespace: "b", FlowID: "flow", TriggerID: "daily", Type: "schedule", Date: pointer(t0), Next: pointer(hour(1)),
		Backfill:  &model.Backfill{Start: t0, End: pointer(hour(5)), Paused: true, Inputs: []byte(`{"a":1.0}`), Labels: []model.Label{{Key: "k", Value: "v"}}},
		StopAfter: []model.State{model.Failed}, Disabled: true, ExecutionID: "x", Updated: pointer(t0), WorkerID: "w",
	}
	f.remember(1, want)
	got, err := f.b.Triggers().Get(f.ctx, tenant, "b", "flow", "daily")
	f.must(err)
	f.equal(got, &want)

	for _, c := range []struct {
		filter backend.Filter
		want   string
	}{
		{backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: "b"}, "b/flow/daily b/flow/hourly"},
		{backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: "other"}, "a/other/daily"},
		{backend.Filter{Field: backend.FieldTriggerID, Op: backend.OpEquals, Value: "daily"}, "a/other/daily b/flow/daily"},
		{backend.Filter{Field: backend.FieldDisabled, Op: backend.OpEquals, Value: true}, "b/flow/daily"},
		{backend.Filter{Field: backend.FieldDisabled, Op: backend.OpEquals, Value: false}, "a/other/daily b/flow/hourly"},
		{backend.Filter{Field: backend.FieldQuery, Op: backend.OpEquals, Value: "HOUR"}, "b/flow/hourly"},
		{backend.Filter{Field: backend.FieldType, Op: backend.OpEquals, Value: "schedule"}, "a/other/daily b/flow/daily b/flow/hourly"},
		{backend.Filter{Field: backend.FieldType, Op: backend.OpEquals, Value: "webhook"}, ""},
	} {
		page, err := f.b.Triggers().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{c.filter}})
		f.must(err)
		var names []string
		for _, s := range page.Results {
			names = append(names, s.Namespace+"/"+s.FlowID+"/"+s.TriggerID)
		}
		if joined(names) != c.want || page.Total != len(names) {
			t.Errorf("%+v selects %v (total %d), want %s", c.filter, names, page.Total, c.want)
		}
	}
	page, err := f.b.Triggers().Search(f.ctx, backend.Query{Tenant: tenant, Size: 1, Sort: []backend.Sort{{By: "nextExecutionDate"}}})
	f.must(err)
	f.equal(page.Results, []*model.TriggerState{&want}) // those without a date come last
}

// remember commits what is remembered of a trigger, as its version.
func (f *fixture) remember(version int64, s model.TriggerState) {
	f.t.Helper()
	f.commit(&model.Transition{
		Of: model.TriggerEntity(s.Tenant, s.Namespace, s.FlowID, s.TriggerID), Version: version, Trigger: &model.TriggerChange{State: &s},
	})
}

// triggerLoaded: a trigger that a flow has declared is there before it has a version; its timers and jobs belong to it.
func triggerLoaded(t *testing.T, f *fixture) {
	withTriggers(f, "ns", "flow", "daily")
	of := model.TriggerEntity(tenant, "ns", "flow", "daily")
	s := f.load(of)
	if s.Version != 0 || s.Trigger == nil || s.Trigger.TriggerID != "daily" {
		t.Fatalf("declared: version %d, %+v", s.Version, s.Trigger)
	}
	state := *s.Trigger
	state.Next = pointer(hour(1))
	timer := model.Timer{ID: "due", Of: of, Kind: model.TimerDue, Due: hour(1)}
	job := &model.Job{ID: "poll", Flow: key("ns", "flow", 1), TriggerID: "daily", Attempt: 1, Execution: model.JobHeader{ID: "planned", State: model.Created}, At: t0}
	f.commit(&model.Transition{Of: of, Version: 1, Trigger: &model.TriggerChange{State: &state}, SetTimers: []model.Timer{timer}, Jobs: []*model.Job{job}})
	check := func() {
		t.Helper()
		s := f.load(of)
		f.equal(s, &backend.Snapshot{Version: 1, Trigger: &state, Timers: []model.Timer{timer}, Jobs: []string{"poll"}})
		f.equal(f.timers(backend.ShardOf(of), 2*time.Hour, 10), []model.Timer{timer})
	}
	check()
	if f.b.Caps().Durable {
		f.reopen()
		check()
	}
	shard := backend.ShardOf(of)
	f.equal(f.active(shard, model.Entity{}, 10), []model.Entity(nil)) // it waits for nothing
	waiting := state
	waiting.ExecutionID = "x"
	f.remember(2, waiting)
	f.equal(f.active(shard, model.Entity{}, 10), []model.Entity{of})
	f.equal(f.active(shard, of, 10), []model.Entity(nil))
	f.commit(&model.Transition{Of: of, Version: 3, CancelJobs: []string{"poll"}})
	if ev := f.receiveEvents(of, 1)[0]; ev.Kind != model.EventJobEnded || ev.Job.State != model.Killed {
		t.Errorf("the job that nobody has claimed is reported as %+v", ev)
	}
}

// triggerRemoved: what is remembered of a trigger goes, its version stays, so that it may come back.
func triggerRemoved(t *testing.T, f *fixture) {
	withTriggers(f, "ns", "flow", "daily", "hourly")
	state := model.TriggerState{Tenant: tenant, Namespace: "ns", FlowID: "flow", TriggerID: "daily", Disabled: true}
	of := model.TriggerEntity(tenant, "ns", "flow", "daily")
	f.remember(1, state)
	f.commit(&model.Transition{Of: of, Version: 2, Trigger: &model.TriggerChange{}})
	_, err := f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "daily")
	f.wantError(err, backend.ErrNotFound)
	f.equal(f.load(of), &backend.Snapshot{Version: 2})
	_, err = f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "hourly")
	f.must(err)
	r := flow("ns", "flow")
	r.Triggers = []model.TriggerState{state}
	f.save(r, 1)
	f.equal(f.load(of), &backend.Snapshot{Version: 2, Trigger: &state})
	f.remember(3, state)
}
