package trigger

import (
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Interest is a flow whose executions a Flow trigger may care for; an empty FlowID stands for all of a namespace, an empty
// Namespace for all there are.
type Interest struct{ Namespace, FlowID string }

// Interests are the flows that a Flow trigger may care for. It may name more than those, never fewer: what it is told of is
// looked at again.
func Interests(t *model.Trigger) []Interest {
	var narrowest []Interest
	narrow := func(list []Interest) {
		for _, i := range list {
			if i.Namespace == "" {
				return
			}
		}
		if len(list) > 0 && narrowest == nil {
			narrowest = list
		}
	}
	for _, c := range t.Conditions { // all of them must hold: any of them narrows
		narrow(interestsOf(c))
	}
	p := props{t.Props}
	if pre := p.sub("preconditions"); pre.m != nil && len(pre.list("where")) == 0 {
		narrow(flowsOf(pre.maps("flows")))
	}
	narrow(flowsOf(p.maps("dependsOn")))
	if narrowest == nil {
		return []Interest{{}}
	}
	return narrowest
}

func flowsOf(list []props) []Interest {
	var out []Interest
	for _, f := range list {
		out = append(out, Interest{f.text("namespace"), f.text("flowId")})
	}
	return out
}

func interestsOf(c *model.Condition) []Interest {
	p := props{c.Props}
	literal := func(name string) string {
		if text := p.text(name); !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
			return text
		}
		return ""
	}
	switch conditionName(c) {
	case "ExecutionFlow":
		return []Interest{{literal("namespace"), literal("flowId")}}
	case "ExecutionNamespace":
		if p.text("comparison") == "" && !p.flag("prefix") || p.text("comparison") == "EQUALS" {
			return []Interest{{Namespace: literal("namespace")}}
		}
	case "Or", multiple:
		var out []Interest
		for _, sub := range c.Conditions {
			of := interestsOf(sub)
			if of == nil {
				return nil
			}
			out = append(out, of...)
		}
		return out
	}
	return nil
}

// ListensTo tells whether a Flow trigger is about executions that have come to a state.
func ListensTo(t *model.Trigger, s model.State) bool {
	states := props{t.Props}.states("states")
	if len(states) == 0 {
		return s.Terminated() || s.IsPaused()
	}
	for _, one := range states {
		if one == s {
			return true
		}
	}
	return false
}

// ReadsOutputs tells whether expressions of a trigger may read the outputs of tasks.
func ReadsOutputs(t *model.Trigger) bool {
	mentions := func(v *value.Map) bool {
		return v != nil && strings.Contains(string(value.AppendJSON(nil, v, value.JSONOptions{})), "outputs")
	}
	var any func(list []*model.Condition) bool
	any = func(list []*model.Condition) bool {
		for _, c := range list {
			if mentions(c.Props) || any(c.Conditions) {
				return true
			}
		}
		return false
	}
	return mentions(t.Props) || any(t.Conditions)
}
