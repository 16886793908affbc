// Package sqlite is the backend of one process on one directory: two SQLite database files, one for state, where each
// commit is synchronised to the disk, and one for log lines and metrics, which a loss of power may cut by the last moments.
//
// One goroutine writes the state: it takes what has gathered from all shards as one batch, makes it as small as it can be
// (sqlbase.Coalesce) and commits it. The time of the disk's synchronisation is what the next batch gathers in.
// Everything in flight is also in memory (inproc), so that nothing polls; members, leases and followers are only there,
// since none of them outlives the process that holds the directory's lock.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
)

// The files in the directory.
const (
	stateFile = "windhover.db"
	logsFile  = "windhover-logs.db"
	lockFile  = "windhover.lock"
)

// Backend is a backend.Backend in a directory.
type Backend struct {
	*inproc.Core

	lock    *flock.Flock
	state   *sql.DB // for reading
	logging *sql.DB // likewise
	store   *store
	lines   *logWriter
	// The reads that answer most requests, prepared once.
	stmts *statements
}

// Open opens the directory, and makes it where it is missing. The error is backend.ErrUnavailable if another process has it.
func Open(dir string) (*Backend, error) {
	return open(dir, func(s inproc.Store) inproc.Store { return s })
}

// open lets tests put something between the core and the store.
func open(dir string, wrap func(inproc.Store) inproc.Store) (*Backend, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	b := &Backend{lock: flock.New(filepath.Join(dir, lockFile))}
	locked, err := b.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if !locked {
		return nil, fmt.Errorf("another process uses %s: %w", dir, backend.ErrUnavailable)
	}
	var left inproc.Left
	if err = b.openFiles(dir); err == nil {
		left, err = b.left()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), b.release())
	}
	b.Core = inproc.New(wrap(b.store), left)
	b.lines.start(b.Logged)
	return b, nil
}

func (b *Backend) openFiles(dir string) error {
	readers := max(4, runtime.GOMAXPROCS(0))
	stateWriter, err := openWriter(filepath.Join(dir, stateFile), "FULL", "state")
	if err != nil {
		return err
	}
	b.store = &store{conn: stateWriter, enc: sqlbase.NewEncoder()}
	logsWriter, err := openWriter(filepath.Join(dir, logsFile), "NORMAL", "logs")
	if err != nil {
		return err
	}
	b.lines = newLogWriter(logsWriter)
	b.store.lines = b.lines
	if b.state, err = openReaders(filepath.Join(dir, stateFile), readers); err != nil {
		return err
	}
	if b.logging, err = openReaders(filepath.Join(dir, logsFile), readers); err != nil {
		return err
	}
	if err := b.store.start(); err != nil {
		return err
	}
	b.stmts = newStatements(b.state)
	return nil
}

// Caps is backend.Backend.
func (b *Backend) Caps() backend.Caps {
	return backend.Caps{Name: "sqlite", Durable: true, RunAhead: true, ReadYourWrites: true}
}

// Ping is backend.Backend.
func (b *Backend) Ping(ctx context.Context) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	return unavailable(b.state.PingContext(ctx))
}

// Close is backend.Backend.
func (b *Backend) Close() error {
	if errors.Is(b.Err(), backend.ErrClosed) {
		b.Core.Close() // waits, if another goroutine is closing
		return nil
	}
	b.Core.Close()
	b.lines.close()
	return b.release()
}

// release gives back what open took, as far as it came.
func (b *Backend) release() error {
	var errs []error
	if b.store != nil {
		errs = append(errs, b.store.conn.close())
	}
	if b.lines != nil {
		errs = append(errs, b.lines.conn.close())
	}
	for _, db := range []*sql.DB{b.state, b.logging} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	errs = append(errs, b.lock.Unlock())
	return errors.Join(errs...)
}

// The repositories.

// Flows is backend.Backend.
func (b *Backend) Flows() backend.Flows { return flows{b} }

// Executions is backend.Backend.
func (b *Backend) Executions() backend.Executions { return executions{b} }

// Logs is backend.Backend.
func (b *Backend) Logs() backend.Logs { return logs{b} }

// Metrics is backend.Backend.
func (b *Backend) Metrics() backend.Metrics { return metrics{b} }

// Triggers is backend.Backend.
func (b *Backend) Triggers() backend.Triggers { return triggers{b} }

// Documents is backend.Backend.
func (b *Backend) Documents() backend.Documents { return documents{b} }

func (b *Backend) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Err()
}
