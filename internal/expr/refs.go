package expr

import (
	"slices"

	"github.com/windhover-io/windhover/internal/value"
)

// Ref is a variable that a template reads, as far as it can be seen without evaluating it.
type Ref struct {
	Name     string   // the root variable
	Path     []string // the constant attributes after it, up to the first that is computed
	Whole    bool     // Path is the whole path: nothing computed follows
	Optional bool     // a missing value is dealt with: by ??, ???, default or "is defined"
	// Keys are the computed attributes that follow Path, as far as each of them is a variable with constant attributes:
	// outputs.a[parent.taskrun.value] has the one key [parent taskrun value].
	Keys [][]string
	// CurrentEach is set for the argument of currentEachOutput.
	CurrentEach  bool
	Line, Column int
}

// CallRef is a function that asks the Env, where a template calls it.
type CallRef struct {
	Name         string
	Args         []any // the arguments that are constant, in the order of the parameters; nil for others and for absent ones
	Line, Column int
}

// Refs lists the root variables that the template reads, in the order of the text. Variables that the template sets
// itself (set, for, macro arguments) are left out where they are known to be set.
func (t *Template) Refs() []Ref {
	w := &walker{t: t}
	w.template()
	return w.refs
}

// Calls lists the calls of functions that ask the Env, in the order of the text.
func (t *Template) Calls() []CallRef {
	w := &walker{t: t}
	w.template()
	return w.calls
}

// ContextCalls lists the names of the functions that a template calls and that read variables without being given them:
// render, renderOnce, printContext, fetchContext, currentEachOutput, tasksWithState, env. They are sorted.
func (t *Template) ContextCalls() []string {
	w := &walker{t: t}
	w.template()
	slices.Sort(w.context)
	return slices.Compact(w.context)
}

var contextCalls = []string{"render", "renderOnce", "printContext", "fetchContext", "currentEachOutput", "tasksWithState", "env"}

// walker goes through a template as evaluation would, taking every branch.
type walker struct {
	t        *Template
	refs     []Ref
	calls    []CallRef
	local    []string // variables that are set, innermost last
	optional int
	context  []string // functions of contextCalls
	each     bool     // the node is the argument of currentEachOutput
}

func (w *walker) template() {
	w.body(w.t.body)
	names := make([]string, 0, len(w.t.macros))
	for name := range w.t.macros {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m := w.t.macros[name]
		for _, def := range m.defaults {
			w.macroParts(func() { w.node(def) })
		}
		w.macroParts(func() { w.body(m.body) })
	}
	slices.SortStableFunc(w.refs, func(a, b Ref) int { return order(a.Line, a.Column, b.Line, b.Column) })
	slices.SortStableFunc(w.calls, func(a, b CallRef) int { return order(a.Line, a.Column, b.Line, b.Column) })
}

func order(line, column, line2, column2 int) int {
	if line != line2 {
		return line - line2
	}
	return column - column2
}

// macroParts visits what belongs to a macro. It reads no variables of the Env, but may call functions.
func (w *walker) macroParts(visit func()) {
	refs := w.refs
	visit()
	w.refs = refs
}

func (w *walker) body(body []stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *printStmt:
			w.node(s.value)
		case *setStmt:
			w.node(s.value)
			w.local = append(w.local, s.name)
		case *ifStmt:
			for _, b := range s.branches {
				w.node(b.cond)
				w.body(b.body)
			}
			w.body(s.otherwise)
		case *forStmt:
			w.node(s.over)
			outer := len(w.local)
			w.local = append(w.local, s.name, "loop")
			w.body(s.body)
			w.local = w.local[:outer]
			w.body(s.otherwise)
		case *blockStmt:
			w.body(s.body)
		case *filterStmt:
			w.body(s.body)
			for i := range s.filters {
				w.nodes(s.filters[i].args)
			}
		}
	}
}

func (w *walker) nodes(list []node) {
	for _, n := range list {
		w.node(n)
	}
}

func (w *walker) forgiving(n node) {
	w.optional++
	w.node(n)
	w.optional--
}

func (w *walker) node(n node) {
	each := w.each
	w.each = false
	switch n := n.(type) {
	case nil, *literal:
	case *variable:
		w.ref(n, nil, true, nil, each)
	case *attribute:
		w.attribute(n, each)
	case *listLiteral:
		w.nodes(n.items)
	case *mapLiteral:
		w.nodes(n.keys)
		w.nodes(n.values)
	case *ternary:
		w.nodes([]node{n.cond, n.yes, n.no})
	case *filterNode:
		if n.f.name == "default" {
			w.forgiving(n.in)
		} else {
			w.node(n.in)
		}
		w.nodes(n.args)
	case *testNode:
		if n.name == "defined" {
			w.forgiving(n.in)
		} else {
			w.node(n.in)
		}
	case *coalesce:
		w.forgiving(n.left)
		w.node(n.right)
	case *call:
		w.call(n)
	case *macroCall:
		w.nodes(n.args)
	case *blockCall:
		w.node(n.name)
	case *not:
		w.node(n.operand)
	case *sign:
		w.node(n.operand)
	default:
		if b, ok := n.(binaryNode); ok {
			left, right := b.operands()
			w.node(left)
			w.node(right)
		}
	}
}

// binaryNode is an operator of two operands without a meaning of its own here.
type binaryNode interface{ operands() (left, right node) }

func (n *logic) operands() (node, node)      { return n.left, n.right }
func (n *equality) operands() (node, node)   { return n.left, n.right }
func (n *comparison) operands() (node, node) { return n.left, n.right }
func (n *arithmetic) operands() (node, node) { return n.left, n.right }
func (n *concat) operands() (node, node)     { return n.left, n.right }
func (n *rangeOp) operands() (node, node)    { return n.left, n.right }
func (n *membership) operands() (node, node) { return n.left, n.right }

// attribute follows a chain of attributes back to its variable.
func (w *walker) attribute(n *attribute, each bool) {
	var path []string
	var keys [][]string
	whole := true
	var target node = n
	for {
		a, ok := target.(*attribute)
		if !ok {
			break
		}
		if a.key != nil || a.method {
			w.node(a.key)
			w.nodes(a.args)
			if key := constantPath(a.key); key == nil || a.method {
				keys = nil
			} else if len(path) > 0 {
				keys = [][]string{key} // what came after it follows a constant step
			} else {
				keys = append(keys, key)
			}
			path, whole = nil, false // only what comes before a computed step is known
		} else {
			path = append(path, a.name)
		}
		target = a.target
	}
	slices.Reverse(path)
	slices.Reverse(keys)
	if v, ok := target.(*variable); ok {
		w.ref(v, path, whole, keys, each)
		return
	}
	w.node(target)
}

// constantPath is a variable with its constant attributes, nil for any other expression.
func constantPath(n node) []string {
	switch n := n.(type) {
	case *variable:
		return []string{n.name}
	case *attribute:
		base := constantPath(n.target)
		if base == nil || n.method {
			return nil
		}
		if n.key == nil {
			return append(base, n.name)
		}
		if l, ok := n.key.(*literal); ok {
			return append(base, value.Print(l.value))
		}
	}
	return nil
}

func (w *walker) ref(v *variable, path []string, whole bool, keys [][]string, each bool) {
	if slices.Contains(w.local, v.name) {
		return
	}
	line, column := position(w.t.src, v.off)
	w.refs = append(w.refs, Ref{
		Name: v.name, Path: path, Whole: whole, Optional: w.optional > 0, Keys: keys, CurrentEach: each, Line: line, Column: column,
	})
}

func (w *walker) call(n *call) {
	if slices.Contains(contextCalls, n.f.name) {
		w.context = append(w.context, n.f.name)
	}
	for i, arg := range n.args {
		w.each = i == 0 && n.f.name == "currentEachOutput"
		w.node(arg)
	}
	w.each = false
	if !n.f.world {
		return
	}
	c := CallRef{Name: n.f.name, Args: make([]any, len(n.args))}
	c.Line, c.Column = position(w.t.src, n.off)
	for i, arg := range n.args {
		if l, ok := arg.(*literal); ok {
			c.Args[i] = l.value
		}
	}
	w.calls = append(w.calls, c)
}
