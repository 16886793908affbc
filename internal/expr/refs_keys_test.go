package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefKeys(t *testing.T) {
	tests := []struct {
		src  string
		path []string
		keys [][]string
		each bool
	}{
		{"{{ outputs.a.b }}", []string{"a", "b"}, nil, false},
		{"{{ outputs.a[taskrun.value].c }}", []string{"a"}, [][]string{{"taskrun", "value"}}, false},
		{"{{ outputs.a[parents[1].taskrun.value][taskrun.value] }}", []string{"a"},
			[][]string{{"parents", "1", "taskrun", "value"}, {"taskrun", "value"}}, false},
		{"{{ outputs.a[x].b[y] }}", []string{"a"}, [][]string{{"x"}}, false},
		{"{{ outputs.a[x ~ 1][y] }}", []string{"a"}, nil, false},
		{"{{ outputs.a[x][y ~ 1] }}", []string{"a"}, [][]string{{"x"}}, false},
		{"{{ outputs.a.get(x)[y] }}", []string{"a"}, nil, false},
		{"{{ currentEachOutput(outputs.a).b }}", []string{"a"}, nil, true},
		{"{{ max(outputs.a, 1) }}", []string{"a"}, nil, false},
	}
	for _, test := range tests {
		tmpl, err := Parse(test.src)
		if err != nil {
			t.Fatalf("%s: %v", test.src, err)
		}
		var found bool
		for _, ref := range tmpl.Refs() {
			if ref.Name != "outputs" {
				continue
			}
			found = true
			if d := cmp.Diff(test.path, ref.Path); d != "" {
				t.Errorf("%s: path: %s", test.src, d)
			}
			if d := cmp.Diff(test.keys, ref.Keys); d != "" {
				t.Errorf("%s: keys: %s", test.src, d)
			}
			if ref.CurrentEach != test.each {
				t.Errorf("%s: CurrentEach is %v", test.src, ref.CurrentEach)
			}
		}
		if !found {
			t.Errorf("%s: outputs is not found", test.src)
		}
	}
}

func TestContextCalls(t *testing.T) {
	tmpl, err := Parse("{{ render(vars.a) }}{% if true %}{{ env('X') }}{{ render(vars.b) }}{% endif %}{{ now() }}")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"env", "render"}, tmpl.ContextCalls()); d != "" {
		t.Error(d)
	}
}
