package flowtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// fixtureType is the type that tasks have which are replaced by fixtures.
const fixtureType = "io.windhover.test.Fixture"

func typeOfFixtures(tasks []Task) plugin.Type {
	return plugin.Type{
		Name: fixtureType, Category: plugin.Task, Title: "Stand in for a task in a test.",
		New: func() any { return &fixture{tasks: tasks} }, Pure: true,
	}
}

// fixture puts out what the test says that its task does.
type fixture struct{ tasks []Task }

// warned is outputs that end a task in WARNING.
type warned map[string]any

// Warning ends the task in WARNING.
func (warned) Warning() bool { return true }

// Run finds the fixture for the task, or for its value in a loop.
func (f *fixture) Run(_ context.Context, run sdk.Run) (any, error) {
	info := run.Info()
	for _, general := range []bool{false, true} {
		for _, t := range f.tasks {
			ofValue := t.Value != nil && info.Value != nil && *t.Value == *info.Value
			if t.ID == info.TaskID && (ofValue || general && t.Value == nil) {
				return t.result()
			}
		}
	}
	return nil, fmt.Errorf("there is no fixture of the task %s for this value", info.TaskID)
}

func (t *Task) result() (any, error) {
	out := map[string]any{}
	for k, v := range t.Outputs.All() {
		out[k] = v
	}
	switch t.State {
	case model.Failed.String():
		return nil, &sdk.OutputError{Err: errors.New("the fixture lets the task fail"), Outputs: out}
	case model.Warning.String():
		return warned(out), nil
	}
	return out, nil
}

// commonProperties are those that a task keeps which is replaced by a fixture: they belong to the flow, not to the type.
var commonProperties = []string{"id", "description", "runIf", "when", "disabled", "allowFailure", "allowWarning", "dependsOn"}

// replaceTasks puts fixtures into a flow's source in place of the tasks that they stand for, with all that is in these.
func replaceTasks(src []byte, tasks []Task) ([]byte, error) {
	if len(tasks) == 0 {
		return src, nil
	}
	doc, err := yamltext.Read(string(src))
	if err != nil {
		return nil, err
	}
	skipped, missing := map[string]bool{}, map[string]bool{}
	for _, t := range tasks {
		missing[t.ID] = true
		skipped[t.ID] = t.State == model.Skipped.String()
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				m, ok := e.(*value.Map)
				if ok {
					v[i] = replaced(m, missing, skipped)
				}
				walk(v[i])
			}
		case *value.Map:
			for _, e := range v.All() {
				walk(e)
			}
		}
	}
	root, ok := doc.(*value.Map)
	if !ok {
		return nil, errors.New("the flow is not a map")
	}
	for _, list := range []string{"tasks", "errors", "finally", "afterExecution"} {
		v, _ := root.Get(list)
		walk(v)
	}
	for id, is := range missing {
		if is {
			return nil, fmt.Errorf("the flow has no task %s, for which there is a fixture", id)
		}
	}
	return []byte(yamltext.Write(root)), nil
}

// replaced is the fixture in place of a task, or what is there if it is none that has one. The tasks of a Dag stand in maps
// of their own; those are looked into later.
func replaced(m *value.Map, missing, skipped map[string]bool) *value.Map {
	v, _ := m.Get("id")
	id, _ := v.(string)
	if _, named := missing[id]; !named || !m.Has("type") {
		if inner, ok := value.AsMap(first(m.Get("task"))); ok {
			m.Set("task", replaced(inner, missing, skipped))
		}
		return m
	}
	missing[id] = false
	out := value.NewMap(4)
	for _, name := range commonProperties {
		if v, ok := m.Get(name); ok {
			out.Set(name, v)
		}
	}
	out.Set("type", fixtureType)
	if skipped[id] {
		out.Set("runIf", "false")
	}
	return out
}

func first(v any, _ bool) any { return v }
