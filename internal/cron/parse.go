package cron

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with an expression, and where.
type Error struct {
	Expr   string
	Field  string // e.g. "minute"; empty where it is the expression as a whole
	Column int    // of the offending text, from 1, in code points
	Msg    string
}

// Error renders the message with its place.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("cron expression %q: %s", e.Expr, e.Msg)
	}
	return fmt.Sprintf("cron expression %q, column %d, %s: %s", e.Expr, e.Column, e.Field, e.Msg)
}

// field is one column of an expression.
type field struct {
	name     string
	min, max int
	names    string // of the values from min on, three letters each; blanks where there is none
}

var fields = []field{
	{"second", 0, 59, ""},
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "   montuewedthufrisatsun"},
}

var nicknames = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// Parse reads an expression of five fields, or of six where withSeconds is set. An error is an *Error.
func Parse(expr string, withSeconds bool) (*Schedule, error) {
	full := expr
	if name := strings.TrimSpace(expr); strings.HasPrefix(name, "@") {
		fields, ok := nicknames[name]
		if !ok {
			return nil, &Error{Expr: expr, Column: 1,
				Msg: "the nicknames are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"}
		}
		full, withSeconds = fields, false
	}
	columns, used := split(full), fields
	if !withSeconds {
		used = fields[1:]
	}
	if len(columns) != len(used) {
		return nil, wrongNumber(expr, len(columns), used)
	}
	s := &Schedule{expr: expr, second: 1}
	sets := []*uint64{&s.second, &s.minute, &s.hour, &s.day, &s.month, &s.weekday}[len(fields)-len(used):]
	for i, c := range columns {
		set, err := used[i].parse(c)
		if err != nil {
			err.Expr = expr
			return nil, err
		}
		*sets[i] = set
	}
	s.anyDay = unrestricted(columns[len(columns)-3].text)
	s.anyWeekday = unrestricted(columns[len(columns)-1].text)
	s.weekday = (s.weekday | s.weekday>>7) & 0x7F // 7 is Sunday too
	return s, nil
}

func wrongNumber(expr string, got int, want []field) error {
	names := make([]string, len(want))
	for i, f := range want {
		names[i] = f.name
	}
	msg := fmt.Sprintf("%d fields are needed (%s), and there are %d", len(want), strings.Join(names, ", "), got)
	if got == len(fields) {
		msg += "; seconds must be asked for"
	}
	return &Error{Expr: expr, Column: 1, Msg: msg}
}

func unrestricted(text string) bool { return text == "*" || text == "*/1" }

// part is a piece of an expression and the column it starts at.
type part struct {
	text   string
	column int
}

// split cuts an expression at white space.
func split(expr string) []part {
	var parts []part
	rest := expr
	for {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" {
			return parts
		}
		end := strings.IndexAny(rest, " \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		column := utf8.RuneCountInString(expr[:len(expr)-len(rest)]) + 1
		parts = append(parts, part{rest[:end], column})
		rest = rest[end:]
	}
}

// cut is strings.Cut with columns.
func (p part) cut(separator string) (before, after part, found bool) {
	text, rest, found := strings.Cut(p.text, separator)
	column := p.column + utf8.RuneCountInString(text) + len(separator)
	return part{text, p.column}, part{rest, column}, found
}

func (f field) fail(p part, format string, args ...any) *Error {
	return &Error{Field: f.name, Column: p.column, Msg: fmt.Sprintf(format, args...)}
}

// parse returns the set of values a list names.
func (f field) parse(list part) (set uint64, err *Error) {
	for more := true; more; {
		var item part
		item, list, more = list.cut(",")
		values, err := f.item(item)
		if err != nil {
			return 0, err
		}
		set |= values
	}
	return set, nil
}

// item returns the values of one list element: `*`, `a` or `a-b`, with or without a step. A step
// alone, `/n`, stands for `*/n`.
func (f field) item(p part) (uint64, *Error) {
	span, stepText, stepped := p.cut("/")
	step := 1
	if stepped {
		var err *Error
		if step, err = f.number(stepText, "step", 1, f.max); err != nil {
			return 0, err
		}
	}
	from, to := f.min, f.max
	if span.text != "*" && (span.text != "" || !stepped) {
		var err *Error
		if from, to, err = f.span(span, stepped); err != nil {
			return 0, err
		}
	}
	var set uint64
	for v := from; v <= to; v += step {
		set |= 1 << v
	}
	return set, nil
}

// span returns the bounds of `a-b` or of `a`, which is open to the field's end where a step follows.
func (f field) span(p part, stepped bool) (from, to int, err *Error) {
	first, last, isRange := p.cut("-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		if to, err = f.value(last); err != nil {
			return 0, 0, err
		}
		if from > to {
			return 0, 0, f.fail(p, "the range %s ends before it begins", p.text)
		}
		return from, to, nil
	case !stepped:
		return from, from, nil
	case f.max == 7 && from == 7:
		from = 0 // from Sunday on, which begins the week here
	}
	return from, f.max, nil
}

// value returns the value of a number or a name.
func (f field) value(p part) (int, *Error) {
	if len(p.text) == 3 && f.names != "" {
		if i := strings.Index(f.names, strings.ToLower(p.text)); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	return f.number(p, "value", f.min, f.max)
}

// number reads a number between two bounds.
func (f field) number(p part, what string, low, high int) (int, *Error) {
	switch {
	case p.text == "":
		return 0, f.fail(p, "a %s is missing", what)
	case strings.Trim(p.text, "0123456789") != "":
		if strings.Trim(strings.ToUpper(p.text), "0123456789LW#?") == "" {
			return 0, f.fail(p, "`%s`: L, W, # and ? are not supported", p.text)
		}
		if f.names != "" && what == "value" {
			return 0, f.fail(p, "`%s` is neither a number nor a name of three letters", p.text)
		}
		return 0, f.fail(p, "`%s` is not a number", p.text)
	}
	n, err := strconv.Atoi(p.text)
	if err != nil || n < low || n > high {
		return 0, f.fail(p, "the %s %s is not between %d and %d", what, p.text, low, high)
	}
	return n, nil
}
