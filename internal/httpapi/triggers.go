package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) triggerRoutes() {
	a.route("GET", "/triggers/search", a.searchTriggers)
	a.route("GET", "/triggers/{namespace}/{flowId}", a.triggersOfFlow)
	a.route("PUT", "/triggers", a.updateTrigger)
	a.route("GET", "/triggers/export/by-query/csv", a.exportTriggers)
	a.route("DELETE", "/triggers/{namespace}/{flowId}/{triggerId}", a.deleteTrigger)
	a.route("DELETE", "/triggers/delete/by-triggers", a.manageGiven(forget))
	a.route("DELETE", "/triggers/delete/by-query", a.manageFound(forget))
	a.route("PUT", "/triggers/set-disabled", a.disableTrigger)
	a.route("POST", "/triggers/set-disabled/by-triggers", a.disableTriggers)
	a.route("POST", "/triggers/set-disabled/by-query", a.disableTriggersFound)
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/unlock", a.manageOne(unlock))
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/restart", a.manageOne(restart))
	a.route("POST", "/triggers/unlock/by-triggers", a.manageGiven(unlock))
	a.route("POST", "/triggers/unlock/by-query", a.manageFound(unlock))
	a.route("PUT", "/triggers/backfill/create", a.createBackfill)
	for action, c := range map[string]change{"pause": pauseBackfill(true), "unpause": pauseBackfill(false), "delete": dropBackfill} {
		method := "PUT"
		if action == "delete" {
			method = "POST"
		}
		a.route(method, "/triggers/backfill/"+action, a.manageNamed(c))
		a.route("POST", "/triggers/backfill/"+action+"/by-triggers", a.manageGiven(c))
		a.route("POST", "/triggers/backfill/"+action+"/by-query", a.manageFound(c))
	}
}

// triggerID names a trigger in requests.
type triggerID struct {
	Namespace string `json:"namespace"`
	FlowID    string `json:"flowId"`
	TriggerID string `json:"triggerId"`
}

func triggerInPath(r *http.Request) triggerID {
	return triggerID{r.PathValue("namespace"), r.PathValue("flowId"), r.PathValue("triggerId")}
}

// searchTriggers gives triggers as they are declared, each with what is remembered of it.
func (a *API) searchTriggers(w http.ResponseWriter, r *http.Request) error {
	q, err := ofTriggers.query(r)
	if err != nil {
		return err
	}
	p, err := a.Backend.Triggers().Search(r.Context(), q)
	if err != nil {
		return err
	}
	type both struct {
		Declared *value.Map          `json:"abstractTrigger"`
		State    *model.TriggerState `json:"triggerContext"`
	}
	out := page[both]{Results: []both{}, Total: p.Total}
	for _, t := range p.Results {
		out.Results = append(out.Results, both{a.declared(r, t), shown(t)})
	}
	return writeJSON(w, http.StatusOK, out)
}

// declared is a trigger as its flow has it, nil if the flow has it no more.
func (a *API) declared(r *http.Request, t *model.TriggerState) *value.Map {
	f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: t.Tenant, Namespace: t.Namespace, ID: t.FlowID})
	if err != nil {
		return nil
	}
	list, _ := f.Document.Get("triggers")
	return findTask(list, t.TriggerID)
}

func (a *API) triggersOfFlow(w http.ResponseWriter, r *http.Request) error {
	q, err := ofTriggers.query(r)
	if err != nil {
		return err
	}
	q.Filters = append(q.Filters, namespaceFilter(r.PathValue("namespace")),
		backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: r.PathValue("flowId")})
	p, err := a.Backend.Triggers().Search(r.Context(), q)
	if err != nil {
		return err
	}
	out := page[*model.TriggerState]{Results: []*model.TriggerState{}, Total: p.Total}
	for _, t := range p.Results {
		out.Results = append(out.Results, shown(t))
	}
	return writeJSON(w, http.StatusOK, out)
}

// shown is what people see of a trigger's state, which is not what the scheduler keeps for itself.
func shown(t *model.TriggerState) *model.TriggerState {
	s := *t
	s.Engine = model.TriggerEngine{}
	return &s
}

// triggersFound lists the triggers that the filters of a request select: those of its query, and those of its body.
func (a *API) triggersFound(r *http.Request) ([]triggerID, error) {
	states, err := a.triggerStatesFound(r)
	ids := make([]triggerID, len(states))
	for i, t := range states {
		ids[i] = triggerID{t.Namespace, t.FlowID, t.TriggerID}
	}
	return ids, err
}

func (a *API) triggerStatesFound(r *http.Request) ([]*model.TriggerState, error) {
	v := r.URL.Query()
	v.Del("disabled") // what to change, not what to find
	given, err := ofTriggers.filters(v)
	if err != nil {
		return nil, err
	}
	more, err := filtersInBody(r)
	if err != nil {
		return nil, err
	}
	q := backend.Query{Tenant: Tenant, Filters: append(given, more...)}
	return all(q, func(q backend.Query) (backend.Page[*model.TriggerState], error) {
		return a.Backend.Triggers().Search(r.Context(), q)
	})
}

// filtersInBody reads filters from a JSON object.
func filtersInBody(r *http.Request) ([]backend.Filter, error) {
	var body struct {
		Filters []struct {
			Field     string `json:"field"`
			Operation string `json:"operation"`
			Value     any    `json:"value"`
		} `json:"filters"`
	}
	if _, err := readOptionalJSON(r, &body, "a JSON object with filters"); err != nil {
		return nil, err
	}
	v := url.Values{}
	for _, f := range body.Filters {
		name := "filters[" + f.Field + "][" + f.Operation + "]"
		switch val := f.Value.(type) {
		case []any:
			for _, one := range val {
				v.Add(name, fmt.Sprint(one))
			}
		case map[string]any:
			for k, one := range val {
				if k == "value" && len(val) == 1 {
					v.Add(name, fmt.Sprint(one))
				} else {
					v.Add(name+"["+k+"]", fmt.Sprint(one))
				}
			}
		default:
			v.Add(name, fmt.Sprint(val))
		}
	}
	return ofTriggers.filters(v)
}

func (a *API) deleteTrigger(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.manageTrigger(r, triggerInPath(r), forget); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// exportTriggers writes triggers as a table.
func (a *API) exportTriggers(w http.ResponseWriter, r *http.Request) error {
	given, err := ofTriggers.filters(r.URL.Query())
	if err != nil {
		return err
	}
	header := []string{"tenantId", "namespace", "flowId", "triggerId", "date", "nextExecutionDate", "executionId", "disabled"}
	return table(w, "triggers.csv", backend.Query{Tenant: Tenant, Filters: given}, header,
		func(q backend.Query) (backend.Page[*model.TriggerState], error) {
			return a.Backend.Triggers().Search(r.Context(), q)
		},
		func(t *model.TriggerState) []string {
			return []string{t.Tenant, t.Namespace, t.FlowID, t.TriggerID, dateText(t.Date), dateText(t.Next), t.ExecutionID, strconv.FormatBool(t.Disabled)}
		})
}

func dateText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
