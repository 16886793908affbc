package jsonata

import (
	"slices"

	"github.com/windhover-io/windhover/internal/value"
)

var higherFunctions = table{
	"map": {"<af>", func(e *evaluation, a []any) (any, error) {
		return e.each(a, func(out *array, _, v any) { out.items = append(out.items, v) })
	}},
	"filter": {"<af>", func(e *evaluation, a []any) (any, error) {
		return e.each(a, func(out *array, item, v any) {
			if truth(v) {
				out.items = append(out.items, item)
			}
		})
	}},
	"single": {"<af?>", single1},
	"reduce": {"<afj?:j>", reduce},
	"each":   {"<o-f:a>", eachEntry},
	"sift":   {"<o-f?:o>", sift},
	"sort":   {"<af?:a>", sortList},
}

// each calls a function for each item of a list: with it, its position and the list.
func (e *evaluation) each(a []any, take func(out *array, item, v any)) (any, error) {
	list, ok := a[0].(*array)
	f, is := a[1].(*function)
	if !ok || !is {
		return undefined, nil
	}
	out := newSequence()
	for i, item := range list.items {
		v, err := e.hand(f, item, float64(i), list)
		if err != nil {
			return nil, err
		}
		if defined(v) {
			take(out, item, v)
		}
	}
	return collapsed(out), nil
}

func single1(e *evaluation, a []any) (any, error) {
	list, ok := a[0].(*array)
	if !ok {
		return undefined, nil
	}
	f, hasFunction := a[1].(*function)
	var found []any
	for i, item := range list.items {
		var v any = true
		if hasFunction {
			var err error
			if v, err = e.hand(f, item, float64(i), list); err != nil {
				return nil, err
			}
		}
		if truth(v) {
			found = append(found, item)
		}
	}
	switch len(found) {
	case 0:
		return nil, fail("D3139", "$single finds no item")
	case 1:
		return found[0], nil
	}
	return nil, fail("D3138", "$single finds more than one item")
}

func reduce(e *evaluation, a []any) (any, error) {
	list, ok := a[0].(*array)
	f, is := a[1].(*function)
	if !ok || !is {
		return undefined, nil
	}
	if f.arity < 2 {
		return nil, fail("D3050", "the function of $reduce must take two arguments")
	}
	result, from := a[2], 0
	if !defined(result) && len(list.items) > 0 {
		result, from = list.items[0], 1
	}
	for i := from; i < len(list.items); i++ {
		var err error
		if result, err = e.hand(f, result, list.items[i], float64(i), list); err != nil {
			return nil, err
		}
	}
	return result, nil
}

func eachEntry(e *evaluation, a []any) (any, error) {
	m, ok := a[0].(*value.Map)
	f, is := a[1].(*function)
	if !ok || !is {
		return undefined, nil
	}
	out := newSequence()
	for k, item := range m.All() {
		v, err := e.hand(f, item, k, m)
		if err != nil {
			return nil, err
		}
		if defined(v) {
			out.items = append(out.items, v)
		}
	}
	return collapsed(out), nil
}

func sift(e *evaluation, a []any) (any, error) {
	m, ok := a[0].(*value.Map)
	f, is := a[1].(*function)
	if !ok || !is {
		return undefined, nil
	}
	out := value.NewMap(0)
	for k, item := range m.All() {
		v, err := e.hand(f, item, k, m)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			out.Set(k, item)
		}
	}
	if out.Len() == 0 {
		return undefined, nil
	}
	return out, nil
}

// sortList sorts numbers or strings, or by a function that says whether two items are to change places.
func sortList(e *evaluation, a []any) (any, error) {
	list, ok := a[0].(*array)
	if !ok {
		return undefined, nil
	}
	if len(list.items) <= 1 {
		return list, nil
	}
	f, hasFunction := a[1].(*function)
	if !hasFunction {
		for _, item := range list.items {
			if typeName(item) != typeName(list.items[0]) || typeName(item) != "number" && typeName(item) != "string" {
				return nil, fail("D3070", "$sort without a function sorts numbers or strings")
			}
		}
	}
	var failed error
	after := func(x, y any) bool {
		if failed != nil {
			return false
		}
		var v any
		if hasFunction {
			v, failed = e.hand(f, x, y)
		} else {
			v, failed = compare(&node{text: ">", at: -1}, x, y)
		}
		return failed == nil && truth(v)
	}
	sorted := slices.Clone(list.items)
	slices.SortStableFunc(sorted, func(x, y any) int {
		if after(x, y) {
			return 1
		}
		if after(y, x) {
			return -1
		}
		return 0
	})
	return &array{items: sorted}, failed
}
