package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

type executions struct{ *Backend }

var newestFirst = []backend.Sort{{By: "state.startDate", Desc: true}}

// never sorts what has not ended behind all that has.
var never = fmt.Sprint(int64(math.MaxInt64))

var executionList = list[*model.Execution]{
	from:    "executions e",
	columns: "e.body",
	row:     "e.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.ExecutionFields,
		Columns: withFields(ofExecution, map[backend.Field]string{
			backend.FieldState: "e.state", backend.FieldStartDate: "e.started", backend.FieldEndDate: "e.ended",
			backend.FieldTaskID: "r.task_id", backend.FieldTaskRunID: "r.id",
		}),
		Text:  []string{"e.namespace", "e.flow_id"},
		IDs:   []string{"e.id"},
		Label: executionLabel,
		Wrap:  map[backend.Field]func(sqlbase.Clause) sqlbase.Clause{backend.FieldTaskID: someRun, backend.FieldTaskRunID: someRun},
	},
	sorts:   backend.ExecutionSorts,
	natural: newestFirst,
	keys: map[string]string{
		"id": "e.id", "namespace": "e.namespace", "flowId": "e.flow_id", "flowRevision": "e.revision", "state.current": "e.state",
		"state.startDate": "e.started", "state.endDate": "coalesce(e.ended, " + never + ")", "state.duration": "coalesce(e.duration, " + never + ")",
	},
	scan: scanBody[model.Execution],
}

// ofExecution are the fields that task runs share with their execution.
var ofExecution = map[backend.Field]string{
	backend.FieldNamespace: "e.namespace", backend.FieldFlowID: "e.flow_id", backend.FieldRevision: "e.revision",
	backend.FieldScope: "e.namespace", backend.FieldTriggerID: "e.trigger_id", backend.FieldTriggerExec: "e.trigger_execution",
	backend.FieldParentID: "e.parent_id", backend.FieldChild: "e.trigger_execution", backend.FieldExecutionID: "e.id", backend.FieldKind: "e.kind",
}

func withFields(maps ...map[backend.Field]string) map[backend.Field]string {
	all := map[backend.Field]string{}
	for _, m := range maps {
		for field, column := range m {
			all[field] = column
		}
	}
	return all
}

// executionLabel is the condition that an execution has a label: by its column, by the table of labels, or, for the other
// labels that Windhover sets, by the execution itself.
func executionLabel(l model.Label) sqlbase.Clause {
	switch {
	case l.Key == model.LabelCorrelation:
		return sqlbase.Clause{SQL: `e.seq IN (SELECT seq FROM executions WHERE id = ? AND correlation = ''
			UNION ALL SELECT seq FROM executions WHERE correlation = ? AND correlation <> '')`, Args: []any{l.Value, l.Value}}
	case sqlbase.IsSystem(l):
		return sqlbase.Clause{SQL: `EXISTS (SELECT 1 FROM json_each(e.body, '$.labels') WHERE value ->> 'key' = ? AND value ->> 'value' = ?)`, Args: []any{l.Key, l.Value}}
	}
	return sqlbase.Clause{SQL: "EXISTS (SELECT 1 FROM labels l WHERE l.tenant = e.tenant AND l.key = ? AND l.value = ? AND l.seq = e.seq)", Args: []any{l.Key, l.Value}}
}

// someRun is the condition that a condition on r holds for one of the execution's task runs.
func someRun(c sqlbase.Clause) sqlbase.Clause {
	return sqlbase.Clause{SQL: fmt.Sprintf("EXISTS (SELECT 1 FROM task_runs r WHERE r.seq >= e.seq * %d AND r.seq < (e.seq + 1) * %[1]d AND (%s))",
		sqlbase.RunsSpan, c.SQL), Args: c.Args}
}

// Get is backend.Executions.
func (x executions) Get(ctx context.Context, tenant, id string) (*model.Execution, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	row := x.stmts.row(ctx, "SELECT body FROM executions WHERE id = ? AND tenant = ?", id, tenant)
	e, err := scanBody[model.Execution](row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("execution %s: %w", id, backend.ErrNotFound)
	}
	return e, unavailable(err)
}

// TaskRuns is backend.Executions.
func (x executions) TaskRuns(ctx context.Context, tenant, executionID string) ([]*model.TaskRun, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := x.stmts.rows(ctx, runsOfExecution, executionID, tenant)
	runs, err := collect(rows, err, scanBody[model.TaskRun])
	if err == nil && len(runs) == 0 {
		_, err = x.Get(ctx, tenant, executionID) // has it none, or is there none?
	}
	return runs, err
}

// runsOfExecution reads the task runs of an execution by its id.
var runsOfExecution = fmt.Sprintf(`SELECT r.body FROM executions e JOIN task_runs r ON r.seq >= e.seq * %d AND r.seq < (e.seq + 1) * %[1]d
	WHERE e.id = ? AND e.tenant = ? ORDER BY r.seq`, sqlbase.RunsSpan)

// Search is backend.Executions.
func (x executions) Search(ctx context.Context, q backend.Query) (backend.Page[*model.Execution], error) {
	if err := x.ready(ctx); err != nil {
		return backend.Page[*model.Execution]{}, err
	}
	if err := q.Validate(backend.ExecutionFields, backend.ExecutionSorts); err != nil {
		return backend.Page[*model.Execution]{}, err
	}
	p, err := x.plan(ctx, q)
	if err != nil {
		return backend.Page[*model.Execution]{}, err
	}
	l := executionList
	l.from = p.from
	page, err := l.search(ctx, x.state, q, p.clauses)
	if err == nil && !q.NoTotal {
		page.Total, err = x.countAll(ctx, p)
	}
	return page, err
}

var taskRunList = list[*model.TaskRun]{
	from:    fmt.Sprintf("task_runs r JOIN executions e ON e.seq = r.seq / %d", sqlbase.RunsSpan),
	columns: "r.body",
	row:     "r.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.ExecutionFields,
		Columns: withFields(ofExecution, map[backend.Field]string{
			backend.FieldState: "r.state", backend.FieldStartDate: "r.started", backend.FieldEndDate: "r.ended",
			backend.FieldTaskID: "r.task_id", backend.FieldTaskRunID: "r.id",
		}),
		Text:  []string{"e.namespace", "e.flow_id", "r.task_id"},
		IDs:   []string{"e.id", "r.id"},
		Label: executionLabel,
	},
	sorts:   backend.TaskRunSorts,
	natural: newestFirst,
	keys: map[string]string{
		"id": "r.id", "taskId": "r.task_id", "executionId": "e.id", "namespace": "e.namespace", "flowId": "e.flow_id", "state.current": "r.state",
		"state.startDate": "r.started", "state.endDate": "coalesce(r.ended, " + never + ")", "state.duration": "coalesce(r.duration, " + never + ")",
	},
	scan: scanBody[model.TaskRun],
}

// SearchTaskRuns is backend.Executions.
func (x executions) SearchTaskRuns(ctx context.Context, q backend.Query) (backend.Page[*model.TaskRun], error) {
	if err := x.ready(ctx); err != nil {
		return backend.Page[*model.TaskRun]{}, err
	}
	limit := countLimit
	l := taskRunList
	if slices.ContainsFunc(q.Filters, ofOneExecution) {
		limit = 0
	} else {
		l.from = fmt.Sprintf("task_runs r CROSS JOIN executions e ON e.seq = r.seq / %d", sqlbase.RunsSpan) // task runs in their order
	}
	return l.find(ctx, x.state, q, limit, equals("r.tenant", q.Tenant))
}

// ofOneExecution tells whether a filter leaves only what belongs to one execution, or a few.
func ofOneExecution(f backend.Filter) bool {
	return f.Field == backend.FieldExecutionID && (f.Op == backend.OpEquals || f.Op == backend.OpIn)
}

// Latest is backend.Executions.
func (x executions) Latest(ctx context.Context, tenant string, flows []model.FlowKey) ([]*model.Execution, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	latest, err := x.state.PrepareContext(ctx, `SELECT body FROM executions INDEXED BY executions_flow
		WHERE tenant = ? AND namespace = ? AND flow_id = ? ORDER BY started DESC, seq DESC LIMIT 1`)
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { _ = latest.Close() }()
	var all []*model.Execution
	for _, key := range flows {
		e, err := scanBody[model.Execution](latest.QueryRowContext(ctx, tenant, key.Namespace, key.ID))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, e)
	}
	return all, nil
}

// deleteBatch is how many executions are deleted between two batches of other writes.
const deleteBatch = 200

// Delete is backend.Executions.
func (x executions) Delete(ctx context.Context, tenant string, ids []string) (int, error) {
	if err := x.ready(ctx); err != nil {
		return 0, err
	}
	total := 0
	for some := range slices.Chunk(ids, deleteBatch) {
		var deleted []string
		err := x.write(ctx, func(s *store) (err error) {
			deleted, err = s.deleteFinished(tenant, some)
			return err
		})
		if err != nil {
			return total, err
		}
		x.Deleted(deleted)
		total += len(deleted)
	}
	return total, nil
}

// deleteFinished deletes those of the executions that have finished.
func (s *store) deleteFinished(tenant string, ids []string) (deleted []string, err error) {
	for _, id := range ids {
		old, err := s.storedExecution(id)
		if err != nil {
			return nil, err
		}
		if old.version == 0 || old.row.Tenant != tenant || !old.row.Finished {
			continue
		}
		if err := s.deleteExecution(old); err != nil {
			return nil, err
		}
		if err := s.bury(model.ExecutionEntity(id), old.version); err != nil {
			return nil, err
		}
		if err := s.dropJobs(id); err != nil {
			return nil, err
		}
		deleted = append(deleted, id)
	}
	return deleted, nil
}
