package expr

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"

	"github.com/windhover-io/windhover/internal/value"
)

var errZero = errors.New("division by zero")

// maxNumberBits bounds what arithmetic on BigIntegers and BigDecimals may build.
const maxNumberBits = 1 << 16

// calculate applies + - * / % to two numbers. The kind of the result is the widest of BigDecimal, Double, Float,
// BigInteger and Long; division of integers truncates, and a result beyond 64 bits is an error.
func calculate(op byte, a, b any) (any, error) {
	switch {
	case is[value.Decimal](a) || is[value.Decimal](b):
		return decimals(op, a, b)
	case is[float64](a) || is[float64](b):
		x, _ := value.AsFloat(a)
		y, _ := value.AsFloat(b)
		return doubles(op, x, y), nil
	case is[float32](a) || is[float32](b):
		x, _ := value.AsFloat(a)
		y, _ := value.AsFloat(b)
		return float32(doubles(op, float64(float32(x)), float64(float32(y)))), nil
	case is[*big.Int](a) || is[*big.Int](b):
		return bigs(op, toBig(a), toBig(b))
	}
	x, _ := value.AsInt(a)
	y, _ := value.AsInt(b)
	return longs(op, x, y)
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func toBig(v any) *big.Int {
	if n, ok := v.(*big.Int); ok {
		return n
	}
	n, _ := value.AsInt(v)
	return big.NewInt(n)
}

func doubles(op byte, x, y float64) float64 {
	switch op {
	case '+':
		return x + y
	case '-':
		return x - y
	case '*':
		return x * y
	case '/':
		return x / y
	}
	return math.Mod(x, y)
}

func longs(op byte, x, y int64) (any, error) {
	switch op {
	case '+':
		if s := x + y; (s > x) == (y > 0) {
			return s, nil
		}
	case '-':
		if d := x - y; (d < x) == (y > 0) {
			return d, nil
		}
	case '*':
		if p, ok := multiply(x, y); ok {
			return p, nil
		}
	default:
		if y == 0 {
			return nil, errZero
		}
		if op == '%' {
			return x % y, nil
		}
		if x != math.MinInt64 || y != -1 {
			return x / y, nil
		}
	}
	return nil, fmt.Errorf("%d %c %d does not fit in 64 bits", x, op, y)
}

func multiply(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if negative := (x < 0) != (y < 0); negative {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo < 1<<63
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

func bigs(op byte, x, y *big.Int) (any, error) {
	if x.BitLen()+y.BitLen() > maxNumberBits {
		return nil, fmt.Errorf("a number of more than %d bits would be built", maxNumberBits)
	}
	switch op {
	case '+':
		return new(big.Int).Add(x, y), nil
	case '-':
		return new(big.Int).Sub(x, y), nil
	case '*':
		return new(big.Int).Mul(x, y), nil
	}
	if y.Sign() == 0 {
		return nil, errZero
	}
	if op == '/' {
		return new(big.Int).Quo(x, y), nil
	}
	return new(big.Int).Rem(x, y), nil
}

func decimals(op byte, a, b any) (any, error) {
	x, _ := value.DecimalOf(a)
	y, _ := value.DecimalOf(b)
	if x.Unscaled.BitLen()+y.Unscaled.BitLen()+4*int(max(x.Scale, y.Scale, -x.Scale, -y.Scale)) > maxNumberBits {
		return nil, fmt.Errorf("a number of more than %d bits would be built", maxNumberBits)
	}
	switch op {
	case '+':
		return x.Add(y), nil
	case '-':
		return x.Sub(y), nil
	case '*':
		return x.Mul(y), nil
	}
	r, ok := x.Quo(y)
	if op == '%' {
		r, ok = x.Rem(y)
	}
	if !ok {
		return nil, errZero
	}
	return r, nil
}
