package value

import (
	"math"
	"math/big"
	"strconv"
)

// AppendDouble appends f as Java's Double.toString writes it: the shortest digits that read back as f, always with a
// point (1.0), in scientific notation (1.0E7) from 10^7 up and below 10^-3; NaN, Infinity, -Infinity.
func AppendDouble(dst []byte, f float64) []byte { return appendFloat(dst, f, 64) }

// AppendFloat is AppendDouble for 32-bit floats.
func AppendFloat(dst []byte, f float32) []byte { return appendFloat(dst, float64(f), 32) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			return append(dst, "-0.0"...)
		}
		return append(dst, "0.0"...)
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		for _, c := range dst[start:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	return appendScientific(dst, f, bits)
}

// appendScientific rewrites Go's 1.5e+07 as Java's 1.5E7.
func appendScientific(dst []byte, f float64, bits int) []byte {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, bits)
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	if e == 1 || (text[0] == '-' && e == 2) {
		// Java writes two digits at least, the two that are nearest: 4.9E-324, where one digit would be 5.
		two := strconv.FormatFloat(f, 'e', 1, bits)
		if g, err := strconv.ParseFloat(two, bits); err == nil && g == f {
			text = append(buf[:0], two...)
			e += 2
		}
	}
	dst = append(dst, text[:e]...)
	dst = append(dst, 'E')
	exp := text[e+1:]
	if exp[0] == '-' {
		dst = append(dst, '-')
	}
	exp = exp[1:]
	for len(exp) > 1 && exp[0] == '0' {
		exp = exp[1:]
	}
	return append(dst, exp...)
}

// Decimal is a decimal number of any precision: Unscaled × 10^-Scale. Its digits are kept, so 1.50 is not printed as 1.5.
type Decimal struct {
	Unscaled *big.Int
	Scale    int32
}

// maxDecimalScale bounds what a decimal may be written out as: numbers with more zeros than this are refused by
// ParseDecimal, since a short text (1E999999999) would otherwise cost memory without bound.
const maxDecimalScale = 10_000

// ParseDecimal reads a decimal as Java's BigDecimal does: digits with an optional point and exponent.
func ParseDecimal(s string) (Decimal, bool) {
	digits := make([]byte, 0, len(s))
	i, scale, point, seen := 0, 0, false, false
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		if s[i] == '-' {
			digits = append(digits, '-')
		}
		i++
	}
	for ; i < len(s) && s[i] != 'e' && s[i] != 'E'; i++ {
		switch {
		case s[i] >= '0' && s[i] <= '9':
			digits, seen = append(digits, s[i]), true
			if point {
				scale++
			}
		case s[i] == '.' && !point:
			point = true
		default:
			return Decimal{}, false
		}
	}
	if i < len(s) {
		exp, err := strconv.Atoi(s[i+1:])
		if err != nil || exp > maxDecimalScale || exp < -maxDecimalScale {
			return Decimal{}, false
		}
		scale -= exp
	}
	if !seen || len(digits) > maxDecimalScale {
		return Decimal{}, false
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	return Decimal{n, int32(scale)}, ok
}

// DecimalOf converts any number; NaN and infinities become zero, which has no better decimal.
func DecimalOf(v any) (Decimal, bool) {
	switch n := v.(type) {
	case Decimal:
		return n, true
	case *big.Int:
		return Decimal{n, 0}, true
	case float64:
		return decimalOfDouble(n, 64), true
	case float32:
		return decimalOfDouble(float64(n), 32), true
	}
	if n, ok := AsInt(v); ok {
		return Decimal{big.NewInt(n), 0}, true
	}
	return Decimal{}, false
}

func decimalOfDouble(f float64, bits int) Decimal {
	if d, ok := ParseDecimal(strconv.FormatFloat(f, 'e', -1, bits)); ok {
		if d.Scale < 0 {
			return d.rescale(0)
		}
		return d
	}
	return Decimal{new(big.Int), 0}
}

// String is Java's toPlainString: digits with the point, never an exponent.
func (d Decimal) String() string {
	if d.Unscaled == nil {
		return "0"
	}
	if d.Scale <= 0 {
		return d.rescale(0).Unscaled.String()
	}
	text := new(big.Int).Abs(d.Unscaled).String()
	for len(text) <= int(d.Scale) {
		text = zeros(int(d.Scale)-len(text)+1) + text
	}
	point := len(text) - int(d.Scale)
	text = text[:point] + "." + text[point:]
	if d.Unscaled.Sign() < 0 {
		text = "-" + text
	}
	return text
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}

// Float64 is the nearest double.
func (d Decimal) Float64() float64 {
	f, _ := strconv.ParseFloat(d.Unscaled.String()+"e"+strconv.Itoa(-int(d.Scale)), 64)
	return f
}

// Cmp compares by value: 1.50 and 1.5 are equal.
func (d Decimal) Cmp(e Decimal) int {
	scale := max(d.Scale, e.Scale)
	return d.rescale(scale).Unscaled.Cmp(e.rescale(scale).Unscaled)
}

// rescale multiplies out to a larger scale; a smaller one truncates.
func (d Decimal) rescale(scale int32) Decimal {
	diff := int64(scale) - int64(d.Scale)
	if diff == 0 {
		return d
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(diff, -diff)), nil)
	if diff > 0 {
		return Decimal{factor.Mul(d.Unscaled, factor), scale}
	}
	return Decimal{factor.Quo(d.Unscaled, factor), scale}
}

// Add returns d + e.
func (d Decimal) Add(e Decimal) Decimal {
	scale := max(d.Scale, e.Scale)
	return Decimal{new(big.Int).Add(d.rescale(scale).Unscaled, e.rescale(scale).Unscaled), scale}
}

// Sub returns d - e.
func (d Decimal) Sub(e Decimal) Decimal {
	return d.Add(Decimal{new(big.Int).Neg(e.Unscaled), e.Scale})
}

// Mul returns d × e.
func (d Decimal) Mul(e Decimal) Decimal {
	return Decimal{new(big.Int).Mul(d.Unscaled, e.Unscaled), d.Scale + e.Scale}
}

// quotientDigits is the precision of a quotient, that of IEEE 754 decimal128.
const quotientDigits = 34

// Quo returns d / e to 34 digits, rounded half to even, without trailing zeros that the operands do not ask for;
// ok is false for a division by zero.
func (d Decimal) Quo(e Decimal) (Decimal, bool) {
	if e.Unscaled.Sign() == 0 {
		return Decimal{}, false
	}
	preferred := d.Scale - e.Scale
	extra := int64(quotientDigits + len(e.Unscaled.Text(10)) - len(d.Unscaled.Text(10)) + 2)
	extra = max(extra, 0)
	shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(extra), nil)
	quo, rem := new(big.Int).QuoRem(shift.Mul(d.Unscaled, shift), e.Unscaled, new(big.Int))
	q := Decimal{quo, preferred + int32(extra)}.round(quotientDigits, rem.Sign() != 0)
	ten, r := big.NewInt(10), new(big.Int)
	for q.Scale > preferred {
		next, _ := new(big.Int).QuoRem(q.Unscaled, ten, r)
		if r.Sign() != 0 {
			break
		}
		q = Decimal{next, q.Scale - 1}
	}
	return q, true
}

// round keeps the given number of digits, half to even; more says that digits beyond the last were cut off already.
func (d Decimal) round(digits int, more bool) Decimal {
	excess := len(new(big.Int).Abs(d.Unscaled).Text(10)) - digits
	if excess <= 0 {
		return d
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(excess)), nil)
	q, r := new(big.Int).QuoRem(d.Unscaled, factor, new(big.Int))
	half := new(big.Int).Abs(r)
	half.Lsh(half, 1)
	cmp := half.Cmp(factor)
	if cmp > 0 || (cmp == 0 && (more || q.Bit(0) == 1)) {
		q.Add(q, big.NewInt(int64(d.Unscaled.Sign())))
	}
	return Decimal{q, d.Scale - int32(excess)}
}

// Rem returns the remainder of d / e with the sign of d; ok is false for a division by zero.
func (d Decimal) Rem(e Decimal) (Decimal, bool) {
	if e.Unscaled.Sign() == 0 {
		return Decimal{}, false
	}
	scale := max(d.Scale, e.Scale)
	return Decimal{new(big.Int).Rem(d.rescale(scale).Unscaled, e.rescale(scale).Unscaled), scale}, true
}
