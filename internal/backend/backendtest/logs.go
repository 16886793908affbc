package backendtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var logScenarios = []scenario{
	{"a line comes back", logRoundTrip},
	{"a line that is stored again is kept once", logOnce},
	{"lines without a task run", logWithoutTaskRun},
	{"lines of a transition", logOfTransition},
	{"every filter", logFilters},
	{"order and pages", logPages},
	{"many lines of one namespace", logCrowd},
	{"deletion", logDeletion},
}

// logLine is line number seq of the first attempt of a task run.
func logLine(e *model.Execution, run *model.TaskRun, seq int, message string) model.LogEntry {
	return model.LogEntry{
		Tenant: tenant, Namespace: e.Namespace, FlowID: e.FlowID, TaskID: run.TaskID, ExecutionID: e.ID, TaskRunID: run.ID, Attempt: pointer(0),
		Timestamp: t0.Add(time.Duration(seq) * time.Millisecond), Level: model.LevelInfo, Thread: "main", Message: message, Seq: seq,
	}
}

func messages(page backend.Page[model.LogEntry]) []string {
	var list []string
	for _, l := range page.Results {
		list = append(list, l.Message)
	}
	return list
}

func (f *fixture) logs(filters ...backend.Filter) backend.Page[model.LogEntry] {
	f.t.Helper()
	page, err := f.b.Logs().Search(f.ctx, backend.Query{Tenant: tenant, Size: 100, Filters: filters})
	f.must(err)
	return page
}

func logRoundTrip(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	line := logLine(e, taskRun(e, "a", 0), 0, "hello")
	line.Kind, line.Level = "TEST", model.LevelError
	bare := model.LogEntry{Tenant: tenant, Namespace: "ns", FlowID: "f", TriggerID: "daily", Timestamp: t0.Add(time.Hour), Level: model.LevelTrace, Message: ""}
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{line, bare}))
	f.equal(f.logs().Results, []model.LogEntry{line, bare})
}

func logOnce(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	var lines []model.LogEntry
	for i := range 5 {
		lines = append(lines, logLine(e, run, i, fmt.Sprint("line ", i)))
	}
	second := logLine(e, run, 0, "of the second attempt")
	second.Attempt, second.Timestamp = pointer(1), t0.Add(time.Minute)
	f.must(f.b.Logs().Append(f.ctx, lines[:3]))
	f.must(f.b.Logs().Append(f.ctx, append(lines, lines[4], second)))
	f.equal(messages(f.logs()), []string{"line 0", "line 1", "line 2", "line 3", "line 4", "of the second attempt"})
}

func logWithoutTaskRun(t *testing.T, f *fixture) {
	line := model.LogEntry{Tenant: tenant, Namespace: "ns", FlowID: "f", ExecutionID: "x", Timestamp: t0, Level: model.LevelInfo, Message: "same"}
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{line, line}))
	f.equal(f.logs().Total, 2) // nothing tells that they are one
}

func logOfTransition(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	tr := create(e, run)
	tr.Logs = []model.LogEntry{logLine(e, run, 0, "one"), logLine(e, run, 1, "two")}
	tr.Metrics = []model.Metric{metric(e, run, "rows", 3, 0)}
	f.commit(tr)
	f.must(f.b.Logs().Append(f.ctx, tr.Logs))
	f.equal(messages(f.logs()), []string{"one", "two"})
	page, err := f.b.Metrics().Search(f.ctx, backend.Query{Tenant: tenant, Size: 5})
	f.must(err)
	f.equal(page.Results, tr.Metrics)
}

func logFilters(t *testing.T, f *fixture) {
	var lines []model.LogEntry
	for i, level := range []model.Level{model.LevelTrace, model.LevelDebug, model.LevelInfo, model.LevelWarn, model.LevelError} {
		e := execution(numbered("x", i))
		e.Namespace, e.FlowID = fmt.Sprint("ns.", i), fmt.Sprint("flow", i)
		l := logLine(e, taskRun(e, fmt.Sprint("task", i), 0), i, fmt.Sprint("Line ", i))
		l.Level, l.Timestamp, l.Attempt = level, hour(i), pointer(i)
		if i == 2 {
			l.TriggerID, l.Attempt = "daily", nil
		}
		lines = append(lines, l)
	}
	f.must(f.b.Logs().Append(f.ctx, lines))
	other := lines[0]
	other.Tenant, other.TaskRunID = "other", "other"
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{other}))
	for _, c := range []struct {
		field backend.Field
		op    backend.Op
		value any
		want  string
	}{
		{backend.FieldLevel, backend.OpGreaterEq, "WARN", "Line 3 Line 4"},
		{backend.FieldLevel, backend.OpGreaterEq, "ERROR", "Line 4"},
		{backend.FieldLevel, backend.OpGreaterEq, "TRACE", "Line 0 Line 1 Line 2 Line 3 Line 4"},
		{backend.FieldLevel, backend.OpEquals, "INFO", "Line 2"},
		{backend.FieldLevel, backend.OpLess, "INFO", "Line 0 Line 1"},
		{backend.FieldLevel, backend.OpIn, []string{"INFO", "ERROR"}, "Line 2 Line 4"},
		{backend.FieldNamespace, backend.OpPrefix, "ns", "Line 0 Line 1 Line 2 Line 3 Line 4"},
		{backend.FieldNamespace, backend.OpEquals, "ns.1", "Line 1"},
		{backend.FieldScope, backend.OpEquals, "SYSTEM", ""},
		{backend.FieldFlowID, backend.OpEquals, "flow1", "Line 1"},
		{backend.FieldExecutionID, backend.OpEquals, "x-0002", "Line 2"},
		{backend.FieldTaskID, backend.OpIn, []string{"task0", "task4"}, "Line 0 Line 4"},
		{backend.FieldTaskRunID, backend.OpEquals, lines[3].TaskRunID, "Line 3"},
		{backend.FieldAttempt, backend.OpEquals, 3, "Line 3"},
		{backend.FieldAttempt, backend.OpNotEquals, 3, "Line 0 Line 1 Line 2 Line 4"},
		{backend.FieldTriggerID, backend.OpEquals, "daily", "Line 2"},
		{backend.FieldStartDate, backend.OpGreaterEq, hour(3), "Line 3 Line 4"},
		{backend.FieldEndDate, backend.OpLess, hour(1), "Line 0"},
		{backend.FieldQuery, backend.OpEquals, "line 3", "Line 3"},
	} {
		page := f.logs(backend.Filter{Field: c.field, Op: c.op, Value: c.value})
		if got := joined(messages(page)); got != c.want || page.Total != len(page.Results) {
			t.Errorf("%s %s %v selects %q (total %d), want %q", c.field, c.op, c.value, got, page.Total, c.want)
		}
	}
	_, err := f.b.Logs().Search(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{{Field: backend.FieldState, Op: backend.OpEquals, Value: "RUNNING"}}})
	f.wantError(err, backend.ErrInvalid)
}

func logPages(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	var lines []model.LogEntry
	for i := range 25 {
		l := logLine(e, run, i, fmt.Sprint(i))
		l.Timestamp = t0.Add(time.Duration(i/5) * time.Second) // lines of one instant stay in their order
		lines = append(lines, l)
	}
	f.must(f.b.Logs().Append(f.ctx, lines[13:]))
	f.must(f.b.Logs().Append(f.ctx, lines[:13]))
	q := backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: e.ID}}}
	var got []string
	for q.Page = 1; q.Page <= 3; q.Page++ {
		page, err := f.b.Logs().Search(f.ctx, q)
		f.must(err)
		f.equal(page.Total, 25)
		got = append(got, messages(page)...)
	}
	f.equal(len(got), 25)
	seen := map[string]bool{}
	for i, m := range got {
		seen[m] = true
		if i%5 == 0 && i > 0 && len(seen) != i+1 {
			t.Errorf("after %d lines: %v", i, got)
		}
	}
	q.Page, q.Sort = 1, []backend.Sort{{By: "timestamp", Desc: true}}
	page, err := f.b.Logs().Search(f.ctx, q)
	f.must(err)
	if !page.Results[0].Timestamp.Equal(t0.Add(4 * time.Second)) {
		t.Errorf("the newest line is of %v", page.Results[0].Timestamp)
	}
	q.After, q.Size = page.Cursor, 100
	rest, err := f.b.Logs().Search(f.ctx, q)
	f.must(err)
	f.equal(len(rest.Results), 15)
}

func logCrowd(t *testing.T, f *fixture) {
	const n = 6000
	e, rare := execution(model.NewID()), execution(model.NewID())
	rare.Namespace = "rare"
	lines := []model.LogEntry{logLine(rare, taskRun(rare, "t", 0), 0, "rare")}
	for i := range n {
		lines = append(lines, logLine(e, taskRun(e, "t", 0), i, fmt.Sprint(i)))
	}
	f.must(f.b.Logs().Append(f.ctx, lines))
	for _, c := range []struct {
		namespace string
		total     int
		newest    string
	}{{e.Namespace, n, fmt.Sprint(n - 1)}, {"rare", 1, "rare"}, {"none", 0, ""}} {
		page, err := f.b.Logs().Search(f.ctx, backend.Query{Tenant: tenant, Size: 2, Sort: []backend.Sort{{By: "timestamp", Desc: true}},
			Filters: []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: c.namespace}}})
		f.must(err)
		if page.Total != c.total || c.total > 0 && page.Results[0].Message != c.newest {
			t.Errorf("%s: total %d, %v", c.namespace, page.Total, messages(page))
		}
	}
}

func logDeletion(t *testing.T, f *fixture) {
	a, b := execution(model.NewID()), execution(model.NewID())
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{
		logLine(a, taskRun(a, "t", 0), 0, "a0"), logLine(a, taskRun(a, "t", 0), 1, "a1"), logLine(b, taskRun(b, "t", 0), 0, "b0")}))
	n, err := f.b.Logs().Delete(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: a.ID}}})
	f.must(err)
	f.equal(n, 2)
	f.equal(messages(f.logs()), []string{"b0"})
	_, err = f.b.Logs().Delete(f.ctx, backend.Query{Tenant: tenant, Filters: []backend.Filter{{Field: "x"}}})
	f.wantError(err, backend.ErrInvalid)
	f.equal(f.logs().Total, 1)
}
