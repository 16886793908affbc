package mask

import (
	"unsafe"

	"github.com/windhover-io/windhover/internal/value"
)

// Value returns v with every known secret hidden in its texts, its keys and its numbers.
func (h Hider) Value(v any) any {
	if h.Empty() {
		return v
	}
	return h.value(v)
}

func (h Hider) value(v any) any {
	switch t := v.(type) {
	case string:
		return h.Replace(t)
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = h.value(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(t.Len())
		for k, e := range t.All() {
			out.Set(h.Replace(k), h.value(e))
		}
		return out
	}
	if value.IsNumber(v) {
		if text := value.Print(v); h.Replace(text) != text {
			return Stars
		}
	}
	return v
}

// JSON returns a JSON value with every known secret hidden. What holds none is returned as it is, and at little cost.
func (h Hider) JSON(raw []byte) []byte {
	if len(raw) == 0 || len(h.find(unsafe.String(unsafe.SliceData(raw), len(raw)))) == 0 { // read here, and not kept
		return raw
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return []byte(`"` + Stars + `"`)
	}
	return value.AppendJSON(nil, h.value(v), value.JSONOptions{KeepNulls: true})
}
