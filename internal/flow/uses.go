package flow

import (
	"slices"
	"strconv"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
)

// findUses tells of every task what its expressions may read, so that its job carries that and no more.
func (c *compiler) findUses() {
	readers := map[*model.Task]*reader{}
	// Whoever runs a task has to know the secrets that it hides in its log, however they came into what the task reads.
	secretive := hasSecret(c.flow.Inputs)
	of := func(t *model.Task) *reader {
		if readers[t] == nil {
			readers[t] = &reader{task: t, roots: map[string]bool{}, outputs: map[string]bool{}}
			if secretive {
				readers[t].roots["inputs"] = true
			}
		}
		return readers[t]
	}
	for i := range c.texts {
		if t := c.texts[i].owner.task; t != nil {
			of(t).read(c.texts[i].tmpl, c.flow.ByID)
		}
	}
	for _, t := range c.flow.ByID {
		r := of(t)
		typ, ok := c.opts.Registry.Lookup(t.Type)
		if !ok {
			continue
		}
		r.all = r.all || typ.WholeContext
		c.readDefaultsOf(r, typ.Properties())
	}
	for _, t := range c.flow.ByID {
		t.Uses = of(t).uses()
	}
	for _, t := range c.flow.ByID {
		switch t.Kind {
		case model.KindWorkingDirectory: // one job runs it with its children
			for _, child := range t.Tasks {
				t.Uses = union(t.Uses, child.Uses)
			}
		case model.KindForEachItem:
			t.Tasks[0].Uses = t.Uses
		}
	}
}

func hasSecret(inputs []*model.Input) bool {
	return slices.ContainsFunc(inputs, func(in *model.Input) bool {
		itemType, _ := in.Props.Get("itemType")
		return in.Type == "SECRET" || itemType == "SECRET" || hasSecret(in.Inputs)
	})
}

// readDefaultsOf reads the expressions that stand in for properties when they are absent.
func (c *compiler) readDefaultsOf(r *reader, props []plugin.Property) {
	for i := range props {
		if hasExpression(props[i].Default) {
			if tmpl, err := c.template(props[i].Default); err == nil {
				r.read(tmpl, c.flow.ByID)
			}
		}
		c.readDefaultsOf(r, props[i].Fields)
	}
}

// reader gathers what the expressions of one task read.
type reader struct {
	task            *model.Task
	all, allOutputs bool
	roots           map[string]bool
	outputs         map[string]bool // by task id: only the reader's own iteration
}

func (r *reader) read(tmpl *expr.Template, tasks map[string]*model.Task) {
	for _, name := range tmpl.ContextCalls() {
		switch name {
		case "currentEachOutput":
			r.roots["parents"], r.roots["taskrun"] = true, true
		case "tasksWithState":
			r.roots["tasks"] = true
		case "env":
			r.roots["envs"] = true
		default: // what they evaluate is not known before
			r.all = true
		}
	}
	for _, ref := range tmpl.Refs() {
		r.roots[ref.Name] = true
		if ref.Name != "outputs" {
			continue
		}
		if len(ref.Path) == 0 {
			r.allOutputs = true
			continue
		}
		id := ref.Path[0]
		own, known := r.outputs[id]
		r.outputs[id] = tasks[id] != nil && r.own(ref, tasks[id]) && (own || !known)
	}
}

// own tells whether a reference reads only those outputs of a task that belong to the reader's own iteration. The steps
// after the task's id have to be the values that lead to the reader, outermost first, as many as lead to the task; those that
// lead to an iteration of a Loop around both are left out.
func (r *reader) own(ref expr.Ref, t *model.Task) bool {
	if len(ref.Path) != 1 {
		return false
	}
	if ref.CurrentEach {
		return true
	}
	values, shared := valuesOf(r.task), t.Shared(r.task)
	depth := t.Depth() - shared
	if depth == 0 || len(ref.Keys) < depth || len(values) < depth+shared {
		return false
	}
	values = values[shared:]
	for i, key := range ref.Keys[:depth] {
		if !slices.ContainsFunc(values[i], func(path []string) bool { return slices.Equal(path, key) }) {
			return false
		}
	}
	return true
}

// valuesOf lists for each value that leads to a task, outermost first, the expressions that give it.
func valuesOf(t *model.Task) [][][]string {
	var out [][][]string
	if t.HasValue() {
		out = append(out, [][]string{{"taskrun", "value"}})
	}
	i := 0 // the index among parents, which has only those with a value or outputs
	for p := t.Parent; p != nil; p = p.Parent {
		if p.HasValue() {
			paths := [][]string{{"parents", strconv.Itoa(i), "taskrun", "value"}}
			if i == 0 {
				paths = append(paths, []string{"parent", "taskrun", "value"})
			}
			if p.Kind == model.KindWorkingDirectory && t.Parent == p && !t.HasValue() {
				paths = append(paths, []string{"taskrun", "value"}) // the worker hands it down
			}
			out = append(out, paths)
		}
		if p.HasValue() || hasOutputs(p) {
			i++
		}
	}
	slices.Reverse(out)
	return out
}

// hasOutputs tells whether a flowable has outputs while its children run.
func hasOutputs(t *model.Task) bool {
	switch t.Kind {
	case model.KindIf, model.KindSwitch, model.KindLoopUntil, model.KindPause, model.KindTemplate:
		return true
	}
	return false
}

func (r *reader) uses() *model.Uses {
	u := &model.Uses{All: r.all, AllOutputs: r.allOutputs, Roots: sortedKeys(r.roots)}
	if u.AllOutputs {
		return u
	}
	for _, id := range sortedKeys(r.outputs) {
		u.Outputs = append(u.Outputs, model.OutputUse{TaskID: id, Own: r.outputs[id]})
	}
	return u
}

// union is what either of two tasks reads.
func union(a, b *model.Uses) *model.Uses {
	if a == nil || b == nil {
		return &model.Uses{All: true}
	}
	u := &model.Uses{All: a.All || b.All, AllOutputs: a.AllOutputs || b.AllOutputs}
	u.Roots = slices.Concat(a.Roots, b.Roots)
	slices.Sort(u.Roots)
	u.Roots = slices.Compact(u.Roots)
	if u.AllOutputs {
		return u
	}
	own := map[string]bool{}
	for _, o := range slices.Concat(a.Outputs, b.Outputs) {
		before, known := own[o.TaskID]
		own[o.TaskID] = o.Own && (before || !known)
	}
	for _, id := range sortedKeys(own) {
		u.Outputs = append(u.Outputs, model.OutputUse{TaskID: id, Own: own[id]})
	}
	return u
}
