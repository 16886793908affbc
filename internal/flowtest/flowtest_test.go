package flowtest_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/flowtest"
)

const order = `id: order
namespace: company.team
inputs:
  - {id: name, type: STRING}
  - {id: report, type: FILE, required: false}
tasks:
  - {id: fetch, type: io.kestra.plugin.core.http.Request, uri: "http://127.0.0.1:1/nothing"}
  - id: enough
    type: io.kestra.plugin.core.flow.If
    condition: "{{ outputs.fetch.body.stock > 3 }}"
    then:
      - {id: given, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.name }} can have {{ outputs.fetch.body.stock }}"}
    else:
      - {id: refused, type: io.kestra.plugin.core.execution.Fail, errorMessage: nothing left}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: send, type: io.kestra.plugin.core.http.Request, uri: "http://127.0.0.1:1/{{ taskrun.value }}"}
  - {id: content, type: io.kestra.plugin.core.debug.Return, runIf: "{{ inputs.report is defined }}", format: "{{ read(inputs.report) }}"}
  - {id: child, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: child, wait: true}
outputs:
  - {id: given, type: STRING, value: "{{ outputs.given.value }}"}
`

const child = `id: child
namespace: company.team
tasks:
  - {id: give, type: io.kestra.plugin.core.debug.Return, format: from the child}
outputs:
  - {id: word, type: STRING, value: "{{ outputs.give.value }}"}
`

func runner() *flowtest.Runner {
	return &flowtest.Runner{Flows: [][]byte{[]byte(order), []byte(child)}, Config: config.Default(), Timeout: 20 * time.Second,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// suite reads cases of the flow order.
func suite(t *testing.T, cases string) *flowtest.Suite {
	t.Helper()
	s, err := flowtest.Parse([]byte("id: test_order\nnamespace: company.team\nflowId: order\ntestCases:\n" + cases))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const stock = `
      tasks:
        - {id: fetch, outputs: {body: {stock: 5}}}
        - {id: send, outputs: {code: 200}}
`

func TestSuite(t *testing.T) {
	s := suite(t, `
  - id: enough
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      inputs: {name: Ada, report: "{{ files['r.csv'] }}"}
      files: {r.csv: "1,2,3"}`+stock+`
    assertions:
      - {value: "{{ outputs.given.value }}", equalTo: Ada can have 5}
      - {value: "{{ outputs.given.value }}", startsWith: Ada, endsWith: "5", contains: can, notEqualTo: x, in: [Ada can have 5, y], notIn: [z]}
      - {value: "{{ outputs.fetch.body.stock }}", greaterThan: 4, greaterThanOrEqualTo: 5, lessThan: "6", lessThanOrEqualTo: 5}
      - {value: "{{ outputs.content.value }}", equalTo: "1,2,3"}
      - {value: "{{ outputs.nothing ?? null }}", isNull: true}
      - {value: "{{ execution.outputs.given }}", isNotNull: true}
      - {value: "{{ outputs.send | keys }}", contains: b}
      - {value: "{{ outputs.child.outputs.word }}", equalTo: from the child}
  - id: not enough
    expectedState: FAILED
    fixtures:
      inputs: {name: Ada}
      tasks:
        - {id: fetch, outputs: {body: {stock: 1}}}
    assertions: []
  - id: disabled
    disabled: true
    assertions: []
`)
	report := runner().Run(t.Context(), s)
	states := map[string]string{}
	for _, c := range report.Results {
		states[c.ID] = c.State
		for _, o := range c.Outcomes {
			if !o.Success {
				t.Errorf("%s: %s: expected %v, actual %v", c.ID, o.Operator, o.Expected, o.Actual)
			}
		}
		if len(c.Errors) > 0 {
			t.Errorf("%s: %v\n%s", c.ID, c.Errors, strings.Join(c.Log, "\n"))
		}
	}
	want := map[string]string{"enough": "SUCCESS", "not enough": "SUCCESS", "disabled": "SKIPPED"}
	if diff := cmp.Diff(want, states); diff != "" || report.State != "SUCCESS" {
		t.Errorf("%s %s", report.State, diff)
	}
	if n := len(report.Results[0].Outcomes); n != 16 {
		t.Errorf("%d comparisons were made, expected 16", n)
	}
}

func TestWhatDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct{ cases, state, message string }{
		"an assertion": {
			"  - id: x\n    fixtures:\n      inputs: {name: Ada}" + stock + "    assertions: [{value: \"{{ outputs.given.value }}\", equalTo: other, errorMessage: too bad}]\n", "FAILED", "too bad",
		},
		"another state":        {"  - id: x\n    expectedState: WARNING\n    fixtures:\n      inputs: {name: Ada}" + stock, "FAILED", "the execution ended in SUCCESS, expected WARNING"},
		"a fixture that fails": {"  - id: x\n    fixtures:\n      inputs: {name: Ada}\n      tasks: [{id: fetch, state: FAILED}]\n", "FAILED", "the execution ended in FAILED"},
		"an expression": {
			"  - id: x\n    fixtures:\n      inputs: {name: Ada}" + stock + "    assertions: [{value: \"{{ outputs.nobody.value }}\", equalTo: x}]\n", "ERROR", "assertions[0]: value: ",
		},
		"no number":            {"  - id: x\n    fixtures:\n      inputs: {name: Ada}" + stock + "    assertions: [{value: many, greaterThan: 1}]\n", "ERROR", `"many" is not a number`},
		"a missing input":      {"  - id: x\n    fixtures:" + stock, "ERROR", "name"},
		"a task that is not":   {"  - id: x\n    fixtures:\n      inputs: {name: Ada}\n      tasks: [{id: nobody}]\n", "ERROR", "the flow has no task nobody"},
		"no fixture for value": {"  - id: x\n    fixtures:\n      inputs: {name: Ada}\n      tasks: [{id: fetch, outputs: {body: {stock: 5}}}, {id: send, value: a}]\n", "FAILED", "ended in FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			report := runner().Run(t.Context(), suite(t, c.cases))
			one := report.Results[0]
			told := ""
			for _, p := range one.Errors {
				told += p.Message + "\n"
			}
			for _, o := range one.Outcomes {
				told += o.ErrorMessage + "\n"
			}
			if report.State != c.state || one.State != c.state || !strings.Contains(told, c.message) {
				t.Errorf("%s %s: %s, want %s: %s", report.State, one.State, told, c.state, c.message)
			}
		})
	}
}

func TestStatesOfFixtures(t *testing.T) {
	s := suite(t, `
  - id: warning
    expectedState: WARNING
    fixtures:
      inputs: {name: Ada}
      tasks:
        - {id: fetch, outputs: {body: {stock: 5}}}
        - {id: send, value: a, state: WARNING, outputs: {code: 300}}
        - {id: send, outputs: {code: 200}}
        - {id: child, state: SKIPPED}
      trigger: {id: hook, type: io.kestra.plugin.core.trigger.Webhook, variables: {body: {a: 1}}}
    assertions:
      - {value: "{{ outputs.send.a.code }} {{ outputs.send.b.code }}", equalTo: 300 200}
      - {value: "{{ trigger.body.a }}", equalTo: 1}
`)
	report := runner().Run(t.Context(), s)
	if report.State != "SUCCESS" {
		t.Errorf("%+v", report.Results)
	}
}

func TestParse(t *testing.T) {
	for src, want := range map[string]string{
		"id: [":                            "line 1",
		"id: x\n":                          "namespace and flowId",
		"id: x\nnamespace: a\nflowId: b\n": "testCases: there is none",
		"id: x\nnamespace: a\nflowId: b\ntestCase: []\n":                                                       `unknown field "testCase"`,
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{}]\n":                                                    "testCases[0]: an id",
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c}, {id: c}]\n":                                      "testCases[1]: an id",
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c, expectedState: DONE}]\n":                          "c: expectedState",
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c, assertions: [{value: 1}]}]\n":                     "assertions[0]: nothing is asserted",
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c, fixtures: {tasks: [{}]}}]\n":                      "fixtures.tasks[0]: an id",
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c, assertions: [{equals: 1}]}]\n":                    `unknown field "equals"`,
		"id: x\nnamespace: a\nflowId: b\ntestCases: [{id: c, fixtures: {tasks: [{id: t, state: RUNNING}]}}]\n": "none of SUCCESS",
	} {
		if _, err := flowtest.Parse([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
	if !flowtest.IsSuite([]byte("id: x\ntestCases: []")) || flowtest.IsSuite([]byte("id: x\ntasks: []")) || flowtest.IsSuite([]byte("[")) {
		t.Error("suites are not told from flows")
	}
}
