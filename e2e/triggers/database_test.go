package triggers

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// database is a real one with its own language.
type database struct {
	*sql.DB
	head string // of a task or trigger
	// slow makes a condition that takes a moment, and running tells whether it is being evaluated.
	slow, running string
}

func databases(t *testing.T, name string) database {
	t.Helper()
	address := service(t, name)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	d := database{
		head:    "url: jdbc:postgresql://" + u.Host + u.Path + "\nusername: windhover\npassword: windhover\n",
		slow:    "pg_sleep(1) IS NOT NULL",
		running: "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%TABLE%' AND wait_event = 'PgSleep'",
	}
	driver, dsn := "pgx", address
	if name == "mariadb" {
		d.head = strings.Replace(d.head, "postgresql", "mysql", 1)
		d.slow = "SLEEP(1) = 0"
		d.running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%TABLE%' AND state = 'User sleep'"
		driver, dsn = "mysql", "windhover:windhover@tcp("+u.Host+")"+u.Path
	}
	if d.DB, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func (d database) exec(t *testing.T, text string) {
	t.Helper()
	if _, err := d.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func (d database) number(t *testing.T, query string) (n int) {
	t.Helper()
	if err := d.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var products = map[string]string{"postgres": "postgresql", "mariadb": "mysql"}

// TestRows: rows are found, marked once that is certain, and found again otherwise; rows that come in between are left for
// the next time.
func TestRows(t *testing.T) {
	for name, product := range products {
		t.Run(name, func(t *testing.T) {
			d, types, table := databases(t, name), all(t), unique("orders_")
			d.exec(t, "CREATE TABLE "+table+" (id INT PRIMARY KEY, status VARCHAR(10))")
			t.Cleanup(func() { d.exec(t, "DROP TABLE "+table) })
			d.exec(t, "INSERT INTO "+table+" VALUES (1, 'NEW'), (2, 'OLD')")
			trigger := "type: io.kestra.plugin.jdbc." + product + ".Trigger\n" + d.head +
				"sql: SELECT id FROM " + table + " WHERE status = 'NEW' AND " + d.slow + " ORDER BY id\n" +
				"afterSQL: UPDATE " + table + " SET status = 'SEEN' WHERE status = 'NEW'\n"
			fresh := "SELECT count(*) FROM " + table + " WHERE status = 'NEW'"

			p := poll(t, types, trigger)
			if p.out != `{"rows":[{"id":1}],"size":1}` {
				t.Fatalf("found %s", p.out)
			}
			p.settled(t, false)
			if d.number(t, fresh) != 1 {
				t.Error("it is marked, and nobody heard of it")
			}

			running := strings.Replace(d.running, "TABLE", table, 1)
			inserted := make(chan error, 1)
			go func() {
				for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
					var n int
					if d.QueryRow(running).Scan(&n) == nil && n > 0 {
						break
					}
				}
				_, err := d.Exec("INSERT INTO " + table + " VALUES (3, 'NEW')") // may have to wait until the rows are marked
				inserted <- err
			}()
			p = poll(t, types, trigger)
			told := p.out
			p.settled(t, true)
			if err := <-inserted; err != nil {
				t.Fatal(err)
			}
			// MariaDB locks rows as it comes to them, and may come to the new one; PostgreSQL does not look at it
			if p = poll(t, types, trigger); p.out != "" {
				told += " " + p.out
				p.settled(t, true)
			}
			if told != `{"rows":[{"id":1}],"size":1} {"rows":[{"id":3}],"size":1}` && told != `{"rows":[{"id":1},{"id":3}],"size":2}` {
				t.Errorf("found %s: each row was to be found once", told)
			}
			if p = poll(t, types, trigger); p.out != "" {
				t.Errorf("found %s", p.out)
			}
		})
	}
}

// TestColumns: what becomes of each type of column. The zone is that of the property, the server's has no say.
func TestColumns(t *testing.T) {
	for name, tc := range map[string]struct{ sql, want string }{
		"postgres": {`SELECT 7::smallint AS s, 70000 AS i, 5000000000 AS l, 1.50::numeric AS n, 'NaN'::numeric AS nan, 1.5::float4 AS f, true AS b, 'x'::text AS t, 'y'::char(3) AS c,
			DATE '2026-01-02' AS d, TIME '03:04:05' AS tm, TIMESTAMP '2026-01-02 03:04:05.5' AS ts, TIMESTAMPTZ '2026-07-02 03:04:05+00' AS tz,
			INTERVAL '1 year 2 mons 3 days 04:05:06' AS iv, '{"a": [1, null]}'::jsonb AS j, '[1]'::json AS ja, 'hi'::bytea AS by,
			'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid AS u, ARRAY[1,2] AS ai, ARRAY['a','b,c'] AS at, ARRAY[1.50]::numeric[] AS an, NULL AS z, 'a'::tsvector AS v`,
			`{"s":7,"i":70000,"l":5000000000,"n":1.50,"nan":"NaN","f":1.5,"b":true,"t":"x","c":"y  ","d":"2026-01-02","tm":"03:04:05","ts":"2026-01-02T03:04:05.500","tz":"2026-07-02T05:04:05+02:00",` +
				`"iv":"P1Y2M3DT4H5M6S","j":{"a":[1,null]},"ja":[1],"by":"aGk=","u":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","ai":[1,2],"at":["a","b,c"],"an":[1.50],"v":"'a'"}`},
		"mariadb": {`SELECT CAST(7 AS INT) AS i, 5000000000 AS l, CAST(18446744073709551615 AS UNSIGNED) AS ul, CAST(1.50 AS DECIMAL(5,2)) AS n, 1.5e0 AS f, 'x' AS t, DATE '2026-01-02' AS d,
			TIME '03:04:05' AS tm, TIMESTAMP '2026-01-02 03:04:05' AS ts, X'6869' AS by_, NULL AS z`,
			`{"i":7,"l":5000000000,"ul":18446744073709551615,"n":1.50,"f":1.5,"t":"x","d":"2026-01-02","tm":"03:04:05","ts":"2026-01-02T03:04:05","by_":"aGk="}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := databases(t, name)
			yaml := "type: io.kestra.plugin.jdbc." + products[name] + ".Query\n" + d.head + "timeZoneId: Europe/Paris\nfetchType: FETCH_ONE\nsql: |\n  " + strings.Join(strings.Fields(tc.sql), " ")
			got, err := taskstest.Run(t, sdktest.New(t), all(t), yaml)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"row":`+tc.want+`,"size":1}`, got); diff != "" {
				t.Error(diff)
			}
			// the same by a prepared statement, which the servers answer in another format
			got, err = taskstest.Run(t, sdktest.New(t), all(t), yaml+"\nparameters: {nothing: 1}")
			if diff := cmp.Diff(`{"row":`+tc.want+`,"size":1}`, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
}

// TestParameters: values of every kind arrive as what they are.
func TestParameters(t *testing.T) {
	for name, product := range products {
		t.Run(name, func(t *testing.T) {
			d, table := databases(t, name), unique("values_")
			d.exec(t, "CREATE TABLE "+table+" (i BIGINT, f DOUBLE PRECISION, t VARCHAR(20), b BOOLEAN, at TIMESTAMP NULL, z INT)")
			t.Cleanup(func() { d.exec(t, "DROP TABLE "+table) })
			run := sdktest.New(t)
			head := "type: io.kestra.plugin.jdbc." + product
			taskstest.Must(t, run, all(t), "%s.Query\n%ssql: INSERT INTO %s VALUES (:i, :f, :t, :b, :at, :z)\nparameters: {i: '{{ 5000000000 }}', f: 1.5, t: 'it''s :i', b: true, at: '2026-01-02 03:04:05', z: null}", head, d.head, table)
			got := taskstest.Must(t, run, all(t), "%s.Queries\n%sfetchType: FETCH\nsql: |\n  SELECT i, f, t, b, at FROM %s WHERE t = :t AND z IS NULL;\n  SELECT count(*) AS n FROM %s;\nparameters: {t: \"it's :i\"}", head, d.head, table, table)
			truth := map[string]string{"postgres": "true", "mariadb": "1"}[name]
			when := map[string]string{"postgres": "2026-01-02T03:04:05", "mariadb": "2026-01-02T03:04:05Z"}[name]
			want := `{"outputs":[{"rows":[{"i":5000000000,"f":1.5,"t":"it's :i","b":` + truth + `,"at":"` + when + `"}],"size":1},{"rows":[{"n":1}],"size":1}]}`
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBatch: the rows that one table gives are written to another.
func TestBatch(t *testing.T) {
	for name, product := range products {
		t.Run(name, func(t *testing.T) {
			d, types, table := databases(t, name), all(t), unique("batch_")
			const columns = " (id INT PRIMARY KEY, note VARCHAR(20), price NUMERIC(9,2), day DATE, at TIMESTAMP NULL, ok BOOLEAN)"
			d.exec(t, "CREATE TABLE "+table+columns)
			d.exec(t, "CREATE TABLE "+table+"_to"+columns)
			t.Cleanup(func() { d.exec(t, "DROP TABLE "+table+", "+table+"_to") })
			d.exec(t, "INSERT INTO "+table+" VALUES (1, 'a ''b''', 1.50, '2026-01-02', '2026-01-02 03:04:05', true), (2, NULL, NULL, NULL, NULL, NULL)")
			run := sdktest.New(t)
			head := "type: io.kestra.plugin.jdbc." + product
			stored := taskstest.Must(t, run, types, "%s", head+".Query\n"+d.head+"sql: SELECT * FROM "+table+"\nfetchType: STORE")
			uri := strings.Split(stored, `"`)[3]
			for _, way := range []string{
				"table: " + table + "_to",
				"sql: INSERT INTO " + table + "_to VALUES (?, ?, ?, ?, ?, ?)",
				"sql: INSERT INTO " + table + "_to (ok, at, day, price, note, id) VALUES (?, ?, ?, ?, ?, ?)\ncolumns: [ok, at, day, price, note, id]",
			} {
				if out := taskstest.Must(t, run, types, "%s", head+".Batch\n"+d.head+"from: "+uri+"\n"+way); out != `{"rowCount":2,"updatedCount":2}` {
					t.Errorf("%s: %s", way, out)
				}
				same := "SELECT count(*) FROM " + table + " a JOIN " + table + "_to b ON a.id = b.id WHERE a.id = 2 AND b.note IS NULL AND b.ok IS NULL " +
					"OR a.note = b.note AND a.price = b.price AND a.day = b.day AND a.at = b.at AND a.ok = b.ok"
				if n := d.number(t, same); n != 2 {
					t.Errorf("%s: %d rows are the same", way, n)
				}
				d.exec(t, "DELETE FROM "+table+"_to")
			}
		})
	}
}
