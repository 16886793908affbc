package expr

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestBombs evaluates what would take for ever, or all memory, without limits.
func TestBombs(t *testing.T) {
	for name, src := range map[string]string{
		"loops":            `{% for a in 1..1000 %}{% for b in 1..1000 %}{% for c in 1..1000 %}{% endfor %}{% endfor %}{% endfor %}`,
		"range":            `{{ range(1, 1000000000) }}`,
		"range of longs":   `{{ range(-9223372036854775807, 9223372036854775807) }}`,
		"doubled text":     `{% set x = "xxxxxxxx" %}{% for i in 1..60 %}{% set x = x ~ x %}{% endfor %}{{ x }}`,
		"doubled list":     `{% set x = [1] %}{% for i in 1..60 %}{% set x = x + x %}{% endfor %}{{ x | length }}`,
		"shared list":      `{% set x = [1] %}{% for i in 1..60 %}{% set x = [x, x] %}{% endfor %}{{ x }}`,
		"shared map":       `{% set x = {} %}{% for i in 1..60 %}{% set x = {"a": x, "b": x} %}{% endfor %}{{ x == x }}`,
		"deep list":        `{% set x = 1 %}{% for i in 1..100000 %}{% set x = [x] %}{% endfor %}{{ x }}`,
		"grown by replace": `{% set x = "aa" %}{% for i in 1..60 %}{{ "" }}{% set x = x | replace({"a": "aa"}) %}{% endfor %}{{ x | length }}`,
		"grown by regex":   `{% set x = "aa" %}{% for i in 1..60 %}{% set x = x | replace({"a": "aa"}, regexp=true) %}{% endfor %}{{ x | length }}`,
		"indent":           `{{ "a\nb" | indent(1000000000) }}`,
		"indent far":       `{{ lines | indent(9223372036854775807, "abc") }}`,
		"join":             `{% set s = "x" %}{% for i in 1..22 %}{% set s = s ~ s %}{% endfor %}{{ range(1, 100000) | join(s) }}`,
		"merge":            `{% set x = {"a": 1} %}{% for i in 1..60 %}{% set x = x | merge({"k" ~ i: x, "l" ~ i: x}) %}{% endfor %}{{ x }}`,
		"macro":            `{% macro m(i) %}{{ m(i) }}{% endmacro %}{{ m(1) }}`,
		"block":            `{% block b %}{{ block("b") }}{% endblock %}`,
		"render":           `{% set r = "{{ render(r) }}" %}{{ render(r) }}`,
		"growing render":   `{% set r = "{{ r }}{{ r }}" %}{{ render(r) }}`,
		"backtracking":     `{{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | regexMatch("(a+)+(?=b)") }}`,
		"power":            `{% set x = "7" | number("BIGINTEGER") %}{% for i in 1..60 %}{% set x = x * x %}{% endfor %}{{ x }}`,
		"decimal":          `{% set x = "1e9999" | number("BIGDECIMAL") %}{% for i in 1..60 %}{% set x = x * x %}{% endfor %}{{ x }}`,
		"number text":      `{{ "1e999999999" | number("BIGDECIMAL") }}`,
		"number pattern":   `{{ 1 | numberFormat("` + strings.Repeat("0", 100_000) + `") }}`,
		"years":            `{{ 0 | dateAdd(9223372036854775807, "SECONDS") }}`,
		"jq loop":          `{{ 1 | jq("def f: f; f") }}`,
		"jq text":          `{{ 1 | jq("reduce range(100) as $i (\"x\"; . + .)") }}`,
		"jq shared":        `{{ 1 | jq("reduce range(100) as $i (1; [., .]) | tostring") }}`,
		"jq power":         `{{ 1 | jq("reduce range(100) as $i (3; . * .)") }}`,
		"jq repeat":        `{{ 1 | jq("\"x\" * 2000000000") }}`,
		"jq repeat update": `{{ "x" | toJson | jq(". *= 2000000000") }}`,
		"jq index":         `{{ [1] | jq(".[400000000] = 1") }}`,
		"jq setpath":       `{{ [1] | jq("setpath([400000000]; 1)") }}`,
		"jq pick":          `{{ [1] | jq("pick(.[400000000])") }}`,
		"jq deep":          `{{ 1 | jq("reduce range(1000000) as $i (0; [.])") }}`,
		"jq sub":           `{{ 1 | jq("\"a\" * 100000 | gsub(\"a\"; \"b\" * 100000)") }}`,
		"jq digits":        `{{ 1 | jq("\"7\" * 1000000 | tonumber") }}`,
		"yaml aliases":     `{{ yaml("a: &a [x,x,x,x,x,x,x,x,x]` + "\n" + `b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]` + "\n" + `c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]` + "\n" + `d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]` + "\n" + `e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]` + "\n" + `f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]` + "\n" + `g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]") }}`,
		"nested brackets":  "{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}",
		"nested signs":     "{{ " + strings.Repeat("- ", 100_000) + "1 }}",
		"nested tags":      strings.Repeat("{% if 1 %}", 100_000),
		"long chain":       "{{ 1" + strings.Repeat(" + 1", 1_000_000) + " }}",
		"long path":        "{{ n" + strings.Repeat(".a", 1_000_000) + " }}",
		"nested strings":   "{{ " + strings.Repeat(`"#{`, 100_000),
		"deep JSON":        `{{ fromJson("` + strings.Repeat("[", 100_000) + `") }}`,
		"deep Ion":         `{{ fromIon("` + strings.Repeat("[", 100_000) + `") }}`,
		"deep YAML":        `{{ yaml("` + strings.Repeat("[", 20_000) + `") }}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got, err := render(t, src, sample)
			if err == nil {
				t.Errorf("gave %d bytes, expected an error", len(got))
			}
			// Generous, since the machine may be busy; without limits these would not end at all.
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		lim  Limits
		part string
	}{
		"output": {`{% for i in 1..100 %}0123456789{% endfor %}`, Limits{Output: 500}, "larger than 500 bytes"},
		"steps":  {`{% for i in 1..100 %}{% endfor %}`, Limits{Steps: 50}, "more than 50 steps"},
		"text":   {`{{ "01234" ~ "56789" ~ "x" }}`, Limits{Text: 10}, "more than 10 bytes"},
		"range":  {`{{ 1..11 }}`, Limits{Range: 10}, "more than 10 elements"},
		"depth":  {`{% macro m(i) %}{% if i > 0 %}{{ m(i - 1) }}{% endif %}{% endmacro %}{{ m(10) }}`, Limits{Depth: 5}, "deeper than 5 levels"},
		"passes": {`{% set r = "{{ r }}x" %}{{ render("{{ r }}") }}`, Limits{Passes: 5}, "after 5 rendering passes"},
		"jq":     {`{{ 1 | jq("[range(1000)]") }}`, Limits{JQSteps: 100}, "more than 100 steps"},
		"regex":  {`{{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" | regexMatch("(a+)+(?=b)") }}`, Limits{RegexTime: time.Millisecond}, "takes too long"},
	} {
		t.Run(name, func(t *testing.T) {
			tpl, err := Parse(c.src)
			if err != nil {
				t.Fatal(err)
			}
			_, err = tpl.Render(newEnv(t, sample), c.lim)
			var placed *EvalError
			if !errors.As(err, &placed) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("gave %v, expected …%s…", err, c.part)
			}
		})
	}
}

// TestWithinLimits shows that the default limits leave room for what flows do.
func TestWithinLimits(t *testing.T) {
	for name, src := range map[string]string{
		"long loop":   `{% for i in 1..200000 %}{{ i }},{% endfor %}`,
		"sum":         `{% set s = 0 %}{% for i in 1..200000 %}{% set s = s + i %}{% endfor %}{{ s }}`,
		"list":        `{% set l = [] %}{% for i in 1..2000 %}{% set l = l + i %}{% endfor %}{{ l | length }}`,
		"big text":    `{% set x = "0123456789" %}{% for i in 1..18 %}{% set x = x ~ x %}{% endfor %}{{ x | upper | sha256 }}`,
		"jq on a lot": `{{ range(1, 20000) | jq("map(. + 1) | add") }}`,
		"jq gsub":     `{{ range(1, 2000) | join(",") | toJson | jq("gsub(\",\"; \";\") | length") }}`,
		"wide sort":   `{{ range(1, 100000) | rsort | first }}`,
		"deep render": `{% macro m(i) %}{% if i > 0 %}{{ m(i - 1) }}{% endif %}{% endmacro %}{{ m(50) }}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := render(t, src, sample); err != nil {
				t.Error(err)
			}
		})
	}
}
