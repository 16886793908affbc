package sqlite

import (
	"context"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// rareLimit is how many executions with a label are rather sorted than met on the way.
const rareLimit = 2_000

// plan is how executions are looked for. SQLite's own planner does not know how many executions a condition selects; the
// counts that the commits keep do.
type plan struct {
	query   backend.Query
	from    string
	clauses []sqlbase.Clause
	// counted is set when the counts tell the total.
	counted bool
	total   int
	// common is a label that many have: looking through them is the quickest way to count. place is its clause.
	common *model.Label
	place  int
}

// way is an index that executions can be found by.
type way struct {
	index   string
	filters []backend.Field // those that it uses; the index ends with the start date
	n       int             // how many executions it leads through
	ordered bool            // it gives them by start date
}

// plan chooses the way that leads through the fewest executions before the page is full.
func (x executions) plan(ctx context.Context, q backend.Query) (*plan, error) {
	p := &plan{query: q, from: "executions e"}
	p.clauses = append([]sqlbase.Clause{equals("e.tenant", q.Tenant)}, executionList.schema.Where(q.Filters)...)
	for i, f := range q.Filters {
		if column := ownIndex(f); column != "" {
			p.clauses = append(p.clauses, sqlbase.Clause{SQL: column + " <> ''"}) // which the index on it asks for
			return p, nil
		}
		if label := searchedLabel(f); label != nil {
			if rare, err := x.useLabel(ctx, p, label, i+1); rare || err != nil {
				return p, err
			}
		}
	}
	return p, x.chooseIndex(ctx, p)
}

// ownIndex returns the column of a filter that selects few executions by an index of its own.
func ownIndex(f backend.Filter) string {
	if f.Op != backend.OpEquals && f.Op != backend.OpIn || slices.Contains(f.Strings(), "") {
		return ""
	}
	switch f.Field {
	case backend.FieldExecutionID, backend.FieldParentID, backend.FieldTriggerExec:
		return executionList.schema.Columns[f.Field]
	}
	return ""
}

// searchedLabel returns a label that all selected executions have and that has rows of its own, or nil.
func searchedLabel(f backend.Filter) *model.Label {
	labels, _ := f.Value.([]model.Label)
	if f.Op != backend.OpEquals && f.Op != backend.OpContains || len(labels) != 1 || sqlbase.IsSystem(labels[0]) {
		return nil
	}
	return &labels[0]
}

// useLabel looks how many executions have the label. If they are few, they are the way.
func (x executions) useLabel(ctx context.Context, p *plan, l *model.Label, place int) (rare bool, err error) {
	n := 0
	err = x.state.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM labels WHERE tenant = ? AND key = ? AND value = ? LIMIT ?)",
		p.query.Tenant, l.Key, l.Value, rareLimit+1).Scan(&n)
	if err != nil {
		return false, unavailable(err)
	}
	if n > rareLimit {
		p.common, p.place = l, place
		return false, nil
	}
	p.from = "executions e NOT INDEXED"
	p.clauses[place] = sqlbase.Clause{SQL: "e.seq IN (SELECT seq FROM labels WHERE tenant = ? AND key = ? AND value = ?)",
		Args: []any{p.query.Tenant, l.Key, l.Value}}
	return true, nil
}

func (x executions) chooseIndex(ctx context.Context, p *plan) error {
	ways := waysOf(p.query.Filters)
	matching, err := x.countWays(ctx, p, ways)
	if err != nil {
		return err
	}
	byStart := len(p.query.Sort) == 0 || p.query.Sort[0].By == "state.startDate"
	best, bestCost := 0, 0
	for i, w := range ways {
		cost := w.n
		if w.ordered && byStart && matching > 0 {
			wanted := p.query.Size * max(p.query.Page, 1)
			cost = min(cost, wanted*(w.n/matching+1))
		}
		if i == 0 || cost < bestCost {
			best, bestCost = i, cost
		}
	}
	if best > 0 || byStart {
		p.from = "executions e INDEXED BY " + ways[best].index
	}
	return nil
}

// waysOf lists the indexes that the filters can use; that on the start date always can.
func waysOf(filters []backend.Filter) []way {
	has := func(field backend.Field, ops ...backend.Op) bool {
		return slices.ContainsFunc(filters, func(f backend.Filter) bool { return f.Field == field && slices.Contains(ops, f.Op) })
	}
	ways := []way{{index: "executions_started", ordered: true, filters: []backend.Field{}}}
	namespace := has(backend.FieldNamespace, backend.OpEquals)
	if namespace && has(backend.FieldFlowID, backend.OpEquals) {
		ways = append(ways, way{index: "executions_flow", filters: []backend.Field{backend.FieldNamespace, backend.FieldFlowID}, ordered: true})
	}
	if namespace || has(backend.FieldNamespace, backend.OpIn, backend.OpPrefix) {
		ways = append(ways, way{index: "executions_namespace", filters: []backend.Field{backend.FieldNamespace}, ordered: namespace})
	}
	if state := has(backend.FieldState, backend.OpEquals); state || has(backend.FieldState, backend.OpIn) {
		ways = append(ways, way{index: "executions_state", filters: []backend.Field{backend.FieldState}, ordered: state})
	}
	return ways
}

// countWays counts what each way leads through, and returns how many executions all filters select, as far as the counts
// know of them.
func (x executions) countWays(ctx context.Context, p *plan, ways []way) (matching int, err error) {
	known, span, all := counted(p.query.Filters)
	columns := []sqlbase.Clause{countColumn(known, nil)}
	for _, w := range ways {
		columns = append(columns, countColumn(known, w.filters))
	}
	sums, err := x.sumCounts(ctx, p.query.Tenant, span, columns)
	if err != nil {
		return 0, err
	}
	for i := range ways {
		ways[i].n = sums[i+1]
	}
	if all && !p.query.NoTotal {
		edges, err := x.countEdges(ctx, p.clauses, span)
		if err != nil {
			return 0, err
		}
		p.counted, p.total = true, sums[0]+edges
	}
	return sums[0], nil
}

// countColumn sums the executions for which the filters on some fields hold; nil is all fields.
func countColumn(known []backend.Filter, fields []backend.Field) sqlbase.Clause {
	var chosen []backend.Filter
	for _, f := range known {
		if fields == nil || slices.Contains(fields, f.Field) {
			chosen = append(chosen, f)
		}
	}
	where := sqlbase.All(countSchema.Where(chosen))
	return sqlbase.Clause{SQL: "coalesce(sum(CASE WHEN " + where.SQL + " THEN n END), 0)", Args: where.Args}
}

// total is the number of all executions that the plan's query selects.
func (x executions) total(ctx context.Context, p *plan) (int, error) {
	if p.counted {
		return p.total, nil
	}
	l, clauses := executionList, p.clauses
	l.from = p.from
	if p.common != nil {
		l.from = "labels l CROSS JOIN executions e ON e.seq = l.seq"
		clauses = slices.Clone(clauses)
		clauses[p.place] = sqlbase.Clause{SQL: "l.tenant = ? AND l.key = ? AND l.value = ?", Args: []any{p.query.Tenant, p.common.Key, p.common.Value}}
	}
	return l.count(ctx, x.state, clauses, countLimit)
}
