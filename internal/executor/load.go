package executor

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// load fetches an entity from the backend; its events wait meanwhile.
func (s *shard) load(ctx context.Context, ent *entity) {
	if ent.busy {
		return
	}
	ent.busy = true
	go func() {
		f := s.fetch(ctx, ent)
		s.post(func() {
			if ent.era != s.era || ctx.Err() != nil {
				return
			}
			ent.busy = false
			f()
			s.unpark(ctx, ent)
		})
	}()
}

// fetch loads an entity and returns how to enter it.
func (s *shard) fetch(ctx context.Context, ent *entity) func() {
	for {
		snap, err := s.e.cfg.Backend.Load(ctx, s.lease, ent.of)
		switch {
		case err == nil:
			return s.enter(ctx, ent, snap)
		case errors.Is(err, backend.ErrNotFound), errors.Is(err, backend.ErrGone):
			return func() {
				if ent.of.Kind == model.EntityGate {
					ent.gate = engine.LoadGate(ent.of, nil, 0)
					return
				}
				if _, doomed := s.doomed[ent.of]; doomed {
					ent.snap = &backend.Snapshot{}
					return
				}
				ent.exec = engine.New()
				ent.exec.Gone = errors.Is(err, backend.ErrGone)
			}
		case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed), ctx.Err() != nil:
			return func() { s.dead = true }
		}
		s.e.cfg.Log.Warn("loading an entity failed, trying again", "entity", ent.of.ID, "error", err)
		pause(ctx, retryDelay)
	}
}

// enter builds the state of an entity from its snapshot; the flow is looked up first.
func (s *shard) enter(ctx context.Context, ent *entity, snap *backend.Snapshot) func() {
	if ent.of.Kind == model.EntityGate {
		gate := engine.LoadGate(ent.of, snap.Gate, snap.Version)
		return func() { ent.gate = gate }
	}
	e := snap.Execution
	flow := s.flow(ctx, e)
	if flow == nil {
		return func() { // without its flow there is nothing to step: it is ended instead
			ent.snap = snap
			s.doomed[ent.of] = "revision of its flow is gone or no longer valid"
		}
	}
	state := engine.Load(flow, e, snap.TaskRuns, snap.Timers, snap.Version)
	return func() {
		if _, doomed := s.doomed[ent.of]; doomed {
			ent.snap = snap
			return
		}
		ent.exec = state
		s.keepTimers(snap.Timers)
	}
}

// flow returns the revision of the flow that an execution runs; nil when it is gone or no longer valid.
func (s *shard) flow(ctx context.Context, e *model.Execution) *model.Flow {
	key := model.FlowKey{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID, Revision: e.FlowRevision}
	if flow, known := s.e.cfg.Resolver.Cached(key); known {
		return flow
	}
	return s.answer(ctx, e, engine.Need{Flow: &key}).Flow
}

// unpark delivers the events that waited for an entity.
func (s *shard) unpark(ctx context.Context, ent *entity) {
	waiting := ent.parked
	ent.parked = nil
	if len(waiting) > 0 {
		s.handle(ctx, waiting)
	}
}

// resolve answers what a step has to know, beside the loop, and steps the event again. Only this entity waits.
func (s *shard) resolve(ctx context.Context, ent *entity, ev *model.Event, had map[string]engine.Answer, needs []engine.Need) {
	ent.busy = true
	event, exec := *ev, ent.exec.Exec
	go func() {
		answers := make(map[string]engine.Answer, len(had)+len(needs))
		for k, a := range had {
			answers[k] = a
		}
		for _, n := range needs {
			answers[n.Key] = s.answer(ctx, exec, n)
		}
		s.post(func() {
			if ent.era != s.era || ctx.Err() != nil {
				return // its events come again
			}
			p := &part{}
			ent.busy = false
			s.deliver(ctx, &event, answers, p)
			s.submit(ctx, p)
			if !ent.busy && ent.era == s.era {
				s.unpark(ctx, ent)
			}
		})
	}()
}

// answer resolves a need. A flow that cannot be looked up now is looked up again: that it could not be read does not mean
// that it is not there.
func (s *shard) answer(ctx context.Context, e *model.Execution, n engine.Need) engine.Answer {
	for {
		a := s.e.cfg.Resolver.Resolve(ctx, e, n)
		if n.Flow == nil || !errors.Is(a.Err, backend.ErrUnavailable) || ctx.Err() != nil {
			return a
		}
		pause(ctx, retryDelay)
	}
}

// lookAhead is how far ahead timers are kept in memory.
const lookAhead = 10 * time.Minute

// loadTimers reads the timers that are due soon.
func (s *shard) loadTimers(ctx context.Context) {
	until := s.e.cfg.Now().Add(lookAhead)
	timers, err := s.e.cfg.Backend.Timers(ctx, s.lease, until, 1<<20)
	if err != nil {
		if ctx.Err() == nil {
			s.e.cfg.Log.Warn("reading timers failed, trying again", "shard", s.lease.Shard, "error", err)
		}
		s.horizon = s.e.cfg.Now().Add(time.Minute + retryDelay) // read again a minute before that
		return
	}
	s.horizon = until
	s.timers = s.timers[:0]
	for _, t := range timers {
		heap.Push(&s.timers, t)
	}
	for _, p := range s.inflight { // what is set and not yet durable was not read
		for _, tr := range p.transitions {
			s.keepTimers(tr.SetTimers)
		}
	}
}

// keepTimers enters new timers that are due before the horizon; later ones are read when it moves.
func (s *shard) keepTimers(timers []model.Timer) {
	for _, t := range timers {
		if t.Due.Before(s.horizon) {
			heap.Push(&s.timers, t)
		}
	}
}

func (s *shard) untilNextTimer() time.Duration {
	if s.waits > 0 {
		return time.Hour // timers are read when the shard begins anew
	}
	next := s.horizon.Add(-time.Minute)
	if len(s.timers) > 0 && s.timers[0].Due.Before(next) {
		next = s.timers[0].Due
	}
	return max(next.Sub(s.e.cfg.Now()), 0)
}

// fireTimers steps the timers that are due, soonest first, at most a batch at once so that the inbox is not kept waiting.
// A timer that was cleared or moved meanwhile is ignored by the engine.
func (s *shard) fireTimers(ctx context.Context) {
	now := s.e.cfg.Now()
	p := &part{}
	for n := 0; n < maxBatch && len(s.timers) > 0 && !s.timers[0].Due.After(now); n++ {
		t := heap.Pop(&s.timers).(model.Timer)
		era := s.era
		s.deliver(ctx, &model.Event{ID: "timer:" + t.ID, To: t.Of, Kind: model.EventTimer, At: now, Timer: &t}, nil, p)
		if s.era != era {
			return
		}
	}
	s.submit(ctx, p)
	if s.horizon.Sub(now) <= time.Minute {
		s.loadTimers(ctx)
	}
}

type timerHeap []model.Timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].Due.Before(h[j].Due) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(model.Timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
