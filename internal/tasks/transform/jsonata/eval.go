// Package jsonata evaluates expressions of JSONata, the query and transformation language for JSON, version 2.2 of
// jsonata.org. An evaluation ends when its context does, and may neither nest nor grow without a bound.
package jsonata

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// maxSequence is how many items a range or a sequence of ranges may have.
const maxSequence = 1e7

// Expression is one that was compiled. It may be evaluated at once by several.
type Expression struct {
	root    *node
	parents bool
}

// Compile reads an expression. It fails with an *Error.
func Compile(text string) (*Expression, error) {
	root, parents, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &Expression{root, parents}, nil
}

// Evaluate gives what the expression makes of an input, nil for nothing. It fails with an *Error, or with that of the context.
// Depth bounds how deep evaluations nest.
func (x *Expression) Evaluate(ctx context.Context, input any, depth int) (result any, err error) {
	defer func() { // what calls may have no one above who would catch it
		if p := recover(); p != nil {
			err = fail("D0000", "the evaluation went wrong: %v", p)
		}
	}()
	e := &evaluation{ctx: ctx, maxDepth: depth, now: time.Now(), parents: x.parents}
	in := inside(input)
	if a, ok := in.(*array); ok {
		w := newSequence(a)
		w.wrapper = true
		in = w
	}
	root := &scope{vars: map[string]any{"$": in}, builtins: true}
	if a, ok := in.(*array); ok {
		root.vars["$"] = a.items[0]
	}
	v, err := e.eval(x.root, in, root)
	if err != nil {
		return nil, err
	}
	return outside(v), nil
}

type evaluation struct {
	ctx      context.Context
	depth    int
	maxDepth int
	left     int // of what may be done until the context is looked at
	now      time.Time
	parents  bool
}

// spend counts what is done, an item that is looked at as one, and looks at the context every now and then.
func (e *evaluation) spend(n int) error {
	if e.left -= n; e.left > 0 {
		return nil
	}
	e.left = 1 << 16
	return e.ctx.Err()
}

// scope holds the variables of a block or a function.
type scope struct {
	vars     map[string]any
	up       *scope
	builtins bool
	at       *tuple // where in a path an expression is evaluated
}

func (s *scope) get(name string) any {
	for ; s != nil; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v
		}
		if s.builtins {
			if f := builtins[name]; f != nil {
				return f
			}
		}
	}
	return undefined
}

func (s *scope) child() *scope { return &scope{vars: map[string]any{}, up: s} }

// tuple is an item on its way through a path: what it is, what it came from, and the variables that were bound on the way.
type tuple struct {
	value any
	from  *tuple
	names []string
	vars  []any
}

func (t *tuple) with(name string, v any) {
	t.names = append(t.names[:len(t.names):len(t.names)], name)
	t.vars = append(t.vars[:len(t.vars):len(t.vars)], v)
}

// in is the scope in which an expression about an item is evaluated.
func (e *evaluation) in(s *scope, t *tuple) *scope {
	if len(t.names) == 0 && !e.parents {
		return s
	}
	c := s.child()
	for i, name := range t.names {
		c.vars[name] = t.vars[i]
	}
	c.at = t
	return c
}

func (s *scope) tuple() *tuple {
	for ; s != nil; s = s.up {
		if s.at != nil {
			return s.at
		}
	}
	return nil
}

// eval evaluates a node, what groups it, and makes one thing of a sequence of one.
func (e *evaluation) eval(n *node, input any, s *scope) (any, error) {
	if e.depth++; e.depth > e.maxDepth {
		return nil, failAt(n.at, "D1011", "the expression nests deeper than maxDepth, which is %d: a function that calls itself may never end", e.maxDepth)
	}
	defer func() { e.depth-- }()
	if err := e.spend(16); err != nil {
		return nil, err
	}
	v, err := e.node(n, input, s)
	if err != nil {
		return nil, err
	}
	if n.op != opPath {
		for _, st := range n.stages {
			if v, err = e.filter(st.filter, v, s); err != nil {
				return nil, err
			}
		}
		if n.group != nil {
			if v, err = e.object(n.group, e.tuples(v, s), s); err != nil {
				return nil, err
			}
		}
	}
	if a, ok := v.(*array); ok && a.sequence {
		a.keep = a.keep || n.keep && n.op != opPath
		switch {
		case len(a.items) == 0:
			return undefined, nil
		case len(a.items) == 1 && !a.keep && !a.wrapper:
			return a.items[0], nil
		}
	}
	if n.keep && n.op != opPath && defined(v) {
		if _, ok := v.(*array); !ok && len(n.stages) == 0 {
			return &array{items: []any{v}, sequence: true, keep: true}, nil
		}
	}
	return v, nil
}

func (e *evaluation) node(n *node, input any, s *scope) (any, error) {
	switch n.op {
	case opLiteral:
		return n.value, nil
	case opName:
		return lookup(input, n.text), nil
	case opVariable:
		if n.text == "" {
			if a, ok := input.(*array); ok && a.wrapper {
				return a.items[0], nil
			}
			return input, nil
		}
		return s.get(n.text), nil
	case opWildcard:
		return wildcard(input), nil
	case opDescendant:
		out := newSequence()
		descend(input, out)
		return out, nil
	case opParent:
		if t := s.tuple(); t != nil && t.from != nil {
			return t.from.value, nil
		}
		return nil, failAt(n.at, "S0217", "there is no parent here")
	case opRegex:
		return regexFunction(n.value), nil
	case opPath:
		return e.path(n, input, s)
	case opNegate:
		v, err := e.eval(n.args[0], input, s)
		if f, ok := v.(float64); ok {
			return -f, err
		} else if err == nil && defined(v) {
			err = failAt(n.at, "D1002", "a %s cannot be negated", typeName(v))
		}
		return undefined, err
	case opArray:
		return e.array(n, input, s)
	case opObject:
		return e.object(n, e.tuples(input, s), s)
	case opLambda:
		return &function{lambda: n, sig: n.sig, scope: s, input: input, arity: len(n.params)}, nil
	case opCall, opPartial:
		return e.call(n, input, s, undefined, false)
	case opBlock:
		c := s.child()
		var v any = undefined
		for _, x := range n.args {
			var err error
			if v, err = e.eval(x, input, c); err != nil {
				return nil, err
			}
		}
		return v, nil
	case opTransform:
		return e.transformer(n, s), nil
	case opHole:
		return undefined, nil
	case opRange:
		out := newSequence()
		return out, e.rangeOf(n, input, s, out)
	}
	return e.operator(n, input, s)
}

// tuples are the items of a value as the beginning of a path, or of an object; they come from where the value does.
func (e *evaluation) tuples(v any, s *scope) []*tuple {
	var from *tuple
	if t := s.tuple(); t != nil {
		from = t.from
	}
	a, ok := v.(*array)
	if !ok {
		return []*tuple{{value: v, from: from}}
	}
	out := make([]*tuple, len(a.items))
	for i, item := range a.items {
		out[i] = &tuple{value: item, from: from}
	}
	return out
}

func lookup(v any, name string) any {
	switch x := v.(type) {
	case *value.Map:
		if found, ok := x.Get(name); ok {
			return found
		}
	case *array:
		out := newSequence()
		for _, item := range x.items {
			out.push(lookup(item, name))
		}
		return out
	}
	return undefined
}

func wildcard(v any) any {
	out := newSequence()
	if a, ok := v.(*array); ok && a.wrapper {
		v = a.items[0]
	}
	switch x := v.(type) {
	case *value.Map:
		for _, item := range x.All() {
			flatten(item, out)
		}
	case *array:
		for _, item := range x.items {
			flatten(item, out)
		}
	}
	return out
}

func flatten(v any, out *array) {
	a, ok := v.(*array)
	if !ok {
		out.push(v)
		return
	}
	for _, item := range a.items {
		flatten(item, out)
	}
}

func descend(v any, out *array) {
	switch x := v.(type) {
	case *array:
		for _, item := range x.items {
			descend(item, out)
		}
	case *value.Map:
		out.items = append(out.items, x)
		for _, item := range x.All() {
			descend(item, out)
		}
	default:
		out.push(v)
	}
}

// array makes a list. What stands in brackets in it is one item, other lists are taken apart.
func (e *evaluation) array(n *node, input any, s *scope) (any, error) {
	out := &array{items: []any{}, cons: n.cons}
	for _, x := range n.args {
		if x.op == opRange {
			if err := e.rangeOf(x, input, s, out); err != nil {
				return nil, err
			}
			continue
		}
		v, err := e.eval(x, input, s)
		if err != nil {
			return nil, err
		}
		if x.op == opArray && len(x.stages) == 0 {
			out.items = append(out.items, v)
		} else {
			out.push(v)
		}
	}
	return out, nil
}

func (e *evaluation) rangeOf(n *node, input any, s *scope, out *array) error {
	var ends [2]float64
	for i, x := range n.args {
		v, err := e.eval(x, input, s)
		if err != nil {
			return err
		}
		f, ok := v.(float64)
		if defined(v) && (!ok || f != math.Trunc(f)) {
			return failAt(n.at, "T200"+strconv.Itoa(3+i), "the ends of a range must be whole numbers")
		}
		if !defined(v) {
			f = math.NaN()
		}
		ends[i] = f
	}
	if n := ends[1] - ends[0] + 1; n > maxSequence {
		return fail("D2014", "the range has %.0f numbers, at most %.0f are allowed", n, maxSequence)
	}
	for f := ends[0]; f <= ends[1]; f++ {
		out.items = append(out.items, f)
		if err := e.spend(1); err != nil {
			return err
		}
		if len(out.items) > maxSequence {
			return fail("D2014", "the list has more than %.0f items", maxSequence)
		}
	}
	return nil
}
