package jdbc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Batch is what the tasks have that write the rows of a file.
type Batch struct {
	From    string   `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines: a row each, an object or a list."`
	SQL     string   `json:"sql" doc:"The statement to run for each row, with a ? for each value; without it rows are inserted into the table."`
	Table   string   `json:"table" doc:"The table to insert into, where there is no SQL. It says the columns, unless they are named."`
	Columns []string `json:"columns" doc:"The fields of a row that the values are taken from, in their order; without them all, in the row's order."`
	Chunk   int      `json:"chunk" default:"1000" min:"1" doc:"How many rows are committed together."`

	MaxRetries          int          `json:"maxRetries" default:"3" doc:"Accepted and not used: a task's retry says that."`
	RetryBackoff        sdk.Duration `json:"retryBackoff" default:"PT1S" doc:"Accepted and not used."`
	InputHandling       string       `json:"inputHandling" default:"AUTO" enum:"AUTO,STREAM,LOCAL" doc:"Accepted and not used: rows are read as they are written."`
	LocalBufferMaxBytes int64        `json:"localBufferMaxBytes" default:"104857600" doc:"Accepted and not used."`
	ResumeOnRetry       bool         `json:"resumeOnRetry" default:"true" doc:"Accepted and not used."`
	RetryScope          string       `json:"retryScope" default:"INPUT" enum:"INPUT,ALL" doc:"Accepted and not used."`
}

// BatchOutput is what came of a batch.
type BatchOutput struct {
	RowCount     int64 `json:"rowCount" doc:"How many rows were read."`
	UpdatedCount int64 `json:"updatedCount" doc:"How many rows of the database were written."`
}

// run writes the rows, a chunk in a transaction.
func (b *Batch) run(ctx context.Context, run sdk.Run, db database) (any, error) {
	s, err := db.open(ctx, run)
	if err != nil {
		return nil, err
	}
	defer s.close()
	w := &batchWriter{ctx: ctx, session: s, chunk: b.Chunk, columns: b.Columns}
	if err := w.prepare(b); err != nil {
		return nil, err
	}
	run.Log(sdk.LevelDebug, "running for each row: %s", w.text)
	err = files.Rows(ctx, run, b.From, func(row []byte, n int) error {
		if err := w.write(row); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		return nil
	})
	if err = w.end(err); err != nil {
		return nil, fmt.Errorf("%w (the %d rows before its chunk are committed)", err, w.committed)
	}
	run.Counter("records", float64(w.out.RowCount))
	run.Counter("updated", float64(w.out.UpdatedCount))
	run.Log(sdk.LevelInfo, "%d rows read, %d rows written", w.out.RowCount, w.out.UpdatedCount)
	return w.out, nil
}

// batchWriter writes rows.
type batchWriter struct {
	ctx context.Context
	*session
	text      string
	columns   []string
	chunk     int
	tx        *sql.Tx // nil between two chunks
	stmt      *sql.Stmt
	inChunk   int
	committed int64
	out       BatchOutput
}

// prepare finds out what is run for each row.
func (w *batchWriter) prepare(b *Batch) (err error) {
	switch {
	case b.SQL != "":
		w.text, err = w.one("sql", b.SQL)
		w.text = places(w.text, w.dialect)
		return err
	case b.Table == "":
		return errors.New("sql: it, or a table, is required")
	case len(w.columns) == 0:
		if w.columns, err = w.columnsOf(b.Table); err != nil {
			return fmt.Errorf("table: %w", err)
		}
	}
	marks := make([]string, len(w.columns))
	quoted := make([]string, len(w.columns))
	for i, c := range w.columns {
		marks[i], quoted[i] = w.dialect.place(i+1), w.dialect.name(c)
	}
	w.text = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", b.Table, strings.Join(quoted, ", "), strings.Join(marks, ", "))
	return nil
}

// columnsOf asks a table for its columns.
func (w *batchWriter) columnsOf(table string) ([]string, error) {
	rows, err := w.db.QueryContext(w.ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	return columns, errors.Join(err, rows.Err())
}

func (w *batchWriter) write(row []byte) error {
	args, err := w.values(row)
	if err != nil || args == nil {
		return err
	}
	if w.tx == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	result, err := w.stmt.ExecContext(w.ctx, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err == nil {
		w.out.UpdatedCount += n
	}
	w.out.RowCount++
	if w.inChunk++; w.inChunk < w.chunk {
		return nil
	}
	return w.commit()
}

func (w *batchWriter) begin() (err error) {
	if w.tx, err = w.session.begin(w.ctx, false); err != nil {
		return err
	}
	w.stmt, err = w.tx.PrepareContext(w.ctx, w.text)
	return err
}

func (w *batchWriter) commit() error {
	err := errors.Join(w.stmt.Close(), w.tx.Commit())
	w.tx, w.stmt, w.inChunk = nil, nil, 0
	if err == nil {
		w.committed = w.out.RowCount
	}
	return err
}

// end commits the last chunk, or drops it where something failed.
func (w *batchWriter) end(err error) error {
	switch {
	case w.tx == nil:
		return err
	case err != nil:
		return undo(w.tx, err)
	}
	return w.commit()
}

// values are those that a row gives the statement; nil for an empty line.
func (w *batchWriter) values(row []byte) ([]any, error) {
	list, err := ion.Read(string(row), 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	if list, ok := list[0].([]any); ok {
		args := make([]any, len(list))
		for i, v := range list {
			args[i] = argument(v)
		}
		return args, nil
	}
	m, ok := value.AsMap(list[0])
	if !ok {
		return nil, fmt.Errorf("expected an object or a list, got %s", value.TypeName(list[0]))
	}
	var args []any
	if len(w.columns) == 0 {
		args = make([]any, 0, m.Len())
		for _, v := range m.All() {
			args = append(args, argument(v))
		}
		return args, nil
	}
	args = make([]any, len(w.columns))
	for i, c := range w.columns {
		v, _ := m.Get(c)
		args[i] = argument(v)
	}
	return args, nil
}

// places replaces each ? by the database's own place-holder; ?? is a question mark.
func places(text string, d dialect) string {
	var b strings.Builder
	n := 0
	for _, p := range lex(text, d) {
		if !p.code {
			b.WriteString(p.text)
			continue
		}
		for i := 0; i < len(p.text); i++ {
			switch {
			case p.text[i] != '?':
				b.WriteByte(p.text[i])
			case strings.HasPrefix(p.text[i:], "??"):
				b.WriteByte('?')
				i++
			default:
				n++
				b.WriteString(d.place(n))
			}
		}
	}
	return b.String()
}

// quoteName writes a name in quotes.
func quoteName(quote string) func(string) string {
	return func(name string) string { return quote + strings.ReplaceAll(name, quote, quote+quote) + quote }
}
