package flow_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func TestTasksOfTheModel(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - id: sw
    type: io.kestra.core.tasks.flows.Switch
    value: "{{ 1 }}"
    cases:
      1:
        - {id: a, type: io.kestra.core.tasks.log.Log, message: x, disabled: true}
      two: []
    defaults:
      - {id: b, type: io.kestra.plugin.core.log.Log, message: x, runIf: "{{ true }}", timeout: PT5S, logLevel: warn}
    errors:
      - {id: c, type: io.kestra.plugin.core.log.Log, message: x}
  - id: i
    type: io.kestra.plugin.core.flow.If
    condition: x
    then: [{id: d, type: io.kestra.plugin.core.debug.Return}]
    else: [{id: e, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}]
    finally: [{id: g, type: io.kestra.plugin.core.log.Log, message: x}]
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {id: h, type: io.kestra.plugin.core.log.Log, message: x}
      - task: {id: j, type: io.kestra.plugin.core.log.Log, message: x}
        dependsOn: [h]
  - id: p
    type: io.kestra.plugin.core.flow.Pause
    delay: 5
    onPause: {id: k, type: io.kestra.plugin.core.log.Log, message: x}
    onResume: [{id: reason, type: STRING, required: false}]
afterExecution: [{id: l, type: io.kestra.plugin.core.log.Log, message: x}]
listeners:
  - conditions: [{type: io.kestra.plugin.core.condition.ExecutionStatusCondition, in: [FAILED]}]
    tasks: [{id: m, type: io.kestra.plugin.core.log.Log, message: x}]
`)
	type place struct {
		Type    string
		Kind    model.Kind
		Parent  string
		Section model.Section
		Line    int
		Pure    bool
	}
	const log = "io.kestra.plugin.core.log.Log"
	want := map[string]place{
		"sw":  {"io.kestra.plugin.core.flow.Switch", model.KindSwitch, "", model.SectionTasks, 5, false},
		"a":   {log, model.KindRunnable, "sw", model.SectionTasks, 10, true},
		"b":   {log, model.KindRunnable, "sw", model.SectionTasks, 13, true},
		"c":   {log, model.KindRunnable, "sw", model.SectionErrors, 15, true},
		"i":   {"io.kestra.plugin.core.flow.If", model.KindIf, "", model.SectionTasks, 16, false},
		"d":   {"io.kestra.plugin.core.debug.Return", model.KindRunnable, "i", model.SectionTasks, 19, true},
		"e":   {"io.kestra.plugin.core.flow.Sleep", model.KindRunnable, "i", model.SectionTasks, 20, f.ByID["e"].Pure},
		"g":   {log, model.KindRunnable, "i", model.SectionFinally, 21, true},
		"dag": {"io.kestra.plugin.core.flow.Dag", model.KindDag, "", model.SectionTasks, 22, false},
		"h":   {log, model.KindRunnable, "dag", model.SectionTasks, 25, true},
		"j":   {log, model.KindRunnable, "dag", model.SectionTasks, 26, true},
		"p":   {"io.kestra.plugin.core.flow.Pause", model.KindPause, "", model.SectionTasks, 28, false},
		"k":   {log, model.KindRunnable, "p", model.SectionOnPause, 31, true},
		"l":   {log, model.KindRunnable, "", model.SectionAfter, 33, true},
		"m":   {log, model.KindRunnable, "", model.SectionAfter, 36, true},
	}
	got := map[string]place{}
	var order []string
	for id, task := range f.ByID {
		p := place{task.Type, task.Kind, "", task.Section, task.Line, task.Pure}
		if task.Parent != nil {
			p.Parent = task.Parent.ID
		}
		got[id] = p
		order = append(order, id)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	slices.SortFunc(order, func(a, b string) int { return f.ByID[a].Order - f.ByID[b].Order })
	if o := strings.Join(order, " "); o != "sw a b c i d e g dag h j p k l m" && o != "sw a b c i d e g dag h j p k m l" {
		t.Errorf("the order is %s", o)
	}
	sw := f.ByID["sw"]
	if len(sw.Cases) != 2 || sw.Cases[0].Value != "1" || sw.Cases[0].Tasks[0].ID != "a" || sw.Cases[1].Tasks == nil || sw.Defaults[0].ID != "b" {
		t.Errorf("%+v", sw)
	}
	if sw.Props.Has("cases") || sw.Props.Has("defaults") || !sw.Props.Has("value") {
		t.Errorf("the properties are %v", sw.Props.Keys())
	}
	if b := f.ByID["b"]; b.RunIf != "{{ true }}" || b.Timeout != "PT5S" || b.LogLevel != model.LevelWarn || !f.ByID["a"].Disabled {
		t.Errorf("%+v", b)
	}
	if i := f.ByID["i"]; i.Tasks[0].ID != "d" || i.Else[0].ID != "e" || i.Finally[0].ID != "g" {
		t.Errorf("%+v", i)
	}
	if d := f.ByID["j"].DependsOn; !slices.Equal(d, []string{"h"}) {
		t.Errorf("%v", d)
	}
	p := f.ByID["p"]
	if delay, _ := p.Props.Get("delay"); p.OnPause.ID != "k" || len(p.OnResume) != 1 || p.OnResume[0].Required || !value.Equal(delay, int32(5)) {
		t.Errorf("%+v", p)
	}
	l := f.Listeners[0]
	if l.Conditions[0].Type != "io.kestra.plugin.core.condition.ExecutionStatus" || l.Tasks[0].ID != "m" {
		t.Errorf("%+v", l)
	}
}

func TestForEachItem(t *testing.T) {
	f := mustCompile(t, `
id: f
namespace: n
tasks:
  - id: each
    type: io.kestra.core.tasks.flows.ForEachItem
    items: "{{ inputs.x ?? '' }}"
    batch: {rows: 10}
    namespace: m
    flowId: g
    wait: false
    scheduleOn: "2026-01-01T00:00:00Z"
    inputs: {a: "{{ taskrun.items }}"}
`)
	each := f.ByID["each"]
	type child struct {
		ID, Type string
		Kind     model.Kind
		Props    []string
	}
	var got []child
	for _, c := range each.Tasks {
		got = append(got, child{c.ID, c.Type, c.Kind, c.Props.Keys()})
		if f.ByID[c.ID] != c || c.Parent != each {
			t.Errorf("%s is not where it belongs", c.ID)
		}
	}
	const prefix = "io.kestra.plugin.core.flow.ForEachItem$ForEachItem"
	want := []child{
		{"each_split", prefix + "Split", model.KindRunnable, []string{"items", "batch"}},
		{"each_items", prefix + "Executable", model.KindBatches, []string{"namespace", "flowId", "inputs", "wait", "scheduleDate"}},
		{"each_merge", prefix + "MergeOutputs", model.KindRunnable, []string{"wait"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if a, b := each.Tasks[0].Order, each.Tasks[1].Order; a >= b || b >= each.Tasks[2].Order {
		t.Errorf("the orders are %d, %d, %d", a, b, each.Tasks[2].Order)
	}
}

func TestHeaderOfTheModel(t *testing.T) {
	opts := options
	opts.Revision = 7
	f, problems := flow.Compile([]byte(`
id: f
namespace: n.m
revision: 3
description: A flow
disabled: true
labels: {a: 1, b: two}
variables: {v: {w: [1, "{{ x }}"]}}
inputs:
  - {id: i, type: INT, min: 1, defaults: 5, displayName: I, description: an input}
  - {id: s, type: SELECT, options: [a, {label: B, value: b}], required: false, dependsOn: {inputs: [i], condition: "{{ inputs.i > 1 }}"}}
outputs: [{id: o, type: JSON, value: {a: "{{ 1 }}"}, required: true}]
concurrency: {limit: 2, behavior: FAIL}
retry: {type: exponential, interval: PT1S, maxInterval: 10, delayFactor: 1.5, maxAttempt: 3, maxDuration: PT1M, warningOnRetry: true, behavior: CREATE_NEW_EXECUTION}
sla:
  - {id: d, type: MAX_DURATION, duration: PT5M, behavior: CANCEL, labels: {late: true}}
  - {id: e, type: EXECUTION_ASSERTION, assert: "{{ true }}", behavior: NONE}
checks: [{when: "{{ true }}", message: all right, style: ERROR, behavior: FAIL_EXECUTION}]
workerGroup: {key: gpu, fallback: FAIL}
tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x, workerSelector: {tags: [big], fallback: WAIT}, taskCache: {enabled: true, ttl: PT1H}}]
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 * * * *"
    labels: {l: "{{ 1 }}"}
    stopAfter: [FAILED]
    when: "{{ true }}"
    allowConcurrent: true
    conditions:
      - type: io.kestra.plugin.core.condition.Or
        conditions: [{type: io.kestra.plugin.core.condition.Weekend}]
      - id: multi
        type: io.kestra.plugin.core.condition.MultipleCondition
        conditions: {one: {type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: n, flowId: x}}
`), opts)
	if f == nil {
		t.Fatal(problems)
	}
	equal := cmp.Comparer(func(a, b *value.Map) bool { return a == nil && b == nil || value.Equal(a, b) })
	list := func(s string) []any {
		v, err := value.ParseJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return v.([]any)
	}
	obj := func(s string) *value.Map { return list("[" + s + "]")[0].(*value.Map) }
	want := &model.Flow{
		Tenant: "main", Namespace: "n.m", ID: "f", Revision: 7, Description: "A flow", Disabled: true,
		Labels: []model.Label{{Key: "a", Value: "1"}, {Key: "b", Value: "two"}}, Variables: obj(`{"v":{"w":[1,"{{ x }}"]}}`),
		Inputs: []*model.Input{
			{ID: "i", Type: "INT", Required: true, Defaults: int32(5), DisplayName: "I", Description: "an input", Props: obj(`{"min":1}`), Line: 10},
			{ID: "s", Type: "SELECT", DependsOn: &model.DependsOn{Inputs: []string{"i"}, Condition: "{{ inputs.i > 1 }}"},
				Props: obj(`{"options":["a",{"label":"B","value":"b"}]}`), Line: 11},
		},
		Outputs:     []*model.Output{{ID: "o", Type: "JSON", Value: obj(`{"a":"{{ 1 }}"}`), Required: true}},
		Concurrency: &model.Concurrency{Limit: 2, Behavior: "FAIL"},
		Retry: &model.Retry{Type: "exponential", Interval: time.Second, MaxInterval: 10 * time.Second, DelayFactor: 1.5, MaxAttempts: 3,
			MaxDuration: time.Minute, WarnOnRetry: true, NewExecution: true},
		SLA: []*model.SLA{
			{ID: "d", Type: "MAX_DURATION", Duration: 5 * time.Minute, Behavior: "CANCEL", Labels: []model.Label{{Key: "late", Value: "true"}}},
			{ID: "e", Type: "EXECUTION_ASSERTION", Assert: "{{ true }}", Behavior: "NONE"},
		},
		Checks:      []*model.Check{{Condition: "{{ true }}", Message: "all right", Style: "ERROR", Behavior: "FAIL_EXECUTION"}},
		WorkerGroup: &model.WorkerGroup{Key: "gpu", Fallback: "FAIL"},
		Triggers: []*model.Trigger{{
			ID: "t", Type: "io.kestra.plugin.core.trigger.Schedule", Kind: model.TriggerSchedule, StopAfter: []model.State{model.Failed}, Line: 22,
			Props: obj(`{"cron":"0 * * * *","labels":[{"key":"l","value":"{{ 1 }}"}],"when":"{{ true }}","allowConcurrent":true}`),
			Conditions: []*model.Condition{
				{Type: "io.kestra.plugin.core.condition.Or", Props: obj("{}"), Conditions: []*model.Condition{
					{Type: "io.kestra.plugin.core.condition.Weekend", Props: obj("{}")}}},
				{Type: "io.kestra.plugin.core.condition.MultipleCondition", Props: obj(`{"id":"multi"}`), Names: []string{"one"},
					Conditions: []*model.Condition{{Type: "io.kestra.plugin.core.condition.ExecutionFlow", Props: obj(`{"namespace":"n","flowId":"x"}`)}}},
			},
		}},
	}
	if d := cmp.Diff(want, f, equal, cmpopts.IgnoreFields(model.Flow{}, "Tasks", "ByID", "Source", "Document")); d != "" {
		t.Error(d)
	}
	a := f.ByID["a"]
	if d := cmp.Diff(&model.WorkerGroup{Key: "big", Fallback: "WAIT"}, a.WorkerGroup); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&model.TaskCache{Enabled: true, TTL: time.Hour}, a.Cache); d != "" {
		t.Error(d)
	}
}

// TestDocument compares with how the reference shows the flow that was posted.
func TestDocument(t *testing.T) {
	var source, shown struct {
		Request struct{ Body string }
		Body    json.RawMessage
	}
	for file, into := range map[string]any{"graph-post.json": &source, "flow-get.json": &shown} {
		raw, err := os.ReadFile(filepath.Join(shared(t, "contract/shapes"), file))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	opts := options
	opts.Revision = 2
	f, problems := flow.Compile([]byte(strings.Replace(source.Request.Body, "**shapes**", "**shapes** 2", 1)), opts)
	if f == nil {
		t.Fatal(problems)
	}
	var want, got map[string]any
	if err := json.Unmarshal(shown.Body, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(value.AppendJSON(nil, f.Document, value.JSONOptions{}), &got); err != nil {
		t.Fatal(err)
	}
	delete(want["inputs"].([]any)[1].(map[string]any), "extension") // 0.21 filled in a default that 1.3 no longer has
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
