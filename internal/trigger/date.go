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
		if last, ok := t.decl.Before(t.now.Add(1)); ok && last.After(date) {
			date = last
		}
	}
	if t.locked() { // CANCEL_RUNNING
		t.kill(t.rec.ExecutionID)
	}
	t.run(date, Launch{})
	t.rec.Date, t.rec.Next = &date, t.next(date)
	t.rec.Engine.Held = t.rec.Engine.Held && t.rec.Next != nil && !t.rec.Next.After(t.now)
}

// recover applies what the trigger says about dates that are late: the date to run, which may be a later one; zero when
// none is.
func (t *turn) recover(date time.Time) time.Time {
	if t.decl.Late > 0 {
		if earliest := t.now.Add(-t.decl.Late); date.Before(earliest) {
			t.rec.Date, t.rec.Next = &date, t.next(earliest.Add(-1))
			if t.rec.Next == nil || t.rec.Next.After(t.now) {
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
		if last, ok := t.decl.Before(t.now.Add(1)); ok && last.After(date) {
			return last
		}
	}
	return date
}

// run starts the execution for a date if the trigger's conditions hold on it.
func (t *turn) run(date time.Time, l Launch) {
	vars := t.dateVariables(date, true)
	l.ID = t.executionID(date.UTC().Format(time.RFC3339Nano))
	l.Variables = vars
	if t.decl.Kind == model.TriggerDates {
		l.ScheduleDate = &date
	}
	switch ok, err := t.holds(vars, nil); {
	case err != nil: // so that somebody sees it
		l.Fail = err.Error()
		t.rec.Problem = err.Error()
		t.log(model.LevelError, err.Error())
	case !ok:
		return
	}
	t.launch(l)
}

// executionID is derived, so that whatever is done twice creates nothing twice. What a backfill runs, or a date that was
// run before the trigger was changed, is another execution.
func (t *turn) executionID(what string) string {
	kind := ""
	if b := t.rec.Backfill; b != nil {
		kind = "backfill " + b.Start.Format(time.RFC3339Nano) + b.End.Format(time.RFC3339Nano)
	}
	return model.DeriveID("trigger", t.of.ID, t.rec.Engine.Definition, kind, what)
}

// kill ends the execution that the trigger waits for.
func (t *turn) kill(id string) {
	t.d.Events = append(t.d.Events, model.Event{
		ID: model.DeriveID("overlap", t.of.ID, t.ev.ID, id), To: model.ExecutionEntity(id), Kind: model.EventKill, At: t.now,
		Action: &model.Action{Cascade: true, By: "trigger " + t.rec.TriggerID},
	})
}

// startBackfill begins to run the dates of a span of time, or gives the backfill up that is under way.
func (t *turn) startBackfill(b *model.Backfill) {
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
	fill := *b
	if fill.End == nil {
		fill.End = &t.now
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
	t.rec.Date = &date
	if b.Current == nil || b.Current.After(*b.End) {
		t.endBackfill()
	}
}

// endBackfill goes on with the dates that waited meanwhile.
func (t *turn) endBackfill() {
	t.rec.Next = t.rec.Backfill.PreviousNext
	t.rec.Backfill = nil
	if t.rec.Next == nil {
		t.rec.Date = &t.now
		t.rec.Next = t.next(t.now)
	}
	t.rec.Engine.Held = t.rec.Next != nil && !t.rec.Next.After(t.now)
}
