package log

import (
	"context"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

func purgeType(b backend.Backend) plugin.Type {
	return plugin.Type{
		Name: "io.kestra.plugin.core.log.PurgeLogs", Category: plugin.Task, Title: "Delete old log lines.",
		Description: "Deletes the lines of executions and of triggers up to a date. Lines are deleted for good, those of executions that run too.",
		Examples: []plugin.Example{{Title: "Keep a month of a namespace's logs", YAML: `id: purge
type: io.kestra.plugin.core.log.PurgeLogs
namespace: company.team
endDate: "{{ now() | dateAdd(-30, 'DAYS') }}"`}},
		New: func() any { return &PurgeLogs{backend: b} }, Outputs: PurgeLogsOutput{},
	}
}

// PurgeLogs deletes log lines.
type PurgeLogs struct {
	Namespace     string      `json:"namespace" doc:"The namespace, with those below it unless a flow is named; all namespaces unless it is set."`
	FlowID        string      `json:"flowId" doc:"The flow; all unless it is set."`
	ExecutionID   string      `json:"executionId" doc:"The execution; all unless it is set."`
	LogLevels     []sdk.Level `json:"logLevels" doc:"The levels of the lines; all unless it is set."`
	StartDate     *time.Time  `json:"startDate" doc:"The date from which on lines are deleted; from the first one on unless it is set."`
	EndDate       time.Time   `json:"endDate" required:"true" doc:"The date up to which lines are deleted."`
	Executions    bool        `json:"purgeExecutionLogs" default:"true" doc:"Delete lines of executions."`
	NonExecutions bool        `json:"purgeNonExecutionLogs" default:"true" doc:"Delete lines that belong to no execution, such as those of triggers."`
	BatchSize     *int        `json:"batchSize" doc:"Not used: the backend chooses how many lines it deletes at once."`
	backend       backend.Backend
}

// PurgeLogsOutput is what PurgeLogs puts out.
type PurgeLogsOutput struct {
	Count         int `json:"count" doc:"How many lines were deleted."`
	Executions    int `json:"executionLogsCount" doc:"How many of them were of executions."`
	NonExecutions int `json:"nonExecutionLogsCount" doc:"How many of them were of no execution."`
}

// Run deletes the lines.
func (t *PurgeLogs) Run(ctx context.Context, run sdk.Run) (any, error) {
	var out PurgeLogsOutput
	var err error
	if t.Executions {
		if out.Executions, err = t.purge(ctx, run, backend.OpNotEquals); err != nil {
			return nil, err
		}
	}
	if t.NonExecutions && t.ExecutionID == "" {
		if out.NonExecutions, err = t.purge(ctx, run, backend.OpEquals); err != nil {
			return nil, err
		}
	}
	out.Count = out.Executions + out.NonExecutions
	return out, nil
}

// purge deletes the lines whose execution is, or is not, none.
func (t *PurgeLogs) purge(ctx context.Context, run sdk.Run, none backend.Op) (int, error) {
	q := backend.Query{Tenant: run.Info().Tenant, Filters: []backend.Filter{
		{Field: backend.FieldEndDate, Op: backend.OpLessEq, Value: t.EndDate},
		{Field: backend.FieldExecutionID, Op: none, Value: ""},
	}}
	add := func(field backend.Field, op backend.Op, v any) {
		q.Filters = append(q.Filters, backend.Filter{Field: field, Op: op, Value: v})
	}
	switch {
	case t.FlowID != "" && t.Namespace != "":
		add(backend.FieldNamespace, backend.OpEquals, t.Namespace)
	case t.Namespace != "":
		add(backend.FieldNamespace, backend.OpPrefix, t.Namespace)
	}
	if t.FlowID != "" {
		add(backend.FieldFlowID, backend.OpEquals, t.FlowID)
	}
	if t.ExecutionID != "" {
		add(backend.FieldExecutionID, backend.OpEquals, t.ExecutionID)
	}
	if t.StartDate != nil {
		add(backend.FieldStartDate, backend.OpGreaterEq, *t.StartDate)
	}
	if len(t.LogLevels) > 0 {
		names := make([]string, len(t.LogLevels))
		for i, l := range t.LogLevels {
			names[i] = model.Level(l).String()
		}
		add(backend.FieldLevel, backend.OpIn, names)
	}
	return t.backend.Logs().Delete(ctx, q)
}
