package engine

import (
	"fmt"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// decideValues evaluates the values of a loop and freezes them.
func (x *turn) decideValues(n *node, name string) error {
	written, ok := n.task.Props.Get(name)
	if !ok || written == nil {
		return fmt.Errorf("%s: a list of values is required", name)
	}
	v, err := x.loopValues(n, written)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	x.edit(n).Engine.Values = v
	return nil
}

// loopValues turns what a flow says about a loop's values into texts: a text that renders to a JSON array, a file of them
// being resolved before, or a list. Repeated values run once.
func (x *turn) loopValues(n *node, written any) ([]string, error) {
	var list []any
	switch w := written.(type) {
	case string:
		text, err := x.render(n, w)
		if err != nil {
			return nil, err
		}
		v, err := value.ParseJSON([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("expected a JSON array, got %s", short(text))
		}
		switch v := v.(type) {
		case []any:
			list = v
		case *value.Map: // 2.0: the entries of a map
			for k, e := range v.All() {
				list = append(list, value.MapOf(value.Entry{Key: "key", Value: k}, value.Entry{Key: "value", Value: e}))
			}
		default:
			return nil, fmt.Errorf("expected a JSON array, got %s", short(text))
		}
	case []any:
		for _, e := range w {
			r, err := x.renderElement(n, e)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
	default:
		return nil, fmt.Errorf("expected a list, got %s", value.TypeName(written))
	}
	return loopTexts(list)
}

func (x *turn) renderElement(n *node, e any) (any, error) {
	switch e := e.(type) {
	case string, *value.Map, []any:
		return x.renderValue(n, e)
	default:
		return e, nil
	}
}

func loopTexts(list []any) ([]string, error) {
	out := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for i, e := range list {
		var text string
		switch e := e.(type) {
		case nil:
			return nil, fmt.Errorf("value %d is null", i+1)
		case string:
			text = e
		default:
			text = string(value.AppendJSON(nil, e, value.JSONOptions{}))
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out, nil
}

func short(s string) string {
	const limit = 80
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// update does a task that changes its execution: Labels, SetVariables, UnsetVariables or Exit.
func (x *turn) update(n *node) {
	x.openAttempt(n)
	x.move(n, model.Running)
	if n.task.Kind == model.KindExit {
		x.exit(n)
		return
	}
	if err := x.apply(n); err != nil {
		x.log(n, model.LevelError, "%v", err)
		x.edit(n).Engine.Error = x.hidden(err.Error())
		x.closeAttempt(n, model.Failed)
		x.endLeaf(n, model.Failed)
		return
	}
	x.closeAttempt(n, model.Success)
	x.endLeaf(n, model.Success)
}

func (x *turn) apply(n *node) error {
	switch n.task.Kind {
	case model.KindLabels:
		return x.applyLabels(n)
	case model.KindSetVariables:
		return x.setVariables(n)
	}
	return x.unsetVariables(n)
}

// exit ends the execution with the state that the task names.
func (x *turn) exit(n *node) {
	text, err := x.render(n, prop(n.task, "state"))
	s := model.Success
	if err == nil && text != "" {
		if text == "CANCELED" { // the task's own spelling
			text = model.Cancelled.String()
		}
		s, err = model.ParseState(text)
	}
	if err != nil {
		x.log(n, model.LevelError, "%v", err)
		x.closeAttempt(n, model.Failed)
		x.endLeaf(n, model.Failed)
		return
	}
	x.terminate(n, s)
}
