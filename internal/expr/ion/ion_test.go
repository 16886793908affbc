package ion

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

// TestRead gives values in Ion and what JSON prints for them.
func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "-0x1F": "-31", "0b101": "5", "1_000": "1000", "99999999999": "99999999999", "123456789012345678901": "123456789012345678901", "1.50": "1.50", "1d2": "100", "-2.5e-1": "-0.25",
		"nan": `"NaN"`, "+inf": `"Infinity"`, "-inf": `"-Infinity"`, "true": "true", "null": "null", "null.struct": "null", `"a\n\x41é\"\/"`: `"a\nAé\"/"`, "'a symbol'": `"a symbol"`, "sym_1$": `"sym_1$"`,
		"'''long ''' '''text'''": `"long text"`, "{a: 1, 'b c': [x, y], \"d\": {}}": `{"a":1,"b c":["x","y"],"d":{}}`, "[1, 2,]": "[1,2]", "{a: 1,}": `{"a":1}`, "(a + (b))": `["a","+",["b"]]`,
		"{{ aGVsbG8= }}": `"aGVsbG8="`, `{{ "clob" }}`: `"clob"`, "2024T": `"2024-01-01"`, "2024-05T": `"2024-05-01"`, "2024-05-06": `"2024-05-06"`, "2024-05-06T07:08Z": `"2024-05-06T07:08:00Z"`,
		"2024-05-06T07:08:09.5-00:00": `"2024-05-06T07:08:09.500Z"`, "2024-05-06T07:08:09+02:00": `"2024-05-06T07:08:09+02:00"`, "a::b::1": "1", "/* c */ 1 // d": "1", "$ion_1_0 7": "7",
		`LocalDateTime::"2024-05-06T07:08:00"`: `"2024-05-06T07:08:00"`, "{a: 1, a: 2}": `{"a":2}`,
	} {
		got, err := Read(text, 1)
		if err != nil || len(got) != 1 {
			t.Errorf("%s gave %v, %v", text, got, err)
			continue
		}
		if printed := string(value.AppendJSON(nil, got[0], value.JSONOptions{KeepNulls: true})); printed != want {
			t.Errorf("%s gave %s, expected %s", text, printed, want)
		}
	}
	rows, err := Read("{a:1}\n{a:2} 3", -1)
	if err != nil || value.Print(rows) != `[{"a":1},{"a":2},3]` {
		t.Errorf("several values gave %v, %v", rows, err)
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string][2]int{
		"{": {1, 2}, "[1,,2]": {1, 4}, "{a 1}": {1, 4}, "{a:1\n b:2}": {2, 2}, `"open`: {1, 6}, "\"a\nb\"": {1, 3}, "01": {1, 1}, "1.2.3": {1, 1}, "/* x": {1, 1}, "{{ %% }}": {1, 4}, "{{ aGk= ": {1, 1}, ")": {1, 1}, `"\q"`: {1, 2},
		"'''x": {1, 5}, "a::": {1, 4}, strings.Repeat("[", 600): {1, maxDepth + 2}, strings.Repeat("9", maxDigits+1): {1, 1},
	} {
		_, err := Read(text, -1)
		var e *Error
		if !errors.As(err, &e) || e.Line != want[0] || e.Column != want[1] {
			t.Errorf("%.30q gave %v, expected an error at %d:%d", text, err, want[0], want[1])
		}
	}
}

func TestAppend(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, "null"}, {1, "1"}, {1.0, "1e0"}, {2.5, "2.5e0"}, {1e7, "1.0e7"}, {1e-5, "1.0e-5"}, {math.Inf(1), "+inf"}, {math.NaN(), "nan"}, {true, "true"}, {"a\"b\n\x01\x07é", `"a\"b\n\x01\aé"`},
		{[]any{1, nil, "x"}, `[1,null,"x"]`}, {value.MapOf(value.Entry{Key: "a_1", Value: nil}, value.Entry{Key: "b-c", Value: 1}, value.Entry{Key: "null", Value: 2}, value.Entry{Key: "", Value: 3}, value.Entry{Key: "$7", Value: 4}), `{a_1:null,'b-c':1,'null':2,'':3,'$7':4}`},
		{value.Instant{T: at}, "2024-05-06T07:08:09.000Z"}, {value.LocalDate{T: at}, "2024-05-06"}, {value.ZonedDateTime{T: at}, `ZonedDateTime::"2024-05-06T07:08:09Z"`},
	} {
		if got := string(Append(nil, c.in)); got != c.want {
			t.Errorf("%v gave %s, expected %s", c.in, got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"{a: [1, 2.5, x::'y'], \"b\": {{aGk=}}}", "'''a''' 2024-05-06T07:08:09.1Z (+ 1)", "1e400 -0.0 nan null.int", "/**/ $ion_1_0 \"\\u00e9\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := Read(text, -1)
		if err != nil {
			return
		}
		for _, v := range values {
			written := string(Append(nil, v))
			again, err := Read(written, -1)
			if err != nil || len(again) != 1 {
				t.Fatalf("%q was written as %q, which gives %v, %v", text, written, again, err)
			}
			if twice := string(Append(nil, again[0])); twice != written {
				t.Fatalf("%q was written as %q and then as %q: %s", text, written, twice, cmp.Diff(written, twice))
			}
		}
	})
}
