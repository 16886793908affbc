package jsonata

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

// What the expressions come to was recorded from the package jsonata 2.2.2 of npm, which defines the language.
func TestRecorded(t *testing.T) {
	content, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := value.ParseJSON(content)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := value.AsMap(all)
	shop, _ := m.Get("input")
	cases, _ := m.Get("cases")
	for _, c := range cases.([]any) {
		m, _ := value.AsMap(c)
		text, _ := m.Get("expr")
		input := shop
		if m.Has("input") {
			input, _ = m.Get("input")
		}
		got, err := run(t.Context(), text.(string), input)
		if code, ok := m.Get("code"); ok {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Code != code {
				t.Errorf("%s: got %s, %v, want the error %s", text, asJSON(got), err, code)
			}
			continue
		}
		want, _ := m.Get("result")
		if err != nil {
			t.Errorf("%s: %v, want %s", text, err, asJSON(want))
		} else if diff := cmp.Diff(asJSON(want), asJSON(got)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func run(ctx context.Context, text string, input any) (any, error) {
	x, err := Compile(text)
	if err != nil {
		return nil, err
	}
	return x.Evaluate(ctx, input, 1000)
}

func asJSON(v any) string { return string(value.AppendJSON(nil, v, value.JSONOptions{})) }

// An expression that would never end ends with its context, and one that nests without end by its depth.
func TestEndless(t *testing.T) {
	for _, text := range []string{
		"($f := function(){$f()}; $f())", "($f := function($n){$n > 0 ? $f($n + 1)}; $f(1))", "[1..1e6].[1..1e6].($*2)", "$map([1..1e6], function($x){$sum([1..1e6])})",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		done := make(chan error, 1)
		go func() { _, err := run(ctx, text, nil); done <- err }()
		select {
		case err := <-done:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", text, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s does not end", text)
		}
		cancel()
	}
	for text, want := range map[string]string{
		"($f := function($n){1 + $f($n + 1)}; $f(1))": "D1011", "[1..1e9]": "D2014", "$pad('', 1e9)": "D3001", strings.Repeat("(", 600) + "1": "S0201",
	} {
		if _, err := run(t.Context(), text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50s: %v", text, err)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	for _, text := range []string{"a.b[0]^(>c){d: $sum(e)}", "$map([1..3], function($x){$x & '!'})", "a@$b#$i.%.c ~> |$|{'d':1},'e'|", "$replace('a', /(.)/, '$1')", "[1..3][[0..1]]", "$formatNumber(1, '#,##0.00')"} {
		f.Add(text)
	}
	input, err := value.ParseJSON([]byte(`{"a": [{"b": [1, 2], "c": "x"}, {"b": 3}], "d": null}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, _ = run(ctx, text, input) // whatever it is, it neither panics nor hangs
	})
}
