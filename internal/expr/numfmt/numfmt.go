// Package numfmt formats numbers by the patterns of Java's DecimalFormat, in English: #,##0.00, 0.##E0, 00000, 0%, with
// literal text before and after, quotes, and a second pattern for negative numbers after a semicolon.
package numfmt

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
)

// Default is the pattern of English.
const Default = "#,##0.###"

// maxDigits bounds the digits that a pattern may ask for.
const maxDigits = 350

type pattern struct {
	prefix, suffix       string
	negPrefix, negSuffix string
	minInt, maxInt       int // maxInt counts # too; it matters for exponents only
	minFrac, maxFrac     int
	group                int // digits of a group; 0 for none
	exponent             int // least digits of the exponent; 0 for no exponent
	scale                int // power of ten to multiply with: 2 for %, 3 for ‰
	point                bool
}

// Format formats a number of any kind, rounding half to even. An empty pattern shows all digits.
func Format(v any, text string) (string, error) {
	p, err := parse(text)
	if err != nil {
		return "", err
	}
	if f, ok := value.AsFloat(v); ok && !isInteger(v) {
		switch {
		case math.IsNaN(f):
			return "NaN", nil
		case math.IsInf(f, 1):
			return p.prefix + "∞" + p.suffix, nil
		case math.IsInf(f, -1):
			return p.negPrefix + "∞" + p.negSuffix, nil
		}
	}
	exact := p.exact(v)
	negative := exact.Sign() < 0 || isNegativeZero(v)
	exact.Abs(exact)
	var digits string
	if p.exponent > 0 {
		digits = p.scientific(exact)
	} else {
		digits = p.plain(exact)
	}
	if negative {
		return p.negPrefix + digits + p.negSuffix, nil
	}
	return p.prefix + digits + p.suffix, nil
}

func isInteger(v any) bool {
	if _, ok := v.(*big.Int); ok {
		return true
	}
	_, ok := value.AsInt(v)
	return ok
}

func isNegativeZero(v any) bool {
	f, ok := v.(float64)
	return ok && f == 0 && math.Signbit(f)
}

// exact is what the digits are made of: of a double its shortest decimal digits where all of them are shown, else its
// exact worth, which decides what is half. Percentages of doubles are multiplied as doubles.
func (p *pattern) exact(v any) *big.Rat {
	f, isDouble := v.(float64)
	bits := 64
	if f32, ok := v.(float32); ok {
		f, isDouble, bits = float64(f32), true, 32
	}
	if !isDouble {
		d, _ := value.DecimalOf(v)
		return new(big.Rat).Mul(rational(d), power(p.scale))
	}
	f *= math.Pow10(p.scale)
	d, ok := value.ParseDecimal(strconv.FormatFloat(f, 'e', -1, bits))
	if !ok || p.exponent == 0 && int(d.Scale) > p.maxFrac || p.exponent > 0 && len(d.Unscaled.String()) > p.maxInt+p.maxFrac {
		return new(big.Rat).SetFloat64(f)
	}
	return rational(d)
}

func rational(d value.Decimal) *big.Rat {
	r := new(big.Rat).SetInt(d.Unscaled)
	if d.Scale > 0 {
		return r.Quo(r, power(int(d.Scale)))
	}
	return r.Mul(r, power(int(-d.Scale)))
}

func power(n int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil))
}

// round writes r, which is not negative, with the given digits after the point, half to even.
func round(r *big.Rat, fraction int) (whole, frac string) {
	scaled := new(big.Rat).Mul(r, power(fraction))
	q, rem := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	twice := rem.Lsh(rem, 1)
	if c := twice.Cmp(scaled.Denom()); c > 0 || (c == 0 && q.Bit(0) == 1) {
		q.Add(q, big.NewInt(1))
	}
	text := q.String()
	if len(text) <= fraction {
		text = strings.Repeat("0", fraction-len(text)+1) + text
	}
	return text[:len(text)-fraction], text[len(text)-fraction:]
}

func (p *pattern) plain(r *big.Rat) string {
	whole, frac := round(r, p.maxFrac)
	frac = trimZeros(frac, p.minFrac)
	whole = strings.TrimLeft(whole, "0")
	if n := p.minInt - len(whole); n > 0 {
		whole = strings.Repeat("0", n) + whole
	}
	if whole == "" && frac == "" {
		whole = "0"
	}
	if p.group > 0 {
		whole = grouped(whole, p.group)
	}
	if frac != "" || p.point && p.maxFrac == 0 {
		return whole + "." + frac
	}
	return whole
}

func trimZeros(frac string, least int) string {
	for len(frac) > least && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return frac
}

func grouped(whole string, size int) string {
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%size == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	return b.String()
}

// scientific writes digits and an exponent. Where the pattern has more integer digits than it demands, the exponent is
// a multiple of their number.
func (p *pattern) scientific(r *big.Rat) string {
	digits, point := significant(r, p.maxInt+p.maxFrac)
	exp, intDigits := point, p.minInt
	switch {
	case p.maxInt > 1 && p.maxInt > p.minInt:
		exp, intDigits = floorDiv(point-1, p.maxInt)*p.maxInt, 1
	default:
		exp -= p.minInt
	}
	if digits == "" {
		exp = 0
	} else {
		intDigits = point - exp
	}
	if n := max(p.minInt+p.minFrac, intDigits) - len(digits); n > 0 {
		digits += strings.Repeat("0", n)
	}
	text := digits[:intDigits]
	if intDigits < len(digits) {
		text += "." + digits[intDigits:]
	} else if p.point {
		text += "."
	}
	sign := ""
	if exp < 0 {
		sign, exp = "-", -exp
	}
	return text + "E" + sign + fmt.Sprintf("%0*d", p.exponent, exp)
}

// significant rounds r, which is not negative, to n digits, half to even, and gives them without zeros at the end, with
// the place of the point: r is 0.digits × 10^point. Zero has no digits.
func significant(r *big.Rat, n int) (digits string, point int) {
	if r.Sign() == 0 {
		return "", 0
	}
	// The first guess at the magnitude may be one too low, which shows in a digit too many.
	point = len(r.Num().String()) - len(r.Denom().String())
	for {
		whole, frac := round(new(big.Rat).Mul(r, pow(n-point)), 0)
		if digits = strings.TrimLeft(whole+frac, "0"); len(digits) <= n {
			return strings.TrimRight(digits, "0"), point
		}
		point++
	}
}

func pow(n int) *big.Rat {
	if n < 0 {
		return new(big.Rat).Inv(power(-n))
	}
	return power(n)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

var errPattern = errors.New("malformed number pattern")

func parse(text string) (*pattern, error) {
	p := &pattern{}
	if text == "" {
		p.maxFrac, p.group, p.negPrefix = maxDigits, 3, "-"
		return p, nil
	}
	rest, err := p.half(text)
	if err != nil {
		return nil, fmt.Errorf("%w %q", err, text)
	}
	p.negPrefix, p.negSuffix = "-"+p.prefix, p.suffix
	if rest != "" {
		neg := &pattern{}
		if more, err := neg.half(rest[1:]); err != nil || more != "" {
			return nil, fmt.Errorf("%w %q", errPattern, text)
		}
		if neg.prefix != p.prefix || neg.suffix != p.suffix {
			p.negPrefix, p.negSuffix = neg.prefix, neg.suffix
		}
	}
	if p.minInt > maxDigits || p.maxFrac > maxDigits || p.exponent > maxDigits {
		return nil, fmt.Errorf("the number pattern asks for more than %d digits", maxDigits)
	}
	return p, nil
}

// half reads one of the two patterns and returns the rest from the semicolon on.
func (p *pattern) half(text string) (rest string, err error) {
	i := p.affix(text, 0, &p.prefix)
	n, err := p.number(text[i:])
	if err != nil {
		return "", err
	}
	i = p.affix(text, i+n, &p.suffix)
	if i < len(text) && text[i] != ';' {
		return "", errPattern
	}
	return text[i:], nil
}

// affix reads literal text up to the digits, the semicolon or the end.
func (p *pattern) affix(text string, i int, to *string) int {
	var b strings.Builder
	quoted := false
	for i < len(text) {
		c := text[i]
		switch {
		case c == '\'' && strings.HasPrefix(text[i:], "''"):
			b.WriteByte('\'')
			i += 2
			continue
		case c == '\'':
			quoted = !quoted
		case quoted:
			b.WriteByte(c)
		case strings.IndexByte("#0,.;", c) >= 0:
			*to = b.String()
			return i
		case c == '%':
			p.scale = 2
			b.WriteByte(c)
		case strings.HasPrefix(text[i:], "‰"):
			p.scale = 3
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		i++
	}
	*to = b.String()
	return i
}

// number reads the digits of the pattern and returns how long they are. Like DecimalFormat it counts # before the first
// 0, zeros, and # after them, all wherever the point is.
func (p *pattern) number(text string) (int, error) {
	left, zeros, right, grouping, point := 0, 0, 0, -1, -1
	i := 0
loop:
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '0' && right > 0, c == '.' && point >= 0, c == ',' && point >= 0:
			return 0, errPattern
		case c == '#' && zeros > 0:
			right++
		case c == '#':
			left++
		case c == '0':
			zeros++
		case c == '.':
			point = left + zeros + right
		case c == ',':
			grouping = 0
			continue
		case c == 'E' && left+zeros > 0:
			p.exponent = len(text[i+1:]) - len(strings.TrimLeft(text[i+1:], "0"))
			if i += 1 + p.exponent; p.exponent == 0 {
				return 0, errPattern
			}
			break loop
		default:
			break loop
		}
		if grouping >= 0 && point < 0 {
			grouping++
		}
	}
	return i, p.counts(left, zeros, right, grouping, point)
}

func (p *pattern) counts(left, zeros, right, grouping, point int) error {
	if zeros == 0 && left > 0 && point >= 0 { // #.## shows an integer digit, .## a digit of the fraction
		n := max(point, 1)
		right, left, zeros = left-n, n-1, 1
	}
	total := left + zeros + right
	if point < 0 && right > 0 || point >= 0 && (point < left || point > left+zeros) || grouping == 0 {
		return errPattern
	}
	whole := total
	if point >= 0 {
		whole = point
		p.maxFrac, p.minFrac = total-point, left+zeros-point
	}
	p.minInt = whole - left
	p.maxInt = whole
	p.group = max(grouping, 0)
	p.point = point == 0 || point == total
	return nil
}
