package flow_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/value"
)

func TestPluginDefaults(t *testing.T) {
	const task = "type: io.kestra.plugin.core.kv.Set, key: k"
	tests := []struct{ name, defaults, task, want string }{
		{"fills in what is absent", "[{type: io.kestra.plugin.core.kv.Set, values: {value: 1, namespace: d}}]", task + ", namespace: t",
			`{"key":"k","value":1,"namespace":"t"}`},
		{"a null does not keep it away", "[{type: io.kestra.plugin.core.kv.Set, values: {namespace: d}}]", task + ", namespace: null, value: 2",
			`{"key":"k","value":2,"namespace":"d"}`},
		{"the beginning of a type", "[{type: io.kestra.plugin.core.k, values: {namespace: d}}]", task + ", value: 2",
			`{"key":"k","value":2,"namespace":"d"}`},
		{"the more specific first", "[{type: io.kestra, values: {namespace: far}}, {type: io.kestra.plugin.core.kv.Set, values: {namespace: near}}]",
			task + ", value: 2", `{"key":"k","value":2,"namespace":"near"}`},
		{"of equal ones the earlier", "[{type: io.kestra, values: {namespace: one}}, {type: io.kestra, values: {namespace: two}}]",
			task + ", value: 2", `{"key":"k","value":2,"namespace":"one"}`},
		{"forced values replace", "[{type: io.kestra, forced: true, values: {namespace: f}}, {type: io.kestra.plugin.core.kv.Set, values: {namespace: d}}]",
			task + ", value: 2, namespace: t", `{"key":"k","value":2,"namespace":"f"}`},
		{"maps are merged and lists joined", "[{type: io.kestra, values: {value: {a: 1, l: [1], n: {x: 1}}}}]",
			task + ", value: {a: 2, b: 2, l: [2], n: {y: 2}}", `{"key":"k","value":{"a":2,"b":2,"l":[1,2],"n":{"y":2,"x":1}}}`},
		{"forced lists come behind", "[{type: io.kestra, forced: true, values: {value: {l: [1]}}}]", task + ", value: {l: [2]}",
			`{"key":"k","value":{"l":[2,1]}}`},
		{"another type's are not taken", "[{type: io.kestra.plugin.core.kv.Get, values: {namespace: d}}]", task + ", value: 2",
			`{"key":"k","value":2}`},
		{"a ref restricts", "[{type: io.kestra, ref: r, values: {namespace: d}}, {type: io.kestra, ref: q, values: {value: 9}}]",
			task + ", pluginDefaultsRef: r, value: 2", `{"key":"k","value":2,"namespace":"d"}`},
		{"what a ref names counts first", "[{type: io.kestra.plugin.core.kv.Set, values: {namespace: d}}, {type: io.kestra, ref: r, values: {namespace: named}}]",
			task + ", pluginDefaultsRef: r, value: 2", `{"key":"k","value":2,"namespace":"named"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := mustCompile(t, head+"pluginDefaults: "+test.defaults+"\ntasks: [{id: a, "+test.task+"}]\n")
			want, err := value.ParseJSON([]byte(test.want))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.ByID["a"].Props; !value.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", value.Print(got), test.want)
			}
		})
	}
}

func TestPluginDefaultsElsewhere(t *testing.T) {
	opts := options
	var err error
	opts.Defaults, err = flow.ParseDefaults([]any{
		value.MapOf(value.Entry{Key: "type", Value: "io.kestra.core.tasks.log.Log"},
			value.Entry{Key: "values", Value: value.MapOf(value.Entry{Key: "level", Value: "ERROR"}, value.Entry{Key: "nope", Value: 1})}),
	})
	if err != nil {
		t.Fatal(err)
	}
	src := head + `
taskDefaults:
  - {type: io.kestra.plugin.core.trigger.Webhook, values: {key: secret}}
  - {type: io.kestra.plugin.core.condition.Weekend, values: {date: d}}
  - {type: io.kestra.plugin.core.nothing.At, values: {a: 1}}
tasks:
  - id: s
    type: io.kestra.plugin.core.flow.Sequential
    tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x}]
triggers:
  - id: t
    type: io.kestra.plugin.core.trigger.Webhook
    conditions: [{type: io.kestra.plugin.core.condition.WeekendCondition}]
`
	f, problems := flow.Compile([]byte(src), opts)
	if f == nil {
		t.Fatal(problems)
	}
	if level, _ := f.ByID["a"].Props.Get("level"); level != "ERROR" {
		t.Errorf("the level is %v", level)
	}
	trigger := f.Triggers[0]
	key, _ := trigger.Props.Get("key")
	date, _ := trigger.Conditions[0].Props.Get("date")
	if key != "secret" || date != "d" {
		t.Errorf("the key is %v, the date %v", key, date)
	}
	want := []string{
		"w line 5, column 3: taskDefaults: `taskDefaults` is deprecated; use pluginDefaults",
		"w line 7, column 12: taskDefaults[2].type: there is no type `io.kestra.plugin.core.nothing.At`, and none that begins with it",
		"w line 11, column 13: tasks[0].tasks[0]: `nope` is not a property of the task type io.kestra.plugin.core.log.Log, so this plugin default does nothing there",
	}
	if d := cmp.Diff(want, messages(problems)); d != "" {
		t.Error(d)
	}
	list, _ := f.Document.Get("tasks")
	if text := value.Print(list); text != `[{"id":"s","type":"io.kestra.plugin.core.flow.Sequential","tasks":[{"id":"a","type":"io.kestra.plugin.core.log.Log","message":"x"}]}]` {
		t.Errorf("the document is not what was written: %s", text)
	}
}

func TestParseDefaultsErrors(t *testing.T) {
	for want, v := range map[string]any{
		"plugin default 1 is not a map":                    "x",
		"plugin default 1 has no type":                     value.NewMap(0),
		"the values of the plugin default t are not a map": value.MapOf(value.Entry{Key: "type", Value: "t"}, value.Entry{Key: "values", Value: "x"}),
	} {
		if _, err := flow.ParseDefaults([]any{v}); err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
