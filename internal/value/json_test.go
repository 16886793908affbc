package value

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseJSON(t *testing.T) {
	huge, _ := new(big.Int).SetString("9223372036854775808", 10)
	for text, want := range map[string]any{
		`null`: nil, ` true `: true, `false`: false, `0`: int32(0), `-0`: int32(0), `2147483647`: int32(2147483647), `2147483648`: int64(2147483648),
		`-9223372036854775808`: int64(math.MinInt64), `9223372036854775808`: huge, `1.0`: 1.0, `1e2`: 100.0, `-2.5E-1`: -0.25, `1e999`: math.Inf(1),
		`"a\"\\\/\b\f\n\r\té"`: "a\"\\/\b\f\n\r\té", `"😀"`: "😀", `"\ud83d"`: "\uFFFD", `"é"`: "é", `[]`: []any{}, `[1,[2]]`: []any{int32(1), []any{int32(2)}},
	} {
		got, err := ParseJSON([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	v, err := ParseJSON([]byte(`{"b": 1, "a": {}, "b": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := Print(v); got != `{"b":2,"a":{}}` {
		t.Errorf("of two members with one name the last should count, in the place of the first: %s", got)
	}
}

func TestParseJSONErrors(t *testing.T) {
	for text, want := range map[string][2]int{
		``: {1, 1}, `{`: {1, 2}, `[1,]`: {1, 4}, `{"a" 1}`: {1, 6}, `{a: 1}`: {1, 2}, "[1,\n  tru]": {2, 3}, `01`: {1, 1}, `1.`: {1, 3}, `1e`: {1, 3}, `-`: {1, 2}, `"a`: {1, 3},
		"\"a\nb\"": {1, 3}, `"\x"`: {1, 2}, `"\u12"`: {1, 2}, `1 2`: {1, 3}, `'a'`: {1, 1}, `NaN`: {1, 1}, `{"a":1,}`: {1, 8}, `1-2`: {1, 2}, `[1:2]`: {1, 3},
	} {
		_, err := ParseJSON([]byte(text))
		var e *JSONError
		if !errors.As(err, &e) || e.Line != want[0] || e.Column != want[1] {
			t.Errorf("%q gave %v, expected an error at %d:%d", text, err, want[0], want[1])
		}
	}
	if _, err := ParseJSON([]byte(strings.Repeat("[", MaxJSONDepth+2))); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("deep nesting gave %v", err)
	}
	if _, err := ParseJSON([]byte(strings.Repeat("1", 2000))); err == nil {
		t.Error("a number of 2000 digits should be refused")
	}
}

func TestParseJSONPrefix(t *testing.T) {
	v, rest, err := ParseJSONPrefix([]byte(` {"a":1} tail`))
	if err != nil || Print(v) != `{"a":1}` || string(rest) != " tail" {
		t.Errorf("gave %v, %q, %v", v, rest, err)
	}
}

func TestAppendJSON(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 0, 120_000_000, time.UTC)
	for _, c := range []struct {
		in   any
		want string
	}{
		{1.0, "1.0"}, {1e7, "1.0E7"}, {0.0001, "1.0E-4"}, {math.NaN(), `"NaN"`}, {math.Inf(-1), `"-Infinity"`}, {float32(0.1), "0.1"}, {"a\u001f\"\\\n\x7f/é", `"a\u001F\"\\\n` + "\x7f" + `/é"`},
		{"bad\xffutf8", "\"bad\uFFFDutf8\""}, {[]any{nil, 1, "x"}, `[null,1,"x"]`}, {MapOf(Entry{"a", nil}, Entry{"b", 1}), `{"b":1}`}, {Entry{"k", 1}, `{"k":1}`}, {Entry{"k", nil}, `{}`},
		{Instant{at}, `"2024-05-06T07:08:00.120Z"`}, {LocalDateTime{at.Truncate(time.Minute)}, `"2024-05-06T07:08:00"`}, {LocalDate{at}, `"2024-05-06"`}, {Duration(90 * time.Second), "90.0"},
		{ZonedDateTime{at.In(time.FixedZone("+02:00", 7200))}, `"2024-05-06T09:08:00.120+02:00"`}, {Decimal{big.NewInt(150), 2}, "1.50"}, {big.NewInt(-5), "-5"},
	} {
		if got := string(AppendJSON(nil, c.in, JSONOptions{})); got != c.want {
			t.Errorf("%#v gave %s, expected %s", c.in, got, c.want)
		}
	}
	if got := string(AppendJSON([]byte("x"), MapOf(Entry{"a", nil}), JSONOptions{KeepNulls: true})); got != `x{"a":null}` {
		t.Errorf("gave %s", got)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\u0041",null,true]}`, `[[[]]]`, `-0.0e-5`, `"\ud83d\ude00"`, ` 12345678901234567890 `} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseJSON(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q was taken but is not JSON", data)
		}
		text := AppendJSON(nil, v, JSONOptions{KeepNulls: true})
		again, err := ParseJSON(text)
		if err != nil {
			t.Fatalf("%q was written as %q, which is not read: %v", data, text, err)
		}
		if !strings.Contains(string(text), "Infinity") && !Equal(v, again) {
			t.Fatalf("%q was written as %q, which is another value", data, text)
		}
	})
}

func BenchmarkParseJSON(b *testing.B) {
	data := []byte(`{"id":123,"name":"some text","tags":["a","b","c"],"nested":{"x":1.5,"y":null,"z":true}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ParseJSON(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	v, err := ParseJSON([]byte(`{"id":123,"name":"some text","tags":["a","b","c"],"nested":{"x":1.5,"y":null,"z":true}}`))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendJSON(buf[:0], v, JSONOptions{})
	}
}
