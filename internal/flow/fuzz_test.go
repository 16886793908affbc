package flow_test

import (
	"os"
	"testing"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// FuzzCompile holds any text to what Compile promises: no panic, a flow or an error, places within the text, and flows
// whose graph and document can be written.
func FuzzCompile(f *testing.F) {
	for _, folder := range []string{"conformance/flows", "conformance/invalid", "conformance/dialect-2.0"} {
		root := os.Getenv("WINDHOVER_SHARED")
		if _, err := os.Stat("../../../shared/" + folder); err != nil && root == "" {
			break // the seeds below have to do
		}
		for _, file := range flowsIn(f, folder) {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, seed := range []string{
		head + logTask, usesFlow, referenceFlow, head + "pluginDefaults: [{type: io, values: {tasks: [1]}}]\ntasks: [{id: a, type: io, tasks: *x}]",
		"a: &a {type: x, tasks: [*a]}", "tasks: [{id: d, type: io.kestra.plugin.core.flow.Dag, tasks: [{task: {id: x}, dependsOn: [x, [y]]}]}]",
		"inputs: [{id: a, type: FORM, inputs: [{id: b, type: SELECT, values: {a: 1}}]}]", "triggers: [{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: [1]}]",
	} {
		f.Add([]byte(seed))
	}
	opts := options
	opts.Limits = yamldoc.Limits{Bytes: 1 << 16, Depth: 60, Nodes: 5000}
	opts.Template = func(_, id string) ([]byte, error) { return []byte(id), nil }
	f.Fuzz(func(t *testing.T, src []byte) {
		compiled, problems := flow.Compile(src, opts)
		if (compiled == nil) != yamldoc.HasErrors(problems) {
			t.Fatalf("the flow is %v with the problems %v", compiled, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || yamldoc.Snippet(src, p) == "" {
				t.Fatalf("%+v cannot be shown", p)
			}
		}
		flow.Inspect(src, opts)
		if compiled == nil {
			return
		}
		value.AppendJSON(nil, compiled.Document, value.JSONOptions{})
		value.AppendJSON(nil, flow.Graph(compiled, nil).Value(nil, nil), value.JSONOptions{})
		flow.Dot(compiled)
		flow.Dependencies(compiled)
	})
}
