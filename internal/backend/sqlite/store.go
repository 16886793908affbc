package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// tombstoneAge is how long it is remembered that an entity was deleted. Retries of its events must end before.
const tombstoneAge = 30 * 24 * time.Hour

// store is the writing half of the state database. Only the core's writer goroutine uses it.
type store struct {
	*conn
	lines *logWriter
	enc   *sqlbase.Encoder
	// seq is the row number of the newest execution.
	seq int64
	// buried is set once there are tombstones: new entities are looked for among them.
	buried bool
	counts sqlbase.StatChanges // of the batch that is being written
}

// start reads what the writer has to know.
func (s *store) start() error {
	err := s.row(`SELECT max(coalesce((SELECT max(seq) FROM executions), 0), coalesce((SELECT max(seq) / 16777216 FROM task_runs), 0)),
		EXISTS (SELECT 1 FROM tombstones)`).Scan(&s.seq, &s.buried)
	if err != nil {
		return err
	}
	_, err = s.exec("DELETE FROM tombstones WHERE at < ?", sqlbase.Micros(time.Now().Add(-tombstoneAge)))
	return err
}

// storedError says that an entity is stored in a version that the batch was to lead to.
type storedError struct {
	of      model.Entity
	version int64
}

func (e *storedError) Error() string {
	return fmt.Sprintf("%s is at version %d already", e.of.ID, e.version)
}

// Write is inproc.Store. Whether something was done before shows when it is written; the batch is made anew without it.
func (s *store) Write(ops []*inproc.Op) error {
	stored := map[model.Entity]int64{}
	for {
		batch, err := sqlbase.Coalesce(ops, stored)
		if err != nil {
			return err
		}
		err = s.transaction(func() error { return s.write(batch) })
		var there *storedError
		if errors.As(err, &there) {
			stored[there.of] = there.version
			continue
		}
		if err == nil {
			sqlbase.Repeated(ops, stored)
		}
		return err
	}
}

func (s *store) write(b *sqlbase.Batch) error {
	s.counts = sqlbase.StatChanges{}
	for _, e := range b.Entities {
		if err := s.writeEntity(e); err != nil {
			return err
		}
	}
	if err := s.writeInFlight(b); err != nil {
		return err
	}
	for _, e := range b.Entities {
		if e.Deleted {
			if err := s.dropJobs(e.Of.ID); err != nil {
				return err
			}
		}
	}
	for _, c := range b.Calls {
		if err := s.call(c.(*call)); err != nil {
			return err
		}
	}
	if err := s.writeCounts(); err != nil {
		return err
	}
	// Last, when nothing can be refused any more: lines of a batch that is written in halves would come twice. That a line
	// cannot be stored stops no execution.
	if err := s.lines.write(b.Logs, b.Metrics); err != nil {
		slog.Error("log lines are lost", "lines", len(b.Logs), "metrics", len(b.Metrics), "error", err)
	}
	return nil
}

func (s *store) writeEntity(e *sqlbase.Entity) error {
	if e.Of.Kind == model.EntityExecution {
		if err := s.writeExecution(e); err != nil {
			return err
		}
	} else if err := s.writeOther(e); err != nil {
		return err
	}
	if e.Deleted {
		return s.bury(e.Of, e.Version)
	}
	return s.writeTimers(e)
}

// reject blames an entity for what cannot be stored.
func reject(of model.Entity, cause error) error { return &backend.RejectedError{Of: of, Cause: cause} }

// follow decides what a stored version, 0 for none, means for an entity's changes: nil if they follow it.
func (s *store) follow(e *sqlbase.Entity, version int64) error {
	if version == 0 {
		tombstone, err := s.tombstone(e.Of)
		if err != nil {
			return err
		}
		if tombstone > 0 {
			if tombstone > e.After {
				return &storedError{e.Of, tombstone}
			}
			return reject(e.Of, backend.ErrGone)
		}
	}
	switch {
	case version == e.After:
		return nil
	case version > e.After:
		return &storedError{e.Of, version}
	default:
		return reject(e.Of, fmt.Errorf("version %d after %d: %w", e.After+1, version, backend.ErrConflict))
	}
}

func (s *store) tombstone(of model.Entity) (version int64, err error) {
	if !s.buried {
		return 0, nil
	}
	err = s.row("SELECT version FROM tombstones WHERE id = ? AND kind = ?", of.ID, int64(of.Kind)).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

// bury leaves a tombstone, and removes old ones.
func (s *store) bury(of model.Entity, version int64) error {
	now := time.Now()
	s.buried = true
	if _, err := s.exec("DELETE FROM timers WHERE of_id = ? AND of_kind = ?", of.ID, int64(of.Kind)); err != nil {
		return err
	}
	if _, err := s.exec("INSERT OR REPLACE INTO tombstones (id, kind, version, at) VALUES (?, ?, ?, ?)",
		of.ID, int64(of.Kind), version, sqlbase.Micros(now)); err != nil {
		return err
	}
	_, err := s.exec("DELETE FROM tombstones WHERE at < ?", sqlbase.Micros(now.Add(-tombstoneAge)))
	return err
}

func (s *store) writeTimers(e *sqlbase.Entity) error {
	for _, id := range e.ClearTimers {
		if _, err := s.exec("DELETE FROM timers WHERE of_id = ? AND of_kind = ? AND id = ?", e.Of.ID, int64(e.Of.Kind), id); err != nil {
			return err
		}
	}
	for i := range e.SetTimers {
		t := &e.SetTimers[i]
		body, err := s.enc.Encode(t)
		if err != nil {
			return reject(e.Of, err)
		}
		if _, err := s.exec("INSERT OR REPLACE INTO timers (of_id, of_kind, id, shard, due, body) VALUES (?, ?, ?, ?, ?, ?)",
			e.Of.ID, int64(e.Of.Kind), t.ID, int64(e.Shard), sqlbase.Micros(t.Due), body); err != nil {
			return err
		}
	}
	return nil
}

// writeOther writes a gate, or the version of another entity.
func (s *store) writeOther(e *sqlbase.Entity) error {
	var version, quota, revision int64
	var behavior string
	err := s.row("SELECT version, quota, behavior, revision FROM entities WHERE kind = ? AND id = ?", int64(e.Of.Kind), e.Of.ID).
		Scan(&version, &quota, &behavior, &revision)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := s.follow(e, version); err != nil {
		return err
	}
	if e.Deleted {
		if _, err := s.exec("DELETE FROM gate_members WHERE gate = ?", e.Of.ID); err != nil {
			return err
		}
		_, err := s.exec("DELETE FROM entities WHERE kind = ? AND id = ?", int64(e.Of.Kind), e.Of.ID)
		return err
	}
	if e.Gate != nil {
		quota, behavior, revision = int64(e.Gate.Limit), e.Gate.Behavior, int64(e.Gate.Revision)
		if err := s.writeMembers(e); err != nil {
			return err
		}
	}
	if e.Trigger != nil {
		if err := s.writeTrigger(e.Of, e.Trigger.State); err != nil {
			return err
		}
	}
	_, err = s.exec("INSERT OR REPLACE INTO entities (kind, id, shard, version, quota, behavior, revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
		int64(e.Of.Kind), e.Of.ID, int64(e.Shard), e.Version, quota, behavior, revision)
	return err
}

func (s *store) writeMembers(e *sqlbase.Entity) error {
	for _, id := range e.Gate.Drop {
		if _, err := s.exec("DELETE FROM gate_members WHERE gate = ? AND execution_id = ?", e.Of.ID, id); err != nil {
			return err
		}
	}
	for _, m := range e.Gate.Put {
		if _, err := s.exec("INSERT OR REPLACE INTO gate_members (gate, execution_id, visit, since, running, forced, priority) VALUES (?, ?, ?, ?, ?, ?, ?)",
			e.Of.ID, m.ExecutionID, int64(m.Visit), sqlbase.Micros(m.Since), m.Running, m.Forced, int64(m.Priority)); err != nil {
			return err
		}
	}
	return nil
}

// dropJobs removes what is left of the jobs of a deleted execution.
func (s *store) dropJobs(executionID string) error {
	_, err := s.exec("DELETE FROM jobs WHERE execution_id = ?", executionID)
	return err
}

// putEvent writes an event into its receiver's inbox.
func (s *store) putEvent(e *model.Event) error {
	body, err := s.enc.EncodeEvent(e)
	if err != nil {
		return reject(e.To, err)
	}
	_, err = s.exec("INSERT OR IGNORE INTO inbox (to_id, to_kind, id, body) VALUES (?, ?, ?, ?)", e.To.ID, int64(e.To.Kind), e.ID, body)
	return err
}

// putEvents writes the events that go with a repository's write. The core delivers them once they are durable.
func (s *store) putEvents(events []model.Event) error {
	for i := range events {
		if err := s.putEvent(&events[i]); err != nil {
			return refuse(err)
		}
	}
	return nil
}

// writeInFlight writes events and jobs.
func (s *store) writeInFlight(b *sqlbase.Batch) error {
	for _, key := range b.Acked {
		if _, err := s.exec("DELETE FROM inbox WHERE to_id = ? AND to_kind = ? AND id = ?", key.To.ID, int64(key.To.Kind), key.ID); err != nil {
			return err
		}
	}
	for _, e := range b.Events {
		if err := s.putEvent(e); err != nil {
			return err
		}
	}
	for _, j := range b.Jobs {
		body, err := s.enc.Encode(j.Job)
		if err != nil {
			return reject(j.Entity(), err)
		}
		if _, err := s.exec("INSERT OR IGNORE INTO jobs (id, execution_id, worker, cancelled, body) VALUES (?, ?, ?, ?, ?)", j.ID, j.Entity().ID, j.Worker, j.Cancelled, body); err != nil {
			return err
		}
	}
	for _, c := range b.Claimed {
		if _, err := s.exec("UPDATE jobs SET worker = ? WHERE id = ?", c.Worker, c.Job); err != nil {
			return err
		}
	}
	for _, id := range b.Cancel {
		if _, err := s.exec("UPDATE jobs SET cancelled = 1 WHERE id = ?", id); err != nil {
			return err
		}
	}
	for _, id := range b.JobsDone {
		if _, err := s.exec("DELETE FROM jobs WHERE id = ?", id); err != nil {
			return err
		}
	}
	return nil
}
