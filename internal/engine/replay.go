package engine

import (
	"fmt"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// replay creates an execution that repeats this one: from its beginning, or from a task run on.
func (x *turn) replay(a *model.Action) {
	e := x.s.Exec
	if a.TaskRunID == "" {
		x.copyTo(a, nil, func(*node) bool { return false })
		return
	}
	from := x.s.nodes[a.TaskRunID]
	switch {
	case from == nil:
		x.refuse(model.AnswerInvalid, "the execution "+e.ID+" has no task run "+a.TaskRunID)
		return
	case !x.belongs(from):
		x.refuse(model.AnswerInvalid, "nothing begins with "+from.run.TaskID+": this revision of the flow has no such task in its place")
		return
	case x.handles(from):
		x.refuse(model.AnswerInvalid, "the task "+from.run.TaskID+" handles a failure or follows the end: nothing begins with it")
		return
	}
	again := x.selectAgain(func(n *node) bool { return n == from })
	x.copyTo(a, again, func(n *node) bool {
		_, runs := again[n]
		return !x.follows(n, again) && (runs || x.precedes(n, from))
	})
}

// precedes tells whether a task run is finished and stands before another one in the flow, so that a replay keeps it.
func (x *turn) precedes(n, from *node) bool {
	return n.task != nil && n.ended() && x.standsBefore(n, from)
}

// standsBefore tells whether a task run comes before another one in the flow, or beside it.
func (x *turn) standsBefore(n, from *node) bool {
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
	parallel := a.task != nil && a.task.Parent != nil && (a.task.Parent.Kind == model.KindParallel || a.task.Parent.Kind == model.KindEachParallel)
	if parallel || a.parent != nil && a.parent.loop != nil && a.parent.loop.limit != 1 && a.group != b.group {
		return true
	}
	return a.run.Engine.Seq < b.run.Engine.Seq
}

// lineage lists a task run and what is around it, outermost first.
func (x *turn) lineage(n *node) (out []*node) {
	for p := range x.s.up(n) {
		out = append(out, p)
	}
	slices.Reverse(out)
	return out
}

// copyTo creates another execution from this one, with copies of the task runs that are kept, under new ids.
func (x *turn) copyTo(a *model.Action, again again, keep func(*node) bool) {
	e := x.s.Exec
	flow := x.s.Flow
	if a.Revision != 0 && a.Revision != e.FlowRevision {
		key := flow.Key()
		key.Revision = a.Revision
		if flow = x.env.flow(key); flow == nil {
			x.refuse(model.AnswerInvalid, fmt.Sprintf("the flow %s.%s has no revision %d", key.Namespace, key.ID, a.Revision))
			return
		}
	}
	id := a.NewID
	if id == "" {
		id = model.DeriveID("copy", e.ID, x.ev.ID)
	}
	next := x.copyHeader(a, flow, id)
	create := &model.NewExecution{Execution: next}
	ids := map[string]string{"": ""}
	for n := range x.s.all() {
		anew, runs := again[n]
		if _, ok := ids[n.run.ParentID]; !ok || !keep(n) || flow != x.s.Flow && !fits(n, flow, runs, anew) {
			continue
		}
		ids[n.run.ID] = model.DeriveID("copy", id, n.run.ID)
		create.TaskRuns = append(create.TaskRuns, x.copyRun(n, next, ids))
		if runs {
			run := create.TaskRuns[len(create.TaskRuns)-1]
			x.runAgain(run, anew)
			run.Engine.Child, run.Engine.Batches = "", 0 // those belong to the execution that is copied
		}
	}
	if from := x.s.nodes[a.TaskRunID]; from != nil && ids[from.run.ID] == "" {
		x.refuse(model.AnswerInvalid, fmt.Sprintf("revision %d of the flow has no task %s in the same place", flow.Revision, from.run.TaskID))
		return
	}
	if len(create.TaskRuns) > 0 {
		next.State = next.State.With(model.Restarted, x.now)
	}
	x.send(model.Event{To: model.ExecutionEntity(id), Kind: model.EventCreate, Create: create})
	x.verdict.Execution = next
	x.answer(model.Answer{Execution: next})
}

// fits tells whether a task run can go along to another revision of the flow. One that has ended goes even if its task is
// not there any more, for its outputs; one that is to run needs its task, of the same kind unless it starts anew.
func fits(n *node, flow *model.Flow, runs, anew bool) bool {
	t := flow.ByID[n.run.TaskID]
	if !runs {
		return n.ended()
	}
	return t != nil && !t.Disabled && n.task != nil && parentID(t) == parentID(n.task) && t.Section == n.task.Section &&
		(anew || t.Kind == n.task.Kind)
}

func parentID(t *model.Task) string {
	if t.Parent == nil {
		return ""
	}
	return t.Parent.ID
}

// copyHeader is the header of the execution that a replay, or a restart on another revision, creates.
func (x *turn) copyHeader(a *model.Action, flow *model.Flow, id string) *model.Execution {
	e := x.s.Exec
	next := x.successor(id)
	next.Breakpoints = a.Breakpoints
	if flow != x.s.Flow {
		next.FlowRevision, next.Variables = flow.Revision, nil // those of that revision
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
	return next
}

// copyRun is a task run of this execution as one of the next.
func (x *turn) copyRun(n *node, next *model.Execution, ids map[string]string) *model.TaskRun {
	run := *n.run
	run.State, run.Attempts = slices.Clip(run.State), slices.Clip(run.Attempts) // the one that is copied may go on too
	run.ID, run.ExecutionID, run.ParentID = ids[n.run.ID], next.ID, ids[n.run.ParentID]
	run.Engine.Seq = next.Engine.Runs
	next.Engine.Runs++
	return &run
}

func withoutKey(labels []model.Label, key string) (out []model.Label) {
	for _, l := range labels {
		if l.Key != key {
			out = append(out, l)
		}
	}
	return out
}
