package sim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// TestErrorLines counts the lines of level ERROR, so that errorLogs() knows what to wait for: those that reports tell of and
// those of the engine's own. An expression of the engine is handed those that its own step has added.
func TestErrorLines(t *testing.T) {
	flows := compileAll(t, `id: f
tasks:
  - {id: a, bad, allowFailure: true}
  - {id: c, type: flow.If, condition: "{{ nothing.there }}", then: [{id: never, ok}]}
errors:
  - {id: l, type: execution.Labels, labels: {v: "{{ errorLogs() }}"}}
  - {id: e, ok}`)
	c := New(1, flows...)
	var asked []engine.Need
	c.Asked = func(n engine.Need) { asked = append(asked, n) }
	c.Start(flows[0], "x")
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	job := c.Jobs()[0]
	c.Take(job)
	line := model.LogEntry{Level: model.LevelError, Message: "carried", TaskID: "a"}
	c.Report(job, model.EventJobEnded, &model.JobReport{
		ID: job.ID, TaskRunID: job.TaskRun.ID, Attempt: 1, State: model.Failed, Started: c.Now, Ended: c.Now, Errors: 2, Logs: []model.LogEntry{line},
	})
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	var handed []string
	for _, n := range asked {
		if n.Call == "errorLogs" {
			for _, l := range n.Errors {
				handed = append(handed, l.TaskID+": "+strings.SplitN(l.Message, " ", 2)[0])
			}
		}
	}
	if d := cmp.Diff([]string{"a: carried", "c: Unable"}, handed); d != "" {
		t.Error(d)
	}
	jobs := c.Jobs()
	if len(jobs) != 1 || jobs[0].Execution.Errors != 3 || c.Execution("x").Engine.Errors != 3 {
		t.Errorf("%v, %d errors", jobs, c.Execution("x").Engine.Errors)
	}
}
