package flow

import (
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// unreachable says why a task cannot have ended when another one, or the flow's outputs (nil), are evaluated; "" if it can.
func unreachable(t, reader *model.Task) string {
	if reader == nil {
		if top(t).Section == model.SectionAfter {
			return "it runs only after the flow's outputs are evaluated"
		}
		return ""
	}
	if t == reader {
		if t.Kind == model.KindLoopUntil || t.Kind == model.KindForEachItem {
			return ""
		}
		return "it is the task itself"
	}
	mine, theirs := lineage(reader), lineage(t)
	depth := 0
	for depth < len(mine) && depth < len(theirs) && mine[depth] == theirs[depth] {
		depth++
	}
	switch {
	case depth == len(theirs): // it stands around the reader
		return ""
	case depth == len(mine): // it stands in the reader
		if readsChildren(reader) {
			return ""
		}
		return "it runs only after this is evaluated"
	case slices.ContainsFunc(mine[:depth], repeats): // an earlier turn of the loop around both may have left some
		return ""
	}
	return siblings(theirs[depth], mine[depth])
}

// siblings compares two tasks with the same parent.
func siblings(t, reader *model.Task) string {
	const later = "it runs only later"
	if t.Section != reader.Section {
		if t.Section == model.SectionOnPause || reader.Section == model.SectionOnPause || t.Section < reader.Section {
			return ""
		}
		return later
	}
	p := t.Parent
	if p == nil || t.Section != model.SectionTasks {
		return orderOf(t, reader, later)
	}
	switch p.Kind {
	case model.KindParallel, model.KindEachParallel:
		return ""
	case model.KindDag:
		if needs(p, t, reader.ID) {
			return later
		}
		return ""
	case model.KindIf, model.KindSwitch:
		if branchOf(t) != branchOf(reader) {
			return "it stands in another branch"
		}
	}
	return orderOf(t, reader, later)
}

func orderOf(t, reader *model.Task, later string) string {
	if t.Order > reader.Order {
		return later
	}
	return ""
}

// branchOf tells in which branch of its parent, an If or a Switch, a task stands.
func branchOf(t *model.Task) int {
	p := t.Parent
	lists := [][]*model.Task{p.Tasks, p.Else, p.Defaults}
	for _, c := range p.Cases {
		lists = append(lists, c.Tasks)
	}
	return slices.IndexFunc(lists, func(l []*model.Task) bool { return slices.Contains(l, t) })
}

// needs tells whether a task of a Dag depends on the one with that id, be it by way of others.
func needs(dag, t *model.Task, id string) bool {
	seen := map[string]bool{}
	next := slices.Clone(t.DependsOn)
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at == id {
			return true
		}
		if seen[at] {
			continue
		}
		seen[at] = true
		for _, sibling := range dag.Tasks {
			if sibling.ID == at {
				next = append(next, sibling.DependsOn...)
			}
		}
	}
	return false
}

// lineage is a task with all that it stands in, outermost first.
func lineage(t *model.Task) []*model.Task {
	var out []*model.Task
	for ; t != nil; t = t.Parent {
		out = append(out, t)
	}
	slices.Reverse(out)
	return out
}

func top(t *model.Task) *model.Task {
	for t.Parent != nil {
		t = t.Parent
	}
	return t
}

// repeats tells whether a task runs its children several times.
func repeats(t *model.Task) bool { return t.Kind == model.KindLoopUntil || t.Kind.GivesValues() }

// readsChildren tells whether expressions of a task are evaluated after its children have run.
func readsChildren(t *model.Task) bool {
	return t.Kind == model.KindLoopUntil || t.Kind == model.KindLoop || t.Kind == model.KindForEachItem
}
