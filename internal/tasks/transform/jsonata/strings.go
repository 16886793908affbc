package jsonata

import (
	"encoding/base64"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/windhover-io/windhover/internal/value"
)

// ofText is a function of a text, which is nothing of nothing.
func ofText(f func(s string) (any, error)) body {
	return func(_ *evaluation, a []any) (any, error) {
		if s, ok := a[0].(string); ok {
			return f(s)
		}
		return undefined, nil
	}
}

func plain(f func(string) string) body {
	return ofText(func(s string) (any, error) { return f(s), nil })
}

var stringFunctions = table{
	"string": {"<x-b?:s>", func(_ *evaluation, a []any) (any, error) {
		if !defined(a[0]) {
			return undefined, nil
		}
		return stringOf(a[0], a[1] == true)
	}},
	"length":    {"<s-:n>", ofText(func(s string) (any, error) { return float64(utf8.RuneCountInString(s)), nil })},
	"uppercase": {"<s-:s>", plain(func(s string) string { return cases.Upper(language.Und).String(s) })},
	"lowercase": {"<s-:s>", plain(strings.ToLower)},
	"trim":      {"<s-:s>", plain(func(s string) string { return strings.Join(strings.FieldsFunc(s, isBlank), " ") })},
	"substring": {"<s-nn?:s>", substring},
	"substringBefore": {"<s-s:s>", func(_ *evaluation, a []any) (any, error) {
		return around(a, func(before, _ string) string { return before })
	}},
	"substringAfter": {"<s-s:s>", func(_ *evaluation, a []any) (any, error) {
		return around(a, func(_, after string) string { return after })
	}},
	"pad":                {"<s-ns?:s>", pad},
	"contains":           {"<s-(sf):b>", contains},
	"split":              {"<s-(sf)n?:a<s>>", split},
	"join":               {"<a<s>s?:s>", join},
	"match":              {"<s-f<s:o>n?:a<o>>", match},
	"replace":            {"<s-(sf)(sf)n?:s>", replace},
	"eval":               {"<sx?:x>", evalText},
	"base64encode":       {"<s-:s>", plain(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"base64decode":       {"<s-:s>", ofText(func(s string) (any, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err })},
	"encodeUrlComponent": {"<s-:s>", encodeURL("encodeUrlComponent", "!'()*-._~")},
	"encodeUrl":          {"<s-:s>", encodeURL("encodeUrl", "!'()*-._~;/?:@&=+$,#")},
	"decodeUrlComponent": {"<s-:s>", ofText(decodeURL)},
	"decodeUrl":          {"<s-:s>", ofText(decodeURL)},
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// stringOf is the text of a value: JSON of what is no text.
func stringOf(v any, pretty bool) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case *function:
		return "", nil
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return "", fail("D3001", "the number is out of range")
		}
	}
	return string(appendJSON(nil, v, pretty, 0)), nil
}

// appendJSON writes numbers with 15 digits, as JSONata does.
func appendJSON(b []byte, v any, pretty bool, depth int) []byte {
	line := func(b []byte, depth int) []byte {
		if pretty {
			b = append(b, '\n')
			b = append(b, strings.Repeat("  ", depth)...)
		}
		return b
	}
	switch x := v.(type) {
	case *array:
		b = append(b, '[')
		for i, item := range x.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(line(b, depth+1), item, pretty, depth+1)
		}
		if len(x.items) > 0 {
			b = line(b, depth)
		}
		return append(b, ']')
	case *value.Map:
		b = append(b, '{')
		n := 0
		for k, item := range x.All() {
			if n++; n > 1 {
				b = append(b, ',')
			}
			b = append(value.AppendJSONString(line(b, depth+1), k), ':')
			if pretty {
				b = append(b, ' ')
			}
			b = appendJSON(b, item, pretty, depth+1)
		}
		if n > 0 {
			b = line(b, depth)
		}
		return append(b, '}')
	case float64:
		return append(b, numberText(x)...)
	case *function:
		return append(b, `""`...)
	case nothing:
		return append(b, "null"...)
	}
	return value.AppendJSON(b, v, value.JSONOptions{})
}

// numberText writes a number with at most 15 digits, as JavaScript would.
func numberText(f float64) string {
	var err error
	if f != math.Trunc(f) {
		f, err = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	}
	if abs := math.Abs(f); err == nil && (abs >= 1e21 || abs < 1e-6 && abs > 0) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
	}
	if f == 0 {
		return "0"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func toNumber(_ *evaluation, a []any) (any, error) {
	switch x := a[0].(type) {
	case float64:
		return x, nil
	case bool:
		if x {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if len(x) > 2 && x[0] == '0' && strings.ContainsRune("xXoObB", rune(x[1])) {
			if n, err := strconv.ParseUint(x, 0, 64); err == nil {
				return float64(n), nil
			}
		}
		if f, err := strconv.ParseFloat(x, 64); err == nil && strings.Trim(x, "0123456789.eE+-") == "" && !strings.HasPrefix(x, "+") {
			return f, nil
		}
		return nil, fail("D3030", "%q is no number", x)
	}
	return undefined, nil
}

func substring(_ *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	runes := []rune(s)
	start, _ := a[1].(float64)
	if start < 0 {
		start = math.Max(0, start+float64(len(runes)))
	}
	end := float64(len(runes))
	if length, ok := a[2].(float64); ok {
		end = math.Min(end, math.Max(start+length, 0))
	}
	if start >= end {
		return "", nil
	}
	return string(runes[int(start):int(end)]), nil
}

func around(a []any, f func(before, after string) string) (any, error) {
	s, ok := a[0].(string)
	mark, _ := a[1].(string)
	if !ok {
		return undefined, nil
	}
	before, after, found := strings.Cut(s, mark)
	if !found {
		return s, nil
	}
	return f(before, after), nil
}

// maxText is how long a text may become that is made longer, in characters.
const maxText = 16 << 20

func pad(_ *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	width, _ := a[1].(float64)
	if !ok {
		return undefined, nil
	}
	fill := []rune(" ")
	if f, ok := a[2].(string); ok && f != "" {
		fill = []rune(f)
	}
	missing := math.Abs(width) - float64(utf8.RuneCountInString(s))
	if missing <= 0 {
		return s, nil
	}
	if missing > maxText {
		return nil, fail("D3001", "the text would have more than %d characters", maxText)
	}
	filler := make([]rune, int(missing))
	for i := range filler {
		filler[i] = fill[i%len(fill)]
	}
	if width < 0 {
		return string(filler) + s, nil
	}
	return s + string(filler), nil
}

func join(_ *evaluation, a []any) (any, error) {
	list, ok := a[0].(*array)
	if !ok {
		return undefined, nil
	}
	separator, _ := a[1].(string)
	texts := make([]string, len(list.items))
	for i, item := range list.items {
		texts[i], _ = item.(string) // the signature has seen to it
	}
	return strings.Join(texts, separator), nil
}

func encodeURL(name, keep string) body {
	return ofText(func(s string) (any, error) {
		var b strings.Builder
		for _, c := range []byte(s) {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(keep, c) >= 0 {
				b.WriteByte(c)
			} else {
				b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
			}
		}
		if strings.ContainsRune(s, utf8.RuneError) {
			return nil, fail("D3140", "$%s cannot encode the text", name)
		}
		return b.String(), nil
	})
}

func decodeURL(s string) (any, error) {
	text, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(text) {
		return nil, fail("D3140", "%q is no encoded URL", s)
	}
	return text, nil
}

// evalText evaluates a text with the variables that there are by themselves.
func evalText(e *evaluation, a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	root, _, err := parse(text)
	if err != nil {
		return nil, fail("D3120", "$eval: %s", err)
	}
	input := a[1]
	if list, ok := input.(*array); ok && !list.sequence {
		w := newSequence(list)
		w.wrapper = true
		input = w
	}
	v, err := e.eval(root, input, &scope{vars: map[string]any{"$": a[1]}, builtins: true})
	if err != nil {
		return nil, fail("D3121", "$eval: %s", err)
	}
	return v, nil
}
