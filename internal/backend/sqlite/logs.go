package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

type logs struct{ *Backend }

var logList = list[model.LogEntry]{
	from: "logs l",
	columns: "l.tenant, l.namespace, l.flow_id, l.execution_id, l.task_id, l.task_run_id, l.attempt, coalesce(l.line, 0), l.trigger_id, l.at, l.level, " +
		"l.thread, l.message, l.kind",
	row: "l.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.LogFields,
		Columns: map[backend.Field]string{
			backend.FieldNamespace: "l.namespace", backend.FieldFlowID: "l.flow_id", backend.FieldScope: "l.namespace",
			backend.FieldExecutionID: "l.execution_id", backend.FieldTaskID: "l.task_id", backend.FieldTaskRunID: "l.task_run_id",
			backend.FieldAttempt: "nullif(l.attempt, -1)", backend.FieldTriggerID: "l.trigger_id", backend.FieldLevel: "l.level",
			backend.FieldStartDate: "l.at", backend.FieldEndDate: "l.at",
		},
		Text: []string{"l.message"},
		Wrap: map[backend.Field]func(sqlbase.Clause) sqlbase.Clause{backend.FieldLevel: severe},
	},
	sorts:   backend.LogSorts,
	natural: []backend.Sort{{By: "timestamp"}},
	keys:    map[string]string{"timestamp": "l.at"},
	scan: func(row scanner) (l model.LogEntry, err error) {
		var attempt int
		var at int64
		err = row.Scan(&l.Tenant, &l.Namespace, &l.FlowID, &l.ExecutionID, &l.TaskID, &l.TaskRunID, &attempt, &l.Seq, &l.TriggerID, &at, &l.Level,
			&l.Thread, &l.Message, &l.Kind)
		if attempt >= 0 {
			l.Attempt = &attempt
		}
		l.Timestamp = sqlbase.Time(at)
		return l, err
	},
}

// severe lets SQLite see that the index on severe lines has all that a condition on the level asks for.
func severe(c sqlbase.Clause) sqlbase.Clause {
	switch c.SQL {
	case "l.level >= 4", "l.level > 3", "l.level >= 5", "l.level > 4", "l.level = 4", "l.level = 5":
		c.SQL += " AND l.level >= 4"
	}
	return c
}

// Append is backend.Logs.
func (l logs) Append(ctx context.Context, lines []model.LogEntry) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	if len(lines) == 0 {
		return nil
	}
	return l.lines.handIn(ctx, &logBatch{lines: lines})
}

// limitOf is how far to count: all of an execution's, but not all that there are.
func limitOf(q backend.Query) int {
	if slices.ContainsFunc(q.Filters, ofOneExecution) {
		return 0
	}
	return countLimit
}

// Search is backend.Logs.
func (l logs) Search(ctx context.Context, q backend.Query) (backend.Page[model.LogEntry], error) {
	if err := l.ready(ctx); err != nil {
		return backend.Page[model.LogEntry]{}, err
	}
	return logList.find(ctx, l.logging, q, limitOf(q), equals("l.tenant", q.Tenant))
}

// Delete is backend.Logs.
func (l logs) Delete(ctx context.Context, q backend.Query) (int, error) {
	return deleteLines(ctx, l.Backend, &logList, q, equals("l.tenant", q.Tenant))
}

// deleteLines removes the selected records, some at a time so that others can be written in between.
func deleteLines[T any](ctx context.Context, b *Backend, l *list[T], q backend.Query, tenant sqlbase.Clause) (int, error) {
	if err := b.ready(ctx); err != nil {
		return 0, err
	}
	if err := q.Validate(l.schema.Kinds, l.sorts); err != nil {
		return 0, err
	}
	where := sqlbase.All(append([]sqlbase.Clause{tenant}, l.schema.Where(q.Filters)...))
	table := l.from[:len(l.from)-2] // without its alias
	text := "DELETE FROM " + table + " WHERE seq IN (SELECT seq FROM " + l.from + " WHERE " + where.SQL + " LIMIT 2000)"
	total := 0
	for {
		var n int64
		err := b.lines.handIn(ctx, &logBatch{do: func() error {
			r, err := b.lines.conn.conn.ExecContext(context.Background(), text, where.Args...)
			if err != nil {
				return err
			}
			n, err = r.RowsAffected()
			return err
		}})
		if err != nil {
			return total, err
		}
		if total += int(n); n == 0 {
			return total, nil
		}
	}
}

type metrics struct{ *Backend }

var metricList = list[model.Metric]{
	from:    "metrics m",
	columns: "m.tenant, m.namespace, m.flow_id, m.execution_id, m.task_id, m.task_run_id, m.type, m.name, m.value, m.at, m.tags, m.kind",
	row:     "m.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.MetricFields,
		Columns: map[backend.Field]string{
			backend.FieldNamespace: "m.namespace", backend.FieldFlowID: "m.flow_id", backend.FieldExecutionID: "m.execution_id",
			backend.FieldTaskID: "m.task_id", backend.FieldTaskRunID: "m.task_run_id", backend.FieldMetric: "m.name",
			backend.FieldStartDate: "m.at", backend.FieldEndDate: "m.at",
		},
	},
	sorts:   backend.MetricSorts,
	natural: []backend.Sort{{By: "timestamp"}},
	keys:    map[string]string{"timestamp": "m.at", "name": "m.name"},
	scan: func(row scanner) (m model.Metric, err error) {
		var at int64
		var tags string
		var value sql.NullFloat64
		err = row.Scan(&m.Tenant, &m.Namespace, &m.FlowID, &m.ExecutionID, &m.TaskID, &m.TaskRunID, &m.Type, &m.Name, &value, &at, &tags, &m.Kind)
		if err != nil {
			return m, err
		}
		m.Timestamp, m.Value = sqlbase.Time(at), math.NaN()
		if value.Valid {
			m.Value = value.Float64
		}
		if tags != "{}" {
			err = json.Unmarshal([]byte(tags), &m.Tags)
		}
		return m, err
	},
}

// Append is backend.Metrics.
func (m metrics) Append(ctx context.Context, values []model.Metric) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	if len(values) == 0 {
		return nil
	}
	return m.lines.handIn(ctx, &logBatch{metrics: values})
}

// Search is backend.Metrics.
func (m metrics) Search(ctx context.Context, q backend.Query) (backend.Page[model.Metric], error) {
	if err := m.ready(ctx); err != nil {
		return backend.Page[model.Metric]{}, err
	}
	return metricList.find(ctx, m.logging, q, limitOf(q), equals("m.tenant", q.Tenant))
}

// Names is backend.Metrics.
func (m metrics) Names(ctx context.Context, q backend.Query) (names, tasks []string, err error) {
	if err := m.ready(ctx); err != nil {
		return nil, nil, err
	}
	if err := q.Validate(metricList.schema.Kinds, metricList.sorts); err != nil {
		return nil, nil, err
	}
	where := sqlbase.All(append([]sqlbase.Clause{equals("m.tenant", q.Tenant)}, metricList.schema.Where(q.Filters)...))
	distinct := func(column string) ([]string, error) {
		rows, err := m.logging.QueryContext(ctx, "SELECT DISTINCT "+column+" FROM metrics m WHERE "+where.SQL+" AND "+column+" <> '' ORDER BY 1", where.Args...)
		return collect(rows, err, scanText)
	}
	if names, err = distinct("m.name"); err != nil {
		return nil, nil, err
	}
	tasks, err = distinct("m.task_id")
	return names, tasks, err
}

// Delete is backend.Metrics.
func (m metrics) Delete(ctx context.Context, q backend.Query) (int, error) {
	return deleteLines(ctx, m.Backend, &metricList, q, equals("m.tenant", q.Tenant))
}
