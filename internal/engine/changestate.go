package engine

import (
	"slices"
	"strconv"

	"github.com/windhover-io/windhover/internal/model"
)

// changeState gives a task run of an ended or paused execution another end, and goes on from there.
func (x *turn) changeState(a *model.Action) {
	n := x.s.nodes[a.TaskRunID]
	if !x.mayChange(n, a) {
		return
	}
	around := x.selectAgain(func(o *node) bool { return o == n })
	around[n] = false // what is below it stays
	var gone []*node
	for o := range x.s.all() {
		if _, ok := around[o]; !ok && x.follows(o, around) || x.comesAfter(o, n) {
			gone = append(gone, o)
		}
	}
	x.discard(gone)
	for p := range x.s.up(x.s.nodes[n.run.ParentID]) {
		x.clearTimersOf(p)
		x.runAgain(x.edit(p), false)
	}
	x.cutBelow(n, model.Killed)
	if n.class() == busy && n.run.Engine.Job > 0 {
		x.revoke(n)
	}
	x.clearTimersOf(n)
	run := x.edit(n)
	run.State = slices.Clip(run.State).With(a.State, x.now)
	if len(run.Attempts) > 0 {
		x.reviseAttempt(n, a.State)
	}
	x.goOn()
}

// cutBelow ends what is still open below a task run.
func (x *turn) cutBelow(n *node, s model.State) {
	for _, c := range n.kids {
		x.cutBelow(c, s)
		if !c.gone && !c.ended() {
			x.clearTimersOf(c)
			x.abandon(c)
			x.cut(c, s)
		}
	}
}

// mayChange tells whether the task run can be given the end, and refuses if not.
func (x *turn) mayChange(n *node, a *model.Action) bool {
	cur := x.s.Exec.State.Current()
	switch {
	case n == nil:
		x.refuse(model.AnswerInvalid, "the execution has no task run "+strconv.Quote(a.TaskRunID))
	case cur == model.Retried:
		x.refuse(model.AnswerConflict, "another execution has taken over from this one")
	case !cur.Terminated() && !cur.IsPaused():
		x.refuse(model.AnswerConflict, "only an ended or paused execution can be changed, it is "+cur.String())
	case !a.State.Terminated():
		x.refuse(model.AnswerInvalid, a.State.String()+" is not an end")
	case x.handles(n):
		x.refuse(model.AnswerInvalid, "the task "+n.run.TaskID+" handles a failure or follows the end: nothing goes on after it")
	case n.task == nil || n.parent == nil:
		x.refuse(model.AnswerInvalid, "the task run "+n.run.TaskID+" is part of a job: only the whole can be changed")
	default:
		return true
	}
	return false
}

// comesAfter tells whether a task run goes when another one is given another end: it ran after it, and is not below it.
func (x *turn) comesAfter(o, n *node) bool {
	return o.run.Engine.Seq > n.run.Engine.Seq && !x.standsBefore(o, n) && !slices.Contains(x.lineage(o), n)
}

// reviseAttempt gives the newest attempt another end.
func (x *turn) reviseAttempt(n *node, s model.State) {
	run := x.edit(n)
	run.Attempts = slices.Clone(run.Attempts)
	last := &run.Attempts[len(run.Attempts)-1]
	last.State = slices.Clip(last.State).With(s, x.now)
}
