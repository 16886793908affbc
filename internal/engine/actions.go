package engine

import (
	"encoding/json"

	"github.com/windhover-io/windhover/internal/model"
)

// onAction does what a person, a client or another entity asks for, or says why it cannot be done. What was done or refused
// once is not done again, and has the same answer.
func (x *turn) onAction() {
	if x.ev.Kind == model.EventExplain {
		x.explain()
		return
	}
	if x.actedBefore() {
		return
	}
	x.act()
	x.remember()
}

// maxActed is how many actions an execution remembers. An action is delivered again because its sender did not hear of it,
// or because its owner changed before it was acknowledged; either way it comes again before many others can have come.
const maxActed = 16

// actedBefore answers an action that is delivered again as the first time.
func (x *turn) actedBefore() bool {
	for _, a := range x.s.Exec.Engine.Acted {
		if a.ID != x.ev.ID {
			continue
		}
		x.ignore("it was done before")
		again := model.Answer{Code: a.Code, Message: a.Message}
		switch {
		case a.Copy != "":
			again.Execution = x.successor(a.Copy)
		case a.Code == model.AnswerDone:
			again.Execution = x.s.Exec
		}
		x.answer(again)
		return true
	}
	return false
}

// remember notes what the action came to.
func (x *turn) remember() {
	if x.t.Deleted {
		return
	}
	h := x.head()
	a := model.Acted{ID: x.ev.ID, Code: x.verdict.Code, Message: x.verdict.Message}
	if c := x.verdict.Execution; c != nil {
		a.Copy = c.ID
	}
	old := h.Engine.Acted
	if len(old) >= maxActed {
		old = old[len(old)-maxActed+1:]
	}
	h.Engine.Acted = append(old[:len(old):len(old)], a)
}

func (x *turn) act() {
	e, a := x.s.Exec, x.ev.Action
	if a == nil {
		a = &model.Action{}
	}
	cur := e.State.Current()
	conflict := func(what string) { x.refuse(model.AnswerConflict, what+", the execution is "+cur.String()) }
	switch x.ev.Kind {
	case model.EventKill:
		x.kill(a.Cascade)
	case model.EventPause:
		if cur != model.Running {
			conflict("only a running execution can be paused")
			return
		}
		x.head().Engine.PausedByAPI = true
	case model.EventResume:
		x.resumeExecution(a)
	case model.EventRestart:
		if a.Waiting != nil {
			x.restartFor(a.Waiting)
			return
		}
		x.restart(a)
	case model.EventReplay:
		x.replay(a)
	case model.EventChangeState:
		x.changeState(a)
	case model.EventChangeStatus:
		if !cur.Terminated() || !a.State.Terminated() || x.hasTimer(string(model.TimerRetryFlow)) {
			conflict("a status is changed from one end to another")
			return
		}
		h := x.head()
		h.State = h.State.With(a.State, x.now)
	case model.EventLabels:
		h := x.head()
		h.Labels = replaceLabels(h.Labels, a.Labels)
	case model.EventUnqueue:
		if cur != model.Queued {
			conflict("only a queued execution can be taken from the queue")
			return
		}
		x.unqueue(a.State)
	case model.EventForceRun:
		x.forceRun()
	case model.EventDelete:
		x.delete(a.Force)
	default:
		x.refuse(model.AnswerInvalid, "unknown event "+string(x.ev.Kind))
	}
}

// explain answers what the execution waits for.
func (x *turn) explain() {
	waits := Explain(x.s)
	if waits == nil {
		waits = []Wait{}
	}
	body, err := json.Marshal(waits)
	if err != nil {
		x.refuse(model.AnswerInvalid, err.Error())
		return
	}
	x.answer(model.Answer{Execution: x.s.Exec, Body: body})
}

// kill asks for the end of everything that is under way.
func (x *turn) kill(cascade bool) {
	cur := x.s.Exec.State.Current()
	switch {
	case cur == model.Retried:
		x.killRetried(cascade)
		return
	case cur.Terminated() || cur == model.Killing:
		x.refuse(model.AnswerConflict, "the execution is "+cur.String())
		return
	}
	if cascade {
		x.killChildren()
	}
	h := x.head()
	h.Engine.Kill, h.Engine.Admitted, h.Engine.PausedByAPI, h.Engine.AtBreakpoint = model.Killed, true, false, false
	h.State = h.State.With(model.Killing, x.now)
	for n := range x.s.newestFirst() {
		if n.ended() {
			continue
		}
		switch c := n.run.State.Current(); {
		case n.frame != nil:
			if c != model.Running {
				x.move(n, model.Running)
			}
			x.push(n.frame)
		case n.run.Engine.Job > 0 && c == model.Running:
			x.t.CancelJobs = append(x.t.CancelJobs, model.JobID(n.run.ID, n.run.Engine.Job))
			x.move(n, model.Killing) // its worker reports the end
		case c == model.Running && (n.run.Engine.Child != "" || n.run.Engine.Batches > 0):
			if !cascade {
				x.cut(n, model.Killed)
			} // else the killed execution reports its end
		default:
			x.cut(n, model.Killed)
		}
	}
	x.push(x.s.root)
}

// killRetried kills an execution that handed over to another one: before the other exists it ends as killed itself, after
// that the kill goes on to the other.
func (x *turn) killRetried(cascade bool) {
	switch {
	case x.hasTimer(string(model.TimerRetryFlow)):
		x.clearTimer(string(model.TimerRetryFlow))
		h := x.head()
		h.State = h.State.With(model.Killing, x.now).With(model.Killed, x.now)
		x.push(x.s.root)
	case cascade:
		x.sendKill(retryID(x.s.Exec))
	default:
		x.refuse(model.AnswerConflict, "the execution is "+model.Retried.String())
	}
}

// killChildren passes a kill on to every execution that this one has started.
func (x *turn) killChildren() {
	for n := range x.s.all() {
		if n.run.Engine.Child != "" {
			x.sendKill(n.run.Engine.Child)
		}
		for i := range n.run.Engine.Batches {
			x.sendKill(n.run.BatchID(i))
		}
	}
}

func (x *turn) sendKill(id string) {
	x.send(model.Event{To: model.ExecutionEntity(id), Kind: model.EventKill, Action: &model.Action{Cascade: true}})
}

// resumeExecution lets a paused execution go on: the Pause that waits, or what the API held.
func (x *turn) resumeExecution(a *model.Action) {
	e := x.s.Exec
	switch cur := e.State.Current(); {
	case e.Engine.PausedByAPI || e.Engine.AtBreakpoint:
		h := x.head()
		h.Engine.PausedByAPI, h.Engine.AtBreakpoint = false, false
		x.reindex()
		x.resumeAll()
	case !cur.IsPaused() && x.s.tally.paused == 0:
		x.refuse(model.AnswerConflict, "the execution is not paused but "+cur.String())
	default:
		n := x.pausedTask(a.TaskRunID)
		if n == nil {
			x.refuse(model.AnswerConflict, "no task waits to be resumed")
			return
		}
		s := model.Success
		if a.State != 0 {
			s = a.State
		}
		x.resume(n, s, a.Inputs, a.By)
	}
}

// pausedTask finds the Pause to resume: the one asked for, else the first.
func (x *turn) pausedTask(id string) *node {
	for n := range x.s.all() {
		if n.task != nil && n.task.Kind == model.KindPause && n.run.State.Current() == model.Paused && (id == "" || n.run.ID == id) {
			return n
		}
	}
	return nil
}

// unqueue takes a queued execution out of the queue: to run beyond the limit, or to end.
func (x *turn) unqueue(s model.State) {
	h := x.head()
	switch {
	case s == 0 || s == model.Running:
		x.sendForced()
		x.admit()
	default:
		h.Engine.InGate = false
		x.sendGate(model.EventLeft)
		x.terminateAll(s, model.Killed)
	}
}

// sendForced tells the gate that the execution runs whatever the limit says.
func (x *turn) sendForced() {
	x.sendGate(model.EventEnter)
	x.t.Events[len(x.t.Events)-1].Gate.Forced = true
}

func (x *turn) forceRun() {
	e := x.s.Exec
	switch cur := e.State.Current(); {
	case cur.Terminated():
		x.refuse(model.AnswerConflict, "the execution has ended: it is "+cur.String())
	case cur == model.Queued:
		x.unqueue(model.Running)
	case cur == model.Created && !e.Engine.Admitted:
		x.clearTimer(string(model.TimerSchedule))
		if x.s.Flow.Concurrency != nil {
			h := x.head()
			h.Engine.Visit++
			h.Engine.InGate = true
			x.sendForced()
		}
		x.admit()
	case cur.IsPaused():
		x.resumeExecution(&model.Action{})
	default:
		x.resumeAll()
	}
}

// delete removes the execution and all its records. One that runs has to be forced.
func (x *turn) delete(force bool) {
	e := x.s.Exec
	if !e.Engine.Finished && !force {
		x.refuse(model.AnswerConflict, "the execution has not ended: it is "+e.State.Current().String())
		return
	}
	for n := range x.s.all() {
		if n.class() == busy && n.run.Engine.Job > 0 {
			x.revoke(n)
		}
	}
	if e.Engine.InGate {
		x.sendGate(model.EventLeft)
	}
	for _, id := range x.timerIDs() {
		x.clearTimer(id)
	}
	if w := e.Engine.Waiting; w != nil && !e.Engine.Finished {
		x.send(model.Event{To: model.ExecutionEntity(w.ExecutionID), Kind: model.EventChildEnded, Child: &model.ChildEnd{
			Waiting: *w, ChildID: e.ID, State: model.Killed, Failure: "the execution was deleted",
		}})
	}
	x.tellTrigger()
	x.t.Deleted = true
	x.answer(model.Answer{Execution: e})
}

// replaceLabels sets the labels that people may set; those of the system stay.
func replaceLabels(old, set []model.Label) []model.Label {
	var out []model.Label
	for _, l := range set {
		if !isSystem(l.Key) {
			out = append(out, l)
		}
	}
	for _, l := range old {
		if isSystem(l.Key) {
			out = append(out, l)
		}
	}
	return out
}
