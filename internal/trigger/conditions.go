package trigger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// scene is what a condition is about: the variables of the trigger and, for conditions on executions, the execution.
type scene struct {
	decl     *Declared
	vars     *value.Map // the variable trigger
	upstream *model.Upstream
	world    Asker
	on       time.Time // the date that is evaluated, zero where there is none
}

func (t *turn) holds(vars *value.Map, up *model.Upstream) (bool, error) {
	return t.decl.Holds(vars, up, t.world)
}

// Asker answers what conditions have to know: see World.
type Asker interface {
	Render(text string, vars *value.Map, up *model.Upstream) (string, error)
	Holiday(date time.Time, country, subdivision string) (bool, error)
}

// Holds evaluates all conditions of the trigger, and its `when`, for the variable trigger and, where there is one, the
// execution that has changed its state.
func (d *Declared) Holds(vars *value.Map, up *model.Upstream, w Asker) (bool, error) {
	return (&scene{decl: d, vars: vars, upstream: up, world: w}).hold()
}

func (s *scene) hold() (bool, error) {
	ok, err := s.all(ordinary(s.decl.Conditions))
	if err != nil || !ok {
		return false, err
	}
	when := props{s.decl.Props}.text("when")
	if when == "" {
		return true, nil
	}
	text, err := s.render(when)
	if err != nil {
		return false, fmt.Errorf("when: %w", err)
	}
	return expr.Truthy(text), nil
}

// ordinary leaves out the conditions that gather executions over time: see windows.
func ordinary(list []*model.Condition) []*model.Condition {
	return slices.DeleteFunc(slices.Clone(list), func(c *model.Condition) bool { return conditionName(c) == multiple })
}

const multiple = "MultipleCondition"

func conditionName(c *model.Condition) string { return c.Type[strings.LastIndexByte(c.Type, '.')+1:] }

func (s *scene) all(list []*model.Condition) (bool, error) {
	for _, c := range list {
		if ok, err := s.holds(c); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (s *scene) any(list []*model.Condition) (bool, error) {
	for _, c := range list {
		if ok, err := s.holds(c); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// holds evaluates one condition.
func (s *scene) holds(c *model.Condition) (bool, error) {
	ok, err := s.condition(c)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", conditionName(c), err)
	}
	return ok, nil
}

func (s *scene) condition(c *model.Condition) (bool, error) {
	p := props{c.Props}
	switch name := conditionName(c); name {
	case "Not":
		ok, err := s.any(c.Conditions)
		return !ok && err == nil, err
	case "Or":
		return s.any(c.Conditions)
	case "Expression":
		return s.expression(p.text("expression"))
	case "DateTimeBetween", "DayWeek", "DayWeekInMonth", "PublicHoliday", "TimeBetween", "Weekend":
		date, err := s.date(p)
		if err != nil {
			return false, err
		}
		return s.onDate(name, p, date)
	case "FlowCondition":
		return s.decl.Flow.Namespace == p.text("namespace") && s.decl.Flow.ID == p.text("flowId"), nil
	case "FlowNamespaceCondition":
		return inNamespace(s.decl.Flow.Namespace, p.text("namespace"), map[bool]string{true: "PREFIX"}[p.flag("prefix")]), nil
	default:
		if s.upstream == nil {
			return false, fmt.Errorf("there is no execution that it could be about")
		}
		return s.onExecution(name, p)
	}
}

// onExecution evaluates a condition on the execution that has changed its state.
func (s *scene) onExecution(name string, p props) (bool, error) {
	e := s.upstream.Execution
	switch name {
	case "ExecutionFlow":
		namespace, err := s.render(p.text("namespace"))
		if err != nil {
			return false, err
		}
		flow, err := s.render(p.text("flowId"))
		return e.Namespace == namespace && e.FlowID == flow, err
	case "ExecutionNamespace":
		namespace, err := s.render(p.text("namespace"))
		comparison := p.text("comparison")
		if comparison == "" && p.flag("prefix") {
			comparison = "PREFIX"
		}
		return inNamespace(e.Namespace, namespace, comparison), err
	case "ExecutionLabels":
		return hasLabels(e.Labels, labelsOf(p.get("labels"))), nil
	case "ExecutionStatus":
		return inStates(e.State.Current(), p), nil
	case "HasRetryAttempt":
		return slices.ContainsFunc(s.upstream.Retried, func(st model.State) bool { return inStates(st, p) }), nil
	case "ExecutionOutputs":
		if len(e.Outputs) == 0 || string(e.Outputs) == "{}" {
			return false, nil
		}
		return s.expression(p.text("expression"))
	}
	return false, fmt.Errorf("it is not known")
}

// expression holds unless it is blank or says false: the rule of the reference, by which 0 holds.
func (s *scene) expression(text string) (bool, error) {
	out, err := s.render(text)
	out = strings.TrimSpace(out)
	return out != "" && out != "false", err
}

func (s *scene) render(text string) (string, error) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return text, nil
	}
	return s.world.Render(text, s.vars, s.upstream)
}

func inStates(st model.State, p props) bool {
	in, notIn := p.states("in"), p.states("notIn")
	return (len(in) == 0 || slices.Contains(in, st)) && !slices.Contains(notIn, st)
}

func inNamespace(namespace, want, comparison string) bool {
	switch comparison {
	case "PREFIX":
		return strings.HasPrefix(namespace, want)
	case "SUFFIX":
		return strings.HasSuffix(namespace, want)
	}
	return namespace == want
}

// labelsOf reads labels that are a map, or a list of keys with values.
func labelsOf(v any) []model.Label {
	var out []model.Label
	switch l := v.(type) {
	case *value.Map:
		for k, v := range l.All() {
			out = append(out, model.Label{Key: k, Value: value.Print(v)})
		}
	case []any:
		for _, e := range l {
			if m, ok := e.(*value.Map); ok {
				out = append(out, model.Label{Key: props{m}.text("key"), Value: props{m}.text("value")})
			}
		}
	}
	return out
}

func hasLabels(have, want []model.Label) bool {
	for _, l := range want {
		if !slices.Contains(have, l) {
			return false
		}
	}
	return true
}

// date is the date that a condition is about.
func (s *scene) date(p props) (time.Time, error) {
	text := p.text("date")
	if text == "" {
		text = "{{ trigger.date }}"
	}
	text, err := s.render(text)
	if err != nil {
		return time.Time{}, err
	}
	return parseDate(text)
}

// parseDate reads a date with time and offset, or a date alone.
func parseDate(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if i := strings.IndexByte(text, '['); i > 0 { // the name of a zone, behind the offset
		text = text[:i]
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", text)
}
