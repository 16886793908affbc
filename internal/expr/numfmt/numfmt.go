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

// Format formats a number of any kind, rounding half to even.
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
	exact := rational(v)
	negative := exact.Sign() < 0 || isNegativeZero(v)
	exact.Abs(exact)
	if p.scale > 0 {
		exact.Mul(exact, power(p.scale))
	}
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

// rational is the exact worth of a number; a float counts with its decimal digits only where Java looks at them.
func rational(v any) *big.Rat {
	switch n := v.(type) {
	case float64:
		return new(big.Rat).SetFloat64(n)
	case float32:
		return new(big.Rat).SetFloat64(float64(n))
	case *big.Int:
		return new(big.Rat).SetInt(n)
	case value.Decimal:
		r := new(big.Rat).SetInt(n.Unscaled)
		if n.Scale > 0 {
			return r.Quo(r, power(int(n.Scale)))
		}
		return r.Mul(r, power(int(-n.Scale)))
	}
	n, _ := value.AsInt(v)
	return new(big.Rat).SetInt64(n)
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
	if frac != "" || p.point {
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
	exp := 0
	if r.Sign() != 0 {
		exp = magnitude(r)
	}
	intDigits, repeat := p.minInt, p.maxInt > p.minInt && p.maxInt > 1
	fracDigits, leastFrac := p.maxFrac, p.minFrac
	if repeat {
		exp = floorDiv(exp, p.maxInt) * p.maxInt
		intDigits = 1
		significant := p.minInt + p.maxFrac
		fracDigits = max(0, significant-(magnitudeOf(r)-exp+1))
		leastFrac = max(0, p.minInt+p.minFrac-(magnitudeOf(r)-exp+1))
	} else {
		exp -= max(intDigits, 1) - 1
		if intDigits == 0 {
			exp++
		}
	}
	mantissa := new(big.Rat).Mul(r, pow(-exp))
	whole, frac := round(mantissa, fracDigits)
	if !repeat && len(whole) > max(intDigits, 1) { // 9.99 rounded up to 10
		exp++
		whole, frac = round(new(big.Rat).Mul(r, pow(-exp)), fracDigits)
	}
	frac = trimZeros(frac, leastFrac)
	if intDigits == 0 && whole == "0" {
		whole = ""
	}
	text := whole
	if frac != "" {
		text += "." + frac
	}
	sign := ""
	if exp < 0 {
		sign, exp = "-", -exp
	}
	return text + "E" + sign + fmt.Sprintf("%0*d", p.exponent, exp)
}

func pow(n int) *big.Rat {
	if n < 0 {
		return new(big.Rat).Inv(power(-n))
	}
	return power(n)
}

func magnitudeOf(r *big.Rat) int {
	if r.Sign() == 0 {
		return 0
	}
	return magnitude(r)
}

// magnitude is the exponent of r in scientific notation; r must be positive.
func magnitude(r *big.Rat) int {
	f, _ := r.Float64()
	if f == 0 || math.IsInf(f, 0) {
		return len(r.Num().String()) - len(r.Denom().String())
	}
	text := strconv.FormatFloat(f, 'e', -1, 64)
	n, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	return n
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
		case strings.HasPrefix(text[i:], "¤"):
			b.WriteByte('$')
			i += len("¤")
			continue
		default:
			b.WriteByte(c)
		}
		i++
	}
	*to = b.String()
	return i
}

// number reads the digits of the pattern and returns how long they are.
func (p *pattern) number(text string) (int, error) {
	i, lastGroup := 0, -1
	hashes, zeros, fracZeros, fracHashes := 0, 0, 0, 0
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '#' && p.point:
			fracHashes++
		case c == '0' && p.point:
			if fracHashes > 0 {
				return 0, errPattern
			}
			fracZeros++
		case c == '#':
			if zeros > 0 {
				return 0, errPattern
			}
			hashes++
		case c == '0':
			zeros++
		case c == ',' && !p.point:
			lastGroup = hashes + zeros
		case c == '.' && !p.point:
			p.point = true
		case c == 'E' && i > 0:
			n := len(text[i+1:]) - len(strings.TrimLeft(text[i+1:], "0"))
			if n == 0 || lastGroup >= 0 {
				return 0, errPattern
			}
			p.exponent = n
			i += n
			return i + 1, p.counts(hashes, zeros, fracZeros, fracHashes, lastGroup)
		default:
			return i, p.counts(hashes, zeros, fracZeros, fracHashes, lastGroup)
		}
	}
	return i, p.counts(hashes, zeros, fracZeros, fracHashes, lastGroup)
}

func (p *pattern) counts(hashes, zeros, fracZeros, fracHashes, lastGroup int) error {
	p.minInt, p.maxInt = zeros, hashes+zeros
	p.minFrac, p.maxFrac = fracZeros, fracZeros+fracHashes
	if lastGroup >= 0 {
		if p.group = p.maxInt - lastGroup; p.group == 0 {
			return errPattern
		}
	}
	// #.## shows .5 as .5, but a pattern of # only shows an integer digit.
	p.point = p.point && p.maxFrac == 0
	return nil
}
