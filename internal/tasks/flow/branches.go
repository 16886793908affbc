package flow

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
)

func branches() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.flow.If", Aliases: []string{"io.kestra.core.tasks.flows.If"},
			Category: plugin.Task, Kind: model.KindIf, Title: "Run tasks if a condition holds, or others if it does not.",
			Description: "The condition is evaluated once, when the task begins. Blank, `0` and `false` do not hold, all else does.",
			Examples:    []plugin.Example{{Title: "Tell good numbers from bad ones", YAML: ifExample}},
			New:         func() any { return &If{} }, Outputs: IfOutput{},
		},
		{
			Name: "io.kestra.plugin.core.flow.Switch", Aliases: []string{"io.kestra.core.tasks.flows.Switch"},
			Category: plugin.Task, Kind: model.KindSwitch, Title: "Run the tasks that belong to a value.",
			Description: "The value is evaluated once and compared as text with the keys of `cases`. Where none is equal `defaults` runs; " +
				"without it the task fails.",
			Examples: []plugin.Example{{Title: "One branch for each region", YAML: switchExample}},
			New:      func() any { return &Switch{} }, Outputs: SwitchOutput{},
		},
	}
}

// If runs one of two lists of tasks.
type If struct {
	Condition string       `json:"condition" doc:"What decides."`
	Then      plugin.Tasks `json:"then" required:"true" doc:"Tasks to run if the condition holds."`
	Else      plugin.Tasks `json:"else" doc:"Tasks to run if it does not."`
	Errors    plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally   plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// IfOutput is what an If puts out.
type IfOutput struct {
	EvaluationResult bool `json:"evaluationResult" doc:"Whether the condition held."`
}

// Switch runs the list of tasks that belongs to a value.
type Switch struct {
	Value    string       `json:"value" required:"true" doc:"What decides."`
	Cases    plugin.Cases `json:"cases" doc:"Tasks by value."`
	Defaults plugin.Tasks `json:"defaults" doc:"Tasks to run where no case matches."`
	Errors   plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally  plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// SwitchOutput is what a Switch puts out.
type SwitchOutput struct {
	Value    string `json:"value" doc:"The rendered value."`
	Defaults bool   `json:"defaults" doc:"Whether the defaults were taken."`
}
