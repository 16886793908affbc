package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func (a *API) flowSourceRoutes() {
	a.route("GET", "/flows/source", a.searchSource)
	a.route("GET", "/flows/deprecated", a.deprecatedFlows)
	a.route("POST", "/flows/validate/task", a.validatePart(flow.ValidateTask))
	a.route("POST", "/flows/validate/trigger", a.validatePart(flow.ValidateTrigger))
	a.route("GET", "/concurrency-limit/search", a.concurrencyLimits)
	a.route("PUT", "/concurrency-limit/{namespace}/{flowId}", a.updateConcurrencyLimit)
}

// searchSource finds flows by their text and shows where it stands in them.
func (a *API) searchSource(w http.ResponseWriter, r *http.Request) error {
	q, err := ofFlows.query(r)
	if err != nil {
		return err
	}
	p, err := a.Backend.Flows().SearchSource(r.Context(), q)
	if err != nil {
		return err
	}
	results := []any{}
	for _, rec := range p.Results {
		found := []any{}
		for _, s := range fragments(rec.Source, r.URL.Query().Get("q")) {
			found = append(found, s)
		}
		results = append(results, value.MapOf(value.Entry{Key: "model", Value: a.recordJSON(r, rec)}, value.Entry{Key: "fragments", Value: found}))
	}
	return writeValue(w, value.MapOf(value.Entry{Key: "results", Value: results}, value.Entry{Key: "total", Value: value.Int(int64(p.Total))}))
}

// maxFragments bounds how many places of one flow are shown.
const maxFragments = 5

// fragments are the lines of a text in which a word stands, each with the lines beside it, the word between marks.
func fragments(text, word string) []string {
	if word == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines) && len(out) < maxFragments; i++ {
		marked, found := mark(lines[i], word)
		if !found {
			continue
		}
		shown := []string{marked}
		if i > 0 {
			shown = []string{lines[i-1], marked}
		}
		for i+1 < len(lines) { // what follows it: also lines that have the word themselves
			i++
			next, again := mark(lines[i], word)
			shown = append(shown, next)
			if !again {
				break
			}
		}
		out = append(out, strings.TrimRight(strings.Join(shown, "\n"), "\n"))
	}
	return out
}

// mark puts every place of a word, in any case of its letters, between marks.
func mark(line, word string) (string, bool) {
	low, key := lower(line), lower(word)
	var b strings.Builder
	rest, found := 0, false
	for {
		i := strings.Index(low[rest:], key)
		if i < 0 {
			break
		}
		found = true
		b.WriteString(line[rest:rest+i] + "[mark]" + line[rest+i:rest+i+len(key)] + "[/mark]")
		rest += i + len(key)
	}
	b.WriteString(line[rest:])
	return b.String(), found
}

// lower lowers ASCII letters only, byte by byte, so that positions stay.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// deprecatedFlows lists the flows that use something deprecated, and where.
func (a *API) deprecatedFlows(w http.ResponseWriter, r *http.Request) error {
	q := backend.Query{Tenant: Tenant}
	if ns := r.URL.Query().Get("namespace"); ns != "" {
		q.Filters = []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: ns}}
	}
	recs, err := all(q, func(q backend.Query) (backend.Page[*backend.FlowRecord], error) {
		return a.Backend.Flows().Search(r.Context(), q)
	})
	if err != nil {
		return err
	}
	out := []validation{}
	for _, rec := range recs {
		_, problems := flow.Compile([]byte(rec.Source), a.FlowOptions(Tenant, rec.Revision))
		v := validationOf(len(out), problems)
		if len(v.DeprecationPaths) > 0 {
			v.Flow, v.Namespace = rec.ID, rec.Namespace
			out = append(out, v)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

// validatePart checks a task or a trigger alone.
func (a *API) validatePart(validate func([]byte, flow.Options) []yamldoc.Problem) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		src, err := readFlow(r)
		if err != nil {
			return err
		}
		check := validate
		if strings.EqualFold(r.URL.Query().Get("section"), "triggers") {
			check = flow.ValidateTrigger
		}
		return writeJSON(w, http.StatusOK, validationOf(0, check(src, a.FlowOptions(Tenant, 0))))
	}
}

// concurrencyLimit is a flow with a limit, and how many of its executions run.
type concurrencyLimit struct {
	Tenant    string `json:"tenantId"`
	Namespace string `json:"namespace"`
	FlowID    string `json:"flowId"`
	Running   int    `json:"running"`
	Limit     int    `json:"limit"`
}

func (a *API) concurrencyLimits(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.flowKeys(r.Context(), backend.Query{Tenant: Tenant})
	if err != nil {
		return err
	}
	out := page[concurrencyLimit]{Results: []concurrencyLimit{}}
	for _, key := range keys {
		f, err := a.Flows.Get(r.Context(), key)
		if err != nil || f.Concurrency == nil {
			continue
		}
		one, err := a.concurrencyOf(r.Context(), f)
		if err != nil {
			return err
		}
		out.Results = append(out.Results, *one)
	}
	out.Total = len(out.Results)
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) concurrencyOf(ctx context.Context, f *model.Flow) (*concurrencyLimit, error) {
	running, err := a.Backend.Executions().Search(ctx, backend.Query{Tenant: Tenant, Filters: []backend.Filter{
		namespaceFilter(f.Namespace), {Field: backend.FieldFlowID, Op: backend.OpEquals, Value: f.ID},
		{Field: backend.FieldState, Op: backend.OpIn, Value: []string{model.Running.String(), model.Killing.String(), model.Retrying.String()}},
	}})
	if err != nil {
		return nil, err
	}
	return &concurrencyLimit{Tenant, f.Namespace, f.ID, running.Total, f.Concurrency.Limit}, nil
}

// updateConcurrencyLimit is for servers whose count of running executions can come out of step with what runs, so that
// people have to set it right. Here it cannot, so that the only count that is taken is the true one.
func (a *API) updateConcurrencyLimit(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Running *int `json:"running"`
	}
	if err := readJSON(r, &body, "a JSON object with running"); err != nil {
		return err
	}
	f, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("flowId")})
	if err != nil {
		return err
	}
	if f.Concurrency == nil {
		return notFound("Not Found: the flow has no concurrency limit")
	}
	now, err := a.concurrencyOf(r.Context(), f)
	if err != nil {
		return err
	}
	if body.Running != nil && *body.Running != now.Running {
		return conflict(fmt.Sprintf("%d executions run, which is counted and cannot be set: use force-run or unqueue to let waiting ones begin", now.Running))
	}
	return writeJSON(w, http.StatusOK, now)
}
