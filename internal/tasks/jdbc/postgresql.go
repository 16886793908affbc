package jdbc

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func postgresTypes() []plugin.Type {
	return product{
		name: "postgresql", title: "PostgreSQL", url: "jdbc:postgresql://localhost:5432/shop", output: Output{},
		trigger: func() any { return &PostgresTrigger{} },
		query:   func() any { return &PostgresQuery{} },
		queries: func() any { return &PostgresQueries{} },
		batch:   func() any { return &PostgresBatch{} },
	}.types()
}

// Postgres says which database of PostgreSQL is meant.
type Postgres struct {
	URL string `json:"url" required:"true" doc:"The JDBC URL: jdbc:postgresql://host:port/database."`
	Connection
	SSL            bool   `json:"ssl" default:"false" doc:"Whether the connection is encrypted."`
	SSLMode        string `json:"sslMode" enum:"DISABLE,ALLOW,PREFER,REQUIRE,VERIFY_CA,VERIFY_FULL" doc:"How strictly; VERIFY_FULL where ssl is set alone."`
	SSLRootCert    string `json:"sslRootCert" doc:"The certificate of the authority, as PEM."`
	SSLCert        string `json:"sslCert" doc:"The client's certificate, as PEM."`
	SSLKey         string `json:"sslKey" doc:"The client's key, as PEM."`
	SSLKeyPassword string `json:"sslKeyPassword" doc:"The password of the client's key."`
}

// The types of PostgreSQL.
type (
	// PostgresTrigger waits for rows.
	PostgresTrigger struct {
		Postgres
		Trigger
	}
	// PostgresQuery runs a statement.
	PostgresQuery struct {
		Postgres
		Query
	}
	// PostgresQueries runs several statements.
	PostgresQueries struct {
		Postgres
		Queries
	}
	// PostgresBatch writes the rows of a file.
	PostgresBatch struct {
		Postgres
		Batch
	}
)

// Poll looks for rows.
func (t *PostgresTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	return t.poll(ctx, run, &t.Postgres)
}

// Run runs the statement.
func (t *PostgresQuery) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.Postgres)
}

// Run runs the statements.
func (t *PostgresQueries) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.Postgres)
}

// Run writes the rows.
func (t *PostgresBatch) Run(ctx context.Context, run sdk.Run) (any, error) {
	return t.run(ctx, run, &t.Postgres)
}

func (p *Postgres) open(_ context.Context, run sdk.Run) (*session, error) {
	zone, err := p.zone()
	if err != nil {
		return nil, err
	}
	dsn, err := p.dsn()
	if err != nil {
		return nil, err
	}
	if dsn, err = p.withCertificates(dsn, run); err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if cfg.TLSConfig != nil {
		cfg.TLSConfig.MinVersion = tls.VersionTLS12
	}
	return &session{db: stdlib.OpenDB(*cfg), zone: zone, dialect: dialect{
		dollar: true, place: func(n int) string { return "$" + strconv.Itoa(n) }, name: quoteName(`"`),
		isolation: sql.LevelRepeatableRead, convert: postgresValue,
	}}, nil
}

// parameters are those of JDBC URLs that have a meaning here, by what pgx calls them. All others concern Java.
var parameters = map[string]string{
	"user": "user", "password": "password", "sslmode": "sslmode", "ApplicationName": "application_name", "currentSchema": "search_path",
	"connectTimeout": "connect_timeout", "loginTimeout": "connect_timeout", "options": "options", "targetServerType": "target_session_attrs",
}

// dsn is the address as PostgreSQL's own clients write it.
func (p *Postgres) dsn() (string, error) {
	rest, err := address(p.URL, "postgresql")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(rest, "//") { // jdbc:postgresql:database
		rest = "//localhost/" + strings.TrimPrefix(rest, "/")
	}
	u, err := url.Parse("postgres:" + rest)
	if err != nil {
		return "", fmt.Errorf("url: %w", err)
	}
	q := url.Values{}
	for name, values := range u.Query() {
		if to := parameters[name]; to != "" && len(values) > 0 {
			q.Set(to, values[0])
		}
	}
	if q.Get("target_session_attrs") != "" {
		q.Set("target_session_attrs", map[string]string{"primary": "read-write", "master": "read-write", "secondary": "read-only",
			"preferSecondary": "prefer-standby"}[q.Get("target_session_attrs")])
	}
	switch {
	case p.SSLMode != "":
		q.Set("sslmode", strings.ReplaceAll(strings.ToLower(p.SSLMode), "_", "-"))
	case q.Get("sslmode") == "" && (p.SSL || u.Query().Get("ssl") == "true"):
		q.Set("sslmode", "verify-full")
	}
	u.User = nil
	if p.Username != "" {
		q.Set("user", p.Username)
	}
	if p.Password != "" {
		q.Set("password", p.Password)
	}
	if q.Get("user") != "" {
		u.User = url.UserPassword(q.Get("user"), q.Get("password"))
		q.Del("user")
		q.Del("password")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// withCertificates writes the certificates to the working directory, since that is where the driver reads them from.
func (p *Postgres) withCertificates(dsn string, run sdk.Run) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("url: %w", err)
	}
	q := u.Query()
	for name, pem := range map[string]string{"sslrootcert": p.SSLRootCert, "sslcert": p.SSLCert, "sslkey": p.SSLKey} {
		if pem == "" {
			continue
		}
		dir, err := run.WorkDir()
		if err != nil {
			return "", err
		}
		file := filepath.Join(dir, name+".pem")
		if err := os.WriteFile(file, []byte(pem), 0o600); err != nil {
			return "", err
		}
		q.Set(name, file)
	}
	if p.SSLKeyPassword != "" {
		q.Set("sslpassword", p.SSLKeyPassword)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// postgresValue makes a value of what the driver gives for a column.
func postgresValue(typ string, v any, zone *time.Location) (any, error) {
	switch x := v.(type) {
	case time.Time:
		switch typ {
		case "DATE":
			return value.LocalDate{T: x}, nil
		case "TIMESTAMP":
			return value.LocalDateTime{T: x}, nil
		}
		return value.ZonedDateTime{T: x.In(zone)}, nil
	case []byte:
		if typ == "JSON" || typ == "JSONB" {
			return value.ParseJSON(x)
		}
		return base64.StdEncoding.EncodeToString(x), nil
	case string:
		return postgresText(typ, x)
	}
	return value.Normalize(v), nil
}

// postgresText makes a value of one that the driver gives as text.
func postgresText(typ, text string) (any, error) {
	switch {
	case typ == "NUMERIC":
		if d, ok := value.ParseDecimal(text); ok {
			return d, nil
		}
		return text, nil // NaN, Infinity
	case typ == "JSON" || typ == "JSONB":
		return value.ParseJSON([]byte(text))
	case typ == "TIME":
		return localTime(text)
	case typ == "TIMETZ":
		at, err := time.Parse("15:04:05.999999Z07", text)
		return value.LocalTime{T: at}, err
	case typ == "INTERVAL":
		return interval(text)
	case strings.HasPrefix(typ, "_"):
		return postgresArray(typ, text)
	}
	return text, nil
}

func localTime(text string) (any, error) {
	at, err := time.Parse("15:04:05.999999999", text)
	return value.LocalTime{T: at}, err
}

// postgresArray reads an array's text.
func postgresArray(typ, text string) (any, error) {
	m := pgtype.NewMap()
	t, ok := m.TypeForName(strings.ToLower(typ))
	if !ok {
		return text, nil // of a type that the database's users have made
	}
	v, err := t.Codec.DecodeValue(m, t.OID, pgtype.TextFormatCode, []byte(text))
	if err != nil {
		return nil, err
	}
	return elements(strings.TrimPrefix(typ, "_"), v)
}

func elements(typ string, v any) (any, error) {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			var err error
			if out[i], err = elements(typ, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case pgtype.Numeric:
		text, err := x.Value()
		if s, ok := text.(string); ok && err == nil {
			return postgresText("NUMERIC", s)
		}
		return nil, err
	case [16]byte:
		return pgtype.UUID{Bytes: x, Valid: true}.String(), nil
	case time.Time:
		return postgresValue(typ, x, time.UTC)
	case []byte, nil, string, bool, int16, int32, int64, float32, float64, map[string]any:
		return postgresValue(typ, x, time.UTC)
	case fmt.Stringer:
		return x.String(), nil
	}
	return fmt.Sprint(v), nil
}

var intervalPart = regexp.MustCompile(`(-?\d+) (year|mon|day)s?|(-?)(\d+):(\d\d):(\d\d)(?:\.\d+)?`)

// interval writes an interval as ISO-8601 with all its parts, as the reference does; fractions of seconds are left out.
func interval(text string) (any, error) {
	p := map[string]int{}
	for _, m := range intervalPart.FindAllStringSubmatch(text, -1) {
		if m[2] != "" {
			p[m[2]], _ = strconv.Atoi(m[1]) // digits
			continue
		}
		for i, unit := range []string{"H", "M", "S"} {
			n, err := strconv.Atoi(m[3] + m[4+i])
			if err != nil {
				return nil, err
			}
			p[unit] = n
		}
	}
	return fmt.Sprintf("P%dY%dM%dDT%dH%dM%dS", p["year"], p["mon"], p["day"], p["H"], p["M"], p["S"]), nil
}
