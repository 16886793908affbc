package trigger

import (
	"errors"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// onManage does what somebody asks for. What was done or refused once is not done again, and has the same answer.
func (t *turn) onManage() {
	if t.actedBefore() {
		return
	}
	t.manage()
	t.remember()
}

// maxActed is how many events a trigger remembers that must not be taken twice: as many as an execution does.
const maxActed = 16

// actedBefore answers an event that is delivered again as the first time.
func (t *turn) actedBefore() bool {
	for _, a := range t.rec.Engine.Acted {
		if a.ID != t.ev.ID {
			continue
		}
		if a.Code != model.AnswerDone {
			t.refuse(a.Code, a.Message)
		}
		t.d.Ignored = "it was done before"
		return true
	}
	return false
}

// remember notes what the event came to.
func (t *turn) remember() {
	a := model.Acted{ID: t.ev.ID}
	if t.d.Answer != nil {
		a.Code, a.Message = t.d.Answer.Code, t.d.Answer.Message
	}
	old := t.rec.Engine.Acted
	if len(old) >= maxActed {
		old = old[len(old)-maxActed+1:]
	}
	t.rec.Engine.Acted = append(slices.Clip(old), a)
}

func (t *turn) manage() {
	m := t.ev.Manage
	if m == nil {
		m = &model.Manage{}
	}
	switch t.ev.Kind {
	case model.EventSetDisabled:
		t.setDisabled(m.Disabled)
	case model.EventUnlock:
		if t.rec.ExecutionID == "" && t.rec.EvaluateSince == nil {
			t.refuse(model.AnswerConflict, "the trigger is not locked")
			return
		}
		t.stopJob()
		t.unlock()
	case model.EventRestartJob:
		t.stopJob()
		t.rec.Engine.Failures = 0
		if t.decl.OnWorker() {
			t.rec.Next = nil
		}
	case model.EventBackfill:
		t.startBackfill(m.Backfill, m.Only)
	case model.EventPauseFill:
		if t.rec.Backfill == nil {
			t.refuse(model.AnswerConflict, "the trigger has no backfill")
			return
		}
		b := *t.rec.Backfill
		b.Paused = m.Paused
		t.rec.Backfill = &b
	case model.EventForget:
		t.forget()
	default:
		t.refuse(model.AnswerInvalid, string(t.ev.Kind)+" is no event for a trigger")
		return
	}
	t.touch()
}

// forget begins anew, as if the flow had just been saved.
func (t *turn) forget() {
	t.stopJob()
	fresh := model.TriggerState{
		Tenant: t.rec.Tenant, Namespace: t.rec.Namespace, FlowID: t.rec.FlowID, TriggerID: t.rec.TriggerID, Type: t.rec.Type,
		StopAfter: t.rec.StopAfter, Date: t.rec.Date, // dates that have run do not run again
		Engine: model.TriggerEngine{
			Birth: t.ev.ID, Definition: t.rec.Engine.Definition, Revision: t.rec.Engine.Revision, Windows: map[string]*model.TriggerWindow{},
			Acted: t.rec.Engine.Acted,
		},
	}
	t.rec = &fresh
	t.looked(t.now)
}

// setDisabled switches the trigger off or on. Dates that passed while it was off are made up for as those are that were
// missed while no server ran.
func (t *turn) setDisabled(disabled bool) {
	if t.rec.Disabled == disabled {
		return
	}
	if t.rec.Disabled = disabled; disabled || !t.decl.Scheduled() || t.rec.Date == nil {
		return
	}
	switch t.decl.Recover {
	case RecoverNone:
		t.skipTo(t.now)
	case RecoverLast:
		if last := t.last(*t.rec.Date); last.After(*t.rec.Date) {
			t.looked(last.Add(-1))
			t.rec.Next = &last
		}
	}
}

var errNoBackfill = errors.New("only schedules with a cron expression can be backfilled")
