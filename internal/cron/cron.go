// Package cron computes when a cron expression fires. It is pure: the caller brings the time.
//
// An expression has five fields (minute, hour, day of month, month, day of week), or six with the
// second first, or is a nickname such as @daily. A field is a comma-separated list of `*`, a value,
// a range `a-b` with a ≤ b, or one of these with a step: `*/n`, `a-b/n`, and `a/n`, which runs from a
// to the field's end. Months and weekdays may be named by three letters in any case; Sunday is 0, 7
// or sun. There is no `L`, `W`, `#` or `?`. Where both day fields are restricted, a day matches that
// matches either; `*` and `*/1` are the unrestricted forms.
//
// A schedule follows the wall clock of a time zone. Times that a change to summer time leaves out do
// not exist and do not fire: a daily 02:30 skips that day. Times that the change back repeats fire
// once, in the first pass, unless the schedule fires at least hourly there: `*/30 2 * * *` fires four
// times that night.
package cron

import (
	"math"
	"time"
)

// horizon is the number of years after which a search gives up: 29 February may be eight years away.
const horizon = 10

// The years a search may begin in; what lies beyond is no schedule's business.
const firstYear, lastYear = 0, 9999

// Schedule is a parsed expression. It is immutable and safe for concurrent use.
type Schedule struct {
	expr string
	// Each field is the set of its values, as bits.
	second, minute, hour, day, month, weekday uint64
	anyDay, anyWeekday                        bool
}

// String returns the expression as it was given.
func (s *Schedule) String() string { return s.expr }

// Next returns the first time strictly after the given one at which the schedule fires, in that
// time's zone and to the second. It reports false where there is none within ten years.
func (s *Schedule) Next(after time.Time) (time.Time, bool) {
	at := time.Unix(after.Unix()+1, 0).In(after.Location())
	if at.Year() < firstYear || at.Year() > lastYear {
		return time.Time{}, false
	}
	lastYear := at.Year() + horizon
	for {
		z := zoneAt(at)
		wall, ok := s.nextWall(at.Unix()+z.offset, lastYear)
		if ok && z.repeats(wall) && !s.hourly(z, lastYear) {
			wall, ok = s.nextWall(z.repeatEnd, lastYear)
		}
		if !ok {
			return time.Time{}, false
		}
		if unix := wall - z.offset; unix < z.end {
			return time.Unix(unix, 0).In(after.Location()), true
		}
		at = time.Unix(z.end, 0).In(after.Location())
	}
}

// Prev returns the last time strictly before the given one at which the schedule fires, in that
// time's zone and to the second. It reports false where there is none within ten years.
func (s *Schedule) Prev(before time.Time) (time.Time, bool) {
	at := time.Unix(before.Unix(), 0).In(before.Location())
	if at.Equal(before) {
		at = at.Add(-time.Second)
	}
	if at.Year() < firstYear || at.Year() > lastYear {
		return time.Time{}, false
	}
	firstYear := at.Year() - horizon
	for {
		z := zoneAt(at)
		wall, ok := s.prevWall(at.Unix()+z.offset, firstYear)
		if ok && z.repeats(wall) && !s.hourly(z, at.Year()+horizon) {
			wall, ok = s.prevWall(z.repeatStart-1, firstYear)
		}
		if !ok {
			return time.Time{}, false
		}
		if unix := wall - z.offset; unix >= z.start {
			return time.Unix(unix, 0).In(before.Location()), true
		}
		at = time.Unix(z.start-1, 0).In(before.Location())
	}
}

// zone is a span of time with one offset from UTC. Within it the wall clock runs as evenly as
// time itself; gaps and repetitions are between spans.
type zone struct {
	offset     int64 // seconds east of UTC
	start, end int64 // in Unix time; end is exclusive
	// Wall clock times from repeatStart up to repeatEnd were shown in the span before already;
	// the two are equal where none were.
	repeatStart, repeatEnd int64
}

func zoneAt(t time.Time) zone {
	_, offset := t.Zone()
	z := zone{offset: int64(offset), start: math.MinInt64, end: math.MaxInt64}
	start, end := t.ZoneBounds()
	if !end.IsZero() {
		z.end = end.Unix()
	}
	if !start.IsZero() {
		z.start = start.Unix()
		_, before := start.Add(-time.Second).Zone()
		z.repeatStart = z.start + z.offset
		z.repeatEnd = max(z.repeatStart, z.start+int64(before))
	}
	return z
}

func (z zone) repeats(wall int64) bool { return z.repeatStart <= wall && wall < z.repeatEnd }

// hourly reports whether the schedule fires again at most an hour after it first fires in the
// repeated part of a zone.
func (s *Schedule) hourly(z zone, lastYear int) bool {
	first, _ := s.nextWall(z.repeatStart, lastYear)
	second, ok := s.nextWall(first+1, lastYear)
	return ok && second-first <= int64(time.Hour/time.Second)
}
