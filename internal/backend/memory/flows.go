package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

type flows struct{ *Backend }

type flowKey struct{ tenant, namespace, id string }

func keyOf(k model.FlowKey) flowKey { return flowKey{k.Tenant, k.Namespace, k.ID} }

func latest(revisions []*backend.FlowRecord) *backend.FlowRecord {
	if len(revisions) == 0 {
		return nil
	}
	return revisions[len(revisions)-1]
}

func notFound(key model.FlowKey) error {
	if key.Revision == 0 {
		return fmt.Errorf("flow %s.%s: %w", key.Namespace, key.ID, backend.ErrNotFound)
	}
	return fmt.Errorf("flow %s.%s, revision %d: %w", key.Namespace, key.ID, key.Revision, backend.ErrNotFound)
}

// Get is backend.Flows.
func (f flows) Get(ctx context.Context, key model.FlowKey, deleted bool) (*backend.FlowRecord, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	revisions := f.flows[keyOf(key)]
	last := latest(revisions)
	if last == nil || last.Deleted && !deleted {
		return nil, notFound(key)
	}
	if key.Revision == 0 {
		return last, nil
	}
	for _, r := range revisions {
		if r.Revision == key.Revision {
			return r, nil
		}
	}
	return nil, notFound(key)
}

// Save is backend.Flows.
func (f flows) Save(ctx context.Context, r backend.FlowRecord, expect int) (int, error) {
	if err := f.ready(ctx); err != nil {
		return 0, err
	}
	revision, err := f.save(r, expect)
	if err == nil {
		f.Deliver(r.Events)
	}
	return revision, err
}

func (f flows) save(r backend.FlowRecord, expect int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := flowKey{r.Tenant, r.Namespace, r.ID}
	last := latest(f.flows[key])
	at := 0
	if last != nil && !last.Deleted {
		at = last.Revision
	}
	if at != expect {
		return 0, fmt.Errorf("flow %s.%s is at revision %d, not %d: %w", r.Namespace, r.ID, at, expect, backend.ErrConflict)
	}
	f.declareTriggers(key, r.Triggers)
	if at > 0 && last.Source == r.Source {
		return at, nil
	}
	r.Revision, r.Deleted, r.Triggers, r.Events = 1, false, nil, nil
	if last != nil {
		r.Revision = last.Revision + 1
	}
	f.flows[key] = append(f.flows[key], &r)
	return r.Revision, nil
}

// declareTriggers remembers the triggers of a flow that nothing is remembered of.
func (f flows) declareTriggers(key flowKey, first []model.TriggerState) {
	for _, t := range first {
		k := triggerKey{key, t.TriggerID}
		if f.triggers[k] == nil {
			f.triggers[k] = &t
		}
	}
}

// Delete is backend.Flows.
func (f flows) Delete(ctx context.Context, key model.FlowKey, events []model.Event) (int, error) {
	if err := f.ready(ctx); err != nil {
		return 0, err
	}
	revision, err := f.delete(key)
	if err == nil {
		f.Deliver(events)
	}
	return revision, err
}

func (f flows) delete(key model.FlowKey) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := latest(f.flows[keyOf(key)])
	if last == nil || last.Deleted {
		return 0, notFound(key)
	}
	r := *last
	r.Revision, r.Deleted, r.Updated = last.Revision+1, true, time.Now().UTC()
	f.flows[keyOf(key)] = append(f.flows[keyOf(key)], &r)
	return r.Revision, nil
}

// Revisions is backend.Flows.
func (f flows) Revisions(ctx context.Context, key model.FlowKey) ([]*backend.FlowRecord, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if len(f.flows[keyOf(key)]) == 0 {
		return nil, notFound(key)
	}
	return slices.Clone(f.flows[keyOf(key)]), nil
}

// DropRevisions is backend.Flows.
func (f flows) DropRevisions(ctx context.Context, key model.FlowKey, revisions []int) error {
	if err := f.ready(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	last := latest(f.flows[keyOf(key)])
	if last == nil {
		return notFound(key)
	}
	if slices.Contains(revisions, last.Revision) {
		return fmt.Errorf("revision %d is the latest: %w", last.Revision, backend.ErrInvalid)
	}
	f.flows[keyOf(key)] = slices.DeleteFunc(slices.Clone(f.flows[keyOf(key)]), func(r *backend.FlowRecord) bool {
		return slices.Contains(revisions, r.Revision)
	})
	return nil
}

func (f flows) ofTenant(tenant string) []*backend.FlowRecord {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var all []*backend.FlowRecord
	for key, revisions := range f.flows {
		if last := latest(revisions); key.tenant == tenant && !last.Deleted {
			all = append(all, last)
		}
	}
	return all
}

var flowRepository = repository[*backend.FlowRecord]{
	fields:  backend.FlowFields,
	sorts:   backend.FlowSorts,
	natural: []backend.Sort{{By: "namespace"}, {By: "id"}},
	field: func(r *backend.FlowRecord, f backend.Field) any {
		switch f {
		case backend.FieldQuery:
			return anyText(r.Namespace, r.ID, r.Description)
		case backend.FieldNamespace:
			return r.Namespace
		case backend.FieldFlowID:
			return r.ID
		case backend.FieldLabels:
			return r.Labels
		case backend.FieldScope:
			return scopeOf(r.Namespace)
		case backend.FieldDisabled:
			return r.Disabled
		}
		return nil
	},
	key: func(r *backend.FlowRecord, by string) any {
		switch by {
		case "id":
			return r.ID
		case "namespace":
			return r.Namespace
		case "updated":
			return r.Updated.UnixMicro()
		}
		return r.Namespace + "\x00" + r.ID
	},
}

// Search is backend.Flows.
func (f flows) Search(ctx context.Context, q backend.Query) (backend.Page[*backend.FlowRecord], error) {
	if err := f.ready(ctx); err != nil {
		return backend.Page[*backend.FlowRecord]{}, err
	}
	return flowRepository.search(q, f.ofTenant(q.Tenant))
}

// SearchSource is backend.Flows.
func (f flows) SearchSource(ctx context.Context, q backend.Query) (backend.Page[*backend.FlowRecord], error) {
	if err := f.ready(ctx); err != nil {
		return backend.Page[*backend.FlowRecord]{}, err
	}
	inSource := flowRepository
	inSource.field = func(r *backend.FlowRecord, field backend.Field) any {
		if field == backend.FieldQuery {
			return anyText(r.Source)
		}
		return flowRepository.field(r, field)
	}
	return inSource.search(q, f.ofTenant(q.Tenant))
}

// Namespaces is backend.Flows.
func (f flows) Namespaces(ctx context.Context, tenant string) ([]string, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, r := range f.ofTenant(tenant) {
		names[r.Namespace] = true
	}
	return slices.Sorted(maps.Keys(names)), nil
}
