package value

import (
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// JSONOptions says how to write JSON.
type JSONOptions struct {
	// KeepNulls keeps the members of maps that are null. Expressions print maps without them; storage keeps them.
	// Nulls in lists are always kept.
	KeepNulls bool
}

// AppendJSON appends v as compact JSON: doubles in the Java form (1.0), NaN and infinities as strings, dates as
// ISO-8601 text, durations as seconds, non-ASCII text as it is.
func AppendJSON(dst []byte, v any, opt JSONOptions) []byte {
	switch x := Normalize(v).(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, x)
	case int32:
		return strconv.AppendInt(dst, int64(x), 10)
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case float64:
		return appendJSONFloat(dst, x, 64)
	case float32:
		return appendJSONFloat(dst, float64(x), 32)
	case string:
		return AppendJSONString(dst, x)
	case *big.Int:
		return x.Append(dst, 10)
	case Decimal:
		return append(dst, x.String()...)
	case []any:
		return appendJSONList(dst, x, opt)
	case *Map:
		return appendJSONMap(dst, x, opt)
	case Object:
		return appendJSONMap(dst, x.Map(), opt)
	case Entry:
		return appendJSONMap(dst, MapOf(x), opt)
	case Duration:
		return AppendDouble(dst, x.Seconds())
	default:
		text, _ := isoText(x)
		return AppendJSONString(dst, text)
	}
}

func appendJSONFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(appendFloat(append(dst, '"'), f, bits), '"')
	}
	return appendFloat(dst, f, bits)
}

func appendJSONList(dst []byte, list []any, opt JSONOptions) []byte {
	dst = append(dst, '[')
	for i, item := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(dst, item, opt)
	}
	return append(dst, ']')
}

func appendJSONMap(dst []byte, m *Map, opt JSONOptions) []byte {
	dst = append(dst, '{')
	first := true
	for i := range m.Len() {
		k, v := m.At(i)
		if v == nil && !opt.KeepNulls {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(AppendJSONString(dst, k), ':')
		dst = AppendJSON(dst, v, opt)
	}
	return append(dst, '}')
}

// AppendJSONString appends s in quotes. Only quotes, backslashes and control characters are escaped; bytes that are not
// UTF-8 become U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
