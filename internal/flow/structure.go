package flow

import (
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// dag reads the tasks of a Dag with what they depend on, and refuses dependencies that cannot be met.
func (c *compiler) dag(n *yamldoc.Node, t *model.Task) {
	places := map[*model.Task][]*yamldoc.Node{}
	for _, item := range c.items(n, "tasks") {
		o := c.object(item, "a task of a Dag")
		if o == nil {
			continue
		}
		body := o.get("task")
		if body == nil {
			o.missing("task")
		}
		dependsOn := o.words("dependsOn")
		at := o.list("dependsOn")
		o.done()
		if body == nil {
			continue
		}
		if child := c.task(body, t, model.SectionTasks); child != nil {
			child.DependsOn = dependsOn
			places[child] = at
			t.Tasks = append(t.Tasks, child)
		}
	}
	c.checkDag(t, places)
}

func (c *compiler) checkDag(t *model.Task, places map[*model.Task][]*yamldoc.Node) {
	byID := map[string]*model.Task{}
	var ids []string
	for _, child := range t.Tasks {
		byID[child.ID] = child
		ids = append(ids, child.ID)
	}
	for _, child := range t.Tasks {
		for _, at := range places[child] {
			if id := at.String(); at.Kind == yamldoc.Scalar && byID[id] == nil {
				c.suggest(yamldoc.Error, at, "`"+child.ID+"` depends on `"+id+"`, which is not a task of this Dag", id, ids)
			}
		}
	}
	if cycle := findCycle(t.Tasks, byID); cycle != nil {
		at := places[cycle[0]][slices.Index(cycle[0].DependsOn, cycle[1%len(cycle)].ID)]
		c.fail(at, "the tasks depend on each other: "+cyclePath(cycle))
	}
}

// findCycle returns tasks each of which depends on the next, and the last on the first; nil if there are none.
func findCycle(tasks []*model.Task, byID map[string]*model.Task) []*model.Task {
	const visiting, visited = 1, 2
	state := map[*model.Task]int{}
	var path, found []*model.Task
	var visit func(t *model.Task)
	visit = func(t *model.Task) {
		state[t] = visiting
		path = append(path, t)
		for _, id := range t.DependsOn {
			next := byID[id]
			switch {
			case next == nil || found != nil || state[next] == visited:
			case state[next] == visiting:
				found = slices.Clone(path[slices.Index(path, next):])
			default:
				visit(next)
			}
		}
		path = path[:len(path)-1]
		state[t] = visited
	}
	for _, t := range tasks {
		if found == nil && state[t] == 0 {
			visit(t)
		}
	}
	return found
}

func cyclePath(cycle []*model.Task) string {
	var ids []string
	for _, t := range cycle {
		ids = append(ids, "`"+t.ID+"`")
	}
	return strings.Join(append(ids, ids[0]), " → ")
}

// The types of the tasks that a ForEachItem consists of.
const (
	typeSplit = "io.kestra.plugin.core.flow.ForEachItem$ForEachItemSplit"
	typeItems = "io.kestra.plugin.core.flow.ForEachItem$ForEachItemExecutable"
	typeMerge = "io.kestra.plugin.core.flow.ForEachItem$ForEachItemMergeOutputs"
)

// batches gives a ForEachItem the tasks that it consists of: one splits the file, one starts the executions, one gathers
// their outputs.
func (c *compiler) batches(o *object, t *model.Task) {
	child := func(suffix, typ string, kind model.Kind, props ...string) *model.Task {
		sub := &model.Task{
			ID: t.ID + suffix, Type: typ, Kind: kind, Parent: t, Order: c.order, Line: t.Line, Props: value.NewMap(len(props)),
		}
		c.order++
		for _, name := range props {
			if n := o.n.Get(name); !n.IsNull() {
				sub.Props.Set(name, n.Value())
			}
		}
		if known, ok := c.opts.Registry.Lookup(typ); ok {
			sub.Pure = known.Pure
		}
		c.placeTask(sub, o.n.Get("id"))
		return sub
	}
	items := child("_items", typeItems, model.KindBatches, "namespace", "flowId", "revision", "inputs", "labels", "wait",
		"transmitFailed", "inheritLabels", "scheduleDate", "restartBehavior")
	if old := o.n.Get("scheduleOn"); !old.IsNull() && !items.Props.Has("scheduleDate") {
		items.Props.Set("scheduleDate", old.Value())
	}
	split := child("_split", typeSplit, model.KindRunnable, "items", "batch")
	merge := child("_merge", typeMerge, model.KindRunnable, "wait")
	split.Order, items.Order = items.Order, split.Order
	t.Tasks = []*model.Task{split, items, merge}
}

// insertTemplate gives a Template task the tasks of its template.
func (c *compiler) insertTemplate(o *object, t *model.Task) {
	id := o.n.Get("templateId")
	if c.opts.Template == nil || id.IsNull() {
		return
	}
	if c.foreign != nil {
		c.fail(id, "a template cannot stand in another one")
		return
	}
	src, err := c.opts.Template(o.n.Get("namespace").String(), id.String())
	if err != nil {
		c.fail(id, "the template cannot be read: "+err.Error())
		return
	}
	root, problems := yamldoc.Parse(src, c.opts.Limits)
	before, own := c.text, c.foreign
	c.text, c.foreign = newText(src), id
	defer func() { c.text, c.foreign = before, own }()
	for _, p := range problems {
		c.report(p)
	}
	if root == nil {
		return
	}
	if body := c.object(c.withDefaults(root, c.defaults), "a template"); body != nil {
		body.allow("id", "namespace", "description", "tenantId", "deleted")
		t.Tasks = c.tasks(body.get("tasks"), t, model.SectionTasks)
		if errs := c.tasks(body.get("errors"), t, model.SectionErrors); errs != nil {
			t.Errors = append(t.Errors, errs...)
		}
		if len(t.Tasks) == 0 {
			body.missing("tasks")
		}
		body.done()
	}
}
