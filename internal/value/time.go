package value

import (
	"fmt"
	"strings"
	"time"
)

// The date and time types are those of java.time. Each wraps a time.Time (or, for Duration, an int64 of nanoseconds);
// the local ones keep their wall time in UTC and mean no zone.
type (
	// Instant is a point on the time line, in UTC.
	Instant struct{ T time.Time }
	// ZonedDateTime is a point on the time line with the zone to show it in.
	ZonedDateTime struct{ T time.Time }
	// LocalDateTime is a date and wall time without a zone.
	LocalDateTime struct{ T time.Time }
	// LocalDate is a date without a time.
	LocalDate struct{ T time.Time }
	// LocalTime is a wall time without a date.
	LocalTime struct{ T time.Time }
	// Duration is an amount of time in nanoseconds.
	Duration time.Duration
)

// String is ISO-8601 in UTC: 2024-05-06T07:08:09.123Z, with no, three, six or nine digits of fraction.
func (v Instant) String() string {
	t := v.T.UTC()
	return t.Format("2006-01-02T15:04:05") + fraction(t) + "Z"
}

// String is ISO-8601 with the offset and, where the zone has a name, that: 2024-05-06T09:08:09+02:00[Europe/Paris].
func (v ZonedDateTime) String() string {
	s := shortSeconds(v.T, "2006-01-02T") + offset(v.T)
	if name := v.T.Location().String(); name != "UTC" && name != "" && !strings.ContainsAny(name[:1], "Z+-") {
		s += "[" + name + "]"
	}
	return s
}

// String is ISO-8601; seconds are left out where they are zero, as Java does.
func (v LocalDateTime) String() string { return shortSeconds(v.T, "2006-01-02T") }

// String is ISO-8601.
func (v LocalDate) String() string { return v.T.Format("2006-01-02") }

// String is ISO-8601; seconds are left out where they are zero, as Java does.
func (v LocalTime) String() string { return shortSeconds(v.T, "") }

func shortSeconds(t time.Time, datePart string) string {
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format(datePart + "15:04")
	}
	return t.Format(datePart+"15:04:05") + fraction(t)
}

func fraction(t time.Time) string {
	n := t.Nanosecond()
	switch {
	case n == 0:
		return ""
	case n%1_000_000 == 0:
		return fmt.Sprintf(".%03d", n/1_000_000)
	case n%1_000 == 0:
		return fmt.Sprintf(".%06d", n/1_000)
	}
	return fmt.Sprintf(".%09d", n)
}

func offset(t time.Time) string {
	if _, seconds := t.Zone(); seconds%60 != 0 {
		return t.Format("Z07:00:00")
	}
	return t.Format("Z07:00")
}

// String is ISO-8601 as Java writes it: PT26H30M, PT0.5S, PT-1M.
func (v Duration) String() string {
	if v == 0 {
		return "PT0S"
	}
	seconds, nanos := int64(v)/1e9, int64(v)%1e9
	var b strings.Builder
	b.WriteString("PT")
	if h := seconds / 3600; h != 0 {
		fmt.Fprintf(&b, "%dH", h)
	}
	if m := seconds / 60 % 60; m != 0 {
		fmt.Fprintf(&b, "%dM", m)
	}
	if s := seconds % 60; s != 0 || nanos != 0 {
		if v < 0 {
			b.WriteByte('-')
			s, nanos = -s, -nanos
		}
		fmt.Fprintf(&b, "%d", s)
		if nanos != 0 {
			b.WriteString(strings.TrimRight(fmt.Sprintf(".%09d", nanos), "0"))
		}
		b.WriteByte('S')
	}
	return b.String()
}

// Seconds is the length in seconds, the form in which a duration appears in JSON.
func (v Duration) Seconds() float64 { return time.Duration(v).Seconds() }

// isoText is the form of a date in JSON and when printed: as String, but with seconds always and without zone names.
func isoText(v any) (string, bool) {
	switch x := v.(type) {
	case Instant:
		return x.String(), true
	case ZonedDateTime:
		return x.T.Format("2006-01-02T15:04:05") + fraction(x.T) + offset(x.T), true
	case LocalDateTime:
		return x.T.Format("2006-01-02T15:04:05") + fraction(x.T), true
	case LocalDate:
		return x.String(), true
	case LocalTime:
		return x.T.Format("15:04:05") + fraction(x.T), true
	}
	return "", false
}

// point returns the moment that a date stands for and which of the kinds it is; two are comparable within one kind.
func point(v any) (t time.Time, kind int) {
	switch x := v.(type) {
	case Instant:
		return x.T, 1
	case ZonedDateTime:
		return x.T, 1
	case LocalDateTime:
		return x.T, 2
	case LocalDate:
		return x.T, 3
	case LocalTime:
		return x.T, 4
	}
	return time.Time{}, 0
}

func equalTimes(a, b any) bool {
	c, ok := compareTimes(a, b)
	return ok && c == 0
}

func compareTimes(a, b any) (int, bool) {
	x, kind := point(a)
	y, other := point(b)
	if kind == 0 || kind != other {
		return 0, false
	}
	return x.Compare(y), true
}
