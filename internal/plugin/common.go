package plugin

import "github.com/windhover-io/windhover/sdk"

// The structs below describe what all types of a category have. Package flow reads these properties; they are here for
// schemas and documentation.
type (
	taskBase struct {
		ID             string         `json:"id" required:"true" static:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9_-]*$" doc:"The task's name, unique within the flow."`
		Type           string         `json:"type" required:"true" static:"true" doc:"What the task does."`
		Description    string         `json:"description" static:"true" doc:"What it is for, in Markdown."`
		Disabled       bool           `json:"disabled" default:"false" static:"true" doc:"Whether it is left out."`
		RunIf          string         `json:"runIf" default:"true" alias:"when" doc:"A condition: where it does not hold the task is SKIPPED. Blank, 0 and false do not hold."`
		AllowFailure   bool           `json:"allowFailure" default:"false" static:"true" doc:"Whether the flow goes on when the task fails; the task ends as WARNING then."`
		AllowWarning   bool           `json:"allowWarning" default:"false" static:"true" doc:"Whether a warning counts as success."`
		Timeout        sdk.Duration   `json:"timeout" doc:"How long the task may run."`
		Retry          Retry          `json:"retry" doc:"Whether and when it is tried again after a failure."`
		LogLevel       sdk.Level      `json:"logLevel" static:"true" doc:"The least level of the lines that are kept of its log."`
		LogToFile      bool           `json:"logToFile" default:"false" static:"true" doc:"Whether its log is kept as a file."`
		WorkerGroup    WorkerGroup    `json:"workerGroup" doc:"The workers that may run it."`
		WorkerSelector WorkerSelector `json:"workerSelector" static:"true" doc:"The same, as flows for 2.0 write it."`
		TaskCache      TaskCache      `json:"taskCache" static:"true" doc:"Whether its outputs are kept for later runs with the same properties."`
		DefaultsRef    string         `json:"pluginDefaultsRef" static:"true" doc:"The ref of the plugin defaults that are meant for it."`
		Version        string         `json:"version" static:"true" doc:"Accepted from flows of other installations and not used."`
		PolicyRefs     []string       `json:"policyRefs" static:"true" doc:"Accepted from flows of other installations and not used."`
		Assets         map[string]any `json:"assets" static:"true" doc:"Accepted from flows of other installations and not used."`
	}
	triggerBase struct {
		ID                 string         `json:"id" required:"true" static:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9_-]*$" doc:"The trigger's name, unique within the flow."`
		Type               string         `json:"type" required:"true" static:"true" doc:"What starts the flow."`
		Description        string         `json:"description" static:"true" doc:"What it is for, in Markdown."`
		Disabled           bool           `json:"disabled" default:"false" static:"true" doc:"Whether it starts nothing."`
		Conditions         Conditions     `json:"conditions" doc:"What must hold as well."`
		When               string         `json:"when" default:"true" doc:"What must hold as well, as an expression."`
		StopAfter          []State        `json:"stopAfter" static:"true" doc:"The trigger is disabled after an execution that it started has ended in one of these states."`
		Labels             any            `json:"labels" doc:"Labels for the executions: a map, or a list of keys with values."`
		AllowConcurrent    bool           `json:"allowConcurrent" default:"false" static:"true" doc:"Whether it starts the flow again while an execution that it started runs."`
		FailOnTriggerError bool           `json:"failOnTriggerError" default:"false" static:"true" doc:"Whether an error of the trigger itself makes a failed execution."`
		LogLevel           sdk.Level      `json:"logLevel" static:"true" doc:"The least level of the lines that are kept of its log."`
		LogToFile          bool           `json:"logToFile" default:"false" static:"true" doc:"Whether its log is kept as a file."`
		WorkerGroup        WorkerGroup    `json:"workerGroup" doc:"The workers that may evaluate it."`
		WorkerSelector     WorkerSelector `json:"workerSelector" static:"true" doc:"The same, as flows for 2.0 write it."`
		DefaultsRef        string         `json:"pluginDefaultsRef" static:"true" doc:"The ref of the plugin defaults that are meant for it."`
		Version            string         `json:"version" static:"true" doc:"Accepted from flows of other installations and not used."`
		PolicyRefs         []string       `json:"policyRefs" static:"true" doc:"Accepted from flows of other installations and not used."`
		Assets             map[string]any `json:"assets" static:"true" doc:"Accepted from flows of other installations and not used."`
	}
	typeBase struct {
		Type string `json:"type" required:"true" static:"true" doc:"Which one it is."`
	}
)

// Retry describes when something that failed is tried again.
type Retry struct {
	Type           string       `json:"type" required:"true" static:"true" enum:"constant,exponential,random" doc:"How the time between two tries is found."`
	Interval       sdk.Duration `json:"interval" static:"true" doc:"The time between two tries; of an exponential retry that before the second."`
	MinInterval    sdk.Duration `json:"minInterval" static:"true" doc:"The least time of a random retry."`
	MaxInterval    sdk.Duration `json:"maxInterval" static:"true" doc:"The longest time of a random or exponential retry."`
	DelayFactor    float64      `json:"delayFactor" default:"2" static:"true" doc:"What the time of an exponential retry is multiplied with after each try."`
	MaxAttempts    int          `json:"maxAttempts" alias:"maxAttempt" min:"1" static:"true" doc:"How many tries there are, the first included."`
	MaxDuration    sdk.Duration `json:"maxDuration" static:"true" doc:"How long after the first try others may begin."`
	WarningOnRetry bool         `json:"warningOnRetry" default:"false" static:"true" doc:"Whether success after a failure is a WARNING."`
	Behavior       string       `json:"behavior" default:"RETRY_FAILED_TASK" static:"true" enum:"RETRY_FAILED_TASK,CREATE_NEW_EXECUTION" doc:"What is tried again: the task, or the whole flow as a new execution."`
}

// WorkerGroup describes which workers run something.
type WorkerGroup struct {
	Key      string `json:"key" doc:"The name of the group."`
	Fallback string `json:"fallback" static:"true" enum:"WAIT,FAIL,CANCEL" doc:"What follows when the group has no worker."`
}

// WorkerSelector describes which workers run something, as flows for 2.0 write it.
type WorkerSelector struct {
	Tags     []string `json:"tags" static:"true" doc:"The names of groups."`
	Match    string   `json:"match" static:"true" enum:"ALL,ANY" doc:"Whether all of them must match or one."`
	Fallback string   `json:"fallback" static:"true" enum:"FAIL,WAIT,CANCEL,IGNORE" doc:"What follows when there is no such worker."`
}

// TaskCache describes how a task's outputs are kept for reuse.
type TaskCache struct {
	Enabled bool         `json:"enabled" required:"true" static:"true" doc:"Whether they are kept."`
	TTL     sdk.Duration `json:"ttl" static:"true" doc:"For how long."`
}

var commonProperties = map[Category][]Property{
	Task: mustDescribe(&taskBase{}), Trigger: mustDescribe(&triggerBase{}), Condition: mustDescribe(&typeBase{}),
	TaskRunner: mustDescribe(&typeBase{}), Chart: mustDescribe(&typeBase{}), Data: mustDescribe(&typeBase{}),
}

// Common lists the properties that all types of a category have.
func Common(c Category) []Property { return commonProperties[c] }

// Describe lists the properties that a struct describes, in its order. The struct is part of the program: one that cannot
// be described panics.
func Describe(v any) []Property { return mustDescribe(v) }

func mustDescribe(v any) []Property {
	props, err := describe(v)
	if err != nil {
		panic(err)
	}
	return props
}
