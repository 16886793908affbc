package trigger

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// missedAfter is how late a date must be, for no other reason, to count as missed while no server ran.
const missedAfter = time.Minute

// onDate runs the date that has come, unless it is left out.
func (t *turn) onDate() {
	if t.rec.Backfill != nil {
		t.backfill()
		return
	}
	date := *t.rec.Next
	if date = t.recover(date); date.IsZero() {
		return
	}
	if t.decl.Overlap == QueueOne && t.rec.Engine.Held {
		date = t.last(date)
	}
	if t.rec.ExecutionID != "" && t.decl.Overlap == CancelRunning {
		t.kill(t.rec.ExecutionID)
	}
	t.run(date, Launch{})
	t.looked(date)
	t.rec.Next = t.next(date)
	t.rec.Engine.Held = t.rec.Engine.Held && t.rec.Next != nil && !t.rec.Next.After(t.now)
}

// recover applies what the trigger says about dates that are late: the date to run, which may be a later one; zero when
// none is.
func (t *turn) recover(date time.Time) time.Time {
	if t.decl.Late > 0 {
		for earliest := t.now.Add(-t.decl.Late); date.Add(t.jitter(date)).Before(earliest); {
			t.looked(date)
			t.rec.Next = t.next(later(date, earliest.Add(-t.decl.Jitter-1)))
			if due, ok := t.due(); !ok || due.After(t.now) {
				return time.Time{}
			}
			date = *t.rec.Next
		}
	}
	if t.now.Sub(date)-t.jitter(date) <= missedAfter || t.rec.Engine.Held {
		return date
	}
	switch t.decl.Recover {
	case RecoverNone:
		t.log(model.LevelInfo, "dates that were missed since "+date.Format(time.RFC3339)+" are left out")
		t.skipTo(t.now)
		return time.Time{}
	case RecoverLast:
		return t.last(date)
	}
	return date
}

// last is the last date up to now whose conditions hold, not before a date that is known to have come.
func (t *turn) last(date time.Time) time.Time {
	if found, ok, _, err := t.search(t.now.Add(1), date); err == nil && ok && found.After(date) {
		return found
	}
	return date
}

// looked notes that the dates up to one have had their turn. It never goes back, also where the clock does.
func (t *turn) looked(at time.Time) {
	if t.rec.Date == nil || at.After(*t.rec.Date) {
		t.rec.Date = &at
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// run starts the execution for a date if the trigger's conditions hold on it.
func (t *turn) run(date time.Time, l Launch) {
	ok, err := t.holdsOn(date)
	if err == nil && !ok {
		return
	}
	l.ID = t.executionID(date.UTC().Format(time.RFC3339Nano))
	l.Variables = t.dateVariables(date, true)
	if t.decl.Kind == model.TriggerDates {
		l.ScheduleDate = &date
	}
	if err != nil { // so that somebody sees it
		l.Fail = err.Error()
		t.rec.Problem = err.Error()
		t.log(model.LevelError, err.Error())
	}
	t.launch(l)
}

// executionID is derived, so that whatever is done twice creates nothing twice. What a backfill runs is another execution
// than that of the date itself.
func (t *turn) executionID(what string) string {
	kind := ""
	if b := t.rec.Backfill; b != nil {
		kind = "backfill " + b.ID
	}
	return model.DeriveID("trigger", t.of.ID, t.rec.Engine.Birth, kind, what)
}

// kill ends the execution that the trigger waits for.
func (t *turn) kill(id string) {
	t.d.Events = append(t.d.Events, model.Event{
		ID: model.DeriveID("overlap", t.of.ID, t.ev.ID, id), To: model.ExecutionEntity(id), Kind: model.EventKill, At: t.now,
		Action: &model.Action{Cascade: true, By: "trigger " + t.rec.TriggerID},
	})
}

// startBackfill begins to run the dates of a span of time, or gives the backfill up that is under way.
func (t *turn) startBackfill(b *model.Backfill, only bool) {
	if b == nil {
		if t.rec.Backfill == nil {
			t.refuse(model.AnswerConflict, "the trigger has no backfill")
			return
		}
		t.endBackfill()
		return
	}
	if t.decl.Kind != model.TriggerSchedule {
		t.refuse(model.AnswerInvalid, errNoBackfill.Error())
		return
	}
	if only && t.rec.Backfill != nil {
		t.refuse(model.AnswerConflict, "a backfill is under way; it can be deleted")
		return
	}
	fill := *b
	if fill.End == nil || fill.End.After(t.now) { // what is still to come is not filled up
		fill.End = &t.now
	}
	fill.ID = t.ev.ID
	if fill.Start.After(t.now) {
		t.refuse(model.AnswerInvalid, "the backfill starts in the future")
		return
	}
	if !fill.Start.Before(*fill.End) {
		t.refuse(model.AnswerInvalid, "the backfill ends before it starts")
		return
	}
	first := t.next(fill.Start.Add(-1))
	if first == nil || first.After(*fill.End) {
		t.refuse(model.AnswerInvalid, "the trigger has no date between the start and the end of the backfill")
		return
	}
	fill.Current, fill.PreviousNext = first, t.rec.Next
	if old := t.rec.Backfill; old != nil {
		fill.PreviousNext = old.PreviousNext
	}
	t.rec.Backfill = &fill
}

// backfill runs the next date of the backfill.
func (t *turn) backfill() {
	b := *t.rec.Backfill
	date := *b.Current
	if date.After(*b.End) {
		t.endBackfill()
		return
	}
	t.run(date, Launch{Inputs: b.Inputs, Labels: b.Labels})
	b.Current = t.next(date)
	t.rec.Backfill = &b
	if b.Current == nil || b.Current.After(*b.End) {
		t.endBackfill()
	}
}

// endBackfill goes on with the dates that waited meanwhile.
func (t *turn) endBackfill() {
	t.rec.Next = t.rec.Backfill.PreviousNext
	t.rec.Backfill = nil
	if t.rec.Next == nil && t.rec.Date != nil && !t.off() { // it was switched off and on meanwhile
		t.rec.Next = t.next(*t.rec.Date)
	}
	t.rec.Engine.Held = t.rec.Next != nil && !t.rec.Next.After(t.now)
}
