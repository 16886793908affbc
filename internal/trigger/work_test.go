package trigger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// job is the only job that is out.
func (r *rig) job() string {
	r.t.Helper()
	if len(r.jobs) != 1 {
		r.t.Fatalf("%d jobs are out", len(r.jobs))
	}
	for id := range r.jobs {
		return id
	}
	return ""
}

func (r *rig) report(kind model.EventKind, job string, state model.State, outputs, problem string) Decision {
	r.t.Helper()
	return r.send(model.Event{Kind: kind, Job: &model.JobReport{ID: job, WorkerID: "w", State: state, Outputs: []byte(outputs), Error: problem}})
}

func TestPolling(t *testing.T) {
	r := newRig(t, model.TriggerPolling, `{"interval": "PT5M"}`)
	first := r.job() // at once
	if r.timer != nil || r.state.EvaluateSince == nil {
		t.Errorf("timer %v, evaluated since %v", r.timer, r.state.EvaluateSince)
	}
	r.report(model.EventJobStarted, first, 0, "", "")
	if r.state.WorkerID != "w" {
		t.Errorf("the worker is %q", r.state.WorkerID)
	}
	r.now = r.now.Add(time.Minute)
	r.report(model.EventJobEnded, first, model.Success, "", "") // nothing found
	if len(r.launched) != 0 || len(r.jobs) != 0 || !r.timer.Equal(r.now.Add(5*time.Minute)) {
		t.Fatalf("launched %v, jobs %v, timer %v", r.launched, r.jobs, r.timer)
	}
	r.now = *r.timer
	r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
	second := r.job()
	r.report(model.EventJobEnded, second, model.Success, `{"found": 3}`, "")
	if len(r.launched) != 1 || r.state.ExecutionID == "" || r.timer != nil {
		t.Fatalf("launched %v, waits for %q, timer %v", r.launched, r.state.ExecutionID, r.timer)
	}
	r.now = r.now.Add(time.Hour) // the execution takes long: then it is looked again at once
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}})
	if third := r.job(); third == second || third == first {
		t.Error("a job's id came twice")
	}
}

func TestPollingFails(t *testing.T) {
	for _, fail := range []bool{false, true} {
		r := newRig(t, model.TriggerPolling, fmt.Sprintf(`{"failOnTriggerError": %v}`, fail))
		r.report(model.EventJobEnded, r.job(), model.Failed, "", "no route to host")
		if want := map[bool]int{true: 1}[fail]; len(r.launched) != want {
			t.Errorf("failOnTriggerError %v: launched %q", fail, r.launched)
		}
		if fail && !strings.HasSuffix(r.launched[0], "FAILS: no route to host") {
			t.Error(r.launched[0])
		}
		if r.state.Problem != "no route to host" || len(r.last.Logs) == 0 {
			t.Errorf("problem %q, logs %v", r.state.Problem, r.last.Logs)
		}
	}
}

// TestPollingLost: an evaluation whose worker has died is handed out again; what the dead one tells later counts nothing.
func TestPollingLost(t *testing.T) {
	r := newRig(t, model.TriggerPolling, `{}`)
	lost := r.job()
	r.report(model.EventJobLost, lost, 0, "", "")
	next := r.job()
	if next == lost {
		t.Fatal("the same job again")
	}
	if d := r.report(model.EventJobEnded, lost, model.Success, `{"x": 1}`, ""); d.Ignored == "" || len(r.launched) != 0 {
		t.Errorf("the lost job's report started %v", r.launched)
	}
	if r.job() != next {
		t.Error("the job that runs is forgotten")
	}
}

// TestPollingStopped: a disabled trigger is not evaluated, and what is under way is stopped.
func TestPollingStopped(t *testing.T) {
	r := newRig(t, model.TriggerPolling, `{}`)
	job := r.job()
	d := r.send(model.Event{Kind: model.EventSetDisabled, Manage: &model.Manage{Disabled: true}})
	if len(d.Cancel) != 1 || d.Cancel[0] != job {
		t.Errorf("cancels %v", d.Cancel)
	}
	r.report(model.EventJobEnded, job, model.Killed, "", "")
	if len(r.jobs) != 0 || r.timer != nil {
		t.Errorf("jobs %v, timer %v", r.jobs, r.timer)
	}
}

// TestRealtime: a listener that ends is started again, later with each failure in a row; the first of them is seen as a
// failed execution.
func TestRealtime(t *testing.T) {
	r := newRig(t, model.TriggerRealtime, `{}`)
	var waits []time.Duration
	for range 8 {
		r.report(model.EventJobEnded, r.job(), model.Failed, "", "broken pipe")
		waits = append(waits, r.timer.Sub(r.now))
		r.now = *r.timer
		r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
	}
	if len(r.launched) != 1 {
		t.Errorf("launched %q", r.launched)
	}
	for i := 1; i < len(waits); i++ {
		if waits[i] < waits[i-1] || waits[i] > time.Minute {
			t.Errorf("waits %v", waits)
			break
		}
	}
	old := r.job()
	r.declare(model.TriggerRealtime, `{"topic": "other"}`)
	d := r.send(model.Event{Kind: model.EventSync})
	if len(d.Cancel) != 1 || d.Cancel[0] != old || len(d.Jobs) != 1 {
		t.Errorf("a changed trigger: cancels %v, hands out %d", d.Cancel, len(d.Jobs))
	}
}

// upstream is an execution of a flow that has come to a state.
func upstream(flow string, s model.State, labels ...model.Label) model.Event {
	e := &model.Execution{
		Tenant: "main", ID: "up-" + flow, Namespace: "company.team", FlowID: flow, FlowRevision: 1, Labels: labels,
		State: model.NewHistory(model.Created, at("2026-03-02T11:00:00Z")).With(s, at("2026-03-02T11:00:01Z")), Outputs: []byte(`{"from_` + flow + `": 1}`),
	}
	return model.Event{Kind: model.EventUpstream, Upstream: &model.Upstream{Execution: e, Retried: []model.State{model.Failed, model.Success}}}
}

func TestFlowConditions(t *testing.T) {
	team := model.Label{Key: "team", Value: "a"}
	for _, c := range []struct {
		name       string
		properties string
		conditions []*model.Condition
		ev         model.Event
		want       bool
	}{
		{"any end", ``, nil, upstream("x", model.Failed), true},
		{"pause", ``, nil, upstream("x", model.Paused), true},
		{"no end", ``, nil, upstream("x", model.Running), false},
		{"states", `{"states": ["RUNNING"]}`, nil, upstream("x", model.Running), true},
		{"other state", `{"states": ["RUNNING"]}`, nil, upstream("x", model.Success), false},
		{"itself", ``, nil, upstream("flow", model.Success), false},
		{"flow", ``, []*model.Condition{condition("ExecutionFlow", `{"namespace": "company.team", "flowId": "x"}`)}, upstream("x", model.Success), true},
		{"other flow", ``, []*model.Condition{condition("ExecutionFlow", `{"namespace": "company.team", "flowId": "x"}`)}, upstream("y", model.Success), false},
		{"namespace", ``, []*model.Condition{condition("ExecutionNamespace", `{"namespace": "company", "prefix": true}`)}, upstream("x", model.Success), true},
		{"namespace equal", ``, []*model.Condition{condition("ExecutionNamespace", `{"namespace": "company"}`)}, upstream("x", model.Success), false},
		{"suffix", ``, []*model.Condition{condition("ExecutionNamespace", `{"namespace": "team", "comparison": "SUFFIX"}`)}, upstream("x", model.Success), true},
		{"labels", ``, []*model.Condition{condition("ExecutionLabels", `{"labels": {"team": "a"}}`)}, upstream("x", model.Success, team), true},
		{"no labels", ``, []*model.Condition{condition("ExecutionLabels", `{"labels": [{"key": "team", "value": "b"}]}`)}, upstream("x", model.Success, team), false},
		{"status", ``, []*model.Condition{condition("ExecutionStatus", `{"in": ["SUCCESS", "WARNING"]}`)}, upstream("x", model.Warning), true},
		{"not in", ``, []*model.Condition{condition("ExecutionStatus", `{"notIn": ["SUCCESS"]}`)}, upstream("x", model.Success), false},
		{"outputs", ``, []*model.Condition{condition("ExecutionOutputs", `{"expression": "{{ trigger.outputs.from_x == 1 }}"}`)}, upstream("x", model.Success), true},
		{"retried", ``, []*model.Condition{condition("HasRetryAttempt", `{"in": ["FAILED"]}`)}, upstream("x", model.Success), true},
		{"not retried so", ``, []*model.Condition{condition("HasRetryAttempt", `{"in": ["KILLED"]}`)}, upstream("x", model.Success), false},
		{"own flow", ``, []*model.Condition{condition("FlowCondition", `{"namespace": "company.team", "flowId": "flow"}`)}, upstream("x", model.Success), true},
		{"own namespace", ``, []*model.Condition{condition("FlowNamespaceCondition", `{"namespace": "company", "prefix": true}`)}, upstream("x", model.Success), true},
		{"expression", ``, []*model.Condition{condition("Expression", `{"expression": "{{ trigger.state == 'SUCCESS' }}"}`)}, upstream("x", model.Success), true},
		{"zero holds", ``, []*model.Condition{condition("Expression", `{"expression": "{{ 0 }}"}`)}, upstream("x", model.Success), true}, // as in the reference
		{"an error does not hold", ``, []*model.Condition{condition("Expression", `{"expression": "{{ trigger.no.thing }}"}`)}, upstream("x", model.Success), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, model.TriggerFlow, c.properties, c.conditions...)
			r.send(c.ev)
			if got := len(r.launched) == 1; got != c.want {
				t.Errorf("started: %v, %s", got, r.state.Problem)
			}
		})
	}
}

const both = `"flows": [{"namespace": "company.team", "flowId": "a", "states": ["SUCCESS"]}, {"namespace": "company.team", "flowId": "b"}]`

func TestPreconditions(t *testing.T) {
	type step struct {
		at   string
		flow string
		s    model.State
		want int // executions started so far
	}
	for _, c := range []struct {
		name, properties string
		steps            []step
	}{
		{"a day", `{"preconditions": {"id": "p", ` + both + `}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 0},
			{"2026-03-02T11:00:00Z", "a", model.Success, 0},
			{"2026-03-02T23:59:00Z", "b", model.Failed, 1},
			{"2026-03-02T23:59:10Z", "b", model.Success, 1}, // everything anew
			{"2026-03-03T00:00:10Z", "a", model.Success, 1}, // another day
			{"2026-03-03T00:00:20Z", "b", model.Success, 2},
		}},
		{"not in that state", `{"preconditions": {"id": "p", ` + both + `}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Failed, 0},
			{"2026-03-02T11:00:00Z", "b", model.Success, 0},
		}},
		{"kept", `{"preconditions": {"id": "p", "resetOnSuccess": false, ` + both + `}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 0},
			{"2026-03-02T11:00:00Z", "b", model.Success, 1},
			{"2026-03-02T12:00:00Z", "a", model.Success, 2},
			{"2026-03-02T13:00:00Z", "c", model.Success, 2}, // none of them
			{"2026-03-03T13:00:00Z", "a", model.Success, 2},
		}},
		{"deadline", `{"preconditions": {"id": "p", "timeWindow": {"type": "DAILY_TIME_DEADLINE", "deadline": "09:00:00"}, ` + both + `}}`, []step{
			{"2026-03-02T08:00:00Z", "a", model.Success, 0},
			{"2026-03-02T09:00:00Z", "b", model.Success, 0}, // too late
			{"2026-03-03T08:00:00Z", "b", model.Success, 0},
			{"2026-03-03T08:59:59Z", "a", model.Success, 1},
		}},
		{"between", `{"preconditions": {"id": "p", "timeWindow": {"type": "DAILY_TIME_WINDOW", "startTime": "06:00:00", "endTime": "09:00:00"}, ` + both + `}}`, []step{
			{"2026-03-02T05:59:00Z", "a", model.Success, 0}, // too early
			{"2026-03-02T06:00:00Z", "b", model.Success, 0},
			{"2026-03-02T07:00:00Z", "a", model.Success, 1},
		}},
		{"duration", `{"preconditions": {"id": "p", "timeWindow": {"type": "DURATION_WINDOW", "window": "PT6H"}, ` + both + `}}`, []step{
			{"2026-03-02T05:00:00Z", "a", model.Success, 0},
			{"2026-03-02T07:00:00Z", "b", model.Success, 0}, // the window from six
			{"2026-03-02T11:00:00Z", "a", model.Success, 1},
		}},
		{"advance", `{"preconditions": {"id": "p", "timeWindow": {"window": "PT6H", "windowAdvance": "PT2H"}, ` + both + `}}`, []step{
			{"2026-03-02T07:00:00Z", "a", model.Success, 0}, // 02:00 to 08:00
			{"2026-03-02T08:00:00Z", "b", model.Success, 0},
			{"2026-03-02T13:00:00Z", "a", model.Success, 1},
		}},
		{"a day and a half", `{"preconditions": {"id": "p", "timeWindow": {"window": "PT36H"}, ` + both + `}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 0}, // from the 2nd at 00:00, which is 13,676 windows after 1970
			{"2026-03-03T11:59:00Z", "b", model.Success, 1},
			{"2026-03-03T11:59:30Z", "a", model.Success, 1},
			{"2026-03-03T12:00:00Z", "b", model.Success, 1}, // the next one
			{"2026-03-04T23:59:00Z", "a", model.Success, 2},
		}},
		{"over midnight", `{"preconditions": {"id": "p", "timeWindow": {"type": "DAILY_TIME_WINDOW", "startTime": "22:00:00", "endTime": "02:00:00"}, ` + both + `}}`, []step{
			{"2026-03-02T21:59:00Z", "a", model.Success, 0}, // too early
			{"2026-03-02T22:00:00Z", "b", model.Success, 0},
			{"2026-03-03T01:59:00Z", "a", model.Success, 1},
			{"2026-03-03T01:59:30Z", "b", model.Success, 1},
			{"2026-03-03T12:00:00Z", "a", model.Success, 1}, // outside
			{"2026-03-03T23:00:00Z", "a", model.Success, 1}, // the next night
			{"2026-03-04T00:30:00Z", "b", model.Success, 2},
		}},
		{"until midnight", `{"preconditions": {"id": "p", "timeWindow": {"type": "DAILY_TIME_DEADLINE", "deadline": "00:00:00"}, ` + both + `}}`, []step{
			{"2026-03-02T00:00:00Z", "a", model.Success, 0},
			{"2026-03-02T23:59:00Z", "b", model.Success, 1},
		}},
		{"sliding", `{"preconditions": {"id": "p", "timeWindow": {"type": "SLIDING_WINDOW", "window": "PT1H"}, ` + both + `}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 0},
			{"2026-03-02T11:00:01Z", "b", model.Success, 0}, // more than an hour later
			{"2026-03-02T11:30:00Z", "a", model.Success, 1},
		}},
		{"where", `{"preconditions": {"id": "p", "where": [
			{"id": "x", "operand": "OR", "filters": [{"field": "FLOW_ID", "type": "IN", "values": ["a", "c"]}, {"field": "STATE", "type": "EQUAL_TO", "value": "KILLED"}]},
			{"id": "y", "filters": [{"field": "FLOW_ID", "type": "REGEX", "value": "b|k"}, {"field": "NAMESPACE", "type": "STARTS_WITH", "value": "company"}]}]}}`, []step{
			{"2026-03-02T10:00:00Z", "c", model.Success, 0},
			{"2026-03-02T10:01:00Z", "bb", model.Success, 0},
			{"2026-03-02T10:02:00Z", "b", model.Success, 1},
			{"2026-03-02T10:03:00Z", "k", model.Killed, 2}, // both at once
		}},
		{"2.0", `{"dependsOn": [{"namespace": "company.team", "flowId": "a"}, {"flowId": "b", "when": "{{ trigger.state == 'SUCCESS' }}"}], "window": {"lookback": "PT1H"}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 0},
			{"2026-03-02T10:10:00Z", "b", model.Failed, 0},
			{"2026-03-02T10:20:00Z", "b", model.Success, 1},
		}},
		{"2.0, any", `{"dependsOn": [{"flowId": "a"}, {"flowId": "b"}], "mode": "ANY", "window": {"deadline": "12:00:00"}}`, []step{
			{"2026-03-02T10:00:00Z", "a", model.Success, 1},
			{"2026-03-02T10:10:00Z", "c", model.Success, 1},
			{"2026-03-02T13:00:00Z", "b", model.Success, 1},
		}},
		{"2.0, two of three", `{"dependsOn": [{"flowId": "a"}, {"flowId": "b"}, {"flowId": "c"}], "mode": "AT_LEAST", "minSatisfied": 2, "window": {"every": "PT12H"}}`, []step{
			{"2026-03-02T10:00:00Z", "c", model.Success, 0},
			{"2026-03-02T10:10:00Z", "a", model.Success, 1},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, model.TriggerFlow, c.properties)
			for _, s := range c.steps {
				r.now = at(s.at)
				r.send(upstream(s.flow, s.s))
				if len(r.launched) != s.want {
					t.Fatalf("at %s: %d executions, want %d; %s", s.at, len(r.launched), s.want, r.state.Problem)
				}
			}
		})
	}
}

func TestMultipleCondition(t *testing.T) {
	c := condition("MultipleCondition", `{"id": "m", "window": "P1D", "windowAdvance": "PT0S"}`,
		condition("ExecutionFlow", `{"namespace": "company.team", "flowId": "a"}`), condition("ExecutionFlow", `{"namespace": "company.team", "flowId": "b"}`))
	c.Names = []string{"one", "two"}
	r := newRig(t, model.TriggerFlow, ``, condition("ExecutionStatus", `{"in": ["SUCCESS"]}`), c)
	for i, up := range []model.Event{upstream("a", model.Success), upstream("b", model.Failed), upstream("b", model.Success)} {
		r.send(up)
		if want := i / 2; len(r.launched) != want {
			t.Fatalf("after %d: %d executions", i, len(r.launched))
		}
	}
}

func TestInterests(t *testing.T) {
	multi := condition("MultipleCondition", `{"id": "m"}`, condition("ExecutionFlow", `{"namespace": "n", "flowId": "a"}`), condition("ExecutionNamespace", `{"namespace": "m"}`))
	for _, c := range []struct {
		properties string
		conditions []*model.Condition
		want       string
	}{
		{``, nil, "[{ }]"},
		{``, []*model.Condition{condition("ExecutionFlow", `{"namespace": "n", "flowId": "a"}`)}, "[{n a}]"},
		{``, []*model.Condition{condition("ExecutionStatus", `{"in": ["SUCCESS"]}`), condition("ExecutionNamespace", `{"namespace": "n"}`)}, "[{n }]"},
		{``, []*model.Condition{condition("ExecutionNamespace", `{"namespace": "n", "prefix": true}`)}, "[{ }]"},
		{``, []*model.Condition{condition("ExecutionFlow", `{"namespace": "{{ envs.n }}", "flowId": "a"}`)}, "[{ }]"},
		{``, []*model.Condition{multi}, "[{n a} {m }]"},
		{``, []*model.Condition{condition("Or", "", condition("ExecutionFlow", `{"namespace": "n", "flowId": "a"}`), condition("Expression", `{"expression": "x"}`))}, "[{ }]"},
		{`{"preconditions": {"id": "p", ` + both + `}}`, nil, "[{company.team a} {company.team b}]"},
		{`{"preconditions": {"id": "p", "where": [{"id": "x", "filters": []}], ` + both + `}}`, nil, "[{ }]"},
	} {
		got := fmt.Sprint(Interests(&model.Trigger{Props: object(c.properties), Conditions: c.conditions}))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.properties, got, c.want)
		}
	}
}
