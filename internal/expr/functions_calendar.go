package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/holiday"
	"github.com/windhover-io/windhover/internal/value"
)

// calendarDate is the local date of the argument: of a text with an offset, the date at that offset.
func (c *invocation) calendarDate() (time.Time, error) {
	v, err := c.required(0)
	if err != nil {
		return time.Time{}, err
	}
	if s, ok := v.(string); ok {
		t, kind := javatime.ParseISO(s)
		if kind == javatime.None {
			return t, fmt.Errorf("the argument %q is not an ISO date: %q", c.params[0], shorten(s))
		}
		return t, nil
	}
	if z, ok := v.(value.ZonedDateTime); ok {
		return z.T, nil
	}
	return dateOptions{zone: c.st.location()}.moment(v)
}

func dayOfMonth(c *invocation) (any, error) {
	t, err := c.calendarDate()
	return int32(t.Day()), err
}

func monthOfYear(c *invocation) (any, error) {
	t, err := c.calendarDate()
	return int32(t.Month()), err
}

func hourOfDay(c *invocation) (any, error) {
	if s, ok := c.optional(0).(string); ok {
		if _, kind := javatime.ParseISO(s); kind == javatime.DateOnly {
			return nil, fmt.Errorf("the argument %q has no time: %q", c.params[0], s)
		}
	}
	t, err := c.calendarDate()
	return int32(t.Hour()), err
}

func dayOfWeek(c *invocation) (any, error) {
	t, err := c.calendarDate()
	return weekdayName(t), err
}

func weekdayName(t time.Time) string { return strings.ToUpper(t.Weekday().String()) }

func isWeekend(c *invocation) (any, error) {
	t, err := c.calendarDate()
	return weekend(t), err
}

// isPublicHoliday reports whether the date is a public holiday of a country, or of a part of it.
func isPublicHoliday(c *invocation) (any, error) {
	t, err := c.calendarDate()
	if err != nil {
		return nil, err
	}
	country, err := c.text(1)
	if err != nil {
		return nil, err
	}
	part, err := c.textOr(2, "")
	if err != nil {
		return nil, err
	}
	return holiday.Is(t, country, part)
}

func weekend(t time.Time) bool { return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday }

// isDayWeekInMonth reports whether the date is the FIRST, SECOND, THIRD, FOURTH or LAST such weekday of its month.
func isDayWeekInMonth(c *invocation) (any, error) {
	t, err := c.calendarDate()
	if err != nil {
		return nil, err
	}
	day, err := c.text(1)
	if err != nil {
		return nil, err
	}
	position, err := c.text(2)
	if err != nil {
		return nil, err
	}
	number := map[string]int{"FIRST": 1, "SECOND": 2, "THIRD": 3, "FOURTH": 4, "LAST": 5}[strings.ToUpper(position)]
	if number == 0 {
		return nil, fmt.Errorf("the argument %q must be FIRST, SECOND, THIRD, FOURTH or LAST, found %q", c.params[2], position)
	}
	if weekday(day) < 0 {
		return nil, fmt.Errorf("the argument %q must be a day such as MONDAY, found %q", c.params[1], day)
	}
	if t.Weekday() != weekday(day) {
		return false, nil
	}
	if number == 5 {
		return t.AddDate(0, 0, 7).Month() != t.Month(), nil
	}
	return (t.Day()-1)/7+1 == number, nil
}

// weekday reads MONDAY; -1 for no day.
func weekday(name string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), name) {
			return d
		}
	}
	return -1
}

// isLastWorkingDay reports whether no working day of the month comes after the date, which is one itself. Working days
// are Monday to Friday unless given, as a list of names or as one text with commas.
func isLastWorkingDay(c *invocation) (any, error) {
	t, err := c.calendarDate()
	if err != nil {
		return nil, err
	}
	working, err := c.workingDays(1)
	if err != nil || !working[t.Weekday()] {
		return false, err
	}
	for next := t.AddDate(0, 0, 1); next.Month() == t.Month(); next = next.AddDate(0, 0, 1) {
		if working[next.Weekday()] {
			return false, nil
		}
	}
	return true, nil
}

func (c *invocation) workingDays(i int) (map[time.Weekday]bool, error) {
	names := []any{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"}
	if v := c.optional(i); v != nil {
		var ok bool
		if names, ok = asList(v); !ok {
			names = nil
			for name := range strings.SplitSeq(value.JavaString(v), ",") {
				names = append(names, strings.TrimSpace(name))
			}
		}
	}
	days := map[time.Weekday]bool{}
	for _, name := range names {
		d := weekday(value.JavaString(name))
		if d < 0 {
			return nil, fmt.Errorf("the argument %q has %q, which is no day such as MONDAY", c.params[i], value.JavaString(name))
		}
		days[d] = true
	}
	return days, nil
}
