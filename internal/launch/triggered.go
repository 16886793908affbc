package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/holiday"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
)

// PrepareTriggered prepares an execution that a trigger starts. An error says why the execution cannot be as the trigger
// wants it; it is then asked for again with Fail, which needs nothing that can go wrong.
func (l *Launcher) PrepareTriggered(ctx context.Context, t trigger.Launch) (*Prepared, error) {
	flow := t.Declared.Flow
	now := time.Now().UTC().Truncate(time.Microsecond)
	e := &model.Execution{
		Tenant: flow.Tenant, ID: t.ID, OriginalID: t.ID, Namespace: flow.Namespace, FlowID: flow.ID, FlowRevision: flow.Revision,
		State: model.NewHistory(model.Created, now), Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: now},
		ScheduleDate: t.ScheduleDate, Trigger: &model.TriggerInfo{ID: t.Declared.ID, Type: t.Declared.Type},
	}
	e.Engine.StartedBy = t.Declared.ID
	e.Engine.Priority = t.Declared.Priority
	if t.Variables != nil {
		e.Trigger.Variables = value.AppendJSON(nil, t.Variables, value.JSONOptions{})
	}
	env := &env{ctx: ctx, l: l, flow: flow, e: e, upstream: t.Upstream}
	var err error
	if e.Labels, err = l.triggerLabels(t, env); err != nil {
		if t.Fail == "" {
			return nil, err
		}
		if e.Labels, err = Labels(flow.Labels, nil, t.ID); err != nil {
			return nil, err
		}
	}
	create := &model.NewExecution{Execution: e, Fail: t.Fail}
	if t.Fail == "" {
		if err := l.triggerInputs(t, env); err != nil {
			return nil, err
		}
		if create.Fail, err = l.checks(flow, env); err != nil {
			return nil, err
		}
	}
	return &Prepared{flow, model.Event{
		ID: "create-" + e.ID, To: model.ExecutionEntity(e.ID), Kind: model.EventCreate, At: now, Fresh: t.Fresh, Create: create,
	}}, nil
}

// triggerLabels are the flow's labels, the trigger's and those of a backfill. A label that cannot be rendered is left out.
func (l *Launcher) triggerLabels(t trigger.Launch, env *env) ([]model.Label, error) {
	var given []model.Label
	declared, _ := t.Declared.Props.Get("labels")
	list, _ := declared.([]any)
	for _, one := range list {
		m, ok := one.(*value.Map)
		if !ok {
			continue
		}
		key, _ := m.Get("key")
		v, _ := m.Get("value")
		text, err := l.Inputs.Templates.Render(value.Print(v), env, l.Inputs.Limits)
		if err == nil {
			given = append(given, model.Label{Key: value.Print(key), Value: text})
		}
	}
	given = append(given, t.Labels...)
	if up := t.Upstream; up != nil {
		for _, label := range up.Execution.Labels {
			if label.Key == model.LabelCorrelation {
				given = append(given, label)
			}
		}
	}
	return Labels(env.flow.Labels, given, t.ID)
}

// triggerInputs renders the inputs that the trigger gives, adds those of a backfill and resolves all of them.
func (l *Launcher) triggerInputs(t trigger.Launch, env *env) error {
	given := value.NewMap(4)
	add := func(m *value.Map) {
		for k, v := range m.All() {
			given.Set(k, v)
		}
	}
	if declared, ok := t.Declared.Props.Get("inputs"); ok {
		rendered, err := l.Inputs.Templates.RenderValue(declared, env, l.Inputs.Limits)
		if err != nil {
			return fmt.Errorf("the inputs of the trigger: %w", err)
		}
		if m, ok := rendered.(*value.Map); ok {
			add(m)
		}
	}
	if len(t.Inputs) > 0 {
		v, err := value.ParseJSON(t.Inputs)
		if err != nil {
			return fmt.Errorf("the inputs of the backfill: %w", err)
		}
		if m, ok := v.(*value.Map); ok {
			add(m)
		}
	}
	if len(env.flow.Inputs) == 0 {
		return nil
	}
	resolved, err := l.Inputs.Resolve(env.flow.Inputs, given, env)
	if err != nil {
		return err
	}
	env.e.Inputs = json.RawMessage(value.AppendJSON(nil, resolved, value.JSONOptions{KeepNulls: true}))
	env.inputs = resolved
	return nil
}

// World answers what a trigger's conditions have to know, before there is an execution.
type World struct {
	Context  context.Context
	Launcher *Launcher
	Flow     *model.Flow
}

// Render evaluates an expression of the trigger.
func (w *World) Render(text string, vars *value.Map, up *model.Upstream) (string, error) {
	f, l := w.Flow, w.Launcher
	e := &model.Execution{Tenant: f.Tenant, Namespace: f.Namespace, FlowID: f.ID, FlowRevision: f.Revision,
		State: model.NewHistory(model.Created, time.Now().UTC()), Labels: f.Labels, Trigger: &model.TriggerInfo{}}
	if vars != nil {
		e.Trigger.Variables = value.AppendJSON(nil, vars, value.JSONOptions{})
	}
	return l.Inputs.Templates.Render(text, &env{ctx: w.Context, l: l, flow: f, e: e, upstream: up}, l.Inputs.Limits)
}

// Declare reads a trigger of the flow.
func (w *World) Declare(t *model.Trigger, recover string) (*trigger.Declared, error) {
	render := func(text string) (string, error) { return w.Render(text, nil, nil) }
	return trigger.Declare(w.Flow, t, w.Launcher.Location, recover, render)
}

// Holiday tells whether a date is a public holiday.
func (w *World) Holiday(date time.Time, country, subdivision string) (bool, error) {
	return holiday.Is(date, country, subdivision)
}
