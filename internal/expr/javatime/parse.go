package javatime

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// parsed are the fields found in a text; -1 is absent where 0 is a value.
type parsed struct {
	year, month, day     int
	dayOfYear            int
	hour, minute, second int
	nano                 int
	half                 int // 0 AM, 1 PM
	hour12               int
	weekday              int // 0 is Monday
	bc                   bool
	hasTime              bool
	zone                 *time.Location
}

// ParsePattern reads a text by a pattern or the name of a format. What is not Zoned is returned in UTC and stands for a
// wall time.
func ParsePattern(text, format string, lang *Language) (time.Time, Kind, error) {
	if format == "rfc_1123_date_time" {
		t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", strings.Replace(text, "GMT", "+0000", 1))
		return t, Zoned, err
	}
	if named[format] != nil {
		t, kind := ParseISO(text)
		if kind == None {
			return t, kind, fmt.Errorf("the text %q is not a date of the format %s", text, format)
		}
		return t, kind, nil
	}
	elements, err := compile(expand(format, lang))
	if err != nil {
		return time.Time{}, None, err
	}
	p := parsed{year: -1, dayOfYear: -1, half: -1, hour: -1, hour12: -1, weekday: -1}
	n, ok := p.all(text, elements, lang)
	if !ok || n != len(text) {
		return time.Time{}, None, fmt.Errorf("the text %q does not match the date pattern %q at position %d", text, format, n+1)
	}
	return p.resolve(text, format)
}

// resolve makes a date of the fields.
func (p *parsed) resolve(text, format string) (time.Time, Kind, error) {
	if p.hour < 0 && p.hour12 >= 0 && p.half >= 0 {
		p.hour, p.hasTime = p.hour12%12+12*p.half, true
	}
	invalid := func(what string) (time.Time, Kind, error) {
		return time.Time{}, None, fmt.Errorf("the text %q with the date pattern %q has no valid %s", text, format, what)
	}
	switch {
	case p.year < 0:
		return invalid("date")
	case p.bc:
		p.year = 1 - p.year
	}
	if p.dayOfYear > 0 {
		p.month, p.day = 1, p.dayOfYear
		if p.dayOfYear > time.Date(p.year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() {
			return invalid("day of the year")
		}
	} else if p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 {
		return invalid("date")
	} else {
		p.day = min(p.day, daysIn(p.year, time.Month(p.month))) // as Java's resolver does: 31 April is 30 April
	}
	if !p.hasTime { // an hour of the clock without AM or PM is no time
		p.hour, p.minute, p.second, p.nano = 0, 0, 0, 0
	}
	if p.hour > 24 || p.minute > 59 || p.second > 59 || (p.hour == 24 && p.minute+p.second+p.nano > 0) {
		return invalid("time of day")
	}
	if p.weekday >= 0 && (int(time.Date(p.year, time.Month(p.month), p.day, 0, 0, 0, 0, time.UTC).Weekday())+6)%7 != p.weekday {
		return invalid("day of the week")
	}
	wall := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nano, time.UTC)
	switch {
	case p.zone != nil && p.hasTime:
		return InZone(wall, p.zone), Zoned, nil
	case p.hasTime:
		return wall, Local, nil
	}
	return wall, DateOnly, nil
}

// all matches the elements in turn and returns how far it got.
func (p *parsed) all(text string, elements []element, lang *Language) (int, bool) {
	pos := 0
	for i, e := range elements {
		rest := text[pos:]
		if e.section {
			saved := *p
			if n, ok := p.all(rest, e.inner, lang); ok {
				pos += n
			} else {
				*p = saved
			}
			continue
		}
		for e.pad > 0 && strings.HasPrefix(rest, " ") {
			rest, pos = rest[1:], pos+1
		}
		n, ok := p.one(rest, e, followed(elements[i+1:]), lang)
		if !ok {
			return pos, false
		}
		pos += n
	}
	return pos, true
}

// followed counts the digits that the numbers directly after a field need, so that yyyyMMdd can be told apart.
func followed(elements []element) int {
	n := 0
	for _, e := range elements {
		if e.section || e.letter == 0 || !isNumeric(e) {
			break
		}
		n += e.count
	}
	return n
}

func isNumeric(e element) bool {
	switch e.letter {
	case 'M', 'L', 'Q', 'q', 'e', 'c':
		return e.count <= 2
	}
	return strings.IndexByte("yuYDdgwWFhKkHmsSAnN", e.letter) >= 0
}

func (p *parsed) one(text string, e element, after int, lang *Language) (int, bool) {
	switch {
	case e.letter == 0:
		return len(e.text), strings.HasPrefix(text, e.text)
	case isNumeric(e):
		return p.number(text, e, after)
	}
	switch e.letter {
	case 'M', 'L':
		i, n := word(text, lang.names(strings.Repeat(string(e.letter), e.count)))
		p.month = i + 1
		return n, i >= 0
	case 'E', 'e', 'c':
		letters := strings.Repeat("E", max(3, e.count))
		i, n := word(text, lang.names(letters))
		p.weekday = i
		return n, i >= 0
	case 'a':
		i, n := word(text, lang.names("a"))
		p.half = i
		return n, i >= 0
	case 'G':
		i, n := word(text, lang.names(map[bool]string{true: "GGGG", false: "G"}[e.count == 4]))
		p.bc = i == 0
		return n, i >= 0
	case 'X', 'x', 'Z', 'O':
		return p.offset(text, e)
	case 'V', 'z', 'v':
		return p.zoneName(text)
	}
	return 0, false
}

// word finds the longest of the words that the text begins with, without regard to position in the list.
func word(text string, words []string) (index, length int) {
	index = -1
	for i, w := range words {
		if len(w) > length && strings.HasPrefix(text, w) {
			index, length = i, len(w)
		}
	}
	return index, length
}

// number reads digits: as many as the pattern says, or all there are where it leaves that open, save those that the
// numbers after it need.
func (p *parsed) number(text string, e element, after int) (int, bool) {
	sign := 0
	if strings.IndexByte("yuY", e.letter) >= 0 && e.count != 2 && text != "" && (text[0] == '-' || text[0] == '+') {
		sign = 1
	}
	have := countDigits(text[sign:])
	least, most := e.count, e.count
	switch {
	case e.letter == 'S':
	case strings.IndexByte("yuYAnNg", e.letter) >= 0 && e.count != 2, e.count == 1:
		least, most = e.count, 19
		if after > 0 {
			most = max(least, have-after)
		}
	}
	n := min(have, most)
	if n < least || n == 0 || n > 18 {
		return 0, false
	}
	p.set(e, text[sign:sign+n], sign == 1 && text[0] == '-')
	return sign + n, true
}

func (p *parsed) set(e element, digits string, negative bool) {
	v := atoi(digits)
	if negative {
		v = -v
	}
	switch e.letter {
	case 'y', 'u', 'Y':
		if e.count == 2 {
			v += 2000
		}
		p.year = v
	case 'M', 'L':
		p.month = v
	case 'd':
		p.day = v
	case 'D':
		p.dayOfYear = v
	case 'H', 'k':
		p.hour, p.hasTime = v, true
		if e.letter == 'k' {
			p.hour = v % 24
		}
	case 'h', 'K':
		p.hour12 = v
	case 'm':
		p.minute = v
	case 's':
		p.second = v
	case 'S':
		p.nano = atoi((digits + "000000000")[:9])
	case 'n':
		p.nano = v
	case 'A', 'N':
		if e.letter == 'A' {
			v *= 1_000_000
		}
		p.hour, p.minute, p.second, p.nano, p.hasTime = v/3600e9, v/60e9%60, v/1e9%60, v%1e9, true
	}
}

func (p *parsed) offset(text string, e element) (int, bool) {
	skip := 0
	if e.letter == 'O' || (e.letter == 'Z' && e.count == 4) {
		if !strings.HasPrefix(text, "GMT") {
			return 0, false
		}
		if skip = 3; len(text) == skip || (text[skip] != '+' && text[skip] != '-') {
			p.zone = time.UTC
			return skip, true
		}
	}
	seconds, n := readOffset(text[skip:])
	if n == 0 || (text[skip] == 'Z' && e.letter != 'X') {
		return 0, false
	}
	p.zone = fixed(seconds)
	return skip + n, true
}

// zoneName reads the identifier of a zone, or one of the abbreviations that mean one zone only.
func (p *parsed) zoneName(text string) (int, bool) {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !(isLetter(byte(min(r, 127))) && r < 128 || r >= '0' && r <= '9' || strings.ContainsRune("/_+-:~", r)) {
			break
		}
		n += size
	}
	for ; n > 0; n-- {
		name := text[:n]
		if id, ok := abbreviations[name]; ok {
			name = id
		}
		if zone, err := Zone(name); err == nil {
			p.zone = zone
			return n, true
		}
	}
	return 0, false
}

var abbreviations = map[string]string{
	"CEST": "Europe/Paris", "CET": "Europe/Paris", "EDT": "America/New_York", "EST": "America/New_York",
	"CDT": "America/Chicago", "CST": "America/Chicago", "MDT": "America/Denver", "MST": "America/Denver",
	"PDT": "America/Los_Angeles", "PST": "America/Los_Angeles", "JST": "Asia/Tokyo", "BST": "Europe/London",
	"EEST": "Europe/Bucharest", "EET": "Europe/Bucharest", "IST": "Asia/Kolkata",
}
