package httpapi

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) templateBulkRoutes() {
	a.route("POST", "/templates/{namespace}", a.replaceTemplates)
	a.route("POST", "/templates/validate", a.validateTemplates)
	a.route("POST", "/templates/import", a.importTemplates)
	a.route("POST", "/templates/export/by-ids", a.exportTemplates(flowIDs))
	a.route("GET", "/templates/export/by-query", a.exportTemplates(a.templatesFound))
	a.route("DELETE", "/templates/delete/by-ids", a.flowsDo(flowIDs, a.dropTemplate))
	a.route("DELETE", "/templates/delete/by-query", a.flowsDo(a.templatesFound, a.dropTemplate))
}

func (a *API) dropTemplate(ctx context.Context, key model.FlowKey) error {
	err := a.Backend.Documents().Delete(ctx, templateKind, Tenant, key.Namespace, key.ID)
	if err == nil {
		a.Flows.Reset()
	}
	return err
}

// templatesFound lists the templates that a request's filters select, by the keys that flows have too.
func (a *API) templatesFound(r *http.Request) ([]model.FlowKey, error) {
	q, err := ofDocuments.query(r)
	if err != nil {
		return nil, err
	}
	return a.templateKeys(r.Context(), q)
}

func (a *API) templateKeys(ctx context.Context, q backend.Query) ([]model.FlowKey, error) {
	docs, err := all(q, func(q backend.Query) (backend.Page[*backend.Document], error) {
		return a.Backend.Documents().Search(ctx, templateKind, q)
	})
	keys := make([]model.FlowKey, len(docs))
	for i, d := range docs {
		keys[i] = model.FlowKey{Tenant: d.Tenant, Namespace: d.Namespace, ID: d.ID}
	}
	return keys, err
}

// replaceTemplates creates or updates the templates of a namespace that a body has, all of them or none if one is not valid.
// Those that it does not have are deleted unless delete=false.
func (a *API) replaceTemplates(w http.ResponseWriter, r *http.Request) error {
	src, err := readBody(r, maxImport)
	if err != nil {
		return err
	}
	namespace := r.PathValue("namespace")
	sources, err := templateSources(src)
	if err != nil {
		return err
	}
	var templates []*template
	keep := map[string]bool{}
	for _, one := range sources {
		t, err := a.parseTemplate(one)
		if err != nil {
			return err
		}
		if t.namespace != namespace {
			return invalid(fmt.Sprintf("template.namespace: %s.%s does not belong to %s", t.namespace, t.id, namespace))
		}
		if keep[t.id] {
			return invalid(fmt.Sprintf("template.id: Duplicate Template Id: %s.%s", t.namespace, t.id))
		}
		keep[t.id] = true
		templates = append(templates, t)
	}
	out := []any{}
	for _, t := range templates {
		if err := a.saveTemplate(r.Context(), t, backend.AnyVersion); err != nil {
			return err
		}
		out = append(out, t.body)
	}
	if r.URL.Query().Get("delete") != "false" {
		keys, err := a.templateKeys(r.Context(), backend.Query{Tenant: Tenant, Filters: []backend.Filter{namespaceFilter(namespace)}})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if keep[key.ID] {
				continue
			}
			if err := a.dropTemplate(r.Context(), key); err != nil {
				return err
			}
		}
	}
	return writeValue(w, out)
}

// templateSources splits a body of several templates: a list of them, or texts with lines of three dashes between them.
func templateSources(src []byte) ([][]byte, error) {
	var out [][]byte
	for _, one := range splitFlows(src) {
		v, err := yamltext.Read(string(one))
		if err != nil {
			return nil, invalid(err.Error())
		}
		list, ok := v.([]any)
		if !ok {
			out = append(out, one)
			continue
		}
		for _, e := range list {
			out = append(out, []byte(yamltext.Write(e)))
		}
	}
	return out, nil
}

// validateTemplates checks the templates of a body, as flows are checked.
func (a *API) validateTemplates(w http.ResponseWriter, r *http.Request) error {
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	sources, err := templateSources(src)
	if err != nil {
		return err
	}
	out := []validation{}
	for i, one := range sources {
		t, problems := flow.Compile(one, a.FlowOptions(Tenant, 0))
		v := validationOf(i, problems)
		if t != nil {
			v.Flow, v.Namespace = t.ID, t.Namespace
		}
		out = append(out, v)
	}
	return writeJSON(w, http.StatusOK, out)
}

// importTemplates saves the templates of a YAML file, or of the YAML files in a zip file, all of them or none.
func (a *API) importTemplates(w http.ResponseWriter, r *http.Request) error {
	sources, err := uploadedSources(r)
	if err != nil {
		return err
	}
	var templates []*template
	for _, s := range sources {
		t, err := a.parseTemplate(s.src)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		templates = append(templates, t)
	}
	for _, t := range templates {
		if err := a.saveTemplate(r.Context(), t, backend.AnyVersion); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) exportTemplates(which func(*http.Request) ([]model.FlowKey, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		keys, err := which(r)
		if err != nil {
			return err
		}
		docs := make([]*backend.Document, len(keys))
		for i, key := range keys {
			if docs[i], err = a.Backend.Documents().Get(r.Context(), templateKind, Tenant, key.Namespace, key.ID); err != nil {
				return fmt.Errorf("%s.%s: %w", key.Namespace, key.ID, err)
			}
		}
		return archive(w, "templates.zip", func(z *zip.Writer) error {
			for _, d := range docs {
				f, err := z.Create(d.Namespace + "." + d.ID + ".yml")
				if err != nil {
					return err
				}
				v, err := value.ParseJSON(d.Body)
				if err != nil {
					return err
				}
				if _, err := io.WriteString(f, yamltext.Write(v)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}
