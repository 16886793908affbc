// Package javatime reads and writes dates as java.time does: ISO-8601, the patterns of DateTimeFormatter, its named
// formats and localised styles, zone identifiers, and arithmetic on local dates across changes of the clock.
package javatime

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a static binary must know the zones wherever it runs
)

// zones caches what LoadLocation read; there are some 600 names, all others fail.
var zones sync.Map

// Zone finds a zone by its Java identifier: Europe/Paris, UTC, Z, +02:00, GMT+2, UTC-03:30.
func Zone(id string) (*time.Location, error) {
	if z, ok := zones.Load(id); ok {
		return z.(*time.Location), nil
	}
	switch id {
	case "", "Local", "EST", "MST", "HST": // the abbreviations are links of the database that Java leaves out
		return nil, fmt.Errorf("unknown time zone %q", id)
	}
	if z := zoneOfOffset(id); z != nil {
		return z, nil
	}
	z, err := time.LoadLocation(id)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q", id)
	}
	zones.Store(id, z)
	return z, nil
}

// zoneOfOffset reads Z, +02:00, +2, or an offset after GMT, UTC or UT; nil for what is none of them.
func zoneOfOffset(id string) *time.Location {
	prefix := ""
	for _, p := range []string{"UTC", "GMT", "UT"} {
		if strings.HasPrefix(id, p) && id != p {
			prefix = p
			break
		}
	}
	seconds, n := readOffset(id[len(prefix):])
	if n == 0 || len(prefix)+n != len(id) {
		return nil
	}
	return time.FixedZone(prefix+offsetText(seconds, "XXX"), seconds)
}

// fixed is the zone of an offset in a text.
func fixed(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone(offsetText(seconds, "XXX"), seconds)
}

// zoneID is the identifier of the zone of t.
func zoneID(t time.Time) string { return t.Location().String() }

// readOffset reads an offset at the beginning of s: Z, +h, +hh, +hh:mm, +hhmm, with seconds or not. n is its length, 0
// for none.
func readOffset(s string) (seconds, n int) {
	if s == "" {
		return 0, 0
	}
	if s[0] == 'Z' || s[0] == 'z' {
		return 0, 1
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	run := countDigits(s[1:])
	fields := [3]int{}
	switch {
	case run == 1:
		fields[0], n = atoi(s[1:2]), 2
	case run == 2:
		fields[0], n = atoi(s[1:3]), 3
		for i := 1; i < 3 && len(s) > n+2 && s[n] == ':' && countDigits(s[n+1:]) == 2; i++ {
			fields[i], n = atoi(s[n+1:n+3]), n+3
		}
	case run == 4 || run == 6:
		for i := 0; i < run/2; i++ {
			fields[i] = atoi(s[1+2*i : 3+2*i])
		}
		n = 1 + run
	default:
		return 0, 0
	}
	seconds = fields[0]*3600 + fields[1]*60 + fields[2]
	if fields[1] > 59 || fields[2] > 59 || seconds > 18*3600 {
		return 0, 0
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, n
}

func countDigits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// InZone gives the moment at which clocks of the zone show the wall time of t (whose own zone does not count). Of two
// such moments it takes the earlier; a wall time that is skipped is moved on by the length of the gap.
func InZone(t time.Time, zone *time.Location) time.Time {
	y, mo, d := t.Date()
	wall := time.Date(y, mo, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	_, before := wall.Add(-26 * time.Hour).In(zone).Zone()
	_, after := wall.Add(26 * time.Hour).In(zone).Zone()
	early := wall.Add(-time.Duration(before) * time.Second).In(zone)
	late := wall.Add(-time.Duration(after) * time.Second).In(zone)
	if _, o := early.Zone(); o == before {
		return early
	}
	if _, o := late.Zone(); o == after {
		return late
	}
	return early
}

// Unit is a unit of time as Java's ChronoUnit names it.
type Unit string

// daysAndMonths says how many days or months a unit of the calendar has.
var daysAndMonths = map[Unit][2]int{
	"DAYS": {1, 0}, "WEEKS": {7, 0}, "MONTHS": {0, 1}, "YEARS": {0, 12}, "DECADES": {0, 120}, "CENTURIES": {0, 1200},
	"MILLENNIA": {0, 12000},
}

// nanos says how long a unit of the clock is.
var nanos = map[Unit]time.Duration{
	"NANOS": 1, "MICROS": time.Microsecond, "MILLIS": time.Millisecond, "SECONDS": time.Second, "MINUTES": time.Minute,
	"HOURS": time.Hour, "HALF_DAYS": 12 * time.Hour,
}

// maxSeconds bounds what Add adds: a million years.
const maxSeconds = 1_000_000 * 365.25 * 86400

// Add adds an amount of units: units of the clock to the time line, those of the calendar to the local date, where a day
// that a month lacks becomes its last.
func Add(t time.Time, amount int64, unit Unit) (time.Time, error) {
	length, isClock := nanos[unit]
	step, isCalendar := daysAndMonths[unit]
	seconds := length.Seconds()
	if isCalendar {
		seconds = float64(step[0]+31*step[1]) * 86400
	}
	switch {
	case !isClock && !isCalendar:
		return t, fmt.Errorf("unknown unit %q, expected one of NANOS, MICROS, MILLIS, SECONDS, MINUTES, HOURS, HALF_DAYS, DAYS, WEEKS, MONTHS, YEARS, DECADES, CENTURIES, MILLENNIA", string(unit))
	case math.Abs(float64(amount))*seconds > maxSeconds:
		return t, fmt.Errorf("%d %s is too much", amount, unit)
	case isClock:
		return addClock(t, amount, length), nil
	}
	return addCalendar(t, int(amount)*step[0], int(amount)*step[1]), nil
}

// addClock adds in two parts, since an amount may be longer than a Duration can be.
func addClock(t time.Time, amount int64, length time.Duration) time.Time {
	perSecond := int64(max(1, time.Second/length))
	secondsEach := int64(max(1, length/time.Second))
	whole, rest := amount/perSecond*secondsEach, time.Duration(amount%perSecond)*length
	if length >= time.Second {
		rest = 0
	}
	return time.Unix(t.Unix()+whole, int64(t.Nanosecond())+int64(rest)).In(t.Location())
}

func addCalendar(t time.Time, days, months int) time.Time {
	y, mo, d := t.Date()
	if months != 0 {
		total := y*12 + int(mo) - 1 + months
		y, mo = floorDiv(total, 12), time.Month(total-floorDiv(total, 12)*12+1)
		d = min(d, daysIn(y, mo))
	}
	wall := time.Date(y, mo, d+days, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	// Where the wall time occurs twice, the offset that t has is kept.
	_, offset := t.Zone()
	same := wall.Add(-time.Duration(offset) * time.Second).In(t.Location())
	if _, o := same.Zone(); o == offset {
		return same
	}
	return InZone(wall, t.Location())
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func daysIn(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }
