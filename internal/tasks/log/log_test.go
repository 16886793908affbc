package log_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/log"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.log."

func TestLog(t *testing.T) {
	for _, c := range []struct {
		yaml string
		want []sdktest.Line
	}{
		{"message: hello {{ flow.id }}", []sdktest.Line{{Level: sdk.LevelInfo, Text: "hello flow"}}},
		{"message: ['a', '{{ 1 + 1 }}', 100%]\nlevel: WARN", []sdktest.Line{{Level: sdk.LevelWarn, Text: "a"}, {Level: sdk.LevelWarn, Text: "2"}, {Level: sdk.LevelWarn, Text: "100%"}}},
		{"message: 5\nlevel: debug", []sdktest.Line{{Level: sdk.LevelDebug, Text: "5"}}},
	} {
		run := sdktest.New(t)
		taskstest.Must(t, run, log.Types(nil), "%s", "type: "+area+"Log\n"+c.yaml)
		if diff := cmp.Diff(c.want, run.Logs); diff != "" {
			t.Errorf("%s:\n%s", c.yaml, diff)
		}
	}
	if err := taskstest.Fails(t, sdktest.New(t), log.Types(nil), "type: %sLog\nmessage: {a: 1}", area); !strings.Contains(err, "message") {
		t.Error(err)
	}
}

// logs has lines of two tasks of the execution that fetches, of another execution and of a trigger.
func logs(t *testing.T) *memory.Backend {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var lines []model.LogEntry
	for i, l := range []struct {
		namespace, execution, task, trigger, message string
		level                                        model.Level
	}{
		{"company.team", "execution", "one", "", "first", model.LevelInfo},
		{"company.team", "execution", "one", "", "detail", model.LevelDebug},
		{"company.team", "execution", "two", "", "second", model.LevelWarn},
		{"company.team", "other", "one", "", "elsewhere", model.LevelInfo},
		{"company.teams", "", "", "daily", "trigger", model.LevelInfo},
	} {
		lines = append(lines, model.LogEntry{
			Tenant: "main", Namespace: l.namespace, FlowID: "flow", ExecutionID: l.execution, TaskID: l.task, TaskRunID: l.execution + l.task,
			TriggerID: l.trigger, Timestamp: at.Add(time.Duration(i) * time.Hour), Level: l.level, Message: l.message, Seq: i,
		})
	}
	if err := b.Logs().Append(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFetch(t *testing.T) {
	b := logs(t)
	for _, c := range []struct {
		how  string
		want []string
	}{
		{"", []string{"first", "second"}},
		{"level: TRACE", []string{"first", "detail", "second"}},
		{"level: WARN", []string{"second"}},
		{"tasksId: [one]", []string{"first"}},
		{"executionId: other", []string{"elsewhere"}},
		{"executionId: other\nnamespace: company\nflowId: flow", nil},
	} {
		run := sdktest.New(t)
		out := taskstest.Must(t, run, log.Types(b), "%s", "type: "+area+"Fetch\n"+c.how)
		var got log.FetchOutput
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		content := run.Content(got.URI)
		if got.Size != len(c.want) || strings.Count(content, "\n") != len(c.want) {
			t.Errorf("%s: %d lines:\n%s", c.how, got.Size, content)
		}
		for i, line := range strings.Split(strings.TrimSpace(content), "\n") {
			if len(c.want) > 0 && !strings.Contains(line, `message:"`+c.want[i]+`"`) {
				t.Errorf("%s: line %d is %s, want %s", c.how, i, line, c.want[i])
			}
		}
	}
	if err := taskstest.Fails(t, sdktest.New(t), log.Types(b), "type: %sFetch\nflowId: flow", area); !strings.Contains(err, "executionId") {
		t.Error(err)
	}
}

func TestPurgeLogs(t *testing.T) {
	for _, c := range []struct{ how, want string }{
		{"endDate: 2026-02-01T00:00:00Z", `{"count":5,"executionLogsCount":4,"nonExecutionLogsCount":1}`},
		{"endDate: 2026-01-01T01:30:00Z", `{"count":2,"executionLogsCount":2,"nonExecutionLogsCount":0}`},
		{"endDate: 2026-02-01T00:00:00Z\nstartDate: 2026-01-01T02:00:00Z", `{"count":3,"executionLogsCount":2,"nonExecutionLogsCount":1}`},
		{"endDate: 2026-02-01T00:00:00Z\nlogLevels: [DEBUG, WARN]", `{"count":2,"executionLogsCount":2,"nonExecutionLogsCount":0}`},
		{"endDate: 2026-02-01T00:00:00Z\npurgeExecutionLogs: false", `{"count":1,"executionLogsCount":0,"nonExecutionLogsCount":1}`},
		{"endDate: 2026-02-01T00:00:00Z\npurgeNonExecutionLogs: false", `{"count":4,"executionLogsCount":4,"nonExecutionLogsCount":0}`},
		{"endDate: 2026-02-01T00:00:00Z\nexecutionId: other", `{"count":1,"executionLogsCount":1,"nonExecutionLogsCount":0}`},
		{"endDate: 2026-02-01T00:00:00Z\nnamespace: company.team", `{"count":4,"executionLogsCount":4,"nonExecutionLogsCount":0}`},
		{"endDate: 2026-02-01T00:00:00Z\nnamespace: company\nflowId: flow", `{"count":0,"executionLogsCount":0,"nonExecutionLogsCount":0}`},
	} {
		if out := taskstest.Must(t, sdktest.New(t), log.Types(logs(t)), "type: %sPurgeLogs\n%s", area, c.how); out != c.want {
			t.Errorf("%s: %s, want %s", c.how, out, c.want)
		}
	}
}
