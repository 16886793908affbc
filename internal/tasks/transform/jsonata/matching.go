package jsonata

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/windhover-io/windhover/internal/value"
)

// regexTime bounds one search, which may take forever with expressions that look back.
const regexTime = 5 * time.Second

// found is where a pattern was found, in characters.
type found struct {
	text       string
	start, end int
	groups     []any
}

// finder finds the places of a pattern in a text, up to a number of them.
type finder func(s string, most int) ([]found, error)

// regexFunction is a function that finds the first place, with one to find the next.
func regexFunction(v any) *function {
	re, _ := v.(*regexp2.Regexp)
	f := &function{arity: 1, name: "regex"}
	f.call = func(_ *evaluation, args []any, _ any) (any, error) {
		if len(args) == 0 {
			return undefined, nil
		}
		s, ok := args[0].(string)
		if !ok {
			return undefined, nil
		}
		list, err := search(re, s, -1)
		if err != nil {
			return nil, err
		}
		return matchObject(list), nil
	}
	f.scope = &scope{vars: map[string]any{"": re}}
	return f
}

func matchObject(list []found) any {
	if len(list) == 0 {
		return undefined
	}
	x := list[0]
	return value.MapOf(value.Entry{Key: "match", Value: x.text}, value.Entry{Key: "start", Value: float64(x.start)}, value.Entry{Key: "end", Value: float64(x.end)},
		value.Entry{Key: "groups", Value: &array{items: x.groups}},
		value.Entry{Key: "next", Value: &function{call: func(*evaluation, []any, any) (any, error) { return matchObject(list[1:]), nil }}})
}

func search(re *regexp2.Regexp, s string, most int) ([]found, error) {
	bounded := *re
	bounded.MatchTimeout = regexTime
	var list []found
	m, err := bounded.FindStringMatch(s)
	for ; err == nil && m != nil && len(list) != most; m, err = bounded.FindNextMatch(m) {
		if m.Length == 0 {
			return nil, fail("D1004", "the regular expression finds nothing of no length")
		}
		x := found{text: m.String(), start: m.Index, end: m.Index + m.Length, groups: []any{}}
		for _, g := range m.Groups()[1:] {
			x.groups = append(x.groups, g.String())
		}
		list = append(list, x)
	}
	if err != nil {
		return nil, fail("D1004", "the regular expression: %s", err)
	}
	return list, nil
}

// finderOf is a text, a regular expression, or a function that does what one does.
func (e *evaluation) finderOf(v any) finder {
	if f, ok := v.(*function); ok {
		if f.scope != nil && f.name == "regex" {
			re, _ := f.scope.vars[""].(*regexp2.Regexp)
			return func(s string, most int) ([]found, error) { return search(re, s, most) }
		}
		return func(s string, most int) ([]found, error) { return e.follow(f, s, most) }
	}
	pattern, _ := v.(string)
	return func(s string, most int) ([]found, error) {
		var list []found
		at := 0
		for len(list) != most && pattern != "" {
			i := strings.Index(s[at:], pattern)
			if i < 0 {
				break
			}
			start := len([]rune(s[:at+i]))
			list = append(list, found{text: pattern, start: start, end: start + len([]rune(pattern))})
			at += i + len(pattern)
		}
		return list, nil
	}
}

// follow asks a function that was written as a matcher.
func (e *evaluation) follow(f *function, s string, most int) ([]found, error) {
	var list []found
	v, err := e.apply(f, []any{s}, undefined)
	for err == nil && len(list) != most {
		m, ok := v.(*value.Map)
		if !ok {
			if defined(v) {
				err = fail("T1010", "the matcher gives no object with match, start, end, groups and next")
			}
			break
		}
		x := found{}
		x.text, _ = lookup(m, "match").(string)
		start, hasStart := lookup(m, "start").(float64)
		end, _ := lookup(m, "end").(float64)
		groups, hasGroups := lookup(m, "groups").(*array)
		next, hasNext := lookup(m, "next").(*function)
		if !hasStart && !hasGroups && !hasNext {
			return nil, fail("T1010", "the matcher gives no object with match, start, end, groups and next")
		}
		x.start, x.end = int(start), int(end)
		if hasGroups {
			x.groups = groups.items
		}
		list = append(list, x)
		if !hasNext {
			break
		}
		v, err = e.apply(next, nil, undefined)
	}
	return list, err
}

// limitOf is a number of times, -1 for all.
func limitOf(v any, code string) (int, error) {
	f, ok := v.(float64)
	if !ok {
		return -1, nil
	}
	if f < 0 {
		return 0, fail(code, "the limit must not be negative")
	}
	return int(f), nil
}

func contains(e *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok || !defined(a[1]) {
		return undefined, nil
	}
	if text, ok := a[1].(string); ok {
		return strings.Contains(s, text), nil
	}
	list, err := e.finderOf(a[1])(s, 1)
	return len(list) > 0, err
}

func split(e *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	most, err := limitOf(a[2], "D3020")
	if err != nil {
		return nil, err
	}
	out := &array{items: []any{}}
	if text, ok := a[1].(string); ok {
		for i, part := range strings.Split(s, text) {
			if i != most && (most < 0 || i < most) {
				out.items = append(out.items, part)
			}
		}
		return out, nil
	}
	list, err := e.finderOf(a[1])(s, -1)
	if err != nil {
		return nil, err
	}
	runes, at := []rune(s), 0
	for _, x := range list {
		out.items = append(out.items, string(runes[at:x.start]))
		at = x.end
	}
	out.items = append(out.items, string(runes[at:]))
	if most >= 0 && len(out.items) > most {
		out.items = out.items[:most]
	}
	return out, nil
}

func match(e *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	most, err := limitOf(a[2], "D3040")
	if err != nil {
		return nil, err
	}
	list, err := e.finderOf(a[1])(s, most)
	out := newSequence()
	for _, x := range list {
		out.items = append(out.items, value.MapOf(value.Entry{Key: "match", Value: x.text}, value.Entry{Key: "index", Value: float64(x.start)},
			value.Entry{Key: "groups", Value: &array{items: x.groups}}))
	}
	return collapsed(out), err
}

func replace(e *evaluation, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return undefined, nil
	}
	if a[1] == any("") {
		return nil, fail("D3010", "the pattern of $replace must not be empty")
	}
	most, err := limitOf(a[3], "D3011")
	if err != nil {
		return nil, err
	}
	list, err := e.finderOf(a[1])(s, most)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	runes, at := []rune(s), 0
	_, plain := a[1].(string)
	for _, x := range list {
		b.WriteString(string(runes[at:x.start]))
		at = x.end
		text, err := e.replacement(a[2], x, plain)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	return b.String() + string(runes[at:]), nil
}

func (e *evaluation) replacement(with any, x found, plain bool) (string, error) {
	if f, ok := with.(*function); ok {
		m := value.MapOf(value.Entry{Key: "match", Value: x.text}, value.Entry{Key: "start", Value: float64(x.start)}, value.Entry{Key: "end", Value: float64(x.end)},
			value.Entry{Key: "groups", Value: &array{items: x.groups}})
		v, err := e.apply(f, []any{m}, undefined)
		text, ok := v.(string)
		if err == nil && !ok {
			err = fail("D3012", "the function of $replace must give a string")
		}
		return text, err
	}
	text, _ := with.(string)
	if plain {
		return text, nil
	}
	return expand(text, x), nil
}

// expand puts groups in the place of $1 and so on, what was found in that of $0, and a dollar in that of two.
func expand(text string, x found) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if text[i+1] == '$' {
			b.WriteByte('$')
			i++
			continue
		}
		n, used := -1, 0
		for j, v := i+1, 0; j < len(text) && text[j] >= '0' && text[j] <= '9'; j++ {
			if v = v*10 + int(text[j]-'0'); v > len(x.groups) && used > 0 {
				break
			}
			n, used = v, j-i
		}
		switch {
		case n < 0:
			b.WriteByte('$')
		case n == 0:
			b.WriteString(x.text)
		case n <= len(x.groups):
			group, _ := x.groups[n-1].(string)
			b.WriteString(group)
		}
		i += used
	}
	return b.String()
}
