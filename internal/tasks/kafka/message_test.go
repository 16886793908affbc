package kafka

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

// TestSerialize: bytes are those of Kafka's own serializers, big-endian, and are read again.
func TestSerialize(t *testing.T) {
	for _, tc := range []struct {
		kind string
		v    any
		want string
		read any
	}{
		{"STRING", "héllo", "68c3a96c6c6f", "héllo"},
		{"STRING", int64(5), "35", "5"},
		{"INTEGER", int64(-2), "fffffffe", value.Int(-2)},
		{"INTEGER", "258", "00000102", value.Int(258)},
		{"SHORT", 3.0, "0003", value.Int(3)},
		{"LONG", "-9223372036854775808", "8000000000000000", int64(-1 << 63)},
		{"FLOAT", "0.5", "3f000000", float32(0.5)},
		{"DOUBLE", -2.5, "c004000000000000", -2.5},
		{"UUID", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", hex.EncodeToString([]byte("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
		{"BYTE_ARRAY", "AAH/", "0001ff", "AAH/"},
		{"BYTE_BUFFER", "", "", ""},
		{"JSON", value.MapOf(value.Entry{Key: "a", Value: int64(1)}), hex.EncodeToString([]byte(`{"a":1}`)), value.MapOf(value.Entry{Key: "a", Value: value.Int(1)})},
		{"JSON", "text", hex.EncodeToString([]byte(`"text"`)), "text"},
	} {
		b, err := serialize(tc.kind, tc.v)
		if err != nil || hex.EncodeToString(b) != tc.want {
			t.Errorf("%s %v: %x, %v", tc.kind, tc.v, b, err)
			continue
		}
		got, err := (&Consumer{}).deserialize(context.Background(), tc.kind, b)
		if err != nil || value.Print(got) != value.Print(tc.read) {
			t.Errorf("%s %v is read as %v, %v", tc.kind, tc.v, got, err)
		}
	}
	for _, kind := range []string{"STRING", "LONG", "UUID", "JSON", "VOID", "BYTES"} {
		if b, err := serialize(kind, nil); b != nil || err != nil {
			t.Errorf("%s: nothing is written as %x, %v", kind, b, err)
		}
	}
	for kind, v := range map[string]any{"INTEGER": int64(1 << 40), "SHORT": "1.5", "LONG": "many", "FLOAT": "x", "UUID": "x", "BYTES": "!", "VOID": "x"} {
		if b, err := serialize(kind, v); err == nil {
			t.Errorf("%s: %v is written as %x", kind, v, b)
		}
	}
}

func TestTimestamp(t *testing.T) {
	for _, tc := range []struct {
		v    any
		want string
	}{
		{int64(1_700_000_000_123), "2023-11-14T22:13:20.123Z"},
		{"2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"},
		{"2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.5Z"},
		{nil, "0001-01-01T00:00:00Z"},
		{"soon", ""},
	} {
		at, err := timestamp(tc.v)
		got, _ := at.UTC().MarshalText()
		if (err != nil) != (tc.want == "") || err == nil && string(got) != tc.want {
			t.Errorf("%v: %s, %v", tc.v, got, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	entry := func(k string, v any) value.Entry { return value.Entry{Key: k, Value: v} }
	for _, tc := range []struct {
		v    any
		want []string
	}{
		{nil, nil},
		{value.MapOf(entry("a", "1"), entry("b", int64(2))), []string{"a=1", "b=2"}},
		{[]any{value.MapOf(entry("b", "1")), value.MapOf(entry("a", "2")), value.MapOf(entry("b", nil))}, []string{"b=1", "a=2", "b="}},
	} {
		list, err := headers(tc.v)
		var got []string
		for _, h := range list {
			got = append(got, h.Key+"="+string(h.Value))
		}
		if d := cmp.Diff(tc.want, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	if _, err := headers("a"); err == nil {
		t.Error("a text is taken for headers")
	}
}
