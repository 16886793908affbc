package flow_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// usesFlow has a reader in a loop in a loop, in which an If stands.
const usesFlow = `
id: f
namespace: n
tasks:
  - {id: once, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: outer
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - {id: x1, type: io.kestra.plugin.core.debug.Return, format: x}
      - id: inner
        type: io.kestra.plugin.core.flow.ForEach
        values: [3, 4]
        tasks:
          - {id: x2, type: io.kestra.plugin.core.debug.Return, format: x}
          - {id: direct, type: io.kestra.plugin.core.debug.Return, format: "%s"}
          - id: if
            type: io.kestra.plugin.core.flow.If
            condition: "true"
            then:
              - {id: under, type: io.kestra.plugin.core.debug.Return, format: "%s"}
`

func TestUses(t *testing.T) {
	own := func(id string) []model.OutputUse { return []model.OutputUse{{TaskID: id, Own: true}} }
	whole := func(id string) []model.OutputUse { return []model.OutputUse{{TaskID: id}} }
	tests := []struct {
		direct, under string
		want          model.Uses
	}{
		{"x", "", model.Uses{Roots: []string{}}},
		{"{{ inputs.a }}{{ vars.b ?? labels.c }}", "", model.Uses{Roots: []string{"inputs", "labels", "vars"}}},
		{"{{ outputs.once.value }}", "", model.Uses{Roots: []string{"outputs"}, Outputs: whole("once")}},
		{"{{ outputs.x1[parent.taskrun.value].value }}", "", model.Uses{Roots: []string{"outputs", "parent"}, Outputs: own("x1")}},
		{"{{ outputs.x1[parents[0].taskrun.value].value }}", "", model.Uses{Roots: []string{"outputs", "parents"}, Outputs: own("x1")}},
		{"{{ outputs.x1[taskrun.value].value }}", "", model.Uses{Roots: []string{"outputs", "taskrun"}, Outputs: whole("x1")}},
		{"{{ outputs.x2[parent.taskrun.value][taskrun.value].value }}", "", model.Uses{Roots: []string{"outputs", "parent", "taskrun"}, Outputs: own("x2")}},
		{"{{ outputs.x2[parent.taskrun.value] }}", "", model.Uses{Roots: []string{"outputs", "parent"}, Outputs: whole("x2")}},
		{"{{ outputs.x2[taskrun.value][parent.taskrun.value] }}", "", model.Uses{Roots: []string{"outputs", "parent", "taskrun"}, Outputs: whole("x2")}},
		{"{{ outputs.x2['1']['3'] }}", "", model.Uses{Roots: []string{"outputs"}, Outputs: whole("x2")}},
		{"{{ currentEachOutput(outputs.x2).value }}", "", model.Uses{Roots: []string{"outputs", "parents", "taskrun"}, Outputs: own("x2")}},
		{"{{ currentEachOutput(outputs.x2).value }}{{ outputs.x2 }}", "", model.Uses{Roots: []string{"outputs", "parents", "taskrun"}, Outputs: whole("x2")}},
		{"{{ outputs }}", "", model.Uses{Roots: []string{"outputs"}, AllOutputs: true}},
		{"{{ outputs[taskrun.value] }}", "", model.Uses{Roots: []string{"outputs", "taskrun"}, AllOutputs: true}},
		{"{{ render(vars.a) }}", "", model.Uses{All: true, Roots: []string{"vars"}}},
		{"{{ printContext() }}", "", model.Uses{All: true, Roots: []string{}}},
		{"{{ tasksWithState('FAILED') }}", "", model.Uses{Roots: []string{"tasks"}}},
		// Below the If, which has the value and outputs, the task itself has none.
		{"", "{{ outputs.x2[parents[1].taskrun.value][parent.taskrun.value].value }}", model.Uses{Roots: []string{"outputs", "parent", "parents"}, Outputs: own("x2")}},
		{"", "{{ outputs.x2[parent.taskrun.value][taskrun.value].value }}", model.Uses{Roots: []string{"outputs", "parent", "taskrun"}, Outputs: whole("x2")}},
		{"", "{{ outputs.x1[parents[1].taskrun.value].value }}", model.Uses{Roots: []string{"outputs", "parents"}, Outputs: own("x1")}},
	}
	for _, test := range tests {
		id, direct, under := "direct", test.direct, "x"
		if test.under != "" {
			id, direct, under = "under", "x", test.under
		}
		t.Run(direct+under, func(t *testing.T) {
			f := mustCompile(t, fmt.Sprintf(usesFlow, direct, under))
			if d := cmp.Diff(&test.want, f.ByID[id].Uses); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestUsesOfLoop reads within an iteration of a Loop without the values that lead to it.
func TestUsesOfLoop(t *testing.T) {
	const src = `
id: f
namespace: n
tasks:
  - id: l
    type: io.kestra.plugin.core.flow.Loop
    values: {a: 1}
    outputs: [{id: o, value: "{{ outputs.r.value }}{{ outputs.each.x }}"}]
    tasks:
      - {id: r, type: io.kestra.plugin.core.debug.Return, format: x}
      - id: each
        type: io.kestra.plugin.core.flow.ForEach
        values: [1]
        tasks:
          - {id: in, type: io.kestra.plugin.core.debug.Return, format: "{{ item.value }}"}
          - {id: reads, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.r.value }}{{ outputs.in[taskrun.value].value }}"}
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.r.a.value }}{{ loopOutputs(outputs.l.outputs, 'o') }}"}
  - {id: wrong, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.r.a.valve }}"}
`
	f, problems := flow.Compile([]byte(src), options)
	want := []string{"tasks of the type io.kestra.plugin.core.flow.ForEach have no outputs", "tasks of the type io.kestra.plugin.core.debug.Return have no output `valve`"}
	var got []string
	for _, p := range problems {
		got = append(got, p.Message)
	}
	if d := cmp.Diff(want, got); d != "" || f == nil {
		t.Fatal(d)
	}
	uses := model.Uses{Roots: []string{"outputs", "taskrun"}, Outputs: []model.OutputUse{{TaskID: "in", Own: true}, {TaskID: "r"}}}
	if d := cmp.Diff(&uses, f.ByID["reads"].Uses); d != "" {
		t.Error(d)
	}
}

type usesTask struct {
	Namespace string       `json:"namespace" default:"{{ flow.namespace }}"`
	Raw       sdk.Template `json:"raw"`
	Nested    struct {
		Where string `json:"where" default:"{{ inputs.where }}"`
	} `json:"nested"`
}

func TestUsesOfTypes(t *testing.T) {
	reg := registry()
	reg.Add(plugin.Type{Name: "x.Defaults", Category: plugin.Task, New: func() any { return &usesTask{} }},
		plugin.Type{Name: "x.Whole", Category: plugin.Task, WholeContext: true, New: func() any { return &usesTask{} }})
	f, problems := flow.Compile([]byte(`
id: f
namespace: n
tasks:
  - {id: d, type: x.Defaults, raw: "{{ row.a }}{{ trigger.date }}"}
  - {id: w, type: x.Whole, timeout: "{{ vars.t ?? 'PT1S' }}"}
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {a: "{{ outputs.d.x ?? labels.l }}"}
    tasks:
      - {id: c, type: io.kestra.plugin.core.log.Log, message: "{{ execution.id }}", runIf: "{{ vars.go ?? true }}"}
`), flow.Options{Registry: reg})
	if f == nil || len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string]*model.Uses{
		"d":   {Roots: []string{"flow", "inputs", "row", "trigger"}},
		"w":   {All: true, Roots: []string{"flow", "inputs", "vars"}},
		"dir": {Roots: []string{"execution", "labels", "outputs", "vars"}, Outputs: []model.OutputUse{{TaskID: "d"}}},
	}
	// The type of the directory may have defaults that read the flow.
	dir := f.ByID["dir"].Uses
	dir.Roots = slices.DeleteFunc(dir.Roots, func(root string) bool { return root == "flow" })
	for id, w := range want {
		if d := cmp.Diff(w, f.ByID[id].Uses); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
}
