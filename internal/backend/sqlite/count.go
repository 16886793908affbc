package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// countSchema finds in the counts what executions are counted by. QUERY is meant as far as it looks for flows.
var countSchema = sqlbase.Schema{Dialect: dialect, Kinds: backend.ExecutionFields, Columns: map[backend.Field]string{
	backend.FieldNamespace: "namespace", backend.FieldScope: "namespace", backend.FieldFlowID: "flow_id",
	backend.FieldState: "state", backend.FieldKind: "kind", backend.FieldChild: "child",
}, Text: []string{"namespace", "flow_id"}}

// counted splits filters into those that the counts know of, a span of start dates, and so many others.
func counted(filters []backend.Filter) (known []backend.Filter, s span, others int) {
	for _, f := range filters {
		if _, ok := countSchema.Columns[f.Field]; ok {
			known = append(known, f)
		}
	}
	s, n := spanOf(filters)
	return known, s, len(filters) - len(known) - n
}

// sumCounts sums columns over the counts: those of whole days, and of whole quarters of an hour where the span cuts days.
func (x executions) sumCounts(ctx context.Context, tenant string, s span, columns []sqlbase.Clause) ([]int, error) {
	sums := make([]int, len(columns))
	if s == allTime {
		return sums, x.addCounts(ctx, sums, "total_counts", equals("tenant", tenant), columns)
	}
	quarters, days := s.within(sqlbase.Quarter), s.within(sqlbase.Day)
	if days.from == days.before {
		return sums, x.addCounts(ctx, sums, "quarter_counts", quarters.buckets(tenant), columns)
	}
	for _, part := range []struct {
		table string
		span
	}{
		{"quarter_counts", span{quarters.from, days.from}}, {"day_counts", days}, {"quarter_counts", span{days.before, quarters.before}},
	} {
		if err := x.addCounts(ctx, sums, part.table, part.buckets(tenant), columns); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// buckets is the condition that a tenant's bucket lies in the span.
func (s span) buckets(tenant string) sqlbase.Clause {
	return sqlbase.Clause{SQL: "tenant = ? AND bucket >= ? AND bucket < ?", Args: []any{tenant, s.from, s.before}}
}

func (x executions) addCounts(ctx context.Context, sums []int, table string, where sqlbase.Clause, columns []sqlbase.Clause) error {
	texts, got, dest := make([]string, len(columns)), make([]int, len(columns)), make([]any, len(columns))
	var args []any
	for i, c := range columns {
		texts[i], dest[i] = c.SQL, &got[i]
		args = append(args, c.Args...)
	}
	text := "SELECT " + strings.Join(texts, ", ") + " FROM " + table + " WHERE " + where.SQL
	err := x.state.QueryRowContext(ctx, text, append(args, where.Args...)...).Scan(dest...)
	for i, n := range got {
		sums[i] += n
	}
	return unavailable(err)
}

// countEdges counts the executions in the quarters of an hour that the span cuts.
func (x executions) countEdges(ctx context.Context, clauses []sqlbase.Clause, s span) (n int, err error) {
	for _, edge := range s.edges() {
		l := executionList
		l.from = "executions e INDEXED BY executions_started"
		in, err := l.count(ctx, x.state, append(slices.Clone(clauses), edge.clause()), 0)
		if err != nil {
			return 0, err
		}
		n += in
	}
	return n, nil
}

func (s span) clause() sqlbase.Clause {
	return sqlbase.Clause{SQL: "e.started >= ? AND e.started < ?", Args: []any{s.from, s.before}}
}

// Count is backend.Executions.
func (x executions) Count(ctx context.Context, q backend.CountQuery) ([]backend.Count, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	counter := backend.NewCounter(q)
	if q.TaskRuns {
		clauses := append([]sqlbase.Clause{equals("r.tenant", q.Tenant)}, taskRunList.schema.Where(q.Filters)...)
		err := x.addRecords(ctx, counter, "r.started, e.namespace, e.flow_id, r.task_id, r.state, r.duration", taskRunList.from, clauses)
		return counter.Counts(), err
	}
	clauses := append([]sqlbase.Clause{equals("e.tenant", q.Tenant)}, executionList.schema.Where(q.Filters)...)
	known, s, others := counted(q.Filters)
	spans := []span{allTime}
	if others == 0 && q.Bucket%sqlbase.Quarter == 0 {
		if err := x.addQuarters(ctx, counter, q, known, s.within(sqlbase.Quarter)); err != nil {
			return nil, err
		}
		spans = s.edges()
	}
	for _, part := range spans {
		err := x.addRecords(ctx, counter, "e.started, e.namespace, e.flow_id, '', e.state, e.duration",
			"executions e", append(slices.Clone(clauses), part.clause()))
		if err != nil {
			return nil, err
		}
	}
	return counter.Counts(), nil
}

// addQuarters counts what was counted by the commits.
func (x executions) addQuarters(ctx context.Context, counter *backend.Counter, q backend.CountQuery, known []backend.Filter, s span) error {
	group := "bucket, '', '', state"
	switch q.By {
	case "namespace":
		group = "bucket, namespace, '', state"
	case "flow":
		group = "bucket, namespace, flow_id, state"
	}
	where := sqlbase.All(append([]sqlbase.Clause{s.buckets(q.Tenant)}, countSchema.Where(known)...))
	rows, err := x.state.QueryContext(ctx, "SELECT "+group+`, sum(n), sum(ended), sum(sum),
		coalesce(min(CASE WHEN ended > 0 THEN min END), 0), coalesce(max(CASE WHEN ended > 0 THEN max END), 0)
		FROM quarter_counts WHERE `+where.SQL+" GROUP BY 1, 2, 3, 4", where.Args...)
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		var c backend.Count
		var bucket, sum, shortest, longest int64
		var state string
		if err := row.Scan(&bucket, &c.Namespace, &c.FlowID, &state, &c.Count, &c.Ended, &sum, &shortest, &longest); err != nil {
			return struct{}{}, err
		}
		c.Bucket, c.Sum, c.Min, c.Max = sqlbase.Time(bucket), micros(sum), micros(shortest), micros(longest)
		return struct{}{}, addCount(counter, c, state)
	})
	return err
}

// addRecords counts records one by one.
func (x executions) addRecords(ctx context.Context, counter *backend.Counter, columns, from string, clauses []sqlbase.Clause) error {
	where := sqlbase.All(clauses)
	rows, err := x.state.QueryContext(ctx, "SELECT "+columns+" FROM "+from+" WHERE "+where.SQL, where.Args...)
	_, err = collect(rows, err, func(row scanner) (struct{}, error) {
		c := backend.Count{Count: 1}
		var started int64
		var state string
		var duration sql.NullInt64
		if err := row.Scan(&started, &c.Namespace, &c.FlowID, &c.TaskID, &state, &duration); err != nil {
			return struct{}{}, err
		}
		c.Bucket = sqlbase.Time(started)
		if duration.Valid {
			d := micros(duration.Int64)
			c.Ended, c.Sum, c.Min, c.Max = 1, d, d, d
		}
		return struct{}{}, addCount(counter, c, state)
	})
	return err
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func addCount(counter *backend.Counter, c backend.Count, state string) (err error) {
	if c.State, err = model.ParseState(state); err == nil {
		counter.Add(c)
	}
	return err
}
