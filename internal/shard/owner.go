// Package shard is the loop around the pure machines that move entities: it owns shards, hands their events to the machine,
// commits what comes of them, keeps their timers and resolves what a step has to know. It decides nothing itself. Packages
// executor and scheduler bring the machines.
package shard

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Machine knows the entities of its shards.
type Machine interface {
	// Fresh returns the actor of an entity that does not exist yet, where the event itself says so; nil when it has to be
	// loaded. An entity that exists nevertheless is seen when the transition is committed: its first version is taken.
	Fresh(ev *model.Event) Actor
	// Load builds the actor of an entity from what the last commit left of it: nil when there is nothing, and gone when it
	// was deleted. It may wait. An entity that cannot be stepped is an error, which says why it is to be ended instead.
	Load(ctx context.Context, of model.Entity, snap *backend.Snapshot, gone bool) (Actor, error)
	// Crash ends an entity that cannot be stepped, with as little as possible; an empty snapshot is one that is not there.
	Crash(of model.Entity, snap *backend.Snapshot, ev *model.Event, reason string, now time.Time) *model.Transition
	// Missing audits what the last commit left of an entity: whether it waits for nothing, which is a defect, and the
	// events that tell it of what it waits for in vain.
	Missing(ctx context.Context, of model.Entity, snap *backend.Snapshot, now time.Time) (forgotten bool, lost []model.Event)
}

// Actor is an entity in memory. It belongs to one goroutine.
type Actor interface {
	// Step moves the entity by one event. Known is what an earlier Step of this event has asked for.
	Step(ev *model.Event, known any, now time.Time) Outcome
	// Rests tells whether nothing is expected of the entity before a time, so that it need not stay in memory.
	Rests(until time.Time) bool
}

// Outcome is what came of a step: a transition, or what has to be known first, which leaves the entity as it was.
type Outcome struct {
	Transition *model.Transition
	// Ask finds out what the step has to know. It runs beside the loop and may wait; only this entity waits for it.
	Ask func(ctx context.Context) (known any)
	// Ignored says why the event changed nothing.
	Ignored string
}

// Config is what an Owner needs.
type Config struct {
	Backend backend.Backend
	// Machine makes the machine of one shard: its actors are stepped by one goroutine.
	Machine func() Machine
	Log     *slog.Logger
	// Member is the incarnation that asks for shards, of the kind that its machine knows.
	Member string
	Kind   backend.ShardKind
	// Committed is told of each transition once it is durable; nil for nobody. It must neither wait nor change it.
	Committed func(*model.Transition)
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Owner owns shards and steps their entities.
type Owner struct {
	cfg Config

	mu     sync.Mutex
	shards map[int]owned
	wg     sync.WaitGroup
}

type owned struct {
	*shard
	cancel context.CancelFunc
}

// NewOwner returns an owner; Run starts it.
func NewOwner(cfg Config) *Owner {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC() }
	}
	return &Owner{cfg: cfg, shards: map[int]owned{}}
}

// Run owns shards until the context ends; it returns when everything that was handed to the backend has been answered.
func (o *Owner) Run(ctx context.Context) error {
	changes, err := o.cfg.Backend.Acquire(ctx, o.cfg.Member, o.cfg.Kind)
	if err != nil {
		return err
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	o.wg.Go(func() { o.watchClock(watching) })
	for c := range changes {
		if c.Revoked {
			o.release(c.Lease.Shard)
			continue
		}
		o.own(ctx, c.Lease)
	}
	cancel()
	o.wg.Wait()
	return ctx.Err()
}

// own starts the loop of a shard.
func (o *Owner) own(ctx context.Context, lease backend.Lease) {
	o.release(lease.Shard)
	ctx, cancel := context.WithCancel(ctx)
	s := newShard(o.cfg, lease)
	o.mu.Lock()
	o.shards[lease.Shard] = owned{s, cancel}
	o.mu.Unlock()
	o.wg.Go(func() {
		defer cancel()
		s.run(ctx)
	})
}

func (o *Owner) release(shard int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, ok := o.shards[shard]; ok {
		s.cancel()
		delete(o.shards, shard)
	}
}

// watchEvery is how often the clock is looked at, and jump how far it must have moved more or less than time has passed.
const (
	watchEvery = time.Second
	jump       = 50 * time.Millisecond
)

// watchClock wakes all shards when the clock was changed, or went on while the machine was suspended: they sleep for as long
// as it took to their next timer by the clock as it was.
func (o *Owner) watchClock(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	wall := func() time.Time { return o.cfg.Now().Round(0) } // what it shows, whatever time has passed
	since, clock := time.Now(), wall()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		passed, now := time.Since(since), wall()
		if off := now.Sub(clock) - passed; off.Abs() < jump {
			continue
		}
		since, clock = time.Now(), now
		o.wake()
	}
}

// wake has all shards look at the clock.
func (o *Owner) wake() {
	o.mu.Lock()
	shards := slices.Collect(maps.Values(o.shards))
	o.mu.Unlock()
	for _, s := range shards {
		s.post(func() {})
	}
}
