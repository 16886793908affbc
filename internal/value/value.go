// Package value is what expressions and outputs are made of: the values of a flow at run time, in the Go types below.
//
//	nil                      null
//	bool                     Boolean
//	int32, int64, *big.Int   Integer, Long, BigInteger (Normalize turns a Go int into the first that fits)
//	float32, float64         Float, Double
//	Decimal                  BigDecimal
//	string                   String
//	[]any                    List
//	*Map                     Map with string keys in insertion order
//	Entry                    one key and value of a Map, as a loop over a map sees it
//	Object                   a map that is computed only as far as it is read
//	Instant, ZonedDateTime, LocalDateTime, LocalDate, LocalTime, Duration
//
// The class names and printed forms are those of the Java types on the right, because flows show them: in JSON, in
// string concatenation, in the className filter.
//
// Values are shared freely and never changed once built; code that builds a list or a map owns it until it hands it on.
package value

import (
	"math"
	"math/big"
	"reflect"
	"sort"
	"strconv"
	"time"
)

// Object is a map whose members are found on demand, so that reading one output of an execution with ten thousand task
// runs does not build the outputs of all of them.
type Object interface {
	// Get returns the member of that name and whether there is one; a member may be null.
	Get(key string) (any, bool)
	// Map builds the whole map.
	Map() *Map
}

// AsMap returns v as a map where it is a Map, an Object or a Go map with string keys.
func AsMap(v any) (*Map, bool) {
	switch m := v.(type) {
	case *Map:
		return m, m != nil
	case Object:
		return m.Map(), true
	case map[string]any, map[string]string:
		n, ok := Normalize(v).(*Map)
		return n, ok
	}
	return nil, false
}

// IsMap reports whether AsMap would succeed, without building the map of an Object.
func IsMap(v any) bool {
	switch m := v.(type) {
	case *Map:
		return m != nil
	case Object, map[string]any, map[string]string:
		return true
	}
	return false
}

// Int returns the smallest of Integer and Long that holds n.
func Int(n int64) any {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		return int32(n)
	}
	return n
}

// Normalize turns a Go value of another type into the value that stands for it: integers of every size, named types,
// Go maps (keys sorted, since they have no order of their own), slices, pointers and time.Time. Values that already are
// of this package's types come back as they are; what is inside a list or a Map is normalised when it is read.
func Normalize(v any) any {
	switch x := v.(type) {
	case nil, bool, int32, int64, float32, float64, string, []any, Decimal, Entry, Object,
		Instant, ZonedDateTime, LocalDateTime, LocalDate, LocalTime, Duration:
		return v
	case *Map:
		if x == nil {
			return nil
		}
		return v
	case *big.Int:
		if x == nil {
			return nil
		}
		return v
	case int:
		return Int(int64(x))
	case time.Time:
		return Instant{x.UTC()}
	case time.Duration:
		return Duration(x)
	case map[string]any:
		return mapOf(x)
	case []string:
		list := make([]any, len(x))
		for i, s := range x {
			list[i] = s
		}
		return list
	case []byte:
		return string(x)
	}
	return normalizeReflect(reflect.ValueOf(v))
}

func mapOf(x map[string]any) *Map {
	keys := make([]string, 0, len(x))
	for k := range x {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	m := NewMap(len(keys))
	for _, k := range keys {
		m.Set(k, x[k])
	}
	return m
}

func normalizeReflect(r reflect.Value) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if u := r.Uint(); u <= math.MaxInt64 {
			return Int(int64(u))
		}
		return new(big.Int).SetUint64(r.Uint())
	case reflect.Float32:
		return float32(r.Float())
	case reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Slice, reflect.Array:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = Normalize(r.Index(i).Interface())
		}
		return list
	case reflect.Map:
		return mapOfReflect(r)
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		return Normalize(r.Elem().Interface())
	}
	if s, ok := r.Interface().(interface{ String() string }); ok {
		return s.String()
	}
	return r.Type().String()
}

func mapOfReflect(r reflect.Value) any {
	plain := make(map[string]any, r.Len())
	for it := r.MapRange(); it.Next(); {
		plain[JavaString(Normalize(it.Key().Interface()))] = it.Value().Interface()
	}
	return mapOf(plain)
}

// ClassName is the name of the Java class that the reference implementation uses for such a value; "" for null.
func ClassName(v any) string {
	switch x := Normalize(v).(type) {
	case nil:
		return ""
	case bool:
		return "java.lang.Boolean"
	case int32:
		return "java.lang.Integer"
	case int64:
		return "java.lang.Long"
	case *big.Int:
		return "java.math.BigInteger"
	case float32:
		return "java.lang.Float"
	case float64:
		return "java.lang.Double"
	case Decimal:
		return "java.math.BigDecimal"
	case string:
		return "java.lang.String"
	case []any:
		return "java.util.ArrayList"
	case *Map:
		if x.literal {
			return "java.util.HashMap"
		}
		return "java.util.LinkedHashMap"
	case Object:
		return "java.util.LinkedHashMap"
	case Entry:
		return "java.util.LinkedHashMap$Entry"
	case Instant:
		return "java.time.Instant"
	case ZonedDateTime:
		return "java.time.ZonedDateTime"
	case LocalDateTime:
		return "java.time.LocalDateTime"
	case LocalDate:
		return "java.time.LocalDate"
	case LocalTime:
		return "java.time.LocalTime"
	case Duration:
		return "java.time.Duration"
	}
	return "java.lang.Object"
}

// TypeName names the kind of v in a message for people: "a string", "a list", "null".
func TypeName(v any) string {
	switch Normalize(v).(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int32, int64, *big.Int:
		return "an integer"
	case float32, float64, Decimal:
		return "a decimal number"
	case string:
		return "a string"
	case []any:
		return "a list"
	case *Map, Object:
		return "a map"
	case Entry:
		return "a map entry"
	case Duration:
		return "a duration"
	}
	return "a date"
}

// IsNumber reports whether v is a number.
func IsNumber(v any) bool {
	switch v.(type) {
	case int32, int64, float64, float32, *big.Int, Decimal, int:
		return true
	}
	return false
}

// AsInt returns an integer of any size that fits in 64 bits; numbers with a fraction do not count.
func AsInt(v any) (int64, bool) {
	switch n := v.(type) {
	case int32:
		return int64(n), true
	case int64:
		return n, true
	case int:
		return int64(n), true
	case *big.Int:
		return n.Int64(), n.IsInt64()
	}
	return 0, false
}

// AsFloat returns a number as a double, which may lose digits.
func AsFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, true
	case float32:
		return float64(n), true
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, true
	case Decimal:
		return n.Float64(), true
	}
	return 0, false
}

func quoteShort(s string) string {
	const limit = 40
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strconv.Quote(s)
}
