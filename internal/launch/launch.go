// Package launch creates executions: it looks the flow up, resolves the inputs, evaluates the checks and appends the event
// that brings the execution into being. The API, the command line and triggers all start executions here.
package launch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

// Flows finds compiled flows.
type Flows interface {
	Get(ctx context.Context, key model.FlowKey) (*model.Flow, error)
}

// Launcher creates executions. Its fields are set once.
type Launcher struct {
	Backend               backend.Backend
	Flows                 Flows
	Inputs                *inputs.Resolver
	World                 *world.World
	Globals, Envs, Kestra *value.Map
	Location              *time.Location
	Decrypt               func(string) (string, error)
	Masks                 *mask.Book
}

// The errors of Create, besides those of the backend and *inputs.Error.
var (
	// ErrDisabled: the flow is disabled.
	ErrDisabled = errors.New("cannot execute a disabled flow")
	// ErrLabel: a label is not for people to set.
	ErrLabel = errors.New("system labels can only be set by Windhover itself")
)

// BlockedError says that a check of the flow did not let the execution be created.
type BlockedError struct{ Messages []string }

// Error joins the messages of the checks.
func (e *BlockedError) Error() string { return strings.Join(e.Messages, "\n") }

// Request asks for an execution.
type Request struct {
	Flow model.FlowKey
	// ID is the execution's id, "" to draw one. A client that asks again gives the same.
	ID string
	// Drawn says that ID was just drawn at random.
	Drawn        bool
	Inputs       *value.Map
	Labels       []model.Label
	ScheduleDate *time.Time
	Trigger      *model.TriggerInfo
	Kind         string
	Breakpoints  []model.TaskBreakpoint
	TraceParent  string
}

// Prepared is an execution that may be created.
type Prepared struct {
	Flow  *model.Flow
	Event model.Event
}

// Execution is the header as it will be created.
func (p *Prepared) Execution() *model.Execution { return p.Event.Create.Execution }

// Create prepares an execution and returns it once it is durable.
func (l *Launcher) Create(ctx context.Context, r Request) (*model.Execution, error) {
	p, err := l.Prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.Execution(), l.Submit(ctx, p)
}

// Submit creates a prepared execution and waits until it is durable and can be read by its id.
func (l *Launcher) Submit(ctx context.Context, p *Prepared) error {
	p.Event.Ask = p.Event.ID
	ans, err := l.Backend.Ask(ctx, p.Event)
	if err == nil && ans.Code != model.AnswerDone {
		err = fmt.Errorf("%w: %s", backend.ErrConflict, ans.Message)
	}
	return err
}

// Prepare does everything that can fail because of the request.
func (l *Launcher) Prepare(ctx context.Context, r Request) (*Prepared, error) {
	flow, err := l.Flows.Get(ctx, r.Flow)
	if err != nil {
		return nil, err
	}
	if flow.Disabled {
		return nil, ErrDisabled
	}
	fresh := r.ID == "" || r.Drawn
	if r.ID == "" {
		r.ID = model.NewID()
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	e := &model.Execution{
		Tenant: flow.Tenant, ID: r.ID, OriginalID: r.ID, Namespace: flow.Namespace, FlowID: flow.ID, FlowRevision: flow.Revision,
		State: model.NewHistory(model.Created, now), Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: now},
		ScheduleDate: r.ScheduleDate, Trigger: r.Trigger, Kind: r.Kind, Breakpoints: r.Breakpoints, TraceParent: r.TraceParent,
	}
	if e.Labels, err = Labels(flow.Labels, r.Labels, r.ID); err != nil {
		return nil, err
	}
	env := &env{ctx: ctx, l: l, flow: flow, e: e}
	if len(flow.Inputs) > 0 {
		resolved, err := l.Inputs.Resolve(flow.Inputs, r.Inputs, env)
		if err != nil {
			return nil, l.hide(e, err)
		}
		e.Inputs = json.RawMessage(value.AppendJSON(nil, resolved, value.JSONOptions{KeepNulls: true}))
		env.inputs = resolved
	}
	create := &model.NewExecution{Execution: e}
	if create.Fail, err = l.checks(flow, env); err != nil {
		return nil, err
	}
	return &Prepared{flow, model.Event{
		ID: "create-" + e.ID, To: model.ExecutionEntity(e.ID), Kind: model.EventCreate, At: now, Fresh: fresh, Create: create,
	}}, nil
}

// Labels are the flow's own and those that were given; the correlation id is the execution's own unless one was given.
func Labels(flow, given []model.Label, id string) ([]model.Label, error) {
	out := make([]model.Label, 0, len(flow)+len(given)+1)
	for _, l := range flow {
		if !strings.HasPrefix(l.Key, model.SystemPrefix) {
			out = append(out, l)
		}
	}
	correlated := false
	for _, l := range given {
		if l.Key == model.LabelCorrelation {
			correlated = true
		} else if strings.HasPrefix(l.Key, model.SystemPrefix) {
			return nil, fmt.Errorf("%w, forbidden label: %s=%s", ErrLabel, l.Key, l.Value)
		}
		out = append(out, l)
	}
	if !correlated {
		out = append(out, model.Label{Key: model.LabelCorrelation, Value: id})
	}
	return out, nil
}

// hide hides secrets in what is wrong with inputs: expressions in defaults and conditions may quote what they have read.
func (l *Launcher) hide(e *model.Execution, err error) error {
	var wrong *inputs.Error
	if !errors.As(err, &wrong) {
		return err
	}
	out := &inputs.Error{}
	for _, p := range wrong.Problems {
		out.Problems = append(out.Problems, l.Masks.Of(e.ID).Replace(p))
	}
	return out
}

// Env is the context of expressions in inputs for an execution: one that does not exist yet, or one that takes more inputs.
func (l *Launcher) Env(ctx context.Context, flow *model.Flow, e *model.Execution) expr.Env {
	return &env{ctx: ctx, l: l, flow: flow, e: e}
}

// env is the context of expressions before the execution exists.
type env struct {
	ctx    context.Context
	l      *Launcher
	flow   *model.Flow
	e      *model.Execution
	inputs *value.Map
	// upstream is the execution whose change of state a trigger looks at: its outputs and labels are seen, too.
	upstream *model.Upstream
}

// Var returns a context variable.
func (v *env) Var(name string) (any, bool) {
	switch name {
	case "flow":
		return value.MapOf(value.Entry{Key: "id", Value: v.flow.ID}, value.Entry{Key: "namespace", Value: v.flow.Namespace},
			value.Entry{Key: "revision", Value: value.Int(int64(v.flow.Revision))}, value.Entry{Key: "tenantId", Value: v.flow.Tenant}), true
	case "execution":
		return value.MapOf(value.Entry{Key: "id", Value: v.e.ID}, value.Entry{Key: "startDate", Value: value.Instant{T: v.e.State.Start()}},
			value.Entry{Key: "originalId", Value: v.e.OriginalID}, value.Entry{Key: "state", Value: model.Created.String()}), true
	case "inputs":
		if v.inputs == nil {
			return nil, false
		}
		if v.l.Decrypt != nil {
			return engine.Reveal(v.inputs, v.reveal), true
		}
		return v.inputs, true
	case "vars":
		return v.flow.Variables, v.flow.Variables.Len() > 0
	case "outputs":
		if v.upstream == nil || len(v.upstream.Outputs) == 0 {
			return nil, false
		}
		m, err := value.ParseJSON(v.upstream.Outputs)
		return m, err == nil
	case "labels":
		if v.upstream != nil {
			return engine.LabelMap(v.upstream.Execution.Labels), true
		}
		return engine.LabelMap(v.e.Labels), true
	case "trigger":
		if v.e.Trigger == nil || len(v.e.Trigger.Variables) == 0 {
			return nil, false
		}
		m, err := value.ParseJSON(v.e.Trigger.Variables)
		return m, err == nil
	case "globals":
		return v.l.Globals, v.l.Globals != nil
	case "envs":
		return v.l.Envs, v.l.Envs != nil
	case "kestra":
		return v.l.Kestra, v.l.Kestra != nil
	}
	return nil, false
}

// reveal decrypts an input, which is hidden from then on.
func (v *env) reveal(text string) (string, error) {
	plain, err := v.l.Decrypt(text)
	if err == nil {
		v.l.Masks.Of(v.e.ID).Add(plain)
	}
	return plain, err
}

// Names lists the variables.
func (v *env) Names() []string {
	return []string{"flow", "execution", "inputs", "outputs", "vars", "labels", "trigger", "globals", "envs", "kestra"}
}

// Location is the time zone that dates are shown in.
func (v *env) Location() *time.Location { return v.l.Location }

// Call calls a function that touches the world.
func (v *env) Call(name string, args expr.Args) (any, error) {
	if name == "subflow" {
		return v.subflow(args)
	}
	return v.l.World.Call(v.ctx, world.Caller{
		Tenant: v.flow.Tenant, Namespace: v.flow.Namespace, FlowID: v.flow.ID, ExecutionID: v.e.ID, Secret: v.l.Masks.Of(v.e.ID).Add,
	}, name, args)
}
