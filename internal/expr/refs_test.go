package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show writes references in short: name.path, with … where more may follow and ? where a missing value is dealt with.
func show(refs []Ref) []string {
	var list []string
	for _, r := range refs {
		s := strings.Join(append([]string{r.Name}, r.Path...), ".")
		if !r.Whole {
			s += "…"
		}
		if r.Optional {
			s += "?"
		}
		list = append(list, fmt.Sprintf("%s@%d:%d", s, r.Line, r.Column))
	}
	return list
}

func TestRefs(t *testing.T) {
	for src, want := range map[string][]string{
		"plain":                            nil,
		"{{ outputs.a.value }}":            {"outputs.a.value@1:4"},
		"x\n{{ outputs['a-b'].c }}":        {"outputs.a-b.c@2:4"},
		"{{ outputs.a[taskrun.value].b }}": {"outputs.a…@1:4", "taskrun.value@1:14"},
		"{{ inputs.x.size() + list[0] }}":  {"inputs.x…@1:4", "list…@1:22"},
		"{{ a ?? b.c ?? d }}":              {"a?@1:4", "b.c?@1:9", "d@1:16"},
		"{{ a.b | default(c) | upper }}":   {"a.b?@1:4", "c@1:18"},
		"{{ a.b is defined ? a.b : 1 }}":   {"a.b?@1:4", "a.b@1:21"},
		"{% for x in xs %}{{ x.y }}{{ loop.index }}{% endfor %}{{ x }}":                                        {"xs@1:13", "x@1:58"},
		"{% set a = b %}{{ a.c }}":                                                                             {"b@1:12"},
		"{% macro m(p, q=r) %}{{ p }}{{ s }}{% endmacro %}{{ m(t) }}":                                          {"t@1:55"},
		`{{ "a #{ b } c" }}{{ {c: [d, not e, -f]} }}`:                                                          {"b@1:10", "c@1:23", "d@1:27", "e@1:34", "f@1:38"},
		"{% if a > 1 and b isIn c %}{{ d .. e }}{% else %}{{ f ~ g }}{% endif %}":                              {"a@1:7", "b@1:17", "c@1:24", "d@1:31", "e@1:36", "f@1:53", "g@1:57"},
		"{% filter replace({'a': b}) %}{{ c }}{% endfilter %}{% block x %}{{ d }}{% endblock %}{{ block(e) }}": {"b@1:25", "c@1:34", "d@1:69", "e@1:96"},
		"{% verbatim %}{{ a }}{% endverbatim %}{# {{ b }} #}":                                                  nil,
	} {
		tpl, err := Parse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if diff := cmp.Diff(want, show(tpl.Refs())); diff != "" {
			t.Errorf("%s: %s", src, diff)
		}
	}
}

func TestCalls(t *testing.T) {
	tpl, err := Parse("{{ kv('k') ?? secret(key=inputs.s) }}\n{% macro m() %}{{ now() }}{% endmacro %}{{ max(1, read('a.txt', version=2)) }}{{ fromJson('1') }}")
	if err != nil {
		t.Fatal(err)
	}
	want := []CallRef{
		{Name: "kv", Args: []any{"k", nil, nil}, Line: 1, Column: 4},
		{Name: "secret", Args: []any{nil, nil, nil, nil}, Line: 1, Column: 15},
		{Name: "now", Args: []any{nil, nil, nil, nil}, Line: 2, Column: 19},
		{Name: "read", Args: []any{"a.txt", nil, int64(2), nil}, Line: 2, Column: 51},
	}
	if diff := cmp.Diff(want, tpl.Calls()); diff != "" {
		t.Error(diff)
	}
}
