package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// statements are those that are read often: each is prepared once on each connection. Whoever holds a connection never
// waits for another one, nor for a lock whose holder does: else the readers could all wait for each other.
type statements struct {
	db     *sql.DB
	mu     sync.Mutex
	byText map[string]*sql.Stmt
	wanted []string // what views have asked for in vain; the next view prepares it
}

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, byText: map[string]*sql.Stmt{}}
}

// find returns a prepared statement; nil when it is not prepared yet.
func (s *statements) find(text string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byText[text]
}

// want is find for those who hold a connection: what is not prepared yet is remembered.
func (s *statements) want(text string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	stmt := s.byText[text]
	if stmt == nil {
		s.wanted = append(s.wanted, text)
	}
	return stmt
}

// get returns a prepared statement. The caller holds no connection.
func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.find(text); stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first := s.keep(text, stmt); first != stmt {
		return first, stmt.Close() //nolint:sqlclosecheck // the other is kept until the database is closed
	}
	return stmt, nil
}

// keep keeps a statement until the database is closed, and returns the one that was kept first.
func (s *statements) keep(text string, stmt *sql.Stmt) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.byText[text]; first != nil {
		return first // another one was quicker
	}
	s.byText[text] = stmt
	return stmt
}

// prepare prepares what views have asked for.
func (s *statements) prepare(ctx context.Context) error {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for _, text := range wanted {
		if _, err := s.get(ctx, text); err != nil { //nolint:sqlclosecheck // it is kept
			return err
		}
	}
	return nil
}

func (s *statements) rows(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.get(ctx, text) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) row(ctx context.Context, text string, args ...any) scanner {
	stmt, err := s.get(ctx, text) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return failed{err}
	}
	return stmt.QueryRowContext(ctx, args...)
}

// reading is one consistent view of the database.
type reading struct {
	ctx   context.Context
	tx    *sql.Tx
	stmts *statements
}

// begin opens a view; end closes it.
func (s *statements) begin(ctx context.Context) (*reading, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	return &reading{ctx, tx, s}, err
}

func (r *reading) end() { _ = r.tx.Rollback() } // it only reads

func (r *reading) rows(text string, args ...any) (*sql.Rows, error) {
	if stmt := r.stmts.want(text); stmt != nil {
		return r.tx.StmtContext(r.ctx, stmt).QueryContext(r.ctx, args...) //nolint:sqlclosecheck // it ends with the view
	}
	return r.tx.QueryContext(r.ctx, text, args...)
}

func (r *reading) row(text string, args ...any) scanner {
	if stmt := r.stmts.want(text); stmt != nil {
		return r.tx.StmtContext(r.ctx, stmt).QueryRowContext(r.ctx, args...) //nolint:sqlclosecheck // it ends with the view
	}
	return r.tx.QueryRowContext(r.ctx, text, args...)
}
