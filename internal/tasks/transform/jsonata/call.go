package jsonata

import (
	"github.com/windhover-io/windhover/internal/value"
)

// tailCall is what a function gives whose last deed is to call another one: that is called in its place.
type tailCall struct {
	f     *function
	args  []any
	input any
}

// call evaluates a call; with chained, first precedes the arguments.
func (e *evaluation) call(n *node, input any, s *scope, first any, chained bool) (any, error) {
	target, err := e.eval(n.body, input, s)
	if err != nil {
		return nil, err
	}
	f, ok := target.(*function)
	if !ok {
		if n.body.op == opPath && defined(s.get(n.body.args[0].text)) {
			return nil, failAt(n.at, "T1005", "$%s is a function, %s is none", n.body.args[0].text, n.body.args[0].text)
		}
		if n.op == opPartial {
			return nil, failAt(n.at, "T1008", "what is called is no function")
		}
		return nil, failAt(n.at, "T1006", "what is called is no function")
	}
	var args []any
	if chained {
		args = append(args, first)
	}
	for _, x := range n.args {
		v, err := e.eval(x, input, s)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	if n.op == opPartial {
		return e.partial(n, f, args), nil
	}
	if n.tail && f.lambda != nil && !chained {
		return &tailCall{f, args, input}, nil
	}
	v, err := e.apply(f, args, input)
	if x, ok := err.(*Error); ok && x.At < 0 { //nolint:errorlint // it is this one, unwrapped
		placed := *x
		placed.At = n.at
		err = &placed
	}
	return v, err
}

// partial is a function of the arguments that are left open.
func (e *evaluation) partial(n *node, f *function, given []any) *function {
	holes := 0
	for _, x := range n.args {
		if x.op == opHole {
			holes++
		}
	}
	return &function{arity: holes, call: func(e *evaluation, args []any, input any) (any, error) {
		all := append([]any{}, given...)
		skip := len(all) - len(n.args)
		for i, x := range n.args {
			if x.op == opHole && len(args) > 0 {
				all[skip+i], args = args[0], args[1:]
			}
		}
		return e.apply(f, all, input)
	}}
}

// apply calls a function.
func (e *evaluation) apply(f *function, args []any, input any) (any, error) {
	for {
		v, err := e.applyOnce(f, args, input)
		if err != nil {
			return nil, err
		}
		next, ok := v.(*tailCall)
		if !ok {
			return v, nil
		}
		f, args, input = next.f, next.args, next.input
	}
}

func (e *evaluation) applyOnce(f *function, args []any, input any) (any, error) {
	for _, a := range args {
		if list, ok := a.(*array); ok {
			if err := e.spend(len(list.items)); err != nil {
				return nil, err
			}
		}
	}
	if f.sig != nil {
		context := input
		if f.lambda != nil {
			context = f.input
		}
		if a, ok := context.(*array); ok && a.wrapper {
			context = a.items[0]
		}
		var err error
		if args, err = f.sig.validate(f.name, args, context); err != nil {
			return nil, err
		}
	}
	if f.call != nil {
		return f.call(e, args, input)
	}
	s := f.scope.child()
	for i, name := range f.lambda.params {
		s.vars[name] = undefined
		if i < len(args) {
			s.vars[name] = args[i]
		}
	}
	return e.eval(f.lambda.body, f.input, s)
}

// hand calls a function that was given to another one with as many arguments as it takes.
func (e *evaluation) hand(f *function, args ...any) (any, error) {
	return e.apply(f, args[:min(len(args), max(f.arity, 1))], undefined)
}

// transformer is a function that copies its argument and changes parts of the copy.
func (e *evaluation) transformer(n *node, s *scope) *function {
	sig, err := parseSignature("<(oa):o>")
	if err != nil {
		sig = nil // it is a constant
	}
	return &function{arity: 1, sig: sig, call: func(e *evaluation, args []any, _ any) (any, error) {
		if len(args) == 0 || !defined(args[0]) {
			return undefined, nil
		}
		result := clone(args[0])
		places, err := e.eval(n.args[0], result, s)
		if err != nil || !defined(places) {
			return result, err
		}
		for _, place := range asArray(places).items {
			m, ok := place.(*value.Map)
			if !ok {
				continue
			}
			if err := e.change(n, m, s); err != nil {
				return nil, err
			}
		}
		return result, nil
	}}
}

func (e *evaluation) change(n *node, m *value.Map, s *scope) error {
	update, err := e.eval(n.args[1], m, s)
	if err != nil {
		return err
	}
	if defined(update) {
		u, ok := update.(*value.Map)
		if !ok {
			return failAt(n.args[1].at, "T2011", "the update must be an object, not a %s", typeName(update))
		}
		for k, v := range u.All() {
			m.Set(k, v)
		}
	}
	if len(n.args) < 3 {
		return nil
	}
	remove, err := e.eval(n.args[2], m, s)
	if err != nil || !defined(remove) {
		return err
	}
	for _, k := range asArray(remove).items {
		name, ok := k.(string)
		if !ok {
			return failAt(n.args[2].at, "T2012", "what is deleted must be named by strings")
		}
		m.Delete(name)
	}
	return nil
}

func clone(v any) any {
	switch x := v.(type) {
	case *array:
		out := &array{items: make([]any, len(x.items)), sequence: x.sequence, keep: x.keep}
		for i, item := range x.items {
			out.items[i] = clone(item)
		}
		return out
	case *value.Map:
		m := value.NewMap(x.Len())
		for k, item := range x.All() {
			m.Set(k, clone(item))
		}
		return m
	}
	return v
}
