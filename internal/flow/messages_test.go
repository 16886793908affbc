package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

const (
	head    = "id: f\nnamespace: n\n"
	logTask = "tasks:\n- {id: a, type: io.kestra.plugin.core.log.Log, message: x}\n"
)

// messages are problems as people see them, with w for warnings and e for errors before them.
func messages(problems []yamldoc.Problem) []string {
	out := []string{}
	for _, p := range problems {
		out = append(out, p.Severity.String()[:1]+" "+p.String())
	}
	return out
}

func TestMessages(t *testing.T) {
	tests := []struct {
		name, src string
		want      []string
	}{
		{"all right", head + logTask, nil},
		{"not a map", "- a\n", []string{"e line 1, column 1: this is a list where a flow should be; expected a map of keys and values"}},
		{"a mistyped key", head + "lables: {}\n" + logTask, []string{
			"e line 3, column 1: lables: `lables` is not a property of a flow; did you mean `labels`?"}},
		{"a mistyped property of a task", head + "tasks:\n- id: a\n  type: io.kestra.plugin.core.log.Log\n  mesage: x\n", []string{
			"e line 4, column 3: tasks[0]: `message` is missing: the task type io.kestra.plugin.core.log.Log needs it",
			"e line 6, column 3: tasks[0].mesage: `mesage` is not a property of the task type io.kestra.plugin.core.log.Log; did you mean `message`?"}},
		{"a mistyped type", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.log.Logg, message: x}\n", []string{
			"e line 4, column 17: tasks[0].type: there is no task type `io.kestra.plugin.core.log.Logg`; did you mean `io.kestra.plugin.core.log.Log`?"}},
		{"a mistyped type of a short name", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.log.Lg, message: x}\n", []string{
			"e line 4, column 17: tasks[0].type: there is no task type `io.kestra.plugin.core.log.Lg`; did you mean `io.kestra.plugin.core.log.Log`?"}},
		{"a type in the wrong package", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.logs.Return, format: x}\n", []string{
			"e line 4, column 17: tasks[0].type: there is no task type `io.kestra.plugin.core.logs.Return`; did you mean `io.kestra.plugin.core.debug.Return`?"}},
		{"a type of another kind", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.trigger.Webhook, key: x}\n", []string{
			"e line 4, column 17: tasks[0].type: `io.kestra.plugin.core.trigger.Webhook` is a trigger type, and this is a task"}},
		{"a task that is text", head + "tasks: [a]\n", []string{
			"e line 3, column 9: tasks[0]: this is `a` where a task should be; expected a map of keys and values"}},
		{"tasks that are no list", head + "tasks: {id: a}\n", []string{
			"e line 3, column 8: tasks: `tasks` is a map; expected a list"}},
		{"wrong scalars", head + `tasks:
- id: a
  type: io.kestra.plugin.core.flow.Subflow
  namespace: n
  flowId: g
  wait: perhaps
  revision: 0
  restartBehavior: RETRY
  timeout: soon
  allowFailure: 1
`, []string{
			"e line 8, column 9: tasks[0].wait: `wait` is `perhaps`; expected true or false",
			"e line 9, column 13: tasks[0].revision: `revision` is 0; expected at least 1",
			"e line 10, column 20: tasks[0].restartBehavior: `restartBehavior` is `RETRY`; expected one of NEW_EXECUTION, RETRY_FAILED",
			"e line 11, column 12: tasks[0].timeout: `timeout` is `soon`; expected an ISO-8601 duration such as PT1H30M or P1D, or a number of seconds, or an expression",
			"w line 11, column 12: tasks[0].timeout: `timeout` does nothing here: it bounds tasks that a worker runs, and those inside have one of their own",
			"e line 12, column 17: tasks[0].allowFailure: `allowFailure` is `1`; expected true or false"}},
		{"a key of a nested object", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.flow.ForEachItem, items: x, namespace: n, flowId: g, batch: {row: 1}}\n", []string{
			"e line 4, column 100: tasks[0].batch.row: `row` is not a property of `batch`; did you mean `rows`?"}},
		{"static properties take no expressions", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.flow.Template, namespace: n, templateId: '{{ x }}'}\n", []string{
			"w line 4, column 17: tasks[0].type: the type `io.kestra.plugin.core.flow.Template` is deprecated; use io.kestra.plugin.core.flow.Subflow",
			"w line 4, column 80: tasks[0].templateId: `templateId` is taken as written: expressions in it are not evaluated"}},
		{"a retry without a type", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.log.Log, message: x, retry: {interval: PT1S}}\n", []string{
			"e line 4, column 67: tasks[0].retry: `type` is missing: a retry needs it"}},
		{"retries have what their type has", head + "retry: {type: random, minInterval: PT5S, maxInterval: PT1S, interval: PT1S}\n" + logTask, []string{
			"e line 3, column 36: retry.minInterval: `minInterval` must be less than `maxInterval`",
			"e line 3, column 61: retry.interval: `interval` is not a property of a random retry"}},
		{"durations of retries", head + `tasks:
- {id: a, type: io.kestra.plugin.core.log.Log, message: x, retry: {type: constant, interval: PT5S, maxDuration: PT5S}}
- {id: b, type: io.kestra.plugin.core.log.Log, message: x, retry: {type: exponential, interval: PT5S, maxInterval: PT10S, maxDuration: PT7S}}
- {id: c, type: io.kestra.plugin.core.log.Log, message: x, retry: {type: exponential, interval: PT5S, maxInterval: PT5S}}
- {id: d, type: io.kestra.plugin.core.log.Log, message: x, retry: {type: random, minInterval: PT1S, maxInterval: PT5S, maxDuration: PT3S}}
`, []string{
			"e line 4, column 94: tasks[0].retry.interval: `interval` must be less than `maxDuration`",
			"e line 6, column 97: tasks[2].retry.interval: `interval` must be less than `maxInterval`",
			"e line 7, column 114: tasks[3].retry.maxInterval: `maxInterval` must be less than `maxDuration`"}},
		{"an id that is a word of the API", "id: search\nnamespace: n\n" + logTask, []string{
			"w line 1, column 5: id: the id `search` is a word of the API, so that some requests mean something else than this flow"}},
		{"a timeout of a Sequential", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.flow.Sequential, timeout: PT1S, tasks: [{id: b, type: io.kestra.plugin.core.log.Log, message: x, timeout: PT1S}]}\n", []string{
			"w line 4, column 65: tasks[0].timeout: `timeout` does nothing here: it bounds tasks that a worker runs, and those inside have one of their own"}},
		{"timeouts that count", head + `tasks:
- {id: p, type: io.kestra.plugin.core.flow.Pause, timeout: PT1S}
- {id: w, type: io.kestra.plugin.core.flow.WorkingDirectory, timeout: PT1S, tasks: [{id: b, type: io.kestra.plugin.core.log.Log, message: x}]}
`, nil},
		{"a worker group within a WorkingDirectory", head + "tasks:\n- {id: w, type: io.kestra.plugin.core.flow.WorkingDirectory, tasks: [{id: b, type: io.kestra.plugin.core.log.Log, message: x, workerGroup: {key: g}}]}\n", []string{
			"e line 4, column 75: tasks[0].tasks[0].id: `b` cannot have a worker group of its own: one worker runs the whole WorkingDirectory"}},
		{"keys and values of labels", head + "labels: {Team: a, 1a: b, a b: c, ok.A-1_é: d, empty: ''}\n" + logTask, []string{
			"w line 3, column 10: labels.Team: the label `Team` is not as labels should be: a small letter first, then letters, digits, '.', '_' and '-'",
			"w line 3, column 19: labels.1a: the label `1a` is not as labels should be: a small letter first, then letters, digits, '.', '_' and '-'",
			"w line 3, column 26: labels[\"a b\"]: the label `a b` is not as labels should be: a small letter first, then letters, digits, '.', '_' and '-'",
			"w line 3, column 47: labels.empty: the label `empty` has no value and is left out"}},
		{"a tool for MCP clients", head + `triggers:
- {id: a, type: io.kestra.plugin.core.trigger.McpToolTrigger, toolName: look_up, title: T, toolDescription: D, annotations: {readOnly: true}, mcpServer: s}
- {id: b, type: io.kestra.plugin.core.trigger.McpToolTrigger, toolName: -x, title: T}
` + logTask, []string{
			"w line 4, column 17: triggers[0].type: nothing starts the flow by this trigger: there is no MCP server here",
			"e line 5, column 3: triggers[1]: `toolDescription` is missing: the trigger type io.kestra.plugin.core.trigger.McpToolTrigger needs it",
			"w line 5, column 17: triggers[1].type: nothing starts the flow by this trigger: there is no MCP server here",
			"e line 5, column 73: triggers[1].toolName: `toolName` is `-x`; expected a text that matches ^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$"}},
		{"labels", head + "labels: [{key: a, value: 1}, {value: b}, {key: c}]\n" + logTask, []string{
			"e line 3, column 30: labels[1]: `key` is missing: a label needs it",
			"w line 3, column 48: labels[2].key: the label `c` has no value and is left out"}},
		{"a system label that may be set", head + "labels: {system.readOnly: true}\n" + logTask, nil},
		{"concurrency", head + "concurrency: {limit: 0, behavior: queue}\n" + logTask, []string{
			"e line 3, column 22: concurrency.limit: `limit` is 0; expected a whole number from 1 on",
			"e line 3, column 35: concurrency.behavior: `behavior` is `queue`; expected one of QUEUE, CANCEL, FAIL; did you mean `QUEUE`?"}},
		{"an SLA without its measure", head + "sla: [{id: a, type: MAX_DURATION, behavior: FAIL}]\n" + logTask, []string{
			"e line 3, column 7: sla[0]: `duration` is missing: an SLA needs it"}},
		{"checks", head + "checks: [{when: '{{ true }}', message: bad}, {message: bad}]\n" + logTask, []string{
			"e line 3, column 46: checks[1]: `condition` is missing: a check needs it"}},
		{"quotas", head + "quotas: [{duration: P1D, limit: 5, behavior: FAIL}]\n" + logTask, []string{
			"w line 3, column 10: quotas[0]: quotas are not enforced"}},
		{"outputs", head + "outputs: [{id: a, value: 1}, {id: a, type: STRNG, value: 1}, {id: b}]\n" + logTask, []string{
			"w line 3, column 11: outputs[0]: this output has no `type`: it is put out as it is, and other installations refuse it",
			"e line 3, column 35: outputs[1].id: the output `a` is declared twice, also at line 3",
			"e line 3, column 44: outputs[1].type: `type` is `STRNG`; expected one of ANY, STRING, ENUM, SELECT, INT, FLOAT, BOOLEAN, BOOL, DATETIME, DATE, TIME, DURATION, FILE, JSON, ION, URI, SECRET, ARRAY, MULTISELECT, YAML, EMAIL, FORM; did you mean `STRING`?",
			"e line 3, column 62: outputs[2]: `value` is missing: an output needs it",
			"w line 3, column 62: outputs[2]: this output has no `type`: it is put out as it is, and other installations refuse it"}},
		{"what does nothing here", head + "draft: true\npolicyRefs: [a]\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: x, version: 1.0.0, assets: {}}]\n", []string{
			"w line 3, column 1: draft: `draft` does nothing here: what is saved is what runs",
			"w line 4, column 1: policyRefs: `policyRefs` does nothing here: there are no policies",
			"w line 5, column 66: tasks[0].version: `version` does nothing here: each type has one version",
			"w line 5, column 82: tasks[0].assets: `assets` does nothing here: assets are not tracked"}},
		{"what says nothing", head + "draft: false\npolicyRefs: null\n" + logTask, nil},
		{"a worker selector", head + "workerSelector: {tags: [gpu, big], match: ANY}\n" + logTask, []string{
			"w line 3, column 24: workerSelector.tags: a worker has one tag here, its group: `gpu` is taken"}},
		{"a task that clashes with one of a ForEachItem", head + `tasks:
- {id: a, type: io.kestra.plugin.core.flow.ForEachItem, items: x, namespace: n, flowId: g}
- {id: a_split, type: io.kestra.plugin.core.log.Log, message: x}
`, []string{"e line 5, column 8: tasks[1].id: the task `a_split` is declared twice, also at line 4"}},
		{"a ForEachItem that starts its own flow", head + "tasks:\n- {id: a, type: io.kestra.plugin.core.flow.ForEachItem, items: x, namespace: n, flowId: f}\n", []string{
			"e line 4, column 89: tasks[0].flowId: the flow n.f starts itself"}},
		{"a task of a Dag without a body", head + "tasks:\n- {id: d, type: io.kestra.plugin.core.flow.Dag, tasks: [{dependsOn: [x]}]}\n", []string{
			"e line 4, column 57: tasks[0].tasks[0]: `task` is missing: a task of a Dag needs it"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, problems := flow.Compile([]byte(test.src), options)
			if test.want == nil {
				test.want = []string{}
			}
			if d := cmp.Diff(test.want, messages(problems)); d != "" {
				t.Error(d)
			}
			if (f == nil) != yamldoc.HasErrors(problems) {
				t.Errorf("the flow is %v with the problems %v", f, problems)
			}
		})
	}
}

func TestInputMessages(t *testing.T) {
	tests := []struct {
		name, inputs string
		want         []string
	}{
		{"bounds", "[{id: a, type: INT, min: 5, max: 1.5}, {id: b, type: FLOAT, min: 2, max: 1}, {id: c, type: DURATION, min: x}]", []string{
			"e line 3, column 42: inputs[0].max: `max` is `1.5`; expected a whole number",
			"w line 3, column 82: inputs[1].max: no value can be both: `min` is above `max`",
			"e line 3, column 115: inputs[2].min: `min` is `x`; expected an ISO-8601 duration such as PT1H30M or P1D, or a number of seconds"}},
		{"defaults", "[{id: a, type: STRING, required: false, defaults: x}, {id: b, type: STRING, defaults: x, prefill: y}, {id: c, type: STRING, required: false, prefill: y}]", []string{
			"w line 3, column 42: inputs[0].required: `required` changes nothing here: an input with a default always has a value",
			"e line 3, column 107: inputs[1].prefill: an input cannot have both `defaults` and `prefill`"}},
		{"ids within ids", "[{id: a.b, type: STRING}, {id: a, type: STRING}, {id: ab, type: STRING}, {id: a.c, type: STRING}, {id: a.b.c, type: STRING}]", []string{
			"e line 3, column 40: inputs[1].id: the inputs `a` and `a.b` cannot both be: one would be a part of the other",
			"e line 3, column 87: inputs[3].id: the inputs `a` and `a.c` cannot both be: one would be a part of the other",
			"e line 3, column 112: inputs[4].id: the inputs `a` and `a.b.c` cannot both be: one would be a part of the other"}},
		{"JSON schemas", `[{id: a, type: JSON, jsonSchema: '{"type": "object"}'}, {id: b, type: JSON, jsonSchema: '{"type"'}]`, []string{
			"e line 3, column 97: inputs[1].jsonSchema: `jsonSchema` cannot be used: it is not JSON: unexpected EOF"}},
		{"dates", "[{id: a, type: DATE, after: 2024-13-01}, {id: b, type: TIME, before: '10:00', after: '11:00:00'}, {id: c, type: DATETIME, before: now}]", []string{
			"e line 3, column 37: inputs[0].after: `after` is `2024-13-01`; expected a date such as 2026-01-31",
			"w line 3, column 78: inputs[1].before: no value can be both: `after` is above `before`",
			"e line 3, column 139: inputs[2].before: `before` is `now`; expected a date such as 2026-01-31T12:00:00Z"}},
		{"properties of other types", "[{id: a, type: BOOLEAN, validator: x}]", []string{
			"e line 3, column 33: inputs[0].validator: `validator` is not a property of an input of type BOOLEAN"}},
		{"selects", "[{id: a, type: SELECT}, {id: b, type: ENUM, values: []}, {id: c, type: SELECT, values: [x, {label: Y}], defaults: z}, {id: d, type: SELECT, expression: '{{ [1] }}'}]", []string{
			"w line 3, column 10: inputs[0]: an input of type SELECT without `values` and `expression` has nothing to choose from",
			"e line 3, column 61: inputs[1].values: `values` must not be empty",
			"e line 3, column 100: inputs[2].values[1]: `value` is missing: an option needs it",
			"w line 3, column 123: inputs[2].defaults: the default `z` is none of the values"}},
		{"lists", "[{id: a, type: ARRAY}, {id: b, type: ARRAY, itemType: STRIN}, {id: c, type: MULTISELECT, itemType: ARRAY, values: [x]}]", []string{
			"e line 3, column 10: inputs[0]: `itemType` is missing: an input of type ARRAY needs it",
			"e line 3, column 63: inputs[1].itemType: `itemType` is `STRIN`; expected one of STRING, ENUM, SELECT, INT, FLOAT, BOOLEAN, BOOL, DATETIME, DATE, TIME, DURATION, FILE, JSON, ION, URI, SECRET, ARRAY, MULTISELECT, YAML, EMAIL, FORM; did you mean `STRING`?",
			"e line 3, column 108: inputs[2].itemType: `itemType` cannot be ARRAY"}},
		{"files", "[{id: a, type: FILE, defaults: 'nsfile:///x', extension: .csv}, {id: b, type: FILE, allowedFileExtensions: [csv]}]", []string{
			"w line 3, column 66: inputs[0].extension: `extension` is deprecated; use allowedFileExtensions",
			"w line 3, column 117: inputs[1].allowedFileExtensions[0]: no file has the extension `csv`; expected a file extension with its dot, such as .csv"}},
		{"forms", "[{id: a, type: FORM}, {id: b, type: FORM, inputs: [{id: x, type: STRING}, {id: x, type: INT}]}]", []string{
			"e line 3, column 10: inputs[0]: `inputs` is missing: an input of type FORM needs it",
			"e line 3, column 88: inputs[1].inputs[1].id: the input `x` is declared twice, also at line 3"}},
		{"dependencies", "[{id: a, type: STRING, dependsOn: {inputs: [b]}}, {id: b, type: STRING, dependsOn: {inputs: [a]}}, {id: c, type: STRING, dependsOn: {inputs: [aa], condition: '{{ true }}'}}]", []string{
			"e line 3, column 43: inputs[0].dependsOn: the input `a` depends on itself",
			"e line 3, column 92: inputs[1].dependsOn: the input `b` depends on itself",
			"e line 3, column 151: inputs[2].dependsOn.inputs[0]: there is no input `aa`"}},
		{"the older name of id", "[{name: a, type: STRING}]", []string{
			"w line 3, column 17: inputs[0].name: `name` is the older name of an input's id; use id"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := flow.Compile([]byte(head+"inputs: "+test.inputs+"\n"+logTask), options)
			if d := cmp.Diff(test.want, messages(problems)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTriggerMessages(t *testing.T) {
	tests := []struct {
		name, trigger string
		want          []string
	}{
		{"cron", "{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 25 * * *', timezone: Europe/Pariss}", []string{
			"e line 4, column 66: triggers[0].cron: the field hour of the cron expression is not valid: ",
			"e line 4, column 87: triggers[0].timezone: there is no time zone `Europe/Pariss`; expected a name such as Europe/Paris, or UTC"}},
		{"too few fields", "{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '* * *'}", []string{
			"e line 4, column 63: triggers[0].cron: this is not a cron expression: "}},
		{"never", "{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 0 30 2 *'}", []string{
			"w line 4, column 63: triggers[0].cron: this schedule never fires: there is no such date"}},
		{"seconds", "{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 0 12 * * 1-5', withSeconds: true}", nil},
		{"states", "{id: t, type: io.kestra.plugin.core.trigger.Webhook, key: k, stopAfter: [SUCCES]}", []string{
			"e line 4, column 76: triggers[0].stopAfter[0]: there is no state `SUCCES`; expected one of CREATED, "}},
		{"conditions", "{id: t, type: io.kestra.plugin.core.trigger.Flow, conditions: [{type: io.kestra.plugin.core.condition.ExecutionFlow, namespace: n}, {type: io.kestra.plugin.core.condition.Not}]}", []string{
			"e line 4, column 66: triggers[0].conditions[0]: `flowId` is missing: the condition type io.kestra.plugin.core.condition.ExecutionFlow needs it",
			"e line 4, column 135: triggers[0].conditions[1]: `conditions` is missing: the condition type io.kestra.plugin.core.condition.Not needs it"}},
		{"older names", "{id: t, type: io.kestra.core.models.triggers.types.Schedule, cron: '@daily', scheduleConditions: [{type: io.kestra.plugin.core.condition.WeekendCondition}]}", []string{
			"w line 4, column 100: triggers[0].scheduleConditions: `scheduleConditions` is deprecated; use conditions"}},
		{"system label", "{id: t, type: io.kestra.plugin.core.trigger.Webhook, key: k, labels: {system.from: me}}", []string{
			"w line 4, column 72: triggers[0].labels: the executions of this trigger will fail: the label `system.from` is "}},
		{"zone by offset", "{id: t, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 2 * * *', timezone: 'GMT+2'}", nil},
		{"interval", "{id: t, type: io.kestra.plugin.core.http.Trigger, uri: 'http://x', interval: PT0S}", []string{
			"w line 4, column 80: triggers[0].interval: the trigger is evaluated each second: an interval cannot be shorter"}},
		{"time window", "{id: t, type: io.kestra.plugin.core.trigger.Flow, preconditions: {id: p, timeWindow: {type: DAILY_TIME_DEADLINE, deadline: '25:00'}}}", []string{
			"e line 4, column 126: triggers[0].preconditions.timeWindow.deadline: this window of time is not valid: deadline: \"25:00\" is not a time of day"}},
		{"window", "{id: t, type: io.kestra.plugin.core.trigger.Flow, dependsOn: [{flowId: x}], window: {every: soon}}", []string{
			"e line 4, column 95: triggers[0].window.every: this window of time is not valid: every: "}},
		{"window of a condition", "{id: t, type: io.kestra.plugin.core.trigger.Flow, conditions: [{type: io.kestra.plugin.core.condition.MultipleCondition, id: m, window: 1d, conditions: {a: {type: io.kestra.plugin.core.condition.Weekend}}}]}", []string{
			"e line 4, column 65: triggers[0].conditions: this window of time is not valid: window: ",
			"w line 4, column 73: triggers[0].conditions[0].type: ", "w line 4, column 139: triggers[0].conditions[0].window: "}},
		{"preconditions", "{id: t, type: io.kestra.plugin.core.trigger.Flow, preconditions: {id: p, where: [{id: w, filters: [{field: FLOW, type: EQUAL_TO}]}]}}", []string{
			"e line 4, column 110: triggers[0].preconditions.where[0].filters[0].field: `field` is `FLOW`; expected one of FLOW_ID, NAMESPACE, STATE, EXPRESSION"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := flow.Compile([]byte(head+"triggers:\n- "+test.trigger+"\n"+logTask), options)
			got := messages(problems)
			if len(got) != len(test.want) {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("got  %s\nwant %s…", got[i], test.want[i])
				}
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	sources := map[string]string{
		"good":   "id: good\nnamespace: n\ntasks:\n- {id: one, type: io.kestra.plugin.core.log.Log, message: '{{ outputs.t.args.x }}'}\nerrors:\n- {id: two, type: io.kestra.plugin.core.log.Log, message: x}\n",
		"bad":    "id: bad\nnamespace: n\ntasks:\n- {id: one, type: unheard}\n",
		"nested": "id: nested\nnamespace: n\ntasks:\n- {id: one, type: io.kestra.plugin.core.flow.Template, namespace: n, templateId: good}\n",
		"clash":  "id: clash\nnamespace: n\ntasks:\n- {id: a, type: io.kestra.plugin.core.log.Log, message: x}\n",
	}
	opts := options
	opts.Template = func(namespace, id string) ([]byte, error) {
		if s, ok := sources[id]; ok && namespace == "n" {
			return []byte(s), nil
		}
		return nil, errors.New("not found")
	}
	src := func(id string) []byte {
		return []byte(head + logTask + "- {id: t, type: io.kestra.plugin.core.flow.Template, namespace: n, args: {x: 1}, templateId: " + id + "}\n")
	}
	f, problems := flow.Compile(src("good"), opts)
	if f == nil {
		t.Fatal(problems)
	}
	task := f.ByID["t"]
	if len(task.Tasks) != 1 || task.Tasks[0].ID != "one" || len(task.Errors) != 1 || f.ByID["two"] == nil || f.ByID["one"].Parent != task {
		t.Errorf("%+v", task)
	}
	const at = "e line 5, column 94: tasks[1].templateId: "
	for id, want := range map[string]string{
		"none":   at + "the template cannot be read: not found",
		"bad":    at + "in the template, line 4: there is no task type `unheard`",
		"nested": at + "in the template, line 4: a template cannot stand in another one",
		"clash":  at + "in the template, line 5: the task `a` is declared twice, also at line 4",
	} {
		_, problems := flow.Compile(src(id), opts)
		var got []string
		for _, m := range messages(problems) {
			if m[0] == 'e' {
				got = append(got, m)
			}
		}
		if d := cmp.Diff([]string{want}, got); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
}

func TestValidateParts(t *testing.T) {
	if got := messages(flow.ValidateTask([]byte("id: a b\ntype: io.kestra.plugin.core.log.Log\n"), options)); !cmp.Equal(got, []string{
		"e line 1, column 1: `message` is missing: the task type io.kestra.plugin.core.log.Log needs it",
		"e line 1, column 5: id: `a b` cannot be the id of a task; expected a text that matches ^[a-zA-Z0-9][a-zA-Z0-9_-]*$",
	}) {
		t.Errorf("%q", got)
	}
	if got := messages(flow.ValidateTask([]byte("id: a\ntype: io.kestra.plugin.core.log.Log\nmessage: '{{ outputs.b.value }}'\n"), options)); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if got := messages(flow.ValidateTrigger([]byte("id: a\ntype: io.kestra.plugin.core.trigger.Schedule\ncron: nope\n"), options)); len(got) != 1 ||
		!strings.HasPrefix(got[0], "e line 3, column 7: cron: ") {
		t.Errorf("%q", got)
	}
	if got := messages(flow.ValidateTask([]byte(""), options)); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestInspect(t *testing.T) {
	got := flow.Inspect([]byte(`
tasks:
- {id: a, type: io.kestra.core.tasks.log.Log, message: x}
- id: e
  type: io.kestra.plugin.core.flow.EachSequential
  tasks: [{id: b, type: io.kestra.plugin.core.debug.Echo}]
`), options)
	want := flow.Notes{
		Deprecated: []string{"tasks[1]", "tasks[1].tasks[0]"},
		Renamed:    []flow.Renamed{{Path: "tasks[0]", Old: "io.kestra.core.tasks.log.Log", New: "io.kestra.plugin.core.log.Log"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
