package backendtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var executionScenarios = []scenario{
	{"every filter", executionFilters},
	{"filters that are refused", executionFiltersRefused},
	{"every sort", executionSorts},
	{"pages do not overlap", executionPages},
	{"cursors do not overlap while executions come", executionCursors},
	{"a page without records", executionTotalOnly},
	{"totals follow every change", executionTotals},
	{"the latest of flows", executionLatest},
	{"tenants are apart", executionTenants},
	{"deletion of finished executions", executionDeletion},
}

// library stores executions of all sorts; x1 is the oldest.
func library(f *fixture) {
	f.t.Helper()
	add := func(id string, change func(*model.Execution), end model.State) {
		e := execution(id)
		e.State = model.NewHistory(model.Created, t0.Add(time.Duration(id[1]-'0')*time.Hour))
		change(e)
		run := taskRun(e, "task-"+id, 0)
		if end.Terminated() {
			e = ended(e, end, time.Duration('9'-id[1])*time.Minute)
		} else {
			e.State = e.State.With(end, e.State.Start().Add(time.Second))
		}
		f.commit(create(e, run))
	}
	add("x1", func(e *model.Execution) { e.Namespace = "a.b" }, model.Success)
	add("x2", func(e *model.Execution) { e.Namespace, e.FlowID, e.FlowRevision = "a.b.c", "other", 7 }, model.Failed)
	add("x3", func(e *model.Execution) {
		e.Namespace = "a.bc"
		e.Labels = append(e.Labels, model.Label{Key: "team", Value: "x"}, model.Label{Key: "env", Value: "prod"})
	}, model.Running)
	add("x4", func(e *model.Execution) {
		e.Namespace, e.Kind = "system", "TEST"
		e.Labels = append(e.Labels, model.Label{Key: "team", Value: "x"}, model.Label{Key: "team", Value: "y"})
	}, model.Success)
	add("x5", func(e *model.Execution) {
		e.Namespace, e.ParentID = "a.b", "x2"
		e.Trigger = &model.TriggerInfo{ID: "daily", Type: "schedule", Variables: []byte(`{"date":"today"}`)}
	}, model.Killed)
	add("x6", func(e *model.Execution) {
		e.Namespace = "z"
		e.Labels = []model.Label{{Key: model.LabelCorrelation, Value: "x1"}}
		e.Trigger = &model.TriggerInfo{ID: "sub", Type: "subflow", Variables: []byte(`{"executionId":"x1"}`)}
	}, model.Paused)
}

func hour(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }

func executionFilters(t *testing.T, f *fixture) {
	library(f)
	label := func(pairs ...string) (labels []model.Label) {
		for i := 0; i < len(pairs); i += 2 {
			labels = append(labels, model.Label{Key: pairs[i], Value: pairs[i+1]})
		}
		return labels
	}
	for _, c := range []struct {
		field backend.Field
		op    backend.Op
		value any
		want  string
	}{
		{backend.FieldNamespace, backend.OpEquals, "a.b", "x1 x5"},
		{backend.FieldNamespace, backend.OpNotEquals, "a.b", "x2 x3 x4 x6"},
		{backend.FieldNamespace, backend.OpIn, []string{"a.b", "z"}, "x1 x5 x6"},
		{backend.FieldNamespace, backend.OpIn, []string{}, ""},
		{backend.FieldNamespace, backend.OpNotIn, []string{"a.b", "z"}, "x2 x3 x4"},
		{backend.FieldNamespace, backend.OpNotIn, []string{}, "x1 x2 x3 x4 x5 x6"},
		{backend.FieldNamespace, backend.OpPrefix, "a.b", "x1 x2 x5"},
		{backend.FieldNamespace, backend.OpPrefix, "a", "x1 x2 x3 x5"},
		{backend.FieldNamespace, backend.OpStarts, "a.b", "x1 x2 x3 x5"},
		{backend.FieldNamespace, backend.OpEnds, "c", "x2 x3"},
		{backend.FieldNamespace, backend.OpContains, "b.", "x2"},
		{backend.FieldNamespace, backend.OpContains, "B.", ""},
		{backend.FieldNamespace, backend.OpContains, "%", ""},
		{backend.FieldNamespace, backend.OpStarts, "_", ""},
		{backend.FieldNamespace, backend.OpRegex, `^a\.bc?$`, "x1 x3 x5"},
		{backend.FieldFlowID, backend.OpEquals, "other", "x2"},
		{backend.FieldFlowID, backend.OpStarts, "hel", "x1 x3 x4 x5 x6"},
		{backend.FieldRevision, backend.OpEquals, 7, "x2"},
		{backend.FieldRevision, backend.OpLess, 7, "x1 x3 x4 x5 x6"},
		{backend.FieldScope, backend.OpEquals, "USER", "x1 x2 x3 x5 x6"},
		{backend.FieldScope, backend.OpEquals, "SYSTEM", "x4"},
		{backend.FieldScope, backend.OpNotEquals, "SYSTEM", "x1 x2 x3 x5 x6"},
		{backend.FieldScope, backend.OpIn, []string{"USER", "SYSTEM"}, "x1 x2 x3 x4 x5 x6"},
		{backend.FieldState, backend.OpEquals, "SUCCESS", "x1 x4"},
		{backend.FieldState, backend.OpNotEquals, "SUCCESS", "x2 x3 x5 x6"},
		{backend.FieldState, backend.OpIn, []string{"RUNNING", "PAUSED"}, "x3 x6"},
		{backend.FieldState, backend.OpNotIn, []string{"RUNNING", "PAUSED"}, "x1 x2 x4 x5"},
		{backend.FieldLabels, backend.OpEquals, label("team", "x"), "x3 x4"},
		{backend.FieldLabels, backend.OpEquals, label("team", "x", "env", "prod"), "x3"},
		{backend.FieldLabels, backend.OpEquals, label("team", "y"), "x4"},
		{backend.FieldLabels, backend.OpContains, label("team", "x"), "x3 x4"},
		{backend.FieldLabels, backend.OpNotEquals, label("team", "x"), "x1 x2 x5 x6"},
		{backend.FieldLabels, backend.OpIn, label("team", "y", "env", "prod"), "x3 x4"},
		{backend.FieldLabels, backend.OpNotIn, label("team", "y", "env", "prod"), "x1 x2 x5 x6"},
		{backend.FieldLabels, backend.OpEquals, label("team", "prod"), ""},
		{backend.FieldLabels, backend.OpEquals, label(model.LabelCorrelation, "x1"), "x1 x6"},
		{backend.FieldLabels, backend.OpEquals, label(model.LabelCorrelation, "x3", "team", "x"), "x3"},
		{backend.FieldLabels, backend.OpNotEquals, label(model.LabelCorrelation, "x1"), "x2 x3 x4 x5"},
		{backend.FieldStartDate, backend.OpGreaterEq, hour(3), "x3 x4 x5 x6"},
		{backend.FieldStartDate, backend.OpGreater, hour(3), "x4 x5 x6"},
		{backend.FieldStartDate, backend.OpLess, hour(3), "x1 x2"},
		{backend.FieldStartDate, backend.OpLessEq, hour(3), "x1 x2 x3"},
		{backend.FieldStartDate, backend.OpEquals, hour(3), "x3"},
		{backend.FieldStartDate, backend.OpNotEquals, hour(3), "x1 x2 x4 x5 x6"},
		{backend.FieldEndDate, backend.OpLess, hour(3), "x1 x2"},
		{backend.FieldEndDate, backend.OpGreaterEq, hour(3), "x4 x5 x6"},
		{backend.FieldTriggerID, backend.OpEquals, "daily", "x5"},
		{backend.FieldTriggerID, backend.OpNotEquals, "daily", "x1 x2 x3 x4 x6"},
		{backend.FieldTriggerExec, backend.OpEquals, "x1", "x6"},
		{backend.FieldParentID, backend.OpEquals, "x2", "x5"},
		{backend.FieldChild, backend.OpEquals, "CHILD", "x6"},
		{backend.FieldChild, backend.OpEquals, "MAIN", "x1 x2 x3 x4 x5"},
		{backend.FieldChild, backend.OpNotEquals, "MAIN", "x6"},
		{backend.FieldExecutionID, backend.OpEquals, "x4", "x4"},
		{backend.FieldExecutionID, backend.OpIn, []string{"x4", "x1", "no"}, "x1 x4"},
		{backend.FieldTaskID, backend.OpEquals, "task-x2", "x2"},
		{backend.FieldTaskID, backend.OpStarts, "task", "x1 x2 x3 x4 x5 x6"},
		{backend.FieldTaskRunID, backend.OpEquals, model.DeriveID("x3", "task-x3", "0"), "x3"},
		{backend.FieldKind, backend.OpEquals, "TEST", "x4"},
		{backend.FieldKind, backend.OpEquals, "", "x1 x2 x3 x5 x6"},
		{backend.FieldQuery, backend.OpEquals, "HELL", "x1 x3 x4 x5 x6"},
		{backend.FieldQuery, backend.OpContains, "a.b", "x1 x2 x3 x5"},
		{backend.FieldQuery, backend.OpNotEquals, "a.b", "x4 x6"},
		{backend.FieldQuery, backend.OpEquals, "THE", "x2"},
		{backend.FieldQuery, backend.OpEquals, "x3", "x3"},
		{backend.FieldQuery, backend.OpEquals, "X3", ""},
		{backend.FieldQuery, backend.OpEquals, "3", ""},
		{backend.FieldQuery, backend.OpEquals, "x", "x1 x2 x3 x4 x5 x6"},
		{backend.FieldQuery, backend.OpNotEquals, "x3", "x1 x2 x4 x5 x6"},
		{backend.FieldQuery, backend.OpEquals, "nowhere", ""},
		{backend.FieldQuery, backend.OpEquals, "", "x1 x2 x3 x4 x5 x6"},
	} {
		q := backend.Query{Tenant: tenant, Size: 10, Sort: []backend.Sort{{By: "id"}}, Filters: []backend.Filter{{Field: c.field, Op: c.op, Value: c.value}}}
		page, err := f.b.Executions().Search(f.ctx, q)
		f.must(err)
		if got := joined(executionIDs(page.Results)); got != c.want || page.Total != len(page.Results) {
			t.Errorf("%s %s %v selects %q (total %d), want %q", c.field, c.op, c.value, got, page.Total, c.want)
		}
	}
	both := backend.Query{Tenant: tenant, Size: 10, Sort: []backend.Sort{{By: "id"}}, Filters: []backend.Filter{
		{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: "a"}, {Field: backend.FieldState, Op: backend.OpNotEquals, Value: "FAILED"},
		{Field: backend.FieldStartDate, Op: backend.OpGreater, Value: hour(1)},
	}}
	page, err := f.b.Executions().Search(f.ctx, both)
	f.must(err)
	f.equal(executionIDs(page.Results), []string{"x3", "x5"})
	f.equal(page.Total, 2)
}

func joined(ids []string) string {
	s := ""
	for i, id := range ids {
		if i > 0 {
			s += " "
		}
		s += id
	}
	return s
}

func executionFiltersRefused(t *testing.T, f *fixture) {
	for _, filter := range []backend.Filter{
		{Field: backend.FieldLevel, Op: backend.OpEquals, Value: "INFO"},
		{Field: "NONSENSE", Op: backend.OpEquals, Value: "x"},
		{Field: backend.FieldState, Op: backend.OpEquals, Value: "running"},
		{Field: backend.FieldState, Op: backend.OpContains, Value: "RUN"},
		{Field: backend.FieldStartDate, Op: backend.OpEquals, Value: "2026"},
		{Field: backend.FieldNamespace, Op: backend.OpIn, Value: "a"},
		{Field: backend.FieldNamespace, Op: backend.OpRegex, Value: "("},
		{Field: backend.FieldChild, Op: backend.OpEquals, Value: "PARENT"},
		{Field: backend.FieldLabels, Op: backend.OpEquals, Value: "a:b"},
	} {
		_, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{filter}})
		if err == nil {
			t.Errorf("%+v is accepted", filter)
			continue
		}
		f.wantError(err, backend.ErrInvalid)
	}
	for _, q := range []backend.Query{
		{Tenant: tenant, Sort: []backend.Sort{{By: "nonsense"}}}, {Tenant: tenant, Size: -1}, {Tenant: tenant, Page: -1},
		{Tenant: tenant, Size: 1, After: "nonsense"},
	} {
		_, err := f.b.Executions().Search(f.ctx, q)
		f.wantError(err, backend.ErrInvalid)
	}
}

func executionSorts(t *testing.T, f *fixture) {
	library(f)
	for _, c := range []struct {
		by   string
		want string
	}{
		{"id", "x1 x2 x3 x4 x5 x6"},
		{"state.startDate", "x1 x2 x3 x4 x5 x6"},
		{"state.endDate", "x1 x2 x4 x5 x6 x3"},
		{"state.duration", "x6 x5 x4 x2 x1 x3"}, // a pause has an end, of one second here
	} {
		for _, desc := range []bool{false, true} {
			page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Sort: []backend.Sort{{By: c.by, Desc: desc}}})
			f.must(err)
			got := executionIDs(page.Results)
			if desc {
				slices.Reverse(got)
			}
			if joined(got) != c.want {
				t.Errorf("by %s (descending %t): %v, want %s", c.by, desc, got, c.want)
			}
		}
	}
	for _, c := range []struct {
		sort []backend.Sort
		want string
	}{
		{nil, "x6 x5 x4 x3 x2 x1"},
		{[]backend.Sort{{By: "namespace"}, {By: "id", Desc: true}}, "x5 x1 x2 x3 x4 x6"},
		{[]backend.Sort{{By: "flowId", Desc: true}, {By: "id"}}, "x2 x1 x3 x4 x5 x6"},
		{[]backend.Sort{{By: "flowRevision", Desc: true}, {By: "state.startDate", Desc: true}}, "x2 x6 x5 x4 x3 x1"},
		{[]backend.Sort{{By: "state.current"}, {By: "id"}}, "x2 x5 x6 x3 x1 x4"},
	} {
		page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Sort: c.sort})
		f.must(err)
		if got := joined(executionIDs(page.Results)); got != c.want {
			t.Errorf("by %v: %s, want %s", c.sort, got, c.want)
		}
	}
}

// crowd stores n executions of which many share each sort value.
func crowd(f *fixture, n int) {
	f.t.Helper()
	var done []<-chan error
	for i := range n {
		e := execution(model.NewID())
		e.State = model.NewHistory(model.Created, t0.Add(time.Duration(i/7)*time.Minute))
		e.Namespace = fmt.Sprint("ns", i%3)
		if i%2 == 0 {
			e = ended(e, model.Success, time.Duration(i%4)*time.Second)
		}
		done = append(done, f.handIn(create(e)))
	}
	for _, d := range done {
		f.must(receive(f, d))
	}
}

func executionPages(t *testing.T, f *fixture) {
	crowd(f, 53)
	for _, sort := range [][]backend.Sort{nil, {{By: "state.startDate"}}, {{By: "namespace", Desc: true}}, {{By: "state.duration"}, {By: "namespace", Desc: true}}} {
		seen := map[string]bool{}
		for p := 1; p <= 7; p++ {
			page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Page: p, Size: 10, Sort: sort})
			f.must(err)
			want := map[int]int{6: 3, 7: 0}
			if n, last := want[p]; last && len(page.Results) != n || !last && len(page.Results) != 10 || page.Total != 53 {
				t.Errorf("page %d by %v has %d records, total %d", p, sort, len(page.Results), page.Total)
			}
			for _, id := range executionIDs(page.Results) {
				if seen[id] {
					t.Errorf("%s is on two pages by %v", id, sort)
				}
				seen[id] = true
			}
		}
	}
}

func executionCursors(t *testing.T, f *fixture) {
	crowd(f, 53)
	for _, sort := range [][]backend.Sort{nil, {{By: "state.endDate"}}, {{By: "namespace", Desc: true}, {By: "state.duration"}}} {
		seen := map[string]bool{}
		q := backend.Query{Tenant: tenant, Size: 10, NoTotal: true, Sort: sort}
		for pages := 1; ; pages++ {
			page, err := f.b.Executions().Search(f.ctx, q)
			f.must(err)
			for _, id := range executionIDs(page.Results) {
				if seen[id] {
					t.Errorf("%s came twice by %v", id, sort)
				}
				seen[id] = true
			}
			if page.Total != -1 {
				t.Errorf("total %d, want none", page.Total)
			}
			if q.After = page.Cursor; q.After == "" {
				break
			}
			newest := execution(model.NewID())
			newest.State, newest.Namespace = model.NewHistory(model.Created, t0.Add(1000*time.Hour)), "ns9"
			newest = ended(newest, model.Success, -time.Hour)
			f.commit(create(newest))
			_, err = f.b.Executions().Delete(f.ctx, tenant, []string{newest.ID})
			f.must(err)
			if pages > 10 {
				t.Fatal("there is no end")
			}
		}
		if len(seen) != 53 {
			t.Errorf("%d executions by %v, want 53", len(seen), sort)
		}
	}
}

func executionTotalOnly(t *testing.T, f *fixture) {
	crowd(f, 5)
	page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant})
	f.must(err)
	if page.Total != 5 || len(page.Results) != 0 {
		t.Errorf("total %d with %d records", page.Total, len(page.Results))
	}
}

// executionTotals: whatever an adapter does to count quickly must follow restarts, changes of state and deletion.
func executionTotals(t *testing.T, f *fixture) {
	total := func(want int, filters ...backend.Filter) {
		t.Helper()
		page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Filters: filters})
		f.must(err)
		if page.Total != want {
			t.Errorf("total %d by %v, want %d", page.Total, filters, want)
		}
	}
	state := func(s model.State) backend.Filter {
		return backend.Filter{Field: backend.FieldState, Op: backend.OpEquals, Value: s.String()}
	}
	from := func(op backend.Op, at time.Time) backend.Filter {
		return backend.Filter{Field: backend.FieldStartDate, Op: op, Value: at}
	}
	var all []*model.Execution
	for i := range 30 {
		e := execution(model.NewID())
		e.State = model.NewHistory(model.Created, t0.Add(time.Duration(i)*7*time.Minute))
		all = append(all, e)
		f.commit(create(e))
	}
	total(30)
	total(30, state(model.Created))
	for _, e := range all[:20] {
		f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Execution: ended(e, model.Success, time.Second)})
	}
	total(20, state(model.Success))
	total(10, state(model.Created))
	total(30)
	total(25, from(backend.OpGreaterEq, t0.Add(35*time.Minute)))
	total(9, from(backend.OpGreater, t0.Add(35*time.Minute)), from(backend.OpLess, t0.Add(7*15*time.Minute)))
	total(15, from(backend.OpGreaterEq, t0.Add(35*time.Minute)), state(model.Success))

	restarted := *all[0]
	restarted.State = append(model.History(nil), restarted.State...).With(model.Success, t0).With(model.Restarted, t0)
	f.commit(&model.Transition{Of: model.ExecutionEntity(restarted.ID), Version: 3, Execution: &restarted})
	total(19, state(model.Success))
	total(1, state(model.Restarted))
	f.commit(&model.Transition{Of: model.ExecutionEntity(restarted.ID), Version: 4, Execution: ended(&restarted, model.Failed, time.Minute)})
	total(1, state(model.Failed))
	changed := ended(all[1], model.Warning, time.Second) // from one end to another
	f.commit(&model.Transition{Of: model.ExecutionEntity(changed.ID), Version: 3, Execution: changed})
	total(1, state(model.Warning))
	total(18, state(model.Success))
	_, err := f.b.Executions().Delete(f.ctx, tenant, executionIDs(all[2:6]))
	f.must(err)
	f.commit(&model.Transition{Of: model.ExecutionEntity(all[6].ID), Version: 3, Deleted: true})
	total(13, state(model.Success))
	total(25)
}

func executionLatest(t *testing.T, f *fixture) {
	var want []string
	for i, name := range []string{"a", "b", "a", "b", "c"} {
		e := execution(numbered("x", i))
		e.FlowID = name
		e.State = model.NewHistory(model.Created, hour(-i)) // the first is the newest
		f.commit(create(e))
	}
	latest, err := f.b.Executions().Latest(f.ctx, tenant, []model.FlowKey{
		key("company.team", "a", 0), key("company.team", "b", 3), key("company.team", "none", 0), key("other", "c", 0)})
	f.must(err)
	for _, e := range latest {
		want = append(want, e.ID)
	}
	slices.Sort(want)
	f.equal(want, []string{"x-0000", "x-0001"})
}

func executionTenants(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	e.Tenant = "other"
	run := taskRun(e, "a", 0)
	f.commit(create(e, run))
	_, err := f.b.Executions().Get(f.ctx, tenant, e.ID)
	f.wantError(err, backend.ErrNotFound)
	_, err = f.b.Executions().TaskRuns(f.ctx, tenant, e.ID)
	f.wantError(err, backend.ErrNotFound)
	for name, want := range map[string]int{tenant: 0, "other": 1} {
		page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: name, Size: 5})
		f.must(err)
		runs, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: name, Size: 5})
		f.must(err)
		if page.Total != want || runs.Total != want {
			t.Errorf("tenant %s has %d executions and %d task runs, want %d", name, page.Total, runs.Total, want)
		}
	}
	n, err := f.b.Executions().Delete(f.ctx, tenant, []string{e.ID})
	f.must(err)
	f.equal(n, 0)
}

func executionDeletion(t *testing.T, f *fixture) {
	running, done := execution(model.NewID()), execution(model.NewID())
	run := taskRun(done, "a", 0)
	done.Labels = append(done.Labels, model.Label{Key: "k", Value: "v"})
	f.commit(create(running))
	f.commit(create(ended(done, model.Success, time.Second), run))
	n, err := f.b.Executions().Delete(f.ctx, tenant, []string{running.ID, done.ID, done.ID, "unknown"})
	f.must(err)
	f.equal(n, 1)
	f.load(model.ExecutionEntity(running.ID))
	_, err = f.b.Load(f.ctx, f.lease(model.ExecutionEntity(done.ID)), model.ExecutionEntity(done.ID))
	f.wantError(err, backend.ErrGone)
	page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 5})
	f.must(err)
	f.equal(executionIDs(page.Results), []string{running.ID})
	runs, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 5})
	f.must(err)
	f.equal(runs.Total, 0)
	// Its owner may not know yet.
	err = f.commitError(&model.Transition{Of: model.ExecutionEntity(done.ID), Version: 2, Execution: done})
	rejected(f, err, done.ID)
	f.wantError(err, backend.ErrGone)
}
