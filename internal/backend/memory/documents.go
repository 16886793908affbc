package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

type documents struct{ *Backend }

type documentKey struct{ kind, tenant, namespace, id string }

func (k documentKey) missing() error {
	return fmt.Errorf("%s %s: %w", k.kind, k.id, backend.ErrNotFound)
}

// stored returns the document unless it has expired; the caller holds the lock.
func (d documents) stored(key documentKey) *backend.Document {
	if doc := d.documents[key]; doc != nil && !expired(doc) {
		return doc
	}
	return nil
}

func expired(d *backend.Document) bool { return d.Expires != nil && !d.Expires.After(time.Now()) }

// Get is backend.Documents.
func (d documents) Get(ctx context.Context, kind, tenant, namespace, id string) (*backend.Document, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	key := documentKey{kind, tenant, namespace, id}
	doc := d.stored(key)
	if doc == nil {
		return nil, key.missing()
	}
	copied := *doc
	return &copied, nil
}

// Put is backend.Documents.
func (d documents) Put(ctx context.Context, doc backend.Document, expect int) (int, error) {
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	if !json.Valid(doc.Body) {
		return 0, fmt.Errorf("the body of %s %s is no JSON: %w", doc.Kind, doc.ID, backend.ErrInvalid)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := documentKey{doc.Kind, doc.Tenant, doc.Namespace, doc.ID}
	old := d.stored(key)
	doc.Version = 1
	if old != nil {
		doc.Version, doc.Created = old.Version+1, old.Created
	}
	if expect != backend.AnyVersion && expect != doc.Version-1 {
		return 0, fmt.Errorf("%s %s is at version %d, not %d: %w", doc.Kind, doc.ID, doc.Version-1, expect, backend.ErrConflict)
	}
	d.documents[key] = &doc
	return doc.Version, nil
}

// Delete is backend.Documents.
func (d documents) Delete(ctx context.Context, kind, tenant, namespace, id string) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := documentKey{kind, tenant, namespace, id}
	if d.stored(key) == nil {
		return key.missing()
	}
	delete(d.documents, key)
	return nil
}

var documentRepository = repository[*backend.Document]{
	fields:  backend.DocumentFields,
	sorts:   backend.DocumentSorts,
	natural: []backend.Sort{{By: "id"}},
	field: func(d *backend.Document, f backend.Field) any {
		switch f {
		case backend.FieldQuery:
			return anyText(d.ID, d.Text)
		case backend.FieldNamespace:
			return d.Namespace
		}
		return nil
	},
	key: func(d *backend.Document, by string) any {
		switch by {
		case "id":
			return d.ID
		case "namespace":
			return d.Namespace
		case "created":
			return d.Created.UnixMicro()
		case "updated":
			return d.Updated.UnixMicro()
		}
		return d.Namespace + "\x00" + d.ID
	},
}

// Search is backend.Documents.
func (d documents) Search(ctx context.Context, kind string, q backend.Query) (backend.Page[*backend.Document], error) {
	if err := d.ready(ctx); err != nil {
		return backend.Page[*backend.Document]{}, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []*backend.Document
	for key, doc := range d.documents {
		if key.kind == kind && key.tenant == q.Tenant && !expired(doc) {
			copied := *doc
			all = append(all, &copied)
		}
	}
	return documentRepository.search(q, all)
}
