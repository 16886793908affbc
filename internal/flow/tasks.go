package flow

import (
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// tasks reads a list of tasks, which may be absent.
func (c *compiler) tasks(n *yamldoc.Node, parent *model.Task, sec model.Section) []*model.Task {
	var out []*model.Task
	for _, item := range c.items(n, "tasks") {
		if t := c.task(item, parent, sec); t != nil {
			out = append(out, t)
		}
	}
	return out
}

// task reads a task with all that stands in it; nil if there is no telling what it is.
func (c *compiler) task(n *yamldoc.Node, parent *model.Task, sec model.Section) *model.Task {
	o := c.object(n, "a task")
	if o == nil {
		return nil
	}
	t := &model.Task{Parent: parent, Section: sec, Order: c.order, Line: n.Line}
	c.order++
	t.ID = o.name("id", taskID, 256)
	c.placeTask(t, n.Get("id"))
	typ := c.typeOf(o, plugin.Task)
	if typ == nil {
		return t
	}
	t.Type, t.Kind, t.Pure = typ.Name, typ.Kind, typ.Pure
	defer c.enter(owner{task: t})()
	c.common(o, t)
	c.structure(o, t, typ)
	t.Props = c.properties(o, typ.Properties())
	o.done()
	c.checkKind(o, t)
	return t
}

// placeTask makes a task known by its id, which must be new.
func (c *compiler) placeTask(t *model.Task, at *yamldoc.Node) {
	if c.foreign != nil {
		at = c.foreign
	}
	c.unique(c.places, t.ID, at, "task")
	if t.ID != "" && c.flow.ByID[t.ID] == nil {
		c.flow.ByID[t.ID] = t
	}
}

// typeOf reads the type of a task, trigger or condition; nil after reporting that there is none such.
func (c *compiler) typeOf(o *object, category plugin.Category) *plugin.Type {
	n := o.get("type")
	if n == nil || n.Kind != yamldoc.Scalar || n.String() == "" {
		o.missing("type")
		return nil
	}
	name := n.String()
	typ, ok := c.opts.Registry.Lookup(name)
	if program := c.opts.Registry.Program(name); program != "" {
		p := n.Problem(yamldoc.Error, "the type `"+name+"` is in "+program+", not in this program")
		p.Suggestion = "run " + program + " instead: it is this program with more in it"
		c.report(p)
		return nil
	}
	if !ok || typ.Category != category {
		message := "there is no " + singular[category] + " type `" + shorten(name) + "`"
		if ok {
			message = "`" + name + "` is a " + singular[typ.Category] + " type, and this is " + o.what
		}
		p := n.Problem(yamldoc.Error, message)
		if near := nearestType(name, c.opts.Registry.Names(category)); near != "" {
			p.Suggestion = "did you mean `" + near + "`?"
		}
		c.report(p)
		return nil
	}
	o.what = "the " + singular[category] + " type " + typ.Name
	if typ.Deprecated != "" {
		p := n.Problem(yamldoc.Warning, "the type `"+name+"` is deprecated")
		p.Suggestion = "use " + typ.Deprecated
		c.report(p)
	}
	return typ
}

// nearestType returns the type that was probably meant: one whose own name is near, of several the one in the nearest
// package. Packages are long and alike, so that whole names would always be near to some other. Short names are near only
// together with the last part of their package.
func nearestType(name string, known []string) string {
	for _, parts := range []int{1, 2} {
		var names []string
		for _, k := range known {
			names = append(names, lastParts(k, parts))
		}
		near := yamldoc.Nearest(lastParts(name, parts), names)
		if near == "" {
			continue
		}
		var candidates []string
		for i, k := range known {
			if names[i] == near {
				candidates = append(candidates, k)
			}
		}
		if best := yamldoc.Nearest(name, candidates); best != "" {
			return best
		}
		return candidates[0]
	}
	return ""
}

// lastParts are the last parts of a name with dots.
func lastParts(name string, n int) string {
	at := len(name)
	for range n {
		if at = strings.LastIndexByte(name[:at], '.'); at < 0 {
			return name
		}
	}
	return name[at+1:]
}

var singular = map[plugin.Category]string{
	plugin.Task: "task", plugin.Trigger: "trigger", plugin.Condition: "condition", plugin.TaskRunner: "task runner",
	plugin.Chart: "chart", plugin.Data: "data filter",
}

// common reads what every task has.
func (c *compiler) common(o *object, t *model.Task) {
	o.allow("pluginDefaultsRef")
	o.unused("version", "policyRefs", "assets")
	t.Description = o.text("description")
	t.Disabled = o.flag("disabled", false)
	t.AllowFailure = o.flag("allowFailure", false)
	t.AllowWarning = o.flag("allowWarning", false)
	t.LogToFile = o.flag("logToFile", false)
	t.LogLevel = o.level("logLevel")
	t.RunIf = c.condition(o, "runIf", "when")
	t.Timeout = c.timeout(o)
	t.Retry = c.retry(o.get("retry"))
	t.WorkerGroup = c.workerGroup(o)
	if n := o.get("taskCache"); n != nil {
		if cache := c.object(n, "a task cache"); cache != nil {
			t.Cache = &model.TaskCache{Enabled: cache.flag("enabled", false), TTL: cache.duration("ttl")}
			cache.done()
		}
	}
}

// level reads a log level; 0 where it is absent.
func (o *object) level(name string) model.Level {
	n := o.get(name)
	if n == nil {
		return 0
	}
	l, err := model.ParseLevel(strings.ToUpper(n.String()))
	if err != nil {
		o.choice(name, "", "TRACE", "DEBUG", "INFO", "WARN", "ERROR")
	}
	return l
}

// condition reads an expression that decides; "" where it is absent.
func (c *compiler) condition(o *object, name string, aliases ...string) string {
	n := o.get(name, aliases...)
	if n == nil {
		return ""
	}
	c.expressions(n)
	return o.text(name, aliases...)
}

// timeout reads a duration that may be an expression; "" where it is absent.
func (c *compiler) timeout(o *object) string {
	n := o.get("timeout")
	if n == nil {
		return ""
	}
	c.property(n, &plugin.Property{Name: "timeout", Kind: plugin.Duration})
	return n.String()
}

// structure reads the tasks, inputs and the like that stand in a task.
func (c *compiler) structure(o *object, t *model.Task, typ *plugin.Type) {
	for _, p := range typ.Properties() {
		if !p.Kind.Structural() {
			continue
		}
		n := o.get(p.Name, p.Aliases...)
		c.deprecatedProperty(n, &p)
		if p.Required && (n == nil || n.Kind == yamldoc.List && len(n.Items()) == 0) {
			o.missing(p.Name)
		}
		switch p.Kind {
		case plugin.TaskList:
			c.taskList(n, t, p.Name)
		case plugin.SingleTask:
			if n != nil {
				t.OnPause = c.task(n, t, model.SectionOnPause)
			}
		case plugin.CaseMap:
			c.cases(n, t)
		case plugin.DagTaskList:
			c.dag(n, t)
		case plugin.InputList:
			t.OnResume = c.inputs(n)
		}
	}
	switch t.Kind {
	case model.KindForEachItem:
		c.batches(o, t)
	case model.KindTemplate:
		c.insertTemplate(o, t)
	}
}

// taskList reads the list of tasks that stands under a key of a flowable.
func (c *compiler) taskList(n *yamldoc.Node, t *model.Task, key string) {
	switch key {
	case "errors":
		t.Errors = c.tasks(n, t, model.SectionErrors)
	case "finally":
		t.Finally = c.tasks(n, t, model.SectionFinally)
	case "else":
		t.Else = c.tasks(n, t, model.SectionTasks)
	case "defaults":
		t.Defaults = c.tasks(n, t, model.SectionTasks)
	default: // tasks, then
		t.Tasks = c.tasks(n, t, model.SectionTasks)
	}
}

func (c *compiler) cases(n *yamldoc.Node, t *model.Task) {
	if n != nil && n.Kind != yamldoc.Map {
		c.expect(n, "`cases` is "+describe(n), "a map from values to lists of tasks")
	}
	for _, e := range n.Entries() {
		tasks := []*model.Task{} // an empty case is one that does nothing, not one that is missing
		if !e.Value.IsNull() {
			tasks = append(tasks, c.tasks(e.Value, t, model.SectionTasks)...)
		}
		t.Cases = append(t.Cases, model.Case{Value: e.Key.Text, Tasks: tasks})
	}
}

// checkKind checks what only tasks of one kind have to meet.
func (c *compiler) checkKind(o *object, t *model.Task) {
	switch t.Kind {
	case model.KindSwitch:
		n := len(t.Defaults)
		for _, branch := range t.Cases {
			n += len(branch.Tasks)
		}
		if n == 0 {
			c.fail(o.n, "the Switch `"+t.ID+"` has no tasks: neither `cases` nor `defaults` has any")
		}
	case model.KindWorkingDirectory:
		c.checkDirectory(o, t)
	case model.KindSubflow, model.KindForEachItem:
		c.checkRecursion(o)
	}
	if n := o.get("timeout"); n != nil && !bounded(t.Kind) {
		c.warn(n, "`timeout` does nothing here: it bounds tasks that a worker runs, and those inside have one of their own")
	}
}

// bounded tells whether the timeout of a kind of task counts.
func bounded(k model.Kind) bool {
	return k == model.KindRunnable || k == model.KindPause || k == model.KindWorkingDirectory
}

// checkDirectory checks the tasks of a WorkingDirectory, which one worker runs as one job.
func (c *compiler) checkDirectory(o *object, t *model.Task) {
	for _, child := range t.Tasks {
		at := o.n
		if n := childNode(o.n.Get("tasks"), child.ID); n != nil {
			at = n
		}
		if child.Type != "" && child.Kind != model.KindRunnable {
			c.fail(at, "`"+child.ID+"` cannot stand in a WorkingDirectory: only tasks that a worker runs can")
		}
		if child.WorkerGroup != nil {
			c.fail(at, "`"+child.ID+"` cannot have a worker group of its own: one worker runs the whole WorkingDirectory")
		}
	}
}

func childNode(list *yamldoc.Node, id string) *yamldoc.Node {
	for _, item := range list.Items() {
		if n := item.Get("id"); n.String() == id {
			return n
		}
	}
	return nil
}

// checkRecursion refuses a flow that starts itself.
func (c *compiler) checkRecursion(o *object) {
	f := c.flow
	if f.ID != "" && o.n.Get("flowId").String() == f.ID && o.n.Get("namespace").String() == f.Namespace {
		c.fail(o.n.Get("flowId"), "the flow "+f.Namespace+"."+f.ID+" starts itself")
	}
}
