package flow

import (
	"errors"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/cron"
	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func (c *compiler) triggers(n *yamldoc.Node) []*model.Trigger {
	var out []*model.Trigger
	seen := map[string]*yamldoc.Node{}
	for _, item := range c.items(n, "triggers") {
		if t := c.trigger(item); t != nil {
			c.unique(seen, t.ID, item.Get("id"), "trigger")
			out = append(out, t)
		}
	}
	return out
}

// trigger reads a trigger; nil if there is no telling what it is.
func (c *compiler) trigger(n *yamldoc.Node) *model.Trigger {
	o := c.object(n, "a trigger")
	if o == nil {
		return nil
	}
	defer c.enter(owner{place: placeTrigger})()
	t := &model.Trigger{ID: o.name("id", taskID, 256), Line: n.Line}
	typ := c.typeOf(o, plugin.Trigger)
	if typ == nil {
		return t
	}
	t.Type, t.Kind = typ.Name, typ.Trigger
	t.Description = o.text("description")
	t.Disabled = o.flag("disabled", false)
	t.LogLevel = o.level("logLevel")
	t.WorkerGroup = c.workerGroup(o)
	t.StopAfter = c.states(o, "stopAfter")
	t.Conditions = c.conditions(o.get("conditions"))
	for _, p := range typ.Properties() {
		if p.Kind == plugin.ConditionList { // scheduleConditions
			old := o.get(p.Name)
			c.deprecatedProperty(old, &p)
			t.Conditions = append(t.Conditions, c.conditions(old)...)
		}
	}
	t.Props = c.properties(o, typ.Properties())
	c.triggerSettings(o, t.Props)
	o.done()
	c.checkTrigger(n, t)
	return t
}

// triggerSettings adds to a trigger's properties what every trigger has and only those who evaluate triggers read.
func (c *compiler) triggerSettings(o *object, props *value.Map) {
	o.allow("pluginDefaultsRef")
	o.unused("version", "policyRefs", "assets")
	if n := o.get("labels"); n != nil {
		c.expressions(n)
		var list []any
		for _, l := range c.labels(n) {
			if strings.HasPrefix(l.Key, model.SystemPrefix) && l.Key != model.LabelCorrelation {
				c.warn(n, "the executions of this trigger will fail: the label `"+l.Key+"` is for Windhover itself to set")
			}
			list = append(list, value.MapOf(value.Entry{Key: "key", Value: l.Key}, value.Entry{Key: "value", Value: l.Value}))
		}
		props.Set("labels", list)
	}
	if when := c.condition(o, "when"); when != "" {
		props.Set("when", when)
	}
	for _, name := range []string{"logToFile", "failOnTriggerError", "allowConcurrent"} {
		if o.get(name) != nil {
			props.Set(name, o.flag(name, false))
		}
	}
}

// someDay is any day from which it shows whether a schedule ever fires.
var someDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// checkTrigger checks what only triggers of one type have to meet.
func (c *compiler) checkTrigger(n *yamldoc.Node, t *model.Trigger) {
	if expr := n.Get("cron"); t.Props.Has("cron") {
		seconds, _ := asBool(orNull(n.Get("withSeconds")))
		schedule, err := cron.Parse(expr.String(), seconds)
		if err == nil {
			if _, ever := schedule.Next(someDay); !ever {
				c.warn(expr, "this schedule never fires: there is no such date")
			}
		}
		var ce *cron.Error
		if errors.As(err, &ce) {
			p := expr.Problem(yamldoc.Error, "this is not a cron expression: "+ce.Msg)
			if ce.Field != "" {
				p = c.within(expr, byteOffset(expr.String(), 1, ce.Column))
				p.Message = "the field " + ce.Field + " of the cron expression is not valid: " + ce.Msg
			}
			c.report(p)
		}
	}
	if zone := n.Get("timezone"); !zone.IsNull() && !hasExpression(zone.String()) {
		if _, err := javatime.Zone(zone.String()); err != nil {
			c.expect(zone, "there is no time zone `"+shorten(zone.String())+"`", "a name such as Europe/Paris, or UTC")
		}
	}
	if interval := n.Get("interval"); t.Kind == model.TriggerPolling && interval != nil {
		if d, err := model.ParseDuration(interval.String()); err == nil && d < time.Second {
			c.warn(interval, "the trigger is evaluated each second: an interval cannot be shorter")
		}
	}
	if t.Kind == model.TriggerFlow {
		c.checkWindows(n, t)
	}
	if t.Kind == model.TriggerTool {
		c.warn(n.Get("type"), "nothing starts the flow by this trigger: there is no MCP server here")
	}
	const maxKey = 256
	if key := n.Get("key"); t.Props.Has("key") && len(key.String()) > maxKey {
		c.fail(key, "`key` must not be longer than 256 characters")
	}
}

// checkWindows reports a window of time that cannot be read where it stands.
func (c *compiler) checkWindows(n *yamldoc.Node, t *model.Trigger) {
	var wrong *trigger.PropertyError
	if !errors.As(trigger.CheckWindows(t), &wrong) {
		return
	}
	for _, key := range wrong.Path {
		if inner := n.Get(key); inner != nil {
			n = inner
		}
	}
	c.fail(n, "this window of time is not valid: "+wrong.Path[len(wrong.Path)-1]+": "+wrong.Err.Error())
}

var nullNode = &yamldoc.Node{}

func orNull(n *yamldoc.Node) *yamldoc.Node {
	if n == nil {
		return nullNode
	}
	return n
}

// conditions reads a list of conditions.
func (c *compiler) conditions(n *yamldoc.Node) []*model.Condition {
	var out []*model.Condition
	for _, item := range c.items(n, "conditions") {
		if cond := c.conditionOf(item); cond != nil {
			out = append(out, cond)
		}
	}
	return out
}

// conditionOf reads a condition with those that stand in it.
func (c *compiler) conditionOf(n *yamldoc.Node) *model.Condition {
	o := c.object(n, "a condition")
	if o == nil {
		return nil
	}
	typ := c.typeOf(o, plugin.Condition)
	if typ == nil {
		return nil
	}
	o.allow("id", "description", "pluginDefaultsRef")
	cond := &model.Condition{Type: typ.Name}
	for _, p := range typ.Properties() {
		if !p.Kind.Structural() {
			continue
		}
		inside := o.get(p.Name)
		if inside == nil {
			o.missing(p.Name)
			continue
		}
		if p.Kind == plugin.ConditionList {
			cond.Conditions = c.conditions(inside)
			continue
		}
		if inside.Kind != yamldoc.Map {
			c.expect(inside, "`"+p.Name+"` is "+describe(inside), "a map from names to conditions")
		}
		for _, e := range inside.Entries() {
			if sub := c.conditionOf(e.Value); sub != nil {
				cond.Conditions, cond.Names = append(cond.Conditions, sub), append(cond.Names, e.Key.Text)
			}
		}
	}
	cond.Props = c.properties(o, typ.Properties())
	o.done()
	return cond
}
