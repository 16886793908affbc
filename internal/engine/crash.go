package engine

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Crash ends an execution that cannot be stepped: its transition was refused, or Step panicked. It uses nothing but the
// header, so that whatever was wrong with the rest does no more harm, and it acknowledges the event that caused it.
func Crash(exec *model.Execution, version int64, jobs []string, ev *model.Event, reason string, now time.Time) *model.Transition {
	t := &model.Transition{Of: ev.To, Version: version + 1, JobsDone: jobs}
	if ev.Kind != model.EventTimer {
		t.Acks = []string{ev.ID}
	} else if ev.Timer != nil {
		t.ClearTimers = []string{ev.Timer.ID}
	}
	if ev.Ask != "" {
		t.Answers = []model.Answer{{Ask: ev.Ask, Code: model.AnswerConflict, Message: reason}}
	}
	if exec == nil && ev.Create != nil {
		exec = ev.Create.Execution
	}
	if exec == nil {
		t.Version = 0 // there is nothing that has a version
		return t
	}
	h := *exec
	now = laterOf(h.Engine.Now, now)
	h.State = h.State.With(model.Failed, now)
	h.Engine.Now, h.Engine.Finished, h.Engine.Failure, h.Engine.Format = now, true, reason, Format
	t.Execution = &h
	if h.Engine.InGate {
		h.Engine.InGate = false
		t.Events = append(t.Events, model.Event{
			ID: model.DeriveID("crash-left", h.ID, ev.ID), To: model.GateEntity(h.Tenant, h.Namespace, h.FlowID), Kind: model.EventLeft,
			At: now, Gate: &model.GateMessage{ExecutionID: h.ID, Visit: h.Engine.Visit},
		})
	}
	if w := h.Engine.Waiting; w != nil {
		t.Events = append(t.Events, model.Event{
			ID: model.DeriveID("crash-end", h.ID, ev.ID), To: model.ExecutionEntity(w.ExecutionID), Kind: model.EventChildEnded, At: now,
			Child: &model.ChildEnd{Waiting: *w, ChildID: h.ID, State: model.Failed, Failure: reason},
		})
	}
	t.Logs = []model.LogEntry{{
		Tenant: h.Tenant, Namespace: h.Namespace, FlowID: h.FlowID, ExecutionID: h.ID, Timestamp: now, Level: model.LevelError,
		Thread: "executor", Message: reason, Seq: engineSeq + int(t.Version)<<10,
	}}
	return t
}
