package app

import (
	"context"
	"encoding/json"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

// resolver answers what steps have to know.
type resolver struct{ a *App }

// Cached returns a flow that is at hand.
func (r resolver) Cached(key model.FlowKey) (*model.Flow, bool) { return r.a.Flows.Cached(key) }

// Resolve looks a flow up or calls a function.
func (r resolver) Resolve(ctx context.Context, e *model.Execution, n engine.Need) engine.Answer {
	if n.Flow != nil {
		f, err := r.a.Flows.Find(ctx, *n.Flow)
		return engine.Answer{Flow: f, Err: err}
	}
	v, err := r.a.World.Call(ctx, world.Caller{
		Tenant: e.Tenant, Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID, Secret: r.a.Masks.Of(e.ID).Add,
		Errors: e.Engine.Errors, Unwritten: n.Errors,
	}, n.Call, n.Args)
	return engine.Answer{Value: v, Err: err}
}

// reveal returns the function that decrypts for an execution: what it reveals is hidden in what comes of it. nil where there
// is no key.
func (a *App) reveal() func(execution, text string) (string, error) {
	decrypt := a.Cipher.decrypt()
	if decrypt == nil {
		return nil
	}
	return func(execution, text string) (string, error) {
		plain, err := decrypt(text)
		if err == nil {
			a.Masks.Of(execution).Add(plain)
		}
		return plain, err
	}
}

// hide hides secrets in what the engine writes.
func (a *App) hide(execution, text string) string { return a.Masks.Of(execution).Replace(text) }

// resolveInputs validates the inputs of an execution that another one starts.
func (a *App) resolveInputs(flow *model.Flow, given *value.Map, env expr.Env) (json.RawMessage, error) {
	m, err := a.Inputs.Resolve(flow.Inputs, given, env)
	if err != nil || m.Len() == 0 {
		return nil, err
	}
	return value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true}), nil
}
