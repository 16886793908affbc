package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

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

// managedAtOnce is how many triggers are asked for a change at a time: enough for commits to be shared.
const managedAtOnce = 64

// manageAll changes several triggers and answers with the number of those that could be changed. An error of the backend
// ends it, and says how far it has come.
func (a *API) manageAll(w http.ResponseWriter, r *http.Request, ids []triggerID, c change) error {
	var done atomic.Int64
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	places := make(chan struct{}, managedAtOnce)
	for _, id := range ids {
		places <- struct{}{}
		mu.Lock()
		stop := failed != nil
		mu.Unlock()
		if stop {
			break
		}
		wg.Go(func() {
			defer func() { <-places }()
			_, err := a.manageTrigger(r, id, c)
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, backend.ErrNotFound), errors.Is(err, backend.ErrConflict), errors.Is(err, backend.ErrInvalid):
			default:
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed != nil {
		e := a.classify(failed)
		return &Error{e.Status, fmt.Sprintf("after %d of %d triggers: %s", done.Load(), len(ids), e.Message)}
	}
	return writeJSON(w, http.StatusOK, outcome{int(done.Load())})
}

// disableTrigger enables or disables the trigger that the body names.
func (a *API) disableTrigger(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		triggerID
		Disabled *bool `json:"disabled"`
	}
	if err := readJSON(r, &body, "a trigger with namespace, flowId, triggerId and disabled"); err != nil {
		return err
	}
	if body.Disabled == nil {
		return errNoDisabled
	}
	return a.answerManaged(w, r, body.triggerID, setDisabled(*body.Disabled))
}

var errNoDisabled = invalid("disabled: is missing; true or false")

func (a *API) disableTriggers(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Triggers []triggerID `json:"triggers"`
		Disabled *bool       `json:"disabled"`
	}
	if err := readJSON(r, &body, "a JSON object with triggers and disabled"); err != nil {
		return err
	}
	if body.Disabled == nil {
		return errNoDisabled
	}
	return a.manageAll(w, r, body.Triggers, setDisabled(*body.Disabled))
}

func (a *API) disableTriggersFound(w http.ResponseWriter, r *http.Request) error {
	found, err := a.triggersFound(r)
	if err != nil {
		return err
	}
	return a.manageAll(w, r, found, setDisabled(r.URL.Query().Get("disabled") != "false"))
}
