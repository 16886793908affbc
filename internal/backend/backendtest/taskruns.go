package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var taskRunScenarios = []scenario{
	{"search by the task run and its execution", taskRunSearch},
	{"sorts and pages", taskRunPages},
}

func taskRunSearch(t *testing.T, f *fixture) {
	add := func(id, flow string, change func(*model.Execution)) {
		e := execution(id)
		e.FlowID = flow
		change(e)
		first, second := taskRun(e, "first", 0), taskRun(e, "second", 1)
		first.State = append(first.State, model.Change{State: model.Success, Date: first.State.Start().Add(time.Second)})
		f.commit(create(e, first, second))
	}
	add("x1", "a", func(e *model.Execution) { e.Labels = append(e.Labels, model.Label{Key: "k", Value: "v"}) })
	add("x2", "b", func(e *model.Execution) { e.Kind, e.FlowRevision = "TEST", 2 })
	add("x3", "b", func(e *model.Execution) {
		e.State = model.NewHistory(model.Created, hour(2))
		e.Trigger = &model.TriggerInfo{ID: "sub", Variables: []byte(`{"executionId":"x1"}`)}
		e.Labels = []model.Label{{Key: model.LabelCorrelation, Value: "x1"}}
	})
	for _, c := range []struct {
		field backend.Field
		op    backend.Op
		value any
		want  string
	}{
		{backend.FieldExecutionID, backend.OpEquals, "x1", "x1/first x1/second"},
		{backend.FieldTaskID, backend.OpEquals, "first", "x1/first x2/first x3/first"},
		{backend.FieldTaskID, backend.OpIn, []string{"second"}, "x1/second x2/second x3/second"},
		{backend.FieldTaskRunID, backend.OpEquals, model.DeriveID("x2", "first", "0"), "x2/first"},
		{backend.FieldState, backend.OpEquals, "SUCCESS", "x1/first x2/first x3/first"},
		{backend.FieldState, backend.OpNotEquals, "SUCCESS", "x1/second x2/second x3/second"},
		{backend.FieldFlowID, backend.OpEquals, "a", "x1/first x1/second"},
		{backend.FieldNamespace, backend.OpPrefix, "company", "x1/first x1/second x2/first x2/second x3/first x3/second"},
		{backend.FieldStartDate, backend.OpGreaterEq, hour(2), "x3/first x3/second"},
		{backend.FieldEndDate, backend.OpLess, hour(1), "x1/first x2/first"},
		{backend.FieldLabels, backend.OpEquals, []model.Label{{Key: "k", Value: "v"}}, "x1/first x1/second"},
		{backend.FieldLabels, backend.OpEquals, []model.Label{{Key: model.LabelCorrelation, Value: "x1"}}, "x1/first x1/second x3/first x3/second"},
		{backend.FieldKind, backend.OpEquals, "TEST", "x2/first x2/second"},
		{backend.FieldRevision, backend.OpEquals, 2, "x2/first x2/second"},
		{backend.FieldTriggerID, backend.OpEquals, "sub", "x3/first x3/second"},
		{backend.FieldTriggerExec, backend.OpEquals, "x1", "x3/first x3/second"},
		{backend.FieldChild, backend.OpEquals, "CHILD", "x3/first x3/second"},
		{backend.FieldQuery, backend.OpEquals, "SECO", "x1/second x2/second x3/second"},
	} {
		page, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 10,
			Filters: []backend.Filter{{Field: c.field, Op: c.op, Value: c.value}}, Sort: []backend.Sort{{By: "executionId"}, {By: "taskId"}}})
		f.must(err)
		if got := joined(taskRunNames(page.Results)); got != c.want || page.Total != len(page.Results) {
			t.Errorf("%s %s %v selects %q (total %d), want %q", c.field, c.op, c.value, got, page.Total, c.want)
		}
	}
}

func taskRunNames(runs []*model.TaskRun) []string {
	var names []string
	for _, r := range runs {
		names = append(names, r.ExecutionID+"/"+r.TaskID)
	}
	return names
}

func taskRunPages(t *testing.T, f *fixture) {
	for i := range 5 {
		e := execution(numbered("x", i))
		e.State = model.NewHistory(model.Created, hour(i))
		f.commit(create(e, taskRun(e, "a", 0), taskRun(e, "b", 1), taskRun(e, "c", 2)))
	}
	for _, by := range backend.TaskRunSorts {
		seen := map[string]bool{}
		for p := 1; p <= 4; p++ {
			page, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Page: p, Size: 4, Sort: []backend.Sort{{By: by, Desc: true}}})
			f.must(err)
			f.equal(page.Total, 15)
			for _, name := range taskRunNames(page.Results) {
				seen[name] = true
			}
		}
		if len(seen) != 15 {
			t.Errorf("by %s: %d task runs, want 15", by, len(seen))
		}
	}
	page, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 4})
	f.must(err)
	f.equal(taskRunNames(page.Results), []string{"x-0004/c", "x-0004/b", "x-0004/a", "x-0003/c"})
}
