package executor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// maxBatch is how many events a shard takes at once: as many as one commit gathers with profit.
const maxBatch = 512

// shard steps the entities of one shard. Everything in it belongs to the goroutine that runs it; others reach it through
// mail.
type shard struct {
	e     *Executor
	lease backend.Lease
	env   engine.Env

	entities map[model.Entity]*entity
	timers   timerHeap
	horizon  time.Time // timers that are due before are in the heap
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

// entity is an execution or a gate in memory.
type entity struct {
	of       model.Entity
	exec     *engine.State
	gate     *engine.Gate
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

func newShard(e *Executor, lease backend.Lease) *shard {
	s := &shard{
		e: e, lease: lease, env: e.cfg.Env, entities: map[model.Entity]*entity{},
		mail: make(chan func(), 1024), ended: make(chan struct{}), events: make(chan []model.Event), doomed: map[model.Entity]string{},
	}
	s.env.Flow = e.cfg.Resolver.Cached
	return s
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
		batch, err := s.e.cfg.Backend.Receive(ctx, s.lease, maxBatch)
		switch {
		case errors.Is(err, backend.ErrFenced), errors.Is(err, backend.ErrClosed):
			s.post(func() { s.dead = true })
			return
		case err != nil:
			if ctx.Err() == nil {
				s.e.cfg.Log.Warn("receiving events failed", "shard", s.lease.Shard, "error", err)
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
func (s *shard) deliver(ctx context.Context, ev *model.Event, answers map[string]engine.Answer, p *part) {
	ent := s.entities[ev.To]
	if ent == nil {
		ent = &entity{of: ev.To, era: s.era}
		s.entities[ev.To] = ent
	}
	if ent.busy && answers == nil {
		ent.parked = append(ent.parked, *ev)
		return
	}
	if reason, doomed := s.doomed[ent.of]; doomed && ent.snap != nil {
		s.crash(ent, ev, ent.snap, reason, p)
		return
	}
	if ent.exec == nil && ent.gate == nil && !s.create(ent, ev) {
		ent.parked = append(ent.parked, *ev)
		s.load(ctx, ent)
		return
	}
	s.step(ctx, ent, ev, answers, p)
}

// create begins an entity that does not exist without asking the backend, where the event says that it is new. An
// execution that exists nevertheless is seen when the transition is committed: its first version is taken.
func (s *shard) create(ent *entity, ev *model.Event) bool {
	if _, doomed := s.doomed[ent.of]; !doomed && ev.Kind == model.EventCreate && ev.Fresh {
		ent.exec = engine.New()
		return true
	}
	return false
}

// step moves an entity by one event.
func (s *shard) step(ctx context.Context, ent *entity, ev *model.Event, answers map[string]engine.Answer, p *part) {
	if ent.gate != nil {
		if ev.Gate == nil {
			s.e.cfg.Log.Error("an event for a gate says nothing", "gate", ev.To.ID, "event", ev.Kind)
			p.add(ent, &model.Transition{Of: ev.To, Acks: []string{ev.ID}})
			return
		}
		p.add(ent, engine.StepGate(ent.gate, ev, s.e.cfg.Now()))
		return
	}
	s.env.Now, s.env.Answers = s.e.cfg.Now(), answers
	res, err := s.guarded(ent.exec, ev)
	switch {
	case err != nil:
		s.e.cfg.Log.Error("stepping an execution failed", "execution", ev.To.ID, "event", ev.Kind, "error", err)
		s.doomed[ent.of] = "internal error: " + err.Error()
		s.restart(ctx, 0)
		return
	case len(res.Needs) > 0:
		s.resolve(ctx, ent, ev, answers, res.Needs)
		return
	}
	if res.Ignored != "" {
		s.e.cfg.Log.Debug("event ignored", "execution", ev.To.ID, "event", ev.Kind, "reason", res.Ignored)
	}
	p.add(ent, res.Transition)
	s.keepTimers(res.Transition.SetTimers)
}

// guarded steps with a net: a defect harms only the execution that shows it.
func (s *shard) guarded(st *engine.State, ev *model.Event) (res engine.Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.e.cfg.Log.Error("panic in a step", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%v", r)
		}
	}()
	return engine.Step(st, ev, &s.env), nil
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
	s.e.cfg.Backend.Commit(s.lease, p.transitions, func(err error) {
		// The mailbox may be full while the shard hands in more: the backend's goroutine must not wait for it.
		f := func() { s.committed(ctx, p, err) }
		select {
		case s.mail <- f:
		default:
			go s.post(f)
		}
	})
}
