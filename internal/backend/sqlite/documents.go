package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
)

type documents struct{ *Backend }

const documentColumns = "d.kind, d.tenant, d.namespace, d.id, d.version, d.body, d.text, d.created, d.updated, d.expires"

func scanDocument(row scanner) (*backend.Document, error) {
	d := &backend.Document{}
	var body string
	var created, updated int64
	var expires sql.NullInt64
	if err := row.Scan(&d.Kind, &d.Tenant, &d.Namespace, &d.ID, &d.Version, &body, &d.Text, &created, &updated, &expires); err != nil {
		return nil, err
	}
	d.Body, d.Created, d.Updated = json.RawMessage(body), sqlbase.Time(created), sqlbase.Time(updated)
	if expires.Valid {
		at := sqlbase.Time(expires.Int64)
		d.Expires = &at
	}
	return d, nil
}

var documentList = list[*backend.Document]{
	from:    "documents d",
	columns: documentColumns,
	row:     "d.seq",
	schema: sqlbase.Schema{
		Dialect: dialect,
		Kinds:   backend.DocumentFields,
		Columns: map[backend.Field]string{backend.FieldNamespace: "d.namespace"},
		Text:    []string{"d.id", "d.text"},
	},
	sorts:   backend.DocumentSorts,
	natural: []backend.Sort{{By: "id"}},
	keys:    map[string]string{"id": "d.id", "namespace": "d.namespace", "created": "d.created", "updated": "d.updated"},
	scan:    scanDocument,
}

// unexpired is the condition that a document has not expired.
func unexpired() sqlbase.Clause {
	return sqlbase.Clause{SQL: "d.expires IS NULL OR d.expires > ?", Args: []any{sqlbase.Micros(time.Now())}}
}

const ofDocument = " FROM documents d WHERE d.kind = ? AND d.tenant = ? AND d.namespace = ? AND d.id = ? AND (d.expires IS NULL OR d.expires > ?)"

func documentMissing(kind, id string) error {
	return fmt.Errorf("%s %s: %w", kind, id, backend.ErrNotFound)
}

// Get is backend.Documents.
func (d documents) Get(ctx context.Context, kind, tenant, namespace, id string) (*backend.Document, error) {
	if err := d.ready(ctx); err != nil {
		return nil, err
	}
	doc, err := scanDocument(d.state.QueryRowContext(ctx, "SELECT "+documentColumns+ofDocument, kind, tenant, namespace, id, sqlbase.Micros(time.Now())))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, documentMissing(kind, id)
	}
	return doc, unavailable(err)
}

// Put is backend.Documents.
func (d documents) Put(ctx context.Context, doc backend.Document, expect int) (int, error) {
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	if !json.Valid(doc.Body) {
		return 0, fmt.Errorf("the body of %s %s is no JSON: %w", doc.Kind, doc.ID, backend.ErrInvalid)
	}
	version := 0
	err := d.write(ctx, func(s *store) error {
		at, err := s.documentVersion(&doc)
		if err != nil {
			return err
		}
		if expect != backend.AnyVersion && expect != at {
			return refuse(fmt.Errorf("%s %s is at version %d, not %d: %w", doc.Kind, doc.ID, at, expect, backend.ErrConflict))
		}
		version = at + 1
		return s.putDocument(&doc, version)
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// documentVersion returns the stored version, 0 for none, and removes all documents that have expired.
func (s *store) documentVersion(d *backend.Document) (version int, err error) {
	if _, err := s.exec("DELETE FROM documents WHERE expires <= ?", sqlbase.Micros(time.Now())); err != nil {
		return 0, err
	}
	err = s.row("SELECT version FROM documents WHERE kind = ? AND tenant = ? AND namespace = ? AND id = ?", d.Kind, d.Tenant, d.Namespace, d.ID).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}

func (s *store) putDocument(d *backend.Document, version int) error {
	var expires any
	if d.Expires != nil {
		expires = sqlbase.Micros(*d.Expires)
	}
	_, err := s.exec(`INSERT INTO documents (kind, tenant, namespace, id, version, body, text, created, updated, expires)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		version = excluded.version, body = excluded.body, text = excluded.text, updated = excluded.updated, expires = excluded.expires`,
		d.Kind, d.Tenant, d.Namespace, d.ID, int64(version), string(d.Body), d.Text, sqlbase.Micros(d.Created), sqlbase.Micros(d.Updated), expires)
	return err
}

// Delete is backend.Documents.
func (d documents) Delete(ctx context.Context, kind, tenant, namespace, id string) error {
	if err := d.ready(ctx); err != nil {
		return err
	}
	return d.write(ctx, func(s *store) error {
		n, err := s.exec("DELETE FROM documents WHERE kind = ? AND tenant = ? AND namespace = ? AND id = ? AND (expires IS NULL OR expires > ?)",
			kind, tenant, namespace, id, sqlbase.Micros(time.Now()))
		if err == nil && n == 0 {
			return refuse(documentMissing(kind, id))
		}
		return err
	})
}

// Search is backend.Documents.
func (d documents) Search(ctx context.Context, kind string, q backend.Query) (backend.Page[*backend.Document], error) {
	if err := d.ready(ctx); err != nil {
		return backend.Page[*backend.Document]{}, err
	}
	return documentList.find(ctx, d.state, q, 0, equals("d.kind", kind), equals("d.tenant", q.Tenant), unexpired())
}
