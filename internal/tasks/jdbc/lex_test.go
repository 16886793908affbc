package jdbc

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	pg    = dialect{dollar: true, place: func(n int) string { return "$" + strconv.Itoa(n) }}
	maria = dialect{backslash: true, hash: true, place: func(int) string { return "?" }}
)

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct {
		sql  string
		d    dialect
		want []string
	}{
		"one":                            {"SELECT 1", pg, []string{"SELECT 1"}},
		"an end and nothing after it":    {"SELECT 1;\n ", pg, []string{"SELECT 1"}},
		"two":                            {"SELECT 1; SELECT 2", pg, []string{"SELECT 1", "SELECT 2"}},
		"empty ones":                     {";; SELECT 1;;", pg, []string{"SELECT 1"}},
		"a semicolon in quotes":          {`SELECT ';', ";"; SELECT 2`, pg, []string{`SELECT ';', ";"`, "SELECT 2"}},
		"doubled quotes":                 {`SELECT 'it''s; so'; SELECT 2`, pg, []string{`SELECT 'it''s; so'`, "SELECT 2"}},
		"backslashes of MySQL":           {`SELECT '\'; '; SELECT 2`, maria, []string{`SELECT '\'; '`, "SELECT 2"}},
		"backslashes elsewhere":          {`SELECT '\'; SELECT 2`, pg, []string{`SELECT '\'`, "SELECT 2"}},
		"a comment to the end of a line": {"SELECT 1 -- a; b\n; SELECT 2", pg, []string{"SELECT 1 -- a; b", "SELECT 2"}},
		"a comment of MySQL":             {"SELECT 1 # a; b\n; SELECT 2", maria, []string{"SELECT 1 # a; b", "SELECT 2"}},
		"an operator elsewhere":          {"SELECT '{}' #> '{a}'; SELECT 2", pg, []string{"SELECT '{}' #> '{a}'", "SELECT 2"}},
		"a comment between":              {"SELECT 1; /* a; b */ SELECT 2", pg, []string{"SELECT 1", "/* a; b */ SELECT 2"}},
		"nothing but a comment":          {"-- nothing;\n/* ; */", pg, nil},
		"a comment without end":          {"SELECT 1 /* ;", pg, []string{"SELECT 1 /* ;"}},
		"quotes without end":             {"SELECT 'a; b", pg, []string{"SELECT 'a; b"}},
		"dollar quotes":                  {"DO $x$ BEGIN; END; $x$; SELECT $1; SELECT 2", pg, []string{"DO $x$ BEGIN; END; $x$", "SELECT $1", "SELECT 2"}},
		"dollar quotes without a name":   {"SELECT $$;$$; SELECT 2", pg, []string{"SELECT $$;$$", "SELECT 2"}},
		"a dollar in a name":             {"SELECT a$b$c; SELECT 2", pg, []string{"SELECT a$b$c", "SELECT 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, split(tc.sql, tc.d)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBind(t *testing.T) {
	params := map[string]any{"id": int64(7), "name": "Ada", "list": []any{"a", true}, "none": nil}
	for name, tc := range map[string]struct {
		sql  string
		d    dialect
		want string
		args []any
		err  string
	}{
		"in their order":        {sql: "WHERE name = :name AND id=:id", d: pg, want: "WHERE name = $1 AND id=$2", args: []any{"Ada", int64(7)}},
		"twice":                 {sql: "(:id,:id)", d: maria, want: "(?,?)", args: []any{int64(7), int64(7)}},
		"not in quotes":         {sql: "':id' \":id\" :id", d: pg, want: "':id' \":id\" $1", args: []any{int64(7)}},
		"not in comments":       {sql: "/* :x */ :id -- :y", d: pg, want: "/* :x */ $1 -- :y", args: []any{int64(7)}},
		"not a type":            {sql: "SELECT '1'::int + :id::int", d: pg, want: "SELECT '1'::int + $1::int", args: []any{int64(7)}},
		"not the end of a name": {sql: "SELECT a:id, :id", d: pg, want: "SELECT a:id, $1", args: []any{int64(7)}},
		"lists are JSON":        {sql: ":list", d: pg, want: "$1", args: []any{`["a",true]`}},
		"null":                  {sql: ":none", d: pg, want: "$1", args: []any{nil}},
		"an unknown name":       {sql: ":idx", d: pg, err: "the SQL names :idx"},
	} {
		t.Run(name, func(t *testing.T) {
			got, args, err := bind(tc.sql, params, tc.d)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("got %s", got)
			}
			if d := cmp.Diff(tc.args, args); d != "" {
				t.Error(d)
			}
		})
	}
	if got, args, err := bind("SELECT :anything", nil, pg); got != "SELECT :anything" || args != nil || err != nil {
		t.Errorf("without parameters nothing is replaced: %s %v %v", got, args, err)
	}
}

// FuzzLex: whatever the text, its pieces are the text.
func FuzzLex(f *testing.F) {
	for _, s := range []string{"SELECT 'a''b\\' -- x\n; /* */ $$ $a$ # `", "/*", "$", "'", "--", "$a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		for _, d := range []dialect{pg, maria} {
			var b strings.Builder
			for _, p := range lex(sql, d) {
				if p.text == "" {
					t.Fatal("an empty piece")
				}
				b.WriteString(p.text)
			}
			if b.String() != sql {
				t.Fatalf("%q became %q", sql, b.String())
			}
			split(sql, d)
			_, _, _ = bind(sql, map[string]any{"a": 1}, d)
		}
	})
}

func TestPostgresDSN(t *testing.T) {
	for name, tc := range map[string]struct {
		db   Postgres
		want string
	}{
		"all of it":            {Postgres{URL: "jdbc:postgresql://db:5433/shop?currentSchema=a&ApplicationName=x", Connection: Connection{Username: "u", Password: "p@/:"}}, "postgres://u:p%40%2F%3A@db:5433/shop?application_name=x&search_path=a"},
		"a user in the URL":    {Postgres{URL: "jdbc:postgresql://db/shop?user=u&password=p"}, "postgres://u:p@db/shop"},
		"what concerns Java":   {Postgres{URL: "jdbc:postgresql://db/shop?reWriteBatchedInserts=true&prepareThreshold=0"}, "postgres://db/shop"},
		"a database alone":     {Postgres{URL: "jdbc:postgresql:shop"}, "postgres://localhost/shop"},
		"encrypted":            {Postgres{URL: "jdbc:postgresql://db/shop", SSL: true}, "postgres://db/shop?sslmode=verify-full"},
		"encrypted as it says": {Postgres{URL: "jdbc:postgresql://db/shop?ssl=true&sslmode=disable", SSLMode: "VERIFY_CA"}, "postgres://db/shop?sslmode=verify-ca"},
		"a standby":            {Postgres{URL: "jdbc:postgresql://db/shop?targetServerType=secondary"}, "postgres://db/shop?target_session_attrs=read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.db.dsn()
			if err != nil || got != tc.want {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
	for _, bad := range []string{"", "jdbc:mysql://db/shop", "postgres://db/shop", "jdbc:postgresql://db:x/shop"} {
		if got, err := (&Postgres{URL: bad}).dsn(); err == nil {
			t.Errorf("%q became %s", bad, got)
		}
	}
}

func TestMySQLConfig(t *testing.T) {
	m := MySQL{URL: "jdbc:mysql://db/shop?connectTimeout=1500&useSSL=false&zeroDateTimeBehavior=CONVERT_TO_NULL", Connection: Connection{Username: "u", Password: "p"}}
	cfg, err := m.config()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Addr != "db:3306" || cfg.DBName != "shop" || cfg.User != "u" || cfg.Passwd != "p" || cfg.Timeout.Milliseconds() != 1500 || cfg.TLSConfig != "false" {
		t.Errorf("%+v", cfg)
	}
	if cfg, err := (&MySQL{URL: "jdbc:mariadb://db:3307/shop"}).config(); err != nil || cfg.Addr != "db:3307" {
		t.Errorf("%+v %v", cfg, err)
	}
	for _, bad := range []string{"jdbc:mysql:///shop", "jdbc:mysql://db/shop?connectTimeout=soon", "jdbc:mysql://db/shop?sslMode=MAYBE", "jdbc:h2://db/shop"} {
		if _, err := (&MySQL{URL: bad}).config(); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]string{
		"1 year 2 mons 3 days 04:05:06.789": "P1Y2M3DT4H5M6S",
		"-04:05:06":                         "P0Y0M0DT-4H-5M-6S",
		"2 days":                            "P0Y0M2DT0H0M0S",
		"00:00:00":                          "P0Y0M0DT0H0M0S",
	} {
		if got, err := interval(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
