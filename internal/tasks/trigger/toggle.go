package trigger

import (
	"context"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Tasks lists the tasks about triggers; they use the backend's.
func Tasks(b backend.Backend) []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.core.trigger.Toggle", Aliases: []string{"io.kestra.core.tasks.trigger.Toggle"},
		Category: plugin.Task, Title: "Enable or disable a trigger.",
		Description: "Changes whether a trigger starts executions, as its switch in the user interface does. The flow itself stays as it is.",
		Deprecated:  "the API of the server",
		Examples: []plugin.Example{{Title: "Stop a schedule of another flow", YAML: `id: stop
type: io.kestra.plugin.core.trigger.Toggle
namespace: company.team
flowId: report
trigger: daily
enabled: false`}},
		New: func() any { return &Toggle{backend: b} },
	}}
}

// Toggle enables or disables a trigger.
type Toggle struct {
	Namespace string `json:"namespace" default:"{{ flow.namespace }}" doc:"The namespace of the trigger's flow; this flow's unless it is set."`
	FlowID    string `json:"flowId" default:"{{ flow.id }}" doc:"The trigger's flow; this one unless it is set."`
	Trigger   string `json:"trigger" required:"true" doc:"The trigger's id."`
	Enabled   bool   `json:"enabled" default:"false" doc:"Whether the trigger is to start executions."`
	backend   backend.Backend
}

// Run changes what is remembered of the trigger.
func (t *Toggle) Run(ctx context.Context, run sdk.Run) (any, error) {
	of := model.TriggerEntity(run.Info().Tenant, t.Namespace, t.FlowID, t.Trigger)
	_, err := backend.ManageTrigger(ctx, t.backend, of, model.EventSetDisabled, &model.Manage{Disabled: !t.Enabled})
	if errors.Is(err, backend.ErrNotFound) {
		return nil, fmt.Errorf("the flow %s in %s has no trigger %s", t.FlowID, t.Namespace, t.Trigger)
	}
	return nil, err
}
