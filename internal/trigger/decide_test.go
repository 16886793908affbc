package trigger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/holiday"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// rig is a trigger with a clock, a world and what would be remembered of it.
type rig struct {
	t        *testing.T
	trigger  *model.Trigger // nil: the flow has it no more
	disabled bool           // the flow is
	now      time.Time
	state    *model.TriggerState
	timer    *time.Time
	jobs     map[string]bool // that are out
	launched []string        // "date" or "id", of what was started
	killed   []string
	last     Decision
	refuse   error // what preparing an execution says
	broken   error // why the trigger cannot be used as it is declared
	revision int   // of the flow
	n        int
}

var of = model.TriggerEntity("main", "company.team", "flow", "t")

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// newRig declares a trigger of a kind by its properties, as JSON, at noon on a Monday.
func newRig(t *testing.T, kind model.TriggerKind, properties string, conditions ...*model.Condition) *rig {
	r := &rig{t: t, now: at("2026-03-02T12:00:00Z"), jobs: map[string]bool{}}
	r.declare(kind, properties, conditions...)
	r.send(model.Event{Kind: model.EventSync})
	return r
}

func (r *rig) declare(kind model.TriggerKind, properties string, conditions ...*model.Condition) {
	r.revision++
	r.trigger = &model.Trigger{ID: "t", Type: "x.Y", Kind: kind, Props: object(properties), Conditions: conditions}
}

func object(text string) *value.Map {
	if text == "" {
		text = "{}"
	}
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	return v.(*value.Map)
}

func (r *rig) Declared() (*Declared, error) {
	if r.trigger == nil || r.broken != nil {
		return nil, r.broken
	}
	f := &model.Flow{Tenant: "main", Namespace: "company.team", ID: "flow", Revision: r.revision, Disabled: r.disabled}
	return Declare(f, r.trigger, time.UTC, RecoverAll, func(text string) (string, error) { return r.Render(text, nil, nil) })
}

type env struct{ vars *value.Map }

func (e env) Var(name string) (any, bool) { return e.vars, name == "trigger" && e.vars != nil }

func (env) Call(name string, _ expr.Args) (any, error) { return nil, errors.New("no " + name) }

var templates = expr.NewCache(100)

func (r *rig) Render(text string, vars *value.Map, _ *model.Upstream) (string, error) {
	return templates.Render(text, env{vars}, expr.Limits{})
}

func (r *rig) Holiday(date time.Time, country, part string) (bool, error) {
	return holiday.Is(date, country, part)
}

func (r *rig) Launch(l Launch) (model.Event, error) {
	if r.refuse != nil && l.Fail == "" {
		return model.Event{}, r.refuse
	}
	return model.Event{ID: "create", To: model.ExecutionEntity(l.ID), Kind: model.EventCreate, Create: &model.NewExecution{
		Fail: l.Fail, Execution: &model.Execution{ID: l.ID, Trigger: &model.TriggerInfo{Variables: value.AppendJSON(nil, l.Variables, value.JSONOptions{})}},
	}}, nil
}

// send decides about an event and remembers what came of it, as a scheduler does.
func (r *rig) send(ev model.Event) Decision {
	r.t.Helper()
	r.n++
	ev.ID, ev.To, ev.Ask = fmt.Sprint("e", r.n), of, "ask"
	d := Decide(r.state, &ev, r.now, r)
	r.state, r.last = d.State, d
	for range d.Clear {
		r.timer = nil
	}
	for _, t := range d.Set {
		r.timer = &t.Due
	}
	for _, j := range d.Jobs {
		r.jobs[j.ID] = true
	}
	for _, id := range d.Done {
		delete(r.jobs, id)
	}
	for _, e := range d.Events {
		switch e.Kind {
		case model.EventCreate:
			r.launched = append(r.launched, describe(e.Create))
		case model.EventKill:
			r.killed = append(r.killed, e.To.ID)
		}
	}
	return d
}

func describe(n *model.NewExecution) string {
	v, _ := value.ParseJSON(n.Execution.Trigger.Variables)
	m, _ := v.(*value.Map)
	text := n.Execution.ID
	if m != nil && m.Has("date") {
		date, _ := m.Get("date")
		text = value.Print(date)
	}
	if n.Fail != "" {
		text += " FAILS: " + n.Fail
	}
	return text
}

// until lets time pass and the timer fire; each execution that is started takes so long.
func (r *rig) until(end string, takes time.Duration) {
	r.t.Helper()
	limit := at(end)
	var over *time.Time
	running := ""
	for range 100_000 {
		if r.state != nil && r.state.ExecutionID != "" && (over == nil || r.state.ExecutionID != running) {
			t := r.now.Add(takes)
			over, running = &t, r.state.ExecutionID
		}
		next, isEnd := r.timer, false
		if over != nil && (next == nil || over.Before(*next)) {
			next, isEnd = over, true
		}
		if next == nil || next.After(limit) {
			r.now = limit
			return
		}
		if next.After(r.now) {
			r.now = *next
		}
		if isEnd {
			over = nil
			r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}})
			continue
		}
		r.timer = nil
		r.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer, Of: of}})
	}
	r.t.Fatal("no end of it")
}

func (r *rig) wantLaunched(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.launched); diff != "" {
		r.t.Errorf("launched (-want +got):\n%s", diff)
	}
	r.launched = nil
}

func (r *rig) manage(kind model.EventKind, m model.Manage) model.AnswerCode {
	return r.send(model.Event{Kind: kind, Manage: &m}).Answer.Code
}

func condition(name, properties string, inner ...*model.Condition) *model.Condition {
	return &model.Condition{Type: "io.kestra.plugin.core.condition." + name, Props: object(properties), Conditions: inner}
}

func TestSchedule(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.wantLaunched() // nothing runs when it is declared
	if want := at("2026-03-02T13:00:00Z"); r.state.Next == nil || !r.state.Next.Equal(want) || !r.timer.Equal(want) {
		t.Fatalf("next is %v, timer %v", r.state.Next, r.timer)
	}
	r.until("2026-03-02T15:30:00Z", time.Minute)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z")
}

func TestTimeZone(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "30 2 * * *", "timezone": "Europe/Paris"}`)
	r.now = at("2026-03-27T12:00:00Z")
	r.send(model.Event{Kind: model.EventForget})
	r.until("2026-03-30T12:00:00Z", time.Minute)
	r.wantLaunched("2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00") // on the 29th there is no half past two
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		overlap string
		want    []string
		kills   int
	}{
		// Each execution takes two and a half minutes, a date comes every minute.
		{`"overlap": "QUEUE_ALL"`, []string{"12:01", "12:02", "12:03"}, 0},
		{``, []string{"12:01", "12:02", "12:03"}, 0},
		{`"overlap": "QUEUE_ONE"`, []string{"12:01", "12:03", "12:06"}, 0},
		{`"overlap": "SKIP"`, []string{"12:01", "12:04", "12:07"}, 0},
		{`"overlap": "ALLOW"`, []string{"12:01", "12:02", "12:03", "12:04", "12:05", "12:06", "12:07"}, 0},
		{`"allowConcurrent": true`, []string{"12:01", "12:02", "12:03", "12:04", "12:05", "12:06", "12:07"}, 0},
		{`"overlap": "CANCEL_RUNNING"`, []string{"12:01", "12:02", "12:03", "12:04", "12:05", "12:06", "12:07"}, 6},
	} {
		properties := `{"cron": "* * * * *"}`
		if c.overlap != "" {
			properties = `{"cron": "* * * * *", ` + c.overlap + `}`
		}
		r := newRig(t, model.TriggerSchedule, properties)
		r.until("2026-03-02T12:07:30Z", 150*time.Second)
		var want []string
		for _, clock := range c.want {
			want = append(want, "2026-03-02T"+clock+":00Z")
		}
		t.Run(c.overlap, func(t *testing.T) {
			r.t = t
			r.wantLaunched(want...)
			if len(r.killed) != c.kills {
				t.Errorf("%d executions killed, want %d", len(r.killed), c.kills)
			}
		})
	}
}

// TestMissed: what happens to the dates that passed while no scheduler ran.
func TestMissed(t *testing.T) {
	for _, c := range []struct {
		properties string
		want       []string
	}{
		{`"recoverMissedSchedules": "ALL"`, []string{"13:00", "14:00", "15:00", "16:00"}},
		{`"recoverMissedSchedules": "LAST"`, []string{"15:00", "16:00"}},
		{`"recoverMissedSchedules": "NONE"`, []string{"16:00"}},
		{`"lateMaximumDelay": "PT1H15M"`, []string{"15:00", "16:00"}},
		{`"lateMaximumDelay": "PT2H"`, []string{"14:00", "15:00", "16:00"}},
		{`"lateMaximumDelay": "PT10M"`, []string{"16:00"}},
	} {
		t.Run(c.properties, func(t *testing.T) {
			r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", `+c.properties+`}`)
			r.now = at("2026-03-02T15:45:00Z") // the timer is late
			r.until("2026-03-02T16:30:00Z", time.Second)
			var want []string
			for _, clock := range c.want {
				want = append(want, "2026-03-02T"+clock+":00Z")
			}
			r.wantLaunched(want...)
		})
	}
}

// TestHeld: dates that are late because an execution ran are not missed.
func TestHeld(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "NONE"}`)
	r.until("2026-03-02T15:30:00Z", 150*time.Minute)
	r.until("2026-03-02T15:40:00Z", time.Second)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z")
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name       string
		conditions []*model.Condition
		properties string
		want       []string // days of March 2026 on which it runs, of 3 to 16; the 2nd is a Monday
	}{
		{"Weekend", []*model.Condition{condition("Weekend", "")}, "", []string{"07", "08", "14", "15"}},
		{"DayWeek", []*model.Condition{condition("DayWeek", `{"dayOfWeek": "FRIDAY"}`)}, "", []string{"06", "13"}},
		{"first Monday", []*model.Condition{condition("DayWeekInMonth", `{"dayOfWeek": "MONDAY", "dayInMonth": "SECOND"}`)}, "", []string{"09"}},
		{"Not", []*model.Condition{condition("Not", "", condition("Weekend", ""), condition("DayWeek", `{"dayOfWeek": "MONDAY"}`))}, "",
			[]string{"03", "04", "05", "06", "10", "11", "12", "13"}},
		{"Or", []*model.Condition{condition("Or", "", condition("DayWeek", `{"dayOfWeek": "SUNDAY"}`), condition("DayWeek", `{"dayOfWeek": "MONDAY"}`))}, "",
			[]string{"08", "09", "15", "16"}},
		{"both", []*model.Condition{condition("Weekend", ""), condition("DayWeek", `{"dayOfWeek": "SUNDAY"}`)}, "", []string{"08", "15"}},
		{"DateTimeBetween", []*model.Condition{condition("DateTimeBetween", `{"after": "2026-03-05T12:00:00Z", "before": "2026-03-08T12:00:00Z"}`)}, "",
			[]string{"06", "07"}}, // both bounds are left out
		{"TimeBetween", []*model.Condition{condition("TimeBetween", `{"after": "13:00:00+02:00", "before": "11:30:00Z"}`)}, "", nil},
		{"Expression", []*model.Condition{condition("Expression", `{"expression": "{{ trigger.date | date('dd') == '10' }}"}`)}, "", []string{"10"}},
		{"when", nil, `, "when": "{{ (trigger.date | date('d') | number) > 13 }}"`, []string{"14", "15", "16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, model.TriggerSchedule, `{"cron": "0 12 * * *"`+c.properties+`}`, c.conditions...)
			r.until("2026-03-16T18:00:00Z", time.Minute)
			var want []string
			for _, day := range c.want {
				want = append(want, "2026-03-"+day+"T12:00:00Z")
			}
			r.wantLaunched(want...)
		})
	}
}

// TestConditionFails: an error in a condition makes a failed execution, once a date, so that somebody sees it.
func TestConditionFails(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`, condition("Expression", `{"expression": "{{ trigger.nothing.at }}"}`))
	r.until("2026-03-02T14:30:00Z", time.Minute)
	if len(r.launched) != 2 || !strings.Contains(r.launched[0], "2026-03-02T13:00:00Z FAILS: condition Expression: ") {
		t.Errorf("launched %q", r.launched)
	}
	if r.state.Problem == "" {
		t.Error("the trigger has no problem")
	}
}

// TestLaunchFails: an execution that cannot be as it should be fails with the reason.
func TestLaunchFails(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.refuse = errors.New("inputs.n: is missing")
	r.until("2026-03-02T13:30:00Z", time.Minute)
	r.wantLaunched("2026-03-02T13:00:00Z FAILS: inputs.n: is missing")
}

func TestDates(t *testing.T) {
	for _, properties := range []string{
		`{"dates": ["2026-03-05T10:00:00+02:00", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"]}`,
		`{"dates": ["{{ '2026-03-05T10:00:00' ~ '+02:00' }}", "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"]}`,
		`{"dates": "{{ ['2026-03-05T10:00:00+02:00', '2026-03-01T00:00:00Z', '2026-03-03T00:00:00Z'] }}"}`,
	} {
		checkDates(t, properties)
	}
}

func checkDates(t *testing.T, properties string) {
	t.Helper()
	r := newRig(t, model.TriggerDates, properties)
	if want := at("2026-03-01T00:00:00Z"); r.state.Next == nil || !r.state.Next.Equal(want) {
		t.Errorf("the first date is %v, want %v although it has passed", r.state.Next, want)
	}
	var dates []string
	r.until("2026-03-10T00:00:00Z", time.Minute)
	for range r.launched {
		dates = append(dates, "one")
	}
	if len(dates) != 3 || r.state.Next != nil || r.timer != nil {
		t.Errorf("%d executions, next %v, timer %v", len(dates), r.state.Next, r.timer)
	}
}

func TestBackfill(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *"}`)
	start := at("2026-01-01T00:00:00Z")
	end := at("2026-01-04T12:00:00Z")
	if code := r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: start, End: &end}}); code != model.AnswerDone {
		t.Fatal(r.last.Answer.Message)
	}
	r.until("2026-03-02T12:01:00Z", time.Second)
	r.wantLaunched("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z")
	if r.state.Backfill != nil || !r.state.Next.Equal(at("2026-03-03T00:00:00Z")) {
		t.Errorf("backfill %v, next %v", r.state.Backfill, r.state.Next)
	}
	r.until("2026-03-03T00:30:00Z", time.Second)
	r.wantLaunched("2026-03-03T00:00:00Z")
}

// TestBackfillPaused: regular dates wait for a backfill, also for one that is paused; deleted, they go on.
func TestBackfillPaused(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 * * *", "recoverMissedSchedules": "NONE"}`)
	r.manage(model.EventBackfill, model.Manage{Backfill: &model.Backfill{Start: at("2026-01-01T00:00:00Z"), Paused: true}})
	r.until("2026-03-05T12:00:00Z", time.Second)
	r.wantLaunched()
	r.manage(model.EventPauseFill, model.Manage{Paused: false})
	r.until("2026-03-05T12:00:01Z", time.Second)
	r.wantLaunched("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
	r.manage(model.EventBackfill, model.Manage{})
	r.until("2026-03-05T12:00:09Z", time.Second)
	r.wantLaunched("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z") // they waited, they were not missed
	if code := r.manage(model.EventPauseFill, model.Manage{Paused: true}); code != model.AnswerConflict {
		t.Errorf("pausing no backfill: %v", code)
	}
}

func TestStopAfter(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.trigger.StopAfter = []model.State{model.Failed}
	r.until("2026-03-02T13:10:00Z", time.Minute)
	if r.state.Disabled {
		t.Fatal("disabled after a success")
	}
	r.until("2026-03-02T14:00:00Z", time.Hour)
	r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Failed}})
	r.until("2026-03-02T20:00:00Z", time.Minute)
	r.wantLaunched("2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
	if !r.state.Disabled || r.state.Next != nil || r.timer != nil {
		t.Errorf("%+v", r.state)
	}
}

func TestDisable(t *testing.T) {
	for policy, want := range map[string][]string{
		"ALL": {"13:00", "14:00", "15:00", "16:00"}, "LAST": {"15:00", "16:00"}, "NONE": {"16:00"},
	} {
		t.Run(policy, func(t *testing.T) {
			r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "recoverMissedSchedules": "`+policy+`"}`)
			r.manage(model.EventSetDisabled, model.Manage{Disabled: true})
			r.until("2026-03-02T15:30:00Z", time.Second)
			r.wantLaunched()
			r.manage(model.EventSetDisabled, model.Manage{Disabled: false})
			r.until("2026-03-02T16:30:00Z", time.Second)
			var dates []string
			for _, clock := range want {
				dates = append(dates, "2026-03-02T"+clock+":00Z")
			}
			r.wantLaunched(dates...)
		})
	}
}

// TestChanged: after a change of its flow a trigger counts from now; what it has started is still waited for.
func TestChanged(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.until("2026-03-02T13:00:00Z", time.Hour)
	running := r.state.ExecutionID
	r.now = at("2026-03-02T13:30:00Z")
	r.declare(model.TriggerSchedule, `{"cron": "45 * * * *"}`)
	r.send(model.Event{Kind: model.EventSync})
	if r.state.ExecutionID != running || r.timer != nil || !r.state.Next.Equal(at("2026-03-02T13:45:00Z")) {
		t.Errorf("waits for %q, next %v, timer %v", r.state.ExecutionID, r.state.Next, r.timer)
	}
	r.disabled = true
	r.send(model.Event{Kind: model.EventSync})
	if r.state.Next != nil || r.timer != nil {
		t.Error("a disabled flow has a next date")
	}
	r.trigger = nil
	if d := r.send(model.Event{Kind: model.EventSync}); d.State != nil || d.Answer.Code != model.AnswerGone {
		t.Errorf("a trigger that is gone: %+v", d.Answer)
	}
}

func TestUnlock(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	if code := r.manage(model.EventUnlock, model.Manage{}); code != model.AnswerConflict {
		t.Errorf("unlocking what is not locked: %v", code)
	}
	r.until("2026-03-02T14:30:00Z", 24*time.Hour)
	r.wantLaunched("2026-03-02T13:00:00Z")
	if code := r.manage(model.EventUnlock, model.Manage{}); code != model.AnswerDone {
		t.Error(code)
	}
	r.until("2026-03-02T14:31:00Z", 24*time.Hour)
	r.wantLaunched("2026-03-02T14:00:00Z")
}

// TestJitter: dates are put off by less than the jitter, each by its own part of it, and stay the dates that they are.
func TestJitter(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *", "jitter": "PT10M"}`)
	offsets := map[time.Duration]bool{}
	for range 20 {
		offset := r.timer.Sub(*r.state.Next)
		if offset < 0 || offset >= 10*time.Minute {
			t.Fatalf("put off by %v", offset)
		}
		offsets[offset] = true
		date := r.state.Next.Format(time.RFC3339)
		r.until(r.timer.Format(time.RFC3339Nano), 0)
		r.wantLaunched(date)
		r.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}})
	}
	if len(offsets) < 15 {
		t.Errorf("only %d different offsets", len(offsets))
	}
}

// TestNeverFires: a cron expression without a date has no timer.
func TestNeverFires(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 0 30 2 *"}`)
	if r.state.Next != nil || r.timer != nil {
		t.Errorf("next %v", r.state.Next)
	}
}

// TestOnce: what is decided twice, since it was not committed, is the same.
func TestOnce(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "0 * * * *"}`)
	r.now = *r.timer
	ev := model.Event{ID: "e", To: of, Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer, Of: of}}
	first := Decide(r.state, &ev, r.now, r)
	second := Decide(r.state, &ev, r.now.Add(time.Second), r)
	if first.Events[0].To != second.Events[0].To {
		t.Errorf("%v, then %v", first.Events[0].To, second.Events[0].To)
	}
	if again := Decide(first.State, &ev, r.now, r); len(again.Events) != 0 || again.Ignored == "" {
		t.Errorf("a timer that comes twice: %+v", again.Events)
	}
}
