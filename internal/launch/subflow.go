package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

const (
	// subflowTime is how long subflow() waits for the end of the execution unless it says otherwise, maxSubflowTime at most.
	subflowTime    = time.Minute
	maxSubflowTime = 5 * time.Minute
	// maxSubflows is how deep flows may call each other by subflow().
	maxSubflows = 3
)

// depthKey finds in a context how many calls of subflow() are around.
type depthKey struct{}

// subflow answers the function subflow(), which runs a flow to its end while inputs are resolved, such as for the values that
// one may choose from. It ends well or is an error.
func (v *env) subflow(args expr.Args) (any, error) {
	if v.e.Trigger != nil || v.upstream != nil {
		return nil, errors.New("subflow() is for the inputs of a flow, and not for what triggers start")
	}
	depth, _ := v.ctx.Value(depthKey{}).(int)
	if depth >= maxSubflows {
		return nil, fmt.Errorf("subflow() is nested deeper than %d times: do the inputs of a flow call it again?", maxSubflows)
	}
	r, wait, err := subflowRequest(v.flow.Tenant, args)
	if err != nil {
		return nil, fmt.Errorf("subflow(): %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(v.ctx, depthKey{}, depth+1), wait)
	defer cancel()
	e, err := v.l.runToEnd(ctx, r)
	name := r.Flow.Namespace + "." + r.Flow.ID
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("subflow(): %s has not ended within %s", name, model.FormatDuration(wait))
	case err != nil:
		return nil, fmt.Errorf("subflow(): %s: %w", name, err)
	}
	if s := e.State.Current(); s != model.Success && s != model.Warning {
		return nil, fmt.Errorf("subflow(): %s ended %s (execution %s)", name, s, e.ID)
	}
	outputs, err := value.ParseJSON(e.Outputs)
	if len(e.Outputs) == 0 {
		outputs, err = value.NewMap(0), nil
	}
	return value.MapOf(value.Entry{Key: "id", Value: e.ID}, value.Entry{Key: "state", Value: e.State.Current().String()},
		value.Entry{Key: "outputs", Value: outputs}, value.Entry{Key: "labels", Value: engine.LabelMap(e.Labels)}), err
}

// subflowRequest reads the arguments of subflow().
func subflowRequest(tenant string, args expr.Args) (r Request, wait time.Duration, err error) {
	text := func(name string) string {
		if v, _ := args.Get(name); v != nil {
			return value.Print(v)
		}
		return ""
	}
	r.Flow = model.FlowKey{Tenant: tenant, Namespace: text("namespace"), ID: text("id")}
	if v, _ := args.Get("revision"); v != nil {
		n, ok := value.AsInt(v)
		if !ok || n < 1 {
			return r, 0, fmt.Errorf("revision: %s is not the number of a revision", value.Print(v))
		}
		r.Flow.Revision = int(n)
	}
	if v, _ := args.Get("inputs"); v != nil {
		m, ok := value.AsMap(v)
		if !ok {
			return r, 0, fmt.Errorf("inputs: expected a map, got %s", value.TypeName(v))
		}
		r.Inputs = m
	}
	if v, _ := args.Get("labels"); v != nil {
		m, ok := value.AsMap(v)
		if !ok {
			return r, 0, fmt.Errorf("labels: expected a map, got %s", value.TypeName(v))
		}
		for k, l := range m.All() {
			r.Labels = append(r.Labels, model.Label{Key: k, Value: value.Print(l)})
		}
	}
	wait = subflowTime
	if t := text("timeout"); t != "" {
		if wait, err = model.ParseDuration(t); err != nil {
			return r, 0, fmt.Errorf("timeout: %w", err)
		}
		if wait > maxSubflowTime {
			return r, 0, fmt.Errorf("timeout: %s is more than %s", t, model.FormatDuration(maxSubflowTime))
		}
	}
	return r, wait, nil
}

// runToEnd creates an execution and waits until it has finished, or another one takes over from it.
func (l *Launcher) runToEnd(ctx context.Context, r Request) (*model.Execution, error) {
	p, err := l.Prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	e := p.Execution()
	e.Labels = append(e.Labels, model.Label{Key: model.LabelFrom, Value: "subflow"})
	changes, stop := l.Backend.Follow(backend.FeedFilter{ExecutionID: e.ID})
	defer stop()
	if err := l.Submit(ctx, p); err != nil {
		return nil, err
	}
	for {
		select {
		case c, open := <-changes:
			switch {
			case !open:
				return nil, backend.ErrClosed
			case c.Deleted:
				return nil, backend.ErrGone
			case c.Execution != nil && (c.Execution.Engine.Finished || c.Execution.State.Current() == model.Retried):
				return c.Execution, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
