package trigger

import (
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
)

// Flow starts the flow when executions of other flows have ended.
type Flow struct {
	Inputs        map[string]any `json:"inputs" doc:"The inputs of the execution; trigger.outputs and outputs are those of the one that has ended."`
	States        []plugin.State `json:"states" static:"true" doc:"The states that count; without it every end and PAUSED."`
	Preconditions *Preconditions `json:"preconditions" doc:"What must have happened within a window of time."`
	DependsOn     []Dependency   `json:"dependsOn" doc:"Flows that must have run, as flows for 2.0 write it."`
	Window        Window         `json:"window" static:"true" doc:"The window of time within which those of dependsOn must have run."`
	Mode          string         `json:"mode" default:"ALL" enum:"ALL,ANY,AT_LEAST" static:"true" doc:"How many of dependsOn must have run."`
	MinSatisfied  int            `json:"minSatisfied" min:"1" static:"true" doc:"The number for AT_LEAST."`
}

// FlowOutput is the variable trigger of executions that a Flow trigger started.
type FlowOutput struct {
	ExecutionID     string         `json:"executionId" doc:"The execution that has ended."`
	ExecutionLabels map[string]any `json:"executionLabels" doc:"Its labels."`
	State           string         `json:"state" doc:"Its state."`
	StartDate       time.Time      `json:"startDate" doc:"When it was created."`
	EndDate         *time.Time     `json:"endDate" doc:"When it ended."`
	FirstFailedTask string         `json:"firstFailedTaskId" doc:"The task that failed first."`
	LastTask        string         `json:"lastTaskId" doc:"The task that was started last."`
	Namespace       string         `json:"namespace" doc:"The namespace of its flow."`
	FlowID          string         `json:"flowId" doc:"The id of its flow."`
	FlowRevision    int            `json:"flowRevision" doc:"The revision of its flow."`
	Outputs         map[string]any `json:"outputs" doc:"Its flow's outputs."`
}

// Preconditions are what must have happened before the flow starts.
type Preconditions struct {
	ID             string            `json:"id" required:"true" static:"true" pattern:"^[a-zA-Z0-9][a-zA-Z0-9_-]*$" doc:"Its name, unique within the flow."`
	TimeWindow     plugin.TimeWindow `json:"timeWindow" static:"true" doc:"The window of time; without it a day."`
	ResetOnSuccess bool              `json:"resetOnSuccess" default:"true" static:"true" doc:"Whether everything has to happen anew after an execution was started."`
	Flows          []Upstream        `json:"flows" static:"true" doc:"Flows of which an execution must have come to one of some states."`
	Where          []ExecutionFilter `json:"where" doc:"Filters; for each of them an execution must have passed."`
}

// Upstream is a flow that must have run.
type Upstream struct {
	Namespace string         `json:"namespace" required:"true" static:"true" doc:"Its namespace."`
	FlowID    string         `json:"flowId" static:"true" doc:"Its id; without it any flow of the namespace."`
	States    []plugin.State `json:"states" static:"true" doc:"The states that count."`
	Labels    map[string]any `json:"labels" static:"true" doc:"Labels that the execution must have."`
}

// ExecutionFilter is what an execution must pass.
type ExecutionFilter struct {
	ID      string   `json:"id" required:"true" static:"true" doc:"Its name."`
	Operand string   `json:"operand" default:"AND" enum:"AND,OR" static:"true" doc:"Whether all of its tests must hold or one of them."`
	Filters []Filter `json:"filters" required:"true" doc:"Its tests."`
}

// Filter is a test on one property of an execution.
type Filter struct {
	Field  string   `json:"field" required:"true" static:"true" enum:"FLOW_ID,NAMESPACE,STATE,EXPRESSION" doc:"What is tested."`
	Type   string   `json:"type" required:"true" static:"true" enum:"EQUAL_TO,NOT_EQUAL_TO,IN,NOT_IN,IS_TRUE,IS_FALSE,IS_NULL,IS_NOT_NULL,STARTS_WITH,ENDS_WITH,REGEX,CONTAINS" doc:"How."`
	Value  string   `json:"value" doc:"The value to compare with, or the expression."`
	Values []string `json:"values" static:"true" doc:"The values of IN and NOT_IN."`
}

// Dependency is a flow that must have run.
type Dependency struct {
	Namespace string         `json:"namespace" static:"true" doc:"Its namespace."`
	FlowID    string         `json:"flowId" static:"true" doc:"Its id; without it any flow of the namespace."`
	States    []plugin.State `json:"states" static:"true" doc:"The states that count."`
	Labels    map[string]any `json:"labels" static:"true" doc:"Labels that the execution must have."`
	When      string         `json:"when" default:"true" doc:"What else must hold."`
}

// Window is a window of time, as flows for 2.0 write it.
type Window struct {
	Deadline string `json:"deadline" static:"true" doc:"The time of day until which everything must have happened."`
	From     string `json:"from" static:"true" doc:"The time of day from which it counts."`
	To       string `json:"to" static:"true" doc:"The time of day until which it counts."`
	Every    string `json:"every" static:"true" doc:"How long windows are that follow one another, as a duration."`
	Offset   string `json:"offset" static:"true" doc:"By how much they are shifted."`
	Lookback string `json:"lookback" static:"true" doc:"How long something counts after it has happened."`
	Timezone string `json:"timezone" static:"true" doc:"The time zone of the times of day."`
}
