package expr

import (
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// stmt is a piece of a template that writes: text, a print or a tag.
type stmt interface {
	exec(st *state, out *output) error
}

type (
	textStmt  struct{ text string }
	printStmt struct {
		base
		value node
	}
	branch struct {
		cond node
		body []stmt
	}
	ifStmt struct {
		base
		branches  []branch
		otherwise []stmt
	}
	forStmt struct {
		base
		name            string
		over            node
		body, otherwise []stmt
	}
	setStmt struct {
		base
		name  string
		value node
	}
	blockStmt struct {
		base
		name string
		body []stmt
	}
	filterStmt struct {
		base
		filters []filterNode
		body    []stmt
	}
)

// macro is a template function: it sees its arguments and nothing else.
type macro struct {
	name     string
	params   []string
	defaults []node
	body     []stmt
}

// execute runs the template.
func (st *state) execute(out *output) error {
	return st.place(st.body(st.tmpl.body, out))
}

// place gives an error without a place the beginning of the template as its place.
func (st *state) place(err error) error {
	if err == nil {
		return nil
	}
	return st.fail(0, err)
}

func (st *state) body(body []stmt, out *output) error {
	for _, s := range body {
		st.run.steps++
		if err := s.exec(st, out); err != nil {
			return err
		}
	}
	return nil
}

func (s *textStmt) exec(st *state, out *output) error { return out.writeText(st.run, s.text) }

func (s *printStmt) exec(st *state, out *output) error {
	v, err := s.value.eval(st)
	if err != nil {
		return st.fail(s.off, err)
	}
	if err := out.write(st.run, value.Normalize(v)); err != nil {
		return st.fail(s.off, err)
	}
	return nil
}

func (s *ifStmt) exec(st *state, out *output) error {
	for _, b := range s.branches {
		v, err := b.cond.eval(st)
		if err != nil {
			return st.fail(b.cond.at(), st.harden(err))
		}
		yes, ok := truth(v)
		if !ok {
			return st.errorf(b.cond.at(), "the condition is %s, expected a boolean, a number or a string", value.TypeName(v))
		}
		if yes {
			return st.body(b.body, out)
		}
	}
	return st.body(s.otherwise, out)
}

func (s *forStmt) exec(st *state, out *output) error {
	over, err := s.over.eval(st)
	if err != nil {
		return st.fail(s.over.at(), err)
	}
	items, ok := iterate(over)
	switch {
	case over == nil:
		return nil
	case !ok:
		return st.errorf(s.over.at(), "cannot loop over %s, expected a list or a map", value.TypeName(over))
	case items.len == 0:
		return st.body(s.otherwise, out)
	}
	sc := st.push()
	defer st.pop()
	for i := range items.len {
		if err := st.run.step(1); err != nil {
			return st.fail(s.off, err)
		}
		sc.loop = &loop{i, items.len}
		sc.put(s.name, items.at(i))
		if err := st.body(s.body, out); err != nil {
			return err
		}
	}
	return nil
}

// items is what a for loops over.
type items struct {
	len int
	at  func(i int) any
}

func iterate(v any) (items, bool) {
	if list, ok := asList(v); ok {
		return items{len(list), func(i int) any { return list[i] }}, true
	}
	if m, ok := value.AsMap(v); ok {
		return items{m.Len(), func(i int) any {
			k, v := m.At(i)
			return value.Entry{Key: k, Value: v}
		}}, true
	}
	return items{}, false
}

func (s *setStmt) exec(st *state, out *output) error {
	v, err := s.value.eval(st)
	if err != nil {
		return st.fail(s.off, err)
	}
	st.assign(s.name, v)
	return nil
}

func (s *blockStmt) exec(st *state, out *output) error {
	return st.block(s.off, st.tmpl.blocks[s.name], out)
}

func (st *state) block(off int, b *blockStmt, out *output) error {
	if err := st.run.enter(); err != nil {
		return st.fail(off, err)
	}
	defer st.run.leave()
	return st.body(b.body, out)
}

func (s *filterStmt) exec(st *state, out *output) error {
	var inner output
	if err := st.body(s.body, &inner); err != nil {
		return err
	}
	var v any = inner.text()
	for i := range s.filters {
		f := &s.filters[i]
		var err error
		if v, err = f.apply(st, v); err != nil {
			return err
		}
	}
	if err := out.writeText(st.run, value.Print(v)); err != nil {
		return st.fail(s.off, err)
	}
	return nil
}

// invoke runs a macro with arguments in the order of its parameters. Defaults see what the macro sees.
func (m *macro) invoke(st *state, off int, args []node) (any, error) {
	sc := &scope{closed: true, names: slices.Clone(m.params), values: make([]any, len(m.params))}
	inner := &state{tmpl: st.tmpl, env: st.env, run: st.run, scope: sc}
	for i := range m.params {
		var err error
		switch {
		case args[i] != nil:
			sc.values[i], err = args[i].eval(st)
		case m.defaults[i] != nil:
			sc.values[i], err = m.defaults[i].eval(inner)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := st.run.enter(); err != nil {
		return nil, st.fail(off, err)
	}
	defer st.run.leave()
	var out output
	if err := inner.body(m.body, &out); err != nil {
		return nil, err
	}
	return out.text(), nil
}

// truth is what a condition makes of a value: numbers other than 0 and texts other than "" count as true.
// ok is false for what is no condition.
func truth(v any) (yes, ok bool) {
	switch x := value.Normalize(v).(type) {
	case bool:
		return x, true
	case string:
		return x != "", true
	}
	if f, ok := value.AsFloat(v); ok {
		return f != 0, true
	}
	return false, false
}

// asList returns v as a list.
func asList(v any) ([]any, bool) {
	switch x := v.(type) {
	case []any:
		return x, true
	case nil, string, bool, *value.Map:
		return nil, false
	}
	list, ok := value.Normalize(v).([]any)
	return list, ok
}

// blank reports whether a text is empty or white space.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
