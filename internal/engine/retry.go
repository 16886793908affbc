package engine

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// policy returns the retry that applies to a task run: its task's own, else that of the nearest flowable around it, else
// the flow's.
func (x *turn) policy(n *node) *model.Retry {
	if n.task == nil {
		return nil
	}
	for t := n.task; t != nil; t = t.Parent {
		if t.Retry != nil {
			return t.Retry
		}
	}
	return x.s.Flow.Retry
}

// tryAgain plans another try of a failed task run, or of its execution, and tells whether there is one.
func (x *turn) tryAgain(n *node) bool {
	p := x.policy(n)
	if p == nil || n.run.Engine.Section == model.SectionAfter || x.s.Exec.State.Current().Terminated() {
		return false
	}
	tries, since := len(n.run.Attempts), n.run.State.Start()
	if p.NewExecution {
		tries, since = x.s.Exec.Metadata.AttemptNumber, x.s.Exec.Metadata.OriginalCreatedDate
	} else if len(n.run.Attempts) > 0 {
		since = n.run.Attempts[0].State.Start()
	}
	wait, ok := NextTry(p, tries, since, x.now, n.run.ID)
	if !ok {
		return false
	}
	due := x.now.Add(wait)
	if p.NewExecution {
		x.planExecution(n, due)
		return true
	}
	x.move(n, model.Failed, model.Retrying)
	x.setTimer(model.Timer{ID: "retry:" + n.run.ID, Kind: model.TimerRetry, Due: due, TaskRunID: n.run.ID})
	return true
}

// delay is the time between the tries-th try and the next one.
func delay(p *model.Retry, tries int, seed string) time.Duration {
	switch p.Type {
	case "exponential":
		factor := p.DelayFactor
		if factor == 0 {
			factor = 2
		}
		d := float64(p.Interval) * math.Pow(factor, float64(tries-1))
		if p.MaxInterval > 0 && d > float64(p.MaxInterval) {
			return p.MaxInterval
		}
		return time.Duration(min(d, math.MaxInt64/2))
	case "random":
		if p.MaxInterval <= p.MinInterval {
			return p.MinInterval
		}
		// Drawn from the ids, so that a step that is repeated plans the same.
		h := model.DeriveID("delay", seed, string(rune(tries)))
		n := binary.BigEndian.Uint64([]byte(h)[4:12])
		return p.MinInterval + time.Duration(n%uint64(p.MaxInterval-p.MinInterval))
	}
	return p.Interval
}

// retryTask begins the next try of a task run.
func (x *turn) retryTask(n *node) {
	if e := x.s.Exec; n == nil || n.run.State.Current() != model.Retrying || e.Engine.Kill != 0 || e.State.Current().Terminated() {
		x.ignore("the task run does not wait for a retry")
		return
	}
	if n.task.Kind == model.KindWorkingDirectory {
		x.forgetBelow(n)
	}
	x.move(n, model.Created)
	x.start(n)
}

// planExecution ends this execution as RETRIED; another one takes over when the time has come.
func (x *turn) planExecution(n *node, due time.Time) {
	x.setTimer(model.Timer{ID: string(model.TimerRetryFlow), Kind: model.TimerRetryFlow, Due: due})
	x.move(n, model.Failed)
	x.edit(n).State = n.run.State.With(model.Retried, x.now)
	for p := range x.s.up(x.s.nodes[n.run.ParentID]) {
		x.cut(p, model.Retried)
	}
	x.cutAll(model.Killed)
	h := x.head()
	h.State = h.State.With(model.Failed, x.now)
	x.endExecution(model.Retried)
}

// retryExecution creates the execution that takes over.
func (x *turn) retryExecution() {
	e := x.s.Exec
	next := x.successor(retryID(e))
	next.Inputs, next.Trigger = e.Inputs, e.Trigger
	next.Engine.Waiting, next.Engine.Depth, next.Engine.StartedBy = e.Engine.Waiting, e.Engine.Depth, e.Engine.StartedBy
	x.send(model.Event{To: model.ExecutionEntity(next.ID), Kind: model.EventCreate, Create: &model.NewExecution{Execution: next}})
	x.push(x.s.root)
}

// retryID is the id of the execution that takes over from a failed one.
func retryID(e *model.Execution) string { return model.DeriveID("retry", e.ID) }

// successor is the header of an execution that takes over from this one.
func (x *turn) successor(id string) *model.Execution {
	e := x.s.Exec
	return &model.Execution{
		Tenant: e.Tenant, ID: id, Namespace: e.Namespace, FlowID: e.FlowID, FlowRevision: e.FlowRevision,
		Inputs: e.Inputs, Variables: e.Variables, Labels: e.Labels, Trigger: e.Trigger, Kind: e.Kind, TraceParent: e.TraceParent,
		State: model.NewHistory(model.Created, x.now), ParentID: e.ID, OriginalID: e.OriginalID,
		Metadata: model.Metadata{AttemptNumber: e.Metadata.AttemptNumber + 1, OriginalCreatedDate: e.Metadata.OriginalCreatedDate},
	}
}

func (x *turn) hasTimer(id string) bool {
	_, ok := x.s.timers[id]
	return ok
}

// timerIDs lists the timers that are set, in an order that does not depend on chance.
func (x *turn) timerIDs() []string {
	return slices.Sorted(maps.Keys(x.s.timers))
}

// NextTry tells when a task that has failed is tried again, for workers that run several tasks in one job.
func NextTry(p *model.Retry, tries int, since, now time.Time, seed string) (time.Duration, bool) {
	d := delay(p, tries, seed)
	if p.MaxAttempts > 0 && tries >= p.MaxAttempts || p.MaxDuration > 0 && now.Add(d).After(since.Add(p.MaxDuration)) {
		return 0, false
	}
	return d, true
}

// Allowed maps the end of a task's last try by its retry, allowFailure and allowWarning.
func Allowed(t *model.Task, s model.State, tries int) model.State {
	if s == model.Success && tries > 1 && t.Retry != nil && t.Retry.WarnOnRetry {
		s = model.Warning
	}
	if s == model.Failed && (t.AllowFailure || t.Kind == model.KindAllowFailure) {
		s = model.Warning
	}
	if s == model.Warning && t.AllowWarning {
		s = model.Success
	}
	return s
}
