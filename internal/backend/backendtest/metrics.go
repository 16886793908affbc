package backendtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var metricScenarios = []scenario{
	{"search, names and deletion", metricSearch},
	{"values keep every digit", metricValues},
}

func metric(e *model.Execution, run *model.TaskRun, name string, value float64, at time.Duration) model.Metric {
	return model.Metric{
		Tenant: tenant, Namespace: e.Namespace, FlowID: e.FlowID, TaskID: run.TaskID, ExecutionID: e.ID, TaskRunID: run.ID,
		Type: "counter", Name: name, Value: value, Timestamp: t0.Add(at), Tags: map[string]string{"k": "v"}, Kind: "TEST",
	}
}

func metricSearch(t *testing.T, f *fixture) {
	var all []model.Metric
	for i := range 6 {
		e := execution(numbered("x", i/2))
		e.FlowID = fmt.Sprint("flow", i/2)
		all = append(all, metric(e, taskRun(e, fmt.Sprint("task", i), i), fmt.Sprint("name", i%2), float64(i), time.Duration(i)*time.Hour))
	}
	f.must(f.b.Metrics().Append(f.ctx, all))
	search := func(sort []backend.Sort, filters ...backend.Filter) []model.Metric {
		t.Helper()
		page, err := f.b.Metrics().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: filters, Sort: sort})
		f.must(err)
		f.equal(page.Total, len(page.Results))
		return page.Results
	}
	is := func(field backend.Field, value any) backend.Filter {
		return backend.Filter{Field: field, Op: backend.OpEquals, Value: value}
	}
	f.equal(search(nil), all)
	f.equal(search(nil, is(backend.FieldExecutionID, "x-0001")), all[2:4])
	f.equal(search(nil, is(backend.FieldFlowID, "flow2")), all[4:])
	f.equal(search(nil, is(backend.FieldTaskID, "task3")), all[3:4])
	f.equal(search(nil, is(backend.FieldTaskRunID, all[5].TaskRunID)), all[5:])
	f.equal(search(nil, is(backend.FieldMetric, "name1"), backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreater, Value: hour(1)}), []model.Metric{all[3], all[5]})
	f.equal(search([]backend.Sort{{By: "name", Desc: true}, {By: "timestamp"}})[0], all[1])

	names, tasks, err := f.b.Metrics().Names(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{is(backend.FieldFlowID, "flow1")}})
	f.must(err)
	f.equal(names, []string{"name0", "name1"})
	f.equal(tasks, []string{"task2", "task3"})

	n, err := f.b.Metrics().Delete(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{is(backend.FieldExecutionID, "x-0000")}})
	f.must(err)
	f.equal(n, 2)
	f.equal(search(nil), all[2:])
}

func metricValues(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	for i, v := range []float64{0.1, -1e300, 5e-324, 9007199254740993, 0} {
		f.must(f.b.Metrics().Append(f.ctx, []model.Metric{metric(e, taskRun(e, "t", 0), fmt.Sprint("n", i), v, 0)}))
		page, err := f.b.Metrics().Search(f.ctx, backend.Query{Tenant: tenant, Size: 1, Filters: []backend.Filter{{Field: backend.FieldMetric, Op: backend.OpEquals, Value: fmt.Sprint("n", i)}}})
		f.must(err)
		f.equal(page.Results[0].Value, v)
	}
}
