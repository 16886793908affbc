package flow

import (
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// retry reads how something that failed is tried again; nil where it is absent.
func (c *compiler) retry(n *yamldoc.Node) *model.Retry {
	if n == nil {
		return nil
	}
	o := c.object(n, "a retry")
	if o == nil {
		return nil
	}
	if o.get("type") == nil {
		o.missing("type")
	}
	r := &model.Retry{
		Type:        o.choice("type", "", "constant", "exponential", "random"),
		MaxAttempts: o.number("maxAttempts", 1, "maxAttempt"), MaxDuration: o.duration("maxDuration"),
		WarnOnRetry:  o.flag("warningOnRetry", false),
		NewExecution: o.choice("behavior", "RETRY_FAILED_TASK", "RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION") == "CREATE_NEW_EXECUTION",
	}
	required := func(names ...string) {
		for _, name := range names {
			if o.get(name) == nil {
				o.missing(name)
			}
		}
	}
	o.what = "a " + r.Type + " retry"
	switch r.Type {
	case "constant":
		required("interval")
		r.Interval = o.duration("interval")
	case "exponential":
		required("interval", "maxInterval")
		r.Interval, r.MaxInterval, r.DelayFactor = o.duration("interval"), o.duration("maxInterval"), o.decimal("delayFactor")
	case "random":
		required("minInterval", "maxInterval")
		r.MinInterval, r.MaxInterval = o.duration("minInterval"), o.duration("maxInterval")
		o.less("minInterval", r.MinInterval, "maxInterval", r.MaxInterval)
		o.less("maxInterval", r.MaxInterval, "maxDuration", r.MaxDuration)
	default:
		return r
	}
	o.less("interval", r.Interval, "maxInterval", r.MaxInterval)
	o.less("interval", r.Interval, "maxDuration", r.MaxDuration)
	o.done()
	return r
}

// less reports a duration that is not less than another; one that is zero is absent, or was reported before.
func (o *object) less(name string, d time.Duration, than string, limit time.Duration) {
	if d > 0 && limit > 0 && d >= limit {
		o.c.fail(o.get(name), "`"+name+"` must be less than `"+than+"`")
	}
}

// workerGroup reads which workers run something: a workerGroup, or the workerSelector of flows for 2.0.
func (c *compiler) workerGroup(o *object) *model.WorkerGroup {
	selector := o.get("workerSelector")
	if n := o.get("workerGroup"); n != nil {
		g := c.object(n, "a worker group")
		if g == nil {
			return nil
		}
		out := &model.WorkerGroup{Key: g.text("key"), Fallback: g.choice("fallback", "", "FAIL", "WAIT", "CANCEL")}
		c.expressions(n.Get("key"))
		g.done()
		return out
	}
	if selector == nil {
		return nil
	}
	g := c.object(selector, "a worker selector")
	if g == nil {
		return nil
	}
	tags := g.words("tags")
	out := &model.WorkerGroup{Fallback: g.choice("fallback", "", "FAIL", "WAIT", "CANCEL", "IGNORE")}
	g.choice("match", "ALL", "ALL", "ANY")
	g.done()
	if len(tags) == 0 {
		return nil
	}
	if len(tags) > 1 {
		c.warn(selector.Get("tags"), "a worker has one tag here, its group: `"+tags[0]+"` is taken")
	}
	out.Key = tags[0]
	return out
}

func (c *compiler) concurrency(n *yamldoc.Node) *model.Concurrency {
	if n == nil {
		return nil
	}
	o := c.object(n, "a concurrency limit")
	if o == nil {
		return nil
	}
	if o.get("limit") == nil {
		o.missing("limit")
	}
	out := &model.Concurrency{
		Limit:    o.number("limit", 1),
		Behavior: o.choice("behavior", model.BehaviorQueue, model.BehaviorQueue, model.BehaviorCancel, model.BehaviorFail),
	}
	o.done()
	return out
}

func (c *compiler) slas(n *yamldoc.Node) []*model.SLA {
	var out []*model.SLA
	for _, item := range c.items(n, "sla") {
		o := c.object(item, "an SLA")
		if o == nil {
			continue
		}
		for _, name := range []string{"type", "behavior"} {
			if o.get(name) == nil {
				o.missing(name)
			}
		}
		s := &model.SLA{
			ID: o.name("id", inputID, 256), Type: o.choice("type", "", "MAX_DURATION", "EXECUTION_ASSERTION"),
			Behavior: o.choice("behavior", "", "FAIL", "CANCEL", "NONE"), Labels: c.labels(o.get("labels")),
		}
		switch s.Type {
		case "MAX_DURATION":
			if s.Duration = o.duration("duration"); o.get("duration") == nil {
				o.missing("duration")
			}
		case "EXECUTION_ASSERTION":
			if s.Assert = c.condition(o, "assert"); s.Assert == "" {
				o.missing("assert")
			}
		default:
			o.allow("duration", "assert")
		}
		o.done()
		out = append(out, s)
	}
	return out
}

func (c *compiler) checks(n *yamldoc.Node) []*model.Check {
	defer c.enter(owner{place: placeChecks})()
	var out []*model.Check
	for _, item := range c.items(n, "checks") {
		o := c.object(item, "a check")
		if o == nil {
			continue
		}
		check := &model.Check{
			Condition: c.condition(o, "condition", "when"), Message: o.text("message"),
			Style:    o.choice("style", "INFO", "ERROR", "SUCCESS", "WARNING", "INFO"),
			Behavior: o.choice("behavior", "BLOCK_EXECUTION", "BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"),
		}
		if check.Condition == "" {
			o.missing("condition")
		}
		if check.Message == "" {
			o.missing("message")
		}
		c.expressions(item.Get("message"))
		o.done()
		out = append(out, check)
	}
	return out
}

// quotas checks the quotas of flows for 2.0. They are kept with the flow's text and not enforced.
func (c *compiler) quotas(n *yamldoc.Node) {
	for _, item := range c.items(n, "quotas") {
		o := c.object(item, "a quota")
		if o == nil {
			continue
		}
		for _, name := range []string{"duration", "limit", "behavior"} {
			if o.get(name) == nil {
				o.missing(name)
			}
		}
		o.duration("duration")
		o.number("limit", 1)
		o.choice("behavior", "", "FAIL", "CANCEL")
		o.done()
		c.warn(item, "quotas are not enforced")
	}
}

// listeners reads the older form of afterExecution.
func (c *compiler) listeners(o *object) []*model.Listener {
	var out []*model.Listener
	for _, item := range o.list("listeners") {
		l := c.object(item, "a listener")
		if l == nil {
			continue
		}
		l.allow("description")
		tasks := l.get("tasks")
		if tasks == nil || len(tasks.Items()) == 0 && tasks.Kind == yamldoc.List {
			l.missing("tasks")
		}
		out = append(out, &model.Listener{
			Conditions: c.conditions(l.get("conditions")), Tasks: c.tasks(tasks, nil, model.SectionAfter),
		})
		l.done()
	}
	if n := o.n.Get("listeners"); n != nil {
		p := n.Problem(yamldoc.Warning, "`listeners` is deprecated")
		p.Suggestion = "use afterExecution, or a flow with a Flow trigger"
		c.report(p)
	}
	return out
}

// states reads a list of states of executions.
func (c *compiler) states(o *object, name string) []model.State {
	var out []model.State
	for _, n := range o.list(name) {
		s, err := model.ParseState(n.String())
		if err != nil {
			var known []string
			for _, s := range model.States() {
				known = append(known, s.String())
			}
			p := n.Problem(yamldoc.Error, "there is no state "+describe(n))
			p.Expected, p.Suggestion = "one of "+strings.Join(known, ", "), didYouMean(n.String(), known)
			c.report(p)
			continue
		}
		out = append(out, s)
	}
	return out
}
