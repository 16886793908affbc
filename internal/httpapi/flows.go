package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func (a *API) flowRoutes() {
	a.route("POST", "/flows", a.createFlow)
	a.route("GET", "/flows/{namespace}/{id}", a.getFlow)
	a.route("PUT", "/flows/{namespace}/{id}", a.updateFlow)
	a.route("DELETE", "/flows/{namespace}/{id}", a.deleteFlow)
	a.route("POST", "/flows/validate", a.validateFlows)
	a.route("GET", "/flows/search", a.searchFlows)
	a.route("GET", "/flows/{namespace}", a.flowsOfNamespace)
	a.route("GET", "/flows/{namespace}/{id}/revisions", a.flowRevisions)
	a.route("GET", "/flows/distinct-namespaces", a.distinctNamespaces)
}

// maxFlow bounds the source of a flow, in bytes.
const maxFlow = 1 << 20

// readFlow reads a flow's source from a request: YAML, or JSON that is rewritten as YAML.
func readFlow(r *http.Request) ([]byte, error) {
	src, err := readBody(r, maxFlow)
	switch {
	case err != nil:
		return nil, err
	case len(strings.TrimSpace(string(src))) == 0:
		return nil, invalid("Required Body [flow] not specified")
	case !isJSON(r.Header.Get("Content-Type")):
		return src, nil
	}
	v, err := value.ParseJSON(src)
	if err != nil {
		return nil, badRequest(err.Error())
	}
	return []byte(yamltext.Write(v)), nil
}

// compileFlow compiles a flow and tells everything that is wrong with it.
func (a *API) compileFlow(src []byte) (*model.Flow, error) {
	f, problems := flow.Compile(src, a.FlowOptions(Tenant, 0))
	if f != nil {
		return f, nil
	}
	var lines []string
	for _, p := range problems {
		if p.Severity == yamldoc.Error {
			lines = append(lines, p.String())
		}
	}
	return nil, invalid(strings.Join(lines, "\n"))
}

func (a *API) createFlow(w http.ResponseWriter, r *http.Request) error {
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	f, err := a.compileFlow(src)
	if err != nil {
		return err
	}
	saved, err := a.StoreFlow(r.Context(), f, 0)
	if errors.Is(err, backend.ErrConflict) {
		return invalid("flow.id: Flow id already exists")
	}
	if err != nil {
		return err
	}
	return a.writeFlow(w, saved, true)
}

func (a *API) updateFlow(w http.ResponseWriter, r *http.Request) error {
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	if _, err := a.Backend.Flows().Get(r.Context(), key, false); err != nil {
		return err
	}
	f, err := a.compileFlow(src)
	if err != nil {
		return err
	}
	if f.ID != key.ID || f.Namespace != key.Namespace {
		return invalid(fmt.Sprintf("flow.id: Illegal flow id update, the flow is %s.%s", key.Namespace, key.ID))
	}
	saved, err := a.StoreFlow(r.Context(), f, -1)
	if err != nil {
		return err
	}
	return a.writeFlow(w, saved, true)
}

func (a *API) getFlow(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	var err error
	if key.Revision, err = whole(v, "revision", 0); err != nil {
		return invalid("revision: not a number")
	}
	if v.Get("allowDeleted") == "true" && key.Revision == 0 {
		rec, err := a.Backend.Flows().Get(r.Context(), key, true)
		if err != nil {
			return err
		}
		key.Revision = rec.Revision
	}
	f, err := a.Flows.Get(r.Context(), key)
	if err != nil {
		return err
	}
	return a.writeFlow(w, f, v.Get("source") == "true")
}

func (a *API) deleteFlow(w http.ResponseWriter, r *http.Request) error {
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	if err := a.DropFlow(r.Context(), key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// flowJSON is a flow as the API gives it.
func flowJSON(f *model.Flow, source bool) *value.Map {
	m := f.Document.Clone()
	out := value.NewMap(m.Len() + 6)
	out.Set("tenantId", f.Tenant)
	for _, k := range []string{"id", "namespace"} {
		if v, ok := m.Get(k); ok {
			out.Set(k, v)
		}
	}
	out.Set("revision", value.Int(int64(f.Revision)))
	for k, v := range m.All() {
		if !out.Has(k) {
			out.Set(k, v)
		}
	}
	out.Set("disabled", f.Disabled)
	out.Set("deleted", f.Deleted)
	if !f.Updated.IsZero() {
		out.Set("updated", value.Instant{T: f.Updated})
	}
	if source {
		out.Set("source", f.Source)
	}
	return out
}

func (a *API) writeFlow(w http.ResponseWriter, f *model.Flow, source bool) error {
	return writeRaw(w, http.StatusOK, value.AppendJSON(nil, flowJSON(f, source), value.JSONOptions{}))
}

// validation is what the API says about one of several flows.
type validation struct {
	Index            int      `json:"index"`
	Flow             string   `json:"flow,omitempty"`
	Namespace        string   `json:"namespace,omitempty"`
	Outdated         bool     `json:"outdated"`
	Constraints      string   `json:"constraints,omitempty"`
	DeprecationPaths []string `json:"deprecationPaths"`
	Warnings         []string `json:"warnings"`
	Infos            []string `json:"infos"`
	// Problems has what the constraints say, with its places.
	Problems []problem `json:"problems"`
}

type problem struct {
	Severity   string `json:"severity"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}

// validateFlows checks one flow, or several in one body with lines of three dashes between them.
func (a *API) validateFlows(w http.ResponseWriter, r *http.Request) error {
	src, err := readFlow(r)
	if err != nil {
		return err
	}
	var out []validation
	for i, one := range splitFlows(src) {
		f, problems := flow.Compile(one, a.FlowOptions(Tenant, 0))
		v := validationOf(i, problems)
		if f != nil {
			v.Flow, v.Namespace = f.ID, f.Namespace
		}
		out = append(out, v)
	}
	return writeJSON(w, http.StatusOK, out)
}

func validationOf(index int, problems []yamldoc.Problem) validation {
	v := validation{Index: index, DeprecationPaths: []string{}, Warnings: []string{}, Infos: []string{}, Problems: []problem{}}
	var errs []string
	for _, p := range problems {
		v.Problems = append(v.Problems, problem{p.Severity.String(), p.Line, p.Column, p.Path, p.Message, p.Suggestion})
		switch {
		case p.Severity == yamldoc.Error:
			errs = append(errs, p.String())
		case strings.Contains(p.Message, "is deprecated"):
			v.DeprecationPaths = append(v.DeprecationPaths, p.Path)
		default:
			v.Warnings = append(v.Warnings, p.String())
		}
	}
	v.Constraints = strings.Join(errs, "\n")
	return v
}

func (a *API) searchFlows(w http.ResponseWriter, r *http.Request) error {
	q, err := ofFlows.query(r)
	if err != nil {
		return err
	}
	page, err := a.Backend.Flows().Search(r.Context(), q)
	if err != nil {
		return err
	}
	results := make([]any, 0, len(page.Results))
	for _, rec := range page.Results {
		results = append(results, a.recordJSON(r, rec))
	}
	out := value.MapOf(value.Entry{Key: "results", Value: results}, value.Entry{Key: "total", Value: value.Int(int64(page.Total))})
	return writeRaw(w, http.StatusOK, value.AppendJSON(nil, out, value.JSONOptions{}))
}

// recordJSON is a stored flow as the API gives it; one that is no longer valid is told with the reason.
func (a *API) recordJSON(r *http.Request, rec *backend.FlowRecord) *value.Map {
	f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: rec.Tenant, Namespace: rec.Namespace, ID: rec.ID, Revision: rec.Revision})
	if err == nil {
		return flowJSON(f, false)
	}
	m := value.NewMap(6)
	m.Set("tenantId", rec.Tenant)
	m.Set("id", rec.ID)
	m.Set("namespace", rec.Namespace)
	m.Set("revision", value.Int(int64(rec.Revision)))
	m.Set("exception", err.Error())
	m.Set("disabled", rec.Disabled)
	m.Set("deleted", rec.Deleted)
	m.Set("source", rec.Source)
	return m
}

func (a *API) flowsOfNamespace(w http.ResponseWriter, r *http.Request) error {
	q := backend.Query{Tenant: Tenant, Page: 1, Size: batch, NoTotal: true, Sort: []backend.Sort{{By: "id"}},
		Filters: []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: r.PathValue("namespace")}}}
	out := []any{}
	for {
		page, err := a.Backend.Flows().Search(r.Context(), q)
		if err != nil {
			return err
		}
		for _, rec := range page.Results {
			out = append(out, a.recordJSON(r, rec))
		}
		if len(page.Results) < q.Size || page.Cursor == "" {
			return writeRaw(w, http.StatusOK, value.AppendJSON(nil, out, value.JSONOptions{}))
		}
		q.After = page.Cursor
	}
}

func (a *API) flowRevisions(w http.ResponseWriter, r *http.Request) error {
	key := model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}
	recs, err := a.Backend.Flows().Revisions(r.Context(), key)
	if err != nil {
		return err
	}
	out := []any{}
	for _, rec := range recs {
		if rec.Deleted && r.URL.Query().Get("allowDelete") != "true" {
			continue
		}
		m := a.recordJSON(r, rec)
		m.Set("source", rec.Source)
		out = append(out, m)
	}
	if len(recs) == 0 {
		return notFound("Flow not found")
	}
	return writeRaw(w, http.StatusOK, value.AppendJSON(nil, out, value.JSONOptions{}))
}

func (a *API) distinctNamespaces(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Backend.Flows().Namespaces(r.Context(), Tenant)
	if err != nil {
		return err
	}
	out := []string{}
	for _, ns := range all {
		if strings.Contains(strings.ToLower(ns), strings.ToLower(r.URL.Query().Get("q"))) {
			out = append(out, ns)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}
