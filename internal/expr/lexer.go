package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	tEOF        kind = iota
	tText            // text outside of tags
	tRaw             // a raw block with its tags
	tPrintOpen       // {{
	tPrintClose      // }}
	tTagOpen         // {%
	tTagClose        // %}
	tName
	tNumber
	tString
	tInterpolated // "a#{b}c", in parts
	tOperator
	tPunct
)

type token struct {
	kind  kind
	text  string
	off   int
	parts []part // of tInterpolated
}

// part is a piece of an interpolated string: text, or the tokens of an expression.
type part struct {
	text string
	toks []token
}

// lexer cuts a template into tokens.
type lexer struct {
	src   string
	pos   int
	toks  []token
	trim  bool // the last tag asked to trim the text that follows
	depth int  // of interpolations within each other
}

// maxInterpolation is how deep "#{ "#{ … }" }" may nest.
const maxInterpolation = 16

func lex(src string) ([]token, error) {
	l := &lexer{src: src, toks: make([]token, 0, 16)}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.emit(token{kind: tEOF, off: len(src)})
	return l.toks, nil
}

func (l *lexer) emit(t token) { l.toks = append(l.toks, t) }

func (l *lexer) errorf(off int, format string, args ...any) *SyntaxError {
	line, column := position(l.src, off)
	return &SyntaxError{Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

// next reads the text up to the next tag, and that tag.
func (l *lexer) next() error {
	open := l.pos
	for {
		i := strings.IndexByte(l.src[open:], '{')
		if i < 0 || open+i+1 >= len(l.src) {
			l.text(len(l.src), false)
			return nil
		}
		open += i
		if c := l.src[open+1]; c == '{' || c == '%' || c == '#' {
			break
		}
		open++
	}
	if end := rawBlockEnd(l.src[open:]); end > 0 {
		l.text(open, false)
		l.emit(token{kind: tRaw, text: l.src[open : open+end], off: open})
		l.pos = open + end
		return nil
	}
	if rawTagEnd(l.src[open:], "raw") > 0 {
		return l.errorf(open, "a raw block must end with {%% endraw %%} on the line where it begins; a verbatim block may span lines")
	}
	body, trim := open+2, false
	// A dash trims only before white space in prints, where it could be a sign: {{-1}} prints -1.
	if body < len(l.src) && l.src[body] == '-' && (l.src[open+1] != '{' || body+1 < len(l.src) && isSpace(l.src[body+1])) {
		body, trim = body+1, true
	}
	l.text(open, trim)
	l.pos = body
	switch l.src[open+1] {
	case '#':
		return l.comment(open)
	case '{':
		l.emit(token{kind: tPrintOpen, off: open})
		return l.expression(open, "}}", tPrintClose)
	}
	if done, err := l.verbatim(open); done || err != nil {
		return err
	}
	l.emit(token{kind: tTagOpen, off: open})
	return l.expression(open, "%}", tTagClose)
}

// text emits what is between the last tag and end, trimmed as the tags on both sides ask.
func (l *lexer) text(end int, trimRight bool) {
	s, off := l.src[l.pos:end], l.pos
	l.pos = end
	if l.trim {
		s = strings.TrimLeft(s, spaces)
	}
	if trimRight {
		s = strings.TrimRight(s, spaces)
	}
	l.trim = false
	if s != "" {
		l.emit(token{kind: tText, text: s, off: off})
	}
}

const spaces = " \t\n\v\f\r"

func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

func (l *lexer) skipSpace() {
	for l.pos < len(l.src) && isSpace(l.src[l.pos]) {
		l.pos++
	}
}

func (l *lexer) comment(open int) error {
	i := strings.Index(l.src[l.pos:], "#}")
	if i < 0 {
		return l.errorf(open, "the comment is not closed, #} is missing")
	}
	l.trim = i > 0 && l.src[l.pos+i-1] == '-'
	l.pos += i + 2
	return nil
}

// verbatim reads a verbatim block as text, if the tag that was just opened begins one.
func (l *lexer) verbatim(open int) (done bool, err error) {
	end, _, ok := tagNamed(l.src, l.pos, "verbatim")
	if !ok {
		return false, nil
	}
	for from := end; ; {
		i := strings.Index(l.src[from:], "{%")
		if i < 0 {
			return true, l.errorf(open, "the verbatim block is not closed, {%% endverbatim %%} is missing")
		}
		closing := from + i
		body, trimEnd := closing+2, false
		if strings.HasPrefix(l.src[body:], "-") {
			body, trimEnd = body+1, true
		}
		after, trimAfter, ok := tagNamed(l.src, body, "endverbatim")
		if !ok {
			from = closing + 2
			continue
		}
		l.pos, l.trim = end, true // white space after the opening tag is dropped, with a dash or without
		l.text(closing, trimEnd)
		l.pos, l.trim = after, trimAfter
		return true, nil
	}
}

// tagNamed reports whether the tag whose inside begins at pos is just this name, where it ends and whether it trims.
func tagNamed(src string, pos int, name string) (end int, trim, ok bool) {
	rest := strings.TrimLeft(src[pos:], spaces)
	if !strings.HasPrefix(rest, name) {
		return 0, false, false
	}
	rest = strings.TrimLeft(rest[len(name):], spaces)
	if strings.HasPrefix(rest, "-") {
		rest, trim = rest[1:], true
	}
	if !strings.HasPrefix(rest, "%}") {
		return 0, false, false
	}
	return len(src) - len(rest) + 2, trim, true
}

// expression reads tokens up to the closing delimiter.
func (l *lexer) expression(open int, closing string, closeKind kind) error {
	var brackets []byte
	for {
		l.skipSpace()
		rest := l.src[l.pos:]
		if rest == "" {
			return l.errorf(open, "%s is not closed, %s is missing", l.src[open:open+2], closing)
		}
		if len(brackets) == 0 {
			trim := rest[0] == '-'
			if after, ok := strings.CutPrefix(strings.TrimPrefix(rest, "-"), closing); ok {
				l.emit(token{kind: closeKind, off: l.pos, text: closing})
				l.pos, l.trim = len(l.src)-len(after), trim
				return nil
			}
		} else if strings.HasPrefix(rest, closing) && closing == "%}" {
			return l.errorf(l.pos, "%q is missing before %s", closer(brackets[len(brackets)-1]), closing)
		}
		if err := l.token(&brackets); err != nil {
			return err
		}
	}
}

// token reads one token of an expression and keeps track of open brackets.
func (l *lexer) token(brackets *[]byte) error {
	rest, off := l.src[l.pos:], l.pos
	c := rest[0]
	switch {
	case c == '"' || c == '\'':
		return l.str(c)
	case c >= '0' && c <= '9':
		n := numberLength(rest)
		l.emit(token{kind: tNumber, text: rest[:n], off: off})
		l.pos += n
		return nil
	}
	if n := nameLength(rest); n > 0 {
		l.word(rest[:n])
		return nil
	}
	for _, op := range symbolOperators {
		if strings.HasPrefix(rest, op) {
			l.emit(token{kind: tOperator, text: op, off: off})
			l.pos += len(op)
			return nil
		}
	}
	if strings.IndexByte("()[]{}?:.,=", c) < 0 {
		r, _ := utf8.DecodeRuneInString(rest)
		return l.errorf(off, "unexpected character %q", r)
	}
	if err := l.bracket(c, brackets); err != nil {
		return err
	}
	l.emit(token{kind: tPunct, text: rest[:1], off: off})
	l.pos++
	return nil
}

func (l *lexer) bracket(c byte, brackets *[]byte) error {
	switch c {
	case '(', '[', '{':
		*brackets = append(*brackets, c)
	case ')', ']', '}':
		n := len(*brackets)
		if n == 0 {
			return l.errorf(l.pos, "unexpected %q", c)
		}
		if want := closer((*brackets)[n-1]); c != want {
			return l.errorf(l.pos, "%q is missing before %q", want, c)
		}
		*brackets = (*brackets)[:n-1]
	}
	return nil
}

func closer(open byte) byte {
	switch open {
	case '(':
		return ')'
	case '[':
		return ']'
	}
	return '}'
}

// symbolOperators, longer ones first.
var symbolOperators = []string{"???", "??", "..", "==", "!=", ">=", "<=", ">", "<", "+", "-", "*", "/", "%", "|", "~"}

// word emits a name or one of the operators that are words; "is not" is one operator.
func (l *lexer) word(name string) {
	t := token{kind: tName, text: name, off: l.pos}
	l.pos += len(name)
	switch name {
	case "is":
		t.kind = tOperator
		rest := strings.TrimLeft(l.src[l.pos:], spaces)
		if nameLength(rest) == 3 && rest[:3] == "not" {
			t.text = "is not"
			l.pos = len(l.src) - len(rest) + 3
		}
	case "and", "or", "not", "contains", "equals", "isIn":
		t.kind = tOperator
	}
	l.emit(t)
}

func nameLength(s string) int {
	for i, r := range s {
		if lower := r | 0x20; lower >= 'a' && lower <= 'z' {
			continue
		}
		if !(r == '_' || unicode.IsLetter(r) || (i > 0 && unicode.IsDigit(r))) {
			return i
		}
	}
	return len(s)
}

// numberLength measures 12, 1.5 or 12L.
func numberLength(s string) int {
	n := digits(s)
	if n < len(s) && s[n] == 'L' {
		return n + 1
	}
	if n < len(s) && s[n] == '.' {
		if f := digits(s[n+1:]); f > 0 {
			return n + 1 + f
		}
	}
	return n
}

func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// str reads a string. A backslash escapes the quote and nothing else; double quotes take #{…}.
func (l *lexer) str(quote byte) error {
	open := l.pos
	var parts []part
	var buf strings.Builder
	l.pos++
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == '\\' && l.pos+1 < len(l.src):
			if l.src[l.pos+1] != quote {
				buf.WriteByte(c)
			}
			buf.WriteByte(l.src[l.pos+1])
			l.pos += 2
			continue
		case c == quote:
			l.pos++
			if parts == nil {
				l.emit(token{kind: tString, text: buf.String(), off: open})
				return nil
			}
			if buf.Len() > 0 {
				parts = append(parts, part{text: buf.String()})
			}
			l.emit(token{kind: tInterpolated, off: open, parts: parts})
			return nil
		case quote == '"' && c == '#' && strings.HasPrefix(l.src[l.pos:], "#{"):
			if buf.Len() > 0 {
				parts = append(parts, part{text: buf.String()})
				buf.Reset()
			}
			toks, err := l.interpolation()
			if err != nil {
				return err
			}
			parts = append(parts, part{toks: toks})
			continue
		}
		buf.WriteByte(c)
		l.pos++
	}
	return l.errorf(open, "the string is not closed, %c is missing", quote)
}

// interpolation reads the tokens of #{…} within a string.
func (l *lexer) interpolation() ([]token, error) {
	if l.depth++; l.depth > maxInterpolation {
		return nil, l.errorf(l.pos, "strings are nested deeper than %d levels", maxInterpolation)
	}
	defer func() { l.depth-- }()
	outer := l.toks
	l.toks = nil
	open := l.pos
	l.pos += 2
	brackets := []byte{'{'}
	for len(brackets) > 0 {
		l.skipSpace()
		if l.pos == len(l.src) {
			return nil, l.errorf(open, "#{ is not closed, } is missing")
		}
		if err := l.token(&brackets); err != nil {
			return nil, err
		}
	}
	toks := l.toks
	toks[len(toks)-1] = token{kind: tEOF, off: l.pos - 1, text: "}"}
	l.toks = outer
	return toks, nil
}
