package engine

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// frameOf builds the frame of a flowable task run from its record alone: the branch that an If or a Switch took and the
// values of a loop were stored when it began, so nothing is evaluated twice.
func (s *State) frameOf(n *node) *frame {
	t := n.task
	var l lists
	l[model.SectionErrors] = enabled(t.Errors)
	l[model.SectionFinally] = enabled(t.Finally)
	l[model.SectionTasks] = s.mainList(n)
	f := newFrame(n, l)
	f.broken = n.run.Engine.Broken
	f.after = n.run.Engine.Section == model.SectionAfter || n.parent != nil && n.parent.after
	switch t.Kind {
	case model.KindParallel, model.KindDag:
		f.begun = make([]bool, len(l[model.SectionTasks]))
	case model.KindWorkingDirectory: // what its job came to stands for its tasks
		f.broken = n.run.Engine.JobEnd == model.Failed
		if n.run.Engine.JobEnd == model.Warning {
			f.warned = 1
		}
	case model.KindForEach, model.KindLoop:
		f.loop = newLoop(n.names(), intProp(t, "concurrencyLimit", 1), false)
	case model.KindEachSequential:
		f.loop = newLoop(n.run.Engine.Values, 1, false)
	case model.KindEachParallel:
		f.loop = newLoop(n.run.Engine.Values, n.run.Engine.Limit, true)
	}
	return f
}

// names are what tells the iterations of a loop apart: its values, or their keys.
func (n *node) names() []string {
	if keys := n.run.Engine.Keys; keys != nil {
		return keys
	}
	return n.run.Engine.Values
}

func (s *State) mainList(n *node) []*model.Task {
	t := n.task
	switch t.Kind {
	case model.KindWorkingDirectory:
		return nil // its job runs them
	case model.KindIf:
		if taken, ok := n.outputs().Get("evaluationResult"); ok && taken == true {
			return enabled(t.Tasks)
		}
		return enabled(t.Else)
	case model.KindSwitch:
		v, _ := n.outputs().Get("value")
		tasks, _ := branch(t, value.Print(v))
		return enabled(tasks)
	}
	return enabled(t.Tasks)
}

// branch returns the tasks of a Switch for a value, and whether the defaults were taken.
func branch(t *model.Task, v string) (tasks []*model.Task, defaults bool) {
	for _, c := range t.Cases {
		if c.Value == v {
			return c.Tasks, false
		}
	}
	return t.Defaults, true
}

// intProp reads a property that is a plain number.
func intProp(t *model.Task, name string, otherwise int) int {
	v, ok := t.Props.Get(name)
	if !ok {
		return otherwise
	}
	if i, ok := value.AsInt(v); ok {
		return int(i)
	}
	return otherwise
}

// prop reads a property as written, "" if it is not there.
func prop(t *model.Task, name string) string {
	v, _ := t.Props.Get(name)
	if v == nil {
		return ""
	}
	return value.Print(v)
}

// boolProp reads a property that is a plain boolean.
func boolProp(t *model.Task, name string, otherwise bool) bool {
	switch v, _ := t.Props.Get(name); v {
	case true, "true":
		return true
	case false, "false":
		return false
	}
	return otherwise
}
