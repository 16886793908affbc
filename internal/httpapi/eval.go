package httpapi

import (
	"net/http"
	"time"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

func (a *API) evalRoutes() {
	a.route("POST", "/executions/{id}/eval", a.eval)
	a.route("POST", "/executions/{id}/eval/{taskRunId}", a.eval)
	a.route("POST", "/executions/{id}/actions/eval", a.eval)
	a.route("POST", "/executions/{id}/actions/eval/{taskRunId}", a.eval)
	a.route("POST", "/executions/{namespace}/{id}/validate", a.validateInputs)
}

// evaluation is what came of an expression.
type evaluation struct {
	Result *string `json:"result,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// eval evaluates a text in the context of an execution, or of one of its task runs. What is encrypted stays so, and secrets
// are not told.
func (a *API) eval(w http.ResponseWriter, r *http.Request) error {
	text, err := readBody(r, maxFlow)
	if err != nil {
		return err
	}
	x, runs, err := a.loadExecution(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID, Revision: x.FlowRevision})
	if err != nil {
		return err
	}
	l := a.Launcher
	env := &engine.Env{Now: time.Now(), Templates: a.Templates, Location: l.Location, Globals: l.Globals, Envs: l.Envs, Kestra: l.Kestra}
	call := func(name string, args expr.Args) (any, error) {
		if name == "secret" {
			return mask.Stars, nil
		}
		caller := world.Caller{Tenant: Tenant, Namespace: x.Namespace, FlowID: x.FlowID, ExecutionID: x.ID}
		return l.World.Call(r.Context(), caller, name, args)
	}
	scope, ok := engine.Scope(engine.Load(f, x, runs, nil, 0), r.PathValue("taskRunId"), env, call)
	if !ok {
		return notFound("Not Found: the execution has no task run " + r.PathValue("taskRunId"))
	}
	h := a.hider(x, runs)
	s, err := a.Templates.Render(string(text), scope, expr.Limits{})
	if err != nil {
		return writeJSON(w, http.StatusOK, evaluation{Error: h.Replace(err.Error())})
	}
	s = h.Replace(s)
	return writeJSON(w, http.StatusOK, evaluation{Result: &s})
}

// validateInputs says of each input of a flow what its value would be and what is wrong with it; if nothing is, which checks
// would not hold. It starts nothing, and files are not kept.
func (a *API) validateInputs(w http.ResponseWriter, r *http.Request) error {
	f, err := a.flowAt(r)
	if err != nil {
		return err
	}
	x := &model.Execution{Tenant: Tenant, ID: model.NewID(), Namespace: f.Namespace, FlowID: f.ID, State: model.NewHistory(model.Created, time.Now())}
	given, err := a.readForm(r, f, x.ID)
	if err != nil {
		return err
	}
	defer func() { _ = a.deleteFiles(r.Context(), x) }()
	checked, err := a.Launcher.Inputs.Check(f.Inputs, given, a.Launcher.Env(r.Context(), f, x))
	if err != nil {
		return err
	}
	declared, _ := f.Document.Get("inputs")
	h := a.Masks.Of(x.ID)
	out := []any{}
	right := true
	for _, v := range checked {
		right = right && len(v.Errors) == 0
		v.Value = h.Value(v.Value)
		for i := range v.Errors {
			v.Errors[i] = h.Replace(v.Errors[i])
		}
		out = append(out, checkedInput(v, declared))
	}
	answer := value.MapOf(value.Entry{Key: "id", Value: f.ID}, value.Entry{Key: "namespace", Value: f.Namespace}, value.Entry{Key: "inputs", Value: out})
	if right {
		failed, err := a.Launcher.Checks(r.Context(), f, x, given)
		if err != nil {
			return err
		}
		if len(failed) > 0 {
			answer.Set("checks", checkList(failed))
		}
	}
	return writeValue(w, answer)
}

// checkList is the list of checks that do not hold.
func checkList(failed []launch.FailedCheck) []any {
	out := make([]any, len(failed))
	for i, c := range failed {
		out[i] = value.MapOf(value.Entry{Key: "message", Value: c.Message}, value.Entry{Key: "style", Value: c.Style},
			value.Entry{Key: "behavior", Value: c.Behavior})
	}
	return out
}

// checkedInput is what came of one input, with its declaration.
func checkedInput(v inputs.Value, declared any) *value.Map {
	m := value.MapOf(value.Entry{Key: "input", Value: declaration(v.Input, declared)})
	if v.Value != nil {
		m.Set("value", v.Value)
	}
	m.Set("enabled", v.Enabled)
	m.Set("isDefault", v.Default)
	errs := []any{}
	for _, e := range v.Errors {
		errs = append(errs, value.MapOf(value.Entry{Key: "message", Value: e}))
	}
	m.Set("errors", errs)
	return m
}

// declaration finds an input as the flow has it.
func declaration(in *model.Input, declared any) *value.Map {
	list, _ := declared.([]any)
	for _, e := range list {
		if m, ok := e.(*value.Map); ok {
			if id, _ := m.Get("id"); id == in.ID {
				return m
			}
		}
	}
	return value.MapOf(value.Entry{Key: "id", Value: in.ID}, value.Entry{Key: "type", Value: in.Type})
}
