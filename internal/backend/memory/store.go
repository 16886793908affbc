package memory

import (
	"encoding/json"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/model"
)

// Write is inproc.Store: it looks first whether everything can be stored, then stores it.
func (b *Backend) Write(ops []*inproc.Op) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(ops); err != nil {
		return err
	}
	for _, op := range ops {
		for i, t := range op.Transitions {
			if !op.IsRepeated(i) {
				b.apply(t)
			}
		}
	}
	return nil
}

// check refuses what does not follow the stored versions, and marks what was stored before.
func (b *Backend) check(ops []*inproc.Op) error {
	next := map[model.Entity]int64{} // the versions that the ops lead to
	for _, op := range ops {
		for i, t := range op.Transitions {
			if t.Version == 0 {
				continue
			}
			at, known := next[t.Of]
			if !known {
				at = b.version(t.Of)
			}
			if t.Version <= at {
				if op.Repeated == nil {
					op.Repeated = make([]bool, len(op.Transitions))
				}
				op.Repeated[i] = true
				continue
			}
			if err := b.acceptable(t, at); err != nil {
				return &backend.RejectedError{Of: t.Of, Cause: err}
			}
			next[t.Of] = t.Version
		}
	}
	return nil
}

func (b *Backend) version(of model.Entity) int64 {
	if v := b.tombstones[of]; v > 0 {
		return v
	}
	switch of.Kind {
	case model.EntityExecution:
		if e := b.executions[of.ID]; e != nil {
			return e.version
		}
	case model.EntityGate:
		if g := b.gates[of.ID]; g != nil {
			return g.version
		}
	}
	return b.versions[of]
}

func (b *Backend) acceptable(t *model.Transition, at int64) error {
	switch {
	case b.tombstones[t.Of] > 0:
		return backend.ErrGone
	case t.Version != at+1:
		return fmt.Errorf("version %d after %d: %w", t.Version, at, backend.ErrConflict)
	case at == 0 && t.Of.Kind == model.EntityExecution && t.Execution == nil && !t.Deleted:
		return fmt.Errorf("the first transition has no execution: %w", backend.ErrInvalid)
	}
	return encodable(t)
}

// encodable refuses values that other adapters could not store either.
func encodable(t *model.Transition) error {
	if t.Execution != nil {
		if _, err := json.Marshal(t.Execution); err != nil {
			return fmt.Errorf("%w: %w", backend.ErrInvalid, err)
		}
	}
	for _, r := range t.TaskRuns {
		if _, err := json.Marshal(r); err != nil {
			return fmt.Errorf("%w: %w", backend.ErrInvalid, err)
		}
	}
	return nil
}

func (b *Backend) apply(t *model.Transition) {
	b.appendLogs(t.Logs)
	b.metrics = append(b.metrics, t.Metrics...)
	switch {
	case t.Version == 0:
	case t.Deleted:
		b.bury(t.Of, t.Version)
	case t.Of.Kind == model.EntityExecution:
		b.applyExecution(t)
	case t.Of.Kind == model.EntityGate:
		b.applyGate(t)
	default:
		b.applyTrigger(t)
	}
	if t.Version > 0 {
		b.note(t.Of)
	}
}

// note keeps an entity among those of its shard that something is expected of, or takes it out.
func (b *Backend) note(of model.Entity) {
	expected := &b.expected[backend.ShardOf(of)]
	switch {
	case !b.waits(of) && len(b.timersOf(of)) == 0:
		delete(*expected, of)
	case *expected == nil:
		*expected = map[model.Entity]bool{of: true}
	default:
		(*expected)[of] = true
	}
}

// waits tells whether an entity is active.
func (b *Backend) waits(of model.Entity) bool {
	switch of.Kind {
	case model.EntityExecution:
		e := b.executions[of.ID]
		return e != nil && !e.header.Engine.Finished
	case model.EntityGate:
		g := b.gates[of.ID]
		return g != nil && len(g.members) > 0
	}
	t := b.triggers[triggerOf(of)]
	return t != nil && t.Waits()
}

func (b *Backend) timersOf(of model.Entity) map[string]model.Timer {
	switch of.Kind {
	case model.EntityExecution:
		if e := b.executions[of.ID]; e != nil {
			return e.timers
		}
		return nil
	case model.EntityGate:
		if g := b.gates[of.ID]; g != nil {
			return g.timers
		}
		return nil
	}
	return b.triggerTimers[triggerOf(of)]
}

func triggerOf(of model.Entity) triggerKey {
	flow, id := model.TriggerOf(of)
	return triggerKey{keyOf(flow), id}
}

func (b *Backend) applyTrigger(t *model.Transition) {
	b.versions[t.Of] = t.Version
	key := triggerOf(t.Of)
	timers := b.triggerTimers[key]
	if timers == nil {
		timers = map[string]model.Timer{}
		b.triggerTimers[key] = timers
	}
	moveTimers(timers, t)
	switch {
	case t.Trigger == nil:
	case t.Trigger.State == nil:
		delete(b.triggers, key)
	default:
		b.triggers[key] = t.Trigger.State
	}
}

func (b *Backend) applyExecution(t *model.Transition) {
	e := b.executions[t.Of.ID]
	if e == nil {
		e = &execution{runs: map[string]*model.TaskRun{}, timers: map[string]model.Timer{}}
		b.executions[t.Of.ID] = e
	}
	e.version = t.Version
	if t.Execution != nil {
		e.header = t.Execution
	}
	for _, id := range t.DropRuns {
		delete(e.runs, id)
	}
	for _, r := range t.TaskRuns {
		e.runs[r.ID] = r
	}
	moveTimers(e.timers, t)
}

func (b *Backend) applyGate(t *model.Transition) {
	g := b.gates[t.Of.ID]
	if g == nil {
		g = &gate{members: map[string]model.GateMember{}, timers: map[string]model.Timer{}}
		b.gates[t.Of.ID] = g
	}
	g.version = t.Version
	moveTimers(g.timers, t)
	if t.Gate == nil {
		return
	}
	g.limit, g.behavior, g.revision = t.Gate.Limit, t.Gate.Behavior, t.Gate.Revision
	for _, id := range t.Gate.Drop {
		delete(g.members, id)
	}
	for _, m := range t.Gate.Put {
		g.members[m.ExecutionID] = m
	}
}

func moveTimers(timers map[string]model.Timer, t *model.Transition) {
	for _, id := range t.ClearTimers {
		delete(timers, id)
	}
	for _, timer := range t.SetTimers {
		timers[timer.ID] = timer
	}
}

// bury removes an entity and leaves a tombstone.
func (b *Backend) bury(of model.Entity, version int64) {
	switch of.Kind {
	case model.EntityExecution:
		delete(b.executions, of.ID)
	case model.EntityGate:
		delete(b.gates, of.ID)
	default:
		delete(b.versions, of)
	}
	b.tombstones[of] = version
	b.note(of)
}
