package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/secret"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// namespaceKind is that of the documents that hold namespaces. A namespace exists too while it, or one below it, has
// anything: flows, files, keys, secrets or templates.
const namespaceKind = "namespace"

var namespacePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

func (a *API) namespaceRoutes() {
	a.route("POST", "/namespaces", a.createNamespace)
	a.route("GET", "/namespaces/search", a.searchNamespaces)
	a.route("POST", "/namespaces/autocomplete", a.completeNamespace)
	a.route("GET", "/namespaces/{id}", a.getNamespace)
	a.route("PUT", "/namespaces/{id}", a.updateNamespace)
	a.route("DELETE", "/namespaces/{id}", a.deleteNamespace)
}

func checkNamespace(id string) error {
	if !namespacePattern.MatchString(id) || strings.Contains(id, "..") {
		return invalid(fmt.Sprintf("namespace: %q is not one: it has small letters, digits, '.', '_' and '-'", id))
	}
	return nil
}

// readNamespace reads a namespace, whose members are kept as they are.
func readNamespace(r *http.Request) (*value.Map, string, error) {
	m := value.NewMap(4)
	if err := readJSON(r, m, "a namespace as a JSON object"); err != nil {
		return nil, "", err
	}
	v, _ := m.Get("id")
	id, _ := v.(string)
	if err := checkNamespace(id); err != nil {
		return nil, "", err
	}
	m.Set("deleted", false)
	return m, id, nil
}

func (a *API) saveNamespace(w http.ResponseWriter, r *http.Request, m *value.Map, id string, expect int) error {
	now := time.Now().UTC()
	_, err := a.Backend.Documents().Put(r.Context(), backend.Document{
		Kind: namespaceKind, Tenant: Tenant, ID: id, Body: value.AppendJSON(nil, m, value.JSONOptions{}), Created: now, Updated: now,
	}, expect)
	if errors.Is(err, backend.ErrConflict) {
		return conflict("the namespace " + id + " exists already")
	}
	if err != nil {
		return err
	}
	return writeValue(w, m)
}

func (a *API) createNamespace(w http.ResponseWriter, r *http.Request) error {
	m, id, err := readNamespace(r)
	if err != nil {
		return err
	}
	return a.saveNamespace(w, r, m, id, 0)
}

func (a *API) updateNamespace(w http.ResponseWriter, r *http.Request) error {
	m, id, err := readNamespace(r)
	if err != nil {
		return err
	}
	if id != r.PathValue("id") {
		return invalid("id: it cannot be changed")
	}
	if _, err := a.findNamespace(r, id); err != nil {
		return err
	}
	return a.saveNamespace(w, r, m, id, backend.AnyVersion)
}

func (a *API) getNamespace(w http.ResponseWriter, r *http.Request) error {
	m, err := a.findNamespace(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeValue(w, m)
}

// findNamespace finds what is stored of a namespace, or that there is something in it.
func (a *API) findNamespace(r *http.Request, id string) (*value.Map, error) {
	d, err := a.Backend.Documents().Get(r.Context(), namespaceKind, Tenant, "", id)
	if err == nil {
		m := value.NewMap(4)
		return m, json.Unmarshal(d.Body, m)
	}
	if !errors.Is(err, backend.ErrNotFound) {
		return nil, err
	}
	used, err := a.usedNamespaces(r.Context())
	if err != nil {
		return nil, err
	}
	if !slices.Contains(withParents(used), id) {
		return nil, notFound("Not Found: there is no namespace " + id)
	}
	return bareNamespace(id), nil
}

func bareNamespace(id string) *value.Map {
	return value.MapOf(value.Entry{Key: "id", Value: id}, value.Entry{Key: "deleted", Value: false})
}

// withParents adds the namespaces above; each stands there once, in order.
func withParents(namespaces []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, ns := range namespaces {
		for ; ns != "" && !seen[ns]; ns = parentNamespace(ns) {
			seen[ns] = true
			out = append(out, ns)
		}
	}
	slices.Sort(out)
	return out
}

// deleteNamespace forgets what is stored of a namespace; its flows and files stay.
func (a *API) deleteNamespace(w http.ResponseWriter, r *http.Request) error {
	if err := a.Backend.Documents().Delete(r.Context(), namespaceKind, Tenant, "", r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// usedNamespaces lists the namespaces that have flows, files, keys, secrets or templates. Some may stand there twice.
func (a *API) usedNamespaces(ctx context.Context) ([]string, error) {
	out, err := a.Backend.Flows().Namespaces(ctx, Tenant)
	if err != nil {
		return nil, err
	}
	files, err := storage.Namespaces(ctx, a.Storage, Tenant)
	if err != nil {
		return nil, err
	}
	out = append(out, files...)
	for _, kind := range []string{kv.Kind, secret.Kind, templateKind} {
		of, err := a.namespacesOf(ctx, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, of...)
	}
	return out, nil
}

// namespacesOf lists the namespaces of the documents of a kind: it asks for those whose namespaces are not known yet, until
// there are no more, so that one namespace with very many is read in part only.
func (a *API) namespacesOf(ctx context.Context, kind string) ([]string, error) {
	var known []string
	for {
		q := backend.Query{Tenant: Tenant, Page: 1, Size: batch, NoTotal: true}
		if len(known) > 0 {
			q.Filters = []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpNotIn, Value: known}}
		}
		p, err := a.Backend.Documents().Search(ctx, kind, q)
		if err != nil || len(p.Results) == 0 {
			return known, err
		}
		fresh := slices.Clone(known)
		for _, d := range p.Results {
			fresh = append(fresh, d.Namespace)
		}
		slices.Sort(fresh)
		known = slices.Compact(fresh)
	}
}

// namespaces lists all namespaces by name: what is stored of them, and unless existing is set those that have something.
func (a *API) namespaces(r *http.Request, existing bool) (names []string, stored map[string]*value.Map, err error) {
	docs, err := all(backend.Query{Tenant: Tenant}, func(q backend.Query) (backend.Page[*backend.Document], error) {
		return a.Backend.Documents().Search(r.Context(), namespaceKind, q)
	})
	if err != nil {
		return nil, nil, err
	}
	stored = map[string]*value.Map{}
	for _, d := range docs {
		m := value.NewMap(4)
		if err := json.Unmarshal(d.Body, m); err != nil {
			return nil, nil, err
		}
		stored[d.ID] = m
		names = append(names, d.ID)
	}
	if !existing {
		used, err := a.usedNamespaces(r.Context())
		if err != nil {
			return nil, nil, err
		}
		names = withParents(append(names, used...))
	}
	slices.Sort(names)
	return names, stored, nil
}

func (a *API) searchNamespaces(w http.ResponseWriter, r *http.Request) error {
	q, err := ofNamespaces.query(r)
	if err != nil {
		return err
	}
	existing, text := r.URL.Query().Get("existing") == "true", ""
	for _, f := range q.Filters {
		switch f.Field {
		case fieldExisting:
			existing = f.Value == (f.Op != backend.OpNotEquals)
		case backend.FieldQuery:
			text = f.Strings()[0]
		}
	}
	names, stored, err := a.namespaces(r, existing)
	if err != nil {
		return err
	}
	names = matching(names, text)
	if nameOrder(q) {
		slices.Reverse(names)
	}
	p := slice(names, q)
	out := page[*value.Map]{Results: []*value.Map{}, Total: p.Total}
	for _, ns := range p.Results {
		m := stored[ns]
		if m == nil {
			m = bareNamespace(ns)
		}
		out.Results = append(out.Results, m)
	}
	return writeJSON(w, http.StatusOK, out)
}

// matching selects the names that contain a text, in any case.
func matching(names []string, text string) []string {
	out := []string{}
	for _, n := range names {
		if strings.Contains(strings.ToLower(n), strings.ToLower(text)) {
			out = append(out, n)
		}
	}
	return out
}

func (a *API) completeNamespace(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Q            string   `json:"q"`
		IDs          []string `json:"ids"`
		ExistingOnly bool     `json:"existingOnly"`
	}
	if err := readJSON(r, &body, "a JSON object with q"); err != nil {
		return err
	}
	names, _, err := a.namespaces(r, body.ExistingOnly)
	if err != nil {
		return err
	}
	out := matching(names, body.Q)
	for _, id := range body.IDs {
		if slices.Contains(names, id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}
