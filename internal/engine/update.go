package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// applyLabels merges a Labels task's labels over those of the execution.
func (x *turn) applyLabels(n *node) error {
	v, err := x.renderStructure(n, "labels")
	if err != nil {
		return err
	}
	labels, err := labelsOf(v)
	if err != nil {
		return err
	}
	for _, l := range labels {
		if strings.HasPrefix(l.Key, model.SystemPrefix) {
			return fmt.Errorf("labels: %s: labels that begin with %q are set by the system only", l.Key, model.SystemPrefix)
		}
	}
	h := x.head()
	h.Labels = mergeLabels(h.Labels, labels)
	return nil
}

// labelsOf reads labels from a map, or from a list of maps with key and value.
func labelsOf(v any) ([]model.Label, error) {
	var out []model.Label
	switch v := v.(type) {
	case nil:
	case *value.Map:
		for k, e := range v.All() {
			out = append(out, model.Label{Key: k, Value: value.Print(e)})
		}
	case []any:
		for _, e := range v {
			m, ok := e.(*value.Map)
			if !ok {
				return nil, fmt.Errorf("labels: expected maps with key and value, got %s", value.TypeName(e))
			}
			k, _ := m.Get("key")
			val, _ := m.Get("value")
			if k == nil {
				return nil, fmt.Errorf("labels: a label has no key")
			}
			out = append(out, model.Label{Key: value.Print(k), Value: value.Print(val)})
		}
	default:
		return nil, fmt.Errorf("labels: expected a map or a list, got %s", value.TypeName(v))
	}
	return out, nil
}

// mergeLabels sets labels over others; a key that is there keeps its place.
func mergeLabels(old, set []model.Label) []model.Label {
	out := append([]model.Label(nil), old...)
next:
	for _, l := range set {
		for i := range out {
			if out[i].Key == l.Key {
				out[i].Value = l.Value
				continue next
			}
		}
		out = append(out, l)
	}
	return out
}

func (x *turn) setVariables(n *node) error {
	v, err := x.renderStructure(n, "variables")
	if err != nil {
		return err
	}
	set, ok := v.(*value.Map)
	if !ok {
		return fmt.Errorf("variables: expected a map, got %s", value.TypeName(v))
	}
	overwrite, err := x.renderBool(n, "overwrite", true)
	if err != nil {
		return err
	}
	vars := x.ownVariables()
	for k, e := range set.All() {
		if vars.Has(k) && !overwrite {
			return fmt.Errorf("variables: %s exists already and overwrite is false", k)
		}
		vars.Set(k, e)
	}
	x.storeVariables(vars)
	return nil
}

func (x *turn) unsetVariables(n *node) error {
	v, err := x.renderStructure(n, "variables")
	if err != nil {
		return err
	}
	names, ok := v.([]any)
	if !ok {
		return fmt.Errorf("variables: expected a list of names, got %s", value.TypeName(v))
	}
	ignore, err := x.renderBool(n, "ignoreMissing", false)
	if err != nil {
		return err
	}
	vars := x.ownVariables()
	for _, name := range names {
		if !vars.Delete(value.Print(name)) && !ignore {
			return fmt.Errorf("variables: %s does not exist and ignoreMissing is false", value.Print(name))
		}
	}
	x.storeVariables(vars)
	return nil
}

// ownVariables returns the execution's variables for changing.
func (x *turn) ownVariables() *value.Map {
	if m := x.object(x.s.Exec.Variables, false); m != nil {
		return m
	}
	if x.s.Flow.Variables == nil {
		return value.NewMap(0)
	}
	return x.s.Flow.Variables.Clone()
}

func (x *turn) storeVariables(m *value.Map) {
	x.head().Variables = json.RawMessage(value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true}))
}

func (x *turn) renderBool(n *node, name string, otherwise bool) (bool, error) {
	v, err := x.renderProp(n, name)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case nil:
		return otherwise, nil
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(v) {
		case "":
			return otherwise, nil
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, fmt.Errorf("%s: %s is not true or false", name, value.Print(v))
}
