package flow

import (
	"slices"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Dependency is another flow that a flow has to do with.
type Dependency struct {
	Namespace string
	FlowID    string // "" for every flow of the namespace
	// ByTrigger tells that the other flow starts this one, by a Flow trigger; else this one starts it, by a task.
	ByTrigger bool
}

// Relation is the dependency's name in the API.
func (d Dependency) Relation() string {
	if d.ByTrigger {
		return "FLOW_TRIGGER"
	}
	return "FLOW_TASK"
}

// Dependencies lists the flows that a flow starts, and those whose executions start it, as far as they are named without
// expressions. Each stands there once.
func Dependencies(f *model.Flow) []Dependency {
	var out []Dependency
	add := func(d Dependency) {
		if d.Namespace != "" && !hasExpression(d.Namespace) && !hasExpression(d.FlowID) && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	for _, id := range sortedKeys(f.ByID) {
		t := f.ByID[id]
		if t.Kind == model.KindSubflow || t.Kind == model.KindBatches {
			add(Dependency{Namespace: textOf(t.Props, "namespace"), FlowID: textOf(t.Props, "flowId")})
		}
	}
	for _, t := range f.Triggers {
		for _, d := range upstream(t) {
			add(d)
		}
	}
	return out
}

func textOf(m *value.Map, key string) string {
	v, _ := m.Get(key)
	s, _ := v.(string)
	return s
}

const (
	flowTrigger        = "io.kestra.plugin.core.trigger.Flow"
	executionFlow      = "io.kestra.plugin.core.condition.ExecutionFlow"
	executionNamespace = "io.kestra.plugin.core.condition.ExecutionNamespace"
	notCondition       = "io.kestra.plugin.core.condition.Not"
)

// upstream lists the flows whose executions a trigger waits for.
func upstream(t *model.Trigger) []Dependency {
	if t.Type != flowTrigger {
		return nil
	}
	var out []Dependency
	var walk func(conditions []*model.Condition)
	walk = func(conditions []*model.Condition) {
		for _, c := range conditions {
			switch c.Type {
			case executionFlow, executionNamespace:
				out = append(out, Dependency{Namespace: textOf(c.Props, "namespace"), FlowID: textOf(c.Props, "flowId"), ByTrigger: true})
			case notCondition: // it names those that do not count
			default:
				walk(c.Conditions)
			}
		}
	}
	walk(t.Conditions)
	flows := listOf(t.Props, "dependsOn")
	if pre, ok := t.Props.Get("preconditions"); ok {
		if m, ok := pre.(*value.Map); ok {
			flows = append(flows, listOf(m, "flows")...)
			for _, filter := range listOf(m, "where") {
				out = append(out, filtered(filter)...)
			}
		}
	}
	for _, m := range flows {
		out = append(out, Dependency{Namespace: textOf(m, "namespace"), FlowID: textOf(m, "flowId"), ByTrigger: true})
	}
	return out
}

// filtered is the flow that a filter of preconditions asks for by name.
func filtered(filter *value.Map) []Dependency {
	d := Dependency{ByTrigger: true}
	for _, test := range listOf(filter, "filters") {
		if textOf(test, "type") != "EQUAL_TO" {
			continue
		}
		switch textOf(test, "field") {
		case "NAMESPACE":
			d.Namespace = textOf(test, "value")
		case "FLOW_ID":
			d.FlowID = textOf(test, "value")
		}
	}
	return []Dependency{d}
}

// listOf returns the maps in a list.
func listOf(m *value.Map, key string) []*value.Map {
	v, _ := m.Get(key)
	list, _ := v.([]any)
	var out []*value.Map
	for _, e := range list {
		if m, ok := e.(*value.Map); ok {
			out = append(out, m)
		}
	}
	return out
}
