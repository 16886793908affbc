package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (b *Backend) holds(ctx context.Context, lease backend.Lease) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Held(lease)
}

// Load is backend.State.
func (b *Backend) Load(ctx context.Context, lease backend.Lease, of model.Entity) (*backend.Snapshot, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	jobs := b.JobsOf(of.ID)
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.tombstones[of] > 0 {
		return nil, fmt.Errorf("%s: %w", of.ID, backend.ErrGone)
	}
	switch of.Kind {
	case model.EntityExecution:
		if e := b.executions[of.ID]; e != nil {
			return &backend.Snapshot{Version: e.version, Execution: e.header, TaskRuns: e.sortedRuns(), Timers: sortedTimers(e.timers), Jobs: jobs}, nil
		}
	case model.EntityGate:
		if g := b.gates[of.ID]; g != nil {
			return &backend.Snapshot{Version: g.version, Gate: g.snapshot(), Timers: sortedTimers(g.timers)}, nil
		}
	default:
		key := triggerOf(of)
		if v, state := b.versions[of], b.triggers[key]; v > 0 || state != nil {
			return &backend.Snapshot{Version: v, Trigger: state, Timers: sortedTimers(b.triggerTimers[key]), Jobs: jobs}, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", of.ID, backend.ErrNotFound)
}

func (e *execution) sortedRuns() []*model.TaskRun {
	runs := make([]*model.TaskRun, 0, len(e.runs))
	for _, r := range e.runs {
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b *model.TaskRun) int { return cmp.Compare(a.Engine.Seq, b.Engine.Seq) })
	return runs
}

func (g *gate) snapshot() *model.GateChange {
	s := &model.GateChange{Limit: g.limit, Behavior: g.behavior, Revision: g.revision}
	for _, m := range g.members {
		s.Put = append(s.Put, m)
	}
	slices.SortFunc(s.Put, func(a, b model.GateMember) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ExecutionID, b.ExecutionID))
	})
	return s
}

func sortedTimers(timers map[string]model.Timer) []model.Timer {
	var list []model.Timer
	for _, t := range timers {
		list = append(list, t)
	}
	slices.SortFunc(list, compareTimers)
	return list
}

func compareTimers(a, b model.Timer) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Of.Kind, b.Of.Kind), cmp.Compare(a.Of.ID, b.Of.ID), cmp.Compare(a.ID, b.ID))
}

func compareEntities(a, b model.Entity) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

// Active is backend.State.
func (b *Backend) Active(ctx context.Context, lease backend.Lease, after model.Entity, max int) ([]model.Entity, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	var active []model.Entity
	for of := range b.expected[lease.Shard] {
		if compareEntities(of, after) > 0 && b.waits(of) {
			active = append(active, of)
		}
	}
	slices.SortFunc(active, compareEntities)
	return active[:min(max, len(active))], nil
}

// Timers is backend.State.
func (b *Backend) Timers(ctx context.Context, lease backend.Lease, until time.Time, max int) ([]model.Timer, error) {
	if err := b.holds(ctx, lease); err != nil {
		return nil, err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	var list []model.Timer
	for of := range b.expected[lease.Shard] {
		for _, t := range b.timersOf(of) {
			if t.Due.Before(until) {
				list = append(list, t)
			}
		}
	}
	slices.SortFunc(list, compareTimers)
	return list[:min(max, len(list))], nil
}
