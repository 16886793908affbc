package httpapi

import (
	"net/http"
)

func (a *API) miscRoutes() {
	a.route("GET", "/configs", a.configs)
	a.mux.Get("/ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("pong")) })
	a.mux.Get("/health", a.health)
	a.mux.Get("/health/liveness", a.health)
	a.mux.Get("/health/readiness", a.readiness)
}

// configs tells clients about this installation.
func (a *API) configs(w http.ResponseWriter, _ *http.Request) error {
	env := a.Settings.Environment
	out := map[string]any{
		"version": a.Version, "uuid": "", "isTaskRunEnabled": true, "isAnonymousUsageEnabled": false, "isTemplateEnabled": true,
		"isBasicAuthEnabled": a.Settings.Server.BasicAuth.Enabled, "systemNamespace": "system", "hiddenLabelsPrefixes": []string{"system.", "internal."},
		"url": a.Settings.URL, "backend": a.Backend.Caps().Name,
	}
	if env.Name != "" {
		out["environment"] = map[string]string{"name": env.Name, "color": env.Color}
	}
	return writeJSON(w, http.StatusOK, out)
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
