package listing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/value"
)

// entry is what is remembered of a file.
type entry struct {
	URI        string    `json:"uri"` // its key
	Version    string    `json:"version"`
	ModifiedAt time.Time `json:"modifiedAt"`
	LastSeenAt time.Time `json:"lastSeenAt"` // when this version was seen first
}

// state is what is remembered of a trigger's files, in the key-value store of its namespace.
type state struct {
	store                  *kv.Store
	tenant, namespace, key string
	ttl                    time.Duration
	entries                map[string]entry
	now                    time.Time
	changed                bool
}

// remembered reads the state.
func (l *Look) remembered(ctx context.Context) (*state, error) {
	info := l.run.Info()
	s := &state{store: l.KV, tenant: info.Tenant, namespace: info.Namespace, key: l.StateKey, entries: map[string]entry{}, now: time.Now().UTC()}
	if s.key == "" {
		s.key = strings.Join([]string{info.Namespace, info.FlowID, l.Trigger}, "_")
	}
	if l.StateTTL != nil {
		s.ttl = time.Duration(*l.StateTTL)
	}
	stored, err := s.store.Get(ctx, s.tenant, s.namespace, s.key)
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, kv.ErrExpired) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var list []entry
	if err := json.Unmarshal(value.AppendJSON(nil, stored.Value, value.JSONOptions{}), &list); err != nil {
		return nil, fmt.Errorf("the key %s does not hold the files that this trigger has seen: %w", s.key, err)
	}
	for _, e := range list {
		if s.ttl == 0 || e.LastSeenAt.Add(s.ttl).After(s.now) {
			s.entries[e.URI] = e
		}
	}
	return s, nil
}

func (s *state) put(f File) {
	if e, ok := s.entries[f.Key]; !ok || e.Version != f.Version {
		s.entries[f.Key] = entry{f.Key, f.Version, f.Modified.UTC(), s.now}
		s.changed = true
	}
}

func (s *state) forget(f File) {
	if _, ok := s.entries[f.Key]; ok {
		delete(s.entries, f.Key)
		s.changed = true
	}
}

// keepOnly forgets the files that are no longer there.
func (s *state) keepOnly(files []File) {
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f.Key] = true
	}
	before := len(s.entries)
	maps.DeleteFunc(s.entries, func(key string, _ entry) bool { return !there[key] })
	s.changed = s.changed || len(s.entries) != before
}

// save stores the state if it has changed.
func (s *state) save(ctx context.Context) error {
	if !s.changed {
		return nil
	}
	s.changed = false
	if len(s.entries) == 0 {
		_, err := s.store.Delete(ctx, s.tenant, s.namespace, s.key)
		return err
	}
	list := make([]entry, 0, len(s.entries))
	for _, key := range slices.Sorted(maps.Keys(s.entries)) {
		list = append(list, s.entries[key])
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return err
	}
	return s.store.Set(ctx, kv.Put{
		Tenant: s.tenant, Namespace: s.namespace, Key: s.key, Value: v, Type: kv.JSON, Description: "files that a trigger has seen", TTL: s.ttl,
	})
}
