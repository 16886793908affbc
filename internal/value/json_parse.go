package value

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxJSONDepth is how deep lists and maps may nest in JSON text.
	MaxJSONDepth = 512
	// maxJSONDigits bounds the length of one number, since converting n digits takes more than linear time.
	maxJSONDigits = 1000
)

// JSONError says what is wrong with a JSON text and where; lines and columns (in bytes) count from 1.
type JSONError struct {
	Line, Column int
	Msg          string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("invalid JSON at line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

// ParseJSON reads one JSON value. Members keep their order (of two with one name the last counts), integers become
// int32, int64 or *big.Int, other numbers float64 (an exponent out of range gives an infinity, as in Java).
// Errors are of type *JSONError.
func ParseJSON(data []byte) (any, error) {
	v, rest, err := ParseJSONPrefix(data)
	if err != nil {
		return nil, err
	}
	p := jsonParser{data: data, pos: len(data) - len(rest)}
	p.space()
	if p.pos < len(data) {
		return nil, p.errorf("unexpected text after the value")
	}
	return v, nil
}

// ParseJSONPrefix reads the first JSON value of data and returns what follows it.
func ParseJSONPrefix(data []byte) (v any, rest []byte, err error) {
	p := jsonParser{data: data}
	if v, err = p.value(0); err != nil {
		return nil, nil, err
	}
	return v, data[p.pos:], nil
}

type jsonParser struct {
	data []byte
	pos  int
}

func (p *jsonParser) errorf(format string, args ...any) error {
	line, column := 1, 1
	for _, c := range p.data[:min(p.pos, len(p.data))] {
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	return &JSONError{Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (any, error) {
	p.space()
	if p.pos == len(p.data) {
		return nil, p.errorf("unexpected end of text, expected a value")
	}
	if depth > MaxJSONDepth {
		return nil, p.errorf("nested deeper than %d levels", MaxJSONDepth)
	}
	switch c := p.data[p.pos]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.str()
	case c == '-' || (c >= '0' && c <= '9'):
		return p.number(depth)
	}
	return p.word()
}

func (p *jsonParser) word() (any, error) {
	start := p.pos
	end := start
	for end < len(p.data) && isWordByte(p.data[end]) {
		end++
	}
	p.pos = end
	switch string(p.data[start:end]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	p.pos = start
	if end == start {
		r, _ := utf8.DecodeRune(p.data[start:])
		return nil, p.errorf("unexpected %q, expected a value", r)
	}
	return nil, p.errorf("unknown word %s, expected a value (text needs double quotes)", quoteShort(string(p.data[start:end])))
}

func isWordByte(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || (c >= '0' && c <= '9') || (c|0x20 >= 'a' && c|0x20 <= 'z')
}

func (p *jsonParser) object(depth int) (any, error) {
	p.pos++
	m := &Map{}
	p.space()
	if p.take('}') {
		return m, nil
	}
	for {
		p.space()
		if p.pos == len(p.data) || p.data[p.pos] != '"' {
			return nil, p.errorf("expected a member name in double quotes")
		}
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(':') {
			return nil, p.errorf("expected ':' after the member name %s", quoteShort(key))
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Set(key, v)
		p.space()
		if p.take('}') {
			return m, nil
		}
		if !p.take(',') {
			return nil, p.errorf("expected ',' or '}' in an object")
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	p.pos++
	list := []any{}
	p.space()
	if p.take(']') {
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.space()
		if p.take(']') {
			return list, nil
		}
		if !p.take(',') {
			return nil, p.errorf("expected ',' or ']' in an array")
		}
	}
}

func (p *jsonParser) take(c byte) bool {
	if p.pos < len(p.data) && p.data[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// str reads a string; the cursor is on its opening quote.
func (p *jsonParser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := validText(p.data[start:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.errorf("control character %#02x in a string must be escaped", c)
		}
		p.pos++
	}
	return "", p.errorf("string is not closed")
}

// validText replaces what is not UTF-8 by U+FFFD.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func (p *jsonParser) escaped(start int) (string, error) {
	buf := append([]byte(nil), p.data[start:p.pos]...)
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			return validText(buf), nil
		case c < 0x20:
			return "", p.errorf("control character %#02x in a string must be escaped", c)
		case c != '\\':
			buf = append(buf, c)
			p.pos++
		default:
			var err error
			if buf, err = p.escape(buf); err != nil {
				return "", err
			}
		}
	}
	return "", p.errorf("string is not closed")
}

func (p *jsonParser) escape(buf []byte) ([]byte, error) {
	if p.pos+1 == len(p.data) {
		return nil, p.errorf("string is not closed")
	}
	c := p.data[p.pos+1]
	switch c {
	case '"', '\\', '/':
		buf = append(buf, c)
	case 'b':
		buf = append(buf, '\b')
	case 'f':
		buf = append(buf, '\f')
	case 'n':
		buf = append(buf, '\n')
	case 'r':
		buf = append(buf, '\r')
	case 't':
		buf = append(buf, '\t')
	case 'u':
		return p.unicode(buf)
	default:
		return nil, p.errorf("unknown escape \\%c", c)
	}
	p.pos += 2
	return buf, nil
}

// unicode reads \uXXXX, and a second one that completes a surrogate pair.
func (p *jsonParser) unicode(buf []byte) ([]byte, error) {
	r, ok := p.hex4(p.pos + 2)
	if !ok {
		return nil, p.errorf(`\u needs four hexadecimal digits`)
	}
	p.pos += 6
	if utf16.IsSurrogate(r) && p.pos+1 < len(p.data) && p.data[p.pos] == '\\' && p.data[p.pos+1] == 'u' {
		if low, ok := p.hex4(p.pos + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.pos += 6
				return utf8.AppendRune(buf, pair), nil
			}
		}
	}
	return utf8.AppendRune(buf, r), nil
}

func (p *jsonParser) hex4(at int) (rune, bool) {
	if at+4 > len(p.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.data[at:at+4]), 16, 32)
	return rune(n), err == nil
}

func (p *jsonParser) number(depth int) (any, error) {
	start := p.pos
	p.take('-')
	whole := p.pos
	if p.digits() == 0 {
		return nil, p.errorf("expected a digit")
	}
	if p.data[whole] == '0' && p.pos > whole+1 {
		p.pos = whole
		return nil, p.errorf("a number must not begin with 0")
	}
	integer := true
	if p.take('.') {
		integer = false
		if p.digits() == 0 {
			return nil, p.errorf("expected a digit after the decimal point")
		}
	}
	if p.take('e') || p.take('E') {
		integer = false
		if !p.take('+') {
			p.take('-')
		}
		if p.digits() == 0 {
			return nil, p.errorf("expected a digit in the exponent")
		}
	}
	text := p.data[start:p.pos]
	after := " \t\r\n,]}"
	if depth == 0 {
		after = " \t\r\n"
	}
	if p.pos < len(p.data) && strings.IndexByte(after, p.data[p.pos]) < 0 {
		return nil, p.errorf("unexpected %q after a number", p.data[p.pos])
	}
	if len(text) > maxJSONDigits {
		return nil, p.errorf("number with more than %d digits", maxJSONDigits)
	}
	if integer {
		return integerOf(string(text)), nil
	}
	// ParseFloat fails only on overflow here, and then returns the infinity that is wanted.
	f, _ := strconv.ParseFloat(string(text), 64)
	return f, nil
}

func (p *jsonParser) digits() int {
	start := p.pos
	for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

// integerOf converts decimal digits, with a sign or not, to the smallest integer kind.
func integerOf(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Int(n)
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n
}
