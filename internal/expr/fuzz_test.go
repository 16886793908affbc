package expr

import (
	"errors"
	"testing"
)

// seeds cover every tag, operator and literal, and some of each kind of filter.
var seeds = []string{
	"plain", "{{ n }}", "{{ list[0] + user.id * 2 - -3 / 4 % 5 }}", `{{ "a #{n} b" ~ 'c' | upper | replace({"A": "b"}, regexp=true) }}`,
	"{% for x in list %}{{ loop.index }}{% set s = x %}{% else %}-{% endfor %}", "{% if n > 1 and not no %}a{% elseif yes or nothing %}b{% else %}c{% endif %}",
	"{% macro m(a, b=1) %}{{ a ?? b ??? 2 }}{% endmacro %}{{ m(1, b=2) }}", "{% block b %}x{% endblock %}{{ block('b') }}", "{% filter trim | title %} x {% endfilter %}",
	"{% verbatim %}{{ x }}{% endverbatim %}{% raw %}{{ y }}{% endraw %}{#- c -#}", "{{ {'a': [1, null, true, 1.5]} is map ? 1..3 : 'a'..'c' }}",
	"{{ words contains 'fig' }}{{ n isIn list }}{{ n is not even }}{{ list == [4] }}{{ 1 <= 2 }}", "{{ instant | date('EEEE d MMM yyyy', timeZone='Europe/Paris', locale='fr') | substringAfter(' ') }}",
	"{{ render(template) }}{{ json | jq('.k[] | tostring') }}{{ fromIon('{a: 1d2}') | toIon | yaml }}", "{{ 'a,b' | split('[,;]', -1) | slice(0, 1) | join }}{{ pi | numberFormat('#,##0.00;(#)') }}",
	"{{ '1/2/24' | date(existingFormat='d/M/yy') }}{{ instant | dateAdd(1, 'MONTHS') }}", "{{- n -}} {%- set x = 1 -%} {{ x }}", "{{ range(1, 3) | sort | reverse | first | string | number }}",
	"{{ text.replace('a', 'b').split(' ')[0].length() }}", "{{ yaml('a: &x [1, *x]') }}", "{{ '(' | regexMatch('(?<a>.)\\\\k<a>') }}",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tpl, err := Parse(src)
		if err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" {
				t.Fatalf("%q gave an error without a place: %v", src, err)
			}
			return
		}
		for _, r := range tpl.Refs() {
			if r.Name == "" || r.Line < 1 || r.Column < 1 {
				t.Fatalf("%q has a reference without a name or place: %+v", src, r)
			}
		}
		tpl.Calls()
	})
}

func FuzzRender(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	lim := Limits{Output: 1 << 20, Steps: 100_000, Text: 1 << 18, Range: 10_000, Depth: 16, JQSteps: 20_000, RegexTime: 50_000_000}
	f.Fuzz(func(t *testing.T, src string) {
		tpl, err := Parse(src)
		if err != nil {
			return
		}
		env := newEnv(t, sample)
		text, err := tpl.Render(env, lim)
		if err != nil {
			var e *EvalError
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Msg == "" {
				t.Fatalf("%q gave an error without a place: %v", src, err)
			}
			return
		}
		if again, err := tpl.Render(env, lim); err != nil || again != text {
			t.Fatalf("%q gave %q and then %q (%v)", src, text, again, err)
		}
	})
}
