package flow

import (
	"regexp"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

var (
	flowID    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)
	namespace = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	taskID    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)
	inputID   = regexp.MustCompile(`^[a-zA-Z0-9][.a-zA-Z0-9_-]*$`)
	labelKey  = regexp.MustCompile(`^\p{Ll}[\p{L}0-9._-]*$`)
)

// reservedIDs should not be the ids of flows: paths of the API have these words where others have an id. The reference
// refuses them in new flows, and runs those that it has.
var reservedIDs = []string{
	"pause", "resume", "force-run", "change-status", "kill", "executions", "search", "source", "disable", "enable",
}

// compile reads the whole flow.
func (c *compiler) compile(root *yamldoc.Node) *model.Flow {
	f := c.flow
	written := c.object(root, "a flow")
	if written == nil {
		return f
	}
	c.defaults = append(c.readDefaults(written), c.opts.Defaults...)
	o := c.object(c.withDefaults(root, c.defaults), "a flow")
	o.allow("pluginDefaults", "taskDefaults", "tenantId", "updated")
	o.unused("draft", "policyRefs")
	f.ID = o.name("id", flowID, 100)
	if slices.Contains(reservedIDs, f.ID) {
		c.warn(o.get("id"), "the id `"+f.ID+"` is a word of the API, so that some requests mean something else than this flow")
	}
	f.Namespace = o.name("namespace", namespace, 150)
	if revision := o.number("revision", 1); f.Revision == 0 {
		f.Revision = max(revision, 1)
	}
	f.Description = o.text("description")
	f.Disabled = o.flag("disabled", false)
	f.Deleted = o.flag("deleted", false)
	f.Labels = c.flowLabels(o)
	f.Inputs = c.inputs(o.get("inputs"))
	f.Variables = c.variables(o)
	c.sections(o)
	f.Triggers = c.triggers(o.get("triggers"))
	f.Outputs = c.outputs(o.get("outputs"))
	f.Concurrency = c.concurrency(o.get("concurrency"))
	f.Retry = c.retry(o.get("retry"))
	f.SLA = c.slas(o.get("sla"))
	f.Checks = c.checks(o.get("checks"))
	c.quotas(o.get("quotas"))
	f.WorkerGroup = c.workerGroup(o)
	o.done()
	return f
}

// sections reads the lists of tasks.
func (c *compiler) sections(o *object) {
	f := c.flow
	tasks := o.get("tasks")
	if tasks == nil || tasks.Kind == yamldoc.List && len(tasks.Items()) == 0 {
		o.missing("tasks")
	}
	f.Tasks = c.tasks(tasks, nil, model.SectionTasks)
	f.Errors = c.tasks(o.get("errors"), nil, model.SectionErrors)
	f.Finally = c.tasks(o.get("finally"), nil, model.SectionFinally)
	f.AfterExecution = c.tasks(o.get("afterExecution"), nil, model.SectionAfter)
	f.Listeners = c.listeners(o)
}

func (c *compiler) variables(o *object) *value.Map {
	n := o.get("variables")
	if n == nil {
		return nil
	}
	if n.Kind != yamldoc.Map {
		c.expect(n, "`variables` is "+describe(n), "a map")
		return nil
	}
	// Variables are evaluated only where a task says so, so that any text may stand there.
	c.parseAll(n, yamldoc.Warning)
	m, _ := n.Value().(*value.Map)
	return m
}

// flowLabels reads the flow's own labels.
func (c *compiler) flowLabels(o *object) []model.Label {
	n := o.get("labels")
	labels := c.labels(n)
	for i, l := range labels {
		if strings.HasPrefix(l.Key, model.SystemPrefix) && l.Key != readOnlyLabel {
			c.fail(labelNode(n, i), "the label `"+l.Key+"` is a system label, which a flow cannot set")
		}
	}
	return labels
}

// readOnlyLabel is the one system label that flows may set: it keeps people from editing them.
const readOnlyLabel = model.SystemPrefix + "readOnly"

// labelNode is where the i-th of the labels that were read stands.
func labelNode(n *yamldoc.Node, i int) *yamldoc.Node {
	for _, e := range n.Entries() {
		if e.Value.IsNull() || e.Value.String() == "" {
			continue
		}
		if i--; i < 0 {
			return e.Key
		}
	}
	for _, item := range n.Items() {
		if key := item.Get("key"); !key.IsNull() && !item.Get("value").IsNull() && item.Get("value").String() != "" {
			if i--; i < 0 {
				return key
			}
		}
	}
	return n
}

// labels reads labels as a map, or as a list of keys with values. Those without a value are left out.
func (c *compiler) labels(n *yamldoc.Node) []model.Label {
	var out []model.Label
	add := func(key, v *yamldoc.Node) {
		if !labelKey.MatchString(key.String()) {
			c.warn(key, "the label `"+shorten(key.String())+"` is not as labels should be: a small letter first, then letters, digits, '.', '_' and '-'")
		}
		switch {
		case v.IsNull() || v.Kind == yamldoc.Scalar && v.String() == "":
			c.warn(key, "the label `"+key.String()+"` has no value and is left out")
		case v.Kind != yamldoc.Scalar:
			c.expect(v, "the value of the label `"+key.String()+"` is "+describe(v), "text")
			out = append(out, model.Label{Key: key.String()})
		default:
			out = append(out, model.Label{Key: key.String(), Value: v.String()})
		}
	}
	switch {
	case n == nil:
	case n.Kind == yamldoc.Map:
		for _, e := range n.Entries() {
			add(e.Key, e.Value)
		}
	case n.Kind == yamldoc.List:
		for _, item := range n.Items() {
			o := c.object(item, "a label")
			if o == nil {
				continue
			}
			key, v := o.get("key"), o.raw("value")
			if key == nil || key.Kind != yamldoc.Scalar || key.String() == "" {
				o.missing("key")
			} else {
				add(key, v)
			}
			o.done()
		}
	default:
		c.expect(n, "`labels` is "+describe(n), "a map, or a list of keys with values")
	}
	return out
}

var outputTypes = append([]string{"ANY"}, inputTypeNames...)

// outputs reads the outputs of the flow.
func (c *compiler) outputs(n *yamldoc.Node) []*model.Output {
	defer c.enter(owner{place: placeOutputs})()
	var out []*model.Output
	seen := map[string]*yamldoc.Node{}
	for _, item := range c.items(n, "outputs") {
		o := c.object(item, "an output")
		if o == nil {
			continue
		}
		v := &model.Output{
			ID: o.name("id", inputID, 256), Type: o.choice("type", "", outputTypes...), Required: o.flag("required", false),
			DisplayName: o.text("displayName"), Description: o.text("description"),
		}
		c.unique(seen, v.ID, item.Get("id"), "output")
		if v.Type == "" && item.Get("type") == nil {
			c.warn(item, "this output has no `type`: it is put out as it is, and other installations refuse it")
		}
		written := o.raw("value")
		if written == nil {
			o.missing("value")
		}
		c.expressions(written)
		v.Value = written.Value()
		o.done()
		out = append(out, v)
	}
	return out
}

// items returns the items of a list that may be absent.
func (c *compiler) items(n *yamldoc.Node, what string) []*yamldoc.Node {
	if n != nil && n.Kind != yamldoc.List {
		c.expect(n, "`"+what+"` is "+describe(n), "a list")
	}
	return n.Items()
}

// unique reports an id that was used before.
func (c *compiler) unique(seen map[string]*yamldoc.Node, id string, at *yamldoc.Node, what string) {
	if id == "" || at == nil {
		return
	}
	if first := seen[id]; first != nil {
		c.fail(at, "the "+what+" `"+id+"` is declared twice, also at line "+itoa(first.Line))
		return
	}
	seen[id] = at
}

// owner is what a text belongs to.
type owner struct {
	task  *model.Task
	place place
}

// place is where in a flow a text stands that belongs to no task.
type place uint8

const (
	placeFlow place = iota
	placeOutputs
	placeInputs
	placeTrigger
	placeChecks
)

// enter sets whom texts belong to from now on; what it returns goes back to whom they belonged to before.
func (c *compiler) enter(o owner) func() {
	before := c.owner
	c.owner = o
	return func() { c.owner = before }
}
