package trigger

import (
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// idle is how far a search for a date may jump, forward or back, from one on which the conditions do not hold: the dates
// between need not be looked at. It is the date itself where nothing is known.
func (s *scene) idle(back bool) (time.Time, error) {
	for _, c := range ordinary(s.decl.Conditions) {
		ok, err := s.holds(c)
		if err != nil {
			return s.on, err
		}
		if !ok {
			until, _ := s.steady(c, back)
			return until, nil
		}
	}
	return s.on, nil
}

// steady is until when, forward or back from its date, a condition stays what it is. It is about the calendar alone; of
// what depends on expressions nothing is known.
func (s *scene) steady(c *model.Condition, back bool) (until time.Time, known bool) {
	p := props{c.Props}
	switch name := conditionName(c); name {
	case "Not", "Or":
		until = s.never(back)
		for _, sub := range c.Conditions {
			at, known := s.steady(sub, back)
			if !known {
				return s.on, false
			}
			until = nearer(until, at, back)
		}
		return until, true
	case "FlowCondition", "FlowNamespaceCondition":
		return s.never(back), true
	case "Weekend", "DayWeek", "DayWeekInMonth", "PublicHoliday", "TimeBetween", "DateTimeBetween":
		if !s.calendar(p) {
			return s.on, false
		}
		switch name {
		case "DateTimeBetween":
			return s.bounds(p, back, func(v any) (time.Time, error) {
				if i, ok := v.(value.Instant); ok {
					return i.T, nil
				}
				return parseDate(value.Print(v))
			}, s.never(back))
		case "TimeBetween":
			now := sinceMidnight(s.on.In(s.decl.Zone))
			return s.bounds(p, back, func(v any) (time.Time, error) {
				at, err := parseTimeOfDay(value.Print(v))
				return s.on.Add(at - now), err
			}, s.day(back))
		}
		return s.day(back), true
	}
	return s.on, false
}

// calendar tells whether a condition on a date depends on the date that is evaluated and on nothing else.
func (s *scene) calendar(p props) bool {
	if p.m == nil {
		return true
	}
	for name, v := range p.m.All() {
		text := value.Print(v)
		isDate := name == "date" && strings.ReplaceAll(text, " ", "") == "{{trigger.date}}"
		if !isDate && (name == "date" || strings.Contains(text, "{{") || strings.Contains(text, "{%")) {
			return false
		}
	}
	return true
}

// bounds is the nearest of a condition's bounds, or what else ends its steadiness.
func (s *scene) bounds(p props, back bool, read func(any) (time.Time, error), until time.Time) (time.Time, bool) {
	for _, name := range []string{"after", "before"} {
		v := p.get(name)
		if v == nil {
			continue
		}
		at, err := read(v)
		if err != nil {
			return s.on, false
		}
		switch {
		case back && !at.After(s.on):
			until = nearer(until, at.Add(1), back) // on the bound itself it may be another
		case !back && !at.Before(s.on):
			until = nearer(until, at, back)
		}
	}
	return until, true
}

// day is where the day ends that the date is on, or where it begins; a change of the clock counts as well, since times of
// day are compared by their offset.
func (s *scene) day(back bool) time.Time {
	local := s.on.In(s.decl.Zone)
	begins, ends := local.ZoneBounds()
	if back {
		midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, s.decl.Zone)
		if begins.After(midnight) {
			return begins
		}
		return midnight
	}
	midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, s.decl.Zone)
	if !ends.IsZero() && ends.Before(midnight) {
		return ends
	}
	return midnight
}

// never is farther than any search goes.
func (s *scene) never(back bool) time.Time {
	years := searchYears + 1
	if back {
		years = -years
	}
	return s.on.AddDate(years, 0, 0)
}

func nearer(a, b time.Time, back bool) time.Time {
	if a.Before(b) != back {
		return a
	}
	return b
}
