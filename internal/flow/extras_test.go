package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
)

func TestExpand(t *testing.T) {
	files := map[string]string{"one.txt": "x: 1\n", "two.yaml": "- a\r\n- b\n", "mark.txt": "[[> one.txt ]]"}
	read := func(name string) ([]byte, error) {
		if s, ok := files[name]; ok {
			return []byte(s), nil
		}
		return nil, errors.New("no file " + name)
	}
	tests := []struct{ name, src, want, err string }{
		{"nothing to include", "a: [[1]]\nb: >\n", "a: [[1]]\nb: >\n", ""},
		{"one line keeps what follows", `a: "[[> one.txt ]]!"`, `a: "x: 1!"`, ""},
		{"several lines are indented alike", "a:\n  [[> two.yaml]] # gone\nb: 1", "a:\n  - a\n  - b\nb: 1", ""},
		{"included marks stay", "[[>mark.txt]]", "[[> one.txt ]]", ""},
		{"unclosed", "[[> one.txt", "[[> one.txt", ""},
		{"missing file", "a\n[[> none ]]", "", "line 2: no file none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := flow.Expand([]byte(test.src), read)
			switch {
			case test.err != "" && (err == nil || err.Error() != test.err):
				t.Errorf("the error is %v, want %s", err, test.err)
			case test.err == "" && err != nil:
				t.Error(err)
			case string(got) != test.want:
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDependencies(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - {id: a, type: io.kestra.plugin.core.flow.Subflow, namespace: n, flowId: child}
  - {id: again, type: io.kestra.plugin.core.flow.Subflow, namespace: n, flowId: child}
  - {id: unknown, type: io.kestra.plugin.core.flow.Subflow, namespace: n, flowId: "{{ inputs.x ?? 'y' }}"}
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: b, type: io.kestra.plugin.core.flow.ForEachItem, items: x, namespace: m, flowId: batch}
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: up, flowId: one}
      - type: io.kestra.plugin.core.condition.Or
        conditions: [{type: io.kestra.plugin.core.condition.ExecutionNamespace, namespace: up.all}]
      - type: io.kestra.plugin.core.condition.Not
        conditions: [{type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: up, flowId: never}]
    preconditions:
      id: p
      flows: [{namespace: up, flowId: two}]
      where:
        - id: w
          filters: [{field: NAMESPACE, type: EQUAL_TO, value: up}, {field: FLOW_ID, type: EQUAL_TO, value: three}]
`)
	want := []flow.Dependency{
		{Namespace: "n", FlowID: "child"}, {Namespace: "m", FlowID: "batch"},
		{Namespace: "up", FlowID: "one", ByTrigger: true}, {Namespace: "up.all", ByTrigger: true},
		{Namespace: "up", FlowID: "three", ByTrigger: true}, {Namespace: "up", FlowID: "two", ByTrigger: true},
	}
	if d := cmp.Diff(want, flow.Dependencies(f)); d != "" {
		t.Error(d)
	}
	if r := want[0].Relation() + " " + want[2].Relation(); r != "FLOW_TASK FLOW_TRIGGER" {
		t.Error(r)
	}
}

func TestDot(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - id: s
    type: io.kestra.plugin.core.flow.Switch
    value: x
    cases:
      '"1"': [{id: a, type: io.kestra.plugin.core.log.Log, message: x}]
errors:
  - {id: e, type: io.kestra.plugin.core.log.Log, message: x}
`)
	dot := flow.Dot(f)
	for _, part := range []string{
		`digraph "n.f" {`, `subgraph "cluster_root.s" {`, `"root.s" -> "root.s.a" [label="\"1\""]`, `"root.e" [label="e"]`, `[label="error", style=dashed]`,
	} {
		if !strings.Contains(dot, part) {
			t.Errorf("%s is not in:\n%s", part, dot)
		}
	}
	if strings.Count(dot, "{") != strings.Count(dot, "}") {
		t.Error("the braces do not match")
	}
}
