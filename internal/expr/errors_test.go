package expr

import (
	"errors"
	"strings"
	"testing"
)

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct {
		src          string
		line, column int
		part         string // of the message
		suggestion   string
	}{
		{"{{ name | uper }}", 1, 11, `no filter "uper"`, "upper"},
		{"a\n\nbé {{ tier() }}", 3, 7, `no function or macro "tier"`, ""},
		{"{{ secrt('x') }}", 1, 4, `no function or macro "secrt"`, "secret"},
		{"{{ n is definde }}", 1, 9, `no test "definde"`, "defined"},
		{"{% fro x in y %}", 1, 4, `no tag "fro"`, "for"},
		{"{{ now(fromat='yyyy') }}", 1, 8, `the function now has no argument "fromat"`, "format"},
		{"{{ n | upper | slice(1, 2, 3) }}", 1, 28, "at most 2 arguments (fromIndex, toIndex)", ""},
		{"{{ abbreviate }", 1, 15, `unexpected '}'`, ""},
		{"{{ (n }}", 1, 7, `')' is missing before '}'`, ""},
		{"{% if (n %}", 1, 10, `')' is missing before %}`, ""},
		{"{{ n m }}", 1, 6, `unexpected "m", expected }}`, ""},
		{"{{ 'a }}", 1, 4, "the string is not closed", ""},
		{"x {# y", 1, 3, "the comment is not closed", ""},
		{"{% if n %}\ntext", 2, 5, "{% endif %} is missing", ""},
		{"{{ n", 1, 1, "{{ is not closed, }} is missing", ""},
		{"{{ f(a=1, 2) }}", 1, 11, "positional arguments must come before named ones", ""},
		{"{{ @ }}", 1, 4, `unexpected character '@'`, ""},
	} {
		_, err := Parse(c.src)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%q gave %v, expected a syntax error", c.src, err)
			continue
		}
		if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Msg, c.part) || e.Suggestion != c.suggestion {
			t.Errorf("%q gave %d:%d %q, suggesting %q; expected %d:%d …%s…, suggesting %q", c.src, e.Line, e.Column, e.Msg, e.Suggestion, c.line, c.column, c.part, c.suggestion)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for _, c := range []struct {
		src          string
		line, column int
		part         string
		missing      string
		suggestion   string
	}{
		{"{{ nmae }}", 1, 4, "Unable to find `nmae` used in the expression `{{ nmae }}` at line 1", "nmae", "name"},
		{"line one\n  {{ user.tagz }} and {{ n }}", 2, 11, "Unable to find `tagz` used in the expression `{{ user.tagz }}` at line 2", "tagz", "tags"},
		{"{{ user.gone.x }}", 1, 9, "Unable to find `gone`", "gone", ""},
		{"{{ user['nested']['dep'] }}", 1, 19, "Unable to find `dep`", "dep", "deep"},
		{"{{ list[7] }}", 1, 9, "Unable to find `7`", "7", ""},
		{"{% for item in list %}{{ itme }}{% endfor %}", 1, 26, "Unable to find `itme`", "itme", "item"},
		{"{{ n + nothing }}", 1, 6, "+ cannot be used on an integer and null", "", ""},
		{"{{ 1 +\n 2 / 0 }}", 2, 4, "division by zero", "", ""},
		{"{{ n | join }}", 1, 8, "join: expected a list, found an integer", "", ""},
		{"{{ name | abbreviate }}", 1, 11, `abbreviate: the argument "length" is required`, "", ""},
		{"é {{ fromJson('[1,\n x]') }}", 1, 6, `invalid JSON at line 2, column 2: unknown word "x"`, "", ""},
		{"{{ 'a' < 'b' }}", 1, 8, "< cannot compare a string with a string", "", ""},
		{"{% if list %}{% endif %}", 1, 7, "the condition is a list", "", ""},
		{"{% for x in n %}{% endfor %}", 1, 13, "cannot loop over an integer", "", ""},
	} {
		_, err := render(t, c.src, sample)
		var e *EvalError
		if !errors.As(err, &e) {
			t.Errorf("%q gave %v, expected an evaluation error", c.src, err)
			continue
		}
		if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Msg, c.part) || e.Missing != c.missing || e.Suggestion != c.suggestion {
			t.Errorf("%q gave %d:%d %q, missing %q, suggesting %q; expected %d:%d …%s…, missing %q, suggesting %q",
				c.src, e.Line, e.Column, e.Msg, e.Missing, e.Suggestion, c.line, c.column, c.part, c.missing, c.suggestion)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	_, err := Parse("{{ name | uper }}")
	if want := `there is no filter "uper" (line 1, column 11); did you mean upper?`; err == nil || err.Error() != want {
		t.Errorf("got %v, expected %s", err, want)
	}
	_, err = render(t, strings.Repeat("long text ", 100)+"{{ nmae ~ '"+strings.Repeat("x", 500)+"' }}", sample)
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("the message should show a part of a long expression only: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"inputs", "outputs", "input", "zone"}
	for word, want := range map[string]string{"inptus": "inputs", "output": "outputs", "INPUTS": "inputs", "tsk": "", "": "", "zoen": "zone", "completely": ""} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) is %q, expected %q", word, got, want)
		}
	}
}
