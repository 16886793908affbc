package flow

import (
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// checkReferences warns of expressions that read what cannot be there. Warnings they are, since expressions may stand
// where they are never evaluated.
func (c *compiler) checkReferences() {
	names := c.namesInScope()
	for i := range c.texts {
		d := &c.texts[i]
		if d.foreign != nil {
			continue
		}
		for _, ref := range d.tmpl.Refs() {
			if ref.Optional {
				continue
			}
			message, word, candidates := c.problemOf(names, d, ref)
			if message == "" {
				continue
			}
			p := c.within(d.node, byteOffset(d.node.Text, ref.Line, ref.Column))
			p.Severity, p.Message, p.Suggestion = yamldoc.Warning, message, didYouMean(word, candidates)
			p.EndColumn = p.Column + len(ref.Name)
			c.report(p)
		}
	}
}

// names are what expressions of a flow may read.
type names struct {
	tasks, inputs, vars []string
	// anyVar is set where a task may set variables whose names are not known, anyTask where a template's tasks are not.
	anyVar, anyTask bool
}

func (c *compiler) namesInScope() names {
	n := names{tasks: sortedKeys(c.flow.ByID), vars: c.flow.Variables.Keys()}
	n.addInputs("", c.flow.Inputs)
	for _, t := range c.flow.ByID {
		n.anyTask = n.anyTask || t.Type == "" || t.Kind == model.KindTemplate && len(t.Tasks) == 0
		if t.Kind != model.KindSetVariables {
			continue
		}
		set, _ := t.Props.Get("variables")
		m, ok := set.(*value.Map)
		if !ok {
			n.anyVar = true
		}
		for _, key := range m.Keys() {
			n.vars = append(n.vars, key)
			n.anyVar = n.anyVar || hasExpression(key)
		}
	}
	return n
}

func (n *names) addInputs(prefix string, inputs []*model.Input) {
	for _, in := range inputs {
		n.inputs = append(n.inputs, prefix+in.ID)
		n.addInputs(prefix+in.ID+".", in.Inputs)
	}
}

// contextRoots are the variables that expressions may read.
var contextRoots = []string{
	"flow", "execution", "task", "taskrun", "parent", "parents", "outputs", "tasks", "inputs", "vars", "labels", "trigger", "envs",
	"globals", "kestra", "loop", "item", "schedule", "workerTaskrun",
}

// problemOf says what is wrong with a reference, "" if nothing is, and the word that may be a misspelling with what it may
// be one of.
func (c *compiler) problemOf(n names, d *dynamic, ref expr.Ref) (message, word string, candidates []string) {
	first := ""
	if len(ref.Path) > 0 {
		first = ref.Path[0]
	}
	switch ref.Name {
	case "outputs":
		if first == "" || d.owner.task == nil && d.owner.place != placeOutputs || d.elsewhere {
			return "", "", nil
		}
		return c.outputProblem(n, d, ref)
	case "inputs":
		if id := missingInput(n.inputs, ref.Path); id != "" {
			return "the flow has no input `" + id + "`", id, n.inputs
		}
	case "vars":
		if first != "" && !n.anyVar && !slices.Contains(n.vars, first) {
			return "the flow has no variable `" + first + "`", first, n.vars
		}
	default:
		if !slices.Contains(contextRoots, ref.Name) && !d.extra && (ref.Name != "response" || d.owner.place != placeTrigger) {
			return "there is no variable `" + ref.Name + "`", ref.Name, contextRoots
		}
	}
	return "", "", nil
}

// missingInput returns as much of a path as leads to no input, "" where it leads to one, into one, or to several whose ids
// have dots.
func missingInput(ids, path []string) string {
	for i := range path {
		id := strings.Join(path[:i+1], ".")
		if slices.Contains(ids, id) {
			return ""
		}
		if !slices.ContainsFunc(ids, func(other string) bool { return strings.HasPrefix(other, id+".") }) {
			return id
		}
	}
	return ""
}

// outputProblem checks the outputs of a task.
func (c *compiler) outputProblem(n names, d *dynamic, ref expr.Ref) (message, word string, candidates []string) {
	id := ref.Path[0]
	t := c.flow.ByID[id]
	if t == nil && n.anyTask {
		return "", "", nil
	}
	if t == nil {
		return "the flow has no task `" + id + "`", id, n.tasks
	}
	if why := unreachable(t, d.owner.task); why != "" {
		return "`" + id + "` has no outputs here: " + why, "", nil
	}
	typ, ok := c.opts.Registry.Lookup(t.Type)
	if !ok || t.Type == "" {
		return "", "", nil
	}
	// The values of the loops around the task come before its outputs, unless both are in one iteration of a Loop.
	rest := ref.Path[1:]
	if depth := t.Depth() - t.Shared(d.owner.task); depth > 0 {
		if len(rest) < depth {
			return "", "", nil
		}
		rest = rest[depth:]
	}
	if typ.Outputs == nil {
		message = "tasks of the type " + t.Type + " have no outputs"
		if t.Kind == model.KindForEachItem {
			word, candidates = id+"_merge", []string{id + "_merge"}
		}
		return message, word, candidates
	}
	var known []string
	for _, p := range typ.OutputProperties() {
		known = append(known, p.Name)
	}
	if len(rest) > 0 && known != nil && !slices.Contains(known, rest[0]) {
		return "tasks of the type " + t.Type + " have no output `" + rest[0] + "`", rest[0], known
	}
	return "", "", nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
