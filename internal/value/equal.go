package value

import (
	"cmp"
	"math"
	"math/big"
	"strings"
)

// Equal compares values: numbers by what they are worth whatever their kind, also inside lists and maps (where the
// reference tells an Integer from a Long); maps without regard to order; everything else by kind and contents.
func Equal(a, b any) bool {
	a, b = Normalize(a), Normalize(b)
	switch x := a.(type) {
	case nil:
		return b == nil
	case bool:
		y, ok := b.(bool)
		return ok && x == y
	case string:
		y, ok := b.(string)
		return ok && x == y
	case []any:
		y, ok := b.([]any)
		return ok && equalLists(x, y)
	case *Map, Object:
		return equalMaps(a, b)
	case Entry:
		y, ok := b.(Entry)
		return ok && x.Key == y.Key && Equal(x.Value, y.Value)
	case Duration:
		y, ok := b.(Duration)
		return ok && x == y
	}
	if IsNumber(a) {
		c, ok := CompareNumbers(a, b)
		return ok && c == 0
	}
	return equalTimes(a, b)
}

func equalLists(x, y []any) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !Equal(x[i], y[i]) {
			return false
		}
	}
	return true
}

func equalMaps(a, b any) bool {
	x, _ := AsMap(a)
	y, ok := AsMap(b)
	if !ok || x.Len() != y.Len() {
		return false
	}
	if x == y {
		return true
	}
	for k, v := range x.All() {
		w, ok := y.Get(k)
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// CompareNumbers orders two numbers of any kinds exactly, without rounding one to the other's precision;
// ok is false unless both are numbers and neither is NaN.
func CompareNumbers(a, b any) (order int, ok bool) {
	if x, isInt := AsInt(a); isInt {
		if y, isInt := AsInt(b); isInt {
			return cmp.Compare(x, y), true
		}
	}
	x, xok := AsFloat(a)
	y, yok := AsFloat(b)
	if !xok || !yok || math.IsNaN(x) || math.IsNaN(y) {
		return 0, false
	}
	if isFloat(a) || isFloat(b) || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return cmp.Compare(x, y), true
	}
	if p, ok := a.(*big.Int); ok {
		if q, ok := b.(*big.Int); ok {
			return p.Cmp(q), true
		}
	}
	p, _ := DecimalOf(a)
	q, _ := DecimalOf(b)
	return p.Cmp(q), true
}

func isFloat(v any) bool {
	switch v.(type) {
	case float64, float32:
		return true
	}
	return false
}

// Compare orders two values that have a natural order among each other: numbers, strings (by UTF-16 code units, as Java
// does), booleans (false first) and dates of the same kind. ok is false for all else.
func Compare(a, b any) (order int, ok bool) {
	a, b = Normalize(a), Normalize(b)
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return compareUTF16(x, y), ok
	case bool:
		y, ok := b.(bool)
		switch {
		case x == y:
			return 0, ok
		case y:
			return -1, ok
		}
		return 1, ok
	case Duration:
		y, ok := b.(Duration)
		return cmp.Compare(x, y), ok
	}
	if IsNumber(a) {
		return CompareNumbers(a, b)
	}
	return compareTimes(a, b)
}

// compareUTF16 differs from a comparison of bytes only between characters above U+FFFF and those in U+E000–U+FFFF.
func compareUTF16(x, y string) int {
	n := min(len(x), len(y))
	for i := range n {
		if x[i] != y[i] {
			// Four-byte sequences begin with F0 or more; as surrogates they sort before EE and EF (U+E000–U+FFFF).
			if p, q := x[i] >= 0xF0, y[i] >= 0xF0; p != q && x[i] >= 0xEE && y[i] >= 0xEE {
				if p {
					return -1
				}
				return 1
			}
			return cmp.Compare(x[i], y[i])
		}
	}
	return strings.Compare(x, y)
}
