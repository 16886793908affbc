package ion

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/value"
)

// Append appends v as Ion text: compact, nulls kept, field names without quotes where they are symbols.
func Append(dst []byte, v any) []byte {
	switch x := value.Normalize(v).(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, x)
	case int32:
		return strconv.AppendInt(dst, int64(x), 10)
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case *big.Int:
		return x.Append(dst, 10)
	case float64:
		return appendFloat(dst, value.AppendDouble(nil, x))
	case float32:
		return appendFloat(dst, value.AppendFloat(nil, x))
	case value.Decimal:
		return appendDecimal(dst, x)
	case string:
		return appendString(dst, x, '"')
	case []any:
		return appendList(dst, x)
	case value.Entry:
		return appendStruct(dst, value.MapOf(x))
	case value.Instant:
		text := x.String()
		if !strings.Contains(text, ".") {
			text = strings.TrimSuffix(text, "Z") + ".000Z"
		}
		return append(dst, text...)
	case value.LocalDate:
		return append(dst, x.String()...)
	case value.ZonedDateTime, value.LocalDateTime, value.LocalTime:
		class := value.ClassName(x)
		dst = append(dst, class[strings.LastIndexByte(class, '.')+1:]...)
		return appendString(append(dst, "::"...), value.Print(x), '"')
	case value.Duration:
		return appendFloat(dst, value.AppendDouble(nil, x.Seconds()))
	}
	m, _ := value.AsMap(v)
	return appendStruct(dst, m)
}

// appendFloat turns Java's form into Ion's, where the exponent is what makes a float.
func appendFloat(dst, java []byte) []byte {
	text := string(java)
	switch text {
	case "NaN":
		return append(dst, "nan"...)
	case "Infinity":
		return append(dst, "+inf"...)
	case "-Infinity":
		return append(dst, "-inf"...)
	}
	if mantissa, exp, ok := strings.Cut(text, "E"); ok {
		return append(append(append(dst, mantissa...), 'e'), exp...)
	}
	return append(append(dst, strings.TrimSuffix(text, ".0")...), "e0"...)
}

func appendDecimal(dst []byte, d value.Decimal) []byte {
	text := d.String()
	dst = append(dst, text...)
	if !strings.Contains(text, ".") {
		dst = append(dst, '.')
	}
	return dst
}

func appendList(dst []byte, list []any) []byte {
	dst = append(dst, '[')
	for i, item := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = Append(dst, item)
	}
	return append(dst, ']')
}

func appendStruct(dst []byte, m *value.Map) []byte {
	dst = append(dst, '{')
	for i := range m.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		k, v := m.At(i)
		if isSymbol(k) {
			dst = append(dst, k...)
		} else {
			dst = appendString(dst, k, '\'')
		}
		dst = Append(append(dst, ':'), v)
	}
	return append(dst, '}')
}

func isSymbol(s string) bool {
	if s == "" || !isSymbolStart(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isSymbolByte(s[i]) {
			return false
		}
	}
	switch s {
	case "null", "true", "false", "nan":
		return false
	}
	return !(s[0] == '$' && len(s) > 1 && strings.Trim(s[1:], "0123456789") == "")
}

func appendString(dst []byte, s string, quote byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, quote)
	for _, r := range s {
		i := strings.IndexRune("\x00\a\b\t\n\f\r\v", r)
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case i >= 0:
			dst = append(dst, '\\', "0abtnfrv"[i])
		case r < 0x20 || (r >= 0x7f && r < 0xA0):
			dst = append(dst, '\\', 'x', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, quote)
}
