package shard

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// retryDelay is the time between tries while the backend is unavailable.
const retryDelay = 500 * time.Millisecond

// committed takes the backend's answer for a part.
func (s *shard) committed(ctx context.Context, p *part, err error) {
	if p.era != s.era {
		s.settle(ctx) // it was dropped with all that rested on it
		return
	}
	if i := slices.Index(s.inflight, p); i >= 0 {
		s.inflight = slices.Delete(s.inflight, i, i+1)
	}
	var rejected *backend.RejectedError
	switch {
	case err == nil:
		s.durable(ctx, p)
	case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed):
		s.cfg.Log.Info("shard lost", "shard", s.lease.Shard, "reason", err)
		s.dead = true
	case errors.As(err, &rejected):
		s.cfg.Log.Error("transition refused", "entity", rejected.Of.ID, "error", rejected.Cause)
		s.doomed[rejected.Of] = "its state could not be stored: " + rejected.Cause.Error()
		s.restart(ctx, 0)
	default:
		s.cfg.Log.Warn("commit failed, trying again", "shard", s.lease.Shard, "error", err)
		s.restart(ctx, retryDelay)
	}
}

// durable releases what waited for the part.
func (s *shard) durable(ctx context.Context, p *part) {
	if tell := s.cfg.Committed; tell != nil {
		for _, t := range p.transitions {
			tell(t)
		}
	}
	for _, ent := range p.entities {
		ent.inflight--
		if ent.ending {
			delete(s.entities, ent.of)
			s.unpark(ctx, ent)
			continue
		}
		if ent.inflight == 0 && !ent.busy && len(ent.parked) == 0 && s.restful(ent) {
			delete(s.entities, ent.of)
		}
	}
}

// restFor is how long nothing must be expected of an execution for it to leave the memory.
const restFor = 10 * time.Second

// restful tells whether an entity need not stay in memory.
func (s *shard) restful(ent *entity) bool {
	return ent.actor != nil && ent.actor.Rests(s.cfg.Now().Add(restFor))
}

// restart drops everything in memory and begins again from what the last commit left: after a failed commit, whatever
// was computed later may rest on something that never happened. It begins when all that was handed in has been answered,
// nothing is received any more and the delay has passed; then all events that were not acknowledged come again.
func (s *shard) restart(ctx context.Context, after time.Duration) {
	s.era++
	s.waits = 1 + len(s.inflight)
	s.inflight = nil
	s.entities = map[model.Entity]*entity{}
	s.timers, s.horizon = s.timers[:0], time.Time{}
	clear(s.due)
	deafen := s.deafen
	go func() {
		deafen()
		pause(ctx, after)
		s.post(func() { s.settle(ctx) })
	}()
}

// settle counts what a restart has to wait for, and begins anew when that was the last.
func (s *shard) settle(ctx context.Context) {
	if s.waits--; s.waits > 0 || s.dead || ctx.Err() != nil {
		return
	}
	s.cfg.Backend.Reset(s.lease)
	s.loadTimers(ctx)
	s.listen(ctx)
}

// crash ends an entity that cannot be stepped, from what the last commit left of it.
func (s *shard) crash(ent *entity, ev *model.Event, reason string, p *part) {
	p.add(ent, s.machine.Crash(ent.of, ent.snap, ev, reason, s.cfg.Now()))
	delete(s.doomed, ent.of)
	ent.busy, ent.ending = true, true // until it is durable: then its other events find it ended
}
