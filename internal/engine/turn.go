package engine

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// turn is one Step under way: what it read, what it changed and what has to follow.
type turn struct {
	s   *State
	env *Env
	ev  *model.Event
	now time.Time
	id  int64 // of this turn among those of the execution

	t       *model.Transition
	before  *model.Execution
	copied  bool // s.Exec is this turn's own copy
	changed []change
	dropped []*model.TaskRun
	putOff  []*node // what had been put off before
	lacks   needs   // what was put off waits for these
	timers  []timerChange
	work    []*frame
	reason  string       // why nothing was done
	verdict model.Answer // what an action came to, for when it is delivered again
}

// change is a task run that the turn copied for writing, or created.
type change struct {
	n   *node
	old *model.TaskRun // nil if created
}

// timerChange is what a timer was before the turn touched it; nil if it was not set.
type timerChange struct {
	id  string
	old *model.Timer
}

// head returns the header for writing.
func (x *turn) head() *model.Execution {
	if !x.copied {
		c := *x.s.Exec
		x.s.Exec, x.copied = &c, true
	}
	return x.s.Exec
}

// edit returns the task run for writing: the turn's own copy, since older snapshots belong to others.
func (x *turn) edit(n *node) *model.TaskRun {
	if n.turn != x.id {
		x.changed = append(x.changed, change{n, n.run})
		c := *n.run
		n.run, n.turn = &c, x.id
	}
	return n.run
}

// create adds a task run in state CREATED.
func (x *turn) create(task *model.Task, parent *frame, sec model.Section, group, turnNo int, val *string) *node {
	exec := x.head()
	parentID := ""
	if parent != nil && parent.node != nil {
		parentID = parent.node.run.ID
	}
	run := &model.TaskRun{
		Tenant: exec.Tenant, ID: taskRunID(exec, parentID, task, group, turnNo), ExecutionID: exec.ID,
		Namespace: exec.Namespace, FlowID: exec.FlowID, TaskID: task.ID, ParentID: parentID,
		State:  model.NewHistory(model.Created, x.now),
		Engine: model.RunState{Seq: exec.Engine.Runs, Section: sec, Group: group},
	}
	if val != nil {
		run.Value, run.Iteration = val, &group
	} else if turnNo > 0 {
		i := turnNo - 1
		run.Iteration = &i
	}
	exec.Engine.Runs++
	n := x.s.attach(run)
	n.turn = x.id
	x.changed = append(x.changed, change{n, nil})
	return n
}

// move takes a task run through states and tells its parent when it has come to an end.
func (x *turn) move(n *node, states ...model.State) {
	was, old := n.ended(), n.class()
	run := x.edit(n)
	for _, s := range states {
		run.State = run.State.With(s, x.now)
	}
	x.s.tally.add(old, -1)
	x.s.tally.add(n.class(), 1)
	switch {
	case was || !n.ended():
	case n.parent == nil:
		x.push(x.s.root)
	default:
		n.parent.childEnded(n)
		x.push(n.parent)
	}
}

// openAttempt begins an attempt that is already running; a task run's attempt mirrors it unless a worker says otherwise.
func (x *turn) openAttempt(n *node) {
	run := x.edit(n)
	a := model.Attempt{State: model.NewHistory(model.Created, x.now).With(model.Running, x.now)}
	run.Attempts = append(run.Attempts[:len(run.Attempts):len(run.Attempts)], a)
}

// closeAttempt ends the open attempt, or adds one that ended before it could start.
func (x *turn) closeAttempt(n *node, s model.State) {
	run := x.edit(n)
	if last := n.lastAttempt(); last == nil || last.State.Current().Terminated() {
		run.Attempts = append(run.Attempts[:len(run.Attempts):len(run.Attempts)], model.Attempt{State: model.NewHistory(s, x.now)})
		return
	}
	run.Attempts = append([]model.Attempt(nil), run.Attempts...)
	last := n.lastAttempt()
	last.State = last.State.With(s, x.now)
}

// push asks for a frame to be advanced within this turn.
func (x *turn) push(f *frame) {
	if !f.queued {
		f.queued = true
		x.work = append(x.work, f)
	}
}

// settle advances frames until none has anything to do.
func (x *turn) settle() {
	for len(x.work) > 0 {
		f := x.work[len(x.work)-1]
		x.work = x.work[:len(x.work)-1]
		f.queued = false
		x.advance(f)
	}
}

// log writes a line of the engine's own to the execution's log.
func (x *turn) log(n *node, level model.Level, format string, args ...any) {
	e := x.s.Exec
	line := model.LogEntry{
		Tenant: e.Tenant, Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID, Timestamp: x.now, Level: level,
		Thread: "executor", Message: x.hidden(fmt.Sprintf(format, args...)), Kind: e.Kind, Seq: engineSeq + int(x.id)<<10 + len(x.t.Logs),
	}
	if n != nil {
		line.TaskID, line.TaskRunID = n.run.TaskID, n.run.ID
		attempt := max(len(n.run.Attempts)-1, 0)
		line.Attempt = &attempt
	}
	x.t.Logs = append(x.t.Logs, line)
	if level == model.LevelError {
		x.head().Engine.Errors++
	}
}

// hidden is a text for people, without the secrets that expressions of the execution have seen.
func (x *turn) hidden(text string) string {
	if x.env.Hide == nil || x.s.Exec == nil || text == "" {
		return text
	}
	return x.env.Hide(x.s.Exec.ID, text)
}

// engineSeq keeps the engine's lines apart from those of the worker, which count from 0.
const engineSeq = 1 << 40

// send emits an event to another entity. Its id follows from the transition and its place in it, so that a repeated
// transition repeats the same events.
func (x *turn) send(e model.Event) {
	e.ID = model.DeriveID("event", x.s.Exec.ID, strconv.FormatInt(x.id, 10), strconv.Itoa(len(x.t.Events)))
	e.At = x.now
	x.t.Events = append(x.t.Events, e)
}

// setTimer sets or replaces a timer of the execution.
func (x *turn) setTimer(t model.Timer) {
	x.keepTimer(t.ID)
	t.Of = model.ExecutionEntity(x.s.Exec.ID)
	x.s.timers[t.ID] = t
	x.unsetTimer(t.ID)
	x.t.SetTimers = append(x.t.SetTimers, t)
}

// unsetTimer takes back that the turn has set a timer.
func (x *turn) unsetTimer(id string) {
	x.t.SetTimers = slices.DeleteFunc(x.t.SetTimers, func(t model.Timer) bool { return t.ID == id })
}

// clearTimer removes a timer if it is set.
func (x *turn) clearTimer(id string) {
	if _, ok := x.s.timers[id]; ok {
		x.keepTimer(id)
		delete(x.s.timers, id)
		x.unsetTimer(id)
		x.t.ClearTimers = append(x.t.ClearTimers, id)
	}
}

func (x *turn) keepTimer(id string) {
	var old *model.Timer
	if t, ok := x.s.timers[id]; ok {
		old = &t
	}
	x.timers = append(x.timers, timerChange{id, old})
}

// forgetBelow removes all that is below a task run for good; all of it has ended. The caller sees to the frame that the
// children counted in.
func (x *turn) forgetBelow(n *node) {
	for _, c := range n.kids {
		x.forgetBelow(c)
		x.forget(c)
	}
	n.kids = nil
}

// forget removes a task run for good. The caller sees to what it counted in and to its parent's children.
func (x *turn) forget(n *node) {
	x.s.drop(n)
	if n.turn == x.id {
		i := slices.IndexFunc(x.changed, func(c change) bool { return c.n == n })
		old := x.changed[i].old
		if x.changed = slices.Delete(x.changed, i, i+1); old == nil {
			return // it was never stored
		}
		n.run = old
	}
	x.t.DropRuns = append(x.t.DropRuns, n.run.ID)
	x.dropped = append(x.dropped, n.run)
}

// discard removes task runs, with whatever they still wait for, before the indexes are built anew.
func (x *turn) discard(nodes []*node) {
	for _, n := range nodes {
		if n.class() == busy && n.run.Engine.Job > 0 {
			x.revoke(n)
		}
		x.clearTimersOf(n)
		x.forget(n)
	}
}

func (x *turn) clearTimersOf(n *node) {
	for _, kind := range []string{"retry:", "loop:", "resume:"} {
		x.clearTimer(kind + n.run.ID)
	}
}

// reindex rebuilds everything derived, after records were dropped or set back.
func (x *turn) reindex() {
	olds := make(map[string]*model.TaskRun, len(x.changed))
	for _, c := range x.changed {
		olds[c.n.run.ID] = c.old
	}
	x.s.index(x.s.Records())
	x.changed, x.work = x.changed[:0], x.work[:0]
	for n := range x.s.all() {
		if old, ok := olds[n.run.ID]; ok {
			n.turn = x.id
			x.changed = append(x.changed, change{n, old})
		}
	}
}

// undo puts the state back to what it was before the turn.
func (x *turn) undo() {
	for _, f := range x.work {
		f.queued = false
	}
	if !x.altered() {
		x.s.putOff = x.putOff
		return
	}
	olds := make(map[string]*model.TaskRun, len(x.changed))
	for _, c := range x.changed {
		olds[c.n.run.ID] = c.old
	}
	var runs []*model.TaskRun
	for _, run := range x.s.Records() {
		if old, touched := olds[run.ID]; !touched {
			runs = append(runs, run)
		} else if old != nil {
			runs = append(runs, old)
		}
	}
	runs = append(runs, x.dropped...)
	slices.SortFunc(runs, func(a, b *model.TaskRun) int { return a.Engine.Seq - b.Engine.Seq })
	x.s.Exec = x.before
	x.restoreTimers(0)
	x.s.index(runs)
}

// altered tells whether the turn has changed anything.
func (x *turn) altered() bool {
	return x.copied || len(x.changed) > 0 || len(x.dropped) > 0 || len(x.timers) > 0
}
