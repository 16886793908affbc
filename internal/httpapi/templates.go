package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
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
}

// readTemplate reads a template as YAML or JSON.
func readTemplate(r *http.Request) (m *value.Map, namespace, id string, err error) {
	src, err := readBody(r, maxFlow)
	if err != nil {
		return nil, "", "", err
	}
	v, err := yamltext.Read(string(src))
	if err != nil {
		return nil, "", "", invalid(err.Error())
	}
	m, ok := value.AsMap(v)
	if !ok {
		return nil, "", "", invalid("a template is an object with id, namespace and tasks")
	}
	ns, _ := m.Get("namespace")
	name, _ := m.Get("id")
	namespace, _ = ns.(string)
	id, _ = name.(string)
	if id == "" || namespace == "" || !m.Has("tasks") {
		return nil, "", "", invalid("a template has an id, a namespace and tasks")
	}
	m.Set("deleted", false)
	return m, namespace, id, nil
}

func (a *API) saveTemplate(w http.ResponseWriter, r *http.Request, m *value.Map, namespace, id string, expect int) error {
	_, err := a.Backend.Documents().Put(r.Context(), backend.Document{
		Kind: templateKind, Tenant: Tenant, Namespace: namespace, ID: id, Updated: time.Now().UTC(),
		Body: value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true}),
	}, expect)
	if errors.Is(err, backend.ErrConflict) {
		return invalid("template.id: Template id already exists")
	}
	if err != nil {
		return err
	}
	a.Flows.Reset()
	return writeValue(w, m)
}

func (a *API) createTemplate(w http.ResponseWriter, r *http.Request) error {
	m, namespace, id, err := readTemplate(r)
	if err != nil {
		return err
	}
	return a.saveTemplate(w, r, m, namespace, id, 0)
}

func (a *API) updateTemplate(w http.ResponseWriter, r *http.Request) error {
	m, namespace, id, err := readTemplate(r)
	if err != nil {
		return err
	}
	if namespace != r.PathValue("namespace") || id != r.PathValue("id") {
		return invalid("template.id: it cannot be changed")
	}
	d, err := a.Backend.Documents().Get(r.Context(), templateKind, Tenant, namespace, id)
	if err != nil {
		return err
	}
	return a.saveTemplate(w, r, m, namespace, id, d.Version)
}

func (a *API) getTemplate(w http.ResponseWriter, r *http.Request) error {
	d, err := a.Backend.Documents().Get(r.Context(), templateKind, Tenant, r.PathValue("namespace"), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeRaw(w, http.StatusOK, d.Body)
}

func (a *API) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	if err := a.Backend.Documents().Delete(r.Context(), templateKind, Tenant, r.PathValue("namespace"), r.PathValue("id")); err != nil {
		return err
	}
	a.Flows.Reset()
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
