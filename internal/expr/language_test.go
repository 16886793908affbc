package expr

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

const sample = `{
	"name": "Ada", "n": 6, "pi": 3.5, "yes": true, "no": false, "nothing": null, "blank": " ", "empty": "",
	"list": [4, 5, 6], "words": ["pear", "fig", "Apple"], "hollow": [],
	"user": {"id": 7, "tags": ["x", "y"], "nested": {"deep": "down"}, "a-b": "dash", "gone": null},
	"text": "one two two", "lines": "l1\nl2", "template": "hi {{ name }}", "twice": "{{ template }}",
	"yamlText": "a: &x 1\nb: *x", "instant": "2024-03-01T10:20:30.5Z", "json": "{\"k\": [1, 2.0, null]}"
}`

// cases are rendered with the variables of sample; an empty want with fails set expects an error.
type cases []struct {
	src, want string
	fails     bool
}

func (table cases) run(t *testing.T) {
	t.Helper()
	for _, c := range table {
		got, err := render(t, c.src, sample)
		switch {
		case c.fails && err == nil:
			t.Errorf("%s gave %q, expected an error", c.src, got)
		case !c.fails && err != nil:
			t.Errorf("%s failed: %v", c.src, err)
		case !c.fails && got != c.want:
			t.Errorf("%s gave %q, expected %q", c.src, got, c.want)
		}
	}
}

func ok(src, want string) struct {
	src, want string
	fails     bool
} {
	return struct {
		src, want string
		fails     bool
	}{src, want, false}
}

func fails(src string) struct {
	src, want string
	fails     bool
} {
	return struct {
		src, want string
		fails     bool
	}{src, "", true}
}

func TestLiterals(t *testing.T) {
	cases{
		ok(`{{ 3 }}{{ 4L }}{{ 2.50 }}`, "342.5"), ok(`{{ 12345678.0 }}`, "1.2345678E7"), ok(`{{ 0.0002 }}`, "2.0E-4"),
		ok(`{{ true }} {{ FALSE }} {{ null }}{{ none }}`, "true false "),
		ok(`{{ 'it\'s' }} {{ "a \"b\"" }}`, `it's a "b"`), ok(`{{ 'a\nb' }}`, `a\nb`), ok(`{{ "\\" }}`, `\\`),
		ok(`{{ "n is #{n} of #{ list | length }" }}`, "n is 6 of 3"), ok(`{{ 'n is #{n}' }}`, "n is #{n}"),
		ok(`{{ "#{"in #{n}"}!" }}`, "in 6!"),
		ok(`{{ [1, "a", null, [2]] }}`, `[1,"a",null,[2]]`), ok(`{{ {"z": 1, "a": null, name: 2} }}`, `{"z":1,"Ada":2}`),
		fails(`{{ 1e3 }}`), fails(`{{ .5 }}`), fails(`{{ 5. }}`), fails(`{{ 9223372036854775808 }}`), fails(`{{ [1,] }}`),
		fails(`{{ "open }}`), fails(`{{ "#{n" }}`), fails(`{{ }}`), fails(`{{`), fails(`{{ n`), fails(`{{ n }`), fails(`{{ $n }}`),
	}.run(t)
}

func TestPrecedence(t *testing.T) {
	cases{
		ok(`{{ 2 + 3 * 4 }}`, "14"), ok(`{{ (2 + 3) * 4 }}`, "20"), ok(`{{ 20 - 5 - 1 }}`, "14"), ok(`{{ 7 % 4 * 2 }}`, "6"),
		ok(`{{ 2 + 3 ~ 4 }}`, "234"), ok(`{{ "a" ~ "b" | upper }}`, "AB"), ok(`{{ list | length + 1 }}`, "4"),
		ok(`{{ nothing ?? 2 + 3 }}`, "5"), ok(`{{ 1 + nothing ?? 2 }}`, "3"), ok(`{{ nothing ?? "x" | upper }}`, "X"),
		ok(`{{ 1..3 | join("-") }}`, "1-2-3"), ok(`{{ not n == 6 }}`, "false"), ok(`{{ not (n == 7) }}`, "true"),
		ok(`{{ -n + 1 }}`, "-5"), ok(`{{ - - n }}`, "6"), ok(`{{ 2 * -3 }}`, "-6"),
		ok(`{{ yes or no and no }}`, "true"), ok(`{{ n > 5 == yes }}`, "true"),
		ok(`{{ no ? 1 : yes ? 2 : 3 }}`, "2"), ok(`{{ yes ? "a" ~ "b" : "c" }}`, "ab"),
		fails(`{{ n * 2 | string }}`), fails(`{{ 1 < 2 < 3 }}`), fails(`{{ n ?: 1 }}`), fails(`{{ n in list }}`), fails(`{{ yes ? 1 }}`),
	}.run(t)
}

func TestArithmetic(t *testing.T) {
	cases{
		ok(`{{ 7 / 2 }} {{ -7 / 2 }} {{ -7 % 3 }}`, "3 -3 -1"), ok(`{{ 7 / 2.0 }}`, "3.5"), ok(`{{ pi + n }}`, "9.5"),
		ok(`{{ 1.0 / 0 }} {{ -1.0 / 0 }} {{ 0.0 / 0 }}`, "Infinity -Infinity NaN"),
		ok(`{{ 9223372036854775806 + 1 }}`, "9223372036854775807"), ok(`{{ -9223372036854775807 - 1 }}`, "-9223372036854775808"),
		ok(`{{ 3037000499 * 3037000499 }}`, "9223372030926249001"),
		ok(`{{ ("99999999999999999999" | number) + 1 }}`, "100000000000000000000"),
		ok(`{{ ("0.10" | number("BIGDECIMAL")) + 1 }}`, "1.10"), ok(`{{ ("1" | number("BIGDECIMAL")) / 3 }}`, "0.3333333333333333333333333333333333"),
		ok(`{{ n + "1" }} {{ "x" + null }} {{ yes + "!" }}`, "61 xnull true!"), ok(`{{ "x" ~ null ~ 1.0 }}`, "x1.0"),
		ok(`{{ list + 7 }} {{ list }}`, "[4,5,6,7] [4,5,6]"), ok(`{{ list + [7, 8] }}`, "[4,5,6,7,8]"),
		ok(`{{ list - 5 }} {{ list - [4, 6] }} {{ [1, 1] - 1 }}`, "[4,6] [5] [1]"),
		fails(`{{ 1 / 0 }}`), fails(`{{ 1 % 0 }}`), fails(`{{ "3" * 2 }}`), fails(`{{ nothing + 1 }}`), fails(`{{ user + user }}`),
		fails(`{{ 9223372036854775807 + 1 }}`), fails(`{{ 3037000500 * 3037000500 }}`), fails(`{{ -(-9223372036854775807 - 1) }}`), fails(`{{ -name }}`),
	}.run(t)
}

func TestComparison(t *testing.T) {
	cases{
		ok(`{{ n == 6 }} {{ n == 6.0 }} {{ n == "6" }} {{ n != 7 }}`, "true true false true"), ok(`{{ name equals "Ada" }}`, "true"),
		ok(`{{ list == [4, 5.0, 6] }} {{ {"a": 1} == {"a": 1.0} }} {{ {"a": 1, "b": 2} == {"b": 2, "a": 1} }}`, "true true true"),
		ok(`{{ nothing == null }} {{ nothing == 0 }}`, "true false"), ok(`{{ 2 < 10 }} {{ 2.5 >= 2.5 }} {{ n > 100 }}`, "true true false"),
		ok(`{{ nothing < 1 }} {{ 1 >= nothing }}`, "false false"), ok(`{{ (0.0 / 0) < 1 }}`, "false"),
		ok(`{{ "2024-03-01T00:00:00Z" < "2024-02-29T23:30:00-02:00" }}`, "true"), ok(`{{ instant > "2024-03-01" }}`, "true"),
		ok(`{{ list contains 5 }} {{ list contains [4, 6] }} {{ user contains "id" }} {{ name contains "d" }}`, "true true true true"),
		ok(`{{ nothing contains 1 }} {{ name contains 1 }}`, "false false"),
		ok(`{{ 5 isIn list }} {{ "5" isIn list }} {{ "id" isIn user }} {{ "a" isIn "abc" }} {{ nothing isIn [null] }}`, "true true true false false"),
		fails(`{{ "a" < "b" }}`), fails(`{{ yes < no }}`), fails(`{{ undefined == null }}`), fails(`{{ n contains 1 }}`),
	}.run(t)
}

func TestLogic(t *testing.T) {
	cases{
		ok(`{{ no and undefined }} {{ yes or undefined }}`, "false true"), ok(`{{ n and name }} {{ "" or 0 }} {{ "false" and yes }}`, "true false true"),
		ok(`{{ not empty }} {{ not 0.0 }}`, "true true"), ok(`{{ nothing ? 1 : 2 }} {{ "0" ? 1 : 2 }}`, "2 1"),
		fails(`{{ not nothing }}`), fails(`{{ yes and nothing }}`), fails(`{{ list or yes }}`), fails(`{{ list ? 1 : 2 }}`), fails(`{{ not undefined }}`),
	}.run(t)
}

func TestMissing(t *testing.T) {
	cases{
		ok(`{{ undefined ?? "d" }} {{ user.zip.code ?? "d" }} {{ user.gone ?? "d" }} {{ user.gone.x ?? "d" }} {{ list[9] ?? "d" }}`, "d d d d d"),
		ok(`{{ a ?? b.c ?? "last" }}`, "last"), ok(`[{{ nothing ??? "d" }}] {{ undefined ??? "d" }}`, "[] d"),
		ok(`{{ (undefined | upper) ?? "d" }} {{ ("x" ~ undefined) ?? "d" }} {{ (not undefined) ?? "d" }}`, "d d d"),
		ok(`{{ undefined | upper | default("d") }} {{ blank | default("d") }} {{ hollow | default("d") }} {{ 0 | default("d") }}`, "d d d 0"),
		ok(`{{ user.zip is defined }} {{ user.id is defined }} {{ nothing is defined }} {{ a.b.c is not defined }}`, "false true false true"),
		fails(`{{ undefined }}`), fails(`{{ user.zip }}`), fails(`{{ user.gone.x }}`), fails(`{{ list[3] }}`), fails(`{{ list[-1] }}`), fails(`{{ n.x }}`),
		fails(`{{ (undefined + 1) ?? "d" }}`), fails(`{{ (undefined == 1) ?? "d" }}`), fails(`{{ kv("k") ?? "d" }}`), fails(`{{ undefined is empty }}`),
		fails(`{{ render("{{ undefined }}") ?? "d" }}`), fails(`{{ nothing ?? undefined }}`),
	}.run(t)
}

func TestAttributes(t *testing.T) {
	cases{
		ok(`{{ user.nested.deep }} {{ user["nested"]["deep"] }} {{ user['a-b'] }} {{ user["ta" ~ "gs"][1] }}`, "down down dash y"),
		ok(`{{ list[0] }}{{ list["1"] }}{{ list[n - 4] }}`, "456"), ok(`{{ user.nested["de" ~ "ep"] }}`, "down"),
		ok(`{{ list.size() }} {{ name.length() }} {{ user.size() }} {{ list.size }} {{ name.toUpperCase() }}`, "3 3 5 3 ADA"),
		ok(`{{ user.containsKey("id") }} {{ user.get("none") ?? "-" }} {{ user.keySet() | first }}`, "true - id"),
		ok(`{{ text.replace("two", "2") }} {{ text.split(" ")[1] }} {{ text.indexOf("two") }} {{ name.startsWith("A") }}`, "one 2 2 two 4 true"),
		ok(`{{ (n).toString() ~ 1 }} {{ ({"k": 1}).k }} {{ ([7, 8])[1] }} {{ "abc".length() }}`, "61 1 8 3"),
		fails(`{{ {"a": 1}["a"] }}`), fails(`{{ [1][0] }}`), fails(`{{ user[1] }}`), fails(`{{ user[nothing] }}`), fails(`{{ user.size }}`),
		fails(`{{ name.getClass() }}`), fails(`{{ name.class }}`), fails(`{{ name.foo() }}`), fails(`{{ list.get(0) }}`), fails(`{{ name[0] }}`), fails(`{{ user.1 }}`),
	}.run(t)
}

func TestTags(t *testing.T) {
	cases{
		ok(`{% if n > 9 %}a{% elseif n > 5 %}b{% else %}c{% endif %}`, "b"), ok(`{% if "0" %}y{% endif %}{% if 0 %}n{% endif %}`, "y"),
		ok(`{% for w in words %}{{ loop.index }}{{ w }}{% if not loop.last %},{% endif %}{% endfor %}`, "0pear,1fig,2Apple"),
		ok(`{% for x in list %}{{ loop.first }} {{ loop.revindex }}/{{ loop.length }};{% endfor %}`, "true 2/3;false 1/3;false 0/3;"),
		ok(`{% for x in hollow %}x{% else %}empty{% endfor %}{% for x in nothing %}x{% else %}e{% endfor %}`, "empty"),
		ok(`{% for e in user.nested %}{{ e.key }}={{ e.value }} {{ e }} {{ e | json }}{% endfor %}`, `deep=down deep=down {"deep":"down"}`),
		ok(`{% set sum = 0 %}{% for x in list %}{% set sum = sum + x %}{% endfor %}{{ sum }}`, "15"),
		ok(`{% for x in list %}{% set seen = x %}{% endfor %}{{ seen ?? "gone" }}`, "gone"),
		ok(`{% for x in list %}{% set n = x %}{% endfor %}{{ n }}`, "6"), ok(`{% if yes %}{% set v = 1 %}{% endif %}{{ v }}`, "1"),
		ok(`{% for x in list %}{% for x in words %}{{ x }}{% endfor %}{{ x }} {% endfor %}`, "pearfigApple4 pearfigApple5 pearfigApple6 "),
		ok(`{% block b %}[{{ n }}]{% endblock %}{{ block("b") }}{{ block("other") }}`, "[6][6]"), ok(`{% block b %}x{% endblock b %}`, "x"),
		ok(`{% filter upper | replace({"A": "4"}) %}a {{ name }}{% endfilter %}`, "4 4D4"),
		fails(`{% if nothing %}x{% endif %}`), fails(`{% if list %}x{% endif %}`), fails(`{% for c in name %}x{% endfor %}`), fails(`{% for c in n %}x{% endfor %}`),
		fails(`{% if n %}`), fails(`{% endif %}`), fails(`{% else if n %}`), fails(`{% for x list %}{% endfor %}`), fails(`{% set x %}y{% endset %}`),
		fails(`{% include "x" %}`), fails(`{% 1 %}`), fails(`{% %}`), fails(`{% if n %}{% else %}{% else %}{% endif %}`),
	}.run(t)
}

func TestMacros(t *testing.T) {
	cases{
		ok(`{{ hi("Bo") }}{% macro hi(who, mark="!") %}Hi {{ who }}{{ mark }}{% endmacro %} {{ hi("Cy", mark="?") }}`, "Hi Bo! Hi Cy?"),
		ok(`{% macro down(i) %}{{ i }}{% if i > 0 %}{{ down(i - 1) }}{% endif %}{% endmacro %}{{ down(3) }}`, "3210"),
		ok(`{% macro m(a) %}{{ a ?? "unset" }}{% endmacro %}{{ m() }}`, "unset"), ok(`{% macro m() %}x{% endmacro %}{{ m() ~ m() | upper }}`, "XX"),
		fails(`{% macro m() %}{{ n }}{% endmacro %}{{ m() }}`), fails(`{% set q = 1 %}{% macro m() %}{{ q }}{% endmacro %}{{ m() }}`),
		fails(`{% macro m(a) %}{{ render("{{ a }}") }}{% endmacro %}{{ m(1) }}`), fails(`{% macro m(a=n) %}{{ a }}{% endmacro %}{{ m() }}`),
		fails(`{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}`), fails(`{% macro m(a) %}{% endmacro %}{{ m(b=2) }}`),
		fails(`{% macro m() %}{% endmacro %}{% macro m() %}{% endmacro %}`), fails(`{% macro m() %}{% endmacro %}{{ m }}`),
	}.run(t)
}

func TestWhitespaceAndText(t *testing.T) {
	cases{
		ok("a\n{{- n -}}\n b", "a6b"), ok("a {{-1}} b", "a -1 b"), ok("a {{- -1 }}", "a-1"), ok("a {# c #} b", "a  b"), ok("a {#- c -#} b", "ab"),
		ok("{% if yes -%}\n x \n{%- endif %}\n", "x\n"), ok("{{ n }}\n\n{{ n }}\n", "6\n\n6\n"), ok("} }} { n } \\{{ n }}", "} }} { n } \\6"),
		ok(`{{ "}}" }} {{ '{{' }} {% if "%}" == "%}" %}y{% endif %}`, "}} {{ y"), ok("{{ {'a':{'b':1}} }}", `{"a":{"b":1}}`),
		ok("{% verbatim %}{{ n }} {% if %}{% endverbatim %}", "{{ n }} {% if %}"), ok("a {%- verbatim -%}  b  {%- endverbatim -%}  c", "abc"),
		ok("{% raw %}{{ n }}{% endraw %}", "{{ n }}"), ok("a {%- raw -%} {{ n }} {%- endraw -%} b", "a  {{ n }}  b"),
		fails("{% raw %}a\nb{% endraw %}"), fails("{# open"), fails("{% verbatim %}x"), fails("{{{ n }}}"),
	}.run(t)
}

func TestTests(t *testing.T) {
	cases{
		ok(`{{ empty is empty }} {{ blank is empty }} {{ hollow is empty }} {{ n is empty }}`, "true true true false"), ok(`{{ nothing is null }} {{ n is not null }}`, "true true"),
		ok(`{{ n is even }} {{ n is odd }} {{ list is iterable }} {{ user is iterable }} {{ user is map }}`, "true false true false true"),
		ok(`{{ json is json }} {{ name is json }} {{ "" is json }}`, "true false true"),
		fails(`{{ name is even }}`), fails(`{{ 1.5 is odd }}`), fails(`{{ n is json }}`), fails(`{{ n is string }}`), fails(`{{ n is even(1) }}`),
	}.run(t)
}

func TestRender(t *testing.T) {
	cases{
		ok(`{{ template }} {{ render(template) }}`, "hi {{ name }} hi Ada"), ok(`{{ render(twice) }} {{ renderOnce(twice) }} {{ render(twice, false) }}`, "hi Ada hi {{ name }} hi {{ name }}"),
		ok(`{{ render({"{{ name }}": ["{{ n }}", 1, null]}) }} {{ render(n) + 1 }}`, `{"Ada":["6",1,null]} 7`),
		ok(`{% set v = 1 %}{{ render("{{ v }}") }}{% for x in list %}{{ render("{{ x }}") }}{% endfor %}`, "1456"),
		ok(`{{ render("{% set n = 9 %}{{ n }}") }}{{ n }}`, "96"), ok(`{{ render("{% raw %}{{ n }}{% endraw %}") }}`, "{{ n }}"),
		ok(`{{ render("{{ '{% raw %}{{ n }}{% endraw %}' }}") }}`, "{{ n }}"),
		fails(`{{ render("{{ undefined }}") }}`), fails(`{{ render("{{") }}`), fails(`{{ render(template, recursive="x") }}`), fails(`{{ render() }}`),
		fails(`{% set again = "{{ again }} x" %}{{ render("{{ again }}") }}`),
	}.run(t)
}

func TestEval(t *testing.T) {
	env := newEnv(t, sample)
	for _, c := range []struct {
		src  string
		want any
	}{
		{"{{ n }}", int32(6)}, {"{{ n + 1 }}", int64(7)}, {"{{ pi }}", 3.5}, {"{{ yes }}", true}, {"{{ nothing }}", nil}, {"{{ n }} ", "6 "},
		{"{{ n }}{{ n }}", "66"}, {"{{ nothing }}{{ n }}", int32(6)}, {"{# only a comment #}", nil}, {"plain", "plain"}, {"{% if yes %}{{ n }}{% endif %}", int32(6)},
		{"{% set x = 3 %}{{ x }}", int64(3)}, {"{{ words }}", []any{"pear", "fig", "Apple"}}, {"{{ list }}{{ list }}", "[4,5,6][4,5,6]"},
		{"{% raw %}{{ n }}{% endraw %}", "{{ n }}"}, {`{{ "#{n + 1}" }}`, int64(7)}, {"{{ hollow }}", []any{}}, {"{% for x in list %}{% endfor %}", nil},
	} {
		tpl, err := Parse(c.src)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Eval(env, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.src, diff)
		}
	}
}

func TestRenderValue(t *testing.T) {
	in, err := value.ParseJSON([]byte(`{"{{ name }}": "{{ n }}", "Ada": 2, "l": ["{{ list }}", 1.5, null, true], "plain": "x"}`))
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(10)
	got, err := cache.RenderValue(in, newEnv(t, sample), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Ada":"6","l":["[4,5,6]",1.5,null,true],"plain":"x"}`
	if text := string(value.AppendJSON(nil, got, value.JSONOptions{KeepNulls: true})); text != want {
		t.Errorf("got %s, expected %s", text, want)
	}
	if n := cache.Len(); n != 3 {
		t.Errorf("%d templates were cached, expected the 3 texts that hold a brace", n)
	}
	var failed *EvalError
	if _, err := cache.RenderValue([]any{"{{ oops }}"}, newEnv(t, sample), Limits{}); !errors.As(err, &failed) || failed.Missing != "oops" {
		t.Errorf("got %v, expected that oops is missing", err)
	}
}
