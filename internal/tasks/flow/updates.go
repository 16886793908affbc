package flow

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
)

func updates() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.execution.Labels", Aliases: []string{"io.kestra.core.tasks.executions.Labels"},
			Category: plugin.Task, Kind: model.KindLabels, Title: "Label this execution.",
			Description: "Adds labels to the execution; those that it has get the new value.",
			Examples:    []plugin.Example{{Title: "Label the execution with a result", YAML: labelsExample}},
			New:         func() any { return &Labels{} },
		},
		{
			Name: "io.kestra.plugin.core.execution.SetVariables", Category: plugin.Task, Kind: model.KindSetVariables,
			Title:       "Set variables of this execution.",
			Description: "Later tasks read them as `{{ vars.NAME }}`.",
			Examples:    []plugin.Example{{Title: "Remember a result", YAML: setVariablesExample}},
			New:         func() any { return &SetVariables{} },
		},
		{
			Name: "io.kestra.plugin.core.execution.UnsetVariables", Category: plugin.Task, Kind: model.KindUnsetVariables,
			Title: "Remove variables of this execution.", New: func() any { return &UnsetVariables{} },
			Description: "Later tasks do not find them in `vars`.",
			Examples:    []plugin.Example{{Title: "Forget a variable", YAML: unsetVariablesExample}},
		},
		{
			Name: "io.kestra.plugin.core.execution.Exit", Category: plugin.Task, Kind: model.KindExit,
			Title: "End this execution.", New: func() any { return &Exit{} },
			Description: "Ends the execution with a state. No other task runs, also no errors and finally tasks; afterExecution tasks do.",
			Examples:    []plugin.Example{{Title: "End when there is nothing to do", YAML: exitExample}},
		},
	}
}

// Labels labels the execution.
type Labels struct {
	Labels any `json:"labels" required:"true" doc:"A map, a list of keys with values, or an expression that gives one of them as JSON."`
}

// SetVariables sets variables of the execution.
type SetVariables struct {
	Variables map[string]any `json:"variables" required:"true" doc:"The variables."`
	Overwrite bool           `json:"overwrite" default:"true" doc:"Whether variables that are there get the new value; else the task fails."`
}

// UnsetVariables removes variables of the execution.
type UnsetVariables struct {
	Variables     []string `json:"variables" required:"true" doc:"The names."`
	IgnoreMissing bool     `json:"ignoreMissing" default:"false" doc:"Whether a variable that is not there is no failure."`
}

// Exit ends the execution.
type Exit struct {
	State string `json:"state" default:"SUCCESS" enum:"SUCCESS,WARNING,FAILED,KILLED,CANCELED,CANCELLED" doc:"The state that the execution ends with."`
}
