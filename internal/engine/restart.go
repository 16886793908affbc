package engine

import (
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// again says which task runs of an execution run again: those that start anew, from their beginning, with true, and those
// that only go on around them with false.
type again map[*node]bool

// restart runs the failed tasks of an ended execution again and goes on from there; on another revision, in a new execution.
func (x *turn) restart(a *model.Action) {
	e := x.s.Exec
	cur := e.State.Current()
	if !cur.Terminated() && !cur.IsPaused() {
		x.refuse(model.AnswerConflict, "only an ended or paused execution can be restarted, it is "+cur.String())
		return
	}
	if cur == model.Retried {
		x.refuse(model.AnswerConflict, "another execution has taken over from this one")
		return
	}
	again := x.selectAgain(func(n *node) bool {
		c := n.run.State.Current()
		return c == model.Failed || c == model.Paused || c == model.Killed && cur == model.Killed || c == model.Cancelled && cur == model.Failed
	})
	if len(again) == 0 {
		x.refuse(model.AnswerInvalid, "no task of the execution has failed")
		return
	}
	if a.Revision != 0 && a.Revision != e.FlowRevision {
		x.copyTo(a, again, func(n *node) bool { return !x.follows(n, again) })
		return
	}
	var gone []*node
	for n := range x.s.all() {
		if x.follows(n, again) {
			gone = append(gone, n)
		}
	}
	x.discard(gone)
	for n := range x.s.all() {
		if anew, ok := again[n]; ok {
			x.clearTimersOf(n)
			x.runAgain(x.edit(n), anew)
		}
	}
	x.head().Labels = mergeLabels(e.Labels, []model.Label{{Key: model.LabelRestarted, Value: "true"}})
	x.goOn()
}

// goOn lets an execution whose records were set back run on, with its slot if it needs one.
func (x *turn) goOn() {
	h := x.head()
	h.Metadata.AttemptNumber++ // what runs again gets other ids than what was dropped
	h.State = h.State.With(model.Restarted, x.now).With(model.Running, x.now)
	h.Outputs = nil
	h.Engine.Finished, h.Engine.Kill, h.Engine.Failure = false, 0, ""
	h.Engine.PausedByAPI, h.Engine.AtBreakpoint = false, false
	x.reindex()
	if x.s.Flow.Concurrency != nil && !h.Engine.InGate {
		h.Engine.Visit++
		h.Engine.InGate = true
		x.sendForced() // it had its turn in the queue before
	}
	h.Engine.Admitted = true
	x.startAgain()
	x.resumeAll()
}

// startAgain starts the task runs that were set back to RESTARTED.
func (x *turn) startAgain() {
	var nodes []*node
	for n := range x.s.all() {
		if n.run.State.Current() == model.Restarted && n.task != nil {
			nodes = append(nodes, n)
		}
	}
	x.startTogether(nodes)
}

// selectAgain selects task runs to start anew, with everything around them. Tasks that handle a failure or follow the end
// are never among them: they run again by themselves, if it comes to that. A WorkingDirectory starts anew as a whole.
func (x *turn) selectAgain(pick func(*node) bool) again {
	set := again{}
	for n := range x.s.all() {
		if !pick(n) || x.handles(n) || !x.belongs(n) {
			continue
		}
		if _, ok := set[n]; !ok {
			set[n] = startsAnew(n)
		}
		for p := range x.s.up(x.s.nodes[n.run.ParentID]) {
			if anew, ok := set[p]; ok && !anew {
				break
			}
			set[p] = p.task != nil && p.task.Kind == model.KindWorkingDirectory
		}
	}
	return set
}

// startsAnew tells whether a task run that is to run again begins from its beginning, rather than with what it still lacks.
func startsAnew(n *node) bool {
	return n.task == nil || !n.task.Kind.Flowable() || n.task.Kind == model.KindPause || n.run.Engine.Broken || len(n.kids) == 0
}

// belongs tells whether a task run is one that the flow, as it is in this revision, begins: not one that a job made by itself,
// nor one that came along from another revision.
func (x *turn) belongs(n *node) bool {
	if n.task == nil || n.parent != nil {
		return n.task != nil
	}
	p := x.s.nodes[n.run.ParentID]
	return p != nil && p.task != nil && p.task.Kind == model.KindWorkingDirectory
}

// handles tells whether a task run belongs to what handles a failure or follows the end, at any level.
func (x *turn) handles(n *node) bool {
	for p := range x.s.up(n) {
		if p.run.Engine.Section != model.SectionTasks {
			return true
		}
	}
	return false
}

// follows tells whether a task run goes when others run again: it is below one that starts anew, or it handled the failure of
// one that runs again, or followed its end.
func (x *turn) follows(n *node, set again) bool {
	for p := range x.s.up(n) {
		if p != n && set[p] {
			return true
		}
		switch p.run.Engine.Section {
		case model.SectionTasks, model.SectionOnPause:
			continue
		}
		if _, runs := set[x.s.nodes[p.run.ParentID]]; runs || p.run.ParentID == "" {
			return true
		}
	}
	return false
}

// runAgain sets a task run back: what starts anew is RESTARTED until it starts, what is around it runs.
func (x *turn) runAgain(run *model.TaskRun, anew bool) {
	run.Engine.Error, run.Engine.Broken, run.Engine.JobEnd, run.Engine.Lost = "", false, 0, 0
	n := len(run.Attempts)
	open := n > 0 && !run.Attempts[n-1].State.Current().Terminated()
	to := model.Running
	switch {
	case anew && open: // a Pause that was waiting
		run.Attempts = slices.Clone(run.Attempts)
		run.Attempts[n-1].State = slices.Clip(run.Attempts[n-1].State).With(model.Killed, x.now)
		to = model.Restarted
	case anew:
		to = model.Restarted
	case !open:
		attempt := model.Attempt{State: model.NewHistory(model.Created, x.now).With(model.Running, x.now)}
		run.Attempts = append(slices.Clip(run.Attempts), attempt)
	}
	run.State = slices.Clip(run.State).With(to, x.now)
}
