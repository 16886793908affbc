package expr

import (
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/value"
)

// node is an expression.
type node interface {
	eval(st *state) (any, error)
	at() int // its offset in the template
}

type base struct{ off int }

func (b base) at() int { return b.off }

type (
	literal struct {
		base
		value any
	}
	variable struct {
		base
		name string
	}
	listLiteral struct {
		base
		items []node
	}
	mapLiteral struct {
		base
		keys, values []node
	}
	ternary struct {
		base
		cond, yes, no node
	}
	filterNode struct {
		base
		in   node
		f    *filter
		args []node
	}
	testNode struct {
		base
		in     node
		name   string
		fn     testFunc
		negate bool
	}
	call struct {
		base
		f    *function
		args []node
	}
	macroCall struct {
		base
		name    string
		written []argument // until the macro is known
		macro   *macro
		args    []node
	}
	blockCall struct {
		base
		name node
	}
)

func (n *literal) eval(*state) (any, error) { return n.value, nil }

func (n *variable) eval(st *state) (any, error) {
	st.run.steps++
	if v, ok := st.lookup(n.name); ok {
		return v, nil
	}
	return nil, &missing{name: n.name, off: n.off, root: true, st: st, seen: st.scope}
}

func (n *listLiteral) eval(st *state) (any, error) {
	list := make([]any, len(n.items))
	for i, item := range n.items {
		v, err := item.eval(st)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	if err := st.run.weigh(list); err != nil {
		return nil, st.fail(n.off, err)
	}
	return list, nil
}

func (n *mapLiteral) eval(st *state) (any, error) {
	m := value.NewLiteral(len(n.keys))
	for i := range n.keys {
		k, err := n.keys[i].eval(st)
		if err != nil {
			return nil, err
		}
		v, err := n.values[i].eval(st)
		if err != nil {
			return nil, err
		}
		m.Set(value.JavaString(k), v)
	}
	if err := st.run.weigh(m); err != nil {
		return nil, st.fail(n.off, err)
	}
	return m, nil
}

func (n *ternary) eval(st *state) (any, error) {
	c, err := n.cond.eval(st)
	if err != nil {
		return nil, err
	}
	yes, ok := truth(c)
	switch {
	case !ok && c != nil:
		return nil, st.errorf(n.cond.at(), "the condition is %s, expected a boolean, a number or a string", value.TypeName(c))
	case yes:
		return n.yes.eval(st)
	}
	return n.no.eval(st)
}

func (n *filterNode) eval(st *state) (any, error) {
	in, err := n.in.eval(st)
	if err != nil {
		if _, undefined := err.(*missing); !undefined || n.f.name != "default" {
			return nil, err
		}
		in = nil
	}
	return n.apply(st, in)
}

func (n *filterNode) apply(st *state, in any) (any, error) {
	args, err := evalArgs(st, n.args)
	if err != nil {
		return nil, err
	}
	in = value.Normalize(in)
	if in == nil && !n.f.takesNull {
		return nil, st.run.step(1)
	}
	v, err := n.f.apply(&invocation{st: st, in: in, args: args, params: n.f.params})
	if err == nil {
		err = st.pay(v)
	}
	if err != nil {
		return nil, st.fail(n.off, named(n.f.name, err))
	}
	return v, nil
}

// named puts the name of a filter or function before its error, unless that has a place of its own or is a limit.
func named(name string, err error) error {
	var placed *EvalError
	var limit *limitError
	if errors.As(err, &placed) || errors.As(err, &limit) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// pay charges for the result of a filter or function.
func (st *state) pay(v any) error {
	switch x := v.(type) {
	case string:
		return st.run.text(len(x))
	case []any:
		return st.run.step(1 + len(x)/8)
	}
	return st.run.step(1)
}

// evalArgs evaluates bound arguments; those that were not given stay absent.
func evalArgs(st *state, nodes []node) ([]any, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	args := make([]any, len(nodes))
	for i, n := range nodes {
		if n == nil {
			args[i] = absent{}
			continue
		}
		v, err := n.eval(st)
		if err != nil {
			return nil, err
		}
		args[i] = value.Normalize(v)
	}
	return args, nil
}

// absent stands for an argument that was not given.
type absent struct{}

func (n *call) eval(st *state) (any, error) {
	args, err := evalArgs(st, n.args)
	if err != nil {
		return nil, err
	}
	inv := &invocation{st: st, args: args, params: n.f.params}
	v, err := n.f.call(inv)
	if err == nil {
		err = st.pay(v)
	}
	if err != nil {
		return nil, st.fail(n.off, named(n.f.name, st.harden(err)))
	}
	return v, nil
}

func (n *macroCall) eval(st *state) (any, error) {
	v, err := n.macro.invoke(st, n.off, n.args)
	if err == nil {
		err = st.pay(v)
	}
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return v, nil
}

func (n *blockCall) eval(st *state) (any, error) {
	name, err := n.name.eval(st)
	if err != nil {
		return nil, err
	}
	b := st.tmpl.blocks[value.JavaString(name)]
	if b == nil {
		return "", nil
	}
	var out output
	if err := st.block(n.off, b, &out); err != nil {
		return nil, err
	}
	return out.text(), nil
}

// harden turns a missing name into an error that ?? and default do not recover from, as the reference has it for the
// operands of arithmetic and comparisons and for what happens inside of functions.
func (st *state) harden(err error) error { return st.finish(err) }

// weigh pays for building a list or map. Since values are shared, a few steps could otherwise build what takes
// for ever to print: [x, x] of [x, x] of …
func (r *run) weigh(v any) error {
	w := weigher{left: r.lim.Steps - r.steps}
	if !w.add(v, 0) {
		if w.deep {
			return &limitError{fmt.Sprintf("a value nested deeper than %d levels would be built", maxValueDepth)}
		}
		return r.step(r.lim.Steps)
	}
	return r.step((r.lim.Steps - r.steps - w.left) / 8)
}

// maxValueDepth is how deep the lists and maps that a template builds may nest.
const maxValueDepth = 256

type weigher struct {
	left int
	deep bool
}

func (w *weigher) add(v any, depth int) bool {
	if w.left--; w.left < 0 {
		return false
	}
	if depth > maxValueDepth {
		w.deep = true
		return false
	}
	switch x := v.(type) {
	case []any:
		for _, item := range x {
			if !w.add(item, depth+1) {
				return false
			}
		}
	case *value.Map:
		for _, item := range x.All() {
			if !w.add(item, depth+1) {
				return false
			}
		}
	case value.Entry:
		return w.add(x.Value, depth+1)
	}
	return true
}
