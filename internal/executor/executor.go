// Package executor owns shards of executions and gates, and moves them by the engine. It decides nothing itself.
package executor

import (
	"context"
	"log/slog"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
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
	// Env is what every step is given; Now, Flow and Answers are set by the machine.
	Env engine.Env
	Log *slog.Logger
	// Member is the incarnation that asks for shards.
	Member string
	// Committed is told of each transition once it is durable; nil for nobody. It must neither wait nor change it.
	Committed func(*model.Transition)
	// Skip names executions to be left alone.
	Skip Skip
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Executor steps executions and gates.
type Executor struct{ cfg Config }

// New returns an executor; Run starts it.
func New(cfg Config) *Executor {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC() }
	}
	cfg.Env.Flow = cfg.Resolver.Cached
	return &Executor{cfg: cfg}
}

func (e *Executor) machine() shard.Machine { return &machine{cfg: e.cfg, env: e.cfg.Env} }

// Run owns shards until the context ends; it returns when everything that was handed to the backend has been answered.
func (e *Executor) Run(ctx context.Context) error {
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		e.sweep(ctx)
	}()
	owner := shard.NewOwner(shard.Config{
		Backend: e.cfg.Backend, Machine: e.machine, Log: e.cfg.Log, Member: e.cfg.Member, Kind: backend.ExecutionShards,
		Committed: e.cfg.Committed, Now: e.cfg.Now,
	})
	err := owner.Run(ctx)
	<-swept
	return err
}
