package javatime

import (
	"fmt"
	"strings"
	"time"
)

// Kind says how much of a date a text held.
type Kind int

// The kinds, from the most to the least.
const (
	Zoned    Kind = iota // a moment with its zone
	Local                // a date and a time
	DateOnly             // a date
	None                 // not a date
)

// ParseISO reads 2024-05-06T07:08:09.123+02:00[Europe/Paris] or less of it; seconds may be left out. What is not Zoned
// is returned in UTC and stands for a wall time.
func ParseISO(s string) (time.Time, Kind) {
	date, rest, ok := isoDate(s)
	if !ok {
		return time.Time{}, None
	}
	if rest == "" {
		return date, DateOnly
	}
	if rest[0] != 'T' && rest[0] != 't' {
		return time.Time{}, None
	}
	sinceMidnight, rest, ok := isoTime(rest[1:])
	if !ok {
		return time.Time{}, None
	}
	wall := date.Add(sinceMidnight)
	if rest == "" {
		return wall, Local
	}
	return isoZone(wall, rest)
}

// isoZone reads an offset with a zone in brackets or without.
func isoZone(wall time.Time, rest string) (time.Time, Kind) {
	seconds, n := readOffset(rest)
	if n == 0 || n == 5 || n == 7 { // +hhmm and +hhmmss lack the colons
		return time.Time{}, None
	}
	moment := wall.Add(-time.Duration(seconds) * time.Second)
	if n == len(rest) {
		return moment.In(fixed(seconds)), Zoned
	}
	name, ok := strings.CutPrefix(rest[n:], "[")
	if name, ok2 := strings.CutSuffix(name, "]"); ok && ok2 {
		if zone, err := Zone(name); err == nil {
			return moment.In(zone), Zoned
		}
	}
	return time.Time{}, None
}

func isoDate(s string) (time.Time, string, bool) {
	year := isoYear(s)
	if year == 0 {
		return time.Time{}, "", false
	}
	y, s := atoi(s[:year]), s[year:]
	if len(s) < 6 || s[0] != '-' || s[3] != '-' || countDigits(s[1:]) != 2 || countDigits(s[4:]) < 2 {
		return time.Time{}, "", false
	}
	m, d := atoi(s[1:3]), atoi(s[4:6])
	if m < 1 || m > 12 || d < 1 || d > daysIn(y, time.Month(m)) {
		return time.Time{}, "", false
	}
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC), s[6:], true
}

// isoYear measures a year: four digits, or with a sign up to six; 0 for none.
func isoYear(s string) int {
	if s == "" {
		return 0
	}
	if s[0] == '+' || s[0] == '-' {
		if n := countDigits(s[1:]); n >= 4 && n <= 6 {
			return n + 1
		}
		return 0
	}
	if countDigits(s) == 4 {
		return 4
	}
	return 0
}

func isoTime(s string) (time.Duration, string, bool) {
	var fields [3]int
	n := 0
	for i := range fields {
		if i > 0 {
			if len(s) <= n || s[n] != ':' {
				if i == 1 {
					return 0, "", false
				}
				break
			}
			n++
		}
		if countDigits(s[n:]) != 2 {
			return 0, "", false
		}
		fields[i] = atoi(s[n : n+2])
		n += 2
	}
	if fields[0] > 23 || fields[1] > 59 || fields[2] > 59 {
		return 0, "", false
	}
	d := time.Duration(fields[0])*time.Hour + time.Duration(fields[1])*time.Minute + time.Duration(fields[2])*time.Second
	if len(s) > n && s[n] == '.' && n == 8 {
		digits := countDigits(s[n+1:])
		if digits > 9 {
			return 0, "", false
		}
		if digits > 0 {
			d += time.Duration(atoi((s[n+1:n+1+digits] + "000000000")[:9]))
		}
		n += 1 + digits
	}
	return d, s[n:], true
}

// named are the formats that have a name and are no pattern.
var named = map[string]func(t time.Time) string{
	"iso_date":            func(t time.Time) string { return t.Format("2006-01-02") + offsetISO(t) },
	"iso_date_time":       isoZoned,
	"iso_instant":         func(t time.Time) string { return instant(t.UTC()) },
	"iso_local_date":      func(t time.Time) string { return t.Format("2006-01-02") },
	"iso_local_date_time": isoLocal,
	"iso_local_time":      func(t time.Time) string { return isoClock(t) },
	"iso_offset_time":     func(t time.Time) string { return isoClock(t) + offsetISO(t) },
	"iso_ordinal_date":    func(t time.Time) string { return fmt.Sprintf("%04d-%03d", t.Year(), t.YearDay()) + offsetISO(t) },
	"iso_time":            func(t time.Time) string { return isoClock(t) + offsetISO(t) },
	"iso_week_date":       isoWeekDate,
	"iso_zoned_date_time": isoZoned,
	"rfc_1123_date_time":  rfc1123,
}

// patterns are the names that stand for a pattern.
var patterns = map[string]string{
	"iso":       "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
	"iso_milli": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
	"iso_sec":   "yyyy-MM-dd'T'HH:mm:ssXXX",
	"sql":       "yyyy-MM-dd HH:mm:ss.SSSSSS",
	"sql_milli": "yyyy-MM-dd HH:mm:ss.SSS",
	"sql_sec":   "yyyy-MM-dd HH:mm:ss",
}

func isoLocal(t time.Time) string { return t.Format("2006-01-02T") + isoClock(t) }

// isoZoned adds the zone where that is more than an offset.
func isoZoned(t time.Time) string {
	text := isoLocal(t) + offsetISO(t)
	if id := zoneID(t); id != "Z" && strings.IndexByte("+-", id[0]) < 0 {
		text += "[" + id + "]"
	}
	return text
}

func isoClock(t time.Time) string { return t.Format("15:04:05.999999999") }

func offsetISO(t time.Time) string {
	_, seconds := t.Zone()
	return offsetText(seconds, "XXXXX")
}

func instant(t time.Time) string {
	s := isoClock(t)
	if i := strings.IndexByte(s, '.'); i >= 0 {
		for (len(s)-i-1)%3 != 0 {
			s += "0"
		}
	}
	return t.Format("2006-01-02T") + s + "Z"
}

func isoWeekDate(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%04d-W%02d-%d", y, w, (int(t.Weekday())+6)%7+1) + offsetISO(t)
}

func rfc1123(t time.Time) string {
	zone := t.Format("-0700")
	if zone == "+0000" {
		zone = "GMT"
	}
	return t.Format("Mon, 2 Jan 2006 15:04:05 ") + zone
}
