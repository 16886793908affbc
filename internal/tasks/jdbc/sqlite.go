package jdbc

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func sqliteTypes() []plugin.Type {
	return product{
		name: "sqlite", title: "SQLite", url: "jdbc:sqlite:/data/shop.db", output: Output{},
		trigger: func() any { return &SQLiteTrigger{} },
		query:   func() any { return &SQLiteQuery{} },
		queries: func() any { return &SQLiteQueries{} },
		batch:   func() any { return &SQLiteBatch{} },
	}.types()
}

// SQLite says which database of SQLite is meant.
type SQLite struct {
	URL string `json:"url" default:"jdbc:sqlite:" doc:"The JDBC URL: jdbc:sqlite:path; without a path the database is in memory."`
	Connection
	SQLiteFile   string `json:"sqliteFile" doc:"The URI of a file in internal storage that is the database: a copy of it is used."`
	OutputDBFile bool   `json:"outputDbFile" default:"false" doc:"Whether the database that was used is put out as databaseUri."`
}

// The types of SQLite.
type (
	// SQLiteTrigger waits for rows.
	SQLiteTrigger struct {
		SQLite
		Trigger
	}
	// SQLiteQuery runs a statement.
	SQLiteQuery struct {
		SQLite
		Query
	}
	// SQLiteQueries runs several statements.
	SQLiteQueries struct {
		SQLite
		Queries
	}
	// SQLiteBatch writes the rows of a file.
	SQLiteBatch struct {
		SQLite
		Batch
	}
)

// Poll looks for rows.
func (t *SQLiteTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	return t.poll(ctx, run, &t.SQLite)
}

// Run runs the statement.
func (t *SQLiteQuery) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.SQLite)
}

// Run runs the statements.
func (t *SQLiteQueries) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.SQLite)
}

// Run writes the rows.
func (t *SQLiteBatch) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.SQLite)
}

// busy is how long a statement waits for others that write, in milliseconds.
const busy = "5000"

func (s *SQLite) open(ctx context.Context, run sdk.Run) (*session, error) {
	zone, err := s.zone()
	if err != nil {
		return nil, err
	}
	path, err := address(s.URL, "sqlite")
	if err != nil {
		return nil, err
	}
	out := &session{zone: zone, dialect: dialect{place: func(int) string { return "?" }, name: quoteName(`"`), convert: sqliteValue}}
	if s.SQLiteFile != "" || s.OutputDBFile {
		if path, err = s.copy(ctx, run, path); err != nil {
			return nil, err
		}
		if s.OutputDBFile {
			out.after = func(ctx context.Context, o *Output) error { return putOut(ctx, run, path, o) }
		}
	}
	if out.db, err = sql.Open("sqlite", sqliteDSN(path)); err != nil {
		return nil, err
	}
	out.db.SetMaxOpenConns(1) // a database in memory is that of its connection
	return out, nil
}

// sqliteDSN is how the driver is told of a path. A transaction takes the right to write when it begins, so that what it has
// read is still true when it writes.
func sqliteDSN(path string) string {
	q := url.Values{"_pragma": {"busy_timeout(" + busy + ")"}, "_txlock": {"immediate"}}
	name, given, _ := strings.Cut(path, "?")
	if own, err := url.ParseQuery(given); err == nil && own.Get("mode") != "" {
		q.Set("mode", own.Get("mode"))
		if own.Get("mode") == "ro" {
			q.Del("_txlock")
		}
	}
	switch {
	case inMemory(path):
		return "file::memory:?" + q.Encode()
	case !strings.HasPrefix(name, "file:"):
		name = "file:" + (&url.URL{Path: name}).EscapedPath()
	}
	return name + "?" + q.Encode()
}

func inMemory(path string) bool {
	return path == "" || strings.Contains(path, ":memory:") || strings.Contains(path, "mode=memory")
}

// copy makes the database a file of the working directory, and returns its path.
func (s *SQLite) copy(ctx context.Context, run sdk.Run, path string) (string, error) {
	dir, err := run.WorkDir()
	if err != nil {
		return "", err
	}
	name := "database.sqlite"
	if !inMemory(path) {
		name = filepath.Base(strings.TrimPrefix(path, "file:"))
	}
	to := filepath.Join(dir, name)
	if s.SQLiteFile == "" {
		return to, nil
	}
	from, err := run.Open(ctx, s.SQLiteFile)
	if err != nil {
		return "", fmt.Errorf("sqliteFile: %w", err)
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, from)
	return to, errors.Join(err, f.Close())
}

func putOut(ctx context.Context, run sdk.Run, path string, o *Output) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever written to it
	}
	if err != nil {
		return err
	}
	defer f.Close()
	o.DatabaseURI, err = run.Store(ctx, filepath.Base(path), f)
	return err
}

// sqliteValue makes a value of what the driver gives for a column.
func sqliteValue(typ string, v any, _ *time.Location) (any, error) {
	switch x := v.(type) {
	case time.Time:
		if typ == "DATE" {
			return value.LocalDate{T: x}, nil
		}
		return value.Instant{T: x}, nil
	case []byte:
		return base64.StdEncoding.EncodeToString(x), nil
	}
	return value.Normalize(v), nil
}
