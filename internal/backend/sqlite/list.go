package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
)

var dialect = sqlbase.Dialect{
	Contains: "instr(%s, ?) > 0",
	Starts:   "substr(%s, 1, length(?)) = ?",
	Ends:     "substr(%s, -length(?)) = ?",
	Regex:    "%s REGEXP ?",
	Lower:    "lower(%s)",
}

// countLimit is where counting by looking at each record ends: a total that is not kept beforehand is at most this.
const countLimit = 10_000

// list says how the records of one repository are searched.
type list[T any] struct {
	from      string // the table with its alias
	countFrom string // where from is not the way to count: another index on it
	columns   string
	row       string // the row number's column
	schema    sqlbase.Schema
	sorts     []string
	natural   []backend.Sort
	keys      map[string]string // the expressions of the sort keys
	scan      func(scanner) (T, error)
}

// search runs a validated query: the records that all clauses hold for.
func (l *list[T]) search(ctx context.Context, db *sql.DB, q backend.Query, clauses []sqlbase.Clause) (backend.Page[T], error) {
	page := backend.Page[T]{Total: -1}
	order := sqlbase.OrderOf(q.Sort, l.natural, l.keys, l.row)
	offset := (max(q.Page, 1) - 1) * q.Size
	if q.After != "" {
		values, err := backend.DecodeCursor(q.After, len(order))
		if err != nil {
			return page, err
		}
		clauses, offset = append(clauses, order.After(values)), 0
	}
	if q.Size == 0 {
		return page, nil
	}
	where := sqlbase.All(clauses)
	text := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s ORDER BY %s LIMIT ? OFFSET ?", l.columns, order.Columns(), l.from, where.SQL, order.SQL())
	cursors := make([][]any, 0, q.Size+1)
	rows, err := db.QueryContext(ctx, text, append(where.Args, q.Size+1, offset)...)
	page.Results, err = collect(rows, err, func(row scanner) (T, error) {
		cursor := make([]any, len(order))
		cursors = append(cursors, cursor)
		return l.scan(withTail{row, cursor})
	})
	if err != nil {
		return page, err
	}
	if len(page.Results) > q.Size { // the one beyond shows that there is more
		page.Results = page.Results[:q.Size]
		page.Cursor = backend.EncodeCursor(cursors[q.Size-1])
	}
	return page, nil
}

// find is search for repositories whose total needs nothing special.
func (l *list[T]) find(ctx context.Context, db *sql.DB, q backend.Query, limit int, base ...sqlbase.Clause) (backend.Page[T], error) {
	if err := q.Validate(l.schema.Kinds, l.sorts); err != nil {
		return backend.Page[T]{}, err
	}
	clauses := append(base, l.schema.Where(q.Filters)...)
	page, err := l.search(ctx, db, q, clauses)
	if err == nil && !q.NoTotal {
		page.Total, err = l.count(ctx, db, clauses, limit)
	}
	return page, err
}

// count counts records, but not beyond the limit; 0 is without limit.
func (l *list[T]) count(ctx context.Context, db *sql.DB, clauses []sqlbase.Clause, limit int) (n int, err error) {
	where, from := sqlbase.All(clauses), l.from
	if l.countFrom != "" {
		from = l.countFrom
	}
	text := fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", from, where.SQL)
	if limit > 0 {
		text = fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d)", from, where.SQL, limit)
	}
	err = db.QueryRowContext(ctx, text, where.Args...).Scan(&n)
	return n, unavailable(err)
}

// withTail reads the columns behind those of the record into cursor.
type withTail struct {
	row    scanner
	cursor []any
}

func (t withTail) Scan(dest ...any) error {
	for i := range t.cursor {
		dest = append(dest, &t.cursor[i])
	}
	return t.row.Scan(dest...)
}

func equals(column string, value any) sqlbase.Clause {
	return sqlbase.Clause{SQL: column + " = ?", Args: []any{value}}
}
