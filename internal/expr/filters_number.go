package expr

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/expr/numfmt"
	"github.com/windhover-io/windhover/internal/value"
)

func abs(c *invocation) (any, error) {
	switch n := c.in.(type) {
	case int32:
		return value.Int(max(int64(n), -int64(n))), nil
	case int64:
		if n == math.MinInt64 {
			return nil, fmt.Errorf("the absolute value of %d does not fit in 64 bits", n)
		}
		return max(n, -n), nil
	case float64:
		return math.Abs(n), nil
	case float32:
		return float32(math.Abs(float64(n))), nil
	case *big.Int:
		return new(big.Int).Abs(n), nil
	case value.Decimal:
		return value.Decimal{Unscaled: new(big.Int).Abs(n.Unscaled), Scale: n.Scale}, nil
	}
	return nil, fmt.Errorf("expected a number, found %s", value.TypeName(c.in))
}

func numberFormat(c *invocation) (any, error) {
	if !value.IsNumber(c.in) {
		return nil, fmt.Errorf("expected a number, found %s", value.TypeName(c.in))
	}
	pattern, err := c.textOr(0, numfmt.Default)
	if err != nil {
		return nil, err
	}
	return numfmt.Format(c.in, pattern)
}

// number reads a text as a number, of the kind that type names or else of the smallest that holds it.
func number(c *invocation) (any, error) {
	s, err := c.inText()
	if err != nil {
		return nil, err
	}
	kind, err := c.textOr(0, "")
	if err != nil {
		return nil, err
	}
	n, ok := parseNumber(s, kind)
	if !ok {
		return nil, fmt.Errorf("%q is not a number%s", s, ofKind(kind))
	}
	return n, nil
}

func ofKind(kind string) string {
	if kind == "" {
		return ""
	}
	return " of type " + kind
}

func parseNumber(s, kind string) (any, bool) {
	switch kind {
	case "INT":
		n, ok := integer64(s)
		return int32(n), ok && int64(int32(n)) == n
	case "LONG":
		return integer64(s)
	case "FLOAT":
		f, ok := javaFloat(s, 32)
		return float32(f), ok
	case "DOUBLE":
		return javaFloat(s, 64)
	case "BIGDECIMAL":
		return value.ParseDecimal(s)
	case "BIGINTEGER":
		return prefixed(s)
	}
	return createNumber(s)
}

// maxDigits bounds the text of a number, since reading n digits takes more than linear time.
const maxDigits = 4096

func parseBig(s string, radix int) (*big.Int, bool) {
	if len(s) > maxDigits || strings.Contains(s, "_") {
		return nil, false
	}
	return new(big.Int).SetString(s, radix)
}

// javaFloat reads what Java's Double.parseDouble does: white space around and a suffix d or f are allowed, words in any
// other case than NaN and Infinity are not.
func javaFloat(s string, bits int) (float64, bool) {
	s = strings.Trim(s, " \t\n\r")
	switch strings.TrimLeft(s, "+-") {
	case "NaN", "Infinity":
	default:
		if strings.ContainsAny(s, "_iInN") || len(s) > maxDigits {
			return 0, false
		}
		if !strings.ContainsAny(s, "xX") {
			s = strings.TrimRight(s, "dDfF")
		}
	}
	f, err := strconv.ParseFloat(s, bits)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

// createNumber guesses the kind: hexadecimal with 0x or #, octal with a leading 0, a suffix d, f or l, otherwise the
// smallest of Integer, Long and BigInteger, or of Float, Double and BigDecimal that keeps all digits.
func createNumber(s string) (any, bool) {
	if s == "" || len(s) > maxDigits {
		return nil, false
	}
	if n, ok := prefixed(s); ok {
		if n.IsInt64() {
			return value.Int(n.Int64()), true
		}
		return n, true
	}
	body := strings.TrimLeft(s, "+-")
	last := s[len(s)-1]
	switch {
	case len(s)-len(body) > 1 || body == "" || digits(body) == len(body):
		return nil, false
	case last == 'l' || last == 'L':
		return longOf(s[:len(s)-1])
	case strings.Trim(body, "0123456789.eE+-dDfF") != "":
		return nil, false
	case last == 'f' || last == 'F':
		f, err := strconv.ParseFloat(s[:len(s)-1], 32)
		return float32(f), err == nil
	case last == 'd' || last == 'D':
		f, err := strconv.ParseFloat(s[:len(s)-1], 64)
		return f, err == nil
	}
	return decimalOf(s)
}

// prefixed reads an integer whose first characters say its radix: 0x and # hexadecimal, 0 octal.
func prefixed(s string) (*big.Int, bool) {
	body := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if body == "" || len(s)-len(body) > 1 {
		return nil, false
	}
	radix, digits := 10, body
	switch {
	case strings.HasPrefix(body, "0x"), strings.HasPrefix(body, "0X"):
		radix, digits = 16, body[2:]
	case body[0] == '#':
		radix, digits = 16, body[1:]
	case body[0] == '0' && len(body) > 1:
		radix = 8
	}
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		return nil, false
	}
	n, ok := parseBig(digits, radix)
	if ok && s[0] == '-' {
		n.Neg(n)
	}
	return n, ok
}

func integer64(s string) (int64, bool) {
	n, ok := prefixed(s)
	if !ok || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}

func longOf(s string) (any, bool) {
	n, ok := parseBig(s, 10)
	if ok && n.IsInt64() {
		return n.Int64(), true
	}
	return n, ok
}

// decimalOf chooses Float for up to 7 digits after the point and Double for up to 16, unless they lose digits.
func decimalOf(s string) (any, bool) {
	exact, ok := value.ParseDecimal(s)
	if !ok {
		return nil, false
	}
	fraction := 0
	if i := strings.IndexByte(s, '.'); i >= 0 {
		fraction = digits(s[i+1:])
	}
	if f, err := strconv.ParseFloat(s, 32); err == nil && fraction <= 7 && exact.Cmp(shortest(f, 32)) == 0 {
		return float32(f), true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && fraction <= 16 && exact.Cmp(shortest(f, 64)) == 0 {
		return f, true
	}
	return exact, true
}

func shortest(f float64, bits int) value.Decimal {
	d, _ := value.ParseDecimal(strconv.FormatFloat(f, 'g', -1, bits))
	return d
}
