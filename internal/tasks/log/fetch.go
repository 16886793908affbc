package log

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func fetchType(b backend.Backend) plugin.Type {
	return plugin.Type{
		Name: "io.kestra.plugin.core.log.Fetch", Aliases: []string{"io.kestra.core.tasks.log.Fetch"},
		Category: plugin.Task, Title: "Store the log of an execution as a file.",
		Description: "Writes the log lines of this or of another execution into a file of internal storage, one Ion value a line, oldest first.",
		Deprecated:  "the API of the server",
		Examples: []plugin.Example{{Title: "Store the warnings of one task", YAML: `id: warnings
type: io.kestra.plugin.core.log.Fetch
level: WARN
tasksId: [extract]`}},
		New: func() any { return &Fetch{backend: b} }, Outputs: FetchOutput{},
	}
}

// Fetch stores the log of an execution.
type Fetch struct {
	Namespace   string    `json:"namespace" doc:"The namespace of the execution; it need not be set."`
	FlowID      string    `json:"flowId" doc:"The flow of the execution; it need not be set."`
	ExecutionID string    `json:"executionId" doc:"The execution; this one unless it is set."`
	TasksID     []string  `json:"tasksId" doc:"The tasks whose lines are stored; all unless it is set."`
	Level       sdk.Level `json:"level" default:"INFO" doc:"The least level of the lines."`
	backend     backend.Backend
}

// FetchOutput is what Fetch puts out.
type FetchOutput struct {
	Size int    `json:"size" doc:"How many lines there are."`
	URI  string `json:"uri" doc:"The URI of the file."`
}

// Run streams the lines from the backend into the file.
func (t *Fetch) Run(ctx context.Context, run sdk.Run) (any, error) {
	q, err := t.query(run)
	if err != nil {
		return nil, err
	}
	n := 0
	uri, err := files.Produce(ctx, run, "logs.ion", func(w io.Writer) error {
		var err error
		n, err = t.write(ctx, w, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	run.Counter("size", float64(n))
	return FetchOutput{n, uri}, nil
}

func (t *Fetch) query(run sdk.Run) (backend.Query, error) {
	info := run.Info()
	id := t.ExecutionID
	if id == "" {
		if t.Namespace != "" || t.FlowID != "" {
			return backend.Query{}, errors.New("executionId is required where namespace or flowId is set")
		}
		id = info.ExecutionID
	}
	q := backend.Query{
		Tenant: info.Tenant, Page: 1, Size: pageSize, NoTotal: true, Sort: []backend.Sort{{By: "timestamp"}},
		Filters: []backend.Filter{
			{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: id},
			{Field: backend.FieldLevel, Op: backend.OpGreaterEq, Value: model.Level(t.Level).String()},
		},
	}
	if t.Namespace != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: t.Namespace})
	}
	if t.FlowID != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: t.FlowID})
	}
	if len(t.TasksID) > 0 {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldTaskID, Op: backend.OpIn, Value: t.TasksID})
	}
	return q, nil
}

// pageSize is how many lines are in memory at once.
const pageSize = 1000

// write writes the lines that a query finds, each as an Ion value, and returns how many there are.
func (t *Fetch) write(ctx context.Context, w io.Writer, q backend.Query) (int, error) {
	n := 0
	var text []byte
	for {
		page, err := t.backend.Logs().Search(ctx, q)
		if err != nil {
			return n, err
		}
		for _, line := range page.Results {
			if text, err = appendLine(text[:0], line); err != nil {
				return n, err
			}
			if _, err := w.Write(text); err != nil {
				return n, err
			}
			n++
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			return n, nil
		}
		q.After = page.Cursor
	}
}

func appendLine(dst []byte, line model.LogEntry) ([]byte, error) {
	raw, err := json.Marshal(line)
	if err != nil {
		return dst, err
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return dst, err
	}
	if m, ok := v.(*value.Map); ok {
		m.Set("timestamp", value.Instant{T: line.Timestamp})
	}
	return append(ion.Append(dst, v), '\n'), nil
}
