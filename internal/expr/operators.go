package expr

import (
	"fmt"
	"math"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

type (
	not struct {
		base
		operand node
	}
	sign struct {
		base
		operand node
		minus   bool
	}
	logic struct {
		base
		left, right node
		or          bool
	}
	equality struct {
		base
		left, right node
		negate      bool
	}
	comparison struct {
		base
		left, right node
		op          string
	}
	arithmetic struct {
		base
		left, right node
		op          byte
	}
	concat struct {
		base
		left, right node
	}
	rangeOp struct {
		base
		left, right node
	}
	coalesce struct {
		base
		left, right node
		keepNull    bool
	}
	membership struct {
		base
		left, right node
		reversed    bool // isIn
	}
)

func newBinary(t *token, left, right node) node {
	b := base{t.off}
	switch t.text {
	case "or", "and":
		return &logic{b, left, right, t.text == "or"}
	case "==", "equals":
		return &equality{b, left, right, false}
	case "!=":
		return &equality{b, left, right, true}
	case "<", ">", "<=", ">=":
		return &comparison{b, left, right, t.text}
	case "contains":
		return &membership{b, left, right, false}
	case "isIn":
		return &membership{b, left, right, true}
	case "~":
		return &concat{b, left, right}
	case "..":
		return &rangeOp{b, left, right}
	case "??":
		return &coalesce{b, left, right, false}
	case "???":
		return &coalesce{b, left, right, true}
	}
	return &arithmetic{b, left, right, t.text[0]}
}

// operands evaluates both sides of an operator and pays for it.
func operands(st *state, left, right node) (a, b any, err error) {
	st.run.steps++
	if a, err = left.eval(st); err != nil {
		return nil, nil, err
	}
	if b, err = right.eval(st); err != nil {
		return nil, nil, err
	}
	return value.Normalize(a), value.Normalize(b), nil
}

// condition evaluates an operand of and, or and not. Null is refused.
func condition(st *state, n node, op string) (bool, error) {
	st.run.steps++
	v, err := n.eval(st)
	if err != nil {
		return false, err
	}
	yes, ok := truth(v)
	if !ok {
		return false, st.errorf(n.at(), "%s cannot be used on %s, expected a boolean, a number or a string", op, value.TypeName(v))
	}
	return yes, nil
}

func (n *not) eval(st *state) (any, error) {
	yes, err := condition(st, n.operand, "not")
	if err != nil {
		return nil, err
	}
	return !yes, nil
}

func (n *sign) eval(st *state) (any, error) {
	v, err := n.operand.eval(st)
	if err != nil {
		return nil, err
	}
	v = value.Normalize(v)
	if !value.IsNumber(v) {
		return nil, st.errorf(n.off, "a sign needs a number, found %s", value.TypeName(v))
	}
	factor := int64(1)
	if n.minus {
		factor = -1
	}
	r, err := calculate('*', v, factor)
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return r, nil
}

func (n *logic) eval(st *state) (any, error) {
	op := "and"
	if n.or {
		op = "or"
	}
	left, err := condition(st, n.left, op)
	if err != nil {
		return nil, err
	}
	if left == n.or {
		return left, nil
	}
	right, err := condition(st, n.right, op)
	if err != nil {
		return nil, err
	}
	return right, nil
}

func (n *equality) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, st.harden(err)
	}
	return value.Equal(a, b) != n.negate, nil
}

func (n *comparison) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, st.harden(err)
	}
	if a == nil || b == nil {
		return false, nil
	}
	order, ok := compareOperands(a, b)
	if !ok {
		if isNaN(a) || isNaN(b) {
			return false, nil
		}
		return nil, st.errorf(n.off, "%s cannot compare %s with %s, expected numbers or dates", n.op, value.TypeName(a), value.TypeName(b))
	}
	switch n.op {
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "<=":
		return order <= 0, nil
	}
	return order >= 0, nil
}

// compareOperands orders numbers, dates and texts that are dates.
func compareOperands(a, b any) (int, bool) {
	if value.IsNumber(a) && value.IsNumber(b) {
		return value.CompareNumbers(a, b)
	}
	x, ok := dateOperand(a)
	if !ok {
		return 0, false
	}
	y, ok := dateOperand(b)
	return x.Compare(y), ok
}

func isNaN(v any) bool {
	f, ok := value.AsFloat(v)
	return ok && math.IsNaN(f)
}

func (n *arithmetic) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, st.harden(err)
	}
	var v any
	_, aText := a.(string)
	_, bText := b.(string)
	list, isList := a.([]any)
	switch {
	case value.IsNumber(a) && value.IsNumber(b):
		v, err = calculate(n.op, a, b)
	case n.op == '+' && (aText || bText):
		v, err = st.join(value.JavaString(a), value.JavaString(b))
	case n.op == '+' && isList:
		v, err = st.listPlus(list, b)
	case n.op == '-' && isList:
		v, err = st.listMinus(list, b)
	default:
		err = fmt.Errorf("%c cannot be used on %s and %s", n.op, value.TypeName(a), value.TypeName(b))
	}
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return v, nil
}

func (st *state) join(a, b string) (any, error) {
	if err := st.run.text(len(a) + len(b)); err != nil {
		return nil, err
	}
	return a + b, nil
}

// listPlus appends to a copy: another list's elements, or one element.
func (st *state) listPlus(list []any, b any) (any, error) {
	more, ok := asList(b)
	if !ok {
		more = []any{b}
	}
	sum := make([]any, 0, len(list)+len(more))
	sum = append(append(sum, list...), more...)
	return sum, st.run.weigh(sum)
}

// listMinus removes all elements of another list, or the first that equals b.
func (st *state) listMinus(list []any, b any) (any, error) {
	less, all := asList(b)
	if !all {
		less = []any{b}
	}
	rest := make([]any, 0, len(list))
	for i, item := range list {
		if err := st.run.step(1 + len(less)); err != nil {
			return nil, err
		}
		if !containsEqual(less, item) {
			rest = append(rest, item)
		} else if !all {
			return append(rest, list[i+1:]...), nil
		}
	}
	return rest, nil
}

func containsEqual(list []any, v any) bool {
	for _, item := range list {
		if value.Equal(item, v) {
			return true
		}
	}
	return false
}

// eval of ~ writes null as nothing, where + writes "null".
func (n *concat) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, err
	}
	var x, y string
	if a != nil {
		x = value.JavaString(a)
	}
	if b != nil {
		y = value.JavaString(b)
	}
	v, err := st.join(x, y)
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return v, nil
}

func (n *rangeOp) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, err
	}
	list, err := st.rangeOf(a, b, int64(1))
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return list, nil
}

func (n *coalesce) eval(st *state) (any, error) {
	v, err := n.left.eval(st)
	if err == nil {
		if v = value.Normalize(v); v != nil || n.keepNull {
			return v, nil
		}
	} else if _, undefined := err.(*missing); !undefined {
		return nil, err
	}
	return n.right.eval(st)
}

func (n *membership) eval(st *state) (any, error) {
	a, b, err := operands(st, n.left, n.right)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return false, nil
	}
	var yes bool
	if n.reversed {
		yes, err = st.isIn(a, b)
	} else {
		yes, err = st.contains(a, b)
	}
	if err != nil {
		return nil, st.fail(n.off, err)
	}
	return yes, nil
}

// isIn compares by printed form, as the reference does: "1" is in [1]. In a map both keys and values count.
func (st *state) isIn(v, in any) (bool, error) {
	items, ok := iterate(in)
	if !ok {
		return false, nil
	}
	text := value.JavaString(v)
	for i := range items.len {
		if err := st.run.step(1); err != nil {
			return false, err
		}
		item := items.at(i)
		if e, ok := item.(value.Entry); ok {
			if item = e.Value; e.Key == text {
				return true, nil
			}
		}
		if item != nil && value.JavaString(item) == text {
			return true, nil
		}
	}
	return false, nil
}

// contains reports whether a list has an element, a map a key or a text a part. Of a list, all must be in it.
func (st *state) contains(in, v any) (bool, error) {
	if text, ok := in.(string); ok {
		part, ok := v.(string)
		return ok && strings.Contains(text, part), nil
	}
	if list, ok := asList(in); ok {
		if err := st.run.step(len(list)); err != nil {
			return false, err
		}
		if wanted, ok := asList(v); ok {
			for _, w := range wanted {
				if err := st.run.step(len(list)); err != nil {
					return false, err
				}
				if !containsEqual(list, w) {
					return false, nil
				}
			}
			return true, nil
		}
		return containsEqual(list, v), nil
	}
	if m, ok := value.AsMap(in); ok {
		key, ok := v.(string)
		return ok && m.Has(key), nil
	}
	return false, fmt.Errorf("contains cannot be used on %s, expected a list, a map or a string", value.TypeName(in))
}
