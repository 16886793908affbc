package backendtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var flowScenarios = []scenario{
	{"events of saving and deleting", eventsOfFlows},
	{"revisions", flowRevisions},
	{"conditional saves", flowConflicts},
	{"the same source makes no revision", sameSource},
	{"deletion and return", flowDeleted},
	{"revisions are dropped", revisionsDropped},
	{"triggers follow their flow", flowTriggers},
	{"search", flowSearch},
	{"search of sources", sourceSearch},
	{"namespaces", namespaces},
}

func flow(namespace, id string) backend.FlowRecord {
	return backend.FlowRecord{Tenant: tenant, Namespace: namespace, ID: id, Source: "id: " + id + "\nnamespace: " + namespace, Updated: t0}
}

func key(namespace, id string, revision int) model.FlowKey {
	return model.FlowKey{Tenant: tenant, Namespace: namespace, ID: id, Revision: revision}
}

func (f *fixture) save(r backend.FlowRecord, expect int) int {
	f.t.Helper()
	revision, err := f.b.Flows().Save(f.ctx, r, expect)
	f.must(err)
	return revision
}

func flowRevisions(t *testing.T, f *fixture) {
	want := flow("ns", "a")
	want.Description, want.Labels, want.Disabled = "about", []model.Label{{Key: "k", Value: "v"}, {Key: "k", Value: "w"}}, true
	f.equal(f.save(want, 0), 1)
	second := flow("ns", "a")
	second.Source += "\n# more"
	second.Updated = t0.Add(time.Hour)
	f.equal(f.save(second, 1), 2)
	want.Revision, second.Revision = 1, 2
	for revision, r := range map[int]backend.FlowRecord{0: second, 1: want, 2: second} {
		got, err := f.b.Flows().Get(f.ctx, key("ns", "a", revision), false)
		f.must(err)
		f.equal(got, &r)
	}
	_, err := f.b.Flows().Get(f.ctx, key("ns", "a", 3), false)
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Flows().Get(f.ctx, model.FlowKey{Tenant: "other", Namespace: "ns", ID: "a"}, false)
	f.wantError(err, backend.ErrNotFound)
	all, err := f.b.Flows().Revisions(f.ctx, key("ns", "a", 0))
	f.must(err)
	f.equal(all, []*backend.FlowRecord{&want, &second})
	_, err = f.b.Flows().Revisions(f.ctx, key("ns", "b", 0))
	f.wantError(err, backend.ErrNotFound)
}

func flowConflicts(t *testing.T, f *fixture) {
	_, err := f.b.Flows().Save(f.ctx, flow("ns", "a"), 1)
	f.wantError(err, backend.ErrConflict)
	f.save(flow("ns", "a"), 0)
	changed := flow("ns", "a")
	changed.Source += "\n# changed"
	for _, expect := range []int{0, 2} {
		_, err = f.b.Flows().Save(f.ctx, changed, expect)
		f.wantError(err, backend.ErrConflict)
	}
	f.save(changed, 1)
}

func sameSource(t *testing.T, f *fixture) {
	f.save(flow("ns", "a"), 0)
	f.equal(f.save(flow("ns", "a"), 1), 1)
	all, err := f.b.Flows().Revisions(f.ctx, key("ns", "a", 0))
	f.must(err)
	f.equal(len(all), 1)
}

func flowDeleted(t *testing.T, f *fixture) {
	_, err := f.b.Flows().Delete(f.ctx, key("ns", "a", 0), nil)
	f.wantError(err, backend.ErrNotFound)
	f.save(flow("ns", "a"), 0)
	revision, err := f.b.Flows().Delete(f.ctx, key("ns", "a", 0), nil)
	f.must(err)
	f.equal(revision, 2)
	_, err = f.b.Flows().Get(f.ctx, key("ns", "a", 0), false)
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Flows().Get(f.ctx, key("ns", "a", 1), false)
	f.wantError(err, backend.ErrNotFound)
	for revision := range 3 {
		r, err := f.b.Flows().Get(f.ctx, key("ns", "a", revision), true)
		f.must(err)
		if wantDeleted := revision != 1; r.Deleted != wantDeleted || r.Source != flow("ns", "a").Source {
			t.Errorf("revision %d: %+v", revision, r)
		}
	}
	_, err = f.b.Flows().Delete(f.ctx, key("ns", "a", 0), nil)
	f.wantError(err, backend.ErrNotFound)
	page, err := f.b.Flows().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10})
	f.must(err)
	f.equal(page.Total, 0)
	f.equal(f.save(flow("ns", "a"), 0), 3)
}

func revisionsDropped(t *testing.T, f *fixture) {
	for i := range 4 {
		r := flow("ns", "a")
		r.Source += fmt.Sprint("\n# ", i)
		f.save(r, i)
	}
	f.wantError(f.b.Flows().DropRevisions(f.ctx, key("ns", "a", 0), []int{1, 4}), backend.ErrInvalid)
	f.must(f.b.Flows().DropRevisions(f.ctx, key("ns", "a", 0), []int{1, 3, 9}))
	all, err := f.b.Flows().Revisions(f.ctx, key("ns", "a", 0))
	f.must(err)
	if len(all) != 2 || all[0].Revision != 2 || all[1].Revision != 4 {
		t.Errorf("left: %+v", all)
	}
	f.wantError(f.b.Flows().DropRevisions(f.ctx, key("ns", "b", 0), []int{1}), backend.ErrNotFound)
}

func flowTriggers(t *testing.T, f *fixture) {
	first := func(ids ...string) []model.TriggerState {
		var list []model.TriggerState
		for _, id := range ids {
			list = append(list, model.TriggerState{Tenant: tenant, Namespace: "ns", FlowID: "a", TriggerID: id, Type: "schedule"})
		}
		return list
	}
	names := func() []string {
		page, err := f.b.Triggers().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10})
		f.must(err)
		var ids []string
		for _, s := range page.Results {
			ids = append(ids, s.TriggerID)
		}
		return ids
	}
	r := flow("ns", "a")
	r.Triggers = first("x", "y")
	f.save(r, 0)
	f.equal(names(), []string{"x", "y"})
	f.remember(1, model.TriggerState{Tenant: tenant, Namespace: "ns", FlowID: "a", TriggerID: "y", Disabled: true})
	r.Source += "\n# more"
	r.Triggers = first("y", "z")
	f.save(r, 1)
	f.equal(names(), []string{"x", "y", "z"}) // x goes when it hears of it
	s, err := f.b.Triggers().Get(f.ctx, tenant, "ns", "a", "y")
	f.must(err)
	if !s.Disabled {
		t.Error("what was remembered of a kept trigger is lost")
	}
}

// eventsOfFlows: what is to be told of a change of a flow is told exactly if the change is made, and is as durable.
func eventsOfFlows(t *testing.T, f *fixture) {
	to := model.TriggerEntity(tenant, "ns", "a", "daily")
	sync := func(id string) []model.Event {
		return []model.Event{{ID: id, To: to, Kind: model.EventSync, At: t0}}
	}
	r := flow("ns", "a")
	r.Events = sync("saved")
	f.save(r, 0)
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"saved"})
	r.Events = sync("refused")
	_, err := f.b.Flows().Save(f.ctx, r, 7)
	f.wantError(err, backend.ErrConflict)
	f.nothingToReceive(to)
	r.Events = sync("unchanged")
	f.save(r, 1)
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"unchanged"})
	_, err = f.b.Flows().Delete(f.ctx, key("ns", "a", 0), sync("deleted"))
	f.must(err)
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"deleted"})
	_, err = f.b.Flows().Delete(f.ctx, key("ns", "a", 0), sync("gone"))
	f.wantError(err, backend.ErrNotFound)
	f.nothingToReceive(to)
	if !f.b.Caps().Durable {
		return
	}
	f.commit(&model.Transition{Of: to, Acks: []string{"unchanged"}})
	f.reopen()
	again := eventIDs(f.receiveEvents(to, 4)) // with the markers of nothingToReceive
	again = slices.DeleteFunc(again, func(id string) bool { return strings.HasPrefix(id, "marker-") })
	f.equal(again, []string{"saved", "deleted"})
}

func flowNames(page backend.Page[*backend.FlowRecord]) []string {
	var names []string
	for _, r := range page.Results {
		names = append(names, r.Namespace+"/"+r.ID)
	}
	return names
}

func flowSearch(t *testing.T, f *fixture) {
	add := func(namespace, id string, labels ...model.Label) {
		r := flow(namespace, id)
		r.Labels, r.Disabled = labels, id == "off"
		r.Description = "about " + id
		r.Updated = t0.Add(time.Duration(len(namespace)) * time.Minute)
		f.save(r, 0)
		r.Source += "\n# again"
		f.save(r, 1)
	}
	add("a.b", "one", model.Label{Key: "team", Value: "x"}, model.Label{Key: "env", Value: "prod"})
	add("a.b.c", "two", model.Label{Key: "team", Value: "x"})
	add("a.bc", "off")
	add("system", "clean")
	where := func(field backend.Field, op backend.Op, value any) []backend.Filter {
		return []backend.Filter{{Field: field, Op: op, Value: value}}
	}
	for name, c := range map[string]struct {
		filters []backend.Filter
		want    []string
	}{
		"all":             {nil, []string{"a.b/one", "a.b.c/two", "a.bc/off", "system/clean"}},
		"namespace":       {where(backend.FieldNamespace, backend.OpEquals, "a.b"), []string{"a.b/one"}},
		"below":           {where(backend.FieldNamespace, backend.OpPrefix, "a.b"), []string{"a.b/one", "a.b.c/two"}},
		"id":              {where(backend.FieldFlowID, backend.OpIn, []string{"one", "off"}), []string{"a.b/one", "a.bc/off"}},
		"label":           {where(backend.FieldLabels, backend.OpEquals, []model.Label{{Key: "team", Value: "x"}}), []string{"a.b/one", "a.b.c/two"}},
		"labels":          {where(backend.FieldLabels, backend.OpEquals, []model.Label{{Key: "team", Value: "x"}, {Key: "env", Value: "prod"}}), []string{"a.b/one"}},
		"not the label":   {where(backend.FieldLabels, backend.OpNotEquals, []model.Label{{Key: "team", Value: "x"}}), []string{"a.bc/off", "system/clean"}},
		"user":            {where(backend.FieldScope, backend.OpEquals, "USER"), []string{"a.b/one", "a.b.c/two", "a.bc/off"}},
		"system":          {where(backend.FieldScope, backend.OpEquals, "SYSTEM"), []string{"system/clean"}},
		"disabled":        {where(backend.FieldDisabled, backend.OpEquals, true), []string{"a.bc/off"}},
		"query":           {where(backend.FieldQuery, backend.OpEquals, "ABOUT T"), []string{"a.b.c/two"}},
		"query namespace": {where(backend.FieldQuery, backend.OpContains, "a.b"), []string{"a.b/one", "a.b.c/two", "a.bc/off"}},
	} {
		page, err := f.b.Flows().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: c.filters, Sort: []backend.Sort{{By: "namespace"}}})
		f.must(err)
		if fmt.Sprint(flowNames(page)) != fmt.Sprint(c.want) || page.Total != len(c.want) {
			t.Errorf("%s: %v (total %d), want %v", name, flowNames(page), page.Total, c.want)
		}
	}
	page, err := f.b.Flows().Search(f.ctx, backend.Query{Tenant: tenant, Size: 2, Sort: []backend.Sort{{By: "updated", Desc: true}}})
	f.must(err)
	f.equal(flowNames(page), []string{"system/clean", "a.b.c/two"})
	if page.Results[0].Revision != 2 {
		t.Errorf("revision %d, want the latest", page.Results[0].Revision)
	}
	_, err = f.b.Flows().Search(f.ctx, backend.Query{Tenant: tenant, Filters: where(backend.FieldState, backend.OpEquals, "RUNNING")})
	f.wantError(err, backend.ErrInvalid)
}

func sourceSearch(t *testing.T, f *fixture) {
	for _, id := range []string{"one", "two"} {
		r := flow("ns", id)
		r.Source += "\ntasks: [{message: \"Needle " + id + "\"}]"
		f.save(r, 0)
	}
	for text, want := range map[string]int{"needle": 2, "Needle two": 1, "id: ": 2, "absent": 0, "%": 0, "_": 0} {
		page, err := f.b.Flows().SearchSource(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{{Field: backend.FieldQuery, Op: backend.OpEquals, Value: text}}})
		f.must(err)
		if page.Total != want || len(page.Results) != want {
			t.Errorf("%q is in %d sources, want %d", text, page.Total, want)
		}
	}
}

func namespaces(t *testing.T, f *fixture) {
	f.save(flow("b", "x"), 0)
	f.save(flow("a", "x"), 0)
	f.save(flow("a", "y"), 0)
	f.save(flow("gone", "x"), 0)
	_, err := f.b.Flows().Delete(f.ctx, key("gone", "x", 0), nil)
	f.must(err)
	names, err := f.b.Flows().Namespaces(f.ctx, tenant)
	f.must(err)
	f.equal(names, []string{"a", "b"})
	names, err = f.b.Flows().Namespaces(f.ctx, "other")
	f.must(err)
	f.equal(names, []string(nil))
}
