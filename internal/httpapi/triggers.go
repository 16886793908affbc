package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	a.route("POST", "/triggers/set-disabled/by-triggers", a.disableTriggers)
	a.route("POST", "/triggers/set-disabled/by-query", a.disableTriggersFound)
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/unlock", a.manageOne(unlock))
	a.route("POST", "/triggers/{namespace}/{flowId}/{triggerId}/restart", a.manageOne(restart))
	a.route("POST", "/triggers/unlock/by-triggers", a.manageGiven(unlock))
	a.route("POST", "/triggers/unlock/by-query", a.manageFound(unlock))
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

// change is what is asked of a trigger.
type change struct {
	kind   model.EventKind
	manage model.Manage
}

var (
	unlock       = change{kind: model.EventUnlock}
	restart      = change{kind: model.EventRestartJob}
	forget       = change{kind: model.EventForget}
	dropBackfill = change{kind: model.EventBackfill}
)

func setDisabled(disabled bool) change {
	return change{model.EventSetDisabled, model.Manage{Disabled: disabled}}
}

func pauseBackfill(paused bool) change {
	return change{model.EventPauseFill, model.Manage{Paused: paused}}
}

// manageTrigger asks the scheduler for a change, and returns what is remembered afterwards.
func (a *API) manageTrigger(r *http.Request, id triggerID, c change) (*model.TriggerState, error) {
	of := model.TriggerEntity(Tenant, id.Namespace, id.FlowID, id.TriggerID)
	return backend.ManageTrigger(r.Context(), a.Backend, of, c.kind, &c.manage)
}

func (a *API) manageOne(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return a.answerManaged(w, r, triggerInPath(r), c)
	}
}

// manageNamed changes the trigger that the body names.
func (a *API) manageNamed(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var id triggerID
		if err := readJSON(r, &id, "a trigger with namespace, flowId and triggerId"); err != nil {
			return err
		}
		return a.answerManaged(w, r, id, c)
	}
}

func (a *API) answerManaged(w http.ResponseWriter, r *http.Request, id triggerID, c change) error {
	t, err := a.manageTrigger(r, id, c)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shown(t))
}

func (a *API) manageGiven(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var ids []triggerID
		if err := readJSON(r, &ids, "a JSON list of triggers with namespace, flowId and triggerId"); err != nil {
			return err
		}
		return a.manageAll(w, r, ids, c)
	}
}

func (a *API) manageFound(c change) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		found, err := a.triggersFound(r)
		if err != nil {
			return err
		}
		return a.manageAll(w, r, found, c)
	}
}

// manageAll changes several triggers and answers with the number of those that could be changed.
func (a *API) manageAll(w http.ResponseWriter, r *http.Request, ids []triggerID, c change) error {
	done := 0
	for _, id := range ids {
		_, err := a.manageTrigger(r, id, c)
		switch {
		case err == nil:
			done++
		case errors.Is(err, backend.ErrNotFound), errors.Is(err, backend.ErrConflict), errors.Is(err, backend.ErrInvalid):
		default:
			return err
		}
	}
	return writeJSON(w, http.StatusOK, outcome{done})
}

// updateTrigger enables or disables one trigger, and starts or changes its backfill.
func (a *API) updateTrigger(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		triggerID
		Disabled *bool         `json:"disabled"`
		Backfill *backfillBody `json:"backfill"`
	}
	if err := readJSON(r, &body, "a trigger as a JSON object"); err != nil {
		return err
	}
	t, err := a.Backend.Triggers().Get(r.Context(), Tenant, body.Namespace, body.FlowID, body.TriggerID)
	if err != nil {
		return err
	}
	if body.Disabled != nil && *body.Disabled != t.Disabled {
		if t, err = a.manageTrigger(r, body.triggerID, setDisabled(*body.Disabled)); err != nil {
			return err
		}
	}
	if body.Backfill != nil {
		c, err := body.Backfill.change(t.Backfill)
		if err != nil {
			return err
		}
		if t, err = a.manageTrigger(r, body.triggerID, c); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusOK, shown(t))
}

// shown is what people see of a trigger's state, which is not what the scheduler keeps for itself.
func shown(t *model.TriggerState) *model.TriggerState {
	s := *t
	s.Engine = model.TriggerEngine{}
	return &s
}

// backfillBody is a backfill as clients send it. Inputs and labels come as an object or as a list of keys with values.
type backfillBody struct {
	Start  *time.Time      `json:"start"`
	End    *time.Time      `json:"end"`
	Paused bool            `json:"paused"`
	Inputs json.RawMessage `json:"inputs"`
	Labels any             `json:"labels"`
}

// change is what the body asks for: to pause or go on with the backfill that is under way, or a new one.
func (b *backfillBody) change(now *model.Backfill) (change, error) {
	if b.Start == nil {
		if now == nil {
			return change{}, invalid("backfill.start: is missing")
		}
		return pauseBackfill(b.Paused), nil
	}
	if now != nil && b.Start.Equal(now.Start) && b.Paused != now.Paused { // a client sends all of it to pause it
		return pauseBackfill(b.Paused), nil
	}
	labels, err := labelsIn(b.Labels)
	if err != nil {
		return change{}, err
	}
	inputs := b.Inputs
	if string(inputs) == "null" {
		inputs = nil
	}
	if len(inputs) > 0 && inputs[0] != '{' {
		return change{}, invalid("backfill.inputs: not an object")
	}
	return change{model.EventBackfill, model.Manage{Backfill: &model.Backfill{
		Start: b.Start.UTC(), End: b.End, Paused: b.Paused, Inputs: inputs, Labels: labels,
	}}}, nil
}

// labelsIn reads labels that are an object, or a list of keys with values.
func labelsIn(v any) ([]model.Label, error) {
	var out []model.Label
	switch l := v.(type) {
	case nil:
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(l)) {
			out = append(out, model.Label{Key: k, Value: fmt.Sprint(l[k])})
		}
	case []any:
		for _, e := range l {
			m, ok := e.(map[string]any)
			if !ok || m["key"] == nil {
				return nil, invalid("labels: each needs a key and a value")
			}
			out = append(out, model.Label{Key: fmt.Sprint(m["key"]), Value: fmt.Sprint(m["value"])})
		}
	default:
		return nil, invalid("labels: not a map, and not a list of keys with values")
	}
	return out, nil
}

func (a *API) disableTriggers(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Triggers []triggerID `json:"triggers"`
		Disabled bool        `json:"disabled"`
	}
	if err := readJSON(r, &body, "a JSON object with triggers and disabled"); err != nil {
		return err
	}
	return a.manageAll(w, r, body.Triggers, setDisabled(body.Disabled))
}

func (a *API) disableTriggersFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.triggersFound(r)
	if err != nil {
		return err
	}
	return a.manageAll(w, r, found, setDisabled(r.URL.Query().Get("disabled") != "false"))
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
