package ion

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

// all reads a stream to its end; errors of values are among them.
func all(d *Decoder) string {
	var b strings.Builder
	for range 1000 {
		v, err := d.Next()
		switch {
		case err == nil:
			b.WriteString(value.Print(v) + ";")
		case errors.As(err, new(*Error)):
			b.WriteString(err.Error() + ";")
		case errors.Is(err, io.EOF):
			return b.String()
		default:
			return b.String() + err.Error()
		}
	}
	return "it does not end"
}

func TestDecoder(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"{a:1}\n{a:2}\n":                 `{"a":1};{"a":2};`,
		"$ion_1_0 {a:1} {a:2}":           `{"a":1};{"a":2};`,
		"{\n  a: [\n    1,\n 2]\n}\n\n3": `{"a":[1,2]};3;`,
		"'''one\n{''' 2":                 "one\n{;2;",
		"/* { \n */ 1 // [\n2":           "1;2;",
		"{{ a//b }}\n\"}\"\n'{' ":        "a//b;};{;",
		"\"a\\\nb\"\n1":                  "ab;1;",
		"{\"a\": \"\\\\\"}\r\n1":         `{"a":"\\"};1;`,
		"1\n{a 1}\n2\n":                  `1;invalid Ion at line 2, column 4: expected ':' after the field name "a";2;`,
		"{a:\"open\n}\n2":                `invalid Ion at line 1, column 9: a line break in a string must be escaped;invalid Ion at line 2, column 1: unexpected '}', expected a value;2;`,
		"1\n[\n2":                        "1;invalid Ion at line 3, column 2: expected ',' or ']';",
		"\xE0\x01\x00\xEA\x21\x01":       ErrBinary.Error(),
	} {
		if got := all(NewDecoder(strings.NewReader(text))); got != want {
			t.Errorf("%q gave %s\nwant %s", text, got, want)
		}
	}
	d := NewDecoder(strings.NewReader(`{a: x::'y z'::"text", b: LocalTime::"10:00:00", c: x::1}`))
	d.KeepAnnotations = true
	if got, want := all(d), `{"a":{"ion_annotations":["x","y z"],"value":"text"},"b":{"ion_annotations":["LocalTime"],"value":"10:00:00"},"c":1};`; got != want {
		t.Errorf("annotations are not kept: %s", got)
	}
}

// However a text is cut into lines, reading it in pieces gives what reading it as a whole gives.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"{a:1}\n[2,\n3]", "'''x\n''' 1", "/*\n*/1", "\"\\\n\"", "{{ \"}}\" }}\n2", "a::\n1", "'''a'''\n'''b'''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := Read(text, -1)
		got := all(NewDecoder(strings.NewReader(text)))
		if err != nil || strings.Contains(text, "::") || strings.Contains(text, "'''") || len(want) > 900 {
			return // of malformed text no more is asked than an end; what goes over lines without brackets is cut
		}
		var b strings.Builder
		for _, v := range want {
			b.WriteString(value.Print(v) + ";")
		}
		if got != b.String() {
			t.Errorf("%q gave %s, expected %s", text, got, b.String())
		}
	})
}
