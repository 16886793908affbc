package execution_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/execution"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.execution."

func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

func TestFailAndAssert(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{ // "" does not fail
		{"Fail", "Task failure"},
		{"Fail\ncondition: '{{ 1 > 2 }}'", ""},
		{"Fail\ncondition: '0'", ""},
		{"Fail\ncondition: ' '", ""},
		{"Fail\nerrorMessage: 'flow {{ flow.id }}'", "flow flow"},
		{"Fail\ncondition: '{{ flow.id }}'\nerrorMessage: 'flow {{ flow.id }}'", "Fail on a condition"},
		{"Assert\nconditions: ['{{ 1 < 2 }}', 'true']", ""},
		{"Assert\nconditions: ['{{ 1 < 2 }}', '{{ 1 > 2 }}', '']", "2 of 3 assertions failed"},
		{"Assert\nconditions: ['false']\nerrorMessage: wrong", "wrong"},
		{"Assert\nconditions: ['{{ nothing }}']", "nothing"},
	} {
		_, err := taskstest.Run(t, sdktest.New(t), execution.Types(nil, nil, nil), "type: "+area+c.yaml)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.yaml, err, c.want)
		}
	}
}

// TestFailMessage has the message of a Fail with a condition in the log, where errorLogs() finds it.
func TestFailMessage(t *testing.T) {
	run := sdktest.New(t)
	taskstest.Fails(t, run, execution.Types(nil, nil, nil), "type: %sFail\ncondition: 'true'\nerrorMessage: boom", area)
	if len(run.Logs) != 1 || run.Logs[0] != (sdktest.Line{Level: sdk.LevelError, Text: "boom"}) {
		t.Errorf("the log is %v", run.Logs)
	}
}

func TestCount(t *testing.T) {
	o := taskstest.NewOwner(t)
	types := execution.Types(o, nil, nil)
	o.Put("e1", "company", "a", model.Success, day(1))
	o.Put("e2", "company", "a", model.Failed, day(2))
	o.Put("e3", "company", "b", model.Success, day(3))
	o.Put("e4", "company.team", "a", model.Success, day(3))
	for _, c := range []struct{ how, want string }{
		{"flows: [{namespace: company, flowId: a}, {namespace: company, flowId: none}]\nexpression: 'true'",
			`{"results":[{"namespace":"company","flowId":"a","count":2},{"namespace":"company","flowId":"none","count":0}],"total":2}`},
		{"flows: [{namespace: company, flowId: a}, {namespace: company, flowId: none}]\nexpression: '{{ count == 0 }}'",
			`{"results":[{"namespace":"company","flowId":"none","count":0}],"total":0}`},
		{"namespaces: [company]\nexpression: '{{ count > 1 }}'", `{"results":[{"namespace":"company","count":3}],"total":3}`},
		{"namespaces: [company]\nstates: [SUCCESS]\nendDate: 2026-01-02T00:00:00Z\nexpression: '{{ count > 0 }}'", `{"results":[{"namespace":"company","count":1}],"total":1}`},
	} {
		out := taskstest.Must(t, sdktest.New(t), types, "type: %sCount\nstartDate: 2026-01-01T00:00:00Z\n%s", area, c.how)
		if out != c.want {
			t.Errorf("%s: %s, want %s", c.how, out, c.want)
		}
	}
	if err := taskstest.Fails(t, sdktest.New(t), types, "type: %sCount\nstartDate: 2026-01-01T00:00:00Z\nexpression: 'true'", area); !strings.Contains(err, "flows or namespaces") {
		t.Error(err)
	}
}

func TestResume(t *testing.T) {
	o := taskstest.NewOwner(t)
	types := execution.Types(o, nil, func(_ context.Context, tenant, id string, given *value.Map) (*model.Action, error) {
		if given.Len() == 0 {
			return nil, errors.New("a is required")
		}
		return &model.Action{TaskRunID: tenant + " " + id, Inputs: value.AppendJSON(nil, given, value.JSONOptions{})}, nil
	})
	o.Put("paused", "company", "a", model.Paused, day(1))
	answers := func(a model.Answer) <-chan model.Event {
		got := make(chan model.Event, 1)
		go func() { got <- o.Answer("paused", a) }()
		return got
	}
	got := answers(model.Answer{})
	taskstest.Must(t, sdktest.New(t), types, "type: %sResume\nexecutionId: paused\ninputs: {approved: '{{ 1 == 1 }}', n: 2}", area)
	if ev := <-got; ev.Kind != model.EventResume || string(ev.Action.Inputs) != `{"approved":"true","n":2}` || ev.Action.TaskRunID != "main paused" {
		t.Errorf("%s with %s", ev.Kind, ev.Action.Inputs)
	}
	got = answers(model.Answer{Code: model.AnswerConflict, Message: "the execution is not paused"})
	if err := taskstest.Fails(t, sdktest.New(t), types, "type: %sResume\nexecutionId: paused\nnamespace: company\nflowId: a\ninputs: {a: 1}", area); !strings.Contains(err, "not paused") {
		t.Error(err)
	}
	<-got
	for how, want := range map[string]string{
		"executionId: none":              "there is no execution none",
		"executionId: paused\nflowId: b": "one of the flow a",
		"executionId: paused":            "cannot be resumed: a is required",
	} {
		if err := taskstest.Fails(t, sdktest.New(t), types, "type: %sResume\n%s", area, how); !strings.Contains(err, want) {
			t.Errorf("%s: %s", how, err)
		}
	}
}

// TestPurgeExecutions deletes what has ended, and keeps the rest.
func TestPurgeExecutions(t *testing.T) {
	o := taskstest.NewOwner(t)
	run := sdktest.New(t)
	types := execution.Types(o, run.Storage(), nil)
	ctx := t.Context()
	for _, e := range []*model.Execution{
		o.Put("old", "company.team", "flow", model.Success, day(1)), o.Put("failed", "company", "flow", model.Failed, day(1)),
		o.Put("running", "company", "flow", model.Running, day(1)), o.Put("new", "company", "flow", model.Success, day(20)),
	} {
		line := model.LogEntry{Tenant: "main", Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID, TaskRunID: e.ID, Timestamp: day(1), Level: model.LevelInfo, Message: "x"}
		metric := model.Metric{Tenant: "main", Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID, TaskRunID: e.ID, Type: "counter", Name: "n", Timestamp: day(1)}
		if err := errors.Join(o.Logs().Append(ctx, []model.LogEntry{line}), o.Metrics().Append(ctx, []model.Metric{metric})); err != nil {
			t.Fatal(err)
		}
		put(t, run.Storage(), e)
	}
	steps := []struct{ how, want string }{
		{"endDate: 2026-01-10T00:00:00Z\nnamespace: other", `{"executionsCount":0,"logsCount":0,"storagesCount":0,"metricsCount":0,"taskOutputsCount":0,"executionOutputsCount":0}`},
		{"endDate: 2026-01-10T00:00:00Z\nstates: [FAILED]\nflowId: flow\nnamespace: company\npurgeExecution: false\npurgeStorage: false",
			`{"executionsCount":0,"logsCount":1,"storagesCount":0,"metricsCount":1,"taskOutputsCount":0,"executionOutputsCount":0}`},
		{"endDate: 2026-01-10T00:00:00Z\nnamespace: company\nbatchSize: 1", `{"executionsCount":2,"logsCount":1,"storagesCount":2,"metricsCount":1,"taskOutputsCount":0,"executionOutputsCount":0}`},
		{"endDate: 2026-01-10T00:00:00Z", `{"executionsCount":0,"logsCount":0,"storagesCount":0,"metricsCount":0,"taskOutputsCount":0,"executionOutputsCount":0}`},
	}
	for _, s := range steps {
		if out := taskstest.Must(t, run, types, "type: %sPurgeExecutions\n%s", area, s.how); out != s.want {
			t.Errorf("%s: %s, want %s", s.how, out, s.want)
		}
	}
	for id, kept := range map[string]bool{"old": false, "failed": false, "running": true, "new": true} {
		_, err := o.Executions().Get(ctx, "main", id)
		if gone := errors.Is(err, backend.ErrNotFound) || errors.Is(err, backend.ErrGone); gone == kept {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// put stores a file of an execution.
func put(t *testing.T, store storage.Storage, e *model.Execution) {
	t.Helper()
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID}, ID: e.ID}.InputDir("file")
	if err != nil {
		t.Fatal(err)
	}
	at, err := dir.Join("a.txt")
	if err == nil {
		err = store.Put(context.Background(), at, strings.NewReader("x"), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}
