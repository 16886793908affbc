package serdes_test

import (
	"encoding/hex"
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/serdes"
	"github.com/windhover-io/windhover/internal/value"
)

// TestAvroValue: bytes are those of Avro's binary encoding, as its specification has them.
func TestAvroValue(t *testing.T) {
	entry := func(k string, v any) value.Entry { return value.Entry{Key: k, Value: v} }
	for _, tc := range []struct {
		schema string
		v      any
		bytes  string // "" where it is refused
		read   string
	}{
		{`"string"`, "foo", "06666f6f", "foo"},
		{`"long"`, "-64", "7f", "-64"},
		{`["null","string"]`, "", "0200", ""},
		{`["null","string"]`, "null", "02086e756c6c", "null"},
		{`["null","string"]`, nil, "00", ""},
		{`{"type":"record","name":"test","fields":[{"name":"a","type":"long"},{"name":"b","type":"string"}]}`,
			value.MapOf(entry("b", "foo"), entry("a", int64(27))), "3606666f6f", `{"a":27,"b":"foo"}`},
		{`{"type":"array","items":"long"}`, []any{int64(3), int64(27)}, "04063600", "[3,27]"},
		{`"long"`, "many", "", ""},
		{`"boolean"`, "yes", "", ""},
	} {
		a, err := serdes.NewAvroValue(tc.schema)
		if err != nil {
			t.Fatal(err)
		}
		b, err := a.Append(nil, tc.v)
		if (err != nil) != (tc.bytes == "") || hex.EncodeToString(b) != tc.bytes {
			t.Errorf("%s: %v is written as %x, %v", tc.schema, tc.v, b, err)
		}
		if err != nil {
			continue
		}
		got, err := a.Read(b)
		if err != nil || got != nil && value.Print(got) != tc.read || got == nil && tc.v != nil {
			t.Errorf("%s: %v is read as %v, %v", tc.schema, tc.v, got, err)
		}
		if _, err := a.Read(append(b, 0)); err == nil {
			t.Errorf("%s: bytes are left over, and nobody minds", tc.schema)
		}
	}
	if _, err := serdes.NewAvroValue("{"); err == nil {
		t.Error("that is a schema")
	}
}
