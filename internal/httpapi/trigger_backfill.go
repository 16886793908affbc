package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

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
		if c != nil {
			if t, err = a.manageTrigger(r, body.triggerID, *c); err != nil {
				return err
			}
		}
	}
	return writeJSON(w, http.StatusOK, shown(t))
}

// backfillBody is a backfill as clients send it. Inputs and labels come as an object or as a list of keys with values.
type backfillBody struct {
	Start  *time.Time      `json:"start"`
	End    *time.Time      `json:"end"`
	Paused bool            `json:"paused"`
	Inputs json.RawMessage `json:"inputs"`
	Labels any             `json:"labels"`
}

// change is what the body asks for: to pause or go on with the backfill that is under way, or a new one. It is nil where a
// client that sends all of a trigger sends the backfill as it is.
func (b *backfillBody) change(now *model.Backfill) (*change, error) {
	if b.Start == nil && now == nil {
		return nil, invalid("backfill.start: is missing")
	}
	c, err := b.begin()
	if err != nil {
		return nil, err
	}
	switch {
	case now == nil:
		return &c, nil
	case !b.means(now, c.manage.Backfill):
		if b.Start == nil {
			return nil, invalid("backfill.start: is missing, and the backfill that is under way is another one")
		}
		return &c, nil
	}
	if b.Paused == now.Paused {
		return nil, nil
	}
	c = pauseBackfill(b.Paused)
	return &c, nil
}

// means tells whether the body is about the backfill that is under way: all that it says agrees with it.
func (b *backfillBody) means(now, said *model.Backfill) bool {
	return (b.Start == nil || b.Start.Equal(now.Start)) &&
		(b.End == nil || now.End != nil && b.End.Equal(*now.End)) &&
		(len(said.Inputs) == 0 || sameJSON(said.Inputs, now.Inputs)) &&
		(b.Labels == nil || slices.Equal(said.Labels, now.Labels))
}

func sameJSON(a, b []byte) bool {
	x, err := value.ParseJSON(a)
	y, other := value.ParseJSON(b)
	return err == nil && other == nil && value.Equal(x, y)
}

// begin is the new backfill that the body asks for.
func (b *backfillBody) begin() (change, error) {
	labels, err := labelsIn(b.Labels)
	if err != nil {
		return change{}, err
	}
	for _, l := range labels {
		if strings.HasPrefix(l.Key, model.SystemPrefix) {
			return change{}, launch.ErrLabel
		}
	}
	inputs := b.Inputs
	if string(inputs) == "null" {
		inputs = nil
	}
	if len(inputs) > 0 && inputs[0] != '{' {
		return change{}, invalid("backfill.inputs: not an object")
	}
	fill := &model.Backfill{End: b.End, Paused: b.Paused, Inputs: inputs, Labels: labels}
	if b.Start != nil {
		fill.Start = b.Start.UTC()
	}
	return change{model.EventBackfill, model.Manage{Backfill: fill}}, nil
}

// createBackfill begins a backfill where there is none under way.
func (a *API) createBackfill(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		triggerID
		Backfill *backfillBody `json:"backfill"`
	}
	if err := readJSON(r, &body, "a trigger with namespace, flowId, triggerId and backfill"); err != nil {
		return err
	}
	if body.Backfill == nil || body.Backfill.Start == nil {
		return invalid("backfill.start: is missing")
	}
	c, err := body.Backfill.begin()
	if err != nil {
		return err
	}
	c.manage.Only = true
	return a.answerManaged(w, r, body.triggerID, c)
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
