package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
)

// machine is the engine, as the loop sees it.
type machine struct {
	cfg Config
	env engine.Env // of the step that is under way
}

// execution is an execution in memory.
type execution struct {
	m     *machine
	state *engine.State
}

// gate is the gate of a flow in memory.
type gate struct{ *engine.Gate }

// Fresh begins an execution whose id was just drawn without asking the backend.
func (m *machine) Fresh(ev *model.Event) shard.Actor {
	if ev.Kind == model.EventCreate && ev.Fresh { // whether it is skipped is for Step to see
		return &execution{m, engine.New()}
	}
	return nil
}

// Load builds the state of an entity from its snapshot; the flow of an execution is looked up first.
func (m *machine) Load(ctx context.Context, of model.Entity, snap *backend.Snapshot, gone bool) (shard.Actor, error) {
	switch {
	case of.Kind == model.EntityGate && snap == nil:
		return gate{engine.LoadGate(of, nil, 0)}, nil
	case of.Kind == model.EntityGate:
		return gate{engine.LoadGate(of, snap.Gate, snap.Version)}, nil
	case m.skips(snap):
		return skipped{}, nil
	case snap == nil:
		st := engine.New()
		st.Gone = gone
		return &execution{m, st}, nil
	}
	flow := m.flow(ctx, snap.Execution)
	if flow == nil { // without its flow there is nothing to step
		return nil, errors.New("revision of its flow is gone or no longer valid")
	}
	return &execution{m, engine.Load(flow, snap.Execution, snap.TaskRuns, snap.Timers, snap.Version)}, nil
}

// flow returns the revision of the flow that an execution runs; nil when it is gone or no longer valid.
func (m *machine) flow(ctx context.Context, e *model.Execution) *model.Flow {
	key := model.FlowKey{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID, Revision: e.FlowRevision}
	if flow, known := m.cfg.Resolver.Cached(key); known {
		return flow
	}
	return m.answer(ctx, e, engine.Need{Flow: &key}).Flow
}

// answer resolves a need. A flow that cannot be looked up now is looked up again: that it could not be read does not mean
// that it is not there.
func (m *machine) answer(ctx context.Context, e *model.Execution, n engine.Need) (a engine.Answer) {
	_ = shard.Insist(ctx, func() error {
		a = m.cfg.Resolver.Resolve(ctx, e, n)
		if n.Flow == nil {
			return nil // what a function could not find out is for the flow to handle
		}
		return a.Err
	}, nil)
	return a
}

// Step moves the execution by one event.
func (x *execution) Step(ev *model.Event, known any, now time.Time) shard.Outcome {
	if ev.Kind == model.EventCreate && x.m.cfg.Skip.Has(ev.Create.Execution) {
		return skipped{}.Step(ev, known, now)
	}
	answers, _ := known.(map[string]engine.Answer)
	x.m.env.Now, x.m.env.Answers = now, answers
	res := engine.Step(x.state, ev, &x.m.env)
	if len(res.Needs) == 0 {
		return shard.Outcome{Transition: res.Transition, Ignored: res.Ignored}
	}
	exec, needs := x.state.Exec, res.Needs
	if exec == nil { // it is being created, and its first tasks ask
		exec = ev.Create.Execution
	}
	return shard.Outcome{Ask: func(ctx context.Context) any {
		more := maps.Clone(answers)
		if more == nil {
			more = make(map[string]engine.Answer, len(needs))
		}
		for _, n := range needs {
			more[n.Key] = x.m.answer(ctx, exec, n)
		}
		return more
	}}
}

// Rests tells whether the execution has ended, or waits for long.
func (x *execution) Rests(until time.Time) bool { return x.state.Done() || x.state.Resting(until) }

// Step moves the gate by one event.
func (g gate) Step(ev *model.Event, _ any, now time.Time) shard.Outcome {
	if ev.Gate == nil {
		return shard.Outcome{
			Transition: &model.Transition{Of: ev.To, Acks: []string{ev.ID}}, Ignored: fmt.Sprintf("%s is no event for a gate", ev.Kind),
		}
	}
	return shard.Outcome{Transition: engine.StepGate(g.Gate, ev, now)}
}

// Rests is false: gates are small and stay.
func (gate) Rests(time.Time) bool { return false }

// Crash ends an execution: see engine.Crash.
func (m *machine) Crash(_ model.Entity, snap *backend.Snapshot, ev *model.Event, reason string, now time.Time) *model.Transition {
	remains := engine.Remains{Version: snap.Version, Execution: snap.Execution, TaskRuns: snap.TaskRuns, Timers: snap.Timers, Jobs: snap.Jobs}
	return engine.Crash(remains, ev, reason, now)
}

// Missing finds executions that wait for nothing, and jobs that the backend does not have: these are handed out anew.
func (m *machine) Missing(ctx context.Context, of model.Entity, snap *backend.Snapshot, now time.Time) (forgotten bool, lost []model.Event) {
	if of.Kind != model.EntityExecution || m.skips(snap) {
		return false, nil
	}
	flow := m.flow(ctx, snap.Execution)
	if flow == nil {
		return false, nil // it is ended as soon as anything happens to it
	}
	absent := map[string]bool{}
	for _, w := range engine.Explain(engine.Load(flow, snap.Execution, snap.TaskRuns, snap.Timers, snap.Version)) {
		switch w.For {
		case engine.WaitNothing:
			forgotten = true
		case engine.WaitWorker, engine.WaitTask:
			if _, err := m.cfg.Backend.Waiting(ctx, w.Ref); errors.Is(err, backend.ErrNotFound) {
				absent[w.TaskRunID] = true
			}
		}
	}
	for _, run := range snap.TaskRuns {
		if absent[run.ID] {
			lost = append(lost, lostJob(of, model.JobID(run.ID, run.Engine.Job), run.ID, run.Engine.Job, now))
		}
	}
	return forgotten, lost
}
