// Package javaregex matches Java regular expressions. Most patterns mean the same in Go's engine, which takes linear
// time whatever the text; those that need backtracking (look-around, back-references) go to an engine that has it, with
// a limit of time.
package javaregex

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// ErrTooLarge is returned when a replacement would build more than it may.
var ErrTooLarge = errors.New("the result of the replacement is too large")

// maxPattern bounds the length of a pattern in bytes.
const maxPattern = 10_000

// ErrTooMany is returned when there are more matches than are allowed.
var ErrTooMany = errors.New("the regular expression matches too often")

// Limits bound the use of one Regexp.
type Limits struct {
	Time    time.Duration // of one search that needs backtracking
	Matches int           // of one text
	Bytes   int           // of the result of a replacement
}

// Regexp is a compiled pattern, safe for concurrent use.
type Regexp struct {
	linear    *regexp.Regexp  // nil where the pattern needs backtracking
	backtrack *regexp2.Regexp // nil where linear always serves
	names     []string        // of the groups, as Names has them
	lim       Limits
	dollar    bool // $ is in it, of which Go's engine does not know that it matches before a final line break
}

// Compile reads a Java pattern.
func Compile(pattern string, lim Limits) (*Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("the regular expression is longer than %d bytes", maxPattern)
	}
	translated, dollar, err := translate(pattern)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %q is not valid: %w", pattern, err)
	}
	unnamed, names, err := nameless(translated)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %q is not valid: %w", pattern, err)
	}
	re := &Regexp{dollar: dollar, lim: lim, names: names}
	linear, err := regexp.Compile(translated)
	if err == nil {
		re.linear = linear
		if !dollar && (pattern == "" || !linear.MatchString("")) {
			return re, nil
		}
	}
	re.backtrack, err = regexp2.Compile(unnamed, regexp2.None)
	switch {
	case err == nil:
		re.backtrack.MatchTimeout = lim.Time
	case re.linear == nil:
		return nil, fmt.Errorf("the regular expression %q is not valid: %s", pattern, reason(err))
	}
	return re, nil
}

func reason(err error) string {
	_, text, ok := strings.Cut(err.Error(), ": ")
	if !ok {
		return err.Error()
	}
	return text
}

// engine chooses for a text. Where all matches are wanted, patterns that match the empty text go to the backtracking
// engine: Go's passes over an empty match right after another one.
func (re *Regexp) engine(s string, all bool) *regexp.Regexp {
	lineEnd := strings.HasSuffix(s, "\n") || strings.HasSuffix(s, "\r")
	if re.backtrack != nil && (re.dollar && lineEnd || all && !re.dollar) {
		return nil
	}
	return re.linear
}

// match is the extents of the groups of one match in bytes, -1 for those that took no part; the whole match comes first.
type match []int

// each calls f for every match in turn until f returns false.
func (re *Regexp) each(s string, f func(match) bool) error {
	if linear := re.engine(s, true); linear != nil {
		for i, m := range linear.FindAllStringSubmatchIndex(s, re.lim.Matches+1) {
			if i == re.lim.Matches {
				return ErrTooMany
			}
			if !f(m) {
				return nil
			}
		}
		return nil
	}
	return re.eachBacktracking(s, f)
}

func (re *Regexp) eachBacktracking(s string, f func(match) bool) error {
	offsets := runeOffsets(s)
	m, err := re.backtrack.FindStringMatch(s)
	for n := 0; m != nil && err == nil; m, err = re.backtrack.FindNextMatch(m) {
		if n++; n > re.lim.Matches {
			return ErrTooMany
		}
		groups := match{}
		for _, g := range m.Groups() {
			if len(g.Captures) == 0 {
				groups = append(groups, -1, -1)
				continue
			}
			groups = append(groups, offsets[g.Index], offsets[g.Index+g.Length])
		}
		if !f(groups) {
			return nil
		}
	}
	if err != nil {
		return errors.New("the regular expression takes too long on this text")
	}
	return nil
}

// runeOffsets maps the index of each character, and of the end, to its offset in bytes.
func runeOffsets(s string) []int {
	offsets := make([]int, 0, len(s)+1)
	for i := range s {
		offsets = append(offsets, i)
	}
	return append(offsets, len(s))
}

// All calls f for every match in turn, with the extents of its groups in bytes (-1 for one that took no part), until f
// returns false.
func (re *Regexp) All(s string, f func(groups []int) bool) error {
	return re.each(s, func(m match) bool { return f(m) })
}

// Names are the names of the groups, "" for those without; the first stands for the whole match.
func (re *Regexp) Names() []string { return re.names }

// MatchAll reports whether the pattern matches the whole of s.
func (re *Regexp) MatchAll(s string) (bool, error) {
	if linear := re.engine(s, false); linear != nil {
		linear = regexp.MustCompile(`\A(?:` + linear.String() + `)\z`)
		return linear.MatchString(s), nil
	}
	whole, err := regexp2.Compile(`\A(?:`+re.backtrack.String()+`)\z`, regexp2.None)
	if err != nil {
		return false, err
	}
	whole.MatchTimeout = re.backtrack.MatchTimeout
	ok, err := whole.MatchString(s)
	if err != nil {
		return false, errors.New("the regular expression takes too long on this text")
	}
	return ok, nil
}

// Find returns the groups of the first match, the whole match first, nil for a group that took no part; nil if nothing
// matches.
func (re *Regexp) Find(s string) ([]*string, error) {
	var first match
	if linear := re.engine(s, false); linear != nil {
		first = linear.FindStringSubmatchIndex(s)
	} else if err := re.eachBacktracking(s, func(m match) bool { first = m; return false }); err != nil {
		return nil, err
	}
	if first == nil {
		return nil, nil
	}
	groups := make([]*string, len(first)/2)
	for i := range groups {
		if from := first[2*i]; from >= 0 {
			text := s[from:first[2*i+1]]
			groups[i] = &text
		}
	}
	return groups, nil
}

// Split cuts s at the matches. A positive limit is the largest number of parts; limit 0 drops empty parts at the end, a
// negative limit keeps them. An empty match at the beginning cuts nothing off.
func (re *Regexp) Split(s string, limit int) ([]string, error) {
	var parts []string
	from := 0
	err := re.each(s, func(m match) bool {
		if limit > 0 && len(parts) == limit-1 {
			return false
		}
		if m[1] == 0 || (m[0] == m[1] && m[0] == len(s)) {
			return true
		}
		parts = append(parts, s[from:m[0]])
		from = m[1]
		return true
	})
	if err != nil {
		return nil, err
	}
	parts = append(parts, s[from:])
	if limit == 0 {
		for len(parts) > 1 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
		if len(parts) == 1 && parts[0] == "" && s != "" {
			return nil, nil
		}
	}
	return parts, nil
}

// Replace replaces every match by the replacement, in which $1 and ${name} are groups and a backslash makes the
// character after it ordinary. It returns how many matches there were as well.
func (re *Regexp) Replace(s, replacement string) (text string, matches int, err error) {
	var b strings.Builder
	from := 0
	var failed error
	err = re.each(s, func(m match) bool {
		matches++
		b.WriteString(s[from:m[0]])
		from = m[1]
		if failed = re.expand(&b, s, replacement, m); failed == nil && b.Len() > re.lim.Bytes {
			failed = ErrTooLarge
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return "", matches, err
	}
	b.WriteString(s[from:])
	return b.String(), matches, nil
}

func (re *Regexp) expand(b *strings.Builder, s, replacement string, m match) error {
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; {
		case c == '\\' && i+1 < len(replacement):
			i++
			b.WriteByte(replacement[i])
		case c == '\\':
			return errors.New("the replacement ends with a backslash")
		case c == '$':
			group, n, err := re.reference(replacement[i+1:], len(m)/2)
			if err != nil {
				return err
			}
			if m[2*group] >= 0 {
				b.WriteString(s[m[2*group]:m[2*group+1]])
			}
			i += n
		default:
			b.WriteByte(c)
		}
	}
	return nil
}

// reference reads what follows a $: the number of a group, of as many digits as make one that exists, or {name}.
func (re *Regexp) reference(text string, groups int) (group, length int, err error) {
	if strings.HasPrefix(text, "{") {
		end := strings.IndexByte(text, '}')
		if end > 0 {
			if group = re.named(text[1:end]); group > 0 && group < groups {
				return group, end + 1, nil
			}
			return 0, 0, fmt.Errorf("the replacement names a group %q that the regular expression lacks", text[1:end])
		}
	}
	for length < len(text) && text[length] >= '0' && text[length] <= '9' {
		next := group*10 + int(text[length]-'0')
		if length > 0 && next >= groups {
			break
		}
		group = next
		length++
	}
	if length == 0 {
		return 0, 0, errors.New(`the replacement has a $ without the number of a group; write \$ for the character`)
	}
	if group >= groups {
		return 0, 0, fmt.Errorf("the replacement uses group %d, but the regular expression has %d", group, groups-1)
	}
	return group, length, nil
}

func (re *Regexp) named(name string) int { return slices.Index(re.names, name) }
