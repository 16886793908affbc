package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Format is the version of the records' encoding that this engine writes.
const Format = 1

// Result is what a step came to.
type Result struct {
	// Transition is what changed, nil only if nothing did and nothing needs acknowledging.
	Transition *model.Transition
	// Needs lists what must be answered first; then nothing changed, and the same event is stepped again with the answers.
	Needs []Need
	// Ignored says why the event had no effect, for the log; "" if it had one.
	Ignored string
}

// Step moves an execution by one event. The state is changed in place to what it is after the event; if Needs is not
// empty it is unchanged. A panic within leaves the state unusable: the owner drops it and ends the execution (see Crash).
func Step(s *State, ev *model.Event, env *Env) (res Result) {
	x := &turn{s: s, env: env, ev: ev, before: s.Exec, putOff: s.putOff, id: s.Version + 1}
	x.now = eventTime(s, env.Now)
	x.t = &model.Transition{Of: ev.To, Version: x.id}
	defer func() {
		if r := recover(); r != nil {
			n, ok := r.(needs)
			if !ok {
				panic(r)
			}
			x.undo()
			res = Result{Needs: n.unique()}
		}
	}()
	x.handle()
	x.assertSLA() // before anything follows from the event
	x.settle()
	x.conclude()
	if len(x.lacks) > 0 {
		if !x.altered() {
			return Result{Needs: x.lacks.unique()}
		}
		x.send(model.Event{To: ev.To, Kind: model.EventContinue})
	}
	return x.finish()
}

// Replayable ids need the event's own time, not the clock's; but time never goes back within an execution.
func eventTime(s *State, now time.Time) time.Time {
	now = now.Truncate(time.Microsecond)
	if s.Exec == nil {
		return now
	}
	return laterOf(s.Exec.Engine.Now, now)
}

// handle applies the event itself.
func (x *turn) handle() {
	if x.ev.Kind == model.EventCreate {
		x.onCreate()
		return
	}
	if !x.s.Exists() {
		x.refuse(model.AnswerGone, "there is no such execution")
		if e := x.obituary(); e.Kind != "" {
			x.late(e)
		}
		return
	}
	switch x.ev.Kind {
	case model.EventJobStarted:
		x.onJobStarted()
	case model.EventJobEnded:
		x.onJobEnded()
	case model.EventJobLost:
		x.onJobLost()
	case model.EventTimer:
		x.onTimer()
	case model.EventChildEnded:
		x.onChildEnded()
	case model.EventGranted:
		x.onGranted()
	case model.EventQueued:
		x.onQueued()
	case model.EventRefused:
		x.onRefused()
	case model.EventStillThere:
		if x.s.Done() {
			x.tellTrigger()
		}
	case model.EventContinue:
		x.onContinue()
	default:
		x.onAction()
	}
}

// obituary is what others have to hear who asked an execution for something that is not there any more: nobody gives a slot
// back, and nobody who is waited for ends.
func (x *turn) obituary() (e model.Event) {
	switch m, a := x.ev.Gate, x.ev.Action; {
	case x.ev.Kind == model.EventGranted:
		e = model.Event{Kind: model.EventLeft, To: model.Entity{Kind: model.EntityGate, ID: m.Gate},
			Gate: &model.GateMessage{ExecutionID: m.ExecutionID, Visit: m.Visit}}
	case x.ev.Kind == model.EventRestart && a != nil && a.Waiting != nil:
		e = refusal(x.ev.To.ID, a.Waiting, "it is not there any more")
	case x.ev.Kind == model.EventStillThere:
		e = model.Event{To: *x.ev.Run.Asker, Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: x.ev.To.ID}}
	}
	return e
}

// ignore notes why the event changes nothing.
func (x *turn) ignore(reason string) { x.reason = reason }

// refuse ignores the event and tells who asked.
func (x *turn) refuse(code model.AnswerCode, message string) {
	message = x.hidden(message)
	x.reason = message
	x.verdict = model.Answer{Code: code, Message: message}
	x.answer(x.verdict)
}

// answer tells whoever asked, if anybody did.
func (x *turn) answer(a model.Answer) {
	if x.ev.Ask != "" {
		a.Ask = x.ev.Ask
		x.t.Answers = append(x.t.Answers, a)
	}
}

// finish turns what was changed into the transition.
func (x *turn) finish() Result {
	if x.ev.Kind != model.EventTimer {
		x.t.Acks = append(x.t.Acks, x.ev.ID)
	} else if _, reset := x.s.timers[x.ev.Timer.ID]; !reset && !slices.Contains(x.t.ClearTimers, x.ev.Timer.ID) {
		x.t.ClearTimers = append(x.t.ClearTimers, x.ev.Timer.ID)
	}
	x.tellListeners()
	if x.s.Exists() && (x.copied || len(x.changed) > 0) {
		h := x.head()
		h.Engine.Now, h.Engine.Format = x.now, Format
		x.t.Execution = h
	}
	x.t.Before = x.before
	slices.SortFunc(x.changed, func(a, b change) int { return cmp.Compare(a.n.run.Engine.Seq, b.n.run.Engine.Seq) })
	for _, c := range x.changed {
		x.t.TaskRuns = append(x.t.TaskRuns, c.n.run)
		x.t.RunsBefore = append(x.t.RunsBefore, c.old)
	}
	if len(x.t.Answers) == 0 {
		x.answer(model.Answer{Execution: x.s.Exec})
	}
	if x.s.Exists() {
		x.s.Version = x.id
	} else {
		x.t.Version = 0 // there is nothing that has a version: see backend.Commits
	}
	if x.t.Deleted {
		*x.s = State{Version: x.id, Gone: true, timers: map[string]model.Timer{}}
	}
	return Result{Transition: x.t, Ignored: x.reason}
}

// onCreate brings the execution into being; creating one that exists is a repeat.
func (x *turn) onCreate() {
	switch {
	case x.s.Gone:
		x.refuse(model.AnswerGone, "the execution has been deleted")
		if e := x.ev.Create.Execution; e.Engine.StartedBy != "" {
			x.late(model.Event{To: starter(e), Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: e.ID}})
		}
		return
	case x.s.Exists(): // whoever asks again is answered as the first time
		if x.s.Done() {
			x.tellTrigger()
		}
		x.ignore("the execution exists already")
		x.answer(model.Answer{Execution: x.s.Exec})
		return
	}
	create := x.ev.Create
	h := *create.Execution
	flow := x.env.flow(model.FlowKey{Tenant: h.Tenant, Namespace: h.Namespace, ID: h.FlowID, Revision: h.FlowRevision})
	x.s.Flow, x.s.Exec, x.copied = flow, &h, true
	x.s.index(copies(create.TaskRuns)) // the event is not the turn's to write to
	for n := range x.s.all() {
		n.turn = x.id
		x.changed = append(x.changed, change{n, nil})
	}
	h.Engine.Now = x.now
	if create.Fail != "" {
		x.failExecution(create.Fail)
		return
	}
	x.startMonitors()
	if h.ScheduleDate != nil && h.ScheduleDate.After(x.now) {
		x.setTimer(model.Timer{ID: string(model.TimerSchedule), Kind: model.TimerSchedule, Due: *h.ScheduleDate})
		return
	}
	x.askGate()
}

func copies(runs []*model.TaskRun) []*model.TaskRun {
	out := make([]*model.TaskRun, len(runs))
	for i, r := range runs {
		c := *r
		out[i] = &c
	}
	return out
}

// askGate asks for a slot where the flow has a concurrency limit, and begins at once where it has none.
func (x *turn) askGate() {
	c := x.s.Flow.Concurrency
	if c == nil {
		x.admit()
		return
	}
	h := x.head()
	h.Engine.Visit++
	h.Engine.InGate = true
	x.sendGate(model.EventEnter)
}

// sendGate sends a message of this execution to the gate of its flow.
func (x *turn) sendGate(kind model.EventKind) {
	e := x.s.Exec
	m := &model.GateMessage{ExecutionID: e.ID, Visit: e.Engine.Visit, Since: e.State.Start(), Priority: e.Engine.Priority}
	if c := x.s.Flow.Concurrency; c != nil {
		m.Limit, m.Behavior, m.Revision = c.Limit, c.Behavior, e.FlowRevision
	}
	x.send(model.Event{To: model.GateEntity(e.Tenant, e.Namespace, e.FlowID), Kind: kind, Gate: m})
}

// admit lets the execution run.
func (x *turn) admit() {
	h := x.head()
	h.Engine.Admitted = true
	h.State = h.State.With(model.Running, x.now)
	x.startAgain()
	x.resumeAll()
}

// resumeAll advances every list that has not ended: after a start, a resume or a restart.
func (x *turn) resumeAll() {
	x.push(x.s.root)
	for n := range x.s.newestFirst() {
		if n.frame != nil && !n.ended() {
			x.push(n.frame)
		}
	}
}

func (x *turn) onGranted() {
	e := x.s.Exec
	switch m := x.ev.Gate; {
	case !e.Engine.InGate || m.Visit != e.Engine.Visit:
		x.ignore("the slot is no longer wanted")
		x.send(model.Event{To: model.GateEntity(e.Tenant, e.Namespace, e.FlowID), Kind: model.EventLeft, Gate: m})
	case e.Engine.Admitted:
		x.ignore("the execution runs already")
	default:
		x.admit()
	}
}

func (x *turn) onQueued() {
	e := x.s.Exec
	if !e.Engine.InGate || x.ev.Gate.Visit != e.Engine.Visit || e.Engine.Admitted || e.State.Current() != model.Created {
		x.ignore("the execution does not wait for a slot")
		return
	}
	h := x.head()
	h.State = h.State.With(model.Queued, x.now)
}

func (x *turn) onRefused() {
	e := x.s.Exec
	if !e.Engine.InGate || x.ev.Gate.Visit != e.Engine.Visit || e.Engine.Admitted {
		x.ignore("the execution does not wait for a slot")
		return
	}
	x.head().Engine.InGate = false
	end := model.Cancelled
	if x.ev.Gate.Behavior == model.BehaviorFail {
		end = model.Failed
	}
	x.log(nil, model.LevelWarn, "the flow's concurrency limit of %d is reached", x.ev.Gate.Limit)
	x.terminateAll(end, model.Killed)
}

func (x *turn) onTimer() {
	timer := x.ev.Timer
	if set, ok := x.s.timers[timer.ID]; !ok || !set.Due.Equal(timer.Due) {
		x.ignore("the timer is not set")
		return
	}
	x.clearTimer(timer.ID)
	n := x.s.nodes[timer.TaskRunID]
	switch timer.Kind {
	case model.TimerSchedule:
		if x.s.Exec.State.Current() == model.Created {
			x.askGate()
		}
	case model.TimerRetry:
		x.retryTask(n)
	case model.TimerRetryFlow:
		x.retryExecution()
	case model.TimerResume:
		x.resumeByItself(n)
	case model.TimerLoop:
		x.nextTurn(n)
	case model.TimerSLA:
		x.slaOverdue(timer.Ref)
	}
}

// conclude brings the execution's own state in line with its task runs.
func (x *turn) conclude() {
	if !x.s.Exists() || x.t.Deleted {
		return
	}
	x.assertSLA()
	x.settle()
	e := x.s.Exec
	cur := e.State.Current()
	if !e.Engine.Admitted || cur.Terminated() || cur == model.Killing {
		return
	}
	want := model.Running
	switch t := x.s.tally; {
	case e.Engine.AtBreakpoint:
		want = model.Breakpoint
	case e.Engine.PausedByAPI:
		want = model.Paused
	case t.busy > 0:
	case t.paused > 0:
		want = model.Paused
	case t.retrying > 0:
		want = model.Retrying
	}
	if cur != want {
		h := x.head()
		if want == model.Running && cur.IsPaused() {
			h.State = h.State.With(model.Restarted, x.now)
		}
		h.State = bounded(h.State.With(want, x.now), model.Running, model.Paused, model.Restarted)
	}
}
