package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The flows with triggers have no recorded outcome: these are the outcomes that the reference documents, written down.

// triggered is a server with some of the flows.
type triggered struct {
	t   *testing.T
	url string
}

func (s triggered) save(names ...string) {
	s.t.Helper()
	for _, name := range names {
		src, err := os.ReadFile(filepath.Join(sharedDir(s.t), "conformance", "flows", name+".yaml"))
		if err != nil {
			s.t.Fatal(err)
		}
		if code, body := s.call("POST", "/flows", "application/x-yaml", string(src)); code != http.StatusOK {
			s.t.Fatalf("%s: %s", name, body)
		}
	}
}

func (s triggered) call(method, path, contentType, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// ran is an execution, as far as these tests look at it.
type ran struct {
	ID          string
	State       struct{ Current string }
	Outputs     map[string]any
	Labels      []struct{ Key, Value string }
	TaskRunList []struct{ Outputs map[string]any }
	Trigger     struct {
		ID        string
		Variables map[string]any
	}
}

// run runs a flow to its end.
func (s triggered) run(namespace, flow string) ran {
	s.t.Helper()
	code, body := s.call("POST", "/executions/"+namespace+"/"+flow+"?wait=true", "", "")
	return s.parse(code, body)
}

func (s triggered) parse(code int, body string) (e ran) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(body), &e); err != nil || code != http.StatusOK {
		s.t.Fatalf("status %d: %s", code, body)
	}
	return e
}

// ended waits until so many executions of a flow have ended, and returns them, the first one first.
func (s triggered) ended(flow string, n int) []ran {
	s.t.Helper()
	for {
		_, body := s.call("GET", "/executions/search?size=100&sort=state.startDate:asc&filters[flowId][EQUALS]="+flow, "", "")
		var page struct{ Results []ran }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(err)
		}
		open := slices.ContainsFunc(page.Results, func(e ran) bool { return e.State.Current == "RUNNING" || e.State.Current == "CREATED" })
		if len(page.Results) >= n && !open {
			if len(page.Results) > n {
				s.t.Errorf("%s: %d executions, want %d", flow, len(page.Results), n)
			}
			return page.Results
		}
	}
}

// looked waits until a trigger has looked at what it was told since a date, and returns that of its last look.
func (s triggered) looked(namespace, flow, since string) string {
	s.t.Helper()
	for {
		_, body := s.call("GET", "/triggers/"+namespace+"/"+flow, "", "")
		var page struct{ Results []struct{ Date string } }
		if err := json.Unmarshal([]byte(body), &page); err != nil || len(page.Results) == 0 {
			s.t.Fatal(err, body)
		}
		if date := page.Results[0].Date; date > since {
			return date
		}
	}
}

func TestTriggerFlows(t *testing.T) {
	setEnv(t)
	for _, backend := range []string{"memory", "sqlite"} {
		t.Run(backend, func(t *testing.T) {
			s := triggered{t, start(t, backend)}
			t.Run("flow", func(t *testing.T) { flowTriggers(triggered{t, s.url}) })
			t.Run("pause", func(t *testing.T) { pauseTrigger(triggered{t, s.url}) })
			t.Run("multiple", func(t *testing.T) { multipleConditions(triggered{t, s.url}) })
			t.Run("preconditions", func(t *testing.T) { preconditions(triggered{t, s.url}) })
			t.Run("webhook", func(t *testing.T) { webhooks(triggered{t, s.url}) })
			t.Run("schedule", func(t *testing.T) { schedules(triggered{t, s.url}) })
		})
	}
}

// flowTriggers: each flow that listens to a flow runs after it, with its outputs; inputs that cannot be rendered make an
// execution that fails (the reference writes a line to its log).
func flowTriggers(s triggered) {
	const namespace = "io.kestra.tests.trigger"
	s.save("trigger-flow-listener", "trigger-flow-listener-no-inputs", "trigger-flow-listener-invalid", "trigger-flow")
	up := s.run(namespace, "trigger-flow")
	e := s.ended("trigger-flow-listener", 1)[0]
	if got := e.TaskRunList[0].Outputs["value"]; e.State.Current != "SUCCESS" || got != "childs: from parents: "+up.ID {
		s.t.Errorf("%s: %v", e.State.Current, got)
	}
	for key, want := range map[string]any{"executionId": up.ID, "namespace": namespace, "flowId": "trigger-flow", "flowRevision": 1.0, "state": "SUCCESS"} {
		if e.Trigger.Variables[key] != want {
			s.t.Errorf("trigger.%s is %v, want %v", key, e.Trigger.Variables[key], want)
		}
	}
	correlation := ""
	for _, l := range e.Labels {
		if l.Key == "system.correlationId" {
			correlation = l.Value
		}
	}
	if correlation != up.ID {
		s.t.Errorf("the correlation is %q, want %q", correlation, up.ID)
	}
	e = s.ended("trigger-flow-listener-no-inputs", 1)[0]
	if got := e.TaskRunList[0].Outputs["value"]; got != "v1: "+up.ID || e.Trigger.ID != "listen-flow" {
		s.t.Errorf("%v by %s", got, e.Trigger.ID)
	}
	if e = s.ended("trigger-flow-listener-invalid", 1)[0]; e.State.Current != "FAILED" {
		s.t.Errorf("with inputs that cannot be rendered it is %s", e.State.Current)
	}
}

// pauseTrigger: a flow that listens to RUNNING and PAUSED hears of each time that the other comes to these states.
func pauseTrigger(s triggered) {
	s.save("trigger-flow-listener-with-pause", "trigger-flow-with-pause")
	s.run("io.kestra.tests.trigger.pause", "trigger-flow-with-pause")
	var states []string
	for _, e := range s.ended("trigger-flow-listener-with-pause", 4) {
		states = append(states, fmt.Sprint(e.Outputs["status"]))
	}
	slices.Sort(states)
	if got := strings.Join(states, " "); got != "PAUSED RUNNING RUNNING SUCCESS" {
		s.t.Errorf("it heard of %s", got)
	}
}

func multipleConditions(s triggered) {
	const namespace = "io.kestra.tests.trigger"
	s.save("trigger-multiplecondition-listener", "trigger-multiplecondition-failed", "trigger-multiplecondition-flow-a",
		"trigger-multiplecondition-flow-b", "trigger-multiplecondition-flow-c", "trigger-multiplecondition-flow-d")
	s.run(namespace, "trigger-multiplecondition-flow-a")
	first := s.looked(namespace, "trigger-multiplecondition-listener", "")
	if n := len(s.ended("trigger-multiplecondition-listener", 0)); n != 0 {
		s.t.Errorf("%d executions after one of the two flows", n)
	}
	s.run(namespace, "trigger-multiplecondition-flow-b")
	s.looked(namespace, "trigger-multiplecondition-listener", first)
	if e := s.ended("trigger-multiplecondition-listener", 1)[0]; e.State.Current != "SUCCESS" {
		s.t.Errorf("it is %s", e.State.Current)
	}
	// c fails, and only what succeeds counts.
	s.run(namespace, "trigger-multiplecondition-flow-d")
	before := s.looked(namespace, "trigger-multiplecondition-failed", first)
	s.run(namespace, "trigger-multiplecondition-flow-c")
	s.looked(namespace, "trigger-multiplecondition-failed", before)
	s.ended("trigger-multiplecondition-failed", 0)
}

func preconditions(s triggered) {
	const namespace = "io.kestra.tests.trigger.preconditions"
	s.save("flow-trigger-preconditions-flow-listen", "flow-trigger-preconditions-flow-a", "flow-trigger-preconditions-flow-b")
	s.run(namespace, "flow-trigger-preconditions-flow-a")
	s.looked(namespace, "flow-trigger-preconditions-flow-listen", "")
	s.ended("flow-trigger-preconditions-flow-listen", 0)
	b := s.run(namespace, "flow-trigger-preconditions-flow-b")
	e := s.ended("flow-trigger-preconditions-flow-listen", 1)[0]
	if e.State.Current != "SUCCESS" || e.Trigger.Variables["executionId"] != b.ID {
		s.t.Errorf("%s, by %v", e.State.Current, e.Trigger.Variables["executionId"])
	}
}

func webhooks(s triggered) {
	s.save("webhook", "webhook-dynamic-key", "webhook-secret-key", "webhook-with-condition")
	const base = "/executions/webhook/io.kestra.tests/"
	e := s.parse(s.call("POST", base+"webhook/a-secret-key?name=john&age=12&age=13", "application/json", `{"a":1,"b":true}`))
	if got := fmt.Sprint(e.Trigger.Variables["body"], e.Trigger.Variables["parameters"]); got != "map[a:1 b:true] map[age:[12 13] name:[john]]" {
		s.t.Error(got)
	}
	e = s.parse(s.call("PUT", base+"webhook/a-secret-key", "application/json", `[{"a":"b"},{"c":"d"}]`))
	if got := fmt.Sprint(e.Trigger.Variables["body"]); got != "[map[a:b] map[c:d]]" {
		s.t.Error(got)
	}
	e = s.parse(s.call("POST", base+"webhook/a-secret-key", "text/plain", "bla"))
	if e.Trigger.Variables["body"] != "bla" {
		s.t.Error(e.Trigger.Variables["body"])
	}
	e = s.parse(s.call("GET", base+"webhook/a-secret-key", "", ""))
	if _, there := e.Trigger.Variables["body"]; there {
		s.t.Error("there is a body")
	}
	s.parse(s.call("POST", base+"webhook-dynamic-key/webhook-dynamic-key", "", ""))
	s.parse(s.call("POST", base+"webhook-secret-key/secretKey", "", ""))
	for path, want := range map[string]int{"webhook/bad": 404, "webhook-secret-key/webhook": 404, "none/a-secret-key": 404} {
		if code, body := s.call("POST", base+path, "", ""); code != want {
			s.t.Errorf("%s: status %d: %s", path, code, body)
		}
	}
	s.parse(s.call("POST", base+"webhook-with-condition/webhookKey", "application/json", `{"hello": "world"}`))
	if code, _ := s.call("POST", base+"webhook-with-condition/webhookKey", "application/json", `{"hello": "webhook"}`); code != http.StatusNoContent {
		s.t.Errorf("a condition that does not hold: status %d", code)
	}
}

// schedules: nothing runs when a flow is saved; its triggers have their next dates, and Toggle switches them.
func schedules(s triggered) {
	s.save("schedule-trigger", "trigger-toggle")
	s.ended("schedule-trigger", 0)
	state := func() string {
		_, body := s.call("GET", "/triggers/io.kestra.tests.trigger/trigger-toggle", "", "")
		var page struct{ Results []struct{ Disabled bool } }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprint(page.Results)
	}
	s.call("PUT", "/triggers", "application/json", `{"namespace": "io.kestra.tests.trigger", "flowId": "trigger-toggle", "triggerId": "schedule", "disabled": true}`)
	if got := state(); got != "[{true}]" {
		s.t.Fatal(got)
	}
	if e := s.run("io.kestra.tests.trigger", "trigger-toggle"); e.State.Current != "SUCCESS" {
		s.t.Fatal(e.State.Current)
	}
	if got := state(); got != "[{false}]" {
		s.t.Error(got)
	}
}
