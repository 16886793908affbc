package kv

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

// The backend drops a value when its time is over. That there was one is remembered by a document of its own, since reading
// such a key is an error, other than reading one that never was, until the key is set again or purged.
const expiringKind = "kv-expiring"

// remembered is for how long it is known of a key that it has expired. Without an end, flows that name keys by their
// execution would fill the store.
const remembered = 30 * 24 * time.Hour

// expires is when the time of the key of such a document is over.
func expires(d *backend.Document) time.Time { return d.Expires.Add(-remembered) }

func (s *Store) remember(ctx context.Context, d backend.Document) error {
	until := d.Expires.Add(remembered)
	d.Kind, d.Body, d.Text, d.Expires = expiringKind, []byte("{}"), "", &until
	_, err := s.docs.Put(ctx, d, backend.AnyVersion)
	return err
}

// Forget makes a key that has expired one that never was, and tells whether it had.
func (s *Store) Forget(ctx context.Context, tenant, namespace, key string) (bool, error) {
	err := s.docs.Delete(ctx, expiringKind, tenant, namespace, key)
	if errors.Is(err, backend.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// missing is the error of a key that has no value.
func (s *Store) missing(ctx context.Context, tenant, namespace, key string) error {
	d, err := s.docs.Get(ctx, expiringKind, tenant, namespace, key)
	if err == nil && !expires(d).After(s.now()) {
		return ErrExpired
	}
	if err == nil {
		return backend.ErrNotFound
	}
	return err
}

// Expired lists the keys of all namespaces whose time is over, for as long as that is known.
func (s *Store) Expired(ctx context.Context, tenant string) ([]*Entry, error) {
	var out []*Entry
	err := s.each(ctx, expiringKind, tenant, func(d *backend.Document) error {
		if at := expires(d); !at.After(s.now()) {
			out = append(out, &Entry{Namespace: d.Namespace, Key: d.ID, Expires: &at})
		}
		return nil
	})
	return out, err
}

// All lists the entries of all namespaces by key.
func (s *Store) All(ctx context.Context, tenant string) ([]*Entry, error) {
	var out []*Entry
	err := s.each(ctx, Kind, tenant, func(d *backend.Document) error {
		e, err := entry(d)
		out = append(out, e)
		return err
	})
	return out, err
}

// each goes through the documents of a kind.
func (s *Store) each(ctx context.Context, kind, tenant string, do func(*backend.Document) error) error {
	q := backend.Query{Tenant: tenant, Page: 1, Size: 500, NoTotal: true, Sort: []backend.Sort{{By: "id"}}}
	for {
		page, err := s.docs.Search(ctx, kind, q)
		if err != nil {
			return err
		}
		for _, d := range page.Results {
			if err := do(d); err != nil {
				return err
			}
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			return nil
		}
		q.After = page.Cursor
	}
}
