package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"

	sqlitedriver "modernc.org/sqlite"

	"github.com/windhover-io/windhover/internal/backend"
)

//go:embed schema/*.sql
var schemas embed.FS

// busyMillis is how long a connection waits for another one's lock, which only checkpoints take.
const busyMillis = 10_000

// dataSource names a database file to the driver, with settings for each connection.
func dataSource(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyMillis))
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	path = filepath.ToSlash(path)
	if len(path) > 1 && path[1] == ':' { // a drive
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// conn is the one connection that writes to a database file; one goroutine uses it. Its statements are prepared once.
type conn struct {
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// openWriter opens the connection that writes, and brings the schema up to date.
func openWriter(path, synchronous, schema string) (*conn, error) {
	registerRegexp()
	db, err := sql.Open("sqlite", dataSource(path,
		"journal_mode(WAL)", "synchronous("+synchronous+")", "wal_autocheckpoint(4000)", "cache_size(-16384)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(context.Background())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w := &conn{db: db, conn: c, stmts: map[string]*sql.Stmt{}}
	if err := w.migrate(schema); err != nil {
		return nil, errors.Join(fmt.Errorf("schema of %s: %w", path, err), w.close())
	}
	return w, nil
}

// openReaders opens connections that only read.
func openReaders(path string, n int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dataSource(path, "query_only(1)", "cache_size(-8192)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// migrate runs the schema files that the database has not seen; user_version counts them. That is so little that a
// library for it would be more to know.
func (c *conn) migrate(schema string) error {
	files, err := fs.Glob(schemas, "schema/"+schema+"_*.sql")
	if err != nil {
		return err
	}
	var version int
	if err := c.row("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("it has format %d, this program knows %d: %w", version, len(files), backend.ErrInvalid)
	}
	for ; version < len(files); version++ {
		text, err := schemas.ReadFile(files[version])
		if err != nil {
			return err
		}
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA user_version = %d;\nCOMMIT;", text, version+1)
		if _, err := c.conn.ExecContext(context.Background(), script); err != nil {
			return fmt.Errorf("%s: %w", files[version], err)
		}
	}
	return nil
}

func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	c.stmts[query] = s
	return s, nil
}

// exec runs a statement and returns the number of rows that it changed. The text must be one of few: it stays prepared.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row runs a query for one row.
func (c *conn) row(query string, args ...any) scanner {
	s, err := c.stmt(query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(context.Background(), args...)
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.conn.Close(), c.db.Close())...)
}

// scanner is a row to be read.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// transaction runs do between BEGIN and COMMIT, or leaves everything as it was.
func (c *conn) transaction(do func() error) error {
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := do()
	if err == nil {
		if _, err = c.exec("COMMIT"); err == nil {
			return nil
		}
	}
	// SQLite has rolled back by itself after some errors; that there is nothing left to roll back is no error then.
	_, _ = c.exec("ROLLBACK")
	return err
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, unavailable(err)
		}
		all = append(all, v)
	}
	return all, unavailable(rows.Err())
}

// unavailable wraps what the driver says, unless it is a context's error or one of the backend's already.
func unavailable(err error) error {
	for _, known := range []error{nil, context.Canceled, context.DeadlineExceeded, backend.ErrUnavailable, backend.ErrInvalid} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", backend.ErrUnavailable, err)
}

// registerRegexp gives SQLite's REGEXP operator its meaning, once for the process: the driver has no other way.
var registerRegexp = sync.OnceFunc(func() {
	var last atomic.Pointer[regexp.Regexp] // the expression is mostly that of the row before
	sqlitedriver.MustRegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlitedriver.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, _ := args[0].(string)
		text, _ := args[1].(string)
		re := last.Load()
		if re == nil || re.String() != pattern {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, err
			}
			re = compiled
			last.Store(re)
		}
		return re.MatchString(text), nil
	})
})
