package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"net/http"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) logRoutes() {
	a.route("GET", "/logs/search", a.searchLogs)
	a.route("GET", "/logs/{executionId}", a.logsOfExecution)
	a.route("GET", "/logs/{executionId}/download", a.downloadLogs)
	a.route("DELETE", "/logs/{executionId}", a.deleteLogs)
	a.route("DELETE", "/logs/{namespace}/{flowId}", a.deleteLogsOfFlow)
}

// page is a page of records as the API gives it.
type page[T any] struct {
	Results []T `json:"results"`
	Total   int `json:"total"`
}

func (a *API) searchLogs(w http.ResponseWriter, r *http.Request) error {
	q, err := ofLogs.query(r)
	if err != nil {
		return err
	}
	p, err := a.Backend.Logs().Search(r.Context(), q)
	if err != nil {
		return err
	}
	if p.Results == nil {
		p.Results = []model.LogEntry{}
	}
	return writeJSON(w, http.StatusOK, page[model.LogEntry]{p.Results, p.Total})
}

// logsOfExecution lists all lines of an execution, oldest first.
func (a *API) logsOfExecution(w http.ResponseWriter, r *http.Request) error {
	lines, err := a.executionLogs(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, lines)
}

// executionLogs finds the lines of an execution that a request asks for, oldest first.
func (a *API) executionLogs(r *http.Request) ([]model.LogEntry, error) {
	q, err := logQuery(r)
	if err != nil {
		return nil, err
	}
	lines := []model.LogEntry{}
	err = a.eachLine(r.Context(), q, func(l *model.LogEntry) { lines = append(lines, *l) })
	return lines, err
}

// eachLine calls f with the lines that a query finds, oldest first, a page of them in memory at a time.
func (a *API) eachLine(ctx context.Context, q backend.Query, f func(*model.LogEntry)) error {
	q.Sort = []backend.Sort{{By: "timestamp"}}
	return pages(q, func(q backend.Query) (backend.Page[model.LogEntry], error) {
		return a.Backend.Logs().Search(ctx, q)
	}, func(lines []model.LogEntry) {
		for i := range lines {
			f(&lines[i])
		}
	})
}

// logQuery selects the lines of the execution that a request's path names.
func logQuery(r *http.Request) (backend.Query, error) {
	q, err := ofLogs.query(r)
	if err != nil {
		return q, err
	}
	q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: r.PathValue("executionId")})
	if r.URL.Query().Get("attempt") != "" {
		n, err := whole(r.URL.Query(), "attempt", 0)
		if err != nil {
			return q, invalid("attempt: not a number")
		}
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldAttempt, Op: backend.OpEquals, Value: n})
	}
	return q, nil
}

// downloadLogs gives the lines of an execution as text.
func (a *API) downloadLogs(w http.ResponseWriter, r *http.Request) error {
	q, err := logQuery(r)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	began := false
	begin := func() {
		if !began {
			began = true
			attachment(w, "text/plain; charset=utf-8", r.PathValue("executionId")+".log")
		}
	}
	err = a.eachLine(r.Context(), q, func(l *model.LogEntry) {
		begin()
		_, _ = fmt.Fprintf(out, "%s %s %s\n", l.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Message)
	})
	switch {
	case err == nil:
		begin()
		return ignoreGone(out.Flush())
	case began: // the error can no longer be told but ends the file early
		panic(http.ErrAbortHandler)
	}
	return err
}

func (a *API) deleteLogs(w http.ResponseWriter, r *http.Request) error {
	q, err := logQuery(r)
	if err != nil {
		return err
	}
	return a.dropLogs(w, r, q)
}

// deleteLogsOfFlow deletes the lines of a flow, or of one of its triggers.
func (a *API) deleteLogsOfFlow(w http.ResponseWriter, r *http.Request) error {
	q, err := ofLogs.query(r)
	if err != nil {
		return err
	}
	q.Filters = append(q.Filters, namespaceFilter(r.PathValue("namespace")),
		backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: r.PathValue("flowId")})
	return a.dropLogs(w, r, q)
}

func (a *API) dropLogs(w http.ResponseWriter, r *http.Request, q backend.Query) error {
	n, err := a.Backend.Logs().Delete(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, outcome{n})
}
