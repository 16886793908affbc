// Package kv is the key-value store that flows and people share, by namespace.
package kv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Kind is that of the documents that hold entries.
const Kind = "kv"

// Type is the type of an entry's value.
type Type string

// The types.
const (
	String   Type = "STRING"
	Number   Type = "NUMBER"
	Boolean  Type = "BOOLEAN"
	DateTime Type = "DATETIME"
	Date     Type = "DATE"
	Duration Type = "DURATION"
	JSON     Type = "JSON"
)

// Entry is one key with its value.
type Entry struct {
	Namespace   string
	Key         string
	Type        Type
	Value       any
	Description string
	Version     int
	Created     time.Time
	Updated     time.Time
	Expires     *time.Time
}

// Errors of the store, besides those of the backend.
var (
	// ErrExpired: there was a value; its time is over.
	ErrExpired = errors.New("the requested value has expired")
	// ErrExists: the key has a value and must not be overwritten.
	ErrExists = errors.New("the key exists already")
	// ErrKey: the text cannot be a key.
	ErrKey = errors.New("a key begins with a letter or digit, followed by letters, digits, '.', '_' or '-'")
)

var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// Store is the key-value store of an installation.
type Store struct {
	docs backend.Documents
	now  func() time.Time
}

// New returns the store over the backend's documents.
func New(docs backend.Documents) *Store {
	return &Store{docs: docs, now: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }}
}

// body is how an entry is stored.
type body struct {
	Type        Type            `json:"type"`
	Value       json.RawMessage `json:"value"`
	Description string          `json:"description,omitempty"`
}

// Get returns an entry. backend.ErrNotFound when there is none, ErrExpired when its time is over.
func (s *Store) Get(ctx context.Context, tenant, namespace, key string) (*Entry, error) {
	d, err := s.docs.Get(ctx, Kind, tenant, namespace, key)
	if errors.Is(err, backend.ErrNotFound) {
		return nil, s.missing(ctx, tenant, namespace, key)
	}
	if err != nil {
		return nil, err
	}
	if d.Expires != nil && !d.Expires.After(s.now()) {
		return nil, ErrExpired
	}
	return entry(d)
}

// Inherited is Get that looks in the namespaces above when the namespace itself has no such key.
func (s *Store) Inherited(ctx context.Context, tenant, namespace, key string) (*Entry, error) {
	for {
		e, err := s.Get(ctx, tenant, namespace, key)
		up := strings.LastIndexByte(namespace, '.')
		if !errors.Is(err, backend.ErrNotFound) || up < 0 {
			return e, err
		}
		namespace = namespace[:up]
	}
}

// Put is what Set stores.
type Put struct {
	Tenant, Namespace, Key string
	Value                  any
	Type                   Type // "" takes the type from the value
	Description            string
	TTL                    time.Duration // 0: it stays
	KeepExisting           bool          // ErrExists if the key has a value
}

// Set stores an entry.
func (s *Store) Set(ctx context.Context, p Put) error {
	if !keyPattern.MatchString(p.Key) {
		return fmt.Errorf("%q: %w", p.Key, ErrKey)
	}
	if p.TTL < 0 {
		return fmt.Errorf("a time to live of %s is not possible", model.FormatDuration(p.TTL))
	}
	typ, v, err := typed(p.Value, p.Type)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(body{Type: typ, Value: value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true}), Description: p.Description})
	if err != nil {
		return err
	}
	d := backend.Document{Kind: Kind, Tenant: p.Tenant, Namespace: p.Namespace, ID: p.Key, Body: raw, Text: p.Description, Created: s.now(), Updated: s.now()}
	if p.TTL > 0 {
		at := s.now().Add(p.TTL)
		d.Expires = &at
	}
	if p.KeepExisting {
		if _, err := s.Get(ctx, p.Tenant, p.Namespace, p.Key); err == nil {
			return fmt.Errorf("%s: %w", p.Key, ErrExists)
		}
	}
	if d.Expires != nil {
		if err := s.remember(ctx, d); err != nil {
			return err
		}
		_, err = s.docs.Put(ctx, d, backend.AnyVersion)
		return err
	}
	if _, err := s.docs.Put(ctx, d, backend.AnyVersion); err != nil {
		return err
	}
	_, err = s.Forget(ctx, p.Tenant, p.Namespace, p.Key)
	return err
}

// Delete removes an entry and tells whether there was one.
func (s *Store) Delete(ctx context.Context, tenant, namespace, key string) (bool, error) {
	if _, err := s.Forget(ctx, tenant, namespace, key); err != nil {
		return false, err
	}
	err := s.docs.Delete(ctx, Kind, tenant, namespace, key)
	if errors.Is(err, backend.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Search lists entries; see backend.Documents. Expired ones are left out.
func (s *Store) Search(ctx context.Context, q backend.Query) (backend.Page[*Entry], error) {
	page, err := s.docs.Search(ctx, Kind, q)
	out := backend.Page[*Entry]{Total: page.Total, Cursor: page.Cursor}
	if err != nil {
		return out, err
	}
	for _, d := range page.Results {
		e, err := entry(d)
		if err != nil {
			return out, err
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}

// List returns every entry of a namespace by key.
func (s *Store) List(ctx context.Context, tenant, namespace string) ([]*Entry, error) {
	q := backend.Query{Tenant: tenant, Page: 1, Size: 1000, Sort: []backend.Sort{{By: "id"}}, NoTotal: true,
		Filters: []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: namespace}}}
	var out []*Entry
	for {
		page, err := s.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Results...)
		if page.Cursor == "" || len(page.Results) < q.Size {
			return out, nil
		}
		q.After = page.Cursor
	}
}

func entry(d *backend.Document) (*Entry, error) {
	var b body
	if err := json.Unmarshal(d.Body, &b); err != nil {
		return nil, fmt.Errorf("key %s: %w", d.ID, err)
	}
	v, err := value.ParseJSON(b.Value)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", d.ID, err)
	}
	return &Entry{Namespace: d.Namespace, Key: d.ID, Type: b.Type, Value: revive(b.Type, v), Description: b.Description,
		Version: d.Version, Created: d.Created, Updated: d.Updated, Expires: d.Expires}, nil
}

// revive turns the stored form of dates and durations into values of their own.
func revive(t Type, v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	switch t {
	case DateTime:
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return value.Instant{T: at.UTC()}
		}
	case Date:
		if at, err := time.Parse(time.DateOnly, s); err == nil {
			return value.LocalDate{T: at}
		}
	case Duration:
		if d, err := model.ParseDuration(s); err == nil {
			return value.Duration(d)
		}
	}
	return v
}

// typed converts a value to the type asked for, or finds its type.
func typed(v any, t Type) (Type, any, error) {
	s, isText := v.(string)
	if t == "" {
		t = typeOf(v)
	}
	if !isText || t == String {
		if d, ok := v.(value.Duration); ok {
			return Duration, model.FormatDuration(time.Duration(d)), nil
		}
		return t, v, nil
	}
	wrong := func(err error) (Type, any, error) { return t, nil, fmt.Errorf("%q is no %s: %w", s, t, err) }
	switch t {
	case Number:
		d, ok := value.ParseDecimal(s)
		if !ok {
			return wrong(errors.New("it is not a number"))
		}
		n, err := value.ParseJSON([]byte(d.String()))
		return t, n, err
	case Boolean:
		return t, strings.EqualFold(s, "true"), nil
	case DateTime:
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return wrong(err)
		}
		return t, at.UTC().Format(time.RFC3339Nano), nil
	case Date:
		if len(s) > len(time.DateOnly) {
			s = s[:len(time.DateOnly)]
		}
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return wrong(err)
		}
		return t, s, nil
	case Duration:
		if _, err := model.ParseDuration(s); err != nil {
			return wrong(err)
		}
		return t, s, nil
	case JSON:
		parsed, err := value.ParseJSON([]byte(s))
		if err != nil {
			return wrong(err)
		}
		return t, parsed, nil
	}
	return t, nil, fmt.Errorf("there is no type %s: one of STRING, NUMBER, BOOLEAN, DATETIME, DATE, DURATION, JSON", t)
}

// typeOf finds the type of a value. A text that is an ISO duration is one, as in the reference.
func typeOf(v any) Type {
	switch x := v.(type) {
	case string:
		if strings.HasPrefix(x, "P") && len(x) > 2 {
			if _, err := model.ParseDuration(x); err == nil {
				return Duration
			}
		}
		return String
	case bool:
		return Boolean
	case value.Instant, value.ZonedDateTime, value.LocalDateTime:
		return DateTime
	case value.LocalDate:
		return Date
	case value.Duration:
		return Duration
	case nil, []any, *value.Map, value.Object:
		return JSON
	}
	if value.IsNumber(v) {
		return Number
	}
	return JSON
}

// FromRequest reads the raw body of a request that sets a key: JSON if it is, an ISO date, else text. A text in quotes is
// a text, even if it looks like a date.
func FromRequest(raw string) any {
	if v, err := value.ParseJSON([]byte(strings.TrimSpace(raw))); err == nil {
		return v
	}
	return dated(raw)
}

func dated(s string) any {
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return value.Instant{T: at.UTC()}
	}
	if at, err := time.Parse(time.DateOnly, s); err == nil {
		return value.LocalDate{T: at}
	}
	return s
}

// Ion writes an entry's value as Ion text, the form in which it is exported.
func Ion(e *Entry) string { return string(ion.Append(nil, e.Value)) }
