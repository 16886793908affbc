package execution

import (
	"context"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
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

// Run deletes one batch after the other. What belongs to an execution goes before it does, so that a purge that was cut
// short finds the rest when it is repeated.
func (t *PurgeExecutions) Run(ctx context.Context, run sdk.Run) (any, error) {
	var out PurgeOutput
	q := t.query(run.Info().Tenant)
	for {
		page, err := t.backend.Executions().Search(ctx, q)
		if err != nil {
			return nil, err
		}
		var ended []*model.Execution
		for _, e := range page.Results {
			if e.Engine.Finished && e.ID != run.Info().ExecutionID {
				ended = append(ended, e)
			}
		}
		if len(ended) > 0 {
			if err := t.purge(ctx, ended, &out); err != nil {
				return nil, err
			}
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			break
		}
		q.After = page.Cursor
	}
	run.Log(sdk.LevelInfo, "deleted %d executions, %d log lines, %d metrics and %d files", out.Executions, out.Logs, out.Metrics, out.Storages)
	return out, nil
}

func (t *PurgeExecutions) query(tenant string) backend.Query {
	states := names(t.States)
	if len(states) == 0 {
		for _, s := range model.States() {
			if s.Terminated() {
				states = append(states, s.String())
			}
		}
	}
	q := backend.Query{
		Tenant: tenant, Page: 1, Size: t.BatchSize, NoTotal: true, Sort: []backend.Sort{{By: "id"}},
		Filters: []backend.Filter{
			{Field: backend.FieldStartDate, Op: backend.OpLessEq, Value: t.EndDate},
			{Field: backend.FieldState, Op: backend.OpIn, Value: states},
		},
	}
	if t.StartDate != nil {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: *t.StartDate})
	}
	switch {
	case t.Namespace != "" && t.FlowID != "":
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: t.Namespace})
	case t.Namespace != "":
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: t.Namespace})
	}
	if t.FlowID != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: t.FlowID})
	}
	return q
}

// purge deletes what is wanted of executions that have ended.
func (t *PurgeExecutions) purge(ctx context.Context, ended []*model.Execution, out *PurgeOutput) error {
	tenant := ended[0].Tenant
	ids := make([]string, len(ended))
	for i, e := range ended {
		ids[i] = e.ID
	}
	of := backend.Query{Tenant: tenant, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpIn, Value: ids}}}
	if t.PurgeLog {
		n, err := t.backend.Logs().Delete(ctx, of)
		if err != nil {
			return err
		}
		out.Logs += n
	}
	if t.PurgeMetric {
		n, err := t.backend.Metrics().Delete(ctx, of)
		if err != nil {
			return err
		}
		out.Metrics += n
	}
	if t.PurgeStorage {
		for _, e := range ended {
			n, err := deleteFiles(ctx, t.store, e)
			if err != nil {
				return err
			}
			out.Storages += n
		}
	}
	if !t.PurgeExecution {
		return nil
	}
	n, err := t.backend.Executions().Delete(ctx, tenant, ids)
	out.Executions += n
	return err
}

// deleteFiles deletes the files of an execution and returns how many there were.
func deleteFiles(ctx context.Context, store storage.Storage, e *model.Execution) (int, error) {
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID}, ID: e.ID}.Dir()
	if err != nil {
		return 0, err
	}
	gone, err := store.DeleteByPrefix(ctx, dir)
	n := 0
	for _, uri := range gone {
		if !uri.IsDirectory() {
			n++
		}
	}
	return n, err
}
