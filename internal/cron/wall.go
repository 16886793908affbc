package cron

import (
	"math/bits"
	"time"
)

// Here time is what a wall clock shows, as the seconds since 1970 that a clock in UTC would have to
// count to show it. The search jumps from value to value of each field and looks at no time between.

// nextWall returns the first matching wall time at or after the given one.
func (s *Schedule) nextWall(wall int64, lastYear int) (int64, bool) {
	at := time.Unix(wall, 0).UTC()
	year, month, day := at.Date()
	days := s.days(year, month)
	if has(days, day) {
		if h, m, sec := s.timeFrom(at.Clock()); h >= 0 {
			return toWall(year, month, day, h, m, sec), true
		}
	}
	for day = next(days, day+1); day < 0; day = next(days, 1) {
		if month++; month > time.December {
			year, month = year+1, time.January
		}
		if year > lastYear {
			return 0, false
		}
		days = s.days(year, month)
	}
	return toWall(year, month, day, next(s.hour, 0), next(s.minute, 0), next(s.second, 0)), true
}

// prevWall returns the last matching wall time at or before the given one.
func (s *Schedule) prevWall(wall int64, firstYear int) (int64, bool) {
	at := time.Unix(wall, 0).UTC()
	year, month, day := at.Date()
	days := s.days(year, month)
	if has(days, day) {
		if h, m, sec := s.timeUpTo(at.Clock()); h >= 0 {
			return toWall(year, month, day, h, m, sec), true
		}
	}
	for day = prev(days, day-1); day < 0; day = prev(days, 31) {
		if month--; month < time.January {
			year, month = year-1, time.December
		}
		if year < firstYear {
			return 0, false
		}
		days = s.days(year, month)
	}
	return toWall(year, month, day, prev(s.hour, 23), prev(s.minute, 59), prev(s.second, 59)), true
}

func toWall(year int, month time.Month, day, h, m, s int) int64 {
	return time.Date(year, month, day, h, m, s, 0, time.UTC).Unix()
}

// days returns the set of a month's matching days.
func (s *Schedule) days(year int, month time.Month) uint64 {
	if !has(s.month, int(month)) {
		return 0
	}
	const fiveWeeks = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28
	first := int(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Weekday())
	week := (s.weekday>>first | s.weekday<<(7-first)) & 0x7F // turned so that bit 0 is the 1st
	byWeekday := week * fiveWeeks << 1
	length := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	all := uint64(1)<<(length+1) - 2
	switch {
	case s.anyWeekday:
		return s.day & all
	case s.anyDay:
		return byWeekday & all
	}
	return (s.day | byWeekday) & all
}

// timeFrom returns the first matching time of day at or after the given one, or -1 as the hour.
func (s *Schedule) timeFrom(h, m, sec int) (int, int, int) {
	if has(s.hour, h) {
		if has(s.minute, m) {
			if sec = next(s.second, sec); sec >= 0 {
				return h, m, sec
			}
		}
		if m = next(s.minute, m+1); m >= 0 {
			return h, m, next(s.second, 0)
		}
	}
	return next(s.hour, h+1), next(s.minute, 0), next(s.second, 0)
}

// timeUpTo returns the last matching time of day at or before the given one, or -1 as the hour.
func (s *Schedule) timeUpTo(h, m, sec int) (int, int, int) {
	if has(s.hour, h) {
		if has(s.minute, m) {
			if sec = prev(s.second, sec); sec >= 0 {
				return h, m, sec
			}
		}
		if m = prev(s.minute, m-1); m >= 0 {
			return h, m, prev(s.second, 59)
		}
	}
	return prev(s.hour, h-1), prev(s.minute, 59), prev(s.second, 59)
}

func has(set uint64, value int) bool { return set>>value&1 == 1 }

// next returns the smallest value of a set from the given one on, -1 where there is none.
func next(set uint64, from int) int {
	rest := set >> from << from
	if rest == 0 {
		return -1
	}
	return bits.TrailingZeros64(rest)
}

// prev returns the largest value of a set up to the given one, which is below 63; -1 where there is none.
func prev(set uint64, upTo int) int {
	return bits.Len64(set&(uint64(1)<<(upTo+1)-1)) - 1
}
