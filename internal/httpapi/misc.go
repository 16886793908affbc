package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

func (a *API) miscRoutes() {
	a.route("GET", "/configs", a.configs)
	a.route("GET", "/usages/all", a.usages)
	a.mux.Get("/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("pong")) })
	a.mux.Get("/health", a.health)
	a.mux.Get("/health/liveness", a.health)
	a.mux.Get("/health/readiness", a.readiness)
}

// configs tells clients about this installation.
func (a *API) configs(w http.ResponseWriter, _ *http.Request) error {
	env, ui := a.Settings.Environment, a.Settings.UI
	out := map[string]any{
		"version": a.Version, "uuid": "", "isTaskRunEnabled": true, "isAnonymousUsageEnabled": false, "isTemplateEnabled": ui.Templates,
		"isBasicAuthEnabled": a.Settings.Server.BasicAuth.Enabled, "systemNamespace": ui.SystemNamespace, "hiddenLabelsPrefixes": ui.HiddenLabels,
		"url": a.Settings.URL, "backend": a.Backend.Caps().Name,
	}
	if env.Name != "" {
		out["environment"] = map[string]string{"name": env.Name, "color": env.Color}
	}
	return writeJSON(w, http.StatusOK, out)
}

// isProbe tells whether a request asks for health: who watches over processes has no name and password.
func isProbe(r *http.Request) bool {
	return r.URL.Path == "/ping" || r.URL.Path == "/health" || strings.HasPrefix(r.URL.Path, "/health/")
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) {
	_ = writeJSON(w, http.StatusOK, map[string]string{"status": "UP"})
}

// readiness tells whether requests can be served: whether the backend answers.
func (a *API) readiness(w http.ResponseWriter, r *http.Request) {
	if err := a.Backend.Ping(r.Context()); err != nil {
		_ = writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "DOWN", "reason": "the backend does not answer"})
		return
	}
	_ = writeJSON(w, http.StatusOK, map[string]string{"status": "UP"})
}

// usages counts what this installation is used for. It is told to whoever asks here, and sent nowhere.
func (a *API) usages(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.flowKeys(r.Context(), backend.Query{Tenant: Tenant})
	if err != nil {
		return err
	}
	namespaces, tasks, triggers := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, key := range keys {
		namespaces[key.Namespace] = true
		f, err := a.Flows.Get(r.Context(), key)
		if err != nil { // one that is no longer valid counts as a flow only
			continue
		}
		for _, t := range f.ByID {
			tasks[t.Type]++
		}
		for _, t := range f.Triggers {
			triggers[t.Type]++
		}
	}
	at, err := spanOf("", "", 1)
	if err != nil {
		return err
	}
	q := backend.CountQuery{Query: backend.Query{Tenant: Tenant, Filters: at.filters()}, Bucket: 24 * time.Hour, Location: time.Local}
	counts, err := a.Backend.Executions().Count(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{
		"flows": map[string]any{
			"count": len(keys), "namespacesCount": len(namespaces), "taskTypeCount": tasks, "triggerTypeCount": triggers,
		},
		"executions": map[string]any{"dailyExecutionsCount": statistics(counts, q, at)},
	})
}
