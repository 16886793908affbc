package jdbc

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/windhover-io/windhover/sdk"
)

// run runs one statement and the one that follows it.
func (q *Query) run(ctx context.Context, run sdk.Run, db database) (any, error) {
	s, err := db.open(ctx, run)
	if err != nil {
		return nil, err
	}
	defer s.close()
	text, err := s.one("sql", q.SQL)
	if err != nil {
		return nil, err
	}
	var out Output
	fetch := q.fetchType(q.FetchType)
	if q.AfterSQL == "" {
		out, _, err = s.execute(ctx, run, s.db, text, q.Parameters, fetch, "rows")
	} else {
		var tx *sql.Tx
		if tx, out, err = s.marked(ctx, run, text, q.AfterSQL, q.Parameters, fetch); err == nil {
			err = tx.Commit()
		}
	}
	if err != nil {
		return nil, err
	}
	measure(run, out)
	if s.after != nil {
		s.close()
		err = s.after(ctx, &out)
	}
	return out, err
}

// marked runs a statement, and the one that marks what it has found, in a transaction, which is left open.
func (s *session) marked(ctx context.Context, run sdk.Run, text, after string, params map[string]any, fetch string) (*sql.Tx, Output, error) {
	// the transaction outlives the evaluation of a trigger: it must not end with its context
	tx, err := s.begin(context.WithoutCancel(ctx), after != "")
	if err != nil {
		return nil, Output{}, err
	}
	out, _, err := s.execute(ctx, run, tx, text, params, fetch, "rows")
	if err == nil && after != "" {
		if after, err = s.one("afterSQL", after); err == nil {
			_, _, err = s.execute(ctx, run, tx, after, params, fetchNone, "")
		}
		if err != nil {
			err = fmt.Errorf("afterSQL: %w", err)
		}
	}
	if err != nil {
		return nil, out, undo(tx, err)
	}
	return tx, out, nil
}

func measure(run sdk.Run, out Output) {
	if out.Size != nil {
		run.Counter("fetch.size", float64(*out.Size))
	}
}

// run runs several statements.
func (q *Queries) run(ctx context.Context, run sdk.Run, db database) (any, error) {
	s, err := db.open(ctx, run)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if !q.Transaction {
		// what one statement sets for the session holds for the next
		s.db.SetMaxOpenConns(1)
		return q.each(ctx, run, s, s.db)
	}
	tx, err := s.begin(ctx, false)
	if err != nil {
		return nil, err
	}
	out, err := q.each(ctx, run, s, tx)
	if err != nil {
		return nil, undo(tx, err)
	}
	return out, tx.Commit()
}

func (q *Queries) each(ctx context.Context, run sdk.Run, s *session, on querier) (any, error) {
	all := QueriesOutput{Outputs: []Output{}}
	fetch := q.fetchType(q.FetchType)
	for i, text := range split(q.SQL, s.dialect) {
		out, gives, err := s.execute(ctx, run, on, text, q.Parameters, fetch, fmt.Sprintf("rows-%d", i+1))
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if gives {
			measure(run, out)
			all.Outputs = append(all.Outputs, out)
		}
	}
	return all, nil
}

// poll looks for rows.
func (t *Trigger) poll(ctx context.Context, run sdk.Run, db database) (any, error) {
	s, err := db.open(ctx, run)
	if err != nil {
		return nil, err
	}
	s.trigger = true
	found, err := t.look(ctx, run, s)
	if found == nil {
		s.close()
		return nil, err
	}
	return found, nil
}

// look returns what was found, with its transaction open; nil for nothing.
func (t *Trigger) look(ctx context.Context, run sdk.Run, s *session) (*found, error) {
	text, err := s.one("sql", t.SQL)
	if err != nil {
		return nil, err
	}
	tx, out, err := s.marked(ctx, run, text, t.AfterSQL, t.Parameters, t.fetchType(t.FetchType))
	if err != nil {
		return nil, err
	}
	if out.Size == nil || *out.Size == 0 {
		return nil, tx.Commit()
	}
	measure(run, out)
	if s.after == nil {
		return &found{Output: out, session: s, tx: tx}, nil
	}
	// the database is a copy, which is put out: it has to be complete
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	s.close()
	if err := s.after(ctx, &out); err != nil {
		return nil, err
	}
	return &found{Output: out, session: s}, nil
}

// found are rows whose transaction, unless there is none, is not committed yet.
type found struct {
	Output
	session *session
	tx      *sql.Tx
}

// Settle commits once it is certain that the flow starts.
func (f *found) Settle(_ context.Context, durable bool) error {
	defer f.session.close()
	switch {
	case f.tx == nil:
		return nil
	case !durable:
		return undo(f.tx, nil)
	}
	if err := f.tx.Commit(); err != nil {
		return fmt.Errorf("the rows could not be marked: %w", err)
	}
	return nil
}
