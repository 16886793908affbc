package launch

import (
	"context"
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// ErrNotPaused says that an execution cannot be resumed, since neither it nor a task of it is paused.
var ErrNotPaused = errors.New("execution is not paused")

// Paused is an execution that waits for somebody.
type Paused struct {
	// Flow is the execution's own, with the inputs that the Pause asks for in place of its own.
	Flow      *model.Flow
	Execution *model.Execution
	TaskRunID string // that of the Pause, "" where the execution itself was paused

	l *Launcher
}

// Paused finds what an execution waits for. ErrNotPaused, or an error of the backend, such as ErrNotFound.
func (l *Launcher) Paused(ctx context.Context, tenant, id string) (*Paused, error) {
	e, err := l.Backend.Executions().Get(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	runs, err := l.Backend.Executions().TaskRuns(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	flow, err := l.Flows.Get(ctx, model.FlowKey{Tenant: tenant, Namespace: e.Namespace, ID: e.FlowID, Revision: e.FlowRevision})
	if err != nil {
		return nil, err
	}
	asking := *flow
	asking.Inputs = nil
	p := &Paused{Flow: &asking, Execution: e, l: l}
	waits := e.State.Current().IsPaused()
	for _, run := range runs {
		if run.State.Current() != model.Paused {
			continue
		}
		waits = true
		if task := flow.ByID[run.TaskID]; task != nil && task.Kind == model.KindPause {
			p.TaskRunID, asking.Inputs = run.ID, task.OnResume
			break
		}
	}
	if !waits {
		return nil, fmt.Errorf("%w: it is %s", ErrNotPaused, e.State.Current())
	}
	return p, nil
}

// Resume resolves what somebody gives, as the inputs of a new execution are, and returns the action that resumes. The error
// is an *inputs.Error, or one of the world.
func (p *Paused) Resume(ctx context.Context, given *value.Map) (*model.Action, error) {
	act := &model.Action{TaskRunID: p.TaskRunID}
	if len(p.Flow.Inputs) == 0 {
		return act, nil
	}
	resolved, err := p.l.Inputs.Resolve(p.Flow.Inputs, given, p.l.Env(ctx, p.Flow, p.Execution))
	if err != nil {
		return nil, p.l.hide(p.Execution, err)
	}
	act.Inputs = value.AppendJSON(nil, resolved, value.JSONOptions{KeepNulls: true})
	return act, nil
}
