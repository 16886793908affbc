package execution

import (
	"context"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/sdk"
)

func purgeType(b backend.Backend, store storage.Storage) plugin.Type {
	return plugin.Type{
		Name:     "io.kestra.plugin.core.execution.PurgeExecutions",
		Aliases:  []string{"io.kestra.core.tasks.storages.Purge", "io.kestra.plugin.core.storage.Purge"},
		Category: plugin.Task, Title: "Delete old executions.",
		Description: "Deletes executions that have ended, with their logs, metrics and files. Executions that run are never deleted.",
		Examples: []plugin.Example{{Title: "Keep a month of executions", YAML: `id: purge
type: io.kestra.plugin.core.execution.PurgeExecutions
endDate: "{{ now() | dateAdd(-30, 'DAYS') }}"
states: [SUCCESS, WARNING]`}},
		New: func() any { return &PurgeExecutions{backend: b, store: store} }, Outputs: PurgeOutput{},
	}
}

// PurgeExecutions deletes executions.
type PurgeExecutions struct {
	Namespace      string         `json:"namespace" doc:"The namespace, with those below it unless a flow is named; all namespaces unless it is set."`
	FlowID         string         `json:"flowId" doc:"The flow; all unless it is set."`
	StartDate      *time.Time     `json:"startDate" doc:"The date from which on the executions have begun."`
	EndDate        time.Time      `json:"endDate" required:"true" doc:"The date up to which they have begun."`
	States         []plugin.State `json:"states" doc:"The states that they have ended in; all unless it is set."`
	PurgeExecution bool           `json:"purgeExecution" default:"true" doc:"Delete the executions themselves."`
	PurgeLog       bool           `json:"purgeLog" default:"true" doc:"Delete their logs."`
	PurgeMetric    bool           `json:"purgeMetric" default:"true" doc:"Delete their metrics."`
	PurgeStorage   bool           `json:"purgeStorage" default:"true" doc:"Delete their files."`
	BatchSize      int            `json:"batchSize" default:"100" min:"1" max:"10000" doc:"How many executions are deleted at once."`
	backend        backend.Backend
	store          storage.Storage
}

// PurgeOutput is what PurgeExecutions puts out.
type PurgeOutput struct {
	Executions int `json:"executionsCount" doc:"How many executions were deleted."`
	Logs       int `json:"logsCount" doc:"How many log lines were deleted."`
	Storages   int `json:"storagesCount" doc:"How many files were deleted."`
	Metrics    int `json:"metricsCount" doc:"How many metrics were deleted."`
	// Outputs are part of the executions here; flows for 2.0 may still read these numbers.
	TaskOutputs      int `json:"taskOutputsCount" doc:"Always 0: outputs are deleted with their executions."`
	ExecutionOutputs int `json:"executionOutputsCount" doc:"Always 0, likewise."`
}

// Run deletes one batch after the other.
func (t *PurgeExecutions) Run(ctx context.Context, run sdk.Run) (any, error) {
	p := &purge.Purger{Backend: t.backend, Storage: t.store}
	what := purge.What{Executions: t.PurgeExecution, Logs: t.PurgeLog, Metrics: t.PurgeMetric, Files: t.PurgeStorage}
	var gone purge.Deleted
	err := p.Batches(ctx, t.query(run.Info().Tenant), t.BatchSize, func(list []*model.Execution) error {
		others := slices.DeleteFunc(slices.Clone(list), func(e *model.Execution) bool { return e.ID == run.Info().ExecutionID })
		n, err := p.Delete(ctx, others, what)
		gone.Add(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	run.Log(sdk.LevelInfo, "deleted %d executions, %d log lines, %d metrics and %d files", gone.Executions, gone.Logs, gone.Metrics, gone.Files)
	return PurgeOutput{Executions: gone.Executions, Logs: gone.Logs, Metrics: gone.Metrics, Storages: gone.Files}, nil
}

func (t *PurgeExecutions) query(tenant string) backend.Query {
	q := purge.Before(tenant, t.EndDate, names(t.States))
	if t.StartDate != nil {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: *t.StartDate})
	}
	q.Filters = append(q.Filters, purge.InNamespace(t.Namespace, t.FlowID)...)
	return q
}
