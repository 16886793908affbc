// Package executor is the loop around the engine: it owns shards, feeds the events of their entities to the engine,
// commits what comes of them and resolves what the engine asks for. It decides nothing itself.
package executor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// Resolver answers what a step has to know: it looks flows up and calls functions that touch the world.
type Resolver interface {
	// Cached returns a compiled flow without waiting, and whether it is known.
	Cached(key model.FlowKey) (flow *model.Flow, known bool)
	// Resolve answers a need; it may wait.
	Resolve(ctx context.Context, e *model.Execution, n engine.Need) engine.Answer
}

// Config is what an Executor needs.
type Config struct {
	Backend  backend.Backend
	Resolver Resolver
	// Env is what every step is given; Now, Flow and Answers are set by the loop.
	Env engine.Env
	Log *slog.Logger
	// Member is the incarnation that asks for shards.
	Member string
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Executor steps executions and gates.
type Executor struct {
	cfg Config

	mu     sync.Mutex
	shards map[int]context.CancelFunc
	wg     sync.WaitGroup
}

// New returns an executor; Run starts it.
func New(cfg Config) *Executor {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC() }
	}
	return &Executor{cfg: cfg, shards: map[int]context.CancelFunc{}}
}

// Run owns shards until the context ends; it returns when everything that was handed to the backend has been answered.
func (e *Executor) Run(ctx context.Context) error {
	changes, err := e.cfg.Backend.Acquire(ctx, e.cfg.Member)
	if err != nil {
		return err
	}
	e.wg.Go(func() { e.sweep(ctx) })
	for c := range changes {
		if c.Revoked {
			e.release(c.Lease.Shard)
			continue
		}
		e.own(ctx, c.Lease)
	}
	e.wg.Wait()
	return ctx.Err()
}

// own starts the loop of a shard.
func (e *Executor) own(ctx context.Context, lease backend.Lease) {
	e.release(lease.Shard)
	ctx, cancel := context.WithCancel(ctx)
	e.mu.Lock()
	e.shards[lease.Shard] = cancel
	e.mu.Unlock()
	e.wg.Go(func() {
		defer cancel()
		newShard(e, lease).run(ctx)
	})
}

func (e *Executor) release(shard int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if cancel := e.shards[shard]; cancel != nil {
		cancel()
		delete(e.shards, shard)
	}
}
