package jdbc

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func mysqlTypes() []plugin.Type {
	return product{
		name: "mysql", alias: "mariadb", title: "MySQL or MariaDB", url: "jdbc:mysql://localhost:3306/shop", output: Output{},
		trigger: func() any { return &MySQLTrigger{} },
		query:   func() any { return &MySQLQuery{} },
		queries: func() any { return &MySQLQueries{} },
		batch:   func() any { return &MySQLBatch{} },
	}.types()
}

// MySQL says which database of MySQL is meant.
type MySQL struct {
	URL string `json:"url" required:"true" doc:"The JDBC URL: jdbc:mysql://host:port/database, or jdbc:mariadb:// the same."`
	Connection
}

// The types of MySQL.
type (
	// MySQLTrigger waits for rows.
	MySQLTrigger struct {
		MySQL
		Trigger
	}
	// MySQLQuery runs a statement.
	MySQLQuery struct {
		MySQL
		Query
	}
	// MySQLQueries runs several statements.
	MySQLQueries struct {
		MySQL
		Queries
	}
	// MySQLBatch writes the rows of a file.
	MySQLBatch struct {
		MySQL
		Batch
	}
)

// Poll looks for rows.
func (t *MySQLTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	return t.poll(ctx, run, &t.MySQL)
}

// Run runs the statement.
func (t *MySQLQuery) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.MySQL)
}

// Run runs the statements.
func (t *MySQLQueries) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.MySQL)
}

// Run writes the rows.
func (t *MySQLBatch) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.MySQL)
}

func (m *MySQL) open(_ context.Context, _ sdk.Run) (*session, error) {
	zone, err := m.zone()
	if err != nil {
		return nil, err
	}
	cfg, err := m.config()
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return &session{db: sql.OpenDB(connector), zone: zone, dialect: dialect{
		backslash: true, hash: true, place: func(int) string { return "?" }, name: quoteName("`"),
		isolation: sql.LevelSerializable, convert: mysqlValue,
	}}, nil
}

// config reads the URL.
func (m *MySQL) config() (*mysql.Config, error) {
	scheme := "mysql"
	if strings.HasPrefix(strings.TrimSpace(m.URL), "jdbc:mariadb:") {
		scheme = "mariadb"
	}
	rest, err := address(m.URL, scheme)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse("mysql:" + rest)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("url: it names no host")
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	q := u.Query()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName, cfg.ParseTime, cfg.Logger = "tcp", net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.Path, "/"), true, &mysql.NopLogger{}
	cfg.User, cfg.Passwd = or(m.Username, q.Get("user")), or(m.Password, q.Get("password"))
	for name, into := range map[string]*time.Duration{"connectTimeout": &cfg.Timeout, "socketTimeout": &cfg.ReadTimeout} {
		if text := q.Get(name); text != "" {
			ms, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("url: %s: %q is no number of milliseconds", name, text)
			}
			*into = time.Duration(ms) * time.Millisecond
		}
	}
	return cfg, encrypt(cfg, q)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// encrypt says how the connection is encrypted: as far as the server can, unless the URL says otherwise.
func encrypt(cfg *mysql.Config, q url.Values) error {
	mode := strings.ToUpper(q.Get("sslMode"))
	if mode == "" {
		switch {
		case q.Get("useSSL") == "false":
			mode = "DISABLED"
		case q.Get("verifyServerCertificate") == "true":
			mode = "VERIFY_CA"
		case q.Get("requireSSL") == "true":
			mode = "REQUIRED"
		default:
			mode = "PREFERRED"
		}
	}
	switch mode {
	case "DISABLED":
		cfg.TLSConfig = "false"
	case "PREFERRED":
		cfg.TLSConfig = "preferred"
	case "REQUIRED":
		cfg.TLSConfig = "skip-verify"
	case "VERIFY_CA", "VERIFY_IDENTITY":
		cfg.TLSConfig = "true"
	default:
		return fmt.Errorf("url: sslMode %s is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY", mode)
	}
	return nil
}

// mysqlValue makes a value of what the driver gives for a column.
func mysqlValue(typ string, v any, _ *time.Location) (any, error) {
	switch x := v.(type) {
	case time.Time:
		switch typ {
		case "DATE":
			return value.LocalDate{T: x}, nil
		case "DATETIME":
			return value.LocalDateTime{T: x}, nil
		}
		return value.Instant{T: x}, nil
	case []byte:
		return mysqlText(typ, x)
	}
	return value.Normalize(v), nil
}

// mysqlText makes a value of one that the driver gives as bytes.
func mysqlText(typ string, b []byte) (any, error) {
	text := string(b)
	switch kind := strings.TrimPrefix(typ, "UNSIGNED "); {
	case kind == "DECIMAL":
		if d, ok := value.ParseDecimal(text); ok {
			return d, nil
		}
	case kind == "DOUBLE" || kind == "FLOAT":
		return strconv.ParseFloat(text, 64)
	case strings.HasSuffix(kind, "INT") || kind == "YEAR":
		return value.ParseJSON(b)
	case kind == "TIME":
		if at, err := localTime(text); err == nil {
			return at, nil
		}
		return text, nil // MySQL's times go beyond a day
	case kind == "BIT" && len(b) == 1:
		return b[0] != 0, nil
	case kind == "BIT" || strings.HasSuffix(kind, "BLOB") || strings.HasSuffix(kind, "BINARY") || kind == "GEOMETRY" || kind == "VECTOR":
		return base64.StdEncoding.EncodeToString(b), nil
	}
	return text, nil
}
