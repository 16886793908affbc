package execution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Resumer finds how an execution that waits is resumed with what somebody gives; it resolves the inputs that its Pause asks for.
type Resumer func(ctx context.Context, tenant, executionID string, given *value.Map) (*model.Action, error)

func resumeType(b backend.Backend, resumer Resumer) plugin.Type {
	return plugin.Type{
		Name: "io.kestra.plugin.core.execution.Resume", Aliases: []string{"io.kestra.core.tasks.executions.Resume"},
		Category: plugin.Task, Title: "Let a paused execution go on.",
		Description: "Resumes an execution that a Pause or a person holds, with the inputs that its Pause asks for. It fails if the execution is not paused.",
		Deprecated:  "the API of the server",
		Examples: []plugin.Example{{Title: "Approve an execution", YAML: `id: approve
type: io.kestra.plugin.core.execution.Resume
executionId: "{{ inputs.execution }}"
inputs:
  approved: true`}},
		New: func() any { return &Resume{backend: b, resumer: resumer} },
	}
}

// Resume resumes an execution.
type Resume struct {
	Namespace   string         `json:"namespace" doc:"The namespace of the execution; it need not be set."`
	FlowID      string         `json:"flowId" doc:"The flow of the execution; it need not be set."`
	ExecutionID string         `json:"executionId" doc:"The execution; this one unless it is set."`
	Inputs      map[string]any `json:"inputs" doc:"The inputs that the Pause asks for."`
	backend     backend.Backend
	resumer     Resumer
}

// Run asks the execution's owner, and waits until it is done.
func (t *Resume) Run(ctx context.Context, run sdk.Run) (any, error) {
	id := t.ExecutionID
	if id == "" {
		id = run.Info().ExecutionID
	}
	e, err := t.backend.Executions().Get(ctx, run.Info().Tenant, id)
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, backend.ErrGone) {
		return nil, fmt.Errorf("there is no execution %s", id)
	}
	if err != nil {
		return nil, err
	}
	if t.Namespace != "" && t.Namespace != e.Namespace || t.FlowID != "" && t.FlowID != e.FlowID {
		return nil, fmt.Errorf("execution %s is one of the flow %s in %s", id, e.FlowID, e.Namespace)
	}
	given, _ := value.AsMap(value.Normalize(t.Inputs))
	act, err := t.resumer(ctx, run.Info().Tenant, id, given)
	if err != nil {
		return nil, fmt.Errorf("execution %s cannot be resumed: %w", id, err)
	}
	answer, err := t.backend.Ask(ctx, model.Event{
		ID: model.NewID(), To: model.ExecutionEntity(id), Kind: model.EventResume, At: time.Now().UTC(), Ask: model.NewID(), Action: act,
	})
	if err != nil {
		return nil, err
	}
	if answer.Code != model.AnswerDone {
		return nil, fmt.Errorf("execution %s cannot be resumed: %s", id, answer.Message)
	}
	return nil, nil
}
