package trigger

import (
	"errors"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// startedID is the execution that the trigger waits for.
func (r *rig) startedID() string { return r.state.ExecutionID }

// TestSameBackfillAgain: what a second backfill of the same dates runs are other executions than those of the first.
func TestSameBackfillAgain(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
	start, end := at("2026-01-01T00:00:00Z"), at("2026-01-01T12:00:00Z")
	seen := map[string]bool{}
	for range 2 {
		r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: start, End: &end}})
		r.timer = nil
		r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
		if id := r.startedID(); id == "" || seen[id] {
			t.Fatalf("execution %q", id)
		}
		seen[r.startedID()] = true
		r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}})
	}
}

// TestBackfillLeavesDates: after a backfill the trigger goes on where it was, also when it is switched off and on.
func TestBackfillLeavesDates(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
	end := at("2026-01-03T12:00:00Z")
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-01-01T00:00:00Z"), End: &end}})
	r.until("2026-03-02T12:00:10Z", time.Second)
	r.wantLaunched("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")
	r.manage(model.EventSetDisabled, model.Manage{Disabled: true})
	r.manage(model.EventSetDisabled, model.Manage{Disabled: false})
	r.until("2026-03-03T12:00:00Z", time.Second)
	r.wantLaunched("2026-03-03T00:00:00Z")
}

// TestBackfillOfTheFuture: a backfill ends now at the latest.
func TestBackfillOfTheFuture(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
	end := at("2030-01-01T00:00:00Z")
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-03-01T00:00:00Z"), End: &end}})
	r.until("2026-03-02T12:00:10Z", time.Second)
	r.wantLaunched("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
	r.until("2026-03-03T12:00:00Z", time.Second)
	r.wantLaunched("2026-03-03T00:00:00Z")
}

// TestBackfillWaits: the dates of a backfill wait for each other, also where a regular date kills what runs.
func TestBackfillWaits(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *", "overlap": "CANCEL_RUNNING"}`)
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-01-01T00:00:00Z")}})
	r.until("2026-03-02T12:30:00Z", 10*time.Minute)
	if len(r.launched) != 4 || len(r.killed) != 0 { // at 12:00, 12:10, 12:20 and 12:30
		t.Errorf("%d launched, %d killed", len(r.launched), len(r.killed))
	}
}

// TestBackAgain: a trigger that was removed and put back does not come to the ids that it had.
func TestBackAgain(t *testing.T) {
	for kind, properties := range map[model.TriggerKind]string{model.TriggerDates: `{"dates": ["2026-03-01T00:00:00Z"]}`, model.TriggerPolling: `{}`} {
		r := newRig(t, kind, properties)
		start := func() string {
			if kind == model.TriggerPolling {
				r.report(model.EventJobEnded, r.job(), model.Success, `{"x": 1}`, "")
			} else {
				r.until("2026-03-02T12:00:00Z", time.Hour)
			}
			return r.startedID()
		}
		first := start()
		declared := r.trigger
		r.trigger = nil
		r.send(model.Event{Kind: model.EventSync})
		r.trigger = declared
		r.send(model.Event{Kind: model.EventSync})
		if second := start(); first == "" || second == "" || first == second {
			t.Errorf("%s: %q, then %q", kind, first, second)
		}
	}
}

// TestClockBack: a clock that is set back brings no date again, whatever is done then.
func TestClockBack(t *testing.T) {
	for name, do := range map[string]func(r *rig){
		"nothing": func(*rig) {},
		"saved": func(r *rig) {
			r.declare(model.TriggerSchedule, `{"cron": "0 * * * *", "labels": []}`)
			r.send(model.Event{Kind: model.EventSync})
		},
		"forgotten": func(r *rig) { r.send(model.Event{Kind: model.EventForget}) },
		"switched": func(r *rig) {
			r.manage(model.EventSetDisabled, model.Manage{Disabled: true})
			r.manage(model.EventSetDisabled, model.Manage{Disabled: false})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "NONE"}`)
			r.until("2026-03-02T14:30:00Z", time.Minute)
			r.now = at("2026-03-02T13:30:00Z")
			do(r)
			r.until("2026-03-02T15:30:00Z", time.Minute)
			r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z")
		})
	}
}

// TestClockForward: a clock that is set forward makes dates late, not lost.
func TestClockForward(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.now = at("2026-03-02T14:30:00Z")
	r.until("2026-03-02T14:31:00Z", time.Second)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
}

// TestUnusable: while a trigger cannot be used it keeps what it knows, hears of ends, and is looked at again.
func TestUnusable(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.until("2026-03-02T13:00:00Z", time.Hour)
	r.broken = errors.New("template common: not found")
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}})
	if r.state.ExecutionID != "" || r.state.Next == nil || r.timer == nil || r.state.Problem == "" {
		t.Fatalf("%+v, timer %v", r.state, r.timer)
	}
	r.broken = nil
	r.until("2026-03-02T14:10:00Z", time.Second)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
}

// TestConfigurationChanges: what is different without a save, such as by the configuration, loses no date.
func TestConfigurationChanges(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	revision := r.revision
	r.declare(model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "ALL"}`)
	r.revision = revision
	r.now = at("2026-03-02T14:30:00Z")
	r.until("2026-03-02T14:31:00Z", time.Second)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
}

// TestRealtimeNewRevision: a listener begins again with each revision of its flow, whose tasks its executions run.
func TestRealtimeNewRevision(t *testing.T) {
	r := newRig(t, model.TriggerRealtime, `{}`)
	old := r.job()
	r.revision++
	if d := r.send(model.Event{Kind: model.EventSync}); len(d.Cancel) != 1 || d.Cancel[0] != old || len(d.Jobs) != 1 {
		t.Errorf("cancels %v, hands out %d", d.Cancel, len(d.Jobs))
	}
}

// TestEnableTwice: to switch on what is on changes nothing.
func TestEnableTwice(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "NONE"}`)
	r.until("2026-03-02T14:30:00Z", 3*time.Hour) // one runs, the next one waits
	next := *r.state.Next
	r.manage(model.EventSetDisabled, model.Manage{Disabled: false})
	if !r.state.Next.Equal(next) {
		t.Errorf("next was %v, is %v", next, r.state.Next)
	}
}

// TestLastThatHolds: the last of the missed dates is the last one whose conditions hold.
func TestLastThatHolds(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 12 * * *", "recoverMissedSchedules": "LAST"}`, condition("Not", "", condition("Weekend", "")))
	r.now = at("2026-03-08T18:00:00Z") // a Sunday
	r.until("2026-03-08T18:01:00Z", time.Second)
	r.wantLaunched("2026-03-06T12:00:00Z")
}

// TestLateWithJitter: what is put off by jitter is not late for that.
func TestLateWithJitter(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "jitter": "PT30M", "lateMaximumDelay": "PT1M"}`)
	r.until("2026-03-02T18:59:00Z", time.Second)
	if len(r.launched) != 6 {
		t.Errorf("launched %v", r.launched)
	}
}

// TestSuccessor: an execution that is tried again as another one has not ended.
func TestSuccessor(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.until("2026-03-02T13:00:00Z", 24*time.Hour)
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Retried, Successor: "next"}})
	if r.state.ExecutionID != "next" || r.timer != nil {
		t.Errorf("waits for %q, timer %v", r.state.ExecutionID, r.timer)
	}
}

// TestSeveralGatherings: what has to be met of several lists may be met by different executions.
func TestSeveralGatherings(t *testing.T) {
	c := condition("MultipleCondition", `{"id": "m"}`, condition("ExecutionFlow", `{"namespace": "company.team", "flowId": "c"}`))
	c.Names = []string{"one"}
	r := newRig(t, model.TriggerFlow, `{"preconditions": {"id": "p", `+both+`}}`, c)
	for i, flow := range []string{"a", "c", "b"} {
		r.send(upstream(flow, model.Success))
		if want := map[int]int{2: 1}[i]; len(r.launched) != want {
			t.Fatalf("after %s: %d executions", flow, len(r.launched))
		}
	}
}
