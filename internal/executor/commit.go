package executor

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// committed takes the backend's answer for a part.
func (s *shard) committed(p *part, err error) {
	if s.dead {
		return
	}
	var rejected *backend.RejectedError
	switch {
	case err == nil:
		s.durable(p)
	case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed):
		s.e.cfg.Log.Info("shard lost", "shard", s.lease.Shard, "reason", err)
		s.dead = true
	case errors.As(err, &rejected):
		s.rejected(p, rejected)
	default:
		s.retry(p, err)
	}
}

// durable releases what waited for the part.
func (s *shard) durable(p *part) {
	if i := slices.Index(s.inflight, p); i >= 0 {
		s.inflight = slices.Delete(s.inflight, i, i+1)
	}
	for _, ent := range p.entities {
		ent.inflight--
		if ent.inflight == 0 && ent.finished() && !ent.busy && len(ent.parked) == 0 {
			delete(s.entities, ent.of)
		}
	}
}

func (ent *entity) finished() bool { return ent.exec != nil && ent.exec.Done() }

// retry hands in again what could not be committed, in order. Every part behind the failed one fails too, since the
// backend keeps the order; the first failure stands for all of them.
func (s *shard) retry(p *part, err error) {
	if len(s.inflight) == 0 || s.inflight[0] != p {
		return
	}
	s.e.cfg.Log.Warn("commit failed, trying again", "shard", s.lease.Shard, "error", err)
	again := slices.Clone(s.inflight)
	time.AfterFunc(retryDelay, func() {
		s.mail <- func() {
			s.e.cfg.Backend.Reset(s.lease)
			for _, q := range again {
				s.commit(q)
			}
		}
	})
}

// retryDelay is the time between tries of a commit while the backend is unavailable.
const retryDelay = 500 * time.Millisecond

// rejected drops all that is in memory, since later steps may rest on the refused one, and ends the one execution whose
// transition cannot be stored. The events of the others come again.
func (s *shard) rejected(p *part, r *backend.RejectedError) {
	if len(s.inflight) == 0 || s.inflight[0] != p {
		return
	}
	s.e.cfg.Log.Error("transition refused", "execution", r.Of.ID, "error", r.Cause)
	s.inflight = nil
	s.entities = map[model.Entity]*entity{}
	s.e.cfg.Backend.Reset(s.lease)
	ent := &entity{of: r.Of}
	s.entities[r.Of] = ent
	s.crashWith(context.Background(), ent, culprit(p, r.Of), "its state could not be stored: "+r.Cause.Error())
}

// culprit is the event of the refused transition, as far as it can be told from its acknowledgement.
func culprit(p *part, of model.Entity) *model.Event {
	ev := &model.Event{To: of}
	for _, t := range p.transitions {
		if t.Of == of && len(t.Acks) > 0 {
			ev.ID = t.Acks[0]
			if t.Version == 1 {
				ev.Create = &model.NewExecution{Execution: t.Execution}
			}
			return ev
		}
	}
	return ev
}

// crash ends an execution whose step failed, once what was committed of it is known.
func (s *shard) crash(ctx context.Context, ent *entity, ev *model.Event, reason string) {
	if ent.inflight > 0 {
		ent.busy = true
		ent.exec = nil
		s.mailLater(func() {
			ent.busy = false
			s.crash(ctx, ent, ev, reason)
		})
		return
	}
	s.crashWith(ctx, ent, ev, reason)
}

// mailLater comes back to a job after the answers that are on their way.
func (s *shard) mailLater(f func()) {
	time.AfterFunc(time.Millisecond, func() { s.mail <- f })
}

func (s *shard) crashWith(ctx context.Context, ent *entity, ev *model.Event, reason string) {
	ent.busy = true
	b, lease := s.e.cfg.Backend, s.lease
	go func() {
		snap, err := b.Load(ctx, lease, ent.of)
		if err != nil || snap == nil {
			snap = &backend.Snapshot{}
		}
		s.post(ctx, func() {
			ent.busy = false
			p := &part{}
			t := engine.Crash(snap.Execution, snap.Version, snap.Jobs, ev, reason, s.e.cfg.Now())
			p.add(ent, t)
			ent.exec = nil
			s.submit(ctx, p)
			s.unpark(ctx, ent)
		})
	}()
}
