package backendtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Agree gives the same random history to an adapter and to a reference, and wants the same answers from both, to random
// questions. It is meant for adapters that plan their queries or keep sums.
func Agree(t *testing.T, h, reference Harness) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			a := &agreement{rng: rand.New(rand.NewPCG(seed, 1)), one: newFixture(t, h), two: newFixture(t, reference)}
			for range 3 {
				a.live(100)
				a.ask(30)
			}
			if h.Reopen != nil {
				a.one.reopen()
				a.ask(20)
				a.live(50)
				a.ask(20)
			}
		})
	}
}

// agreement is the same history in two backends.
type agreement struct {
	rng      *rand.Rand
	one, two *fixture
	all      []*life
}

// life is an execution as it was last committed.
type life struct {
	version int64
	header  *model.Execution
	runs    []*model.TaskRun
	deleted bool
}

// pick draws one of some values.
func pick[T any](a *agreement, from ...T) T { return from[a.rng.IntN(len(from))] }

// live commits n changes to both, several at a time so that they meet in batches.
func (a *agreement) live(n int) {
	var waiting []<-chan error
	for i := range n {
		t := a.change()
		for _, f := range []*fixture{a.one, a.two} {
			waiting = append(waiting, f.handIn(t))
		}
		if i%20 == 19 || i == n-1 {
			for j, done := range waiting {
				[]*fixture{a.one, a.two}[j%2].must(receive(a.one, done))
			}
			waiting = nil
		}
		if i == n/2 {
			a.purge()
		}
	}
}

// purge deletes some finished executions, and tries others.
func (a *agreement) purge() {
	var ids []string
	var some []*life
	for _, l := range a.all {
		if a.rng.IntN(12) == 0 {
			ids, some = append(ids, l.header.ID), append(some, l)
		}
	}
	// Wait for what is handed in: what is deleted must be the same in both.
	for _, f := range []*fixture{a.one, a.two} {
		for _, l := range some {
			f.commit(&model.Transition{Of: model.ExecutionEntity(l.header.ID)})
		}
		_, err := f.b.Executions().Delete(f.ctx, tenant, ids)
		f.must(err)
	}
	for _, l := range some {
		l.deleted = l.deleted || l.header.Engine.Finished
	}
	a.all = slices.DeleteFunc(a.all, func(l *life) bool { return l.deleted })
}

// change is the next transition of a new execution, or of one that there is.
func (a *agreement) change() *model.Transition {
	if len(a.all) == 0 || a.rng.IntN(3) == 0 {
		l := &life{header: a.born()}
		a.all = append(a.all, l)
		return a.grow(l)
	}
	i := a.rng.IntN(len(a.all))
	l := a.all[i]
	if a.rng.IntN(25) == 0 {
		a.all = slices.Delete(a.all, i, i+1)
		return &model.Transition{Of: model.ExecutionEntity(l.header.ID), Version: l.version + 1, Deleted: true}
	}
	return a.grow(l)
}

func (a *agreement) born() *model.Execution {
	e := execution(model.NewID())
	e.Namespace = pick(a, "a", "a.b", "a.b.c", "a-b", "system", "z")
	e.FlowID = pick(a, "hello", "Hello", "other")
	e.Kind = pick(a, "", "", "TEST")
	e.State = model.NewHistory(model.Created, a.moment())
	if len(a.all) > 0 && a.rng.IntN(3) == 0 {
		root := pick(a, a.all...).header.ID
		e.Labels = []model.Label{{Key: model.LabelCorrelation, Value: root}}
		e.Trigger = &model.TriggerInfo{ID: pick(a, "sub", "daily"), Variables: fmt.Appendf(nil, `{"executionId":%q}`, root)}
		e.ParentID = pick(a, "", root)
	}
	return e
}

// moment is one of a few minutes of the first hour, or of five days.
func (a *agreement) moment() time.Time {
	return t0.Add(time.Duration(a.rng.IntN(pick(a, 40, 5*24*60))) * time.Minute).Add(pick(a, 0, time.Microsecond))
}

var walk = []model.State{model.Running, model.Paused, model.Success, model.Failed, model.Warning, model.Killed, model.Restarted}

// grow moves an execution on: it may end, begin again, change its labels, and gain, change and lose task runs.
func (a *agreement) grow(l *life) *model.Transition {
	l.version++
	e := *l.header
	s := pick(a, walk...)
	last := e.State[len(e.State)-1].Date
	e.State = append(model.History(nil), e.State...).With(s, last.Add(time.Duration(a.rng.IntN(3000))*time.Millisecond))
	e.Engine.Finished = s.Terminated() && a.rng.IntN(4) > 0
	if a.rng.IntN(4) == 0 {
		e.Labels = append(slices.Clone(e.Labels[:min(1, len(e.Labels))]), model.Label{Key: pick(a, "team", "env"), Value: pick(a, "x", "y")})
	}
	t := &model.Transition{Of: model.ExecutionEntity(e.ID), Version: l.version, Execution: &e}
	l.header = &e
	for range a.rng.IntN(3) {
		r := taskRun(&e, pick(a, "first", "second"), e.Engine.Runs)
		e.Engine.Runs++
		t.TaskRuns, l.runs = append(t.TaskRuns, r), append(l.runs, r)
	}
	if n := len(l.runs); n > 0 {
		i := a.rng.IntN(n)
		changed := *l.runs[i]
		if a.rng.IntN(8) == 0 && !slices.Contains(t.TaskRuns, l.runs[i]) {
			t.DropRuns = []string{changed.ID}
			l.runs = slices.Delete(l.runs, i, i+1)
		} else {
			changed.State = append(model.History(nil), changed.State...).With(pick(a, model.Running, model.Success), changed.State.Start().Add(time.Second))
			t.TaskRuns = append(slices.DeleteFunc(t.TaskRuns, func(r *model.TaskRun) bool { return r.ID == changed.ID }), &changed)
			l.runs[i] = &changed
		}
	}
	return t
}

// ask puts n random questions to both.
func (a *agreement) ask(n int) {
	t := a.one.t
	t.Helper()
	for range n {
		q := backend.Query{Tenant: tenant, Page: 1 + a.rng.IntN(3), Size: 1 + a.rng.IntN(30), Filters: a.filters()}
		q.Sort = []backend.Sort{{By: pick(a, backend.ExecutionSorts...), Desc: a.rng.IntN(2) == 0}, {By: "id"}}
		was := t.Failed()
		compare(a, func(f *fixture) (any, int, error) {
			page, err := f.b.Executions().Search(f.ctx, q)
			return executionIDs(page.Results), page.Total, err
		})
		compare(a, func(f *fixture) (any, int, error) {
			q := q
			q.Sort = []backend.Sort{{By: "state.startDate", Desc: q.Sort[0].Desc}}
			q.Page, q.Size = 1, 1000 // ties may come in any order
			page, err := f.b.Executions().Search(f.ctx, q)
			ids := executionIDs(page.Results)
			slices.Sort(ids)
			return ids, page.Total, err
		})
		compare(a, func(f *fixture) (any, int, error) {
			q := q
			q.Sort = []backend.Sort{{By: "state.duration"}, {By: "id"}}
			page, err := f.b.Executions().SearchTaskRuns(f.ctx, q)
			return taskRunNames(page.Results), page.Total, err
		})
		count := backend.CountQuery{Query: backend.Query{Tenant: tenant, Filters: q.Filters}, By: pick(a, "", "namespace", "flow"),
			Bucket: pick(a, 0, time.Hour, 6*time.Hour, 24*time.Hour, 10*time.Minute), TaskRuns: a.rng.IntN(3) == 0}
		compare(a, func(f *fixture) (any, int, error) {
			counts, err := f.b.Executions().Count(f.ctx, count)
			return counts, len(counts), err
		})
		if t.Failed() && !was {
			t.Fatalf("the question: %+v", q)
		}
	}
	l := pick(a, a.all...)
	compare(a, func(f *fixture) (any, int, error) {
		of := model.ExecutionEntity(l.header.ID)
		s, err := f.b.Load(f.ctx, f.lease(of), of)
		return s, 0, err
	})
	for shard := range backend.ExecutionShards.Count() {
		compare(a, func(f *fixture) (any, int, error) {
			active, err := f.b.Active(f.ctx, f.leases[shard], model.Entity{}, 100)
			return active, 0, err
		})
	}
}

func compare(a *agreement, ask func(*fixture) (any, int, error)) {
	a.one.t.Helper()
	got, n, err := ask(a.one)
	a.one.must(err)
	want, m, err := ask(a.two)
	a.two.must(err)
	if diff := difference(got, want); diff != "" {
		a.one.t.Errorf("answers differ (-reference +adapter):\n%s", diff)
	}
	if n != m {
		a.one.t.Errorf("total %d, the reference has %d", n, m)
	}
}

func (a *agreement) filters() []backend.Filter {
	var filters []backend.Filter
	for range a.rng.IntN(4) {
		filters = append(filters, a.filter())
	}
	return filters
}

func (a *agreement) filter() backend.Filter {
	at := a.moment()
	label := []model.Label{{Key: pick(a, "team", "env"), Value: pick(a, "x", "y")}}
	root := pick(a, a.all...).header.ID
	orders := []backend.Op{backend.OpEquals, backend.OpNotEquals, backend.OpGreater, backend.OpGreaterEq, backend.OpLess, backend.OpLessEq}
	return pick(a,
		backend.Filter{Field: backend.FieldNamespace, Op: pick(a, backend.OpEquals, backend.OpNotEquals, backend.OpPrefix, backend.OpStarts, backend.OpContains, backend.OpEnds), Value: pick(a, "a", "a.b", "z", "none", "")},
		backend.Filter{Field: backend.FieldNamespace, Op: pick(a, backend.OpIn, backend.OpNotIn), Value: []string{"a", "system"}[:a.rng.IntN(3)]},
		backend.Filter{Field: backend.FieldFlowID, Op: pick(a, backend.OpEquals, backend.OpNotEquals, backend.OpRegex), Value: pick(a, "hello", "^[hH]")},
		backend.Filter{Field: backend.FieldState, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, walk...).String()},
		backend.Filter{Field: backend.FieldState, Op: pick(a, backend.OpIn, backend.OpNotIn), Value: []string{"RUNNING", "PAUSED", "SUCCESS"}[:a.rng.IntN(4)]},
		backend.Filter{Field: backend.FieldStartDate, Op: pick(a, orders...), Value: at},
		backend.Filter{Field: backend.FieldStartDate, Op: pick(a, orders[2:]...), Value: at.Truncate(15 * time.Minute)},
		backend.Filter{Field: backend.FieldEndDate, Op: pick(a, orders...), Value: at},
		backend.Filter{Field: backend.FieldScope, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, backend.ScopeUser, backend.ScopeSystem)},
		backend.Filter{Field: backend.FieldChild, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, backend.ChildOnly, backend.MainOnly)},
		backend.Filter{Field: backend.FieldKind, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, "", "TEST")},
		backend.Filter{Field: backend.FieldLabels, Op: pick(a, backend.OpEquals, backend.OpNotEquals, backend.OpContains, backend.OpIn, backend.OpNotIn), Value: label},
		backend.Filter{Field: backend.FieldLabels, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: []model.Label{{Key: model.LabelCorrelation, Value: root}}},
		backend.Filter{Field: backend.FieldTriggerExec, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, root, "")},
		backend.Filter{Field: backend.FieldParentID, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, root, "")},
		backend.Filter{Field: backend.FieldTriggerID, Op: backend.OpEquals, Value: "daily"},
		backend.Filter{Field: backend.FieldTaskID, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: "first"},
		backend.Filter{Field: backend.FieldExecutionID, Op: pick(a, backend.OpEquals, backend.OpNotEquals, backend.OpStarts), Value: pick(a, root, root[:1])},
		backend.Filter{Field: backend.FieldQuery, Op: pick(a, backend.OpEquals, backend.OpNotEquals), Value: pick(a, "HELLO", "a.b", root, root[:2], "none", "")},
	)
}
