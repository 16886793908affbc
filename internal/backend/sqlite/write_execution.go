package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// storedExecution is what the writer reads of an execution before it changes it; its version is 0 if there is none.
type storedExecution struct {
	seq, version int64
	row          sqlbase.ExecutionRow
}

func (s *store) storedExecution(id string) (*storedExecution, error) {
	x := &storedExecution{}
	r := &x.row
	err := s.row(`SELECT seq, version, tenant, namespace, flow_id, revision, state, started, ended, duration, kind,
		parent_id, trigger_id, trigger_execution, correlation, labels, finished FROM executions WHERE id = ?`, id).Scan(
		&x.seq, &x.version, &r.Tenant, &r.Namespace, &r.FlowID, &r.Revision, &r.State, &r.Started, &r.Ended, &r.Duration, &r.Kind,
		&r.ParentID, &r.TriggerID, &r.TriggerExecution, &r.Correlation, &r.Labels, &r.Finished)
	if errors.Is(err, sql.ErrNoRows) {
		return x, nil
	}
	return x, err
}

func (s *store) writeExecution(e *sqlbase.Entity) error {
	if e.After == 0 && e.Execution != nil && !e.Deleted {
		return s.insertExecution(e)
	}
	old, err := s.storedExecution(e.Of.ID)
	if err != nil {
		return err
	}
	if err := s.follow(e, old.version); err != nil {
		return err
	}
	switch {
	case e.Deleted && old.version == 0:
		return nil
	case e.Deleted:
		return s.deleteExecution(old)
	case old.version == 0:
		return reject(e.Of, fmt.Errorf("the first transition has no execution: %w", backend.ErrInvalid))
	}
	if err := s.updateExecution(e, old); err != nil {
		return err
	}
	return s.writeRuns(e, old.seq)
}

const insertExecution = `INSERT INTO executions (seq, id, tenant, namespace, flow_id, revision, state, started, ended, duration, kind,
	parent_id, trigger_id, trigger_execution, correlation, labels, finished, shard, version, body)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

func (s *store) insertExecution(e *sqlbase.Entity) error {
	if err := s.follow(e, 0); err != nil { // looks for a tombstone
		return err
	}
	body, err := s.enc.Encode(e.Execution)
	if err != nil {
		return reject(e.Of, err)
	}
	r := sqlbase.RowOf(e.Execution)
	n, err := s.exec(insertExecution, s.seq+1, e.Execution.ID, r.Tenant, r.Namespace, r.FlowID, r.Revision, r.State,
		r.Started, sqlbase.Nullable(r.Ended), sqlbase.Nullable(r.Duration), r.Kind, r.ParentID, r.TriggerID, r.TriggerExecution,
		sqlbase.NullableText(r.Correlation), r.Labels, r.Finished, int64(e.Shard), e.Version, body)
	if err != nil {
		return err
	}
	if n == 0 {
		old, err := s.storedExecution(e.Of.ID)
		if err != nil {
			return err
		}
		return s.follow(e, old.version)
	}
	s.seq++
	s.counts.Add(r.Stat())
	if err := s.writeLabels(e.Execution, s.seq); err != nil {
		return err
	}
	return s.writeRuns(e, s.seq)
}

func (s *store) updateExecution(e *sqlbase.Entity, old *storedExecution) error {
	if e.Execution == nil {
		_, err := s.exec("UPDATE executions SET version = ? WHERE seq = ?", e.Version, old.seq)
		return err
	}
	row := sqlbase.RowOf(e.Execution)
	if row.Labels != old.row.Labels || row.Tenant != old.row.Tenant {
		if err := s.relabel(e.Execution, old.seq); err != nil {
			return err
		}
	}
	oldKey, oldStat := old.row.Stat()
	if key, stat := row.Stat(); key != oldKey || stat != oldStat {
		s.counts.Take(oldKey, oldStat)
		s.counts.Add(key, stat)
	}
	body, err := s.enc.Encode(e.Execution)
	if err != nil {
		return reject(e.Of, err)
	}
	return s.updateRow(&row, old, e.Version, body)
}

// updateRow leaves alone what columns it can: each index on one of them is a page to write.
func (s *store) updateRow(r *sqlbase.ExecutionRow, old *storedExecution, version int64, body string) error {
	ended, duration := sqlbase.Nullable(r.Ended), sqlbase.Nullable(r.Duration)
	var err error
	switch {
	case r.Place != old.row.Place:
		_, err = s.exec(`UPDATE executions SET tenant = ?, namespace = ?, flow_id = ?, revision = ?, state = ?, started = ?, ended = ?, duration = ?, kind = ?,
			parent_id = ?, trigger_id = ?, trigger_execution = ?, correlation = ?, labels = ?, finished = ?, version = ?, body = ? WHERE seq = ?`,
			r.Tenant, r.Namespace, r.FlowID, r.Revision, r.State, r.Started, ended, duration, r.Kind, r.ParentID, r.TriggerID,
			r.TriggerExecution, sqlbase.NullableText(r.Correlation), r.Labels, r.Finished, version, body, old.seq)
	case r.State != old.row.State || r.Finished != old.row.Finished:
		_, err = s.exec("UPDATE executions SET revision = ?, state = ?, ended = ?, duration = ?, labels = ?, finished = ?, version = ?, body = ? WHERE seq = ?",
			r.Revision, r.State, ended, duration, r.Labels, r.Finished, version, body, old.seq)
	default:
		_, err = s.exec("UPDATE executions SET revision = ?, ended = ?, duration = ?, labels = ?, version = ?, body = ? WHERE seq = ?",
			r.Revision, ended, duration, r.Labels, version, body, old.seq)
	}
	return err
}

func (s *store) writeLabels(x *model.Execution, seq int64) error {
	for _, l := range sqlbase.Labels(x) {
		if _, err := s.exec("INSERT INTO labels (tenant, key, value, seq) VALUES (?, ?, ?, ?)", x.Tenant, l.Key, l.Value, seq); err != nil {
			return err
		}
	}
	return nil
}

// dropLabels removes the rows of an execution's labels. They are looked for by what the execution says of them, so that
// no index has to know them by execution.
func (s *store) dropLabels(seq int64) error {
	var body string
	if err := s.row("SELECT body FROM executions WHERE seq = ?", seq).Scan(&body); err != nil {
		return err
	}
	x, err := sqlbase.Decode[model.Execution](body)
	if err != nil {
		return err
	}
	for _, l := range sqlbase.Labels(x) {
		if _, err := s.exec("DELETE FROM labels WHERE tenant = ? AND key = ? AND value = ? AND seq = ?", x.Tenant, l.Key, l.Value, seq); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) relabel(x *model.Execution, seq int64) error {
	if err := s.dropLabels(seq); err != nil {
		return err
	}
	return s.writeLabels(x, seq)
}

// deleteExecution removes an execution's rows.
func (s *store) deleteExecution(old *storedExecution) error {
	s.counts.Take(old.row.Stat())
	if old.row.Labels != 0 {
		if err := s.dropLabels(old.seq); err != nil {
			return err
		}
	}
	if _, err := s.exec("DELETE FROM task_runs WHERE seq >= ? AND seq < ?", old.seq*sqlbase.RunsSpan, (old.seq+1)*sqlbase.RunsSpan); err != nil {
		return err
	}
	_, err := s.exec("DELETE FROM executions WHERE seq = ?", old.seq)
	return err
}

const (
	insertRun = `INSERT INTO task_runs (seq, id, tenant, task_id, state, started, ended, duration, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	upsertRun = insertRun + ` ON CONFLICT (seq) DO UPDATE SET id = excluded.id, tenant = excluded.tenant, task_id = excluded.task_id,
		state = excluded.state, started = excluded.started, ended = excluded.ended, duration = excluded.duration, body = excluded.body`
	// updateRun leaves the index on the start alone.
	updateRun = `UPDATE task_runs SET id = ?, task_id = ?, state = ?, ended = ?, duration = ?, body = ? WHERE seq = ? AND tenant = ? AND started = ?`
)

func (s *store) writeRuns(e *sqlbase.Entity, seq int64) error {
	if err := s.dropRuns(e, seq); err != nil {
		return err
	}
	for _, r := range e.TaskRuns {
		if r.Engine.Seq < 0 || r.Engine.Seq >= sqlbase.RunsSpan {
			return reject(e.Of, fmt.Errorf("task run number %d: %w", r.Engine.Seq, backend.ErrInvalid))
		}
		body, err := s.enc.Encode(r)
		if err != nil {
			return reject(e.Of, err)
		}
		if err := s.writeRun(r, seq*sqlbase.RunsSpan+int64(r.Engine.Seq), body, e.After == 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) writeRun(r *model.TaskRun, seq int64, body string, fresh bool) error {
	span := sqlbase.SpanOf(r.State)
	state, started, ended, duration := r.State.Current().String(), sqlbase.Micros(r.State.Start()), sqlbase.Nullable(span.Ended), sqlbase.Nullable(span.Duration)
	if !fresh && len(r.State) > 1 { // it has changed since it was made, so it is mostly there
		n, err := s.exec(updateRun, r.ID, r.TaskID, state, ended, duration, body, seq, r.Tenant, started)
		if err != nil || n > 0 {
			return err
		}
	}
	statement := upsertRun
	if fresh {
		statement = insertRun
	}
	_, err := s.exec(statement, seq, r.ID, r.Tenant, r.TaskID, state, started, ended, duration, body)
	return err
}

// dropRuns removes task runs by their ids, which no index knows: one pass over the execution's finds all of them.
func (s *store) dropRuns(e *sqlbase.Entity, seq int64) error {
	if len(e.DropRuns) == 0 {
		return nil
	}
	ids, err := s.enc.Encode(e.DropRuns)
	if err != nil {
		return reject(e.Of, err)
	}
	_, err = s.exec("DELETE FROM task_runs WHERE seq >= ? AND seq < ? AND id IN (SELECT value FROM json_each(?))",
		seq*sqlbase.RunsSpan, (seq+1)*sqlbase.RunsSpan, ids)
	return err
}
