package httpapi

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) exportRoutes() {
	a.route("GET", "/executions/export/by-query/csv", a.exportExecutions)
	a.route("GET", "/flows/export/by-query/csv", a.exportFlowTable)
}

// table answers with rows as CSV. They are sent as they come, so that there may be any number of them: an error after the
// first of them can no longer be told, but ends the answer early.
func table[T any](w http.ResponseWriter, name string, q backend.Query, header []string,
	search func(backend.Query) (backend.Page[T], error), row func(T) []string) error {
	q.Page, q.Size, q.NoTotal = 1, batch, true
	first, err := search(q)
	if err != nil {
		return err
	}
	attachment(w, "text/csv; charset=utf-8", name)
	out := csv.NewWriter(w)
	_ = out.Write(header)
	for p := first; ; {
		for _, r := range p.Results {
			_ = out.Write(row(r))
		}
		out.Flush()
		if out.Error() != nil || len(p.Results) < q.Size || p.Cursor == "" {
			return ignoreGone(out.Error())
		}
		q.After = p.Cursor
		if p, err = search(q); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func (a *API) exportExecutions(w http.ResponseWriter, r *http.Request) error {
	q, err := ofExecutions.query(r)
	if err != nil {
		return err
	}
	header := []string{"tenantId", "id", "namespace", "flowId", "flowRevision", "state", "startDate", "endDate", "duration", "labels", "triggerId", "parentId"}
	now := time.Now()
	return table(w, "executions.csv", q, header,
		func(q backend.Query) (backend.Page[*model.Execution], error) {
			return a.Backend.Executions().Search(r.Context(), q)
		},
		func(x *model.Execution) []string {
			var trigger, ended string
			if x.Trigger != nil {
				trigger = x.Trigger.ID
			}
			if end, ok := x.State.End(); ok {
				ended = dateText(&end)
			}
			start := x.State.Start()
			return []string{x.Tenant, x.ID, x.Namespace, x.FlowID, strconv.Itoa(x.FlowRevision), x.State.Current().String(), dateText(&start), ended,
				model.FormatDuration(x.State.Duration(now)), labelsText(x.Labels), trigger, x.ParentID}
		})
}

func (a *API) exportFlowTable(w http.ResponseWriter, r *http.Request) error {
	q, err := ofFlows.query(r)
	if err != nil {
		return err
	}
	header := []string{"tenantId", "namespace", "id", "revision", "disabled", "updated", "labels", "description"}
	return table(w, "flows.csv", q, header,
		func(q backend.Query) (backend.Page[*backend.FlowRecord], error) {
			return a.Backend.Flows().Search(r.Context(), q)
		},
		func(f *backend.FlowRecord) []string {
			return []string{f.Tenant, f.Namespace, f.ID, strconv.Itoa(f.Revision), strconv.FormatBool(f.Disabled), dateText(&f.Updated),
				labelsText(f.Labels), f.Description}
		})
}

// labelsText is labels in one cell.
func labelsText(labels []model.Label) string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l.Key + ":" + l.Value
	}
	return strings.Join(out, ",")
}
