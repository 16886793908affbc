package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// left reads what is in flight.
func (b *Backend) left() (inproc.Left, error) {
	var left inproc.Left
	ctx := context.Background()
	rows, err := b.state.QueryContext(ctx, "SELECT body FROM inbox ORDER BY seq")
	events, err := collect(rows, err, func(row scanner) (*model.Event, error) {
		body, err := scanText(row)
		if err != nil {
			return nil, err
		}
		return sqlbase.DecodeEvent(body)
	})
	if err != nil {
		return left, err
	}
	for _, e := range events {
		left.Events = append(left.Events, *e)
	}
	rows, err = b.state.QueryContext(ctx, "SELECT body, worker, cancelled FROM jobs ORDER BY seq")
	left.Jobs, err = collect(rows, err, func(row scanner) (j inproc.LeftJob, err error) {
		var body string
		if err := row.Scan(&body, &j.Worker, &j.Cancelled); err != nil {
			return j, err
		}
		j.Job, err = sqlbase.Decode[model.Job](body)
		return j, err
	})
	return left, err
}

// scanBody reads a row that is one record's JSON.
func scanBody[T any](row scanner) (*T, error) {
	body, err := scanText(row)
	if err != nil {
		return nil, err
	}
	return sqlbase.Decode[T](body)
}

func (b *Backend) holds(ctx context.Context, lease backend.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Held(lease)
}

// Load is backend.State.
func (b *Backend) Load(ctx context.Context, lease backend.Lease, of model.Entity) (*backend.Snapshot, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	jobs := b.JobsOf(of.ID)
	r, err := b.stmts.begin(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	defer r.end()
	s := &backend.Snapshot{}
	switch of.Kind {
	case model.EntityExecution:
		s.Jobs = jobs
		err = r.execution(of.ID, s)
	case model.EntityTrigger:
		s.Jobs = jobs
		err = r.trigger(of, s)
	default:
		err = r.gate(of, s)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, r.missing(of)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	rows, err := r.rows("SELECT body FROM timers WHERE of_id = ? AND of_kind = ? ORDER BY due, id", of.ID, int64(of.Kind))
	s.Timers, err = collectValues[model.Timer](rows, err)
	return s, err
}

func collectValues[T any](rows *sql.Rows, err error) ([]T, error) {
	return collect(rows, err, func(row scanner) (v T, err error) {
		p, err := scanBody[T](row)
		if err == nil {
			v = *p
		}
		return v, err
	})
}

func (r *reading) execution(id string, s *backend.Snapshot) error {
	var seq int64
	var body string
	err := r.row("SELECT seq, version, body FROM executions WHERE id = ?", id).Scan(&seq, &s.Version, &body)
	if err != nil {
		return err
	}
	if s.Execution, err = sqlbase.Decode[model.Execution](body); err != nil {
		return err
	}
	rows, err := r.rows(selectRuns, seq*sqlbase.RunsSpan, (seq+1)*sqlbase.RunsSpan)
	s.TaskRuns, err = collect(rows, err, scanBody[model.TaskRun])
	return err
}

const selectRuns = "SELECT body FROM task_runs WHERE seq >= ? AND seq < ? ORDER BY seq"

func (r *reading) gate(of model.Entity, s *backend.Snapshot) error {
	var gate model.GateChange
	err := r.row("SELECT version, quota, behavior, revision FROM entities WHERE kind = ? AND id = ?", int64(of.Kind), of.ID).
		Scan(&s.Version, &gate.Limit, &gate.Behavior, &gate.Revision)
	if err != nil {
		return err
	}
	rows, err := r.rows("SELECT execution_id, visit, since, running, forced, priority FROM gate_members WHERE gate = ? ORDER BY since, execution_id", of.ID)
	gate.Put, err = collect(rows, err, func(row scanner) (m model.GateMember, err error) {
		var since int64
		err = row.Scan(&m.ExecutionID, &m.Visit, &since, &m.Running, &m.Forced, &m.Priority)
		m.Since = sqlbase.Time(since)
		return m, err
	})
	s.Gate = &gate
	return err
}

// trigger reads a trigger. Its flow may have declared it before it came to have a version; and its version outlives
// what is remembered of it.
func (r *reading) trigger(of model.Entity, s *backend.Snapshot) error {
	err := r.row("SELECT version FROM entities WHERE kind = ? AND id = ?", int64(of.Kind), of.ID).Scan(&s.Version)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	flow, id := model.TriggerOf(of)
	state, stateErr := scanBody[model.TriggerState](r.row("SELECT body FROM triggers"+ofTrigger, flow.Tenant, flow.Namespace, flow.ID, id))
	if errors.Is(stateErr, sql.ErrNoRows) {
		return err // none at all, or the version alone
	}
	s.Trigger = state
	return stateErr
}

// missing tells apart what was deleted and what never was.
func (r *reading) missing(of model.Entity) error {
	var version int64
	err := r.row("SELECT version FROM tombstones WHERE id = ? AND kind = ?", of.ID, int64(of.Kind)).Scan(&version)
	switch {
	case err == nil:
		return fmt.Errorf("%s: %w", of.ID, backend.ErrGone)
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", of.ID, backend.ErrNotFound)
	}
	return unavailable(err)
}

// active are the queries for the active entities of a shard after an id, by kind.
var active = []struct {
	kind model.EntityKind
	text string
}{
	{model.EntityExecution, "SELECT id FROM executions WHERE finished = 0 AND shard = ? AND id > ? ORDER BY id LIMIT ?"},
	{model.EntityGate, `SELECT id FROM entities e WHERE kind = 2 AND shard = ? AND id > ?
		AND EXISTS (SELECT 1 FROM gate_members m WHERE m.gate = e.id) ORDER BY id LIMIT ?`},
	{model.EntityTrigger, `SELECT e.id FROM triggers t JOIN entities e
		ON e.kind = 3 AND e.id = t.tenant || '/' || t.namespace || '/' || t.flow_id || '/' || t.trigger_id
		WHERE t.waits = 1 AND e.shard = ? AND e.id > ? ORDER BY e.id LIMIT ?`},
}

// Active is backend.State.
func (b *Backend) Active(ctx context.Context, lease backend.Lease, after model.Entity, max int) ([]model.Entity, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	var found []model.Entity
	for _, q := range active {
		if after.Kind > q.kind || len(found) == max {
			continue
		}
		from := ""
		if after.Kind == q.kind {
			from = after.ID
		}
		rows, err := b.stmts.rows(ctx, q.text, lease.Shard, from, max-len(found))
		some, err := collect(rows, err, func(row scanner) (model.Entity, error) {
			of := model.Entity{Kind: q.kind}
			err := row.Scan(&of.ID)
			return of, err
		})
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}

// Timers is backend.State.
func (b *Backend) Timers(ctx context.Context, lease backend.Lease, until time.Time, max int) ([]model.Timer, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	rows, err := b.state.QueryContext(ctx, "SELECT body FROM timers WHERE shard = ? AND due < ? ORDER BY due, of_kind, of_id, id LIMIT ?",
		lease.Shard, sqlbase.Micros(until), max)
	return collectValues[model.Timer](rows, err)
}
