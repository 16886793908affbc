package shard

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
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
		snap, err := s.cfg.Backend.Load(ctx, s.lease, ent.of)
		switch {
		case err == nil, errors.Is(err, backend.ErrNotFound), errors.Is(err, backend.ErrGone):
			return s.enter(ctx, ent, snap, errors.Is(err, backend.ErrGone))
		case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed), ctx.Err() != nil:
			return func() { s.dead = true }
		}
		s.cfg.Log.Warn("loading an entity failed, trying again", "entity", ent.of.ID, "error", err)
		pause(ctx, retryDelay)
	}
}

// enter builds an entity from its snapshot; one that cannot be stepped is to be ended instead.
func (s *shard) enter(ctx context.Context, ent *entity, snap *backend.Snapshot, gone bool) func() {
	var actor Actor
	var err error
	if panicked := s.net(func() { actor, err = s.machine.Load(ctx, ent.of, snap, gone) }); panicked != nil {
		err = panicked
	}
	return func() {
		if err != nil {
			s.doomed[ent.of] = err.Error()
		}
		if snap == nil {
			snap = &backend.Snapshot{}
		}
		if _, doomed := s.doomed[ent.of]; doomed {
			ent.snap = snap
			return
		}
		ent.actor = actor
		s.keepTimers(snap.Timers)
	}
}

// unpark delivers the events that waited for an entity.
func (s *shard) unpark(ctx context.Context, ent *entity) {
	waiting := ent.parked
	ent.parked = nil
	if len(waiting) > 0 {
		s.handle(ctx, waiting)
	}
}

// resolve finds out what a step has to know, beside the loop, and steps the event again. Only this entity waits.
func (s *shard) resolve(ctx context.Context, ent *entity, ev *model.Event, ask func(context.Context) any) {
	ent.busy = true
	event := *ev
	go func() {
		var known any
		err := s.net(func() { known = ask(ctx) })
		s.post(func() {
			if ent.era != s.era || ctx.Err() != nil {
				return // its events come again
			}
			if err != nil {
				s.doom(ctx, ent.of, &event, err)
				return
			}
			p := &part{}
			ent.busy = false
			s.deliver(ctx, &event, known, p)
			s.submit(ctx, p)
			if !ent.busy && ent.era == s.era {
				s.unpark(ctx, ent)
			}
		})
	}()
}

// lookAhead is how far ahead timers are kept in memory.
const lookAhead = 10 * time.Minute

// loadTimers reads the timers that are due soon.
func (s *shard) loadTimers(ctx context.Context) {
	until := s.cfg.Now().Add(lookAhead)
	timers, err := s.cfg.Backend.Timers(ctx, s.lease, until, 1<<20)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Warn("reading timers failed, trying again", "shard", s.lease.Shard, "error", err)
		}
		s.horizon = s.cfg.Now().Add(time.Minute + retryDelay) // read again a minute before that
		return
	}
	s.horizon = until
	s.timers = s.timers[:0]
	clear(s.due)
	s.keepTimers(timers)
	for _, p := range s.inflight { // what is set or cleared and not yet durable was not read
		for _, tr := range p.transitions {
			s.dropTimers(tr.Of, tr.ClearTimers)
			s.keepTimers(tr.SetTimers)
		}
	}
}

// keepTimers enters new timers that are due before the horizon; later ones are read when it moves. One that is set again
// replaces what it was: the older entry is passed over when its turn comes.
func (s *shard) keepTimers(timers []model.Timer) {
	for _, t := range timers {
		key := timerKey{t.Of, t.ID}
		if due, there := s.due[key]; there && due.Equal(t.Due) {
			continue
		}
		if !t.Due.Before(s.horizon) {
			delete(s.due, key)
			continue
		}
		s.due[key] = t.Due
		heap.Push(&s.timers, t)
	}
}

// dropTimers forgets timers that were cleared.
func (s *shard) dropTimers(of model.Entity, ids []string) {
	for _, id := range ids {
		delete(s.due, timerKey{of, id})
	}
}

// timerKey names a timer.
type timerKey struct {
	of model.Entity
	id string
}

// untilNextTimer is how long the shard may sleep; it is woken when the clock is changed meanwhile.
func (s *shard) untilNextTimer() time.Duration {
	if s.waits > 0 {
		return time.Hour // timers are read when the shard begins anew
	}
	next := s.horizon.Add(-time.Minute)
	if len(s.timers) > 0 && s.timers[0].Due.Before(next) {
		next = s.timers[0].Due
	}
	return max(next.Sub(s.cfg.Now()), 0)
}

// fireTimers steps the timers that are due, soonest first, at most a batch at once so that the inbox is not kept waiting.
// A timer that was cleared or moved meanwhile is ignored by the engine.
func (s *shard) fireTimers(ctx context.Context) {
	now := s.cfg.Now()
	p := &part{}
	for n := 0; n < maxBatch && len(s.timers) > 0 && !s.timers[0].Due.After(now); n++ {
		t := heap.Pop(&s.timers).(model.Timer)
		key := timerKey{t.Of, t.ID}
		if due, there := s.due[key]; !there || !due.Equal(t.Due) {
			continue // cleared, or set to another time
		}
		delete(s.due, key)
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

// Insist tries until the backend answers, or the context ends. told, where it is set, hears of each try that failed.
func Insist(ctx context.Context, try func() error, told func(error)) error {
	for {
		err := try()
		if !errors.Is(err, backend.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		if told != nil {
			told(err)
		}
		pause(ctx, retryDelay)
	}
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
