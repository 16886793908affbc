package engine

import (
	"strconv"

	"github.com/windhover-io/windhover/internal/model"
)

// restart runs the failed tasks of an ended execution again and goes on from there; on another revision, in a new execution.
func (x *turn) restart(a *model.Action) {
	e := x.s.Exec
	cur := e.State.Current()
	if !cur.Terminated() && !cur.IsPaused() {
		x.refuse(model.AnswerConflict, "only an ended or paused execution can be restarted, it is "+cur.String())
		return
	}
	again := x.withAncestors(func(n *node) bool {
		c := n.run.State.Current()
		return c == model.Failed || c == model.Paused || c == model.Killed && cur == model.Killed
	})
	if len(again) == 0 {
		x.refuse(model.AnswerInvalid, "no task of the execution has failed")
		return
	}
	if a.Revision != 0 && a.Revision != e.FlowRevision {
		x.copyTo(a, again, func(n *node) bool { return !x.afterTheFact(n, again) })
		return
	}
	var gone []*node
	for _, n := range x.s.order {
		if n != nil && x.afterTheFact(n, again) {
			gone = append(gone, n)
		}
	}
	x.forget(gone)
	for _, n := range x.s.order {
		if n != nil && again[n] {
			x.reopen(n, again)
		}
	}
	h := x.head()
	h.Metadata.AttemptNumber++
	h.Labels = mergeLabels(h.Labels, []model.Label{{Key: model.LabelRestarted, Value: "true"}})
	h.State = h.State.With(model.Restarted, x.now).With(model.Running, x.now)
	h.Outputs = nil
	h.Engine.Finished, h.Engine.Kill, h.Engine.Failure = false, 0, ""
	h.Engine.PausedByAPI, h.Engine.AtBreakpoint = false, false
	x.goOn()
}

// goOn advances an execution whose records were set back, once it has a slot again.
func (x *turn) goOn() {
	x.reindex()
	if c := x.s.Flow.Concurrency; c != nil && !x.s.Exec.Engine.InGate {
		h := x.head()
		h.Engine.Visit++
		h.Engine.InGate = true
		x.sendForced() // it had its turn in the queue before
	}
	x.head().Engine.Admitted = true
	x.startAgain()
	x.resumeAll()
}

// startAgain starts the task runs that were set back to RESTARTED.
func (x *turn) startAgain() {
	for _, n := range append([]*node(nil), x.s.order...) {
		if n != nil && n.run.State.Current() == model.Restarted && n.task != nil {
			x.start(n)
		}
	}
}

// withAncestors selects task runs and everything around them.
func (x *turn) withAncestors(pick func(*node) bool) map[*node]bool {
	set := map[*node]bool{}
	for _, n := range x.s.order {
		if n == nil || !pick(n) || n.run.Engine.Section == model.SectionAfter {
			continue
		}
		for p := n; p != nil && !set[p]; p = x.s.nodes[p.run.ParentID] {
			set[p] = true
		}
	}
	return set
}

// afterTheFact tells whether a task run goes when what failed runs again: it handled the failure or came after the end,
// or it belongs to a WorkingDirectory that runs again as a whole.
func (x *turn) afterTheFact(n *node, again map[*node]bool) bool {
	for p := n; p != nil; p = x.s.nodes[p.run.ParentID] {
		if p.run.Engine.Section != model.SectionTasks {
			return true
		}
		up := x.s.nodes[p.run.ParentID]
		if up != nil && up.task != nil && up.task.Kind == model.KindWorkingDirectory && again[up] {
			return true
		}
	}
	return false
}

// reopen sets a task run back: what does the work starts again, what is around it runs.
func (x *turn) reopen(n *node, again map[*node]bool) {
	run := x.edit(n)
	run.Engine.Error, run.Engine.Broken = "", false
	if x.leaf(n, again) {
		run.State = run.State.With(model.Restarted, x.now)
		return
	}
	run.State = run.State.With(model.Running, x.now)
	x.openAttempt(n)
}

// leaf tells whether nothing below a task run is to run again, so that it starts anew itself.
func (x *turn) leaf(n *node, again map[*node]bool) bool {
	if n.task == nil || !n.task.Kind.Flowable() {
		return true
	}
	for _, c := range x.childrenOf(n) {
		if again[c] {
			return false
		}
	}
	return true
}

// replay creates an execution that repeats this one: from its beginning, or from a task run on.
func (x *turn) replay(a *model.Action) {
	e := x.s.Exec
	if a.TaskRunID == "" {
		x.copyTo(a, nil, func(*node) bool { return false })
		return
	}
	from := x.s.nodes[a.TaskRunID]
	if from == nil {
		x.refuse(model.AnswerInvalid, "the execution "+e.ID+" has no task run "+a.TaskRunID)
		return
	}
	again := x.withAncestors(func(n *node) bool { return n == from })
	x.copyTo(a, again, func(n *node) bool { return again[n] || x.precedes(n, from) })
}

// precedes tells whether a task run is finished and stands before another one in the flow, so that a replay keeps it.
func (x *turn) precedes(n, from *node) bool {
	if n.run.Engine.Section != model.SectionTasks || n.task == nil || !n.ended() {
		return false
	}
	a, b := x.lineage(n), x.lineage(from)
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return sameBranch(a[i], b[i])
		}
	}
	return len(a) < len(b)
}

// sameBranch tells whether one sibling comes before another, or beside it.
func sameBranch(a, b *node) bool {
	parallel := a.task.Parent != nil && (a.task.Parent.Kind == model.KindParallel || a.task.Parent.Kind == model.KindEachParallel)
	if parallel || a.parent != nil && a.parent.loop != nil && a.parent.loop.limit != 1 && a.group != b.group {
		return true
	}
	return a.run.Engine.Seq < b.run.Engine.Seq
}

// lineage lists a task run and what is around it, outermost first.
func (x *turn) lineage(n *node) (out []*node) {
	for ; n != nil; n = x.s.nodes[n.run.ParentID] {
		out = append([]*node{n}, out...)
	}
	return out
}

// copyTo creates another execution from this one, with copies of the task runs that are kept, under new ids.
func (x *turn) copyTo(a *model.Action, again map[*node]bool, keep func(*node) bool) {
	e := x.s.Exec
	id := a.NewID
	if id == "" {
		id = model.DeriveID("copy", e.ID, x.ev.ID)
	}
	next := x.successor(id)
	next.Trigger, next.Breakpoints = e.Trigger, a.Breakpoints
	if a.Revision != 0 {
		next.FlowRevision = a.Revision
	}
	if len(a.Inputs) > 0 {
		next.Inputs = a.Inputs
	}
	label := model.LabelReplay
	if x.ev.Kind == model.EventRestart {
		label = model.LabelRestarted
	}
	next.Labels = mergeLabels(withoutKey(e.Labels, model.LabelCorrelation), []model.Label{
		{Key: model.LabelCorrelation, Value: id}, {Key: label, Value: "true"},
	})
	create := &model.NewExecution{Execution: next}
	ids := map[string]string{}
	for _, n := range x.s.order {
		if n == nil || !keep(n) {
			continue
		}
		run := *n.run
		ids[n.run.ID] = model.DeriveID("copy", id, n.run.ID)
		run.ID, run.ExecutionID, run.ParentID = ids[n.run.ID], id, ids[n.run.ParentID]
		run.Engine.Seq = next.Engine.Runs
		next.Engine.Runs++
		if again[n] {
			x.reopenCopy(n, &run, again)
		}
		create.TaskRuns = append(create.TaskRuns, &run)
	}
	if len(create.TaskRuns) > 0 {
		next.State = next.State.With(model.Restarted, x.now)
	}
	x.send(model.Event{To: model.ExecutionEntity(id), Kind: model.EventCreate, Create: create})
	x.answer(model.Answer{Execution: next})
}

func (x *turn) reopenCopy(n *node, run *model.TaskRun, again map[*node]bool) {
	run.Engine.Broken, run.Engine.Error = false, ""
	if x.leaf(n, again) {
		run.State = run.State[:len(run.State):len(run.State)].With(model.Restarted, x.now)
		return
	}
	run.State = run.State[:len(run.State):len(run.State)].With(model.Running, x.now)
}

func withoutKey(labels []model.Label, key string) (out []model.Label) {
	for _, l := range labels {
		if l.Key != key {
			out = append(out, l)
		}
	}
	return out
}

// changeState gives a task run of an ended or paused execution another end, and goes on from there.
func (x *turn) changeState(a *model.Action) {
	e := x.s.Exec
	cur := e.State.Current()
	n := x.s.nodes[a.TaskRunID]
	switch {
	case n == nil:
		x.refuse(model.AnswerInvalid, "the execution has no task run "+strconv.Quote(a.TaskRunID))
		return
	case !cur.Terminated() && !cur.IsPaused():
		x.refuse(model.AnswerConflict, "only an ended or paused execution can be changed, it is "+cur.String())
		return
	case !a.State.Terminated():
		x.refuse(model.AnswerInvalid, a.State.String()+" is not an end")
		return
	}
	var gone []*node
	around := x.withAncestors(func(o *node) bool { return o == n })
	for _, o := range x.s.order {
		if o != nil && !around[o] && (x.afterTheFact(o, around) || !x.precedes(o, n) && o.run.Engine.Seq > n.run.Engine.Seq) && !x.below(o, n) {
			gone = append(gone, o)
		}
	}
	x.forget(gone)
	for p := x.s.nodes[n.run.ParentID]; p != nil; p = x.s.nodes[p.run.ParentID] {
		x.edit(p).State = p.run.State.With(model.Running, x.now)
	}
	run := x.edit(n)
	run.State = run.State.With(a.State, x.now)
	if len(run.Attempts) > 0 {
		x.reviseAttempt(n, a.State)
	}
	h := x.head()
	h.Metadata.AttemptNumber++ // what runs again gets other ids than what was dropped
	h.State = h.State.With(model.Restarted, x.now).With(model.Running, x.now)
	h.Engine.Finished, h.Engine.Kill, h.Engine.Failure = false, 0, ""
	h.Engine.PausedByAPI, h.Engine.AtBreakpoint = false, false
	x.goOn()
}

// below tells whether a task run is inside another one.
func (x *turn) below(n, above *node) bool {
	for p := x.s.nodes[n.run.ParentID]; p != nil; p = x.s.nodes[p.run.ParentID] {
		if p == above {
			return true
		}
	}
	return false
}

// reviseAttempt gives the newest attempt another end.
func (x *turn) reviseAttempt(n *node, s model.State) {
	run := x.edit(n)
	run.Attempts = append([]model.Attempt(nil), run.Attempts...)
	last := &run.Attempts[len(run.Attempts)-1]
	last.State = last.State[:len(last.State):len(last.State)].With(s, x.now)
}
