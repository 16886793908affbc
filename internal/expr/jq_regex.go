package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// regexJQ gives the matches of a regular expression as jq's match does, in time linear in the text: an object for each
// with offset, length (in characters), string and captures.
func (r *run) regexJQ(v, pattern, flags any) any {
	text, ok := v.(string)
	re, ok2 := pattern.(string)
	f, ok3 := flags.(string)
	if !ok || !ok2 || !(ok3 || flags == nil) {
		return errors.New("a regular expression, its flags and the text that it is matched with must be strings")
	}
	global, skipEmpty := false, false
	for _, c := range f {
		switch c {
		case 'g':
			global = true
		case 'n':
			skipEmpty = true
		case 'i', 's', 'x':
			re = "(?" + string(c) + ")" + re
		case 'l', 'p':
		default:
			return fmt.Errorf("unknown flag %q of a regular expression", c)
		}
	}
	compiled, err := r.regex(re)
	if err != nil {
		return err
	}
	matches := []any{}
	place := placer{text: text}
	err = compiled.All(text, func(groups []int) bool {
		if !skipEmpty || groups[0] < groups[1] {
			matches = append(matches, place.match(groups, compiled.Names()))
		}
		return global
	})
	if err == nil {
		err = r.step(len(matches) * perMatch)
	}
	if err != nil {
		return err
	}
	return matches
}

// placer converts offsets in bytes to offsets in characters; it counts on from the last match.
type placer struct {
	text         string
	bytes, chars int
}

func (p *placer) at(offset int) int {
	if offset >= p.bytes {
		return p.chars + utf8.RuneCountInString(p.text[p.bytes:offset])
	}
	return p.chars - utf8.RuneCountInString(p.text[offset:p.bytes])
}

func (p *placer) match(groups []int, names []string) map[string]any {
	p.chars, p.bytes = p.at(groups[0]), groups[0]
	captures := []any{}
	for i := 2; i < len(groups); i += 2 {
		c := p.group(groups[i], groups[i+1])
		c["name"] = nil
		if name := names[i/2]; name != "" {
			c["name"] = name
		}
		captures = append(captures, c)
	}
	m := p.group(groups[0], groups[1])
	m["captures"] = captures
	return m
}

func (p *placer) group(from, to int) map[string]any {
	if from < 0 {
		return map[string]any{"offset": -1, "length": 0, "string": nil}
	}
	text := p.text[from:to]
	return map[string]any{"offset": p.at(from), "length": utf8.RuneCountInString(text), "string": strings.Clone(text)}
}
