package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Triggers as flows for 2.0 write them: `when` in place of conditions, `dependsOn` with `window` in place of preconditions.
// Their outcomes are those that its documentation tells.

func (s triggered) saveText(src string) {
	s.t.Helper()
	if code, body := s.call("POST", "/flows", "application/x-yaml", src); code != http.StatusOK {
		s.t.Fatalf("%s\n%s", body, src)
	}
}

// upstream20 is a flow with an output and an input that makes it fail.
func upstream20(namespace, id string) string {
	return fmt.Sprintf(`id: %s
namespace: %s
inputs: [{id: fail, type: BOOL, defaults: false}]
tasks:
  - {id: may_fail, type: io.kestra.plugin.core.execution.Fail, condition: "{{ inputs.fail }}"}
outputs:
  - {id: from_%[1]s, type: STRING, value: "made by %[1]s"}
`, id, namespace)
}

// listener20 is a flow that says what it was started for.
func listener20(namespace, id, trigger string) string {
	return fmt.Sprintf(`id: %s
namespace: %s
inputs: [{id: got, type: STRING, defaults: nothing}]
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.got }} after {{ trigger.flowId }} {{ trigger.state }}"}
triggers:
  - id: up
    type: io.kestra.plugin.core.trigger.Flow
%s`, id, namespace, indent(trigger, "    "))
}

func indent(text, by string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	return by + strings.Join(lines, "\n"+by) + "\n"
}

func TestTriggers20(t *testing.T) {
	setEnv(t)
	for _, backend := range []string{"memory", "sqlite"} {
		t.Run(backend, func(t *testing.T) {
			s := triggered{t, start(t, backend)}
			t.Run("dependsOn", func(t *testing.T) { dependencies20(triggered{t, s.url}) })
			t.Run("webhook", func(t *testing.T) { webhook20(triggered{t, s.url}) })
			t.Run("schedule", func(t *testing.T) { schedule20(triggered{t, s.url}) })
		})
	}
}

// dependencies20 runs flows and looks at what starts after each of them.
func dependencies20(s triggered) {
	const namespace = "dialect.depends"
	listeners := map[string]struct {
		trigger string
		want    []string // what its executions say, in their order
	}{
		// b has to succeed, and in this order a fails first: what is met stays met within the window.
		"all": {`
dependsOn:
  - {namespace: dialect.depends, flowId: a, states: [SUCCESS]}
  - {namespace: dialect.depends, flowId: b, states: [SUCCESS]}
window: {lookback: PT1H}
inputs: {got: "{{ trigger.outputs.from_a }} and {{ trigger.outputs.from_b }}"}`,
			[]string{"made by a and made by b after b SUCCESS"}},
		"any": {`
dependsOn: [{namespace: dialect.depends, flowId: b}, {namespace: dialect.depends, flowId: c}]
mode: ANY
window: {from: "00:00:00", to: "23:59:59.999"}`,
			[]string{"nothing after b FAILED", "nothing after b SUCCESS", "nothing after c SUCCESS"}},
		"at-least": {`
dependsOn: [{namespace: dialect.depends, flowId: a}, {namespace: dialect.depends, flowId: b, states: [SUCCESS]}, {namespace: dialect.depends, flowId: c}]
mode: AT_LEAST
minSatisfied: 2
window: {every: P1D}`,
			[]string{"nothing after b SUCCESS"}}, // a and b, then c alone
		"of-a-namespace": {`
dependsOn: [{namespace: dialect.depends, labels: {kind: special}}]`,
			[]string{"nothing after c SUCCESS"}},
		"dependency-when": {`
dependsOn: [{namespace: dialect.depends, flowId: b, when: "{{ trigger.state == 'FAILED' }}"}]`,
			[]string{"nothing after b FAILED"}},
		"trigger-when": {`
dependsOn: [{namespace: dialect.depends, flowId: b}]
when: "{{ trigger.outputs.from_b ?? '' == 'made by b' and trigger.state == 'SUCCESS' }}"`,
			[]string{"nothing after b SUCCESS"}},
		"states": {`
states: [FAILED]
dependsOn: [{namespace: dialect.depends, flowId: a}, {namespace: dialect.depends, flowId: b}]
mode: ANY`,
			[]string{"nothing after b FAILED"}},
		"too-late": {`
dependsOn: [{namespace: dialect.depends, flowId: a}]
window: {deadline: "00:00:01"}`, nil},
		"without-dependencies": {`
when: "{{ trigger.namespace == 'dialect.depends' and trigger.flowId == 'c' }}"`,
			[]string{"nothing after c SUCCESS"}},
	}
	for _, id := range []string{"a", "b"} {
		s.saveText(upstream20(namespace, id))
	}
	s.saveText(upstream20(namespace, "c") + "labels: {kind: special}\n")
	for id, l := range listeners {
		s.saveText(listener20("dialect.listens", id, l.trigger))
	}
	run := func(id, query string) {
		code, body := s.call("POST", "/executions/"+namespace+"/"+id+"?wait=true"+query, "multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"fail\"\r\n\r\n"+fmt.Sprint(query != "")+"\r\n--x--\r\n")
		s.parse(code, body)
	}
	looked := map[string]string{}
	after := func() { // each of them has looked at it; flows that are told of nothing need not be waited for
		for _, id := range []string{"all", "any", "at-least"} {
			looked[id] = s.looked("dialect.listens", id, looked[id])
		}
	}
	run("a", "")
	looked["all"] = s.looked("dialect.listens", "all", "")
	looked["at-least"] = s.looked("dialect.listens", "at-least", "")
	run("b", "&labels=why:fails")
	after()
	run("b", "")
	after()
	run("c", "")
	looked["any"] = s.looked("dialect.listens", "any", looked["any"])
	s.looked("dialect.listens", "at-least", looked["at-least"])
	for id, l := range listeners {
		var got []string
		for _, e := range s.ended(id, len(l.want)) {
			if len(e.TaskRunList) == 0 {
				s.t.Fatalf("%s: %+v", id, e)
			}
			got = append(got, fmt.Sprint(e.TaskRunList[0].Outputs["value"]))
		}
		if !slices.Equal(got, l.want) {
			s.t.Errorf("%s: %q, want %q", id, got, l.want)
		}
	}
}

// webhook20: `when` decides about a call, with the request; the other spellings of a condition are there besides.
func webhook20(s triggered) {
	s.saveText(`id: hook20
namespace: dialect.hooks
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.body.name }}"}
triggers:
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: key20, when: "{{ trigger.body.name == 'right' and trigger.parameters.v[0] == '2' }}"}
`)
	const path = "/executions/webhook/dialect.hooks/hook20/key20"
	s.parse(s.call("POST", path+"?v=2", "application/json", `{"name": "right"}`))
	for _, wrong := range []string{"?v=2 wrong", "?v=1 right"} {
		query, name, _ := strings.Cut(wrong, " ")
		if code, body := s.call("POST", path+query, "application/json", `{"name": "`+name+`"}`); code != http.StatusNoContent {
			s.t.Errorf("%s: status %d: %s", wrong, code, body)
		}
	}
	if code, _ := s.call("POST", path, "application/json", `{"name": "right"}`); code != http.StatusUnprocessableEntity {
		s.t.Errorf("`when` cannot be evaluated: status %d", code)
	}
	s.ended("hook20", 1)
}

// schedule20: the next date is one for which `when` holds, and only such dates run.
func schedule20(s triggered) {
	s.saveText(`id: sundays
namespace: dialect.dates
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}
triggers:
  - {id: sunday, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: "0 9 * * *", when: "{{ trigger.date | date('EEEE') == 'Sunday' }}"}
`)
	s.saveText(`id: evens
namespace: dialect.dates
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}
triggers:
  - {id: even, type: io.kestra.plugin.core.trigger.Schedule, withSeconds: true, cron: "* * * * * *", when: "{{ (trigger.date | date('s') | number) % 2 == 0 }}"}
`)
	for {
		_, body := s.call("GET", "/triggers/dialect.dates/sundays", "", "")
		var page struct {
			Results []struct{ NextExecutionDate *time.Time }
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Results) != 1 {
			s.t.Fatal(err, body)
		}
		if next := page.Results[0].NextExecutionDate; next != nil {
			if next.Weekday() != time.Sunday || next.Hour() != 9 {
				s.t.Errorf("the next date is %v", next)
			}
			break
		}
	}
	for { // until two dates have run
		_, body := s.call("GET", "/executions/search?filters[flowId][EQUALS]=evens", "", "")
		var page struct{ Results []ran }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(err)
		}
		for _, e := range page.Results {
			date, err := time.Parse(time.RFC3339, fmt.Sprint(e.Trigger.Variables["date"]))
			if err != nil || date.Second()%2 != 0 {
				s.t.Fatalf("it ran for %v", e.Trigger.Variables["date"])
			}
		}
		if len(page.Results) >= 2 {
			return
		}
	}
}
