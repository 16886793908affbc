package engine

import (
	"errors"
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
	run := x.edit(n)
	run.Engine.Keys = nil
	switch v := v.(type) {
	case []any:
		run.Engine.Values, err = loopTexts(v)
	case *value.Map:
		if n.task.Kind != model.KindLoop {
			err = errors.New("expected a list, got a map")
			break
		}
		run.Engine.Keys = v.Keys()
		run.Engine.Values, err = entryTexts(v)
	default:
		err = fmt.Errorf("expected a list, got %s", value.TypeName(v))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// loopValues evaluates what a flow says about a loop's values: a text that renders to JSON, or a list or map of values.
func (x *turn) loopValues(n *node, written any) (any, error) {
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
		return v, nil
	case []any:
		list := make([]any, len(w))
		for i, e := range w {
			r, err := x.renderElement(n, e)
			if err != nil {
				return nil, err
			}
			list[i] = r
		}
		return list, nil
	case *value.Map:
		return x.renderValue(n, w)
	}
	return written, nil
}

func (x *turn) renderElement(n *node, e any) (any, error) {
	switch e := e.(type) {
	case string, *value.Map, []any:
		return x.renderValue(n, e)
	default:
		return e, nil
	}
}

// loopTexts are the values of a list as texts. Repeated values run once.
func loopTexts(list []any) ([]string, error) {
	out := make([]string, 0, len(list))
	seen := make(map[string]bool, len(list))
	for i, e := range list {
		if e == nil {
			return nil, fmt.Errorf("value %d is null", i+1)
		}
		if text := loopText(e); !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out, nil
}

// entryTexts are the values of a map as texts.
func entryTexts(m *value.Map) ([]string, error) {
	out := make([]string, 0, m.Len())
	for k, e := range m.All() {
		if e == nil {
			return nil, fmt.Errorf("the value of %s is null", short(k))
		}
		out = append(out, loopText(e))
	}
	return out, nil
}

func loopText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(value.AppendJSON(nil, v, value.JSONOptions{}))
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
