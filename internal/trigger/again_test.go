package trigger

import (
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// again delivers an event that was delivered before, as its id tells.
func (r *rig) again(ev model.Event) Decision {
	r.n--
	return r.send(ev)
}

// TestManagedOnce: what somebody asks for and is delivered again, since its sender did not hear, is done once and has the
// same answer.
func TestManagedOnce(t *testing.T) {
	disable, enable := model.Event{Kind: model.EventSetDisabled, Manage: &model.Manage{Disabled: true}}, model.Event{Kind: model.EventSetDisabled, Manage: &model.Manage{}}
	fill := model.Event{Kind: model.EventBackfill, Manage: &model.Manage{Backfill: &model.Backfill{Start: at("2026-02-01T00:00:00Z")}}}
	drop := model.Event{Kind: model.EventBackfill, Manage: &model.Manage{}}
	for name, c := range map[string]struct {
		first, then model.Event
		code        model.AnswerCode // of the first
		kept        func(r *rig) bool
	}{
		"switched on since":   {disable, enable, model.AnswerDone, func(r *rig) bool { return !r.state.Disabled }},
		"given up since":      {fill, drop, model.AnswerDone, func(r *rig) bool { return r.state.Backfill == nil }},
		"begun since":         {drop, fill, model.AnswerConflict, func(r *rig) bool { return r.state.Backfill != nil }},
		"forgotten, switched": {model.Event{Kind: model.EventForget}, disable, model.AnswerDone, func(r *rig) bool { return r.state.Disabled }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
			n := r.n
			if code := r.send(c.first).Answer.Code; code != c.code {
				t.Fatalf("the first time: %v", code)
			}
			if code := r.send(c.then).Answer.Code; code != model.AnswerDone {
				t.Fatalf("then: %v", code)
			}
			r.n = n + 1
			if d := r.again(c.first); d.Answer.Code != c.code || d.Ignored == "" || !c.kept(r) {
				t.Errorf("again: code %v, ignored %q, %+v", d.Answer.Code, d.Ignored, r.state)
			}
		})
	}
}

// TestUpstreamOnce: a change of an execution that is delivered again counts for nothing, also after a window has begun anew.
func TestUpstreamOnce(t *testing.T) {
	r := newRig(t, model.TriggerFlow, `{"preconditions": {"id": "p", `+both+`}}`)
	r.send(upstream("a", model.Success))
	b := upstream("b", model.Success)
	r.send(b)
	if len(r.launched) != 1 {
		t.Fatalf("launched %v", r.launched)
	}
	r.again(b)
	r.send(upstream("a", model.Success))
	if len(r.launched) != 1 {
		t.Errorf("launched %v", r.launched)
	}
}

// TestRemembersFew: a trigger remembers the newest events only.
func TestRemembersFew(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
	for i := range 3 * maxActed {
		r.manage(model.EventSetDisabled, model.Manage{Disabled: i%2 == 0})
	}
	if n := len(r.state.Engine.Acted); n != maxActed || r.state.Engine.Acted[n-1].ID != fmt.Sprint("e", r.n) {
		t.Errorf("%d remembered: %+v", n, r.state.Engine.Acted)
	}
}

// TestBackfillBeside: where executions may run beside each other a backfill starts a page of them, and goes on as they end.
func TestBackfillBeside(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "allowConcurrent": true}`)
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-02-01T00:00:00Z")}})
	for r.timer != nil {
		r.timer = nil
		r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
	}
	if len(r.launched) != maxFilling || !r.state.Waits() {
		t.Fatalf("%d executions at a time", len(r.launched))
	}
	first, third := r.state.Engine.Filling[0], r.state.Engine.Filling[2]
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: first, State: model.Success}})
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: first, State: model.Success}}) // delivered again
	r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
	if len(r.launched) != maxFilling+1 || r.timer != nil {
		t.Errorf("after one has ended: %d, timer %v", len(r.launched), r.timer)
	}
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: third, State: model.Retried, Successor: "next"}})
	if r.timer != nil {
		t.Error("one that is tried again counts as ended")
	}
}

// TestSwitchedDuringBackfill: dates that come while a backfill runs wait for it, also if the trigger was switched off and on
// meanwhile; those of the time when it was off do not come.
func TestSwitchedDuringBackfill(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "NONE"}`)
	end := at("2026-03-02T02:30:00Z")
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-03-02T02:00:00Z"), End: &end, Paused: true}})
	r.manage(model.EventSetDisabled, model.Manage{Disabled: true})
	r.until("2026-03-02T15:30:00Z", time.Second)
	r.manage(model.EventSetDisabled, model.Manage{Disabled: false})
	r.until("2026-03-02T17:30:00Z", time.Second)
	r.manage(model.EventPauseFill, model.Manage{Paused: false})
	r.until("2026-03-02T18:30:00Z", time.Second)
	r.wantLaunched("2026-03-02T02:00:00Z", "2026-03-02T16:00:00Z", "2026-03-02T17:00:00Z", "2026-03-02T18:00:00Z")
}

// TestSlidingOutputs: a window that slides keeps the outputs of those executions alone that still count.
func TestSlidingOutputs(t *testing.T) {
	r := newRig(t, model.TriggerFlow, `{"preconditions": {"id": "p", "resetOnSuccess": false, "timeWindow": {"type": "SLIDING_WINDOW", "window": "PT1H"}, `+both+`}}`)
	outputs := func(flow, text string) model.Event {
		ev := upstream(flow, model.Success)
		ev.Upstream.Execution.Outputs = []byte(text)
		return ev
	}
	var seen string
	for i := range 10 {
		r.now = r.now.Add(40 * time.Minute)
		flow := []string{"a", "b"}[i%2]
		r.send(outputs(flow, fmt.Sprintf(`{"n%d": %d, "same": %[1]d}`, i, i)))
		if len(r.last.Events) > 0 {
			v := variablesOf(r.last.Events[0].Create.Execution.Trigger.Variables)
			out, _ := v.Get("outputs")
			seen = fmt.Sprint(out)
		}
	}
	if want := fmt.Sprint(object(`{"n8": 8, "same": 9, "n9": 9}`)); seen != want {
		t.Errorf("outputs %s, want %s", seen, want)
	}
}

// TestReportedOnce: a worker that does not hear that its report was taken reports again, and hears it then.
func TestReportedOnce(t *testing.T) {
	r := newRig(t, model.TriggerPolling, `{}`)
	job := r.job()
	for range 2 {
		n := r.n
		if d := r.report(model.EventJobEnded, job, model.Success, `{"x": 1}`, ""); d.Answer.Code != model.AnswerDone || len(r.launched) != 1 {
			t.Fatalf("code %v, launched %v", d.Answer.Code, r.launched)
		}
		r.n = n
	}
	r.n += 2
	if d := r.report(model.EventJobEnded, "another", model.Success, `{"x": 1}`, ""); d.Answer.Code != model.AnswerConflict {
		t.Errorf("a job that was taken back: %v", d.Answer.Code)
	}
}
