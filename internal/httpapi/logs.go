package httpapi

import (
	"net/http"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) logRoutes() {
	a.route("GET", "/logs/search", a.searchLogs)
	a.route("GET", "/logs/{executionId}", a.logsOfExecution)
}

// page is a page of records as the API gives it.
type page[T any] struct {
	Results []T `json:"results"`
	Total   int `json:"total"`
}

func (a *API) searchLogs(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
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

func (a *API) executionLogs(r *http.Request) ([]model.LogEntry, error) {
	q, err := query(r)
	if err != nil {
		return nil, err
	}
	q.Page, q.Size, q.NoTotal = 1, maxPage, true
	q.Sort = []backend.Sort{{By: "timestamp"}}
	q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: r.PathValue("executionId")})
	lines := []model.LogEntry{}
	for {
		p, err := a.Backend.Logs().Search(r.Context(), q)
		if err != nil {
			return nil, err
		}
		lines = append(lines, p.Results...)
		if len(p.Results) < q.Size || p.Cursor == "" {
			return lines, nil
		}
		q.After = p.Cursor
	}
}
