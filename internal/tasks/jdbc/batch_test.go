package jdbc_test

import (
	"database/sql"
	"strings"
	"testing"

	tasks "github.com/windhover-io/windhover/internal/tasks/jdbc"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// batch runs a Batch of SQLite on a file and returns what it puts out.
func batch(t *testing.T, path, rows, props string) (string, error) {
	t.Helper()
	run := sdktest.New(t)
	uri, err := run.Store(t.Context(), "rows.ion", strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	return taskstest.Run(t, run, tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Batch\nurl: jdbc:sqlite:"+path+"\nfrom: "+uri+"\n"+props)
}

func text(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	var s sql.NullString
	if err := db.QueryRow(query).Scan(&s); err != nil {
		t.Fatal(err)
	}
	return s.String
}

func TestBatch(t *testing.T) {
	const written = "SELECT group_concat(id || ':' || coalesce(status, '-') || ':' || coalesce(price, '-'), ' ') FROM (SELECT * FROM orders WHERE id > 9 ORDER BY id)"
	for name, tc := range map[string]struct{ rows, props, want, out string }{
		"objects, all fields": {"{id:10,status:\"A\"}\n{id:11,status:null}\n", "sql: INSERT INTO orders (id, status) VALUES (?, ?)",
			"10:A:- 11:-:-", `{"rowCount":2,"updatedCount":2}`},
		"lists":                {"[10, \"A\"]\n", "sql: INSERT INTO orders (id, status) VALUES (?, ?)", "10:A:-", `{"rowCount":1,"updatedCount":1}`},
		"JSON lines, by names": {`{"status": "A", "more": 1, "id": 10}` + "\n\n", "sql: INSERT INTO orders (id, status) VALUES (?, ?)\ncolumns: [id, status]", "10:A:-", `{"rowCount":1,"updatedCount":1}`},
		"a table":              {"{price:1.5,id:10}\n", "table: orders\nchunk: 1", "10:-:1.5", `{"rowCount":1,"updatedCount":1}`},
		"a table with columns": {"{price:1.5,id:10,status:\"A\"}\n", "table: orders\ncolumns: [id, status]", "10:A:-", `{"rowCount":1,"updatedCount":1}`},
		"no row":               {"", "table: orders", "", `{"rowCount":0,"updatedCount":0}`},
		"an update":            {"[\"SEEN\"]\n", "sql: UPDATE orders SET status = 'OLD' WHERE status = ? AND '?' <> '??'", "", `{"rowCount":1,"updatedCount":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			path, db := shop(t)
			out, err := batch(t, path, tc.rows, tc.props)
			if err != nil || out != tc.out {
				t.Errorf("put out %s (%v)", out, err)
			}
			if got := text(t, db, written); got != tc.want {
				t.Errorf("written: %s", got)
			}
		})
	}
}

// A row that fails leaves the chunks before it, and nothing of its own.
func TestBatchFails(t *testing.T) {
	path, db := shop(t)
	exec(t, db, "CREATE UNIQUE INDEX one ON orders (id)")
	rows := "{id:10}\n{id:11}\n{id:12}\n{id:10}\n{id:13}\n"
	_, err := batch(t, path, rows, "table: orders\ncolumns: [id]\nchunk: 2")
	if err == nil || !strings.Contains(err.Error(), "row 4: ") || !strings.Contains(err.Error(), "the 2 rows before its chunk are committed") {
		t.Errorf("got %v", err)
	}
	if got := text(t, db, "SELECT count(*) FROM orders WHERE id > 9"); got != "2" {
		t.Errorf("%s rows are written", got)
	}
	for props, want := range map[string]string{
		"columns: [id]":  "sql: it, or a table, is required",
		"table: nowhere": "table: ",
		"sql: INSERT INTO orders (id) VALUES (?); DELETE FROM orders": "there are 2 statements",
	} {
		if _, err := batch(t, path, rows, props); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", props, err, want)
		}
	}
	if _, err := batch(t, path, "{id:20\n", "table: orders"); err == nil || !strings.Contains(err.Error(), "row 1: ") {
		t.Errorf("a row that is none: %v", err)
	}
}
