package shard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// maxBatch is how many events a shard takes at once: as many as one commit gathers with profit.
const maxBatch = 512

// shard steps the entities of one shard. Everything in it belongs to the goroutine that runs it; others reach it through
// mail.
type shard struct {
	cfg     Config
	machine Machine
	lease   backend.Lease

	entities map[model.Entity]*entity
	timers   timerHeap
	due      map[timerKey]time.Time // when each timer that is in the heap is due
	horizon  time.Time              // timers that are due before are in the heap
	mail     chan func()
	ended    chan struct{} // closed when nobody reads mail any more
	events   chan []model.Event
	inflight []*part                 // handed to the backend and not yet answered, in order
	doomed   map[model.Entity]string // why an entity is to be ended rather than stepped
	dead     bool

	era    int    // raised by each restart: what belongs to an older one no longer counts
	waits  int    // what has to end before a restart may begin anew; 0 when there is none
	deafen func() // stops receiving events, and waits until it has stopped
}

// entity is an entity in memory, or one that is being loaded.
type entity struct {
	of       model.Entity
	actor    Actor
	inflight int           // transitions that are not durable yet
	parked   []model.Event // events that wait until the entity can be stepped
	busy     bool          // something is being resolved or loaded for it
	ending   bool          // it is being ended without stepping it
	era      int
	snap     *backend.Snapshot // of an entity that is to be ended
}

// part is a batch of transitions that was handed in.
type part struct {
	transitions []*model.Transition
	entities    []*entity
	era         int
}

func newShard(cfg Config, lease backend.Lease) *shard {
	return &shard{
		cfg: cfg, machine: cfg.Machine(), lease: lease, entities: map[model.Entity]*entity{}, doomed: map[model.Entity]string{}, due: map[timerKey]time.Time{},
		mail: make(chan func(), 1024), ended: make(chan struct{}), events: make(chan []model.Event),
	}
}

// run steps events until the context ends or the lease is lost.
func (s *shard) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer close(s.ended)
	defer cancel()
	s.loadTimers(ctx)
	s.listen(ctx)
	go s.audit(ctx)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !s.dead {
		timer.Reset(s.untilNextTimer())
		select {
		case <-ctx.Done():
			s.drain()
			return
		case batch := <-s.events:
			if s.waits == 0 { // else it comes again
				s.handle(ctx, batch)
			}
		case f := <-s.mail:
			f()
		case <-timer.C:
			s.fireTimers(ctx)
		}
	}
}

// listen begins to receive events.
func (s *shard) listen(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.receive(ctx)
	}()
	s.deafen = func() {
		cancel()
		<-done
	}
}

// receive hands on what the inbox has, one batch at a time.
func (s *shard) receive(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := s.cfg.Backend.Receive(ctx, s.lease, maxBatch)
		switch {
		case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed):
			s.post(func() { s.dead = true })
			return
		case err != nil:
			if ctx.Err() == nil {
				s.cfg.Log.Warn("receiving events failed", "shard", s.lease.Shard, "error", err)
				pause(ctx, time.Second)
			}
			continue
		}
		select {
		case s.events <- batch:
		case <-ctx.Done():
			return
		}
	}
}

// post runs f on the shard's goroutine.
func (s *shard) post(f func()) {
	select {
	case s.mail <- f:
	case <-s.ended:
	}
}

// drain waits for the answers to what was handed in, so that nothing is cut off in the middle.
func (s *shard) drain() {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for len(s.inflight) > 0 && !s.dead {
		select {
		case f := <-s.mail:
			f()
		case <-limit.C:
			return
		}
	}
}

// handle steps a batch of events and hands in what came of it as one part.
func (s *shard) handle(ctx context.Context, batch []model.Event) {
	p := &part{}
	era := s.era
	for i := range batch {
		s.deliver(ctx, &batch[i], nil, p)
		if s.era != era {
			return // the rest of the batch comes again
		}
	}
	s.submit(ctx, p)
}

// deliver steps one event, or parks it while its entity cannot be stepped.
func (s *shard) deliver(ctx context.Context, ev *model.Event, known any, p *part) {
	ent := s.entities[ev.To]
	if ent == nil {
		ent = &entity{of: ev.To, era: s.era}
		s.entities[ev.To] = ent
	}
	if ent.busy && known == nil {
		ent.parked = append(ent.parked, *ev)
		return
	}
	reason, doomed := s.doomed[ent.of]
	if doomed && ent.snap != nil {
		s.crash(ent, ev, reason, p)
		return
	}
	if ent.actor == nil && !doomed {
		ent.actor = s.machine.Fresh(ev)
	}
	if ent.actor == nil {
		ent.parked = append(ent.parked, *ev)
		s.load(ctx, ent)
		return
	}
	s.step(ctx, ent, ev, known, p)
}

// step moves an entity by one event.
func (s *shard) step(ctx context.Context, ent *entity, ev *model.Event, known any, p *part) {
	out, err := s.guarded(ent.actor, ev, known)
	switch {
	case err != nil:
		s.doom(ctx, ent.of, ev, err)
		return
	case out.Ask != nil:
		s.resolve(ctx, ent, ev, out.Ask)
		return
	}
	if out.Ignored != "" {
		s.cfg.Log.Debug("event ignored", "entity", ev.To.ID, "event", ev.Kind, "reason", out.Ignored)
	}
	p.add(ent, out.Transition)
	s.dropTimers(ent.of, out.Transition.ClearTimers)
	s.keepTimers(out.Transition.SetTimers)
}

// doom has an entity ended that shows a defect, and begins the shard anew: what was computed since may rest on it.
func (s *shard) doom(ctx context.Context, of model.Entity, ev *model.Event, err error) {
	s.cfg.Log.Error("a step failed", "entity", of.ID, "event", ev.Kind, "error", err)
	s.doomed[of] = "internal error: " + err.Error()
	s.restart(ctx, 0)
}

// guarded steps with a net: a defect harms only the entity that shows it.
func (s *shard) guarded(a Actor, ev *model.Event, known any) (out Outcome, err error) {
	err = s.net(func() { out = a.Step(ev, known, s.cfg.Now()) })
	return out, err
}

// net turns a panic into an error.
func (s *shard) net(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.cfg.Log.Error("panic in a step", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}

func (p *part) add(ent *entity, t *model.Transition) {
	ent.inflight++
	p.transitions = append(p.transitions, t)
	p.entities = append(p.entities, ent)
}

// submit hands a part in; the answer comes by mail.
func (s *shard) submit(ctx context.Context, p *part) {
	if len(p.transitions) == 0 {
		return
	}
	p.era = s.era
	s.inflight = append(s.inflight, p)
	s.cfg.Backend.Commit(s.lease, p.transitions, func(err error) {
		// The mailbox may be full while the shard hands in more: the backend's goroutine must not wait for it.
		f := func() { s.committed(ctx, p, err) }
		select {
		case s.mail <- f:
		default:
			go s.post(f)
		}
	})
}
