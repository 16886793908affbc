// Package output holds tasks that put values out.
package output

import (
	"context"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.core.output.OutputValues", Category: plugin.Task, Title: "Put out values.",
		Description: "Puts out values under names of your own, to be read by later tasks as `outputs.TASK.values.NAME`.",
		Examples: []plugin.Example{{Title: "Put out two values", YAML: `id: results
type: io.kestra.plugin.core.output.OutputValues
values:
  total: "{{ outputs.count.value }}"
  flow: "{{ flow.id }}"`}},
		New: func() any { return &OutputValues{} }, Outputs: OutputValuesOutput{}, Pure: true,
	}}
}

// OutputValues puts out values.
type OutputValues struct {
	Values any `json:"values" doc:"The values by name."`
}

// OutputValuesOutput is what OutputValues puts out.
type OutputValuesOutput struct {
	Values any `json:"values" doc:"The rendered values by name; an empty map if there are none."`
}

// Run puts the values out.
func (t *OutputValues) Run(context.Context, sdk.Run) (any, error) {
	if t.Values == nil {
		return OutputValuesOutput{map[string]any{}}, nil
	}
	return OutputValuesOutput{t.Values}, nil
}
