// Package yamltext writes and reads YAML as the yaml filter and function do.
package yamltext

import (
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// Write gives v in block style, ending with a line break: lists indented by one space, text quoted only where it would
// not be read as text otherwise (numbers are not quoted, which is what the reference does).
func Write(v any) string {
	v = value.Normalize(v)
	w := &writer{}
	switch x := v.(type) {
	case string:
		if x == "" {
			return "--- \"\"\n"
		}
		w.text(x, 2, 0)
		return w.b.String()
	case []any, *value.Map, value.Object, value.Entry:
		w.collection(x, 0, "")
		return strings.TrimPrefix(w.b.String(), "\n")
	}
	return scalar(v) + "\n"
}

type writer struct{ b strings.Builder }

func scalar(v any) string {
	if v == nil {
		return "null"
	}
	text := string(value.AppendJSON(nil, v, value.JSONOptions{}))
	return strings.Trim(text, `"`)
}

// node writes what follows a key or a dash, with the space or line break before it; outer is where those begin.
func (w *writer) node(v any, indent, outer int) {
	switch x := value.Normalize(v).(type) {
	case string:
		w.b.WriteByte(' ')
		w.text(x, max(indent, 2), outer)
	case []any, *value.Map, value.Object, value.Entry:
		w.collection(x, indent, " ")
	default:
		w.b.WriteString(" " + scalar(x) + "\n")
	}
}

// collection writes a list or map whose keys or dashes begin at indent, after a line break.
func (w *writer) collection(v any, indent int, before string) {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			w.b.WriteString(before + "[]\n")
			return
		}
		w.b.WriteByte('\n')
		for _, item := range list {
			w.b.WriteString(strings.Repeat(" ", indent) + " -")
			w.node(item, indent+2, indent+1)
		}
		return
	}
	m, ok := value.AsMap(v)
	if e, isEntry := v.(value.Entry); isEntry {
		m, ok = value.MapOf(e), true
	}
	if !ok || m.Len() == 0 {
		w.b.WriteString(before + "{}\n")
		return
	}
	w.b.WriteByte('\n')
	for k, item := range m.All() {
		w.b.WriteString(strings.Repeat(" ", indent))
		w.key(k)
		w.b.WriteByte(':')
		if _, ok := item.([]any); ok {
			w.node(item, indent, indent)
		} else {
			w.node(item, indent+2, indent)
		}
	}
}

func (w *writer) key(k string) {
	switch {
	case strings.Contains(k, "\n") || len(k) > maxSimpleKey:
		w.b.WriteString("? " + doubleQuoted(k) + "\n")
	case reserved(k) || strings.IndexByte("0123456789+-.", k[0]) >= 0:
		w.b.WriteString(doubleQuoted(k))
	case !plain(k):
		w.quoted(k)
	default:
		w.b.WriteString(k)
	}
}

// maxSimpleKey is the length in bytes from which on a key needs the form with a question mark.
const maxSimpleKey = 128

// text writes a string and the line break after it; lines of a block begin at indent, what it belongs to at outer.
func (w *writer) text(s string, indent, outer int) {
	switch {
	case strings.Contains(s, "\n") && printable(s) && !strings.Contains(s, " \n") && !strings.HasSuffix(s, " "):
		w.literal(s, indent, outer)
		return
	case reserved(s) || needsQuotes(s) || strings.Contains(s, "\n"):
		w.b.WriteString(doubleQuoted(s))
	case isOctal(s):
		w.b.WriteString("'" + s + "'")
	case !plain(s):
		w.quoted(s)
	default:
		w.b.WriteString(s)
	}
	w.b.WriteByte('\n')
}

// literal writes a block of lines: | with the indentation where the first line hides it, and a mark for what follows the
// last line.
func (w *writer) literal(s string, indent, outer int) {
	w.b.WriteByte('|')
	if strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		w.b.WriteString(strconv.Itoa(indent - outer))
	}
	switch {
	case !strings.HasSuffix(s, "\n"):
		w.b.WriteByte('-')
	case strings.HasSuffix(s, "\n\n") || s == "\n":
		w.b.WriteByte('+')
	}
	w.b.WriteByte('\n')
	for line := range strings.Lines(s) {
		if line != "\n" {
			w.b.WriteString(strings.Repeat(" ", indent))
		}
		w.b.WriteString(line)
	}
	if !strings.HasSuffix(s, "\n") {
		w.b.WriteByte('\n')
	}
}

// quoted writes text that cannot be plain: in single quotes if that can hold it.
func (w *writer) quoted(s string) {
	if printable(s) && !strings.Contains(s, "\n") {
		w.b.WriteString("'" + strings.ReplaceAll(s, "'", "''") + "'")
		return
	}
	w.b.WriteString(doubleQuoted(s))
}

func printable(s string) bool {
	for _, r := range s {
		if r != '\n' && (r < 0x20 || r == 0x7f || r == '\uFFFD' || (r >= 0x80 && r < 0xA0 && r != 0x85)) {
			return false
		}
	}
	return true
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == 0:
			b.WriteString(`\0`)
		case r == 0x1b:
			b.WriteString(`\e`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\a':
			b.WriteString(`\a`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\v':
			b.WriteString(`\v`)
		case r < 0x20 || (r >= 0x7f && r < 0xA0):
			const hex = "0123456789abcdef"
			b.WriteString(`\x`)
			b.WriteByte(hex[r>>4&15])
			b.WriteByte(hex[r&15])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// reserved words would be read as something else than text.
func reserved(s string) bool {
	switch strings.ToLower(s) {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return true
	}
	return s[0] == '~'
}

// needsQuotes finds what could end a plain scalar wherever it stands.
func needsQuotes(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '[', ']', '{', '}', ',':
			return true
		case '#':
			if i == 0 || s[i-1] == ' ' || s[i-1] == '\t' {
				return true
			}
		case ':':
			if i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t' {
				return true
			}
		}
	}
	return false
}

// plain reports whether a text can stand without quotes as far as its own characters go.
func plain(s string) bool {
	if s == "" || !printable(s) || s != strings.Trim(s, " \t\r") {
		return false
	}
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	switch c := s[0]; {
	case strings.IndexByte("#,[]{}&*!|>'\"%@`", c) >= 0:
		return false
	case strings.IndexByte("-?:", c) >= 0:
		if len(s) == 1 || s[1] == ' ' {
			return false
		}
	}
	return !strings.Contains(s, ": ") && !strings.Contains(s, " #") && !strings.HasSuffix(s, ":")
}
