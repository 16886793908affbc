package httpapi

import (
	"errors"
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
	a.route("POST", "/triggers/set-disabled/by-triggers", a.disableTriggers)
	a.route("POST", "/triggers/set-disabled/by-query", a.disableTriggersFound)
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/unlock", a.changeOneTrigger(unlock))
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/restart", a.changeOneTrigger(restart))
	a.route("POST", "/triggers/unlock/by-triggers", a.unlockTriggers)
	a.route("POST", "/triggers/unlock/by-query", a.unlockTriggersFound)
	a.route("DELETE", "/triggers/{namespace}/{flowId}/{triggerId}", a.deleteTrigger)
	a.route("DELETE", "/triggers/delete/by-triggers", a.deleteTriggers)
	a.route("DELETE", "/triggers/delete/by-query", a.deleteTriggersFound)
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
		out.Results = append(out.Results, both{a.declared(r, t), t})
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
	return writeJSON(w, http.StatusOK, page[*model.TriggerState]{append([]*model.TriggerState{}, p.Results...), p.Total})
}

// errUnchanged ends a change of a trigger's state that has nothing to do.
var errUnchanged = errors.New("nothing to change")

func setDisabledTo(disabled bool) func(*model.TriggerState) error {
	return func(t *model.TriggerState) error {
		if t.Disabled == disabled {
			return errUnchanged
		}
		t.Disabled = disabled
		return nil
	}
}

// unlock forgets the execution that a trigger waits for.
func unlock(t *model.TriggerState) error {
	if t.ExecutionID == "" && t.EvaluateSince == nil {
		return conflict("the trigger is not locked")
	}
	t.ExecutionID, t.EvaluateSince = "", nil
	return nil
}

// restart forgets an evaluation that is under way, and who does it.
func restart(t *model.TriggerState) error {
	t.EvaluateSince, t.WorkerID = nil, ""
	return nil
}

func (a *API) changeTrigger(r *http.Request, id triggerID, change func(*model.TriggerState) error) (*model.TriggerState, error) {
	return a.Backend.Triggers().Update(r.Context(), Tenant, id.Namespace, id.FlowID, id.TriggerID, func(t *model.TriggerState) error {
		if err := change(t); err != nil {
			return err
		}
		now := time.Now().UTC()
		t.Updated = &now
		return nil
	})
}

func (a *API) changeOneTrigger(change func(*model.TriggerState) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		t, err := a.changeTrigger(r, triggerInPath(r), change)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, t)
	}
}

// updateTrigger enables or disables one trigger.
func (a *API) updateTrigger(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		triggerID
		Disabled bool `json:"disabled"`
	}
	if err := readJSON(r, &body, "a trigger as a JSON object"); err != nil {
		return err
	}
	_, err := a.changeTrigger(r, body.triggerID, setDisabledTo(body.Disabled))
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	t, err := a.Backend.Triggers().Get(r.Context(), Tenant, body.Namespace, body.FlowID, body.TriggerID)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, t)
}

// changeTriggers changes several triggers and answers with the number of those that there are. Those that need no change,
// or cannot have it, stay as they are.
func (a *API) changeTriggers(w http.ResponseWriter, r *http.Request, ids []triggerID, change func(*model.TriggerState) error) error {
	done := 0
	for _, id := range ids {
		_, err := a.changeTrigger(r, id, change)
		var known *Error
		switch {
		case err == nil, errors.Is(err, errUnchanged):
			done++
		case errors.Is(err, backend.ErrNotFound), errors.As(err, &known):
		default:
			return err
		}
	}
	return writeJSON(w, http.StatusOK, outcome{done})
}

func (a *API) disableTriggers(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Triggers []triggerID `json:"triggers"`
		Disabled bool        `json:"disabled"`
	}
	if err := readJSON(r, &body, "a JSON object with triggers and disabled"); err != nil {
		return err
	}
	return a.changeTriggers(w, r, body.Triggers, setDisabledTo(body.Disabled))
}

func (a *API) disableTriggersFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.triggersFound(r)
	if err != nil {
		return err
	}
	return a.changeTriggers(w, r, found, setDisabledTo(r.URL.Query().Get("disabled") != "false"))
}

func readTriggerIDs(r *http.Request) (ids []triggerID, err error) {
	return ids, readJSON(r, &ids, "a JSON list of triggers with namespace, flowId and triggerId")
}

func (a *API) unlockTriggers(w http.ResponseWriter, r *http.Request) error {
	ids, err := readTriggerIDs(r)
	if err != nil {
		return err
	}
	return a.changeTriggers(w, r, ids, unlock)
}

func (a *API) unlockTriggersFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.triggersFound(r)
	if err != nil {
		return err
	}
	return a.changeTriggers(w, r, found, unlock)
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
	id := triggerInPath(r)
	if err := a.Backend.Triggers().Delete(r.Context(), Tenant, id.Namespace, id.FlowID, id.TriggerID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) deleteTriggers(w http.ResponseWriter, r *http.Request) error {
	ids, err := readTriggerIDs(r)
	if err != nil {
		return err
	}
	return a.dropTriggers(w, r, ids)
}

func (a *API) deleteTriggersFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.triggersFound(r)
	if err != nil {
		return err
	}
	return a.dropTriggers(w, r, found)
}

func (a *API) dropTriggers(w http.ResponseWriter, r *http.Request, ids []triggerID) error {
	done := 0
	for _, id := range ids {
		err := a.Backend.Triggers().Delete(r.Context(), Tenant, id.Namespace, id.FlowID, id.TriggerID)
		if err != nil && !errors.Is(err, backend.ErrNotFound) {
			return err
		}
		if err == nil {
			done++
		}
	}
	return writeJSON(w, http.StatusOK, outcome{done})
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
