package ion

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lob reads {{ base64 }}, {{ "clob" }} or the long form of the latter.
func (r *reader) lob() (any, error) {
	open := r.pos
	r.pos += 2
	if err := r.space(); err != nil {
		return nil, err
	}
	var v any
	var err error
	switch {
	case strings.HasPrefix(r.text[r.pos:], "'''"):
		v, err = r.longString()
	case r.at(0) == '"':
		v, err = r.quoted('"')
	default:
		end := strings.Index(r.text[r.pos:], "}}")
		if end < 0 {
			r.pos = open
			return nil, r.errorf("the blob is not closed")
		}
		text := strings.Join(strings.Fields(r.text[r.pos:r.pos+end]), "")
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return nil, r.errorf("the blob is not base64")
		}
		r.pos += end
		v = text
	}
	if err == nil {
		err = r.space()
	}
	if err == nil && !strings.HasPrefix(r.text[r.pos:], "}}") {
		err = r.errorf("expected }}")
	}
	r.pos += 2
	return v, err
}

// longString reads one or more pieces in three quotes.
func (r *reader) longString() (string, error) {
	var b strings.Builder
	for strings.HasPrefix(r.text[r.pos:], "'''") {
		r.pos += 3
		for !strings.HasPrefix(r.text[r.pos:], "'''") {
			if r.pos == len(r.text) {
				return "", r.errorf("the string is not closed")
			}
			if err := r.char(&b); err != nil {
				return "", err
			}
		}
		r.pos += 3
		if err := r.space(); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func (r *reader) quoted(quote byte) (string, error) {
	var b strings.Builder
	for r.pos++; r.pos < len(r.text); {
		switch c := r.text[r.pos]; {
		case c == quote:
			r.pos++
			return b.String(), nil
		case c == '\n':
			return "", r.errorf("a line break in a string must be escaped")
		}
		if err := r.char(&b); err != nil {
			return "", err
		}
	}
	return "", r.errorf("the string is not closed")
}

var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", 'n': "\n", 'f': "\f", 'r': "\r", 'v': "\v", '"': `"`, '\'': "'", '?': "?",
	'\\': `\`, '/': "/", '\n': "",
}

// char reads one character or escape.
func (r *reader) char(b *strings.Builder) error {
	c := r.text[r.pos]
	if c != '\\' {
		b.WriteByte(c)
		r.pos++
		return nil
	}
	if text, ok := escapes[r.at(1)]; ok && r.pos+1 < len(r.text) {
		b.WriteString(text)
		r.pos += 2
		return nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[r.at(1)]
	if digits == 0 || r.pos+2+digits > len(r.text) {
		return r.errorf("unknown escape")
	}
	n, err := strconv.ParseUint(r.text[r.pos+2:r.pos+2+digits], 16, 32)
	if err != nil || n > utf8.MaxRune {
		return r.errorf("malformed escape")
	}
	b.WriteRune(rune(n))
	r.pos += 2 + digits
	return nil
}
