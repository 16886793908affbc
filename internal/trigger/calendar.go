package trigger

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// onDate evaluates a condition on a date. Days and times of day are those of the date's own offset.
func (s *scene) onDate(name string, p props, date time.Time) (bool, error) {
	switch name {
	case "Weekend":
		return date.Weekday() == time.Saturday || date.Weekday() == time.Sunday, nil
	case "DayWeek":
		day, err := s.weekday(p)
		return date.Weekday() == day, err
	case "DayWeekInMonth":
		day, err := s.weekday(p)
		return date.Weekday() == day && isInMonth(date, p.text("dayInMonth")), err
	case "PublicHoliday":
		country, err := s.render(p.text("country"))
		if err != nil {
			return false, err
		}
		part, err := s.render(p.text("subDivision"))
		if err != nil {
			return false, err
		}
		return s.world.Holiday(date, country, part)
	case "TimeBetween":
		return s.timeBetween(p, date)
	default:
		return s.dateBetween(p, date)
	}
}

func (s *scene) weekday(p props) (time.Weekday, error) {
	text, err := s.render(p.text("dayOfWeek"))
	if err != nil {
		return 0, err
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), text) {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is no day of the week", text)
}

// isInMonth tells whether a date is the first, second, … or last of its weekday in its month.
func isInMonth(date time.Time, which string) bool {
	nth := (date.Day()-1)/7 + 1
	switch which {
	case "FIRST":
		return nth == 1
	case "SECOND":
		return nth == 2
	case "THIRD":
		return nth == 3
	case "FOURTH":
		return nth == 4
	default: // LAST
		return date.AddDate(0, 0, 7).Month() != date.Month()
	}
}

var errNoBound = errors.New("it needs `after` or `before`")

func (s *scene) dateBetween(p props, date time.Time) (bool, error) {
	if p.get("after") == nil && p.get("before") == nil {
		return false, errNoBound
	}
	bound := func(name string, holds func(time.Time) bool) (bool, error) {
		switch v := p.get(name).(type) {
		case nil:
			return true, nil
		case value.Instant:
			return holds(v.T), nil
		case time.Time:
			return holds(v), nil
		default:
			text, err := s.render(value.Print(v))
			if err != nil {
				return false, err
			}
			at, err := parseDate(text)
			return err == nil && holds(at), err
		}
	}
	after, err := bound("after", date.After)
	if err != nil || !after {
		return false, err
	}
	return bound("before", date.Before)
}

func (s *scene) timeBetween(p props, date time.Time) (bool, error) {
	if p.get("after") == nil && p.get("before") == nil {
		return false, errNoBound
	}
	now := sinceMidnight(date)
	bound := func(name string, holds func(time.Duration) bool) (bool, error) {
		text, err := s.render(p.text(name))
		if err != nil || text == "" {
			return err == nil, err
		}
		at, err := parseTimeOfDay(text)
		return err == nil && holds(at), err
	}
	after, err := bound("after", func(at time.Duration) bool { return now > at })
	if err != nil || !after {
		return false, err
	}
	return bound("before", func(at time.Duration) bool { return now < at })
}

// timeOfDay is the time since midnight.
func timeOfDay(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second +
		time.Duration(t.Nanosecond())
}

// parseTimeOfDay reads a time of day with an offset, as the time since midnight less the offset, so that such times can
// be compared. Without an offset it is meant in UTC.
func parseTimeOfDay(text string) (time.Duration, error) {
	t, ok := wallTime(text)
	if !ok {
		return 0, fmt.Errorf("%q is not a time of day with an offset, such as 09:00:00+01:00", text)
	}
	return sinceMidnight(t), nil
}

// sinceMidnight is the time of day less the offset, so that times of day of several offsets can be compared.
func sinceMidnight(t time.Time) time.Duration {
	_, offset := t.Zone()
	return timeOfDay(t) - time.Duration(offset)*time.Second
}

// wallTime reads a time of day, with a fraction, seconds and an offset or without.
func wallTime(text string) (time.Time, bool) {
	for _, layout := range []string{"15:04:05Z07:00", "15:04Z07:00", "15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil { // a fraction of a second is read by any of them
			return t, true
		}
	}
	return time.Time{}, false
}
