package flow

import (
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
)

func calls() []plugin.Type {
	return []plugin.Type{{
		Name:     "io.kestra.plugin.core.flow.Subflow",
		Aliases:  []string{"io.kestra.core.tasks.flows.Subflow", "io.kestra.core.tasks.flows.Flow"},
		Category: plugin.Task, Kind: model.KindSubflow, Title: "Start another flow.",
		Description: "Starts an execution of another flow and waits for its end. The flow's outputs are in `outputs.ID.outputs`.",
		Examples:    []plugin.Example{{Title: "Start a flow with an input", YAML: subflowExample}},
		New:         func() any { return &Subflow{} }, Outputs: SubflowOutput{},
	}}
}

// Subflow starts another flow.
type Subflow struct {
	Namespace       string         `json:"namespace" required:"true" doc:"The namespace of the flow to start."`
	FlowID          string         `json:"flowId" required:"true" doc:"The id of the flow to start."`
	Revision        *int           `json:"revision" min:"1" doc:"The revision of the flow; without it the latest."`
	Inputs          map[string]any `json:"inputs" doc:"The inputs of the execution."`
	Labels          any            `json:"labels" doc:"Labels for the execution: a map, or a list of keys with values."`
	Wait            bool           `json:"wait" default:"true" static:"true" doc:"Whether to wait for the end of the execution."`
	TransmitFailed  bool           `json:"transmitFailed" default:"true" static:"true" doc:"Whether to end as the execution does; needs wait."`
	InheritLabels   bool           `json:"inheritLabels" default:"false" doc:"Whether the execution gets the labels of this one."`
	Outputs         map[string]any `json:"outputs" deprecated:"the outputs of the flow itself" doc:"Outputs that are rendered with the variables of the started execution."`
	ScheduleDate    *time.Time     `json:"scheduleDate" alias:"scheduleOn" doc:"When the execution begins; without it at once."`
	RestartBehavior string         `json:"restartBehavior" default:"RETRY_FAILED" enum:"NEW_EXECUTION,RETRY_FAILED" static:"true" doc:"What a restart of this execution does with a failed one: start a new one, or restart it."`
}

// SubflowOutput is what a Subflow puts out.
type SubflowOutput struct {
	ExecutionID string         `json:"executionId" doc:"The id of the execution."`
	State       string         `json:"state" doc:"Its last state."`
	Outputs     map[string]any `json:"outputs" doc:"The outputs of its flow."`
}
