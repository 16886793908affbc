package jdbc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// dialect is where the databases' languages differ.
type dialect struct {
	backslash, hash, dollar bool // what the lexer has to know
	place                   func(n int) string
	name                    func(string) string // the name of a column, quoted
	// isolation is that in which a statement that marks rows sees those that were read before it, and no others.
	isolation sql.IsolationLevel
	// convert makes a value of a column's, whose type the database calls that.
	convert func(typ string, v any, zone *time.Location) (any, error)
}

// session is a connection to a database.
type session struct {
	db      *sql.DB
	dialect dialect
	zone    *time.Location
	trigger bool // an empty result is nothing
	// after is called when the connection is closed; nil does nothing.
	after func(ctx context.Context, out *Output) error
}

func (s *session) close() { _ = s.db.Close() } // what was to be kept was committed

// begin begins a transaction. Marks tells that it marks what it has read.
func (s *session) begin(ctx context.Context, marks bool) (*sql.Tx, error) {
	var o *sql.TxOptions
	if marks {
		o = &sql.TxOptions{Isolation: s.dialect.isolation}
	}
	return s.db.BeginTx(ctx, o)
}

// querier runs statements: a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// one tells why SQL is not one statement.
func (s *session) one(property, text string) (string, error) {
	list := split(text, s.dialect)
	switch len(list) {
	case 1:
		return list[0], nil
	case 0:
		return "", fmt.Errorf("%s: there is no statement", property)
	}
	return "", fmt.Errorf("%s: there are %d statements, and one is allowed: the task Queries runs several", property, len(list))
}

// execute runs one statement and keeps its rows as fetch says. It tells whether the statement gives rows at all.
func (s *session) execute(ctx context.Context, run sdk.Run, on querier, text string, params map[string]any, fetch, name string) (out Output, gives bool, err error) {
	text, args, err := bind(text, params, s.dialect)
	if err != nil {
		return out, false, err
	}
	run.Log(sdk.LevelDebug, "running: %s", text)
	rows, err := on.QueryContext(ctx, text, args...)
	if err != nil {
		return out, false, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return out, false, err
	}
	if len(columns) == 0 || fetch == fetchNone {
		for rows.Next() {
			continue // an error may come late
		}
		return out, len(columns) > 0, rows.Err()
	}
	r := &reader{session: s, rows: rows, columns: columns}
	switch fetch {
	case fetchOne:
		err = r.one(&out)
	case fetchAll:
		err = r.all(&out)
	case fetchStore:
		keep := files.Produce
		if s.trigger {
			keep = files.Gather
		}
		out.URI, err = keep(ctx, run, name+".ion", r.store)
	}
	if err != nil {
		return out, true, err
	}
	out.Size = &r.count
	return out, true, nil
}

// reader reads rows.
type reader struct {
	*session
	rows    *sql.Rows
	columns []*sql.ColumnType
	count   int64
}

// next reads a row, in the order of its columns; nil at the end.
func (r *reader) next() (*value.Map, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	cells := make([]any, len(r.columns))
	into := make([]any, len(r.columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := r.rows.Scan(into...); err != nil {
		return nil, err
	}
	row := value.NewMap(len(cells))
	for i, c := range r.columns {
		v, err := r.cell(c, cells[i])
		if err != nil {
			return nil, fmt.Errorf("column %s of the type %s: %w", c.Name(), c.DatabaseTypeName(), err)
		}
		row.Set(c.Name(), v)
	}
	r.count++
	return row, nil
}

func (r *reader) cell(c *sql.ColumnType, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	return r.dialect.convert(strings.ToUpper(c.DatabaseTypeName()), v, r.zone)
}

func (r *reader) one(out *Output) error {
	row, err := r.next()
	if row != nil {
		out.Row = row
	}
	return err
}

// maxFetched bounds the rows that are put out, in bytes of JSON: as much as the outputs of a task may have.
const maxFetched = 8 << 20

func (r *reader) all(out *Output) error {
	out.Rows = []any{}
	var text []byte
	for size := 0; ; {
		row, err := r.next()
		if row == nil {
			return err
		}
		text = value.AppendJSON(text[:0], row, value.JSONOptions{KeepNulls: true})
		if size += len(text); size > maxFetched {
			return fmt.Errorf("there are more rows than outputs may hold (%d bytes): use fetchType STORE", maxFetched)
		}
		out.Rows = append(out.Rows, row)
	}
}

func (r *reader) store(w io.Writer) error {
	var text []byte
	for {
		row, err := r.next()
		if row == nil {
			return err
		}
		if _, err := w.Write(append(ion.Append(text[:0], row), '\n')); err != nil {
			return err
		}
	}
}

// argument makes a value one that drivers take.
func argument(v any) any {
	switch x := value.Normalize(v).(type) {
	case nil, bool, int64, float64, string:
		return x
	case int32:
		return int64(x)
	case float32:
		return float64(x)
	case value.Instant:
		return x.T
	case value.ZonedDateTime:
		return x.T
	case []any, *value.Map, value.Object:
		return string(value.AppendJSON(nil, x, value.JSONOptions{KeepNulls: true}))
	default:
		return value.Print(x)
	}
}

// zoneOf is the zone that dates are shown in.
func (c *Connection) zone() (*time.Location, error) {
	if c.TimeZoneID == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.TimeZoneID)
	if err != nil {
		return nil, fmt.Errorf("timeZoneId: there is no time zone %q", c.TimeZoneID)
	}
	return zone, nil
}

// address returns what a JDBC URL has behind its scheme.
func address(url, scheme string) (string, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(url), "jdbc:"+scheme+":")
	if !ok {
		return "", fmt.Errorf("url: expected one that begins with jdbc:%s:", scheme)
	}
	return rest, nil
}

// undo rolls a transaction back that was not committed.
func undo(tx *sql.Tx, err error) error {
	if failed := tx.Rollback(); failed != nil && !errors.Is(failed, sql.ErrTxDone) {
		return errors.Join(err, failed)
	}
	return err
}
