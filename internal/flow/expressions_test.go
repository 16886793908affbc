package flow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// TestExpressionPlaces finds an unknown filter wherever YAML lets the text stand: the problem has to be placed at its name.
func TestExpressionPlaces(t *testing.T) {
	tests := map[string]string{
		"plain":                    "message: a {{ x | nofilter }}",
		"plain over lines":         "message: a\n    b {{ x |\n      nofilter }}",
		"single quotes":            "message: 'it''s {{ x | nofilter }}'",
		"double quotes":            `message: "a\n\té \"{{ x | nofilter }}"`,
		"double quotes over lines": "message: \"a \\\n    b\n\n    {{ x | nofilter }}\"",
		"an escaped character":     `message: "\u00e9\x41\U0001F600 {{ x | nofilter }}"`,
		"literal":                  "message: |\n    first\n      {{ x | nofilter }}\n    last",
		"literal with indicator":   "message: |2- # text\n      {{ x | nofilter }}",
		"folded":                   "message: >\n    one\n    two\n\n    three {{ x\n    | nofilter }}",
		"beyond ASCII":             "message: 日本 😀 {{ x | nofilter }}",
		"in a list":                "message: [a, '{{ x | nofilter }}']",
		"on the first line":        "message: \"{{ x | nofilter }}\"",
		"in a retried line ending": "message: |\n    a\r\n    {{ x | nofilter }}\r\n",
	}
	for name, property := range tests {
		t.Run(name, func(t *testing.T) {
			src := head + "tasks:\n- id: a\n  type: io.kestra.plugin.core.log.Log\n  " + property + "\n"
			_, problems := flow.Compile([]byte(src), options)
			if len(problems) != 1 {
				t.Fatalf("%v", problems)
			}
			p := problems[0]
			line := []rune(strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n")[p.Line-1])
			if rest := string(line[min(p.Column-1, len(line)):]); !strings.HasPrefix(rest, "nofilter") {
				t.Errorf("%v: that is at %q", p, rest)
			}
			if p.Severity != yamldoc.Error || p.Path == "" {
				t.Errorf("%v", p)
			}
		})
	}
}

func TestExpressionErrors(t *testing.T) {
	tests := []struct{ name, task, want string }{
		{"an unknown function", "message: '{{ secrt(\"A\") }}'", "e line 6, column 16: tasks[0].message: there is no function or macro \"secrt\"; did you mean `secret`?"},
		{"a key", "type: io.kestra.plugin.core.execution.SetVariables\n  variables: {'{{ 1 | nofilter }}': 1}", `there is no filter "nofilter"`},
		{"runIf", "message: x\n  runIf: '{{ 1 | nofilter }}'", "e line 7, column 18: tasks[0].runIf: there is no filter"},
		{"timeout", "message: x\n  timeout: '{{ 1 | nofilter }}'", "e line 7, column 20: tasks[0].timeout: there is no filter"},
		{"an alias", "message: &m '{{ 1 | nofilter }}'\n- {id: b, type: io.kestra.plugin.core.log.Log, message: *m}", "e line 7, column 57: tasks[1].message: there is no filter"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			typ := "  type: io.kestra.plugin.core.log.Log\n"
			if strings.HasPrefix(test.task, "type:") {
				typ = ""
			}
			_, problems := flow.Compile([]byte(head+"tasks:\n- id: a\n"+typ+"  "+test.task+"\n"), options)
			if all := strings.Join(messages(problems), "\n"); !strings.Contains(all, test.want) {
				t.Errorf("got %s\nwant …%s…", all, test.want)
			}
		})
	}
	lenient := options
	lenient.Lenient = true
	for _, rest := range []string{"message: '{{ x | nofilter }}'", "message: x, level: LOUD", "message: x, timeout: soon"} {
		f, problems := flow.Compile([]byte(head+"tasks: [{id: a, type: io.kestra.plugin.core.log.Log, "+rest+"}]"), lenient)
		if f == nil || len(problems) != 1 || problems[0].Severity != yamldoc.Warning {
			t.Errorf("%s: %v, %v", rest, f, problems)
		}
	}
	if f, _ := flow.Compile([]byte(head+"tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x, logLevel: LOUD}]"), lenient); f != nil {
		t.Error("a property that takes no expressions may hold anything")
	}
	f, problems := flow.Compile([]byte(head+"variables: {a: '{{ nofunction() }}'}\n"+logTask), options)
	if f == nil || len(problems) != 1 || problems[0].Severity != yamldoc.Warning {
		t.Errorf("an unused variable: %v, %v", f, problems)
	}
}

// referenceFlow has tasks in every place; EXPR stands where the placeholder is.
const referenceFlow = `
id: f
namespace: n
inputs:
  - {id: name, type: STRING}
  - {id: nested.a, type: STRING}
  - {id: form, type: FORM, inputs: [{id: age, type: INT}]}
variables: {v: 1}
tasks:
  - {id: first, type: io.kestra.plugin.core.debug.Return, format: "%[1]s"}
  - {id: set, type: io.kestra.plugin.core.execution.SetVariables, variables: {later: 1}}
  - id: if
    type: io.kestra.plugin.core.flow.If
    condition: "true"
    then:
      - {id: agreed, type: io.kestra.plugin.core.debug.Return, format: "%[2]s"}
    else:
      - {id: refused, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - {id: one, type: io.kestra.plugin.core.debug.Return, format: "%[3]s"}
      - {id: two, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: par
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: left, type: io.kestra.plugin.core.debug.Return, format: "%[4]s"}
      - {id: right, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task: {id: base, type: io.kestra.plugin.core.debug.Return, format: "%[5]s"}
      - task: {id: top, type: io.kestra.plugin.core.debug.Return, format: x}
        dependsOn: [mid]
      - task: {id: mid, type: io.kestra.plugin.core.debug.Return, format: x}
        dependsOn: [base]
  - id: until
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "%[6]s"
    tasks:
      - {id: ask, type: io.kestra.plugin.core.debug.Return, format: x}
  - {id: last, type: io.kestra.plugin.core.log.Log, message: x}
errors:
  - {id: wrong, type: io.kestra.plugin.core.debug.Return, format: "%[7]s"}
finally:
  - {id: end, type: io.kestra.plugin.core.debug.Return, format: x}
afterExecution:
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: x}
outputs:
  - {id: o, type: STRING, value: "%[8]s"}
`

func TestReferences(t *testing.T) {
	const first, then, loop, parallel, dag, until, errs, outputs = 0, 1, 2, 3, 4, 5, 6, 7
	tests := []struct {
		place      int
		expr, want string
	}{
		{then, "{{ outputs.first.value }}", ""},
		{then, "{{ outputs['first']['value'] }}", ""},
		{then, "{{ outputs.frist.value }}", "the flow has no task `frist`; did you mean `first`?"},
		{then, "{{ outputs.frist.value ?? 'x' }}", ""},
		{then, "{{ outputs.frist is defined }}", ""},
		{then, "{{ outputs.frist.value | default('x') }}", ""},
		{then, "{{ outputs.first.valeu }}", "tasks of the type io.kestra.plugin.core.debug.Return have no output `valeu`; did you mean `value`?"},
		{then, "{{ outputs.refused.value }}", "`refused` has no outputs here: it stands in another branch"},
		{then, "{{ outputs.if.evaluationResult }}", ""},
		{then, "{{ outputs.each }}", "`each` has no outputs here: it runs only later"},
		{then, "{{ outputs[inputs.name] }}", ""},
		{first, "{{ outputs.first.value }}", "`first` has no outputs here: it is the task itself"},
		{first, "{{ outputs.last }}", "`last` has no outputs here: it runs only later"},
		{first, "{{ outputs.agreed.value }}", "`agreed` has no outputs here: it runs only later"},
		{first, "{{ outputs.wrong.value }}", "`wrong` has no outputs here: it runs only later"},
		{first, "{{ inputs.name }}{{ inputs.nested.a }}{{ inputs.nested }}{{ inputs.form.age }}{{ inputs.name.deep }}", ""},
		{first, "{{ inputs.nmae }}", "the flow has no input `nmae`; did you mean `name`?"},
		{first, "{{ inputs.nested.b }}", "the flow has no input `nested.b`; did you mean `nested.a`?"},
		{first, "{{ vars.v }}{{ vars.later }}", ""},
		{first, "{{ vars.w }}", "the flow has no variable `w`"},
		{first, "{{ execution.id }}{{ labels.x }}{{ trigger.date }}{{ envs.a }}", ""},
		{first, "{{ exectuion.id }}", "there is no variable `exectuion`; did you mean `execution`?"},
		{first, "{% for i in inputs.name %}{{ i }}{{ loop.index }}{% endfor %}{% set q = 1 %}{{ q }}", ""},
		{first, "{{ response.body }}", "there is no variable `response`"},
		{loop, "{{ outputs.two[taskrun.value].value }}", ""}, // of an earlier value
		{loop, "{{ outputs.first.nothing }}", "tasks of the type io.kestra.plugin.core.debug.Return have no output `nothing`"},
		{loop, "{{ outputs.left.value }}", "`left` has no outputs here: it runs only later"},
		{parallel, "{{ outputs.right.value }}", ""}, // it may have ended
		{parallel, "{{ outputs.one['1'].value }}", ""},
		{parallel, "{{ outputs.one['1'].valu }}", "tasks of the type io.kestra.plugin.core.debug.Return have no output `valu`; did you mean `value`?"},
		{dag, "{{ outputs.top.value }}", "`top` has no outputs here: it runs only later"},
		{dag, "{{ outputs.first.value }}", ""},
		{until, "{{ outputs.ask.value == 'x' and outputs.until.iterationCount > 2 }}", ""},
		{until, "{{ outputs.last }}", "`last` has no outputs here: it runs only later"},
		{errs, "{{ outputs.first.value }}", ""},
		{errs, "{{ outputs.end.value }}", "`end` has no outputs here: it runs only later"},
		{outputs, "{{ outputs.end.value }}", ""},
		{outputs, "{{ outputs.after.value }}", "`after` has no outputs here: it runs only after the flow's outputs are evaluated"},
		{outputs, "{{ outputs.last.x }}", "tasks of the type io.kestra.plugin.core.log.Log have no outputs"},
	}
	for _, test := range tests {
		t.Run(test.expr, func(t *testing.T) {
			args := make([]any, 8)
			for i := range args {
				args[i] = "x"
			}
			args[test.place] = test.expr
			src := fmt.Sprintf(strings.TrimPrefix(referenceFlow, "\n"), args...)
			f, problems := flow.Compile([]byte(src), options)
			if f == nil {
				t.Fatal(problems)
			}
			var got []string
			for _, p := range problems {
				text := p.Message
				if p.Suggestion != "" {
					text += "; " + p.Suggestion
				}
				got = append(got, text)
			}
			want := []string{test.want}
			if test.want == "" {
				want = nil
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
