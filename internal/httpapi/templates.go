package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// templateKind is that of the documents that hold templates: tasks that flows splice in by name.
const templateKind = "template"

func (a *API) templateRoutes() {
	a.route("POST", "/templates", a.createTemplate)
	a.route("GET", "/templates/search", a.searchTemplates)
	a.route("GET", "/templates/distinct-namespaces", a.templateNamespaces)
	a.route("GET", "/templates/{namespace}/{id}", a.getTemplate)
	a.route("PUT", "/templates/{namespace}/{id}", a.updateTemplate)
	a.route("DELETE", "/templates/{namespace}/{id}", a.deleteTemplate)
	a.templateBulkRoutes()
}

// template is a template as it is stored, with what names it.
type template struct {
	namespace, id string
	body          *value.Map
}

// readTemplate reads the one template of a body.
func (a *API) readTemplate(r *http.Request) (*template, error) {
	src, err := readFlow(r)
	if err != nil {
		return nil, err
	}
	return a.parseTemplate(src)
}

// parseTemplate reads a template and checks its tasks. They are checked as those of a flow are, whose form a template has.
func (a *API) parseTemplate(src []byte) (*template, error) {
	if _, err := a.compileFlow(src); err != nil {
		return nil, err
	}
	v, err := yamltext.Read(string(src))
	if err != nil {
		return nil, invalid(err.Error())
	}
	m, ok := value.AsMap(v)
	if !ok {
		return nil, invalid("a template is an object with id, namespace and tasks")
	}
	ns, _ := m.Get("namespace")
	name, _ := m.Get("id")
	m.Set("deleted", false)
	return &template{value.Print(ns), value.Print(name), m}, nil
}

// saveTemplate stores a template in place of the version that is expected.
func (a *API) saveTemplate(ctx context.Context, t *template, expect int) error {
	now := time.Now().UTC()
	_, err := a.Backend.Documents().Put(ctx, backend.Document{
		Kind: templateKind, Tenant: Tenant, Namespace: t.namespace, ID: t.id, Created: now, Updated: now,
		Body: value.AppendJSON(nil, t.body, value.JSONOptions{KeepNulls: true}),
	}, expect)
	if errors.Is(err, backend.ErrConflict) {
		return invalid("template.id: Template id already exists")
	}
	if err == nil {
		a.Flows.Reset()
	}
	return err
}

func (a *API) createTemplate(w http.ResponseWriter, r *http.Request) error {
	t, err := a.readTemplate(r)
	if err != nil {
		return err
	}
	if err := a.saveTemplate(r.Context(), t, 0); err != nil {
		return err
	}
	return writeValue(w, t.body)
}

func (a *API) updateTemplate(w http.ResponseWriter, r *http.Request) error {
	t, err := a.readTemplate(r)
	if err != nil {
		return err
	}
	if t.namespace != r.PathValue("namespace") || t.id != r.PathValue("id") {
		return invalid("template.id: it cannot be changed")
	}
	d, err := a.Backend.Documents().Get(r.Context(), templateKind, Tenant, t.namespace, t.id)
	if err != nil {
		return err
	}
	if err := a.saveTemplate(r.Context(), t, d.Version); err != nil {
		return err
	}
	return writeValue(w, t.body)
}

func (a *API) getTemplate(w http.ResponseWriter, r *http.Request) error {
	d, err := a.Backend.Documents().Get(r.Context(), templateKind, Tenant, r.PathValue("namespace"), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeRaw(w, http.StatusOK, d.Body)
}

func (a *API) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	if err := a.dropTemplate(r.Context(), model.FlowKey{Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) searchTemplates(w http.ResponseWriter, r *http.Request) error {
	q, err := ofDocuments.query(r)
	if err != nil {
		return err
	}
	p, err := a.Backend.Documents().Search(r.Context(), templateKind, q)
	if err != nil {
		return err
	}
	out := page[json.RawMessage]{Results: []json.RawMessage{}, Total: p.Total}
	for _, d := range p.Results {
		out.Results = append(out.Results, d.Body)
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) templateNamespaces(w http.ResponseWriter, r *http.Request) error {
	docs, err := all(backend.Query{Tenant: Tenant}, func(q backend.Query) (backend.Page[*backend.Document], error) {
		return a.Backend.Documents().Search(r.Context(), templateKind, q)
	})
	if err != nil {
		return err
	}
	out := []string{}
	for _, d := range docs {
		out = append(out, d.Namespace)
	}
	slices.Sort(out)
	return writeJSON(w, http.StatusOK, slices.Compact(out))
}
