// Package flowstore finds compiled flows: it reads them from the backend, compiles them once and keeps them.
package flowstore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Compile compiles a stored flow. What was valid when it was saved may have become invalid since; the error says why.
type Compile func(ctx context.Context, r *backend.FlowRecord) (*model.Flow, error)

// Store finds compiled flows.
type Store struct {
	flows   backend.Flows
	compile Compile

	mu       sync.RWMutex
	compiled map[model.FlowKey]*model.Flow // by key with revision: a revision never changes
	latest   map[model.FlowKey]int         // by key without revision, where this process sees every write
	order    []model.FlowKey
	writes   int // counts what Forget and Reset were called for: what was read before is not the latest
}

// maxCompiled is how many compiled flows are kept.
const maxCompiled = 4096

// New returns a store. Latest revisions are kept only where follow is set: where every write goes through this process,
// which calls Saved.
func New(flows backend.Flows, compile Compile, follow bool) *Store {
	s := &Store{flows: flows, compile: compile, compiled: map[model.FlowKey]*model.Flow{}}
	if follow {
		s.latest = map[model.FlowKey]int{}
	}
	return s
}

// Cached returns a flow that is at hand.
func (s *Store) Cached(key model.FlowKey) (*model.Flow, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if key.Revision == 0 {
		rev, ok := s.latest[key]
		if !ok {
			return nil, false
		}
		key.Revision = rev
	}
	f, ok := s.compiled[key]
	return f, ok
}

// Get returns a flow, the latest revision if the key names none. backend.ErrNotFound when there is no such flow, or it was
// deleted and no revision is named.
func (s *Store) Get(ctx context.Context, key model.FlowKey) (*model.Flow, error) {
	if f, ok := s.Cached(key); ok {
		return f, nil
	}
	s.mu.RLock()
	writes := s.writes
	s.mu.RUnlock()
	r, err := s.flows.Get(ctx, key, key.Revision != 0)
	if err != nil {
		return nil, err
	}
	found := key
	found.Revision = r.Revision // the latest may be at hand by its number
	f, ok := s.Cached(found)
	if !ok {
		if f, err = s.compile(ctx, r); err != nil {
			return nil, fmt.Errorf("flow %s.%s: %w", r.Namespace, r.ID, err)
		}
	}
	s.keep(f, key.Revision == 0, writes)
	return f, nil
}

// Find is Get that gives nil for a flow that does not exist.
func (s *Store) Find(ctx context.Context, key model.FlowKey) (*model.Flow, error) {
	f, err := s.Get(ctx, key)
	if errors.Is(err, backend.ErrNotFound) {
		return nil, nil
	}
	return f, err
}

func (s *Store) keep(f *model.Flow, latest bool, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest = latest && writes == s.writes
	key := f.Key()
	if s.compiled[key] == nil {
		s.order = append(s.order, key)
	}
	s.compiled[key] = f
	if latest && s.latest != nil {
		s.latest[unrevised(key)] = f.Revision
	}
	if len(s.order) > maxCompiled {
		for _, old := range s.order[:maxCompiled/4] {
			delete(s.compiled, old)
			if s.latest[unrevised(old)] == old.Revision {
				delete(s.latest, unrevised(old))
			}
		}
		s.order = append([]model.FlowKey(nil), s.order[maxCompiled/4:]...)
	}
}

// Forget drops what is known of the latest revision of a flow; whoever saves or deletes one calls it.
func (s *Store) Forget(key model.FlowKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	delete(s.latest, unrevised(key))
}

// Reset drops everything; whoever changes what compiling depends on, such as a template, calls it.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.compiled, s.order = map[model.FlowKey]*model.Flow{}, nil
	if s.latest != nil {
		s.latest = map[model.FlowKey]int{}
	}
}

func unrevised(key model.FlowKey) model.FlowKey {
	key.Revision = 0
	return key
}
