package jdbc_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tasks "github.com/windhover-io/windhover/internal/tasks/jdbc"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// shop is a database with three orders, two of which are new.
func shop(t *testing.T) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	exec(t, db, "CREATE TABLE orders (id INTEGER, status TEXT, price REAL, at DATETIME, day DATE, note BLOB)")
	exec(t, db, `INSERT INTO orders VALUES (1, 'NEW', 1.5, '2026-01-02 03:04:05', '2026-01-02', x'6869'), (2, 'NEW', NULL, NULL, NULL, NULL), (3, 'SEEN', 2, NULL, NULL, NULL)`)
	return path, db
}

func exec(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

const first = `{"id":1,"status":"NEW","price":1.5,"at":"2026-01-02T03:04:05Z","day":"2026-01-02","note":"aGk="}`

func TestQuery(t *testing.T) {
	path, _ := shop(t)
	for name, tc := range map[string]struct{ props, want string }{
		"nothing is fetched":     {"sql: SELECT * FROM orders", `{}`},
		"the first row":          {"sql: SELECT * FROM orders ORDER BY id\nfetchType: FETCH_ONE", `{"row":` + first + `,"size":1}`},
		"no row at all":          {"sql: SELECT * FROM orders WHERE id = 9\nfetchType: FETCH_ONE", `{"size":0}`},
		"all rows":               {"sql: SELECT id FROM orders ORDER BY id\nfetchType: FETCH", `{"rows":[{"id":1},{"id":2},{"id":3}],"size":3}`},
		"an older property":      {"sql: SELECT id FROM orders ORDER BY id\nfetchOne: true", `{"row":{"id":1},"size":1}`},
		"parameters, typed":      {"sql: SELECT id FROM orders WHERE id > :id AND status = :status\nparameters: {id: '{{ 1 }}', status: NEW}\nfetchType: FETCH", `{"rows":[{"id":2}],"size":1}`},
		"no statement with rows": {"sql: UPDATE orders SET note = NULL WHERE id = 9\nfetchType: FETCH", `{}`},
		"nulls are left out":     {"sql: SELECT id, price FROM orders WHERE id = 2\nfetchType: FETCH_ONE", `{"row":{"id":2},"size":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			run := sdktest.New(t)
			got := taskstest.Must(t, run, tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\n%s", path, tc.props)
			if got != tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestStore(t *testing.T) {
	path, _ := shop(t)
	run := sdktest.New(t)
	got := taskstest.Must(t, run, tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELECT id, status FROM orders ORDER BY id\nfetchType: STORE", path)
	uri := strings.Split(got, `"`)[3]
	if want := "{id:1,status:\"NEW\"}\n{id:2,status:\"NEW\"}\n{id:3,status:\"SEEN\"}\n"; run.Content(uri) != want {
		t.Errorf("stored:\n%s", run.Content(uri))
	}
}

func TestQueries(t *testing.T) {
	path, db := shop(t)
	const head = "type: io.kestra.plugin.jdbc.sqlite.Queries\nurl: jdbc:sqlite:%s\nfetchType: FETCH_ONE\nsql: |\n  UPDATE orders SET status = 'GONE' WHERE id = 1;\n  SELECT count(*) AS new FROM orders WHERE status = 'NEW';\n  %s\n"
	got := taskstest.Must(t, sdktest.New(t), tasks.Types(), head, path, "SELECT max(id) AS last FROM orders")
	if got != `{"outputs":[{"row":{"new":1},"size":1},{"row":{"last":3},"size":1}]}` {
		t.Errorf("got %s", got)
	}
	exec(t, db, "UPDATE orders SET status = 'NEW' WHERE id = 1")
	taskstest.Fails(t, sdktest.New(t), tasks.Types(), head, path, "SELECT wrong")
	count(t, db, "NEW", 2) // all or none
	taskstest.Fails(t, sdktest.New(t), tasks.Types(), head+"transaction: false", path, "SELECT wrong")
	count(t, db, "NEW", 1)
}

func count(t *testing.T, db *sql.DB, status string, want int) {
	t.Helper()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM orders WHERE status = ?", status).Scan(&n); err != nil || n != want {
		t.Errorf("%d orders are %s, %v", n, status, err)
	}
}

const watch = "type: io.kestra.plugin.jdbc.sqlite.Trigger\nsql: SELECT id FROM orders WHERE status = 'NEW' ORDER BY id\nafterSQL: UPDATE orders SET status = 'SEEN' WHERE status = 'NEW'\nurl: jdbc:sqlite:"

func TestTrigger(t *testing.T) {
	path, db := shop(t)
	poll := func() (string, func(bool) error) {
		t.Helper()
		out, settle, err := taskstest.Poll(t, sdktest.New(t), tasks.Types(), watch+path)
		if err != nil {
			t.Fatal(err)
		}
		return out, settle
	}
	const found = `{"rows":[{"id":1},{"id":2}],"size":2}`
	out, settle := poll()
	if out != found {
		t.Fatalf("found %s", out)
	}
	count(t, db, "NEW", 2) // not marked before it is certain
	if err := settle(false); err != nil {
		t.Fatal(err)
	}
	count(t, db, "NEW", 2)
	if out, settle = poll(); out != found {
		t.Fatalf("what was not settled is found again, not %s", out)
	}
	if err := settle(true); err != nil {
		t.Fatal(err)
	}
	count(t, db, "NEW", 0)
	if out, _ = poll(); out != "" {
		t.Errorf("found %s", out)
	}
}

// Where the flow starts, and its trigger has no statement that marks, the same rows are found again.
func TestTriggerFetches(t *testing.T) {
	path, _ := shop(t)
	for props, want := range map[string]string{
		"sql: SELECT id FROM orders\nfetchType: FETCH_ONE":                             `{"row":{"id":1},"size":1}`,
		"sql: SELECT id FROM orders WHERE id = 9\nfetchType: FETCH_ONE":                "",
		"sql: DELETE FROM orders WHERE id = 9 RETURNING id\nfetchType: FETCH":          "",
		"sql: UPDATE orders SET price = 0 WHERE id = 3 RETURNING id\nfetchType: FETCH": `{"rows":[{"id":3}],"size":1}`,
	} {
		out, settle, err := taskstest.Poll(t, sdktest.New(t), tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Trigger\nurl: jdbc:sqlite:"+path+"\n"+props)
		if err != nil || out != want {
			t.Errorf("%s: %s, %v", props, out, err)
		}
		if err := settle(true); err != nil {
			t.Error(err)
		}
	}
}

func TestErrors(t *testing.T) {
	path, _ := shop(t)
	for name, tc := range map[string]struct{ props, want string }{
		"two statements":           {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELECT 1; SELECT 2", "Queries runs several"},
		"no statement":             {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: ' -- nothing'", "there is no statement"},
		"two to follow":            {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELECT 1\nafterSQL: SELECT 1; SELECT 2", "afterSQL"},
		"wrong SQL":                {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELEC 1", "syntax error"},
		"another product's URL":    {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:h2:%s\nsql: SELECT 1", "jdbc:sqlite:"},
		"a zone that is not there": {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELECT 1\ntimeZoneId: Mars/Base", "Mars/Base"},
		"more than outputs hold":   {"type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:%s\nsql: SELECT hex(zeroblob(3000000)) AS a UNION ALL SELECT hex(zeroblob(3000000))\nfetchType: FETCH", "use fetchType STORE"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := taskstest.Fails(t, sdktest.New(t), tasks.Types(), tc.props, path); !strings.Contains(err, tc.want) {
				t.Errorf("error %s", err)
			}
		})
	}
}

// A database from internal storage is a copy; what becomes of it is put out.
func TestSQLiteFile(t *testing.T) {
	path, db := shop(t)
	db.Close()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	run := sdktest.New(t)
	uri := run.File("shop.db", string(content))
	out := taskstest.Must(t, run, tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Query\nurl: jdbc:sqlite:my.db\nsqliteFile: %s\noutputDbFile: true\nsql: DELETE FROM orders", uri)
	i := strings.Index(out, "kestra:///")
	if i < 0 {
		t.Fatalf("there is no database in %s", out)
	}
	copied := strings.TrimRight(out[i:], `"}`)
	next := sdktest.New(t)
	reused := next.File("next.db", run.Content(copied))
	got := taskstest.Must(t, next, tasks.Types(), "type: io.kestra.plugin.jdbc.sqlite.Query\nsqliteFile: %s\nsql: SELECT count(*) AS n FROM orders\nfetchType: FETCH_ONE", reused)
	if got != `{"row":{"n":0},"size":1}` {
		t.Errorf("got %s", got)
	}
}
