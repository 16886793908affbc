package flowstore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/trigger"
)

// FlowTrigger is the type of the triggers that listen to executions of other flows.
const FlowTrigger = "io.kestra.plugin.core.trigger.Flow"

// Listeners finds the triggers that want to hear of an execution. Asking it costs a look into a map.
type Listeners struct {
	store    *Store
	triggers backend.Triggers
	tenant   string

	mu    sync.Mutex // held while the index is made anew
	index atomic.Pointer[map[trigger.Interest][]*listener]
}

type listener struct {
	of      model.Entity
	flow    model.FlowKey
	trigger *model.Trigger
	outputs bool
}

// NewListeners returns an index of the triggers of a tenant; Refresh fills it.
func NewListeners(s *Store, t backend.Triggers, tenant string) *Listeners {
	l := &Listeners{store: s, triggers: t, tenant: tenant}
	l.index.Store(&map[trigger.Interest][]*listener{})
	return l
}

// Of returns the triggers that listen to a state that an execution has come to. A flow does not listen to itself.
func (l *Listeners) Of(e *model.Execution, s model.State) []engine.Listener {
	index := *l.index.Load()
	if len(index) == 0 || e.Kind != "" {
		return nil
	}
	var out []engine.Listener
	for _, key := range [...]trigger.Interest{{Namespace: e.Namespace, FlowID: e.FlowID}, {Namespace: e.Namespace}, {}} {
		for _, one := range index[key] {
			own := one.flow.Namespace == e.Namespace && one.flow.ID == e.FlowID
			again := slices.ContainsFunc(out, func(l engine.Listener) bool { return l.Trigger == one.of }) // it names the flow and its namespace
			if !own && !again && trigger.ListensTo(one.trigger, s) {
				out = append(out, engine.Listener{Trigger: one.of, Outputs: one.outputs})
			}
		}
	}
	return out
}

// Refresh reads the triggers again, after a flow that has or had any was changed.
func (l *Listeners) Refresh(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	index := map[trigger.Interest][]*listener{}
	q := backend.Query{Tenant: l.tenant, Size: 1000, Page: 1, NoTotal: true,
		Filters: []backend.Filter{{Field: backend.FieldType, Op: backend.OpEquals, Value: FlowTrigger}}}
	for {
		page, err := l.triggers.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, state := range page.Results {
			if err := l.add(ctx, index, state); err != nil {
				return err
			}
		}
		if len(page.Results) < q.Size {
			break
		}
		q.Page++
	}
	l.index.Store(&index)
	return nil
}

// add enters a trigger, if its flow still has it and is valid.
func (l *Listeners) add(ctx context.Context, index map[trigger.Interest][]*listener, state *model.TriggerState) error {
	flow, err := l.store.Get(ctx, model.FlowKey{Tenant: state.Tenant, Namespace: state.Namespace, ID: state.FlowID})
	if errors.Is(err, backend.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	if err != nil { // a flow that is gone or no longer valid listens to nothing
		return nil //nolint:nilerr // that is no failure of this
	}
	if flow.Disabled {
		return nil
	}
	for _, t := range flow.Triggers {
		if t.ID != state.TriggerID || t.Disabled || t.Kind != model.TriggerFlow {
			continue
		}
		one := &listener{
			of: model.TriggerEntity(flow.Tenant, flow.Namespace, flow.ID, t.ID), flow: flow.Key(), trigger: t, outputs: trigger.ReadsOutputs(t),
		}
		seen := map[trigger.Interest]bool{} // told once, however often it names the flow
		for _, interest := range trigger.Interests(t) {
			if !seen[interest] {
				seen[interest] = true
				index[interest] = append(index[interest], one)
			}
		}
	}
	return nil
}
