package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// beginLoop begins the first turn of a LoopUntil.
func (x *turn) beginLoop(n *node) error {
	run := x.edit(n)
	if run.Engine.Turn > 1 { // it begins anew
		run.Iteration = nil
	}
	run.Engine.Turn = 1
	x.setIterationCount(n, 1)
	return nil
}

func (x *turn) setIterationCount(n *node, count int) {
	x.setOutputs(n, value.MapOf(value.Entry{Key: "iterationCount", Value: value.Int(int64(count))}))
}

func iterationCount(n *node) int {
	v, _ := n.outputs().Get("iterationCount")
	count, _ := value.AsInt(v)
	return int(count)
}

// loopDone decides after a turn of a LoopUntil whether the loop is over. If it is not, the loop waits for its next turn.
func (x *turn) loopDone(f *frame) bool {
	n := f.node
	if !x.large() {
		return x.decideLoop(f)
	}
	done := false
	return x.patiently(n, func() { done = x.decideLoop(f) }) && done
}

func (x *turn) decideLoop(f *frame) bool {
	n := f.node
	done, err := x.loopOver(n)
	if err != nil {
		x.log(n, model.LevelError, "%v", err)
		run := x.edit(n)
		run.Engine.Broken, run.Engine.Error = true, x.hidden(err.Error())
		f.broken = true
	}
	return done || err != nil
}

// loopOver evaluates the condition twice, as the reference does: with the count of the turn that has ended, and with the
// next one's, since conditions on iterationCount rely on either.
func (x *turn) loopOver(n *node) (bool, error) {
	check := checkFrequency(n.task)
	for range 2 {
		holds, err := x.truthy(n, prop(n.task, "condition"))
		if err != nil {
			return false, fmt.Errorf("condition: %w", err)
		}
		if holds {
			return true, nil
		}
		if n.run.Engine.Turn == iterationCount(n) {
			x.setIterationCount(n, n.run.Engine.Turn+1)
		}
	}
	over, err := x.loopLimit(n, check)
	if err != nil || over {
		return over, err
	}
	text, err := x.render(n, value.Print(check["interval"]))
	if err != nil {
		return false, fmt.Errorf("checkFrequency.interval: %w", err)
	}
	if text == "" {
		text = "PT1M"
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return false, fmt.Errorf("checkFrequency.interval: %w", err)
	}
	x.move(n, model.Paused)
	x.setTimer(model.Timer{ID: "loop:" + n.run.ID, Kind: model.TimerLoop, Due: x.now.Add(d), TaskRunID: n.run.ID})
	return false, nil
}

// loopLimit tells whether the loop has had all the turns, or all the time, that it may have.
func (x *turn) loopLimit(n *node, check map[string]any) (bool, error) {
	reached := ""
	text, err := x.render(n, value.Print(check["maxIterations"]))
	if err != nil {
		return false, fmt.Errorf("checkFrequency.maxIterations: %w", err)
	}
	if text != "" {
		limit, ok := value.ParseDecimal(text)
		if !ok {
			return false, fmt.Errorf("checkFrequency.maxIterations: %q is not a number", text)
		}
		if float64(n.run.Engine.Turn) >= limit.Float64() {
			reached = "its " + text + " iterations"
		}
	}
	if text, err = x.render(n, value.Print(check["maxDuration"])); err != nil {
		return false, fmt.Errorf("checkFrequency.maxDuration: %w", err)
	}
	if text != "" {
		d, err := model.ParseDuration(text)
		if err != nil {
			return false, fmt.Errorf("checkFrequency.maxDuration: %w", err)
		}
		if x.now.Sub(lastStart(n.run.State)) > d {
			reached = "its maximum duration of " + text
		}
	}
	if reached == "" {
		return false, nil
	}
	fails, err := x.renderBool(n, "failOnMaxReached", false)
	if err == nil && fails {
		err = fmt.Errorf("the loop has reached %s before its condition was true", reached)
	}
	return true, err
}

// nextTurn begins another turn of a LoopUntil; only the task runs of the last turn are kept.
func (x *turn) nextTurn(n *node) {
	if n == nil || n.run.State.Current() != model.Paused {
		x.ignore("the loop does not wait")
		return
	}
	x.forgetBelow(n)
	run := x.edit(n)
	run.Engine.Turn++
	iteration := run.Engine.Turn - 1
	run.Iteration = &iteration
	x.move(n, model.Running)
	run.State = bounded(run.State, model.Running, model.Paused)
	n.frame = x.s.frameOf(n)
	x.push(n.frame)
}

// The histories of a loop, and of its execution, get longer with every turn, and are written with every turn. Those of very
// many turns keep their beginning and their newest part.
const (
	maxHistory  = 256
	keptHistory = 128
)

// bounded shortens a history that has become too long by those of the states that go back and forth.
func bounded(h model.History, passing ...model.State) model.History {
	if len(h) <= maxHistory {
		return h
	}
	out := make(model.History, 0, maxHistory)
	for i, c := range h {
		if i < 2 || i >= len(h)-keptHistory || !slices.Contains(passing, c.State) {
			out = append(out, c)
		}
	}
	return out
}

// lastStart is when a task run was created, or set back to be run anew.
func lastStart(h model.History) time.Time {
	for _, c := range slices.Backward(h) {
		if c.State == model.Restarted {
			return c.Date
		}
	}
	return h.Start()
}

// checkFrequency returns how often a LoopUntil runs and until when, as written; what is not given is "".
func checkFrequency(t *model.Task) map[string]any {
	v, _ := t.Props.Get("checkFrequency")
	m, _ := value.AsMap(v)
	out := make(map[string]any, 3)
	for _, k := range []string{"interval", "maxIterations", "maxDuration"} {
		out[k] = ""
		if e, ok := m.Get(k); ok && e != nil {
			out[k] = e
		}
	}
	return out
}
