package engine

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// awaited returns the task run that a job's report is about, if that very hand-out is still wanted.
func (x *turn) awaited() *node {
	r := x.ev.Job
	n := x.s.nodes[r.TaskRunID]
	switch {
	case n == nil:
		x.ignore("there is no such task run")
	case n.run.Engine.Job != r.Attempt:
		x.ignore("the report is about an older hand-out")
	case n.ended() || n.class() != busy:
		x.ignore("the task run does not wait for a worker")
	default:
		return n
	}
	x.t.JobsDone = append(x.t.JobsDone, r.ID)
	return nil
}

func (x *turn) onJobStarted() {
	n := x.awaited()
	if n == nil {
		x.t.JobsDone = nil // the job may still run: its end acknowledges it
		return
	}
	if n.run.State.Current().IsRunning() {
		x.ignore("the task run is running already")
		return
	}
	x.openAttempt(n)
	x.move(n, model.Running)
	run := x.edit(n)
	run.Attempts[len(run.Attempts)-1].WorkerID = x.ev.Job.WorkerID
}

func (x *turn) onJobEnded() {
	n, r := x.awaited(), x.ev.Job
	if n == nil {
		return
	}
	x.t.JobsDone = append(x.t.JobsDone, r.ID)
	x.t.Logs = append(x.t.Logs, r.Logs...)
	x.t.Metrics = append(x.t.Metrics, r.Metrics...)
	if r.Errors > 0 {
		x.head().Engine.Errors += r.Errors
	}
	x.recordAttempt(n, r)
	run := x.edit(n)
	run.Outputs, n.parsed = r.Outputs, nil
	run.Engine.Error, run.Engine.Values = r.Error, r.Values
	x.adopt(n, r.Children)
	x.endLeaf(n, r.State)
}

// recordAttempt enters the attempt that the worker reports. The worker need not have reported its start: a short job's
// start comes with its end.
func (x *turn) recordAttempt(n *node, r *model.JobReport) {
	run := x.edit(n)
	started, ended := x.clampReport(r)
	if last := n.lastAttempt(); last == nil || last.State.Current().Terminated() {
		run.State = run.State.With(model.Running, started)
		a := model.Attempt{State: model.NewHistory(model.Created, started).With(model.Running, started).With(r.State, ended)}
		a.WorkerID, a.LogFile = r.WorkerID, r.LogFile
		run.Attempts = append(run.Attempts[:len(run.Attempts):len(run.Attempts)], a)
		return
	}
	run.Attempts = append([]model.Attempt(nil), run.Attempts...)
	last := n.lastAttempt()
	last.State, last.LogFile = last.State.With(r.State, ended), r.LogFile
}

// clampReport keeps a worker's clock from putting an attempt before its task run or after the execution's own time.
func (x *turn) clampReport(r *model.JobReport) (started, ended time.Time) {
	n := x.s.nodes[r.TaskRunID]
	created := n.run.State[len(n.run.State)-1].Date
	ended = r.Ended
	if ended.IsZero() || ended.After(x.now) {
		ended = x.now
	}
	ended = laterOf(ended, created)
	started = laterOf(r.Started, created)
	if started.After(ended) {
		started = ended
	}
	return started, ended
}

// adopt enters the task runs that a job reports of its own: children of a WorkingDirectory, and dynamic ones.
func (x *turn) adopt(n *node, children []*model.TaskRun) {
	for _, c := range children {
		if x.s.nodes[c.ID] != nil {
			continue
		}
		e, run := x.head(), *c
		run.Tenant, run.ExecutionID, run.Namespace, run.FlowID = e.Tenant, e.ID, e.Namespace, e.FlowID
		run.ParentID = n.run.ID
		run.Engine.Seq = e.Engine.Runs
		e.Engine.Runs++
		child := x.s.attach(&run)
		child.turn = x.id
		x.changed = append(x.changed, change{child, nil})
	}
}

// onJobLost handles a job whose worker is dead: the task is handed out again, unless it was to be killed or has lost too
// many workers, which is then taken for its own doing.
func (x *turn) onJobLost() {
	n := x.awaited()
	if n == nil {
		return
	}
	x.t.JobsDone = append(x.t.JobsDone, x.ev.Job.ID)
	run := x.edit(n)
	run.Engine.Lost++
	if last := n.lastAttempt(); last != nil && !last.State.Current().Terminated() {
		x.closeAttempt(n, model.Killed)
	}
	switch {
	case x.killing():
		x.endLeaf(n, model.Killed)
	case run.Engine.Lost >= maxLost:
		x.log(n, model.LevelError, "%d workers died while they ran this task", run.Engine.Lost)
		run.Engine.Error = "its workers died"
		x.endLeaf(n, model.Failed)
	default:
		x.log(n, model.LevelWarn, "the worker died; the task is handed out again")
		x.move(n, model.Resubmitted)
		x.handOut(n)
	}
}

// maxLost is how many workers a task may lose before it fails.
const maxLost = 5

// endLeaf ends a task run that has no children of its own with the state that its work came to, unless it is tried again.
func (x *turn) endLeaf(n *node, s model.State) {
	if x.killing() && s == model.Failed {
		s = model.Killed
	}
	if s == model.Failed && x.tryAgain(n) {
		return
	}
	if p := x.policy(n); s == model.Success && len(n.run.Attempts) > 1 && p != nil && p.WarnOnRetry {
		s = model.Warning
	}
	if n.task.Kind == model.KindWorkingDirectory {
		x.endDirectory(n, s)
		return
	}
	x.move(n, x.allowed(n.task, s))
}

// killing tells whether what is under way is to end as killed; tasks that follow the end are not.
func (x *turn) killing() bool {
	return x.s.Exec.Engine.Kill != 0 && !x.s.Exec.State.Current().Terminated()
}

// endDirectory ends a WorkingDirectory whose job has ended, after its errors and finally if it has any. They run outside of
// the directory, as jobs of their own.
func (x *turn) endDirectory(n *node, s model.State) {
	handlers := len(enabled(n.task.Finally)) > 0 || s == model.Failed && len(enabled(n.task.Errors)) > 0
	if s == model.Killed || !handlers {
		x.endFlowable(n, s)
		return
	}
	x.s.tally.add(n.class(), -1)
	x.edit(n).Engine.JobEnd = s
	x.s.tally.add(n.class(), 1)
	x.move(n, model.Running)
	n.frame = x.s.frameOf(n)
	x.push(n.frame)
}

// allowed maps an end by allowFailure and allowWarning.
func (x *turn) allowed(t *model.Task, s model.State) model.State { return Allowed(t, s, 1) }

// endFlowable ends a flowable task run.
func (x *turn) endFlowable(n *node, s model.State) {
	if n.task.Kind == model.KindLoop && s == model.Failed && !boolProp(n.task, "transmitFailed", true) {
		s = model.Success
	}
	came := s
	s = x.allowed(n.task, s)
	switch {
	case n.task.Kind != model.KindWorkingDirectory:
		x.closeAttempt(n, s)
	case s != came: // its job has closed the attempt
		x.reviseAttempt(n, s)
	}
	x.move(n, s)
}

// endFlow ends an execution whose flow has come to its own end: it has outputs, one that is cut off has none.
func (x *turn) endFlow(s model.State) {
	x.endExecution(s)
	if s == model.Killed {
		return
	}
	if err := x.renderOutputs(); err != nil {
		x.log(nil, model.LevelError, "failed to render output values: %v", err)
		h := x.head()
		h.State = h.State.With(model.Failed, x.now)
	}
}

// endExecution ends the execution: the afterExecution list follows.
func (x *turn) endExecution(s model.State) {
	h := x.head()
	h.Engine.Admitted = true // what is still to come may come
	h.State = h.State.With(s, x.now)
	x.s.root.phase = model.SectionAfter
	x.push(x.s.root)
}

// failExecution ends the execution for a reason that belongs to no task run.
func (x *turn) failExecution(reason string) {
	x.log(nil, model.LevelError, "%s", reason)
	x.head().Engine.Failure = x.hidden(reason)
	x.terminateAll(model.Failed, model.Killed)
}

// finishExecution is the last thing that happens to an execution: whoever waits for it is told.
func (x *turn) finishExecution() {
	h := x.head()
	if h.State.Current() == model.Retried && x.hasTimer(string(model.TimerRetryFlow)) {
		return
	}
	h.Engine.Finished = true
	x.tellTrigger()
	if h.Engine.InGate {
		h.Engine.InGate = false
		x.sendGate(model.EventLeft)
	}
	for _, id := range x.timerIDs() {
		x.clearTimer(id)
	}
	if h.Engine.Waiting != nil && h.State.Current() != model.Retried {
		x.tellWaiter()
	}
}

// tellWaiter tells the task run that waits for the execution how it has ended.
func (x *turn) tellWaiter() {
	e := x.s.Exec
	w := e.Engine.Waiting
	x.send(model.Event{To: model.ExecutionEntity(w.ExecutionID), Kind: model.EventChildEnded, Child: &model.ChildEnd{
		Waiting: *w, ChildID: e.ID, State: e.State.Current(), Outputs: e.Outputs, Failure: x.failure(), Context: x.contextFor(w),
	}})
}

// terminate ends the execution with all that is under way: an Exit task, a broken SLA or a cancelling Pause has decided.
// The task run that decided, and those around it, take the same state; everything else that is open is killed, and so are the
// executions that are waited for.
func (x *turn) terminate(by *node, s model.State) {
	if x.s.Exec.State.Current().Terminated() { // within afterExecution, where nothing is decided any more
		x.cut(by, s)
		return
	}
	for n := range x.s.up(by) {
		if !n.ended() {
			x.cut(n, s)
		}
	}
	x.cutAll(model.Killed)
	x.endExecution(s)
}

// cutAll ends everything that is under way, in the executions that are waited for too.
func (x *turn) cutAll(s model.State) {
	for n := range x.s.newestFirst() {
		if !n.ended() {
			x.abandon(n)
			x.cut(n, s)
		}
	}
}

// cut ends a task run at once, whatever it was doing. A worker that runs it is told to stop, and its report is ignored.
func (x *turn) cut(n *node, s model.State) {
	if n.class() == busy && n.run.Engine.Job > 0 {
		x.revoke(n)
	}
	if last := n.lastAttempt(); last != nil && !last.State.Current().Terminated() {
		x.closeAttempt(n, s)
	}
	x.move(n, s)
}

// revoke takes a job back: it is not handed out any more, and whoever runs it is to stop.
func (x *turn) revoke(n *node) {
	id := model.JobID(n.run.ID, n.run.Engine.Job)
	x.t.CancelJobs = append(x.t.CancelJobs, id)
	x.t.JobsDone = append(x.t.JobsDone, id)
}

// failure is the reason of a failed execution in one line, for whoever waits for it.
func (x *turn) failure() string {
	if x.s.Exec.State.Current() != model.Failed {
		return ""
	}
	if f := x.s.Exec.Engine.Failure; f != "" {
		return f
	}
	for n := range x.s.newestFirst() {
		if n.run.Engine.Error != "" && n.run.State.Current() == model.Failed {
			return n.run.TaskID + ": " + n.run.Engine.Error
		}
	}
	return ""
}
