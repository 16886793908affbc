package jsonata

import (
	"math"
	"slices"

	"github.com/windhover-io/windhover/internal/value"
)

// path goes from step to step: each is evaluated for each item that the one before has given.
func (e *evaluation) path(n *node, input any, s *scope) (any, error) {
	items := e.begin(n, input, s)
	keep := n.keep
	var made any // what a list that is made as the first step is, as a whole
	for i, st := range n.args {
		keep = keep || st.keep
		if i == 0 && st.cons {
			v, err := e.eval(st, input, s)
			if err != nil {
				return nil, err
			}
			made = v
			items = e.tuples(v, s)
			continue
		}
		next, whole, err := e.step(st, items, s, i == len(n.args)-1)
		if err != nil {
			return nil, err
		}
		items, made = next, whole
		if len(items) == 0 {
			break
		}
	}
	if n.group != nil {
		return e.object(n.group, items, s)
	}
	out, ok := made.(*array)
	if !ok {
		out = newSequence()
		for _, t := range items {
			out.items = append(out.items, t.value)
		}
	}
	if keep {
		if !out.sequence {
			if out.cons {
				out = newSequence(out)
			} else {
				out = newSequence(out.items...)
			}
		}
		out.keep = true
	}
	return out, nil
}

// begin is what the first step is evaluated for: the input, or each of its items.
func (e *evaluation) begin(n *node, input any, s *scope) []*tuple {
	if n.args[0].op != opVariable {
		return e.tuples(input, s)
	}
	t := &tuple{value: input}
	if from := s.tuple(); from != nil {
		t.from = from.from
	}
	return []*tuple{t}
}

// step evaluates a step for items. Where it is the last one and gives one list, that is what the path gives, as it is.
func (e *evaluation) step(st *node, items []*tuple, s *scope, isLast bool) (out []*tuple, whole any, err error) {
	if st.op == opSort {
		if out, err = e.sort(st, items, s); err != nil {
			return nil, nil, err
		}
		if st.index != "" {
			number(out, st.index)
		}
		out, err = e.stages(st, out, s)
		return out, nil, err
	}
	bound := st.binds()
	var results []any
	for _, t := range items {
		found, single, err := e.stepFor(st, t, s)
		if err != nil {
			return nil, nil, err
		}
		results = append(results, single)
		out = append(out, found...)
	}
	if bound {
		out, err = e.stages(st, out, s)
		return out, nil, err
	}
	if isLast && len(results) == 1 {
		if a, ok := results[0].(*array); ok && !a.sequence {
			return out, a, nil
		}
	}
	return out, nil, nil
}

// stepFor evaluates a step for an item; single is what it gives, before it is taken apart.
func (e *evaluation) stepFor(st *node, t *tuple, s *scope) (out []*tuple, single any, err error) {
	scope := e.in(s, t)
	if st.op == opParent {
		if t.from == nil {
			return nil, nil, failAt(st.at, "S0217", "there is no parent here")
		}
		up := *t.from
		up.names, up.vars = t.names, t.vars
		single, out = up.value, []*tuple{&up}
		if len(st.stages) == 0 {
			return out, single, nil
		}
		out, err = e.stages(st, out, s)
		return out, nil, err
	}
	bare := *st
	bound := st.binds()
	late := bound || e.parents // predicates look at items as parts of the path
	if late {
		bare.stages = nil
	}
	if single, err = e.eval(&bare, t.value, scope); err != nil || !defined(single) {
		return nil, undefined, err
	}
	found := []any{single}
	if a, ok := single.(*array); ok && (!a.cons || a.sequence || e.parents || len(t.names) > 0) {
		found = a.items
	}
	if err := e.spend(len(found)); err != nil {
		return nil, nil, err
	}
	for i, v := range found {
		next := &tuple{value: v, from: t, names: t.names, vars: t.vars}
		if st.focus != "" {
			next.value, next.from = t.value, t.from
			next.with(st.focus, v)
		}
		if st.index != "" {
			next.with(st.index, float64(i))
		}
		out = append(out, next)
	}
	if late && !bound && len(st.stages) > 0 {
		out, err = e.stages(st, out, s)
		single = undefined
		if st.keep || len(out) > 0 {
			seq := newSequence()
			for _, t := range out {
				seq.items = append(seq.items, t.value)
			}
			seq.keep = st.keep
			single = seq
		}
	}
	return out, single, err
}

// binds tells whether a step has variables for its items.
func (n *node) binds() bool {
	return n.focus != "" || n.index != "" || slices.ContainsFunc(n.stages, func(x stage) bool { return x.index != "" })
}

// number binds a variable to the position of each item.
func number(items []*tuple, name string) {
	for i, t := range items {
		t.with(name, float64(i))
	}
}

// stages are the predicates of a step, for items that know where they come from.
func (e *evaluation) stages(st *node, items []*tuple, s *scope) ([]*tuple, error) {
	for _, x := range st.stages {
		if x.filter == nil {
			number(items, x.index)
			continue
		}
		var kept []*tuple
		for i, t := range items {
			ok, err := e.holds(x.filter, t.value, i, len(items), e.in(s, t))
			if err != nil {
				return nil, err
			}
			if ok {
				kept = append(kept, t)
			}
		}
		items = kept
	}
	return items, nil
}

// filter keeps the items of a value that a predicate holds for.
func (e *evaluation) filter(predicate *node, v any, s *scope) (any, error) {
	if !defined(v) {
		return undefined, nil
	}
	items := asArray(v).items
	out := newSequence()
	if f, ok := predicate.value.(float64); ok && predicate.op == opLiteral {
		if i := position(f, len(items)); i >= 0 {
			out.push(items[i])
			if a, ok := items[i].(*array); ok && len(items) > 0 {
				return a, nil
			}
		}
		return out, nil
	}
	for i, item := range items {
		ok, err := e.holds(predicate, item, i, len(items), s)
		if err != nil {
			return nil, err
		}
		if ok {
			out.items = append(out.items, item)
		}
	}
	return out, nil
}

// position is that of an item that is counted from 0, or backwards from -1; -1 where there is none.
func position(f float64, n int) int {
	f = math.Floor(f)
	if f < 0 {
		f += float64(n)
	}
	if f < 0 || f >= float64(n) {
		return -1
	}
	return int(f)
}

// holds tells whether a predicate keeps the item at a position.
func (e *evaluation) holds(predicate *node, item any, at, n int, s *scope) (bool, error) {
	v, err := e.eval(predicate, item, s)
	if err != nil {
		return false, err
	}
	positions := []any{v}
	if a, ok := v.(*array); ok {
		positions = a.items
	}
	if len(positions) > 0 && !slices.ContainsFunc(positions, func(v any) bool { return !isNumber(v) }) {
		for _, p := range positions {
			f, _ := p.(float64)
			if position(f, n) == at {
				return true, nil
			}
		}
		return false, nil
	}
	return truth(v), nil
}

func (e *evaluation) sort(st *node, items []*tuple, s *scope) ([]*tuple, error) {
	keys := make(map[*tuple][]any, len(items))
	for _, t := range items {
		for _, x := range st.terms {
			v, err := e.eval(x.expr, t.value, e.in(s, t))
			if err != nil {
				return nil, err
			}
			keys[t] = append(keys[t], v)
		}
	}
	var failed error
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b *tuple) int {
		for i, x := range st.terms {
			order, err := orderOf(st, keys[a][i], keys[b][i], x.descending)
			if err != nil {
				failed = err
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	return sorted, failed
}

// orderOf puts what is not there last.
func orderOf(st *node, a, b any, descending bool) (int, error) {
	switch {
	case !defined(a) && !defined(b):
		return 0, nil
	case !defined(a):
		return 1, nil
	case !defined(b):
		return -1, nil
	}
	for _, v := range []any{a, b} {
		switch v.(type) {
		case string, float64:
		default:
			return 0, failAt(st.at, "T2008", "what is sorted by must be a number or a string, not a %s", typeName(v))
		}
	}
	if typeName(a) != typeName(b) {
		return 0, failAt(st.at, "T2007", "numbers and strings cannot be sorted together")
	}
	less, err := compare(&node{text: "<", at: st.at}, a, b)
	if err != nil {
		return 0, err
	}
	order := 1
	if less == true {
		order = -1
	} else if equal(a, b) {
		order = 0
	}
	if descending {
		order = -order
	}
	return order, nil
}

// gathered is what has one key in an object that groups.
type gathered struct {
	items []*tuple
	pair  int
}

// object makes an object of items: those that give the same key are a group, and its value is made of all of them.
func (e *evaluation) object(n *node, items []*tuple, s *scope) (any, error) {
	if len(items) == 0 {
		items = []*tuple{{value: undefined}}
	}
	groups := map[string]*gathered{}
	var keys []string
	for _, t := range items {
		for i, p := range n.pairs {
			k, err := e.eval(p.key, t.value, e.in(s, t))
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			if !ok {
				if defined(k) {
					return nil, failAt(p.key.at, "T1003", "the key of an object must be a string, not a %s", typeName(k))
				}
				continue
			}
			g := groups[key]
			if g == nil {
				g = &gathered{pair: i}
				groups[key] = g
				keys = append(keys, key)
			} else if g.pair != i {
				return nil, failAt(p.key.at, "D1009", "two expressions give the key %q", key)
			}
			g.items = append(g.items, t)
		}
	}
	out := value.NewMap(len(keys))
	for _, key := range keys {
		g := groups[key]
		all := merge(g.items)
		v, err := e.eval(n.pairs[g.pair].value, all.value, e.in(s, all))
		if err != nil {
			return nil, err
		}
		if defined(v) {
			out.Set(key, v)
		}
	}
	return out, nil
}

// merge is a group as one item; its variables have the values of all.
func merge(items []*tuple) *tuple {
	if len(items) == 1 {
		return items[0]
	}
	all := &tuple{from: items[0].from, names: items[0].names}
	seq := newSequence()
	for _, t := range items {
		seq.push(t.value)
	}
	all.value = seq
	for i := range all.names {
		vars := newSequence()
		for _, t := range items {
			vars.push(t.vars[i])
		}
		all.vars = append(all.vars, vars)
	}
	return all
}
