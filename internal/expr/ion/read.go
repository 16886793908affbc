// Package ion reads and writes the text form of Amazon Ion with the values of package value.
package ion

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/value"
)

const (
	maxDepth  = 512
	maxDigits = 4096
)

// Error says what is wrong with a text and where; lines and columns (in bytes) count from 1.
type Error struct {
	Line, Column int
	Msg          string
}

func (e *Error) Error() string {
	return fmt.Sprintf("invalid Ion at line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

// Read reads at most max values of a text, all of them where max is negative. Annotations are dropped, symbols become
// strings, blobs base64, timestamps dates, s-expressions lists.
func Read(text string, max int) (values []any, err error) {
	return read(&reader{text: text}, max)
}

func read(r *reader, max int) (values []any, err error) {
	for max < 0 || len(values) < max {
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.pos == len(r.text) {
			return values, nil
		}
		if strings.HasPrefix(r.text[r.pos:], "$ion_1_0") && !isSymbolByte(r.at(8)) {
			r.pos += 8
			continue
		}
		v, err := r.value(0, false)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

type reader struct {
	text string
	pos  int
	// keep gives texts with annotations as maps of both.
	keep bool
}

// at returns the byte n after the cursor, 0 beyond the end.
func (r *reader) at(n int) byte {
	if r.pos+n < len(r.text) {
		return r.text[r.pos+n]
	}
	return 0
}

func (r *reader) errorf(format string, args ...any) error {
	before := r.text[:min(r.pos, len(r.text))]
	return &Error{
		Line: strings.Count(before, "\n") + 1, Column: len(before) - strings.LastIndexByte(before, '\n'),
		Msg: fmt.Sprintf(format, args...),
	}
}

// space skips white space and comments.
func (r *reader) space() error {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f':
			r.pos++
		case c == '/' && r.at(1) == '/':
			end := strings.IndexByte(r.text[r.pos:], '\n')
			if end < 0 {
				end = len(r.text) - r.pos
			}
			r.pos += end
		case c == '/' && r.at(1) == '*':
			end := strings.Index(r.text[r.pos+2:], "*/")
			if end < 0 {
				return r.errorf("the comment is not closed")
			}
			r.pos += end + 4
		default:
			return nil
		}
	}
	return nil
}

// value reads a value with its annotations; in an s-expression operators are symbols.
func (r *reader) value(depth int, operators bool) (any, error) {
	if depth > maxDepth {
		return nil, r.errorf("nested deeper than %d levels", maxDepth)
	}
	var annotations []any
	for {
		v, symbol, err := r.plain(depth, operators)
		if err != nil || !symbol {
			return r.annotated(annotations, v), err
		}
		if err := r.space(); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(r.text[r.pos:], "::") {
			return r.annotated(annotations, v), nil
		}
		r.pos += 2
		annotations = append(annotations, v)
		if err := r.space(); err != nil {
			return nil, err
		}
	}
}

// plain reads a value; symbol says that it could be an annotation.
func (r *reader) plain(depth int, operators bool) (v any, symbol bool, err error) {
	switch c := r.at(0); {
	case r.pos == len(r.text):
		return nil, false, r.errorf("unexpected end of text, expected a value")
	case strings.HasPrefix(r.text[r.pos:], "{{"):
		v, err = r.lob()
	case c == '{':
		v, err = r.structure(depth)
	case c == '[':
		v, err = r.list(depth, '[', ']')
	case c == '(':
		v, err = r.list(depth, '(', ')')
	case c == '"':
		v, err = r.quoted('"')
	case strings.HasPrefix(r.text[r.pos:], "'''"):
		v, err = r.longString()
	case c == '\'':
		v, err = r.quoted('\'')
		return v, true, err
	case c >= '0' && c <= '9', c == '-' && (isDigit(r.at(1)) || isWord(r.text[r.pos+1:], "inf")), c == '+' && isWord(r.text[r.pos+1:], "inf"):
		v, err = r.number()
	case isSymbolStart(c):
		return r.word()
	case operators && strings.IndexByte("!#%&*+-./;<=>?@^`|~", c) >= 0:
		start := r.pos
		for r.pos < len(r.text) && strings.IndexByte("!#%&*+-./;<=>?@^`|~", r.text[r.pos]) >= 0 {
			r.pos++
		}
		v = r.text[start:r.pos]
	default:
		ch, _ := utf8.DecodeRuneInString(r.text[r.pos:])
		err = r.errorf("unexpected %q, expected a value", ch)
	}
	return v, false, err
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isSymbolStart(c byte) bool { return c == '_' || c == '$' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isSymbolByte(c byte) bool { return isSymbolStart(c) || isDigit(c) }

func isWord(s, word string) bool {
	return strings.HasPrefix(s, word) && (len(s) == len(word) || !isSymbolByte(s[len(word)]))
}

// word reads a keyword or symbol; null may have a type.
func (r *reader) word() (any, bool, error) {
	start := r.pos
	for r.pos < len(r.text) && isSymbolByte(r.text[r.pos]) {
		r.pos++
	}
	switch name := r.text[start:r.pos]; name {
	case "null":
		if r.at(0) == '.' && isSymbolStart(r.at(1)) {
			r.pos++
			for r.pos < len(r.text) && isSymbolByte(r.text[r.pos]) {
				r.pos++
			}
		}
		return nil, false, nil
	case "true", "false":
		return name == "true", false, nil
	case "nan":
		return math.NaN(), false, nil
	default:
		return name, true, nil
	}
}

func (r *reader) structure(depth int) (any, error) {
	r.pos++
	m := value.NewMap(0)
	for {
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.at(0) == '}' {
			r.pos++
			return m, nil
		}
		key, err := r.fieldName()
		if err != nil {
			return nil, err
		}
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.at(0) != ':' || r.at(1) == ':' {
			return nil, r.errorf("expected ':' after the field name %q", key)
		}
		r.pos++
		if err := r.space(); err != nil {
			return nil, err
		}
		v, err := r.value(depth+1, false)
		if err != nil {
			return nil, err
		}
		m.Set(key, v)
		if done, err := r.separator('}'); err != nil {
			return nil, err
		} else if done {
			return m, nil
		}
	}
}

// separator reads a comma or, with true, the closing bracket.
func (r *reader) separator(closing byte) (bool, error) {
	if err := r.space(); err != nil {
		return false, err
	}
	switch r.at(0) {
	case ',':
		r.pos++
		return false, nil
	case closing:
		r.pos++
		return true, nil
	}
	return false, r.errorf("expected ',' or %q", closing)
}

func (r *reader) fieldName() (string, error) {
	switch c := r.at(0); {
	case strings.HasPrefix(r.text[r.pos:], "'''"):
		return r.longString()
	case c == '"' || c == '\'':
		return r.quoted(c)
	case isSymbolStart(c):
		start := r.pos
		for r.pos < len(r.text) && isSymbolByte(r.text[r.pos]) {
			r.pos++
		}
		return r.text[start:r.pos], nil
	}
	return "", r.errorf("expected a field name")
}

func (r *reader) list(depth int, open, closing byte) (any, error) {
	r.pos++
	list := []any{}
	for {
		if err := r.space(); err != nil {
			return nil, err
		}
		if r.at(0) == closing {
			r.pos++
			return list, nil
		}
		v, err := r.value(depth+1, open == '(')
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if open == '(' {
			continue
		}
		if done, err := r.separator(closing); err != nil {
			return nil, err
		} else if done {
			return list, nil
		}
	}
}

// number reads an integer, decimal, float or timestamp.
func (r *reader) number() (any, error) {
	start := r.pos
	for r.pos < len(r.text) && (isSymbolByte(r.text[r.pos]) || strings.IndexByte("+-.:", r.text[r.pos]) >= 0) {
		if c := r.text[r.pos]; (c == ':' && r.at(1) == ':') || (c == '.' && r.at(1) == '.') {
			break
		}
		r.pos++
	}
	text := r.text[start:r.pos]
	v, ok := parseNumber(text)
	if !ok {
		r.pos = start
		return nil, r.errorf("%q is not a number or timestamp", text)
	}
	return v, nil
}

func parseNumber(text string) (any, bool) {
	switch text {
	case "+inf":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	}
	if len(text) > maxDigits {
		return nil, false
	}
	if t, ok := parseTimestamp(text); ok {
		return t, true
	}
	clean := strings.ReplaceAll(text, "_", "")
	body := strings.TrimPrefix(clean, "-")
	for prefix, radix := range map[string]int{"0x": 16, "0X": 16, "0b": 2, "0B": 2} {
		if digits, ok := strings.CutPrefix(body, prefix); ok {
			n, ok := new(big.Int).SetString(digits, radix)
			if ok && body != clean {
				n.Neg(n)
			}
			return smallest(n), ok
		}
	}
	if len(body) > 1 && body[0] == '0' && isDigit(body[1]) {
		return nil, false
	}
	switch {
	case strings.ContainsAny(clean, "eE"):
		f, err := strconv.ParseFloat(clean, 64)
		return f, err == nil || math.IsInf(f, 0)
	case strings.ContainsAny(clean, "dD."):
		d, ok := value.ParseDecimal(strings.NewReplacer("d", "e", "D", "e").Replace(clean))
		return d, ok
	}
	n, ok := new(big.Int).SetString(clean, 10)
	return smallest(n), ok
}

func smallest(n *big.Int) any {
	if n != nil && n.IsInt64() {
		return value.Int(n.Int64())
	}
	return n
}

// timestampLayouts are the precisions of a timestamp with a time; a fraction is read with the seconds.
var (
	timestampLayouts = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00"}
	dateLayouts      = []string{"2006-01-02T", "2006-01-02", "2006-01T", "2006T"}
)

func parseTimestamp(text string) (any, bool) {
	if len(text) < 5 || (text[4] != '-' && text[4] != 'T') {
		return nil, false
	}
	for _, layout := range timestampLayouts {
		t, err := time.Parse(layout, strings.Replace(text, "-00:00", "Z", 1))
		if err != nil {
			continue
		}
		if _, offset := t.Zone(); offset != 0 {
			return value.ZonedDateTime{T: t.In(time.FixedZone(t.Format("-07:00"), offset))}, true
		}
		return value.Instant{T: t.UTC()}, true
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return value.LocalDate{T: t}, true
		}
	}
	return nil, false
}

// annotated makes a date of a string that Append annotated as one; all other annotations are dropped, unless they are kept.
func (r *reader) annotated(annotations []any, v any) any {
	text, ok := v.(string)
	if !ok || len(annotations) == 0 {
		return v
	}
	if r.keep {
		return value.MapOf(value.Entry{Key: "ion_annotations", Value: annotations}, value.Entry{Key: "value", Value: text})
	}
	annotation, _ := annotations[len(annotations)-1].(string)
	layout := map[string]string{
		"ZonedDateTime": time.RFC3339, "OffsetDateTime": time.RFC3339, "LocalDateTime": "2006-01-02T15:04:05", "LocalTime": "15:04:05",
	}[annotation]
	t, err := time.Parse(layout, text)
	if layout == "" || err != nil {
		return v
	}
	switch annotation {
	case "LocalDateTime":
		return value.LocalDateTime{T: t}
	case "LocalTime":
		return value.LocalTime{T: t}
	}
	return value.ZonedDateTime{T: t}
}
