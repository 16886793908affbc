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

// searchYears is how far dates are looked for whose conditions hold, and maxSearch how many are looked at: conditions
// that hardly ever hold must not keep a scheduler busy.
const (
	searchYears = 10
	maxSearch   = 5_000
)

// held finds the nearest date from a time, in a direction, whose conditions hold.
func held(from time.Time, step func(time.Time) (time.Time, bool), limit time.Time, holds func(time.Time) (bool, error)) (time.Time, bool, error) {
	for range maxSearch {
		date, ok := step(from)
		if !ok || (limit.After(from) && date.After(limit)) || (limit.Before(from) && date.Before(limit)) {
			return time.Time{}, false, nil
		}
		ok, err := holds(date)
		if err != nil || ok {
			return date, ok, err
		}
		from = date
	}
	return time.Time{}, false, nil
}

// next is the first date after a time whose conditions hold. Where there is none for years, it is the first date of all:
// its turn will show.
func (t *turn) next(after time.Time) *time.Time {
	date, ok := t.decl.After(after)
	if !ok {
		return nil
	}
	if !t.conditional() {
		return &date
	}
	if found, ok, err := held(after, t.decl.After, after.AddDate(searchYears, 0, 0), t.holdsOn); err == nil && ok {
		return &found
	}
	return &date
}

// conditional tells whether the trigger's dates depend on anything but its cron expression.
func (t *turn) conditional() bool {
	return len(t.decl.Conditions) > 0 || props{t.decl.Props}.text("when") != ""
}

// holdsOn tells whether the trigger's conditions hold on a date.
func (t *turn) holdsOn(date time.Time) (bool, error) {
	return t.holds(t.dateVariables(date, false), nil)
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
		if found, ok, err := held(date, t.decl.After, date.AddDate(searchYears, 0, 0), t.holdsOn); err == nil && ok {
			next = found
		}
		if found, ok, err := held(date, t.decl.Before, date.AddDate(-searchYears, 0, 0), t.holdsOn); err == nil && ok {
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
