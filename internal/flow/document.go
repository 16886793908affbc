package flow

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// documentKeys are the keys of a flow in the order in which the API shows them.
var documentKeys = []string{
	"id", "namespace", "revision", "inputs", "disabled", "deleted", "description", "labels", "variables", "workerGroup",
	"workerSelector", "tasks", "errors", "finally", "listeners", "afterExecution", "triggers", "pluginDefaults", "taskDefaults",
	"concurrency", "outputs", "retry", "sla", "checks", "quotas",
}

// document is the flow as data for the API: as it was written, types included, but with labels as a list and inputs with
// what they are when nothing is said.
func document(root *yamldoc.Node, f *model.Flow) *value.Map {
	doc := value.NewMap(len(root.Entries()) + 3)
	for _, key := range documentKeys {
		n := root.Get(key)
		switch key {
		case "revision":
			doc.Set(key, value.Int(int64(f.Revision)))
		case "disabled":
			doc.Set(key, f.Disabled)
		case "deleted":
			doc.Set(key, f.Deleted)
		case "labels":
			if len(f.Labels) > 0 {
				doc.Set(key, labelList(f.Labels))
			}
		case "inputs":
			if len(f.Inputs) > 0 {
				doc.Set(key, inputList(n, f.Inputs))
			}
		default:
			if !n.IsNull() {
				doc.Set(key, shown(n))
			}
		}
	}
	return doc
}

func labelList(labels []model.Label) []any {
	out := make([]any, len(labels))
	for i, l := range labels {
		out[i] = value.MapOf(value.Entry{Key: "key", Value: l.Key}, value.Entry{Key: "value", Value: l.Value})
	}
	return out
}

// shown is a value with the id and type of every task before its other properties, and the nulls left out.
func shown(n *yamldoc.Node) any {
	switch n.Kind {
	case yamldoc.List:
		out := make([]any, len(n.Items()))
		for i, item := range n.Items() {
			out[i] = shown(item)
		}
		return out
	case yamldoc.Map:
		m := value.NewMap(len(n.Entries()))
		for _, key := range []string{"id", "type"} {
			if e := n.Get(key); !e.IsNull() {
				m.Set(key, shown(e))
			}
		}
		for _, e := range n.Entries() {
			if !e.Value.IsNull() {
				m.Set(e.Key.Text, shown(e.Value))
			}
		}
		return m
	}
	return n.Value()
}

func inputList(n *yamldoc.Node, inputs []*model.Input) []any {
	out := make([]any, len(inputs))
	for i, in := range inputs {
		item := n.Items()[i]
		m := value.NewMap(len(item.Entries()) + 2)
		m.Set("id", in.ID)
		m.Set("type", in.Type)
		m.Set("required", in.Required)
		for _, e := range item.Entries() {
			if !e.Value.IsNull() && e.Key.Text != "name" && !m.Has(e.Key.Text) {
				m.Set(e.Key.Text, shown(e.Value))
			}
		}
		if in.Type == "FORM" {
			m.Set("inputs", inputList(item.Get("inputs"), in.Inputs))
		}
		out[i] = m
	}
	return out
}
