package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// told lists what a transition tells executions, as KIND ID.
func told(t *model.Transition) (out []string) {
	for _, e := range t.Events {
		out = append(out, string(e.Kind)+" "+e.To.ID)
	}
	return out
}

func gateEvent(kind model.EventKind, id string, visit, limit int, behavior string, at time.Time, forced bool) *model.Event {
	return &model.Event{ID: fmt.Sprint(kind, id, visit), Kind: kind, Gate: &model.GateMessage{
		ExecutionID: id, Visit: visit, Limit: limit, Behavior: behavior, Since: at, Forced: forced,
	}}
}

func TestGate(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := LoadGate(model.GateEntity("main", "n", "f"), nil, 0)
	step := func(kind model.EventKind, id string, visit int, forced bool, want ...string) {
		t.Helper()
		at := t0.Add(time.Duration(id[0]) * time.Second)
		got := told(StepGate(g, gateEvent(kind, id, visit, 2, model.BehaviorQueue, at, forced), t0))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s %s %d: told %v, not %v", kind, id, visit, got, want)
		}
	}
	step(model.EventEnter, "b", 1, false, "granted b")
	step(model.EventEnter, "d", 1, false, "granted d")
	step(model.EventEnter, "c", 1, false, "queued c")
	step(model.EventEnter, "a", 1, false, "queued a")
	step(model.EventEnter, "b", 1, false, "granted b") // delivered again
	step(model.EventLeft, "b", 1, false, "granted a")  // who was created first, not who asked first
	step(model.EventLeft, "b", 1, false)               // delivered again
	step(model.EventEnter, "e", 1, true, "granted e")  // forced: beyond the limit
	step(model.EventLeft, "a", 1, false)               // still two hold slots
	step(model.EventLeft, "e", 1, false, "granted c")
	step(model.EventEnter, "d", 2, false, "granted d") // a later visit replaces the earlier one
	step(model.EventLeft, "d", 1, false)               // and is not ended by the earlier one's leaving
	if g.running != 2 || len(g.waiting) != 0 {
		t.Errorf("%d hold slots, %d wait", g.running, len(g.waiting))
	}
}

func TestGateRefuses(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := LoadGate(model.GateEntity("main", "n", "f"), nil, 0)
	for i, want := range []string{"[granted a]", "[refused b]"} {
		id := string(rune('a' + i))
		if got := told(StepGate(g, gateEvent(model.EventEnter, id, 1, 1, model.BehaviorCancel, t0, false), t0)); fmt.Sprint(got) != want {
			t.Errorf("%v, not %s", got, want)
		}
	}
	if len(g.members) != 1 {
		t.Error("who was refused is kept")
	}
}

// TestGateLimit sees that the limit is that of the newest revision that asks, whatever order the others come and go in.
func TestGateLimit(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := LoadGate(model.GateEntity("main", "n", "f"), nil, 0)
	for _, c := range []struct {
		kind            model.EventKind
		id              string
		revision, limit int
		want            int
	}{
		{model.EventEnter, "a", 1, 1, 1},
		{model.EventEnter, "b", 3, 5, 5},
		{model.EventEnter, "c", 2, 2, 5}, // it was created before, and asks later
		{model.EventLeft, "a", 1, 1, 5},
		{model.EventLeft, "b", 3, 7, 5},  // who leaves says nothing about the limit
		{model.EventEnter, "d", 3, 4, 4}, // as does the newest one again
		{model.EventEnter, "e", 4, 3, 3},
	} {
		ev := gateEvent(c.kind, c.id, 1, c.limit, model.BehaviorQueue, t0, false)
		ev.Gate.Revision = c.revision
		tr := StepGate(g, ev, t0)
		if g.Limit != c.want || tr.Gate.Limit != c.want || tr.Gate.Revision != g.Revision {
			t.Errorf("%s of %s from revision %d: the limit is %d, not %d", c.kind, c.id, c.revision, g.Limit, c.want)
		}
	}
	if back := LoadGate(g.Of, &model.GateChange{Limit: g.Limit, Behavior: g.Behavior, Revision: g.Revision}, g.Version); back.Revision != 4 {
		t.Errorf("after it was loaded the limit is from revision %d", back.Revision)
	}
}

// TestGateReload sees that a gate is the same after it was loaded from its records.
func TestGateReload(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	of := model.GateEntity("main", "n", "f")
	g := LoadGate(of, nil, 0)
	records := map[string]model.GateMember{}
	var last model.GateChange
	for i := range 5 {
		tr := StepGate(g, gateEvent(model.EventEnter, string(rune('a'+i)), 1, 2, model.BehaviorQueue, t0.Add(time.Duration(i)*time.Second), false), t0)
		for _, m := range tr.Gate.Put {
			records[m.ExecutionID] = m
		}
		last = *tr.Gate
	}
	last.Put = nil
	for _, id := range []string{"e", "d", "c", "b", "a"} {
		last.Put = append(last.Put, records[id])
	}
	back := LoadGate(of, &last, g.Version)
	got := told(StepGate(back, gateEvent(model.EventLeft, "a", 1, 2, model.BehaviorQueue, t0, false), t0))
	if fmt.Sprint(got) != "[granted c]" {
		t.Errorf("%v", got)
	}
}

func TestDelay(t *testing.T) {
	sec := time.Second
	for _, c := range []struct {
		name string
		p    model.Retry
		want []time.Duration
	}{
		{"constant", model.Retry{Type: "constant", Interval: 5 * sec}, []time.Duration{5 * sec, 5 * sec, 5 * sec}},
		{"exponential", model.Retry{Type: "exponential", Interval: 2 * sec, DelayFactor: 1.5}, []time.Duration{2 * sec, 3 * sec, 4500 * time.Millisecond}},
		{"capped", model.Retry{Type: "exponential", Interval: 2 * sec, MaxInterval: 5 * sec}, []time.Duration{2 * sec, 4 * sec, 5 * sec}},
	} {
		for i, want := range c.want {
			if got := delay(&c.p, i+1, "seed"); got != want {
				t.Errorf("%s: %v after %d tries, not %v", c.name, got, i+1, want)
			}
		}
	}
	random := model.Retry{Type: "random", MinInterval: sec, MaxInterval: 3 * sec}
	for i := range 100 {
		if d := delay(&random, i, "seed"); d < sec || d >= 3*sec {
			t.Errorf("%v is not between one and three seconds", d)
		}
	}
	if delay(&random, 1, "seed") != delay(&random, 1, "seed") {
		t.Error("a step that is repeated plans another delay")
	}
}

// TestGatePriority: the highest priority gets the next slot, among equals who has waited longest.
func TestGatePriority(t *testing.T) {
	of := model.GateEntity("main", "ns", "flow")
	g := LoadGate(of, nil, 0)
	enter := func(id string, after, priority int) {
		StepGate(g, &model.Event{ID: "enter-" + id, To: of, Kind: model.EventEnter, Gate: &model.GateMessage{
			ExecutionID: id, Visit: 1, Limit: 1, Behavior: model.BehaviorQueue, Revision: 1, Since: gateStart.Add(time.Duration(after) * time.Second), Priority: priority,
		}}, gateStart)
	}
	enter("first", 0, 0)
	enter("low", 1, -1)
	enter("early", 2, 0)
	enter("late", 3, 0)
	enter("high", 4, 5)
	var order []string
	for at := "first"; at != ""; {
		tr := StepGate(g, &model.Event{ID: "left-" + at, To: of, Kind: model.EventLeft, Gate: &model.GateMessage{ExecutionID: at, Visit: 1}}, gateStart)
		at = ""
		for _, ev := range tr.Events {
			if ev.Kind == model.EventGranted {
				at = ev.To.ID
				order = append(order, at)
			}
		}
	}
	if got := strings.Join(order, " "); got != "high early late low" {
		t.Errorf("slots went to %s", got)
	}
}

var gateStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
