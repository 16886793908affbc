package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

type flows struct{ *Backend }

const flowColumns = "f.tenant, f.namespace, f.id, f.revision, f.deleted, f.disabled, f.updated, f.description, f.labels, f.source"

func scanFlow(row scanner) (*backend.FlowRecord, error) {
	r := &backend.FlowRecord{}
	var updated int64
	var labels string
	err := row.Scan(&r.Tenant, &r.Namespace, &r.ID, &r.Revision, &r.Deleted, &r.Disabled, &updated, &r.Description, &labels, &r.Source)
	if err != nil {
		return nil, err
	}
	r.Updated = sqlbase.Time(updated)
	return r, json.Unmarshal([]byte(labels), &r.Labels)
}

var flowList = list[*backend.FlowRecord]{
	from:    "flows f",
	columns: flowColumns,
	row:     "f.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.FlowFields,
		Columns: map[backend.Field]string{
			backend.FieldNamespace: "f.namespace", backend.FieldFlowID: "f.id", backend.FieldScope: "f.namespace", backend.FieldDisabled: "f.disabled",
		},
		Text: []string{"f.namespace", "f.id", "f.description"},
		Label: func(l model.Label) sqlbase.Clause {
			return sqlbase.Clause{SQL: "EXISTS (SELECT 1 FROM json_each(f.labels) WHERE value ->> 'key' = ? AND value ->> 'value' = ?)", Args: []any{l.Key, l.Value}}
		},
	},
	sorts:   backend.FlowSorts,
	natural: []backend.Sort{{By: "namespace"}, {By: "id"}},
	keys:    map[string]string{"id": "f.id", "namespace": "f.namespace", "updated": "f.updated"},
	scan:    scanFlow,
}

var (
	sourceList = func() list[*backend.FlowRecord] {
		l := flowList
		l.schema.Text = []string{"f.source"}
		return l
	}()
	latestFlows = sqlbase.Clause{SQL: "f.latest = 1 AND f.deleted = 0"}
)

const ofFlow = " WHERE f.tenant = ? AND f.namespace = ? AND f.id = ?"

func flowMissing(key model.FlowKey) error {
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
	text, args := "SELECT "+flowColumns+" FROM flows f"+ofFlow, []any{key.Tenant, key.Namespace, key.ID}
	if key.Revision == 0 {
		text += " AND f.latest = 1"
	} else {
		text, args = text+" AND f.revision = ?", append(args, key.Revision)
	}
	if !deleted {
		text += " AND EXISTS (SELECT 1 FROM flows l WHERE l.tenant = f.tenant AND l.namespace = f.namespace AND l.id = f.id AND l.latest = 1 AND l.deleted = 0)"
	}
	r, err := scanFlow(f.stmts.row(ctx, text, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, flowMissing(key)
	}
	return r, unavailable(err)
}

// latestFlow reads the newest revision for the writer; nil if there is none.
func (s *store) latestFlow(tenant, namespace, id string) (*backend.FlowRecord, error) {
	r, err := scanFlow(s.row("SELECT "+flowColumns+" FROM flows f"+ofFlow+" AND f.latest = 1", tenant, namespace, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

func (s *store) insertFlow(r *backend.FlowRecord) error {
	labels, err := s.enc.Encode(r.Labels)
	if err != nil {
		return refuse(err)
	}
	if _, err := s.exec("UPDATE flows SET latest = 0 WHERE tenant = ? AND namespace = ? AND id = ? AND revision = ?",
		r.Tenant, r.Namespace, r.ID, r.Revision-1); err != nil {
		return err
	}
	_, err = s.exec(`INSERT INTO flows (tenant, namespace, id, revision, latest, deleted, disabled, updated, description, labels, source)
		VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`, r.Tenant, r.Namespace, r.ID, int64(r.Revision), r.Deleted, r.Disabled,
		sqlbase.Micros(r.Updated), r.Description, labels, r.Source)
	return err
}

// Save is backend.Flows.
func (f flows) Save(ctx context.Context, r backend.FlowRecord, expect int) (int, error) {
	if err := f.ready(ctx); err != nil {
		return 0, err
	}
	revision := 0
	err := f.write(ctx, func(s *store) error {
		last, err := s.latestFlow(r.Tenant, r.Namespace, r.ID)
		if err != nil {
			return err
		}
		at := 0
		if last != nil && !last.Deleted {
			at = last.Revision
		}
		if at != expect {
			return refuse(fmt.Errorf("flow %s.%s is at revision %d, not %d: %w", r.Namespace, r.ID, at, expect, backend.ErrConflict))
		}
		if err := s.declareTriggers(r.Triggers); err != nil {
			return err
		}
		if err := s.putEvents(r.Events); err != nil {
			return err
		}
		if revision = at; at > 0 && last.Source == r.Source {
			return nil
		}
		next := r
		next.Revision, next.Deleted = 1, false
		if last != nil {
			next.Revision = last.Revision + 1
		}
		revision = next.Revision
		return s.insertFlow(&next)
	})
	if err != nil {
		return 0, err
	}
	f.Deliver(r.Events)
	return revision, nil
}

// Delete is backend.Flows.
func (f flows) Delete(ctx context.Context, key model.FlowKey, events []model.Event) (int, error) {
	if err := f.ready(ctx); err != nil {
		return 0, err
	}
	revision := 0
	err := f.write(ctx, func(s *store) error {
		r, err := s.latestFlow(key.Tenant, key.Namespace, key.ID)
		if err != nil {
			return err
		}
		if r == nil || r.Deleted {
			return refuse(flowMissing(key))
		}
		r.Revision, r.Deleted, r.Updated = r.Revision+1, true, time.Now()
		revision = r.Revision
		if err := s.putEvents(events); err != nil {
			return err
		}
		return s.insertFlow(r)
	})
	if err != nil {
		return 0, err
	}
	f.Deliver(events)
	return revision, nil
}

// Revisions is backend.Flows.
func (f flows) Revisions(ctx context.Context, key model.FlowKey) ([]*backend.FlowRecord, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := f.state.QueryContext(ctx, "SELECT "+flowColumns+" FROM flows f"+ofFlow+" ORDER BY f.revision", key.Tenant, key.Namespace, key.ID)
	all, err := collect(rows, err, scanFlow)
	if err == nil && len(all) == 0 {
		return nil, flowMissing(key)
	}
	return all, err
}

// DropRevisions is backend.Flows.
func (f flows) DropRevisions(ctx context.Context, key model.FlowKey, revisions []int) error {
	if err := f.ready(ctx); err != nil {
		return err
	}
	return f.write(ctx, func(s *store) error {
		last, err := s.latestFlow(key.Tenant, key.Namespace, key.ID)
		if err != nil {
			return err
		}
		if last == nil {
			return refuse(flowMissing(key))
		}
		if slices.Contains(revisions, last.Revision) {
			return refuse(fmt.Errorf("revision %d is the latest: %w", last.Revision, backend.ErrInvalid))
		}
		for _, n := range revisions {
			if _, err := s.exec("DELETE FROM flows WHERE tenant = ? AND namespace = ? AND id = ? AND revision = ?", key.Tenant, key.Namespace, key.ID, int64(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Search is backend.Flows.
func (f flows) Search(ctx context.Context, q backend.Query) (backend.Page[*backend.FlowRecord], error) {
	if err := f.ready(ctx); err != nil {
		return backend.Page[*backend.FlowRecord]{}, err
	}
	return flowList.find(ctx, f.state, q, 0, equals("f.tenant", q.Tenant), latestFlows)
}

// SearchSource is backend.Flows.
func (f flows) SearchSource(ctx context.Context, q backend.Query) (backend.Page[*backend.FlowRecord], error) {
	if err := f.ready(ctx); err != nil {
		return backend.Page[*backend.FlowRecord]{}, err
	}
	return sourceList.find(ctx, f.state, q, 0, equals("f.tenant", q.Tenant), latestFlows)
}

// Namespaces is backend.Flows.
func (f flows) Namespaces(ctx context.Context, tenant string) ([]string, error) {
	if err := f.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := f.state.QueryContext(ctx, "SELECT DISTINCT f.namespace FROM flows f WHERE f.tenant = ? AND "+latestFlows.SQL+" ORDER BY f.namespace", tenant)
	return collect(rows, err, scanText)
}

func scanText(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}
