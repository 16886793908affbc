package yamldoc

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// The types of plain scalars are those of YAML 1.1 as the reference reads them: 0x1F, 0b101, 1_000,
// octal 012, and yes/no/on/off as booleans; base 60 numbers and dates stay text.

// maxDigits is the length from which what looks like a number stays text: converting is quadratic,
// and nobody counts that far.
const maxDigits = 1000

// resolved is the value of a scalar with its tag, and what its author should know about it.
type resolved struct {
	value   any
	tag     string
	problem string // an error: the value cannot be held
	warning string
	suggest string
}

// resolvePlain types an untagged plain scalar.
func resolvePlain(text string) resolved {
	if text == "" {
		return resolved{tag: tagNull}
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.':
		return resolveNumber(text)
	}
	if isNull(text) {
		return resolved{tag: tagNull}
	}
	if b, ok := parseBool(text); ok {
		r := resolved{value: b, tag: tagBool}
		if len(text) <= 3 || strings.EqualFold(text, "off") {
			r.warning = "`" + text + "` is read as the boolean " + strconv.FormatBool(b)
			r.suggest = "write " + strconv.FormatBool(b) + ", or quote it if the word is meant"
		}
		return r
	}
	return resolved{value: text, tag: tagStr}
}

func resolveNumber(text string) resolved {
	if len(text) > maxDigits {
		return resolved{value: text, tag: tagStr}
	}
	if v, ok := parseInt(text); ok {
		r := resolved{value: v, tag: tagInt}
		if isOctal(text) {
			r.warning = "`" + text + "` is read as an octal number"
			r.suggest = "leave out the leading zero, or quote it if the digits are meant"
		}
		return r
	}
	if f, ok := parseFloat(text); ok {
		r := resolved{value: f, tag: tagFloat}
		if math.IsInf(f, 0) {
			r.problem, r.suggest = "`"+text+"` is too large a number", "quote it if the text is meant"
		}
		return r
	}
	if isInfOrNaN(text) {
		return resolved{value: text, tag: tagStr,
			problem: "`" + text + "` is not a number a document can hold", suggest: "quote it if the text is meant"}
	}
	return resolved{value: text, tag: tagStr}
}

// resolveTagged types a scalar that carries an explicit tag.
func resolveTagged(tag, text string) resolved {
	r := resolved{value: text, tag: tag}
	ok := true
	switch tag {
	case tagStr:
	case tagNull:
		r.value = nil
	case tagBool:
		r.value, ok = parseBool(text)
	case tagInt:
		r.value, ok = parseInt(text)
	case tagFloat:
		var f float64
		f, ok = toFloat(text)
		r.value = f
		ok = ok && !math.IsInf(f, 0)
	default:
		r.warning = "the tag " + tag + " means nothing here and is ignored"
	}
	if !ok {
		r.value, r.problem = text, "`"+text+"` cannot be read as "+tag
	}
	return r
}

func isNull(text string) bool {
	return text == "~" || text == "null" || text == "Null" || text == "NULL"
}

// isInfOrNaN recognises the words that the reference takes for floats and then cannot read.
func isInfOrNaN(text string) bool {
	switch text {
	case ".nan", ".NaN", ".NAN":
		return true
	}
	switch strings.TrimLeft(text[:1], "+-") + text[1:] {
	case ".inf", ".Inf", ".INF":
		return true
	}
	return false
}

// parseBool takes each word in lower case, upper case or capitalised, but not mixed.
func parseBool(text string) (b, ok bool) {
	if len(text) > 5 {
		return false, false
	}
	lower := strings.ToLower(text)
	if text != lower && text != strings.ToUpper(text) && text[1:] != lower[1:] {
		return false, false
	}
	switch lower {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}

// parseInt reads a YAML 1.1 integer in base 2, 8, 10 or 16 as the narrowest of int32, int64 and *big.Int.
func parseInt(text string) (any, bool) {
	negative := strings.HasPrefix(text, "-")
	digits := text
	if negative || strings.HasPrefix(text, "+") {
		digits = text[1:]
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base = 8
	case digits == "" || digits[0] == '_':
		return nil, false
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if digits == "" || len(digits) > maxDigits || !allDigits(digits, base) {
		return nil, false
	}
	if negative {
		digits = "-" + digits
	}
	if v, err := strconv.ParseInt(digits, base, 64); err == nil {
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return int32(v), true
		}
		return v, true
	}
	return new(big.Int).SetString(digits, base)
}

// allDigits guards against the signs that the library's parsers would take a second time.
func allDigits(s string, base int) bool {
	for i := range len(s) {
		d := 16
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = int(c - '0')
		case c >= 'a' && c <= 'f':
			d = int(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = int(c-'A') + 10
		}
		if d >= base {
			return false
		}
	}
	return true
}

// isOctal reports whether an integer's value differs from what its digits say in base 10.
func isOctal(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) < 2 || digits[0] != '0' || digits[1] == 'x' || digits[1] == 'b' {
		return false
	}
	return len(strings.TrimLeft(digits, "0_")) > 1
}

// parseFloat reads digits with a point, an exponent or both; underscores may stand between digits.
// A number beyond float64 comes back infinite.
func parseFloat(text string) (float64, bool) {
	mantissa, hasExponent := text, false
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exponent := strings.TrimLeft(text[i+1:], "+-")
		mantissa, hasExponent = text[:i], true
		if exponent == "" || !allDigits(exponent, 10) || len(text)-i-1-len(exponent) > 1 {
			return 0, false
		}
	}
	if mantissa != "" && (mantissa[0] == '+' || mantissa[0] == '-') {
		mantissa = mantissa[1:]
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	if !hasPoint && !hasExponent || strings.HasPrefix(whole, "_") {
		return 0, false
	}
	digits := strings.ReplaceAll(whole+fraction, "_", "")
	if digits == "" || !allDigits(digits, 10) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// toFloat reads a number of either kind as a float.
func toFloat(text string) (float64, bool) {
	if f, ok := parseFloat(text); ok {
		return f, true
	}
	switch v, _ := parseInt(text); v := v.(type) {
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}
