// Package memory is the backend that remembers as long as the process lives. It is the reference that the other
// adapters are measured against: maps under one lock, one transition after the other.
package memory

import (
	"context"
	"sync"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/model"
)

// Backend is a backend.Backend in memory.
type Backend struct {
	*inproc.Core

	mu            sync.RWMutex
	executions    map[string]*execution
	gates         map[string]*gate
	versions      map[model.Entity]int64            // of entities that are neither executions nor gates
	tombstones    map[model.Entity]int64            // with the version of the deletion
	flows         map[flowKey][]*backend.FlowRecord // all revisions, oldest first
	triggers      map[triggerKey]*model.TriggerState
	triggerTimers map[triggerKey]map[string]model.Timer
	expected      [backend.Shards]map[model.Entity]bool // the entities that are active or have timers, by shard
	documents     map[documentKey]*backend.Document
	logs          []model.LogEntry
	logKeys       map[logKey]bool
	metrics       []model.Metric
}

type execution struct {
	version int64
	header  *model.Execution
	runs    map[string]*model.TaskRun
	timers  map[string]model.Timer
}

type gate struct {
	version  int64
	limit    int
	behavior string
	revision int
	members  map[string]model.GateMember
	timers   map[string]model.Timer
}

// New returns an empty backend.
func New() *Backend {
	return build(func(s inproc.Store) inproc.Store { return s })
}

// build lets tests put something between the core and the store.
func build(wrap func(inproc.Store) inproc.Store) *Backend {
	b := &Backend{
		executions:    map[string]*execution{},
		gates:         map[string]*gate{},
		versions:      map[model.Entity]int64{},
		tombstones:    map[model.Entity]int64{},
		flows:         map[flowKey][]*backend.FlowRecord{},
		triggers:      map[triggerKey]*model.TriggerState{},
		triggerTimers: map[triggerKey]map[string]model.Timer{},
		documents:     map[documentKey]*backend.Document{},
		logKeys:       map[logKey]bool{},
	}
	b.Core = inproc.New(wrap(b), inproc.Left{})
	return b
}

// Caps is backend.Backend.
func (b *Backend) Caps() backend.Caps {
	return backend.Caps{Name: "memory", RunAhead: true, ReadYourWrites: true}
}

// Ping is backend.Backend.
func (b *Backend) Ping(ctx context.Context) error { return b.ready(ctx) }

// Close is backend.Backend.
func (b *Backend) Close() error {
	b.Core.Close()
	return nil
}

// Flows is backend.Backend.
func (b *Backend) Flows() backend.Flows { return flows{b} }

// Executions is backend.Backend.
func (b *Backend) Executions() backend.Executions { return executions{b} }

// Logs is backend.Backend.
func (b *Backend) Logs() backend.Logs { return logs{b} }

// Metrics is backend.Backend.
func (b *Backend) Metrics() backend.Metrics { return metrics{b} }

// Triggers is backend.Backend.
func (b *Backend) Triggers() backend.Triggers { return triggers{b} }

// Documents is backend.Backend.
func (b *Backend) Documents() backend.Documents { return documents{b} }

func (b *Backend) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Err()
}
