package expr

import (
	"github.com/windhover-io/windhover/internal/value"
)

// state is one evaluation of one template.
type state struct {
	tmpl  *Template
	env   Env
	run   *run
	scope *scope // innermost; nil while the template has set nothing
}

// scope holds the variables of the template itself: those of set, for and macros.
type scope struct {
	parent *scope
	names  []string
	values []any
	loop   *loop // of a for; its variable "loop" is made only when it is read
	root   bool  // of a whole template: what it sets is lost to the one that renders it
	closed bool  // of a macro: nothing outside of it can be seen
}

func (s *scope) outermost() bool { return s.root || s.closed || s.parent == nil }

// nested is the scope of a template that is rendered within another one's.
func nested(outer *scope) *scope {
	if outer == nil {
		return nil
	}
	return &scope{parent: outer, root: true}
}

func (s *scope) index(name string) int {
	for i, n := range s.names {
		if n == name {
			return i
		}
	}
	return -1
}

func (s *scope) get(name string) (any, bool) {
	if i := s.index(name); i >= 0 {
		return s.values[i], true
	}
	if name == "loop" && s.loop != nil {
		return *s.loop, true
	}
	return nil, false
}

func (s *scope) put(name string, v any) {
	if i := s.index(name); i >= 0 {
		s.values[i] = v
		return
	}
	s.names, s.values = append(s.names, name), append(s.values, v)
}

// lookup finds a variable: in the scopes from the inside out, then in the Env.
func (st *state) lookup(name string) (any, bool) {
	for s := st.scope; s != nil; s = s.parent {
		if v, ok := s.get(name); ok {
			return v, true
		}
		if s.closed {
			return nil, false
		}
	}
	if st.env != nil {
		if v, ok := st.env.Var(name); ok {
			return v, true
		}
	}
	if name == "locale" {
		return "en", true
	}
	return nil, false
}

// assign sets a variable in the nearest scope that has it, else in the innermost. Where the Env has it, it becomes a
// variable of the template's outermost scope, so that it outlives the loop that sets it.
func (st *state) assign(name string, v any) {
	inner := st.local()
	s := inner
	for {
		if _, ok := s.get(name); ok {
			s.put(name, v)
			return
		}
		if s.outermost() {
			break
		}
		s = s.parent
	}
	if s != inner && !s.closed && st.env != nil {
		if _, ok := st.env.Var(name); ok {
			s.put(name, v)
			return
		}
	}
	inner.put(name, v)
}

// local returns the innermost scope.
func (st *state) local() *scope {
	if st.scope == nil {
		st.scope = &scope{root: true}
	}
	return st.scope
}

// push opens a scope.
func (st *state) push() *scope {
	st.scope = &scope{parent: st.local()}
	return st.scope
}

func (st *state) pop() { st.scope = st.scope.parent }

// names lists what lookup can find, as far as the Env tells.
func (st *state) names() []string { return st.namesFrom(st.scope) }

func (st *state) namesFrom(innermost *scope) []string {
	var names []string
	for s := innermost; s != nil; s = s.parent {
		names = append(names, s.names...)
		if s.loop != nil {
			names = append(names, "loop")
		}
		if s.closed {
			return names
		}
	}
	if l, ok := st.env.(Lister); ok {
		names = append(names, l.Names()...)
	}
	return names
}

// loop is the variable "loop" within a for.
type loop struct{ index, length int }

func (l loop) Get(key string) (any, bool) {
	switch key {
	case "index":
		return int32(l.index), true
	case "length":
		return int32(l.length), true
	case "first":
		return l.index == 0, true
	case "last":
		return l.index == l.length-1, true
	case "revindex":
		return int32(l.length - 1 - l.index), true
	}
	return nil, false
}

// Map keeps the order in which the reference prints its members.
func (l loop) Map() *value.Map {
	m := value.NewMap(5)
	for _, key := range [...]string{"last", "length", "index", "revindex", "first"} {
		v, _ := l.Get(key)
		m.Set(key, v)
	}
	return m
}

// String is how the reference prints the variable.
func (l loop) String() string { return value.JavaString(l.Map()) }

// output collects what a template writes. The first value is kept as it is until something else is written, so that
// a template that writes one value only can give that value.
type output struct {
	buf    []byte
	single any
	state  uint8
}

const (
	outEmpty  = iota
	outSingle // single holds all that was written
	outText   // buf holds all that was written
)

func (o *output) flush() {
	if o.state == outSingle {
		o.buf = value.AppendPrint(o.buf, o.single)
		o.single = nil
	}
	o.state = outText
}

func (o *output) writeText(r *run, s string) error {
	o.flush()
	o.buf = append(o.buf, s...)
	return o.check(r, len(s))
}

// write prints a value; null writes nothing.
func (o *output) write(r *run, v any) error {
	switch {
	case v == nil:
		return nil
	case o.state == outEmpty:
		o.single, o.state = v, outSingle
		return nil
	}
	o.flush()
	before := len(o.buf)
	o.buf = value.AppendPrint(o.buf, v)
	return o.check(r, len(o.buf)-before)
}

func (o *output) check(r *run, n int) error {
	if len(o.buf) > r.lim.Output {
		return &limitError{"the result is larger than " + value.JavaString(int64(r.lim.Output)) + " bytes"}
	}
	return r.step(n / 64)
}

// value is what typed rendering gives.
func (o *output) value() any {
	switch o.state {
	case outEmpty:
		return nil
	case outSingle:
		return o.single
	}
	return string(o.buf)
}

func (o *output) text() string {
	switch o.state {
	case outEmpty:
		return ""
	case outSingle:
		return value.Print(o.single)
	}
	return string(o.buf)
}
