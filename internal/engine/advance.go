package engine

import (
	"github.com/windhover-io/windhover/internal/model"
)

// advance works a list as far as it goes: it begins what may begin, turns to the errors when the list has failed, to
// finally when either is done, and ends the flowable, or the execution, after that.
func (x *turn) advance(f *frame) {
	for x.step(f) {
	}
}

// step does one thing for a list and tells whether there may be more to do.
func (x *turn) step(f *frame) bool {
	if f.phase == model.SectionAfter {
		return x.stepAfter(f)
	}
	if f.node != nil && (f.node.ended() || f.node.run.State.Current() != model.Running) {
		return false
	}
	e := x.s.Exec
	switch {
	case !e.Engine.Admitted || e.State.Current().Terminated() && !f.after:
		return false
	case e.Engine.Kill != 0 && !f.after:
		if f.open == 0 {
			x.endList(f, e.Engine.Kill)
		}
		return false
	case e.Engine.PausedByAPI || e.Engine.AtBreakpoint:
		return false
	}
	switch f.phase {
	case model.SectionTasks:
		return x.stepTasks(f)
	case model.SectionErrors:
		if f.open > 0 || x.beginNext(f, model.SectionErrors) {
			return f.open == 0
		}
		if !x.s.Exec.Engine.AtBreakpoint {
			f.phase = model.SectionFinally
		}
		return true
	}
	if f.open > 0 || x.beginNext(f, model.SectionFinally) {
		return f.open == 0
	}
	if !x.s.Exec.Engine.AtBreakpoint {
		x.endList(f, f.guess())
	}
	return false
}

func (x *turn) stepTasks(f *frame) bool {
	switch {
	case f.killed > 0:
		if f.open == 0 {
			x.endList(f, model.Killed)
		}
		return false
	case f.failed > 0 || f.broken:
		// What runs may finish; nothing new begins, unless it is told otherwise; the errors follow when all is quiet.
		switch f.onFailure() {
		case onFailureContinue:
			if x.beginTasks(f) {
				return true
			}
		case onFailureCancel:
			x.cutBelow(f.node, model.Cancelled)
		}
		if f.open > 0 || !x.gathered(f) {
			return false
		}
		f.phase = model.SectionErrors
		return true
	}
	if x.beginTasks(f) {
		return true
	}
	if f.open > 0 || x.s.Exec.Engine.AtBreakpoint {
		return false
	}
	if f.node != nil && f.node.task.Kind == model.KindLoopUntil && !x.loopDone(f) || !x.gathered(f) {
		return false
	}
	if f.broken { // by what it puts out
		return true
	}
	f.phase = model.SectionFinally
	return true
}

// stepAfter works the afterExecution list: one task after the other, whatever comes of them.
func (x *turn) stepAfter(f *frame) bool {
	if f.open == 0 {
		x.passListeners(f)
	}
	if f.open > 0 || x.beginNext(f, model.SectionAfter) {
		return f.open == 0
	}
	// What counts in no list, such as the task of a Pause's onPause, may still be under way.
	if t := x.s.tally; !x.s.Exec.Engine.Finished && t.busy == 0 && t.retrying == 0 {
		x.finishExecution()
	}
	return false
}

// beginNext begins the next task of a list that runs one after the other, and tells whether there was one.
func (x *turn) beginNext(f *frame, sec model.Section) bool {
	n := x.createNext(f, sec)
	if n != nil {
		x.start(n)
	}
	return n != nil
}

func (x *turn) createNext(f *frame, sec model.Section) *node {
	i := f.next[sec]
	if i >= len(f.lists[sec]) {
		return nil
	}
	return x.createRun(f.lists[sec][i], f, sec, 0, nil)
}

// beginTasks begins what may begin of a main list and tells whether that was anything. What begins together is created
// before the first of it starts: one that fails at once does not keep back the others.
func (x *turn) beginTasks(f *frame) bool {
	var together []*node
	for n := x.createTask(f); n != nil; n = x.createTask(f) {
		together = append(together, n)
	}
	x.startTogether(together)
	return len(together) > 0
}

// createTask creates the task run of the next task of a main list that may begin, nil if there is none.
func (x *turn) createTask(f *frame) *node {
	list := f.lists[model.SectionTasks]
	if f.loop != nil {
		group, index, ok := f.loop.pick(len(list))
		if !ok {
			return nil
		}
		return x.createRun(list[index], f, model.SectionTasks, group, &f.loop.values[group])
	}
	kind, limit := model.KindSequential, 1
	if f.node != nil {
		kind = f.node.task.Kind
	}
	if kind == model.KindParallel || kind == model.KindDag {
		limit = f.node.run.Engine.Limit
	}
	switch {
	case limit > 0 && f.open >= limit:
		return nil
	case kind == model.KindDag:
		return x.createDag(f, list)
	}
	return x.createNext(f, model.SectionTasks)
}

func (x *turn) createDag(f *frame, list []*model.Task) *node {
	for i, t := range list {
		if !f.begun[i] && x.dependenciesEnded(f, t) {
			return x.createRun(t, f, model.SectionTasks, 0, nil)
		}
	}
	return nil
}

// dependenciesEnded tells whether everything that a task of a Dag depends on has ended, and not badly. A disabled task counts
// as ended: waiting for it would be for ever.
func (x *turn) dependenciesEnded(f *frame, t *model.Task) bool {
	for _, id := range t.DependsOn {
		dep := x.s.Flow.ByID[id]
		if dep == nil || dep.Disabled {
			continue
		}
		ended := false
		for _, n := range x.s.byTask[id].nodes {
			if n.parent == f && !n.gone && n.ended() {
				ended = n.run.State.Current() != model.Failed
			}
		}
		if !ended {
			return false
		}
	}
	return true
}

// endList ends what the list belongs to.
func (x *turn) endList(f *frame, state model.State) {
	if f.node == nil {
		x.endFlow(state)
		return
	}
	x.endFlowable(f.node, state)
}
