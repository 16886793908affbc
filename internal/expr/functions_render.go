package expr

import (
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// renderFunction evaluates a text as a template, by default until it no longer changes; in lists and maps every text.
func renderFunction(c *invocation) (any, error) {
	recursive, err := c.boolean(1, true)
	if err != nil {
		return nil, err
	}
	return c.render(recursive)
}

func renderOnceFunction(c *invocation) (any, error) { return c.render(false) }

func (c *invocation) render(recursive bool) (any, error) {
	v, err := c.required(0)
	if err != nil {
		return nil, err
	}
	// Within a macro the text sees nothing, not even the arguments of the macro.
	st := *c.st
	for s := st.scope; s != nil; s = s.parent {
		if s.closed {
			st.scope = &scope{closed: true}
		}
	}
	return st.renderValue(v, func(text string) (any, error) {
		if strings.IndexByte(text, '{') < 0 {
			return text, nil
		}
		if err := st.run.enter(); err != nil {
			return nil, err
		}
		defer st.run.leave()
		t, err := st.parse(text)
		if err != nil {
			return nil, err
		}
		if recursive {
			return st.renderRecursive(t)
		}
		return t.render(st.env, st.run, st.scope)
	})
}

// parse parses a text that came up in an evaluation, and pays for it.
func (st *state) parse(text string) (*Template, error) {
	if err := st.run.step(len(text) / 2); err != nil {
		return nil, err
	}
	return st.tmpl.parseAnother(text, st.run.cache)
}

// renderValue applies f to every text of a value, keys included; of two keys that become equal the first counts.
func (st *state) renderValue(v any, f func(string) (any, error)) (any, error) {
	if err := st.run.step(1); err != nil {
		return nil, err
	}
	v = value.Normalize(v)
	if s, ok := v.(string); ok {
		return f(s)
	}
	if list, ok := asList(v); ok {
		result := make([]any, len(list))
		for i, item := range list {
			var err error
			if result[i], err = st.renderValue(item, f); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
	m, ok := value.AsMap(v)
	if !ok {
		return v, nil
	}
	result := value.NewMap(m.Len())
	for k, item := range m.All() {
		key, err := f(k)
		if err != nil {
			return nil, err
		}
		rendered, err := st.renderValue(item, f)
		if err != nil {
			return nil, err
		}
		if name := value.JavaString(key); !result.Has(name) {
			result.Set(name, rendered)
		}
	}
	return result, nil
}

// renderRecursive evaluates t and then its result, until the text no longer changes. Raw blocks keep their tags up to
// the end, so that they come through all passes.
func (st *state) renderRecursive(t *Template) (string, error) {
	for range st.run.lim.Passes {
		inner := &state{tmpl: t, env: st.env, run: st.run, scope: nested(st.scope)}
		var out output
		if err := inner.execute(&out); err != nil {
			return "", inner.finish(err)
		}
		text := out.text()
		if text == t.src || strings.IndexByte(text, '{') < 0 {
			return stripRaw(text), nil
		}
		var err error
		if t, err = st.parse(text); err != nil {
			return "", err
		}
	}
	return "", errUnstable(st.run.lim.Passes)
}

func errUnstable(passes int) error {
	return fmt.Errorf("the text still changes after %d rendering passes", passes)
}
