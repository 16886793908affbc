// Package flow holds the types that control how a flow goes: those with tasks of their own, those that start other flows
// and those that change the execution they stand in. The engine does what they say, so that here are only descriptions.
package flow

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return append(append(append(blocks(), branches()...), loops()...), append(calls(), updates()...)...)
}

func blocks() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.flow.Sequential", Aliases: []string{"io.kestra.core.tasks.flows.Sequential"},
			Category: plugin.Task, Kind: model.KindSequential, Title: "Run tasks one after the other.",
			Description: "Groups tasks, so that they can have error handling of their own, or stand where one task is expected.",
			Examples:    []plugin.Example{{Title: "Two tasks with their own error handling", YAML: sequentialExample}},
			New:         func() any { return &Sequential{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.AllowFailure", Aliases: []string{"io.kestra.core.tasks.flows.AllowFailure"},
			Category: plugin.Task, Kind: model.KindAllowFailure, Title: "Run tasks one after the other, and go on if one fails.",
			Description: "Like Sequential, but a failure ends the group as WARNING and the flow goes on. A task that has failed " +
				"still stops those behind it within the group.",
			Examples: []plugin.Example{{Title: "Go on without a report", YAML: allowFailureExample}},
			New:      func() any { return &AllowFailure{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.Parallel", Aliases: []string{"io.kestra.core.tasks.flows.Parallel"},
			Category: plugin.Task, Kind: model.KindParallel, Title: "Run tasks at the same time.",
			Description: "All tasks begin at once, or as many as `concurrent` allows. When one fails, those that run go on and no other begins.",
			Examples:    []plugin.Example{{Title: "Fetch two files at once", YAML: parallelExample}},
			New:         func() any { return &Parallel{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.Dag", Aliases: []string{"io.kestra.core.tasks.flows.Dag"},
			Category: plugin.Task, Kind: model.KindDag, Title: "Run tasks in the order of their dependencies.",
			Description: "Every task begins as soon as all tasks that it depends on have ended.",
			Examples:    []plugin.Example{{Title: "Two tasks that both need a first one", YAML: dagExample}},
			New:         func() any { return &Dag{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.Pause", Aliases: []string{"io.kestra.core.tasks.flows.Pause"},
			Category: plugin.Task, Kind: model.KindPause, Title: "Wait for a person, or for a while.",
			Description: "The execution is PAUSED until somebody resumes it, or until `pauseDuration` is over. `onResume` declares what " +
				"is asked of whoever resumes it; the answers are in `outputs.ID.onResume`.",
			Examples: []plugin.Example{{Title: "Ask for a reason before going on", YAML: pauseExample}},
			New:      func() any { return &Pause{} }, Outputs: PauseOutput{},
		},
		{
			Name: "io.kestra.plugin.core.flow.Template", Aliases: []string{"io.kestra.core.tasks.flows.Template"},
			Category: plugin.Task, Kind: model.KindTemplate, Title: "Insert the tasks of a template.",
			Deprecated: "io.kestra.plugin.core.flow.Subflow",
			New:        func() any { return &Template{} }, Outputs: TemplateOutput{},
		},
	}
}

// Sequential runs tasks one after the other.
type Sequential struct {
	Tasks   plugin.Tasks `json:"tasks" required:"true" doc:"The tasks, in order."`
	Errors  plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// AllowFailure runs tasks one after the other and takes a failure for a warning.
type AllowFailure struct {
	Tasks   plugin.Tasks `json:"tasks" required:"true" doc:"The tasks, in order."`
	Errors  plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// Parallel runs tasks at the same time.
type Parallel struct {
	Tasks          plugin.Tasks `json:"tasks" required:"true" doc:"The tasks."`
	Concurrent     int          `json:"concurrent" default:"0" min:"0" doc:"How many of them may run at once; 0 is all."`
	OnChildFailure string       `json:"onChildFailure" enum:"CONTINUE,CANCEL,FAIL" doc:"What a failed task means for the others: all of them run (CONTINUE), those that run end (CANCEL), or those that run go on and no other begins (FAIL, which it is unless it is set)."`
	Errors         plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally        plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// Dag runs tasks in the order of their dependencies.
type Dag struct {
	Tasks          plugin.DagTasks `json:"tasks" required:"true" doc:"The tasks, each with the ids of those that it depends on."`
	Concurrent     int             `json:"concurrent" default:"0" min:"0" doc:"How many of them may run at once; 0 is all that can."`
	OnChildFailure string          `json:"onChildFailure" enum:"CONTINUE,CANCEL,FAIL" doc:"What a failed task means for the others: those that do not depend on it run (CONTINUE), those that run end (CANCEL), or those that run go on and no other begins (FAIL, which it is unless it is set)."`
	Errors         plugin.Tasks    `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally        plugin.Tasks    `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// Pause waits for a person, or for a while.
type Pause struct {
	PauseDuration *sdk.Duration  `json:"pauseDuration" doc:"How long to wait at most; without it only a person ends the pause."`
	Behavior      string         `json:"behavior" default:"RESUME" enum:"RESUME,WARN,CANCEL,FAIL" doc:"What follows when pauseDuration is over: go on, go on with a warning, cancel the execution, or fail."`
	OnPause       plugin.OneTask `json:"onPause" doc:"A task to run when the pause begins, such as a message to those who can end it."`
	OnResume      plugin.Inputs  `json:"onResume" doc:"Inputs that are asked for when the execution is resumed."`
	Delay         *sdk.Duration  `json:"delay" deprecated:"pauseDuration" doc:"The older name of pauseDuration."`
	Tasks         plugin.Tasks   `json:"tasks" deprecated:"the tasks behind the pause" doc:"Tasks to run once the execution was resumed."`
	Errors        plugin.Tasks   `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally       plugin.Tasks   `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// PauseOutput is what a Pause puts out.
type PauseOutput struct {
	OnResume map[string]any `json:"onResume" doc:"The answers to onResume."`
	Resumed  Resumed        `json:"resumed" doc:"How the pause ended."`
}

// Resumed tells how a Pause ended.
type Resumed struct {
	By string    `json:"by" doc:"Who resumed the execution."`
	On time.Time `json:"on" doc:"When."`
	To string    `json:"to" doc:"The state that the task went on with."`
}

// Template inserts the tasks of a template.
type Template struct {
	Namespace  string            `json:"namespace" required:"true" static:"true" doc:"The template's namespace."`
	TemplateID string            `json:"templateId" required:"true" static:"true" doc:"The template's id."`
	TenantID   string            `json:"tenantId" static:"true" doc:"Accepted from flows of other installations and not used."`
	Args       map[string]string `json:"args" doc:"What the template's tasks read as outputs.ID.args."`
	Errors     plugin.Tasks      `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally    plugin.Tasks      `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// TemplateOutput is what a Template puts out.
type TemplateOutput struct {
	Args map[string]any `json:"args" doc:"The rendered arguments."`
}
