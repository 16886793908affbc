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

// severe is what the index on severe lines asks a query to say.
const severe = "l.level >= 4"

// isSevere tells whether a filter leaves only severe lines.
func isSevere(f backend.Filter) bool {
	if f.Field != backend.FieldLevel || f.Op.Negative() || f.Op == backend.OpLess || f.Op == backend.OpLessEq {
		return false
	}
	return !slices.ContainsFunc(f.Strings(), func(name string) bool {
		l, _ := model.ParseLevel(name)
		return l < model.LevelWarn
	})
}

// fewLines is how many lines of a namespace are rather sorted than met among all others.
const fewLines = 5_000

// find returns the list with the index that leads through the fewest lines: what SQLite would guess is too often wrong.
func (l logs) find(ctx context.Context, q backend.Query) (list[model.LogEntry], []sqlbase.Clause, error) {
	lines, where := logList, []sqlbase.Clause{equals("l.tenant", q.Tenant)}
	is := func(f backend.Filter) bool { return f.Field == backend.FieldNamespace && !f.Op.Negative() }
	switch place := slices.IndexFunc(q.Filters, is); {
	case slices.ContainsFunc(q.Filters, ofOneExecution):
		lines.from += " INDEXED BY logs_of"
	case slices.ContainsFunc(q.Filters, isSevere):
		lines.from += " INDEXED BY logs_severe"
		where = append(where, sqlbase.Clause{SQL: severe})
	case place >= 0:
		ofFlow := logList
		ofFlow.from += " INDEXED BY logs_flow"
		n, err := ofFlow.count(ctx, l.logging, append(where, logList.schema.Where(q.Filters[place:place+1])...), fewLines)
		if err != nil {
			return lines, nil, err
		}
		if lines = ofFlow; n == fewLines && !slices.ContainsFunc(q.Filters, ofOneFlow) {
			lines.from, lines.countFrom = logList.from+" INDEXED BY logs_at", ofFlow.from
		}
	}
	return lines, where, nil
}

func ofOneFlow(f backend.Filter) bool {
	return f.Field == backend.FieldFlowID && f.Op == backend.OpEquals
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
	if err := q.Validate(logList.schema.Kinds, logList.sorts); err != nil {
		return backend.Page[model.LogEntry]{}, err
	}
	lines, where, err := l.find(ctx, q)
	if err != nil {
		return backend.Page[model.LogEntry]{}, err
	}
	return lines.find(ctx, l.logging, q, limitOf(q), where...)
}

// Delete is backend.Logs.
func (l logs) Delete(ctx context.Context, q backend.Query) (int, error) {
	if err := l.ready(ctx); err != nil {
		return 0, err
	}
	if err := q.Validate(logList.schema.Kinds, logList.sorts); err != nil {
		return 0, err
	}
	lines, where, err := l.find(ctx, q)
	if err != nil {
		return 0, err
	}
	return deleteLines(ctx, l.Backend, "logs", &lines, q, where)
}

// deleteLines removes the selected records, some at a time so that others can be written in between.
func deleteLines[T any](ctx context.Context, b *Backend, table string, l *list[T], q backend.Query, base []sqlbase.Clause) (int, error) {
	where := sqlbase.All(append(base, l.schema.Where(q.Filters)...))
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
	if err := m.ready(ctx); err != nil {
		return 0, err
	}
	if err := q.Validate(metricList.schema.Kinds, metricList.sorts); err != nil {
		return 0, err
	}
	return deleteLines(ctx, m.Backend, "metrics", &metricList, q, []sqlbase.Clause{equals("m.tenant", q.Tenant)})
}
