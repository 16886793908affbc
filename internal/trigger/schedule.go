package trigger

import (
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// After is the first date of the trigger after a time, whatever its conditions say; false when there is none.
func (d *Declared) After(t time.Time) (time.Time, bool) {
	if d.Kind == model.TriggerDates {
		i, _ := slices.BinarySearchFunc(d.Dates, t.Add(1), time.Time.Compare)
		if i == len(d.Dates) {
			return time.Time{}, false
		}
		return d.Dates[i], true
	}
	next, ok := d.Cron.Next(t.In(d.Zone))
	return next.UTC(), ok
}

// Before is the last date of the trigger before a time.
func (d *Declared) Before(t time.Time) (time.Time, bool) {
	if d.Kind == model.TriggerDates {
		i, _ := slices.BinarySearchFunc(d.Dates, t, time.Time.Compare)
		if i == 0 {
			return time.Time{}, false
		}
		return d.Dates[i-1], true
	}
	previous, ok := d.Cron.Prev(t.In(d.Zone))
	return previous.UTC(), ok
}

// searchYears is how far dates are looked for whose conditions hold, and maxSearch how many are looked at in one decision:
// conditions that hardly ever hold must not keep a scheduler busy.
const (
	searchYears = 10
	maxSearch   = 5_000
)

// search finds the nearest date whose conditions hold, from a time towards a limit, which may lie before it. Where there
// is none it says how far it has come.
func (t *turn) search(from, limit time.Time) (found time.Time, ok bool, reached time.Time, err error) {
	back := limit.Before(from)
	step := t.decl.After
	if back {
		step = t.decl.Before
	}
	for range maxSearch {
		date, ok := step(from)
		if !ok || !back && date.After(limit) || back && date.Before(limit) {
			return time.Time{}, false, limit, nil
		}
		s := t.sceneOn(date)
		holds, err := s.hold()
		if err != nil || holds {
			return date, holds, date, err
		}
		reached, from = date, date
		until, err := s.idle(back)
		switch {
		case err != nil:
			return time.Time{}, false, date, err
		case back && until.Before(date):
			from = until
		case until.After(date):
			from = until.Add(-1)
		}
	}
	return time.Time{}, false, reached, nil
}

// next is the first date after a time whose conditions hold. Where none is found it is the first date of all: its turn
// will show. Dates that were looked at in vain are not looked at again before.
func (t *turn) next(after time.Time) *time.Time {
	date, ok := t.decl.After(after)
	if !ok {
		return nil
	}
	vain := t.rec.Engine.Vain
	if !t.conditional() || vain != nil && !date.Before(vain.From) && !date.After(vain.To) {
		return &date
	}
	found, ok, reached, err := t.search(after, after.AddDate(searchYears, 0, 0))
	if err == nil && ok {
		return &found
	}
	if err == nil {
		t.rec.Engine.Vain = &model.Span{From: date, To: reached}
	}
	return &date
}

// conditional tells whether the trigger's dates depend on anything but its cron expression.
func (t *turn) conditional() bool {
	return len(t.decl.Conditions) > 0 || props{t.decl.Props}.text("when") != ""
}

// holdsOn tells whether the trigger's conditions hold on a date.
func (t *turn) holdsOn(date time.Time) (bool, error) {
	return t.sceneOn(date).hold()
}

// sceneOn is what the trigger's conditions are about on a date.
func (t *turn) sceneOn(date time.Time) *scene {
	return &scene{decl: t.decl, vars: t.dateVariables(date, false), world: t.world, on: date}
}

// dateVariables are the variables of an execution that runs for a date. The dates around it are those whose conditions
// hold; finding them is left out while conditions are evaluated to find them.
func (t *turn) dateVariables(date time.Time, around bool) *value.Map {
	if t.decl.Kind == model.TriggerDates {
		return value.NewMap(0)
	}
	vars := value.MapOf(value.Entry{Key: "date", Value: t.shown(date)})
	next, hasNext := t.decl.After(date)
	previous, hasPrevious := t.decl.Before(date)
	if around && t.conditional() {
		if found, ok, _, err := t.search(date, date.AddDate(searchYears, 0, 0)); err == nil && ok {
			next = found
		}
		if found, ok, _, err := t.search(date, date.AddDate(-searchYears, 0, 0)); err == nil && ok {
			previous = found
		}
	}
	if hasNext {
		vars.Set("next", t.shown(next))
	}
	if hasPrevious {
		vars.Set("previous", t.shown(previous))
	}
	return vars
}

// shown is a date as expressions see it: in the trigger's time zone.
func (t *turn) shown(date time.Time) string {
	return date.In(t.decl.Zone).Format(time.RFC3339Nano)
}
