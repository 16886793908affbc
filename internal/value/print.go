package value

import (
	"math/big"
	"strconv"
)

// JavaString is the form of Java's toString, which string concatenation and the string filters use:
// [1, 2] for a list, {a=1, b=null} for a map, 1.0E7 for a double, null for null.
func JavaString(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(AppendJavaString(nil, v))
}

// AppendJavaString appends JavaString(v).
func AppendJavaString(dst []byte, v any) []byte {
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
		return AppendDouble(dst, x)
	case float32:
		return AppendFloat(dst, x)
	case string:
		return append(dst, x...)
	case *big.Int:
		return x.Append(dst, 10)
	case []any:
		dst = append(dst, '[')
		for i, item := range x {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendJavaString(dst, item)
		}
		return append(dst, ']')
	case *Map:
		return appendJavaMap(dst, x)
	case Object:
		return appendJavaMap(dst, x.Map())
	case Entry:
		dst = append(append(dst, x.Key...), '=')
		return AppendJavaString(dst, x.Value)
	case interface{ String() string }:
		return append(dst, x.String()...)
	}
	return dst
}

func appendJavaMap(dst []byte, m *Map) []byte {
	dst = append(dst, '{')
	for i := range m.Len() {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		k, v := m.At(i)
		dst = append(append(dst, k...), '=')
		dst = AppendJavaString(dst, v)
	}
	return append(dst, '}')
}

// Print is the text that {{ v }} writes: nothing for null, JSON without null members for lists and maps (an Object may
// have a String method to be printed otherwise), ISO-8601 for dates and durations, the Java form for the rest.
func Print(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(AppendPrint(nil, v))
}

// AppendPrint appends Print(v).
func AppendPrint(dst []byte, v any) []byte {
	switch x := Normalize(v).(type) {
	case nil:
		return dst
	case string:
		return append(dst, x...)
	case []any, *Map:
		return AppendJSON(dst, x, JSONOptions{})
	case Object:
		if s, ok := x.(interface{ String() string }); ok {
			return append(dst, s.String()...)
		}
		return AppendJSON(dst, x, JSONOptions{})
	default:
		if text, ok := isoText(x); ok {
			return append(dst, text...)
		}
		return AppendJavaString(dst, x)
	}
}
