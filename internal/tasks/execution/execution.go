// Package execution holds tasks about executions.
package execution

import (
	"context"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package; some read executions, resume them, and delete them with their files.
func Types(b backend.Backend, store storage.Storage, resumer Resumer) []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.execution.Fail", Aliases: []string{"io.kestra.core.tasks.executions.Fail"},
			Category: plugin.Task, Title: "Fail on purpose.",
			Description: "Fails, or fails if a condition holds, so that the errors tasks run.",
			Examples: []plugin.Example{{Title: "Fail when there is nothing to do", YAML: `id: check
type: io.kestra.plugin.core.execution.Fail
condition: "{{ outputs.count.value == '0' }}"
errorMessage: nothing to do`}},
			New: func() any { return &Fail{} }, Pure: true,
		},
		{
			Name: "io.kestra.plugin.core.execution.Assert", Category: plugin.Task, Title: "Fail unless conditions hold.",
			Description: "Evaluates every condition and fails if one of them is false.",
			Examples: []plugin.Example{{Title: "Check an input", YAML: `id: check
type: io.kestra.plugin.core.execution.Assert
conditions:
  - "{{ inputs.count > 0 }}"
  - "{{ inputs.name != '' }}"
errorMessage: a name and a count are required`}},
			New: func() any { return &Assert{} }, Pure: true,
		},
		countType(b), resumeType(b, resumer), purgeType(b, store),
	}
}

// Fail fails.
type Fail struct {
	Condition    *string `json:"condition" doc:"Fail only if this holds. Blank, 0 and false do not."`
	ErrorMessage string  `json:"errorMessage" default:"Task failure" doc:"Why, for the log."`
}

// Run fails unless its condition does not hold. With a condition its message is a line of its own before the failure.
func (t *Fail) Run(_ context.Context, run sdk.Run) (any, error) {
	switch {
	case t.Condition == nil:
		return nil, errors.New(t.ErrorMessage)
	case !expr.Truthy(*t.Condition):
		return nil, nil
	}
	run.Log(sdk.LevelError, "%s", t.ErrorMessage)
	return nil, errors.New("Fail on a condition") // as flows find it in errorLogs()
}

// Assert fails unless all of its conditions hold.
type Assert struct {
	Conditions   []sdk.Template `json:"conditions" required:"true" doc:"Expressions that must hold. Blank, 0 and false do not."`
	ErrorMessage string         `json:"errorMessage" doc:"Why, for the log."`
}

// Run evaluates every condition.
func (t *Assert) Run(_ context.Context, run sdk.Run) (any, error) {
	failed := 0
	for _, c := range t.Conditions {
		text, err := run.Render(string(c), nil)
		if err != nil {
			return nil, err
		}
		if !expr.Truthy(text) {
			failed++
			run.Log(sdk.LevelError, "assertion failed: %s", string(c))
		}
	}
	run.Counter("success", float64(len(t.Conditions)-failed))
	run.Counter("failed", float64(failed))
	if failed == 0 {
		return nil, nil
	}
	if t.ErrorMessage != "" {
		return nil, errors.New(t.ErrorMessage)
	}
	return nil, fmt.Errorf("%d of %d assertions failed", failed, len(t.Conditions))
}
