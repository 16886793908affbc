package flow

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

func loops() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.flow.ForEach", Category: plugin.Task, Kind: model.KindForEach,
			Title: "Run tasks for each value of a list.",
			Description: "The tasks of one value run one after the other; `concurrencyLimit` tells how many values are worked on at once. " +
				"Tasks read their value as `{{ taskrun.value }}`, those further inside as `{{ parent.taskrun.value }}`, and the outputs " +
				"of a task of the same value as `{{ currentEachOutput(outputs.ID).key }}`. A value that stands twice runs once.",
			Examples: []plugin.Example{{Title: "Three at a time", YAML: forEachExample}},
			New:      func() any { return &ForEach{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.Loop", Category: plugin.Task, Kind: model.KindLoop,
			Title: "Run tasks for each value of a list, or for each entry of a map.",
			Description: "The loop of flows written for 2.0. Tasks read where it stands as `{{ item.value }}`, `{{ item.index }}` and, of a map, " +
				"`{{ item.key }}`; in nested loops the one around is `{{ item.parent }}`. Within an iteration the outputs of its tasks are read as " +
				"`{{ outputs.ID.key }}`; what it declares as `outputs` is read after the loop as `{{ loopOutputs(outputs.LOOP.outputs, 'NAME') }}`.",
			Examples: []plugin.Example{{Title: "All at once", YAML: loopExample}},
			New:      func() any { return &Loop{} }, Outputs: LoopOutput{},
		},
		{
			Name: "io.kestra.plugin.core.flow.LoopUntil", Aliases: []string{"io.kestra.plugin.core.flow.WaitFor"},
			Category: plugin.Task, Kind: model.KindLoopUntil, Title: "Run tasks again and again until a condition holds.",
			Description: "The condition is evaluated after every turn; until the next one the execution is PAUSED for `checkFrequency.interval`.",
			Examples:    []plugin.Example{{Title: "Ask a service every ten seconds", YAML: loopUntilExample}},
			New:         func() any { return &LoopUntil{} }, Outputs: LoopUntilOutput{},
		},
		{
			Name: "io.kestra.plugin.core.flow.EachSequential", Aliases: []string{"io.kestra.core.tasks.flows.EachSequential"},
			Category: plugin.Task, Kind: model.KindEachSequential, Title: "Run tasks for each value of a list, one value after the other.",
			Deprecated: "io.kestra.plugin.core.flow.ForEach", New: func() any { return &EachSequential{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.EachParallel", Aliases: []string{"io.kestra.core.tasks.flows.EachParallel"},
			Category: plugin.Task, Kind: model.KindEachParallel, Title: "Run tasks for each value of a list, all at the same time.",
			Deprecated: "io.kestra.plugin.core.flow.ForEach", New: func() any { return &EachParallel{} },
		},
		{
			Name: "io.kestra.plugin.core.flow.ForEachItem", Aliases: []string{"io.kestra.core.tasks.flows.ForEachItem"},
			Category: plugin.Task, Kind: model.KindForEachItem, Title: "Start a flow for each batch of a file's items.",
			Description: "The file is split into batches, and one execution of the flow is started for each of them. Its inputs read the " +
				"batch's file as `{{ taskrun.items }}` and its number as `{{ taskrun.iteration }}`. The outputs of the executions end up in one " +
				"file, `{{ outputs.ID_merge.subflowOutputs }}`.",
			Examples: []plugin.Example{{Title: "A hundred rows at a time", YAML: forEachItemExample}},
			New:      func() any { return &ForEachItem{} },
		},
	}
}

// ForEach runs tasks for each value of a list.
type ForEach struct {
	Values           any          `json:"values" required:"true" doc:"The values: a list, or an expression that gives a JSON array."`
	ConcurrencyLimit int          `json:"concurrencyLimit" default:"1" min:"0" static:"true" doc:"How many values are worked on at once; 0 is all."`
	Tasks            plugin.Tasks `json:"tasks" required:"true" doc:"The tasks to run for each value, in order."`
	Errors           plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally          plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// Loop runs tasks for each value of a list or entry of a map.
type Loop struct {
	Values           any           `json:"values" required:"true" doc:"The values: a list, or an expression that gives a JSON array or object."`
	ConcurrencyLimit int           `json:"concurrencyLimit" default:"1" min:"0" static:"true" doc:"How many values are worked on at once; 0 is all."`
	TransmitFailed   bool          `json:"transmitFailed" default:"true" static:"true" doc:"Whether the loop fails when one of its values fails."`
	Tasks            plugin.Tasks  `json:"tasks" required:"true" doc:"The tasks to run for each value, in order."`
	Outputs          []LoopDeclare `json:"outputs" doc:"What each value puts out."`
	FetchType        string        `json:"fetchType" default:"AUTO" enum:"AUTO,FETCH,STORE" static:"true" doc:"Where the outputs are kept: with the loop's own, or (STORE) a file for each value."`
	Errors           plugin.Tasks  `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally          plugin.Tasks  `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// LoopDeclare declares an output of a Loop.
type LoopDeclare struct {
	ID          string `json:"id" required:"true" static:"true" doc:"Its name."`
	Type        string `json:"type" static:"true" doc:"Its type, as of a flow's output."`
	Value       any    `json:"value" required:"true" typed:"true" doc:"Its value."`
	DisplayName string `json:"displayName" static:"true" doc:"What people see as its name."`
	Description string `json:"description" static:"true" doc:"What it is."`
	Required    bool   `json:"required" static:"true" doc:"Whether it must have a value."`
}

// LoopOutput is what a Loop puts out.
type LoopOutput struct {
	IterationCount       int              `json:"iterationCount" doc:"How many values there were."`
	RunningIterations    int              `json:"runningIterations" doc:"How many are worked on: none, when this can be read."`
	TerminatedIterations map[string]int   `json:"terminatedIterations" doc:"How many have ended, by state."`
	Outputs              []map[string]any `json:"outputs" doc:"What each value put out: its item, and its outputs or the uri of the file that has them."`
}

// LoopUntil runs tasks until a condition holds.
type LoopUntil struct {
	Condition        string         `json:"condition" required:"true" doc:"What ends the loop."`
	Tasks            plugin.Tasks   `json:"tasks" required:"true" doc:"The tasks to run in each turn, in order."`
	FailOnMaxReached bool           `json:"failOnMaxReached" default:"false" doc:"Whether to fail when a maximum is reached before the condition holds."`
	CheckFrequency   CheckFrequency `json:"checkFrequency" doc:"How often, and until when."`
	Errors           plugin.Tasks   `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally          plugin.Tasks   `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// CheckFrequency bounds a LoopUntil.
type CheckFrequency struct {
	Interval      *sdk.Duration `json:"interval" default:"PT1M" doc:"How long to wait between two turns."`
	MaxIterations *int          `json:"maxIterations" min:"1" doc:"How many turns there are at most."`
	MaxDuration   *sdk.Duration `json:"maxDuration" doc:"How long the loop goes on at most."`
}

// LoopUntilOutput is what a LoopUntil puts out.
type LoopUntilOutput struct {
	IterationCount int `json:"iterationCount" doc:"How many turns there were."`
}

// EachSequential runs tasks for each value of a list, one value after the other.
type EachSequential struct {
	Value   any          `json:"value" required:"true" doc:"The values: a list, or an expression that gives a JSON array."`
	Tasks   plugin.Tasks `json:"tasks" required:"true" doc:"The tasks to run for each value, in order."`
	Errors  plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// EachParallel runs tasks for each value of a list, all at the same time.
type EachParallel struct {
	Value      any          `json:"value" required:"true" doc:"The values: a list, or an expression that gives a JSON array."`
	Concurrent int          `json:"concurrent" default:"0" min:"0" doc:"How many tasks may run at once; 0 is all."`
	Tasks      plugin.Tasks `json:"tasks" required:"true" doc:"The tasks to run for each value."`
	Errors     plugin.Tasks `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally    plugin.Tasks `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// ForEachItem starts a flow for each batch of a file's items.
type ForEachItem struct {
	Items           string         `json:"items" required:"true" doc:"The URI of the file in internal storage."`
	Batch           Batch          `json:"batch" doc:"How the file is split."`
	Namespace       string         `json:"namespace" required:"true" doc:"The namespace of the flow to start."`
	FlowID          string         `json:"flowId" required:"true" doc:"The id of the flow to start."`
	Revision        *int           `json:"revision" min:"1" doc:"The revision of the flow; without it the latest."`
	Inputs          map[string]any `json:"inputs" doc:"The inputs of the executions."`
	Labels          any            `json:"labels" doc:"Labels for the executions: a map, or a list of keys with values."`
	Wait            bool           `json:"wait" default:"true" static:"true" doc:"Whether to wait for the end of the executions."`
	TransmitFailed  bool           `json:"transmitFailed" default:"true" static:"true" doc:"Whether to end as the executions do; needs wait."`
	InheritLabels   bool           `json:"inheritLabels" default:"false" doc:"Whether the executions get the labels of this one."`
	ScheduleDate    *time.Time     `json:"scheduleDate" alias:"scheduleOn" doc:"When the executions begin; without it at once."`
	RestartBehavior string         `json:"restartBehavior" default:"RETRY_FAILED" enum:"NEW_EXECUTION,RETRY_FAILED" static:"true" doc:"What a restart of this execution does with failed ones: start new ones, or restart them."`
	Errors          plugin.Tasks   `json:"errors" doc:"Tasks to run when one of the tasks has failed for good."`
	Finally         plugin.Tasks   `json:"finally" doc:"Tasks to run at the end, however the others ended."`
}

// Batch tells how a file is split.
type Batch struct {
	Rows         *int    `json:"rows" default:"1" min:"1" doc:"So many lines make a batch."`
	Bytes        *string `json:"bytes" doc:"A batch has at most so many bytes, such as 10MB."`
	Partitions   *int    `json:"partitions" min:"1" doc:"So many batches are made."`
	RegexPattern *string `json:"regexPattern" doc:"Lines with the same first group of this regular expression make a batch."`
	Separator    *string `json:"separator" default:"\n" doc:"What separates the items."`
}
