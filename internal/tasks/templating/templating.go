// Package templating holds tasks that are made when they run.
package templating

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

const name = "io.kestra.plugin.core.templating.TemplatedTask"

// Types lists the types of this package; they find other types in the registry.
func Types(reg *plugin.Registry) []plugin.Type {
	return []plugin.Type{{
		Name: name, Aliases: []string{"io.kestra.core.tasks.templating.TemplatedTask"},
		Category: plugin.Task, Title: "Run a task that is made when it runs.",
		Description: "Renders a text, reads it as the YAML of a task, and runs that task in its own place. Only tasks that workers run can " +
			"be made so. The text is only checked when it runs: a plain task is better wherever it can do.",
		Examples: []plugin.Example{{Title: "Choose the level of a message", YAML: `id: made
type: io.kestra.plugin.core.templating.TemplatedTask
spec: |
  type: io.kestra.plugin.core.log.Log
  level: {{ inputs.level }}
  message: hello`}},
		New: func() any { return &TemplatedTask{types: reg} }, Outputs: map[string]any{}, WholeContext: true,
	}}
}

// TemplatedTask runs the task that a text describes.
type TemplatedTask struct {
	Spec  string `json:"spec" required:"true" doc:"The YAML of the task; its id is not needed."`
	types *plugin.Registry
}

// Run makes the task and runs it. What it puts out is the output of this one.
func (t *TemplatedTask) Run(ctx context.Context, run sdk.Run) (any, error) {
	task, err := t.task(run)
	if err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	return task.Run(ctx, run)
}

func (t *TemplatedTask) task(run sdk.Run) (sdk.Task, error) {
	v, err := yamltext.Read(t.Spec)
	if err != nil {
		return nil, err
	}
	props, ok := value.AsMap(v)
	if !ok {
		return nil, fmt.Errorf("expected a task, got %s", value.TypeName(v))
	}
	written, _ := props.Get("type")
	if written == nil {
		return nil, errors.New("the task has no type")
	}
	typ, ok := t.types.Lookup(value.Print(written))
	switch {
	case !ok || typ.Category != plugin.Task:
		return nil, fmt.Errorf("there is no task type %s", value.Print(written))
	case typ.Name == name:
		return nil, errors.New("a TemplatedTask cannot make another one")
	}
	for _, key := range props.Keys() {
		if plugin.Find(typ.Properties(), key) == nil && plugin.Find(plugin.Common(plugin.Task), key) == nil {
			return nil, fmt.Errorf("`%s` is not a property of %s", key, typ.Name)
		}
	}
	decoded, err := typ.Decode(props, func(text string, typed bool) (any, error) {
		if typed {
			return run.RenderTyped(text, nil)
		}
		return run.Render(text, nil)
	})
	if err != nil {
		return nil, err
	}
	task, ok := decoded.(sdk.Task)
	if !ok || typ.Kind != model.KindRunnable {
		return nil, fmt.Errorf("%s is not run by workers, so that it cannot be made here", typ.Name)
	}
	return task, nil
}
