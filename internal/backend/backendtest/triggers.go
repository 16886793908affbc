package backendtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var triggerScenarios = []scenario{
	{"update and search", triggerUpdates},
	{"updates do not overtake each other", triggerRace},
	{"deletion", triggerDeletion},
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
	got, err := f.b.Triggers().Update(f.ctx, tenant, "b", "flow", "daily", func(s *model.TriggerState) error {
		*s = want
		return nil
	})
	f.must(err)
	f.equal(got, &want)
	got, err = f.b.Triggers().Get(f.ctx, tenant, "b", "flow", "daily")
	f.must(err)
	f.equal(got, &want)

	sentinel := errors.New("changed my mind")
	_, err = f.b.Triggers().Update(f.ctx, tenant, "b", "flow", "daily", func(s *model.TriggerState) error {
		s.Disabled = false
		return sentinel
	})
	f.wantError(err, sentinel)
	got, err = f.b.Triggers().Get(f.ctx, tenant, "b", "flow", "daily")
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

func triggerRace(t *testing.T, f *fixture) {
	withTriggers(f, "ns", "flow", "daily")
	const n = 20
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := f.b.Triggers().Update(f.ctx, tenant, "ns", "flow", "daily", func(s *model.TriggerState) error {
				next := t0
				if s.Next != nil {
					next = s.Next.Add(time.Second)
				}
				s.Next = &next
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "daily")
	f.must(err)
	if want := t0.Add((n - 1) * time.Second); s.Next == nil || !s.Next.Equal(want) {
		t.Errorf("next is %v, want %v", s.Next, want)
	}
}

func triggerDeletion(t *testing.T, f *fixture) {
	withTriggers(f, "ns", "flow", "daily", "hourly")
	f.must(f.b.Triggers().Delete(f.ctx, tenant, "ns", "flow", "daily"))
	f.wantError(f.b.Triggers().Delete(f.ctx, tenant, "ns", "flow", "daily"), backend.ErrNotFound)
	_, err := f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "daily")
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Triggers().Update(f.ctx, tenant, "ns", "flow", "daily", func(*model.TriggerState) error {
		return fmt.Errorf("called for a trigger that is not there")
	})
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Triggers().Get(f.ctx, tenant, "ns", "flow", "hourly")
	f.must(err)
}
