package expr

import (
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/expr/javaregex"
	"github.com/windhover-io/windhover/internal/value"
)

func (c *invocation) compile(pattern string) (*javaregex.Regexp, error) {
	return c.st.run.regex(pattern)
}

// perMatch is what a match of a regular expression costs in steps.
const perMatch = 4

func (r *run) regex(pattern string) (*javaregex.Regexp, error) {
	return javaregex.Compile(pattern, javaregex.Limits{
		Time: r.lim.RegexTime, Matches: max(1, (r.lim.Steps-r.steps)/perMatch), Bytes: r.lim.Text,
	})
}

// replaceAll replaces the matches of a regular expression and pays for them.
func (r *run) replaceAll(re *javaregex.Regexp, s, to string) (string, error) {
	text, matches, err := re.Replace(s, to)
	if err != nil {
		return "", err
	}
	return text, r.step(matches * perMatch)
}

// split cuts a text at the matches of a regular expression. Without a limit trailing empty parts are dropped; a negative
// limit keeps them, a positive one is the largest number of parts.
func split(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	delimiter, err := c.text(0)
	if err != nil {
		return nil, err
	}
	limit := int64(0)
	if v := c.optional(1); v != nil {
		if limit, err = c.asInteger(1, v); err != nil {
			return nil, err
		}
	}
	re, err := c.compile(delimiter)
	if err != nil {
		return nil, err
	}
	parts, err := re.Split(s, int(limit))
	if err != nil {
		return nil, err
	}
	if err := c.st.run.step(len(parts) * perMatch); err != nil {
		return nil, err
	}
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list, nil
}

// replace applies pairs one after the other, as plain text or as regular expressions, to every leaf of a value.
func replace(c *invocation) (any, error) {
	v, err := c.required(0)
	if err != nil {
		return nil, err
	}
	pairs, ok := value.AsMap(v)
	if !ok {
		return nil, fmt.Errorf("the argument %q must be a map, found %s", c.params[0], value.TypeName(v))
	}
	regexp, err := c.boolean(1, false)
	if err != nil {
		return nil, err
	}
	steps := make([]func(string) (string, error), 0, pairs.Len())
	for from, to := range pairs.All() {
		if to == nil {
			return nil, fmt.Errorf("the replacement of %q is null", from)
		}
		step, err := c.replacer(from, value.JavaString(to), regexp)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return mapTexts(c.in, func(s string) (string, error) {
		for _, step := range steps {
			var err error
			if s, err = step(s); err != nil {
				return "", err
			}
			if err := c.st.run.text(len(s)); err != nil {
				return "", err
			}
		}
		return s, nil
	})
}

func (c *invocation) replacer(from, to string, regexp bool) (func(string) (string, error), error) {
	if !regexp {
		return func(s string) (string, error) {
			if n := strings.Count(s, from); n*len(to) > c.st.run.lim.Text {
				return "", c.st.run.text(n * len(to))
			}
			return strings.ReplaceAll(s, from, to), nil
		}, nil
	}
	re, err := c.compile(from)
	if err != nil {
		return nil, err
	}
	return func(s string) (string, error) { return c.st.run.replaceAll(re, s, to) }, nil
}

// regexMatch reports whether a regular expression matches somewhere in the text; in null it does not.
func regexMatch(c *invocation) (any, error) {
	re, err := c.regexArgument()
	if err != nil || c.in == nil {
		return false, err
	}
	groups, err := re.Find(value.JavaString(c.in))
	return groups != nil, err
}

// regexExtract gives a group of the first match, the whole match by default; null where there is none.
func regexExtract(c *invocation) (any, error) {
	re, err := c.regexArgument()
	if err != nil {
		return nil, err
	}
	group := int64(0)
	if v := c.optional(1); v != nil {
		if group, err = c.asInteger(1, v); err != nil {
			return nil, err
		}
	}
	groups, err := re.Find(value.JavaString(c.in))
	switch {
	case err != nil:
		return nil, err
	case groups == nil:
		return nil, nil
	case group < 0 || group >= int64(len(groups)):
		return nil, fmt.Errorf("the regular expression has no group %d, only %d", group, len(groups)-1)
	case groups[group] == nil:
		return nil, nil
	}
	return *groups[group], nil
}

func regexReplace(c *invocation) (any, error) {
	re, err := c.regexArgument()
	if err != nil {
		return nil, err
	}
	to, err := c.required(1)
	if err != nil {
		return nil, err
	}
	return c.st.run.replaceAll(re, value.JavaString(c.in), value.JavaString(to))
}

func (c *invocation) regexArgument() (*javaregex.Regexp, error) {
	pattern, err := c.required(0)
	if err != nil {
		return nil, err
	}
	return c.compile(value.JavaString(pattern))
}
