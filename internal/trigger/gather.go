package trigger

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// gathering is what several executions must have met, within a window of time, before the flow starts: preconditions,
// a MultipleCondition, or dependsOn.
type gathering struct {
	id     string
	window window
	reset  bool // everything has to be met anew after an execution was started
	enough int  // how many parts must be met
	parts  []part
}

// part is one of the things that an execution may meet.
type part struct {
	name string
	met  func(s *scene) (bool, error)
}

// CheckWindows tells whether the windows of time of a Flow trigger can be read; a *PropertyError says what is wrong.
func CheckWindows(t *model.Trigger) error {
	_, err := (&Declared{Trigger: t, Zone: time.UTC}).gatherings()
	return err
}

// gatherings are those of a trigger.
func (d *Declared) gatherings() ([]gathering, error) {
	var out []gathering
	p := props{d.Props}
	if pre := p.sub("preconditions"); pre.m != nil {
		g, err := d.preconditions(pre)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	for _, c := range d.Conditions {
		if conditionName(c) != multiple {
			continue
		}
		g, err := d.multiple(c)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	if deps := p.maps("dependsOn"); len(deps) > 0 {
		g, err := d.dependencies(p, deps)
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}

func (d *Declared) preconditions(p props) (gathering, error) {
	g := gathering{id: p.text("id"), reset: p.text("resetOnSuccess") != "false"}
	for i, f := range p.maps("flows") {
		g.parts = append(g.parts, part{fmt.Sprint("flow ", i, " ", f.text("namespace"), ".", f.text("flowId")), upstreamFlow(f)})
	}
	for _, w := range p.maps("where") {
		g.parts = append(g.parts, part{"where " + w.text("id"), filters(w)})
	}
	g.enough = len(g.parts)
	var err error
	g.window, err = windowOf(p.sub("timeWindow"), d.Zone)
	return g, inProperty(err, "preconditions", "timeWindow")
}

// upstreamFlow is met by executions of a flow, or of a namespace.
func upstreamFlow(p props) func(*scene) (bool, error) {
	states, labels := p.states("states"), labelsOf(p.get("labels"))
	return func(s *scene) (bool, error) {
		e := s.upstream.Execution
		return (p.text("namespace") == "" || e.Namespace == p.text("namespace")) && (p.text("flowId") == "" || e.FlowID == p.text("flowId")) &&
			(len(states) == 0 || slices.Contains(states, e.State.Current())) && hasLabels(e.Labels, labels), nil
	}
}

// multiple reads the older form: conditions by name.
func (d *Declared) multiple(c *model.Condition) (gathering, error) {
	p := props{c.Props}
	g := gathering{id: p.text("id"), reset: p.text("resetOnSuccess") != "false", enough: len(c.Conditions)}
	for i, sub := range c.Conditions {
		g.parts = append(g.parts, part{c.Names[i], func(s *scene) (bool, error) { return s.holds(sub) }})
	}
	if tw := p.sub("timeWindow"); tw.m != nil {
		var err error
		g.window, err = windowOf(tw, d.Zone)
		return g, inProperty(err, "conditions", "timeWindow")
	}
	var err error
	g.window, err = durationWindow(p, "window", "windowAdvance", d.Zone)
	return g, inProperty(err, "conditions")
}

// dependencies reads dependsOn with its window, as flows for 2.0 write it.
func (d *Declared) dependencies(p props, deps []props) (gathering, error) {
	g := gathering{id: "dependsOn", reset: true, enough: len(deps)}
	for i, dep := range deps {
		matches := upstreamFlow(dep)
		g.parts = append(g.parts, part{fmt.Sprint("flow ", i), func(s *scene) (bool, error) {
			ok, err := matches(s)
			when := dep.text("when")
			if err != nil || !ok || when == "" {
				return ok, err
			}
			text, err := s.render(when)
			return err == nil && expr.Truthy(text), err
		}})
	}
	switch p.text("mode") {
	case "ANY":
		g.enough = 1
	case "AT_LEAST":
		least := p.text("minSatisfied")
		if _, err := fmt.Sscan(least, &g.enough); err != nil {
			return g, inProperty(fmt.Errorf("%q is not a number", least), "minSatisfied")
		}
	}
	w := p.sub("window")
	var err error
	switch {
	case w.text("deadline") != "":
		g.window, err = dailyWindow(d.Zone, w, "", "deadline")
	case w.text("from") != "" || w.text("to") != "":
		g.window, err = dailyWindow(d.Zone, w, "from", "to")
	case w.text("lookback") != "":
		g.window, err = slidingWindow(w, "lookback")
	default:
		g.window, err = durationWindow(w, "every", "offset", d.Zone)
	}
	return g, inProperty(err, "window")
}

// filters is met by executions that pass all of its tests, or one of them.
func filters(p props) func(*scene) (bool, error) {
	tests, one := p.maps("filters"), p.text("operand") == "OR"
	return func(s *scene) (bool, error) {
		for _, test := range tests {
			ok, err := s.filter(test)
			if err != nil || ok == one {
				return ok, err
			}
		}
		return !one, nil
	}
}

// filter is a test on one property of an execution.
func (s *scene) filter(p props) (bool, error) {
	e := s.upstream.Execution
	want, err := s.render(p.text("value"))
	if err != nil {
		return false, err
	}
	var have string
	switch p.text("field") {
	case "FLOW_ID":
		have = e.FlowID
	case "NAMESPACE":
		have = e.Namespace
	case "STATE":
		have = e.State.Current().String()
	default: // EXPRESSION: the value itself is what is tested
		have = want
	}
	return compare(p.text("type"), have, want, p.list("values"))
}

func compare(test, have, want string, values []any) (bool, error) {
	among := slices.ContainsFunc(values, func(v any) bool { return value.Print(v) == have })
	switch test {
	case "EQUAL_TO":
		return have == want, nil
	case "NOT_EQUAL_TO":
		return have != want, nil
	case "IN":
		return among, nil
	case "NOT_IN":
		return !among, nil
	case "IS_TRUE":
		return expr.Truthy(have), nil
	case "IS_FALSE":
		return !expr.Truthy(have), nil
	case "IS_NULL":
		return have == "", nil
	case "IS_NOT_NULL":
		return have != "", nil
	case "STARTS_WITH":
		return strings.HasPrefix(have, want), nil
	case "ENDS_WITH":
		return strings.HasSuffix(have, want), nil
	case "CONTAINS":
		return strings.Contains(have, want), nil
	case "REGEX":
		re, err := regexp.Compile(`\A(?:` + want + `)\z`)
		if err != nil {
			return false, fmt.Errorf("the regular expression is not valid: %w", err)
		}
		return re.MatchString(have), nil
	}
	return false, fmt.Errorf("there is no test %q", test)
}
