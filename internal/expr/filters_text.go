package expr

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/windhover-io/windhover/internal/value"
)

// utf16Length counts as Java does: characters above U+FFFF count twice.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// utf16Slice cuts [from, to) of the UTF-16 units of s; both must be within it. Half a character becomes U+FFFD.
func utf16Slice(s string, from, to int) string {
	if isASCII(s) {
		return s[from:to]
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to]))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func abbreviate(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	n, err := c.integer(0)
	if err != nil {
		return nil, err
	}
	// A text of just the length is cut as well, and one of up to three characters never is, as in the reference.
	switch size := int64(utf16Length(s)); {
	case n < 0:
		return nil, fmt.Errorf("the length must not be negative, found %d", n)
	case size < n || size <= 3:
		return s, nil
	case n <= 3:
		return utf16Slice(s, 0, int(n)), nil
	}
	return utf16Slice(s, 0, int(n)-3) + "...", nil
}

func base64encode(c *invocation) (any, error) {
	return base64.StdEncoding.EncodeToString([]byte(value.JavaString(c.in))), nil
}

func base64decode(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("expected base64")
	}
	return string([]rune(string(data))), nil // bytes that are not UTF-8 become U+FFFD
}

func capitalize(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	for i, r := range s {
		if !javaSpace(r) {
			return s[:i] + string(unicode.ToTitle(r)) + s[i+utf8.RuneLen(r):], nil
		}
	}
	return s, nil
}

func title(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	start := true
	return strings.Map(func(r rune) rune {
		switch {
		case javaSpace(r):
			start = true
			return r
		case start:
			start = false
			return unicode.ToTitle(r)
		}
		return r
	}, s), nil
}

// javaSpace is Java's Character.isWhitespace: spaces that may be broken at, and the ASCII separators.
func javaSpace(r rune) bool {
	switch r {
	case 0x1C, 0x1D, 0x1E, 0x1F:
		return true
	case 0x85, 0xA0, 0x2007, 0x202F:
		return false
	}
	return unicode.IsSpace(r)
}

func lower(c *invocation) (any, error) { return toLower(value.JavaString(c.in)), nil }

// toLower also knows the one letter whose small form is two characters.
func toLower(s string) string { return strings.ToLower(strings.ReplaceAll(s, "İ", "i̇")) }

func upper(c *invocation) (any, error) {
	return strings.ReplaceAll(strings.ToUpper(value.JavaString(c.in)), "ß", "SS"), nil
}

// trim removes control characters and spaces, as Java's trim does, but no other white space.
func trim(c *invocation) (any, error) {
	s, err := c.inText()
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), err
}

func stringFilter(c *invocation) (any, error) { return value.JavaString(c.in), nil }

func className(c *invocation) (any, error) { return value.ClassName(c.in), nil }

func nl2br(c *invocation) (any, error) {
	s, err := c.inText()
	return strings.NewReplacer("\r\n", "<br />", "\n", "<br />").Replace(s), err
}

func startsWith(c *invocation) (any, error) { return affix(c, strings.HasPrefix) }

func endsWith(c *invocation) (any, error) { return affix(c, strings.HasSuffix) }

func affix(c *invocation, has func(s, affix string) bool) (any, error) {
	v, err := c.required(0)
	switch {
	case err != nil:
		return nil, err
	case c.in == nil:
		return false, nil
	case v == nil:
		return nil, fmt.Errorf("the argument %q is null", c.params[0])
	}
	return has(value.JavaString(c.in), value.JavaString(v)), nil
}

func substringBefore(c *invocation) (any, error) {
	return cut(c, strings.Index, func(s string, i, _ int) string { return s[:i] }, true)
}

func substringBeforeLast(c *invocation) (any, error) {
	return cut(c, strings.LastIndex, func(s string, i, _ int) string { return s[:i] }, true)
}

func substringAfter(c *invocation) (any, error) {
	return cut(c, strings.Index, func(s string, i, n int) string { return s[i+n:] }, false)
}

func substringAfterLast(c *invocation) (any, error) {
	return cut(c, strings.LastIndex, func(s string, i, n int) string { return s[i+n:] }, false)
}

// cut takes the part of a text on one side of a separator; where there is none, the whole text or nothing.
func cut(c *invocation, find func(s, sep string) int, take func(s string, i, n int) string, whole bool) (any, error) {
	v, err := c.required(0)
	if err != nil {
		return nil, err
	}
	s, sep := value.JavaString(c.in), ""
	if v != nil {
		if sep, err = c.asText(0, v); err != nil {
			return nil, err
		}
	}
	i := find(s, sep)
	if v == nil {
		i = -1
	}
	switch {
	case i >= 0:
		return take(s, i, len(sep)), nil
	case whole:
		return s, nil
	}
	return "", nil
}

func slugify(c *invocation) (any, error) {
	s := norm.NFD.String(strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && isSpace(byte(r)) {
			return '-'
		}
		return r
	}, value.JavaString(c.in)))
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '_' || r == '-':
			if text := b.String(); text != "" && text[len(text)-1] != '-' {
				b.WriteByte('-')
			}
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return strings.Trim(b.String(), "-"), nil
}

func urlencode(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	// Java leaves the asterisk and escapes the tilde, Go the other way round.
	return strings.NewReplacer("%2A", "*", "~", "%7E").Replace(url.QueryEscape(s)), nil
}

func urldecode(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	text, err := url.QueryUnescape(s)
	if err != nil {
		return nil, err
	}
	return strings.ToValidUTF8(text, "\uFFFD"), nil
}

func indent(c *invocation) (any, error) { return indented(c, false) }

func nindent(c *invocation) (any, error) { return indented(c, true) }

// indented puts the prefix before every line; indent leaves out the first line, nindent begins with a new one.
func indented(c *invocation, lead bool) (any, error) {
	if c.in == "" {
		return "", nil
	}
	n, err := c.integer(0)
	if err != nil {
		return nil, err
	}
	prefix, err := c.textOr(1, " ")
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, fmt.Errorf("the amount must not be negative, found %d", n)
	}
	text := value.JavaString(c.in)
	line := "\n" // the line break of the text itself
	if i := strings.IndexAny(text, "\r\n"); i >= 0 && text[i] == '\r' {
		line = "\r"
		if strings.HasPrefix(text[i:], "\r\n") {
			line = "\r\n"
		}
	}
	if lead {
		text = line + text
	}
	unit := int64(len(prefix))
	if unit > 0 && n > int64(c.st.run.lim.Text)/unit {
		return nil, c.st.run.text(-1)
	}
	if err := c.st.run.text(len(text) + strings.Count(text, line)*int(unit*n)); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(text, line, line+strings.Repeat(prefix, int(n))), nil
}

func escapeChar(c *invocation) (any, error) {
	kind, err := c.text(0)
	if err != nil {
		return nil, err
	}
	var r *strings.Replacer
	switch strings.ToLower(kind) {
	case "single":
		r = strings.NewReplacer("'", `\'`)
	case "double":
		r = strings.NewReplacer(`"`, `\"`)
	case "shell":
		r = strings.NewReplacer("'", `'\''`)
	default:
		return nil, fmt.Errorf("the type must be single, double or shell, found %q", kind)
	}
	return mapTexts(c.in, func(s string) (string, error) { return r.Replace(s), nil })
}

// mapTexts applies f to every leaf of a value as text, keys left alone and null kept.
func mapTexts(v any, f func(string) (string, error)) (any, error) {
	if v == nil {
		return nil, nil
	}
	if list, ok := asList(v); ok {
		result := make([]any, len(list))
		for i, item := range list {
			var err error
			if result[i], err = mapTexts(item, f); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
	if m, ok := value.AsMap(v); ok {
		result := value.NewLiteral(m.Len())
		for k, item := range m.All() {
			mapped, err := mapTexts(item, f)
			if err != nil {
				return nil, err
			}
			result.Set(k, mapped)
		}
		return result, nil
	}
	return f(value.JavaString(v))
}
