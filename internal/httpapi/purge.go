package httpapi

import (
	"net/http"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/purge"
)

func (a *API) purgeRoutes() {
	a.route("POST", "/instance/purge", a.purge)
}

// purgeRequest says what is deleted for good: all executions that have ended, or those that its members narrow down.
type purgeRequest struct {
	Namespace string     `json:"namespace"`
	FlowID    string     `json:"flowId"`
	States    []string   `json:"states"`
	StartDate *time.Time `json:"startDate"`
	EndDate   time.Time  `json:"endDate"`
	// Parts that stay.
	KeepExecutions bool `json:"keepExecutions"`
	KeepLogs       bool `json:"keepLogs"`
	KeepMetrics    bool `json:"keepMetrics"`
	KeepFiles      bool `json:"keepFiles"`
	DryRun         bool `json:"dryRun"`
}

// purgeBatch is how many executions are deleted at once.
const purgeBatch = 100

// purge deletes executions that began up to a date and have ended. With dryRun it only counts them.
func (a *API) purge(w http.ResponseWriter, r *http.Request) error {
	var body purgeRequest
	if err := readJSON(r, &body, "a JSON object with endDate"); err != nil {
		return err
	}
	if body.EndDate.IsZero() {
		return invalid("endDate: it is required, so that nothing is deleted by mistake")
	}
	for _, s := range body.States {
		if st, err := model.ParseState(s); err != nil || !st.Terminated() {
			return invalid("states: " + s + " is no state that executions end in")
		}
	}
	q := purge.Before(Tenant, body.EndDate, body.States)
	q.Filters = append(q.Filters, purge.InNamespace(body.Namespace, body.FlowID)...)
	if body.StartDate != nil {
		q.Filters = append(q.Filters, startingAt(*body.StartDate))
	}
	p := &purge.Purger{Backend: a.Backend, Storage: a.Storage}
	what := purge.What{Executions: !body.KeepExecutions, Logs: !body.KeepLogs, Metrics: !body.KeepMetrics, Files: !body.KeepFiles}
	var out purge.Deleted
	err := p.Batches(r.Context(), q, purgeBatch, func(list []*model.Execution) error {
		if body.DryRun {
			for _, e := range list {
				if e.Engine.Finished {
					out.Executions++
				}
			}
			return nil
		}
		n, err := p.Delete(r.Context(), list, what)
		out.Add(n)
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}
