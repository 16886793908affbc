package javatime

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxPattern bounds the length of a pattern in bytes.
const maxPattern = 1000

// element is a piece of a pattern: literal text or a field.
type element struct {
	letter  byte // 0 for literal text
	count   int
	text    string
	pad     int       // from p: pad with spaces to this width
	inner   []element // of [ ]
	section bool
}

// Format writes a moment, in its own zone, by the name of a format (iso, sql_sec, iso_instant, full, …) or by a pattern.
func Format(t time.Time, format string, lang *Language) (string, error) {
	if f := named[format]; f != nil {
		return f(t), nil
	}
	elements, err := compile(expand(format, lang))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeAll(&b, t, elements, lang)
	return b.String(), nil
}

// expand replaces a name by its pattern.
func expand(format string, lang *Language) string {
	if p, ok := patterns[format]; ok {
		return p
	}
	if p, ok := lang.styles[format]; ok {
		return p
	}
	return format
}

// compile reads a pattern of Java's DateTimeFormatter.
func compile(pattern string) ([]element, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("the date pattern is longer than %d bytes", maxPattern)
	}
	c := compiler{pattern: pattern}
	elements, err := c.elements(false)
	if err != nil {
		return nil, fmt.Errorf("the date pattern %q is not valid: %w", pattern, err)
	}
	return elements, nil
}

type compiler struct {
	pattern string
	pos     int
}

func (c *compiler) elements(section bool) ([]element, error) {
	var list []element
	literal := func(s string) {
		if n := len(list); n > 0 && list[n-1].letter == 0 && !list[n-1].section {
			list[n-1].text += s
			return
		}
		list = append(list, element{text: s})
	}
	for c.pos < len(c.pattern) {
		ch := c.pattern[c.pos]
		switch {
		case isLetter(ch):
			e, err := c.field()
			if err != nil {
				return nil, err
			}
			list = append(list, e)
			continue
		case ch == '\'':
			s, err := c.quoted()
			if err != nil {
				return nil, err
			}
			literal(s)
			continue
		case ch == '[':
			c.pos++
			inner, err := c.elements(true)
			if err != nil {
				return nil, err
			}
			list = append(list, element{section: true, inner: inner})
			continue
		case ch == ']':
			if !section {
				return nil, fmt.Errorf("] without [")
			}
			c.pos++
			return list, nil
		case ch == '{' || ch == '}' || ch == '#':
			return nil, fmt.Errorf("the character %q is reserved, quote it", ch)
		}
		_, size := utf8.DecodeRuneInString(c.pattern[c.pos:])
		literal(c.pattern[c.pos : c.pos+size])
		c.pos += size
	}
	return list, nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// quoted reads '…'; two quotes are one, inside and outside.
func (c *compiler) quoted() (string, error) {
	var b strings.Builder
	start := c.pos
	for c.pos++; c.pos < len(c.pattern); c.pos++ {
		if c.pattern[c.pos] != '\'' {
			b.WriteByte(c.pattern[c.pos])
			continue
		}
		if strings.HasPrefix(c.pattern[c.pos:], "''") && c.pos > start+1 {
			b.WriteByte('\'')
			c.pos++
			continue
		}
		c.pos++
		if c.pos == start+2 {
			return "'", nil
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("a quote is not closed")
}

// maxCount is how often a letter may stand in a row.
var maxCount = map[byte]int{
	'G': 5, 'u': 19, 'y': 19, 'Y': 19, 'D': 3, 'M': 5, 'L': 5, 'd': 2, 'g': 19, 'Q': 5, 'q': 5, 'w': 2, 'W': 1, 'E': 5, 'e': 5, 'c': 5,
	'F': 2, 'a': 1, 'B': 5, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2, 'S': 9, 'A': 19, 'n': 19, 'N': 19, 'V': 2, 'v': 4, 'z': 4,
	'O': 4, 'X': 5, 'x': 5, 'Z': 5,
}

func (c *compiler) field() (element, error) {
	e := element{letter: c.pattern[c.pos]}
	for c.pos < len(c.pattern) && c.pattern[c.pos] == e.letter {
		c.pos++
		e.count++
	}
	if e.letter == 'p' {
		if c.pos == len(c.pattern) || !isLetter(c.pattern[c.pos]) {
			return e, fmt.Errorf("the padding p must be followed by a field")
		}
		padded, err := c.field()
		padded.pad = e.count
		return padded, err
	}
	limit, known := maxCount[e.letter]
	switch {
	case !known:
		return e, fmt.Errorf("unknown letter %c", e.letter)
	case e.count > limit, e.letter == 'V' && e.count != 2, strings.IndexByte("vOB", e.letter) >= 0 && (e.count == 2 || e.count == 3),
		e.letter == 'c' && e.count == 2, e.letter == 'B' && e.count > 5:
		return e, fmt.Errorf("too many letters %c in a row", e.letter)
	}
	return e, nil
}

func writeAll(b *strings.Builder, t time.Time, elements []element, lang *Language) {
	for _, e := range elements {
		switch {
		case e.section:
			writeAll(b, t, e.inner, lang)
		case e.letter == 0:
			b.WriteString(e.text)
		default:
			s := e.format(t, lang)
			if n := e.pad - utf8.RuneCountInString(s); n > 0 {
				b.WriteString(strings.Repeat(" ", n))
			}
			b.WriteString(s)
		}
	}
}

// format writes one field.
func (e element) format(t time.Time, lang *Language) string {
	switch e.letter {
	case 'y', 'u', 'Y':
		return e.year(t, lang)
	case 'M', 'L', 'Q', 'q', 'E', 'e', 'c', 'a', 'B', 'G':
		return e.word(t, lang)
	case 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		return e.zone(t)
	case 'S':
		return fmt.Sprintf("%09d", t.Nanosecond())[:e.count]
	}
	return fmt.Sprintf("%0*d", e.count, e.number(t, lang))
}

func (e element) number(t time.Time, lang *Language) int64 {
	h, m, s := t.Clock()
	switch e.letter {
	case 'D':
		return int64(t.YearDay())
	case 'd':
		return int64(t.Day())
	case 'g':
		y, mo, d := t.Date()
		return time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Unix()/86400 + 40587
	case 'w':
		_, w := lang.week(t)
		return int64(w)
	case 'W':
		return int64(lang.weekOf(t.Day(), t))
	case 'F':
		return int64((t.Day()-1)/7 + 1)
	case 'h':
		return int64((h+11)%12 + 1)
	case 'K':
		return int64(h % 12)
	case 'k':
		return int64((h+23)%24 + 1)
	case 'H':
		return int64(h)
	case 'm':
		return int64(m)
	case 's':
		return int64(s)
	case 'n':
		return int64(t.Nanosecond())
	}
	sinceMidnight := int64(h*3600+m*60+s)*1e9 + int64(t.Nanosecond())
	if e.letter == 'A' {
		return sinceMidnight / 1e6
	}
	return sinceMidnight
}

func (e element) year(t time.Time, lang *Language) string {
	y := t.Year()
	switch {
	case e.letter == 'Y':
		y, _ = lang.week(t)
	case e.letter == 'y' && y <= 0:
		y = 1 - y
	}
	switch {
	case e.count == 2:
		return fmt.Sprintf("%02d", ((y%100)+100)%100)
	case y < 0:
		return fmt.Sprintf("-%0*d", e.count, -y)
	case e.count >= 4 && len(strconv.Itoa(y)) > e.count:
		return "+" + strconv.Itoa(y)
	}
	return fmt.Sprintf("%0*d", e.count, y)
}

// week returns the year and week by the rules of the language.
func (l *Language) week(t time.Time) (year, week int) {
	year = t.Year()
	week = l.weekOf(t.YearDay(), t)
	if week == 0 {
		last := time.Date(year-1, 12, 31, 0, 0, 0, 0, time.UTC)
		return year - 1, l.weekOf(last.YearDay(), last)
	}
	if days := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay(); week >= 52 {
		// The days left of the year may belong to the first week of the next.
		if left := days - t.YearDay() + l.dayOfWeek(t); left < 7 && 7-left >= l.minDays {
			return year + 1, 1
		}
	}
	return year, week
}

// weekOf numbers the week of the given day of a year or month; t is that day.
func (l *Language) weekOf(day int, t time.Time) int {
	offset := floorMod(l.dayOfWeek(t)-day, 7) // days of the first week that lie before day 1
	if 7-offset >= l.minDays {
		return (day + offset + 6) / 7
	}
	return (day + offset - 1) / 7
}

// dayOfWeek is 1 for the first day of the week.
func (l *Language) dayOfWeek(t time.Time) int {
	iso := (int(t.Weekday())+6)%7 + 1
	return floorMod(iso-l.firstDay, 7) + 1
}

func floorMod(a, b int) int { return ((a % b) + b) % b }

// word writes a field that has a numeric form for one or two letters and words for more.
func (e element) word(t time.Time, lang *Language) string {
	letters := strings.Repeat(string(e.letter), e.count)
	iso := (int(t.Weekday()) + 6) % 7
	quarter := (int(t.Month()) - 1) / 3
	switch e.letter {
	case 'M', 'L':
		if e.count <= 2 {
			return fmt.Sprintf("%0*d", e.count, int(t.Month()))
		}
		return lang.names(letters)[t.Month()-1]
	case 'Q', 'q':
		switch {
		case e.count <= 2:
			return fmt.Sprintf("%0*d", e.count, quarter+1)
		case e.count == 5:
			return strconv.Itoa(quarter + 1)
		}
		return lang.names(letters)[quarter]
	case 'e', 'c':
		if e.count <= 2 {
			return fmt.Sprintf("%0*d", e.count, lang.dayOfWeek(t))
		}
		if e.letter == 'e' {
			letters = strings.Repeat("E", e.count)
		}
		return lang.names(letters)[iso]
	case 'E':
		if e.count < 3 {
			letters = "EEE"
		}
		return lang.names(letters)[iso]
	case 'a':
		return lang.names("a")[t.Hour()/12]
	case 'B':
		return lang.dayPeriod(t.Hour()*60 + t.Minute())
	}
	if e.count < 4 {
		letters = "G"
	}
	era := 1
	if t.Year() <= 0 {
		era = 0
	}
	return lang.names(letters)[era]
}

func (e element) zone(t time.Time) string {
	_, seconds := t.Zone()
	switch e.letter {
	case 'V':
		return zoneID(t)
	case 'v':
		return zoneName(t, e.count == 4, true)
	case 'z':
		return zoneName(t, e.count == 4, false)
	case 'O':
		return localizedOffset(seconds, e.count == 4)
	case 'Z':
		switch e.count {
		case 4:
			return localizedOffset(seconds, true)
		case 5:
			return offsetText(seconds, "XXXXX")
		}
		return offsetText(seconds, "xx")
	}
	return offsetText(seconds, strings.Repeat(string(e.letter), e.count))
}

func localizedOffset(seconds int, full bool) string {
	if seconds == 0 {
		return "GMT"
	}
	if full {
		return "GMT" + offsetText(seconds, "xxx")
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("GMT%c%d", sign, seconds/3600)
	if m := seconds / 60 % 60; m != 0 {
		text += fmt.Sprintf(":%02d", m)
	}
	return text
}

// offsetText writes an offset by one of the patterns X to XXXXX and x to xxxxx.
func offsetText(seconds int, pattern string) string {
	if seconds == 0 && pattern[0] == 'X' {
		return "Z"
	}
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	h, m, s := seconds/3600, seconds/60%60, seconds%60
	colon := ""
	if len(pattern) == 3 || len(pattern) == 5 {
		colon = ":"
	}
	text := fmt.Sprintf("%c%02d", sign, h)
	if len(pattern) > 1 || m != 0 {
		text += fmt.Sprintf("%s%02d", colon, m)
	}
	if len(pattern) > 3 && s != 0 {
		text += fmt.Sprintf("%s%02d", colon, s)
	}
	return text
}
