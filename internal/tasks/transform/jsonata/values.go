package jsonata

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"

	"github.com/windhover-io/windhover/internal/value"
)

// nothing is what an expression gives that finds nothing. It is not null.
type nothing struct{}

// undefined is the only value of its type.
var undefined = nothing{}

func defined(v any) bool { return v != any(undefined) }

// array is a list. A sequence is one that was gathered on the way: it is what it holds, where that is one thing, and nothing
// where it is empty.
type array struct {
	items    []any
	sequence bool
	keep     bool // a sequence that stays a list all the same
	cons     bool // made by brackets: it stays one where others are taken apart
	wrapper  bool // around the input, where that is a list
}

func newSequence(items ...any) *array { return &array{items: items, sequence: true} }

// function is what can be called: by this package, or by an expression.
type function struct {
	name string
	sig  *signature
	// call is that of a function of this package.
	call func(e *evaluation, args []any, input any) (any, error)
	// lambda and scope are those of an expression's.
	lambda *node
	scope  *scope
	input  any
	arity  int
}

// Error is an error of an expression. Code is that of JSONata's documentation.
type Error struct {
	Code, Text string
	At         int // bytes into the expression; -1 where it is not known
	Value      any
}

func (e *Error) Error() string {
	if e.At >= 0 {
		return fmt.Sprintf("%s (%s, at %d)", e.Text, e.Code, e.At+1)
	}
	return fmt.Sprintf("%s (%s)", e.Text, e.Code)
}

func failAt(at int, code, format string, args ...any) error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...), At: at}
}

func fail(code, format string, args ...any) error { return failAt(-1, code, format, args...) }

// inside is a value as expressions see it: every number a float64, every list an array, dates their texts.
func inside(v any) any {
	switch x := v.(type) {
	case nil, bool, string, float64:
		return x
	case int32:
		return float64(x)
	case int64:
		return float64(x)
	case float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64)
		return f
	case value.Decimal:
		return x.Float64()
	case *big.Int:
		f, _ := new(big.Float).SetInt(x).Float64()
		return f
	case []any:
		a := &array{items: make([]any, len(x))}
		for i, item := range x {
			a.items[i] = inside(item)
		}
		return a
	}
	if m, ok := value.AsMap(v); ok {
		out := value.NewMap(m.Len())
		for k, item := range m.All() {
			out.Set(k, inside(item))
		}
		return out
	}
	return value.JavaString(v)
}

// outside is the opposite. A function is an empty text there, as in JSON of the reference.
func outside(v any) any {
	switch x := v.(type) {
	case nothing:
		return nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return value.Int(int64(x))
		}
		return x
	case *array:
		list := make([]any, 0, len(x.items))
		for _, item := range x.items {
			if defined(item) {
				list = append(list, outside(item))
			}
		}
		return list
	case *value.Map:
		m := value.NewMap(x.Len())
		for k, item := range x.All() {
			if defined(item) {
				m.Set(k, outside(item))
			}
		}
		return m
	case *function:
		return ""
	}
	return v
}

func asArray(v any) *array {
	if a, ok := v.(*array); ok {
		return a
	}
	return newSequence(v)
}

// add appends a value to a list: the items of a list, nothing of nothing.
func add(to, v any) any {
	if !defined(to) {
		return v
	}
	if !defined(v) {
		return to
	}
	a := asArray(to)
	out := &array{items: slices.Clone(a.items), sequence: a.sequence}
	out.push(v)
	return out
}

func (a *array) push(v any) {
	if list, ok := v.(*array); ok {
		a.items = append(a.items, list.items...)
	} else if defined(v) {
		a.items = append(a.items, v)
	}
}

func isNumber(v any) bool { _, ok := v.(float64); return ok }

// truth is whether a value counts as true.
func truth(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case string:
		return x != ""
	case float64:
		return x != 0
	case *array:
		if len(x.items) == 1 {
			return truth(x.items[0])
		}
		return slices.ContainsFunc(x.items, truth)
	case *value.Map:
		return x.Len() > 0
	}
	return false
}

func equal(a, b any) bool {
	switch x := a.(type) {
	case *array:
		y, ok := b.(*array)
		return ok && slices.EqualFunc(x.items, y.items, equal)
	case *value.Map:
		y, ok := b.(*value.Map)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for k, v := range x.All() {
			if w, ok := y.Get(k); !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// typeName is what $type says.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		return "number"
	case *array:
		return "array"
	case *value.Map:
		return "object"
	case *function:
		return "function"
	}
	return "undefined"
}
