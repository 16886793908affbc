package yamltext

import (
	"errors"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [x, 2.5]": `{"a":1,"b":["x",2.5]}`, "- yes\n- Off\n- 'yes'\n- TRUE": `[true,false,"yes",true]`, "[0x1F, 017, 0b11, 1_000, +5, -0, 08, 1:30, _1]": `[31,15,3,1000,5,0,"08","1:30","_1"]`,
		"[1.0, 1e3, .5, 5., 1e400, .inf, 1.2.3]": `[1.0,1000.0,0.5,5.0,"Infinity","Infinity","1.2.3"]`, "[~, null, Null, '', x: ]": `[null,null,null,"",{"x":null}]`, "2024-05-06": `"2024-05-06"`, "1: a\ntrue: b": `{"1":"a","true":"b"}`,
		"!!str 1": `"1"`, "!!int '7'": "7", "!custom x": `"x"`, "a: |\n  x\n  y\n": `{"a":"x\ny\n"}`, "a: &x {p: 1}\nb: *x": `{"a":{"p":1},"b":{"p":1}}`, "one\n---\ntwo": `"one"`, "%YAML 1.2\n---\n5": "5", "a: 1\na: 2": `{"a":2}`,
	} {
		got, err := Read(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if printed := string(value.AppendJSON(nil, got, value.JSONOptions{KeepNulls: true})); printed != want {
			t.Errorf("%q gave %s, expected %s", text, printed, want)
		}
	}
	for _, text := range []string{"a: [", "a: b: c", "{? [x] : y}", "*none", "a:\n\tb: 1", strings.Repeat("[", 5000)} {
		if got, err := Read(text); err == nil {
			t.Errorf("%.20q gave %v, expected an error", text, got)
		}
	}
	for _, text := range []string{"", "# nothing"} {
		if _, err := Read(text); !errors.Is(err, ErrEmpty) {
			t.Errorf("%q gave %v, expected ErrEmpty", text, err)
		}
	}
}

// FuzzWrite shows that what is written is read as the same text. Numbers and dates are the exception: the reference, and
// so we, write text that looks like a number without quotes.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"plain", "yes", "a: b", " x ", "l1\nl2\n", "'", `"`, "- a", "#x", "é\t日", "\n\n", "{a}", "?", "~x", "a\rb", "\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ToValidUTF8(s, "") != s || strings.ContainsAny(s, "\u0085\u2028\u2029\uFEFF\uFFFD\r") || strings.ContainsRune(s, '\x00') {
			return // line breaks and marks that YAML itself changes
		}
		written := Write(value.MapOf(value.Entry{Key: "k", Value: []any{s}}))
		got, err := Read(written)
		if err != nil {
			t.Fatalf("%q was written as %q, which is not read: %v", s, written, err)
		}
		m, _ := value.AsMap(got)
		v, _ := m.Get("k")
		list, ok := v.([]any)
		if !ok || len(list) != 1 {
			t.Fatalf("%q was written as %q, which gives %s", s, written, value.Print(got))
		}
		if _, isNumber := number(s); !isNumber && !strings.HasPrefix(s, ".") && !strings.HasPrefix(s[min(1, len(s)):], ".") && list[0] != s {
			t.Fatalf("%q was written as %q, which gives %q", s, written, list[0])
		}
	})
}
