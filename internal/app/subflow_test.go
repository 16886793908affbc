package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// TestSubflowFunction runs flows while the inputs of others are resolved: for the values that one may choose from.
func TestSubflowFunction(t *testing.T) {
	a := open(t, settings(t))
	defer stop(t, a)
	start(t, a, a.Executor, a.Worker)
	save(t, a, `{id: values, namespace: s, inputs: [{id: n, type: INT, defaults: 2}],
		tasks: [{id: r, type: io.kestra.plugin.core.debug.Return, format: x}],
		outputs: [{id: list, type: ARRAY, value: '{{ ["a", "b" ~ inputs.n] }}'}]}`)
	save(t, a, `{id: fails, namespace: s, tasks: [{id: f, type: io.kestra.plugin.core.execution.Fail}]}`)
	for _, c := range []struct{ name, input, given, want, wrong string }{
		{"its values", `type: SELECT, expression: "{{ subflow(namespace='s', id='values', inputs={'n': 7}).outputs.list }}"`, "b7", `{"i":"b7"}`, ""},
		{"none of its values", `type: SELECT, expression: "{{ subflow('s', 'values').outputs.list }}"`, "b7", "", "must match the values `[a, b2]`"},
		{"its state", `type: STRING, defaults: "{{ subflow('s', 'values').state }} {{ subflow('s', 'values', labels={'a': 'b'}).labels | jq('.a, .system.from') | join(' ') }}"`, "", `SUCCESS b subflow`, ""},
		{"one that fails", `type: STRING, defaults: "{{ subflow('s', 'fails').state }}"`, "", "", "s.fails ended FAILED"},
		{"none", `type: STRING, defaults: "{{ subflow('s', 'none').state }}"`, "", "", "s.none"},
		{"wrong inputs", `type: STRING, defaults: "{{ subflow('s', 'values', inputs={'n': 'x'}).state }}"`, "", "", "s.values"},
		{"too long", `type: STRING, defaults: "{{ subflow('s', 'values', timeout='PT10M').state }}"`, "", "", "PT10M is more than PT5M"},
		{"itself", `type: STRING, defaults: "{{ subflow('s', 'caller').state }}"`, "", "", "nested deeper than 3 times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := save(t, a, `{id: caller, namespace: s, inputs: [{id: i, `+c.input+`}], tasks: [{id: r, type: io.kestra.plugin.core.debug.Return, format: x}]}`)
			r := launch.Request{Flow: f.Key()}
			if c.given != "" {
				r.Inputs = value.MapOf(value.Entry{Key: "i", Value: c.given})
			}
			p, err := a.Launcher.Prepare(t.Context(), r)
			switch {
			case (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong):
				t.Errorf("%v, expected %q", err, c.wrong)
			case err == nil && !strings.Contains(string(p.Execution().Inputs), c.want):
				t.Errorf("%s, expected %s", p.Execution().Inputs, c.want)
			}
		})
	}
	f := save(t, a, `{id: triggered, namespace: s, inputs: [{id: i, type: STRING, defaults: "{{ subflow('s', 'values').state }}"}], tasks: [{id: r, type: io.kestra.plugin.core.debug.Return, format: x}]}`)
	r := launch.Request{Flow: f.Key(), Trigger: &model.TriggerInfo{ID: "t"}}
	if _, err := a.Launcher.Prepare(t.Context(), r); err == nil || !strings.Contains(err.Error(), "not for what triggers start") {
		t.Errorf("by a trigger: %v", err)
	}
}

// TestEndlessSubflows: flows that call each other without end come to an end, and harm nothing else.
func TestEndlessSubflows(t *testing.T) {
	a := open(t, settings(t))
	defer stop(t, a)
	start(t, a, a.Executor, a.Worker)
	var ping *model.Flow
	for _, c := range [][2]string{{"pong", "ping"}, {"ping", "pong"}} {
		ping = save(t, a, "{id: "+c[0]+", namespace: s, tasks: [{id: call, type: io.kestra.plugin.core.flow.Subflow, namespace: s, flowId: "+c[1]+"}]}")
	}
	first := run(t, a, ping, model.Failed)
	all, err := a.Backend.Executions().Search(t.Context(), backend.Query{Tenant: "main", Page: 1, Size: 200})
	if err != nil || all.Total != 101 {
		t.Errorf("%d executions, %v", all.Total, err)
	}
	for _, e := range all.Results {
		if e.State.Current() != model.Failed {
			t.Errorf("%s is %s", e.ID, e.State.Current())
		}
	}
	deepest := slices.MaxFunc(all.Results, func(a, b *model.Execution) int { return a.Engine.Depth - b.Engine.Depth })
	runs, err := a.Backend.Executions().TaskRuns(t.Context(), "main", deepest.ID)
	if err != nil || len(runs) != 1 || !strings.Contains(runs[0].Engine.Error, "without end") || first.Engine.Depth != 0 {
		t.Errorf("the deepest: %+v, %v", runs, err)
	}
}
