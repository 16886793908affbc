package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// statements are those that are read often: each is prepared once on each connection.
type statements struct {
	db     *sql.DB
	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{db: db, byText: map[string]*sql.Stmt{}}
}

func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.byText[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, text) //nolint:sqlclosecheck // it is kept until the database is closed
	if err == nil {
		s.byText[text] = stmt
	}
	return stmt, err
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
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	return &reading{ctx, tx, s}, err
}

func (r *reading) end() { _ = r.tx.Rollback() } // it only reads

func (r *reading) rows(text string, args ...any) (*sql.Rows, error) {
	stmt, err := r.stmts.get(r.ctx, text)
	if err != nil {
		return nil, err
	}
	return r.tx.StmtContext(r.ctx, stmt).QueryContext(r.ctx, args...) //nolint:sqlclosecheck // it ends with the view
}

func (r *reading) row(text string, args ...any) scanner {
	stmt, err := r.stmts.get(r.ctx, text)
	if err != nil {
		return failed{err}
	}
	return r.tx.StmtContext(r.ctx, stmt).QueryRowContext(r.ctx, args...) //nolint:sqlclosecheck // it ends with the view
}
