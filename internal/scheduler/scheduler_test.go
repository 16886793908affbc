package scheduler

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/trigger"
)

var (
	of    = model.TriggerEntity("main", "company.team", "flow", "daily")
	start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// TestMissing: a trigger that waits in vain, for a job that nobody has or for an execution that is over or gone, is told.
func TestMissing(t *testing.T) {
	o := taskstest.NewOwner(t)
	o.Put("over", "company.team", "flow", model.Failed, start)
	o.Put("runs", "company.team", "flow", model.Running, start)
	m := &machine{Config{Backend: o}}
	for _, c := range []struct {
		name  string
		state model.TriggerState
		want  string
	}{
		{"nothing awaited", model.TriggerState{}, ""},
		{"runs", model.TriggerState{ExecutionID: "runs"}, ""},
		{"over", model.TriggerState{ExecutionID: "over"}, "runEnded FAILED"},
		{"gone", model.TriggerState{ExecutionID: "never"}, "stillThere "},
		{"of a backfill", model.TriggerState{ExecutionID: "over", Engine: model.TriggerEngine{Filling: []string{"never", "runs", "over"}}}, "stillThere runEnded FAILED"},
		{"job", model.TriggerState{Engine: model.TriggerEngine{JobID: "job", Job: 3}}, "jobLost "},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.state.Tenant = "main"
			forgotten, lost := m.Missing(t.Context(), of, &backend.Snapshot{Version: 1, Trigger: &c.state}, start)
			got := ""
			for _, ev := range lost {
				got += string(ev.Kind) + " "
				if ev.Run != nil && ev.Run.State != 0 {
					got += ev.Run.State.String()
				}
				if ev.To != of && ev.To != model.ExecutionEntity("never") {
					t.Errorf("it is sent to %v", ev.To)
				}
			}
			if got != c.want || forgotten {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// TestCrash: a trigger that cannot be decided about is disabled, and says why; its event is acknowledged.
func TestCrash(t *testing.T) {
	m := &machine{}
	next := start.Add(time.Hour)
	snap := &backend.Snapshot{Version: 4, Jobs: []string{"job"}, Timers: []model.Timer{{ID: "due", Of: of}}, Trigger: &model.TriggerState{
		Tenant: "main", Namespace: "company.team", FlowID: "flow", TriggerID: "daily", Next: &next}}
	tr := m.Crash(of, snap, &model.Event{ID: "ev", To: of, Kind: model.EventSync, Ask: "ask"}, "a defect", start)
	s := tr.Trigger.State
	if tr.Version != 5 || !s.Disabled || s.Problem != "a defect" || s.Next != nil {
		t.Errorf("version %d, %+v", tr.Version, s)
	}
	if len(tr.Acks) != 1 || len(tr.ClearTimers) != 1 || len(tr.CancelJobs) != 1 || tr.Answers[0].Code != model.AnswerConflict {
		t.Errorf("%+v", tr)
	}
}

// TestHidden: secrets are hidden in what people read of a trigger.
func TestHidden(t *testing.T) {
	book := &mask.Book{}
	book.Of("").Add("s3cr3t-word")
	m := &machine{Config{Masks: book}}
	d := m.hidden(trigger.Decision{
		State: &model.TriggerState{Problem: "no s3cr3t-word"}, Logs: []model.LogEntry{{Message: "it said s3cr3t-word"}},
	})
	if d.State.Problem != "no ******" || d.Logs[0].Message != "it said ******" {
		t.Errorf("%q, %q", d.State.Problem, d.Logs[0].Message)
	}
}
