package jsonata

import (
	"math"

	"github.com/windhover-io/windhover/internal/value"
)

// operator evaluates what has operands.
func (e *evaluation) operator(n *node, input any, s *scope) (any, error) {
	if n.op == opBind {
		v, err := e.eval(n.body, input, s)
		if err == nil {
			s.vars[n.text] = v
		}
		return v, err
	}
	left, err := e.eval(n.args[0], input, s)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case opAnd:
		if !truth(left) {
			return false, nil
		}
		right, err := e.eval(n.args[1], input, s)
		return truth(right), err
	case opOr:
		if truth(left) {
			return true, nil
		}
		right, err := e.eval(n.args[1], input, s)
		return truth(right), err
	case opCondition:
		if truth(left) {
			return e.eval(n.args[1], input, s)
		}
		if len(n.args) == 2 {
			return undefined, nil
		}
		return e.eval(n.args[2], input, s)
	case opCoalesce:
		if defined(left) {
			return left, nil
		}
		return e.eval(n.args[1], input, s)
	case opDefault:
		if truth(left) {
			return left, nil
		}
		return e.eval(n.args[1], input, s)
	case opApply:
		return e.chain(n, left, input, s)
	}
	right, err := e.eval(n.args[1], input, s)
	if err != nil {
		return nil, err
	}
	return binary(n, left, right)
}

func binary(n *node, left, right any) (any, error) {
	switch n.text {
	case "=":
		return defined(left) && defined(right) && equal(left, right), nil
	case "!=":
		return defined(left) && defined(right) && !equal(left, right), nil
	case "&":
		return concat(left, right)
	case "in":
		if !defined(left) || !defined(right) {
			return false, nil
		}
		for _, item := range asArray(right).items {
			if _, ok := item.(*value.Map); !ok && equal(left, item) {
				return true, nil
			}
		}
		return false, nil
	case "<", "<=", ">", ">=":
		return compare(n, left, right)
	}
	return arithmetic(n, left, right)
}

func concat(left, right any) (any, error) {
	text := ""
	for _, v := range []any{left, right} {
		if defined(v) {
			t, err := stringOf(v, false)
			if err != nil {
				return nil, err
			}
			text += t
		}
	}
	return text, nil
}

func compare(n *node, left, right any) (any, error) {
	for _, v := range []any{left, right} {
		switch v.(type) {
		case nothing, string, float64:
		default:
			return nil, failAt(n.at, "T2010", "%s compares numbers or strings, not a %s", n.text, typeName(v))
		}
	}
	if !defined(left) || !defined(right) {
		return undefined, nil
	}
	less, more := false, false
	switch x := left.(type) {
	case float64:
		y, ok := right.(float64)
		if !ok {
			return nil, failAt(n.at, "T2009", "a number cannot be compared to a string")
		}
		less, more = x < y, x > y
	case string:
		y, ok := right.(string)
		if !ok {
			return nil, failAt(n.at, "T2009", "a string cannot be compared to a number")
		}
		less, more = x < y, x > y
	}
	switch n.text {
	case "<":
		return less, nil
	case "<=":
		return !more, nil
	case ">":
		return more, nil
	}
	return !less, nil
}

func arithmetic(n *node, left, right any) (any, error) {
	for i, v := range []any{left, right} {
		if defined(v) && !isNumber(v) {
			return nil, failAt(n.at, []string{"T2001", "T2002"}[i], "%s needs numbers, not a %s", n.text, typeName(v))
		}
	}
	x, ok := left.(float64)
	y, and := right.(float64)
	if !ok || !and {
		return undefined, nil
	}
	var f float64
	switch n.text {
	case "+":
		f = x + y
	case "-":
		f = x - y
	case "*":
		f = x * y
	case "/":
		f = x / y
	case "%":
		f = math.Mod(x, y)
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, failAt(n.at, "D1001", "%v %s %v is out of range", x, n.text, y)
	}
	return f, nil
}

// chain gives the left side to a function on the right, or makes one function of two.
func (e *evaluation) chain(n *node, left, input any, s *scope) (any, error) {
	right := n.args[1]
	if right.op == opCall && len(right.stages) == 0 {
		v, err := e.call(right, input, s, left, true)
		if _, list := v.(*array); err == nil && right.keep && defined(v) && !list {
			v = &array{items: []any{v}, sequence: true, keep: true}
		}
		return v, err
	}
	v, err := e.eval(right, input, s)
	if err != nil {
		return nil, err
	}
	f, ok := v.(*function)
	if !ok {
		return nil, failAt(n.at, "T2006", "the right side of ~> must be a function")
	}
	if g, ok := left.(*function); ok {
		return &function{arity: 1, call: func(e *evaluation, args []any, input any) (any, error) {
			v, err := e.apply(g, args, input)
			if err != nil {
				return nil, err
			}
			return e.apply(f, []any{v}, input)
		}}, nil
	}
	return e.apply(f, []any{left}, input)
}
