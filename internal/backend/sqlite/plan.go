package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

const (
	// rareLimit is how many executions with a label are rather sorted than met on the way.
	rareLimit = 2_000
	// flowLimit is how many flows are looked up one by one.
	flowLimit = 50
)

// plan is how executions are looked for. SQLite's own planner does not know how many executions a condition selects; the
// counts that the commits keep do.
type plan struct {
	query   backend.Query
	from    string
	clauses []sqlbase.Clause // that of the tenant, then those of the filters, then others
	// known are the filters that the counts know of, within the span; others is how many more there are.
	known  []backend.Filter
	span   span
	others int
	// counted is set when the counts have told the total.
	counted bool
	total   int
	// common is a label that many have: looking through them is the quickest way to count. place is its clause.
	common *model.Label
	place  int
}

// way is an index that executions can be found by.
type way struct {
	index   string
	uses    func(backend.Filter) bool // the filters that narrow it; the index ends with the start date
	n       int                       // how many executions it leads through
	ordered bool                      // it gives them by start date
	clause  *sqlbase.Clause           // what must be said besides the filters
}

// plan chooses the way that leads through the fewest executions before the page is full.
func (x executions) plan(ctx context.Context, q backend.Query) (*plan, error) {
	p := &plan{query: q, from: "executions e"}
	p.clauses = append([]sqlbase.Clause{equals("e.tenant", q.Tenant)}, executionList.schema.Where(q.Filters)...)
	p.known, p.span, p.others = counted(q.Filters)
	for i, f := range q.Filters {
		if column := ownIndex(f); column != "" {
			p.clauses = append(p.clauses, sqlbase.Clause{SQL: column + " <> ''"}) // which the index on it asks for
			return p, nil
		}
		var found bool
		var err error
		if label := searchedLabel(f); label != nil {
			found, err = x.useLabel(ctx, p, label, i+1)
		} else if f.Field == backend.FieldQuery && !f.Op.Negative() {
			found, err = x.useText(ctx, p, f, i+1)
		}
		if found || err != nil {
			return p, err
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
func (x executions) useLabel(ctx context.Context, p *plan, l *model.Label, place int) (found bool, err error) {
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

// useText looks whether a text is the beginning of an id, or part of a flow's name. If it is only one of them, the
// filter becomes that.
func (x executions) useText(ctx context.Context, p *plan, f backend.Filter, place int) (found bool, err error) {
	text := f.Strings()[0]
	if text == "" {
		p.others-- // it selects everything
		return false, nil
	}
	ids := sqlbase.Beginning("id", text)
	flows := sqlbase.All(append([]sqlbase.Clause{equals("tenant", p.query.Tenant)}, countSchema.Where([]backend.Filter{f})...))
	var isID, isFlow bool
	err = x.state.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM executions WHERE "+ids.SQL+"), EXISTS (SELECT 1 FROM total_counts WHERE "+flows.SQL+")",
		append(ids.Args, flows.Args...)...).Scan(&isID, &isFlow)
	switch {
	case err != nil:
		return false, unavailable(err)
	case isID && isFlow:
		return false, nil
	case isID:
		p.clauses[place] = sqlbase.Clause{SQL: "e.seq IN (SELECT seq FROM executions WHERE " + ids.SQL + ")", Args: ids.Args}
		return true, nil
	}
	schema := executionList.schema
	schema.IDs = nil
	p.clauses[place] = schema.Where([]backend.Filter{f})[0]
	p.known = append(p.known, f)
	p.others--
	return false, nil
}

func (x executions) chooseIndex(ctx context.Context, p *plan) error {
	ways := waysOf(p.query.Filters)
	flows, err := x.wayOfFlows(ctx, p)
	if err != nil {
		return err
	}
	if flows != nil {
		ways = append(ways, *flows)
	}
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
	if c := ways[best].clause; c != nil {
		p.clauses = append(p.clauses, *c)
	}
	return nil
}

// waysOf lists the indexes that the filters can use; that on the start date always can.
func waysOf(filters []backend.Filter) []way {
	has := func(field backend.Field, ops ...backend.Op) bool {
		return slices.ContainsFunc(filters, func(f backend.Filter) bool { return f.Field == field && slices.Contains(ops, f.Op) })
	}
	on := func(fields ...backend.Field) func(backend.Filter) bool {
		return func(f backend.Filter) bool { return slices.Contains(fields, f.Field) }
	}
	ways := []way{{index: "executions_started", ordered: true, uses: on()}}
	namespace := has(backend.FieldNamespace, backend.OpEquals)
	if namespace && has(backend.FieldFlowID, backend.OpEquals) {
		ways = append(ways, way{index: "executions_flow", uses: on(backend.FieldNamespace, backend.FieldFlowID), ordered: true})
	}
	if namespace || has(backend.FieldNamespace, backend.OpIn, backend.OpPrefix) {
		ways = append(ways, way{index: "executions_namespace", uses: on(backend.FieldNamespace), ordered: namespace})
	}
	if state := has(backend.FieldState, backend.OpEquals); state || has(backend.FieldState, backend.OpIn) {
		ways = append(ways, way{index: "executions_state", uses: on(backend.FieldState), ordered: state})
	}
	return ways
}

// aboutFlows tells whether a filter that the counts know of is about flows.
func aboutFlows(f backend.Filter) bool {
	switch f.Field {
	case backend.FieldNamespace, backend.FieldFlowID, backend.FieldScope, backend.FieldQuery:
		return true
	}
	return false
}

// wayOfFlows is the way by the names of the flows that the filters select, if those are few.
func (x executions) wayOfFlows(ctx context.Context, p *plan) (*way, error) {
	var about []backend.Filter
	for _, f := range p.known {
		if aboutFlows(f) {
			about = append(about, f)
		}
	}
	if len(about) == 0 {
		return nil, nil
	}
	where := sqlbase.All(append([]sqlbase.Clause{equals("tenant", p.query.Tenant)}, countSchema.Where(about)...))
	rows, err := x.state.QueryContext(ctx, "SELECT DISTINCT namespace, flow_id FROM total_counts WHERE "+where.SQL+" LIMIT ?", append(where.Args, flowLimit+1)...)
	flows, err := collect(rows, err, func(row scanner) (k model.FlowKey, err error) {
		err = row.Scan(&k.Namespace, &k.ID)
		return k, err
	})
	if err != nil || len(flows) == 0 || len(flows) > flowLimit {
		return nil, err
	}
	clause := sqlbase.Clause{SQL: "(e.namespace, e.flow_id) IN (VALUES (?, ?)" + strings.Repeat(", (?, ?)", len(flows)-1) + ")"}
	for _, k := range flows {
		clause.Args = append(clause.Args, k.Namespace, k.ID)
	}
	return &way{index: "executions_flow", uses: aboutFlows, clause: &clause}, nil
}

// countWays counts what each way leads through, and returns how many executions all filters select, as far as the counts
// know of them.
func (x executions) countWays(ctx context.Context, p *plan, ways []way) (matching int, err error) {
	columns := []sqlbase.Clause{countColumn(p.known, func(backend.Filter) bool { return true })}
	for _, w := range ways {
		columns = append(columns, countColumn(p.known, w.uses))
	}
	sums, err := x.sumCounts(ctx, p.query.Tenant, p.span, columns)
	if err != nil {
		return 0, err
	}
	for i := range ways {
		ways[i].n = sums[i+1]
	}
	if p.others == 0 && !p.query.NoTotal {
		edges, err := x.countEdges(ctx, p.clauses, p.span)
		if err != nil {
			return 0, err
		}
		p.counted, p.total = true, sums[0]+edges
	}
	return sums[0], nil
}

// countColumn sums the executions that the used filters select.
func countColumn(known []backend.Filter, used func(backend.Filter) bool) sqlbase.Clause {
	var chosen []backend.Filter
	for _, f := range known {
		if used(f) {
			chosen = append(chosen, f)
		}
	}
	where := sqlbase.All(countSchema.Where(chosen))
	return sqlbase.Clause{SQL: "coalesce(sum(CASE WHEN " + where.SQL + " THEN n END), 0)", Args: where.Args}
}

// countAll is the number of all executions that the plan's query selects.
func (x executions) countAll(ctx context.Context, p *plan) (int, error) {
	if p.counted {
		return p.total, nil
	}
	l, clauses := executionList, p.clauses
	l.from = p.from
	if p.common != nil {
		l.from = "labels l CROSS JOIN executions e ON e.seq = l.seq"
		clauses = slices.Clone(clauses)
		clauses[p.place] = sqlbase.Clause{SQL: "l.tenant = ? AND l.key = ? AND l.value = ?", Args: []any{p.query.Tenant, p.common.Key, p.common.Value}}
		if len(p.query.Filters) == 1 {
			l.from, clauses = "labels l", clauses[p.place:p.place+1]
		}
	}
	return l.count(ctx, x.state, clauses, countLimit)
}
