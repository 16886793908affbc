package plugin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Encode turns a task's outputs into a JSON object: a struct with json tags, or a map. Nulls at the top are left out, as is
// the whole when it is nil.
func (t *Type) Encode(outputs any) (json.RawMessage, error) {
	v, err := Value(outputs)
	if err != nil || v == nil {
		return nil, err
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("the outputs of %s are %s, not an object", t.Name, value.TypeName(v))
	}
	return value.AppendJSON(nil, m, value.JSONOptions{}), nil
}

// Value turns a Go value into one of the expression language: structs become maps by their json tags.
func Value(v any) (any, error) {
	switch x := v.(type) {
	case nil, string, bool, *value.Map, []any:
		return x, nil
	case json.RawMessage:
		return value.ParseJSON(x)
	case sdk.Duration:
		return value.Duration(x), nil
	case time.Time:
		return value.Instant{T: x.UTC()}, nil
	}
	return reflected(reflect.ValueOf(v))
}

func reflected(r reflect.Value) (any, error) {
	switch r.Kind() {
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil, nil
		}
		return Value(r.Elem().Interface())
	case reflect.Struct:
		if r.Type().PkgPath() == valuePackage {
			return r.Interface(), nil
		}
		return structMap(r)
	case reflect.Slice, reflect.Array:
		if r.Kind() == reflect.Slice && r.IsNil() {
			return nil, nil
		}
		out := make([]any, r.Len())
		for i := range out {
			e, err := Value(r.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	case reflect.Map:
		if r.IsNil() {
			return nil, nil
		}
		m, ok := value.Normalize(r.Interface()).(*value.Map)
		if !ok {
			return nil, fmt.Errorf("maps of type %s are not supported", r.Type())
		}
		out := value.NewMap(m.Len())
		for k, e := range m.All() {
			n, err := Value(e)
			if err != nil {
				return nil, err
			}
			out.Set(k, n)
		}
		return out, nil
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return nil, fmt.Errorf("values of type %s cannot be outputs", r.Type())
	}
	return value.Normalize(r.Interface()), nil
}

var valuePackage = reflect.TypeFor[value.Map]().PkgPath()

func structMap(r reflect.Value) (*value.Map, error) {
	m := value.NewMap(r.NumField())
	for i := range r.NumField() {
		f := r.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct { // its fields are as if they were the struct's own
			inner, err := structMap(r.Field(i))
			if err != nil {
				return nil, err
			}
			for k, v := range inner.All() {
				m.Set(k, v)
			}
			continue
		}
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		if strings.Contains(options, "omitempty") && r.Field(i).IsZero() {
			continue
		}
		v, err := Value(r.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		m.Set(name, v)
	}
	return m, nil
}
