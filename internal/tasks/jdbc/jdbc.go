// Package jdbc holds the types that talk to SQL databases: queries, lists of queries, writing the rows of files, and triggers
// that wait for rows. The databases differ in how they are reached (postgresql.go, mysql.go, sqlite.go) and in a few types of
// columns; all else is one implementation.
package jdbc

import (
	"context"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.jdbc."

// Types lists the types of this package.
func Types() []plugin.Type {
	return append(append(postgresTypes(), mysqlTypes()...), sqliteTypes()...)
}

// product describes the types of one database.
type product struct {
	name, title, url string
	alias            string // another name of the product, with the same types; "" for none
	trigger          func() any
	query            func() any
	queries          func() any
	batch            func() any
	output           any
}

func (p product) types() []plugin.Type {
	types := []plugin.Type{
		{
			Name: area + p.name + ".Trigger", Category: plugin.Trigger, Trigger: model.TriggerPolling,
			Title: "Start the flow when a query of " + p.title + " finds rows.",
			Description: "Runs the query every `interval`. Where it finds rows, `afterSQL` may mark them, in the same transaction, which is " +
				"committed once it is certain that the flow starts: a row that was found is not lost. If the worker dies, or the database cannot " +
				"be reached, just between the two, the row is found once more. Rows that come while it runs are left for the next time.",
			Examples: []plugin.Example{{Title: "New orders, each once", YAML: `id: orders
type: ` + area + p.name + `.Trigger
interval: PT5M
url: ` + p.url + `
username: shop
password: "{{ secret('DB_PASSWORD') }}"
sql: SELECT id, status FROM orders WHERE status = 'NEW'
afterSQL: UPDATE orders SET status = 'SEEN' WHERE status = 'NEW'
fetchType: FETCH`}},
			New: p.trigger, Outputs: Output{},
		},
		{
			Name: area + p.name + ".Query", Category: plugin.Task, Title: "Run a statement in " + p.title + ".",
			Description: "Runs one statement. `fetchType` says what becomes of the rows that it gives.",
			Examples: []plugin.Example{{Title: "One row by its key", YAML: `id: order
type: ` + area + p.name + `.Query
url: ` + p.url + `
sql: SELECT * FROM orders WHERE id = :id
parameters:
  id: "{{ inputs.id }}"
fetchType: FETCH_ONE`}},
			New: p.query, Outputs: p.output,
		},
		{
			Name: area + p.name + ".Queries", Category: plugin.Task, Title: "Run several statements in " + p.title + ".",
			Description: "Runs statements that end with semicolons, all or none of them unless `transaction` is unset. Each that gives rows has an output.",
			Examples: []plugin.Example{{Title: "Two statements", YAML: `id: both
type: ` + area + p.name + `.Queries
url: ` + p.url + `
sql: |
  SELECT count(*) AS orders FROM orders;
  SELECT count(*) AS customers FROM customers;
fetchType: FETCH_ONE`}},
			New: p.queries, Outputs: QueriesOutput{},
		},
		{
			Name: area + p.name + ".Batch", Category: plugin.Task, Title: "Write the rows of a file to " + p.title + ".",
			Description: "Runs a statement for each row of a file of Ion or JSON lines, such as `fetchType: STORE` and the conversions of " +
				"`io.kestra.plugin.serdes` make. Each chunk of rows is a transaction.",
			Examples: []plugin.Example{{Title: "Insert rows", YAML: `id: insert
type: ` + area + p.name + `.Batch
url: ` + p.url + `
from: "{{ outputs.orders.uri }}"
table: orders
columns: [id, status]`}},
			New: p.batch, Outputs: BatchOutput{},
		},
	}
	for i := range types {
		if p.alias != "" {
			types[i].Aliases = []string{strings.Replace(types[i].Name, p.name, p.alias, 1)}
		}
	}
	return types
}

// Connection says which database is meant.
type Connection struct {
	Username           string `json:"username" doc:"The user."`
	Password           string `json:"password" doc:"The user's password."`
	TimeZoneID         string `json:"timeZoneId" doc:"The time zone that dates with a zone are shown in; without it the server's."`
	ConnectionPooling  bool   `json:"connectionPooling" default:"true" doc:"Accepted and not used: every run has a connection of its own."`
	ConnectionPoolSize int    `json:"connectionPoolSize" default:"10" doc:"Accepted and not used."`
}

// Statement says what to run, and what becomes of the rows.
type Statement struct {
	SQL        string         `json:"sql" required:"true" doc:"The SQL."`
	Parameters map[string]any `json:"parameters" typed:"true" doc:"Values for the places that the SQL names with a colon, as in :id."`
	FetchSize  int            `json:"fetchSize" default:"10000" doc:"Accepted and not used: rows are read as they come."`
	Store      bool           `json:"store" default:"false" static:"true" deprecated:"fetchType: STORE" doc:"Whether rows are stored."`
	FetchOne   bool           `json:"fetchOne" default:"false" static:"true" deprecated:"fetchType: FETCH_ONE" doc:"Whether the first row is put out."`
	Fetch      bool           `json:"fetch" default:"false" static:"true" deprecated:"fetchType: FETCH" doc:"Whether all rows are put out."`
}

// fetchType is what becomes of the rows, older properties considered.
func (s *Statement) fetchType(modern string) string {
	switch {
	case s.Fetch:
		return fetchAll
	case s.FetchOne:
		return fetchOne
	case s.Store:
		return fetchStore
	}
	return modern
}

// What may become of rows.
const (
	fetchAll   = "FETCH"
	fetchOne   = "FETCH_ONE"
	fetchStore = "STORE"
	fetchNone  = "NONE"
)

// Query is what the tasks have that run one statement.
type Query struct {
	Statement
	FetchType string `json:"fetchType" default:"NONE" enum:"FETCH,FETCH_ONE,STORE,NONE" doc:"FETCH puts all rows out, FETCH_ONE the first, STORE stores them as a file of Ion."`
	AfterSQL  string `json:"afterSQL" doc:"A statement to run afterwards, in the same transaction."`
}

// Queries is what the tasks have that run several statements.
type Queries struct {
	Statement
	FetchType   string `json:"fetchType" default:"NONE" enum:"FETCH,FETCH_ONE,STORE,NONE" doc:"FETCH puts all rows out, FETCH_ONE the first, STORE stores them as a file of Ion."`
	Transaction bool   `json:"transaction" default:"true" doc:"Whether all of them are undone when one fails."`
}

// Trigger is what the triggers have.
type Trigger struct {
	Statement
	Interval  sdk.Duration `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each query."`
	FetchType string       `json:"fetchType" default:"FETCH" enum:"FETCH,FETCH_ONE,STORE" doc:"FETCH gives the flow all rows, FETCH_ONE the first, STORE a file of Ion with them."`
	AfterSQL  string       `json:"afterSQL" doc:"A statement that marks the rows, in the same transaction."`
}

// Output is what came of a query.
type Output struct {
	Row         any               `json:"row" doc:"The first row, with FETCH_ONE."`
	Rows        []any             `json:"rows,omitempty" doc:"The rows, with FETCH."`
	URI         string            `json:"uri,omitempty" doc:"The file with the rows, with STORE."`
	Size        *int64            `json:"size" doc:"How many rows there are."`
	DatabaseURI string            `json:"databaseUri,omitempty" doc:"The file of the database, where it is to be put out."`
	OutputFiles map[string]string `json:"outputFiles,omitempty" doc:"Never there; the reference declares it too."`
}

// QueriesOutput is what came of several queries.
type QueriesOutput struct {
	Outputs []Output `json:"outputs" doc:"What came of each that gives rows."`
}

// database is a way to reach one.
type database interface {
	// open connects. What it has to remove afterwards is removed by the session's end.
	open(ctx context.Context, run sdk.Run) (*session, error)
}
