package httpapi

import (
	"net/http"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// resume lets a paused execution go on, with the inputs that its Pause asks for.
func (a *API) resume(w http.ResponseWriter, r *http.Request) error {
	act, err := a.resumeInputs(r)
	if err != nil {
		return err
	}
	if _, err := a.ask(r.Context(), r.PathValue("id"), model.EventResume, act); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// validateResume says what is wrong with the inputs of a resume, and resumes nothing.
func (a *API) validateResume(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.resumeInputs(r); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "inputs": []any{}})
}

// resumeInputs reads and validates what a person gives when resuming.
func (a *API) resumeInputs(r *http.Request) (*model.Action, error) {
	p, err := a.Launcher.Paused(r.Context(), Tenant, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var given *value.Map
	if len(p.Flow.Inputs) > 0 {
		if given, err = a.readForm(r, p.Flow, p.Execution.ID); err != nil {
			return nil, err
		}
	}
	act, err := p.Resume(r.Context(), given)
	if err != nil {
		return nil, err
	}
	if user, _, ok := r.BasicAuth(); ok {
		act.By = user
	}
	return act, nil
}

// replayWithInputs repeats an execution from its beginning with other inputs.
func (a *API) replayWithInputs(w http.ResponseWriter, r *http.Request) error {
	x, err := a.Backend.Executions().Get(r.Context(), Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	act, err := readReplay(a, r)
	if err != nil {
		return err
	}
	key := model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID, Revision: x.FlowRevision}
	if act.Revision > 0 {
		key.Revision = act.Revision
	}
	flow, err := a.Flows.Get(r.Context(), key)
	if err != nil {
		return err
	}
	act.NewID = model.NewID()
	given, err := a.readForm(r, flow, act.NewID)
	if err != nil {
		return err
	}
	if given != nil {
		resolved, err := a.Launcher.Inputs.Resolve(flow.Inputs, given, a.Launcher.Env(r.Context(), flow, x))
		if err != nil {
			return err
		}
		act.Inputs = value.AppendJSON(nil, resolved, value.JSONOptions{KeepNulls: true})
	}
	next, err := a.ask(r.Context(), x.ID, model.EventReplay, act)
	if err != nil {
		return err
	}
	return a.answerExecution(w, r, next)
}
