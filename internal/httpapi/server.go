// Package httpapi is the REST API: it translates between HTTP and the ports, and decides nothing. There is a file for each
// resource; server.go has the routes' common ground, errors.go how errors are told, query.go filters, sorting and pages,
// and encode.go the forms of executions and flows.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/flowstore"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/secret"
	"github.com/windhover-io/windhover/internal/storage"
)

// Config is what the API needs.
type Config struct {
	Backend   backend.Backend
	Storage   storage.Storage
	Flows     *flowstore.Store
	Launcher  *launch.Launcher
	Registry  *plugin.Registry
	Templates *expr.Cache
	KV        *kv.Store
	Secrets   *secret.Store
	Masks     *mask.Book // the secrets that are hidden in what is given out
	Settings  *config.Config
	Version   string
	Log       *slog.Logger
	Metrics   *prometheus.Registry // what /metrics tells; nil begins with none
	// FlowOptions are what flows are compiled with; StoreFlow stores a compiled one (see app.App).
	FlowOptions func(tenant string, revision int) flow.Options
	StoreFlow   func(ctx context.Context, f *model.Flow, expect int) (*model.Flow, error)
	DropFlow    func(ctx context.Context, key model.FlowKey) error
}

// Tenant is the only tenant that there is.
const Tenant = "main"

// API answers requests.
type API struct {
	Config
	mux chi.Router
	// routes lists "METHOD /path" of every route, for the test that holds them against the OpenAPI document.
	routes   []string
	observer *observer
}

// New returns the API.
func New(cfg Config) *API {
	if cfg.Masks == nil {
		cfg.Masks = &mask.Book{}
	}
	a := &API{Config: cfg, mux: chi.NewRouter(), observer: newObserver(cfg)}
	a.executionRoutes()
	a.actionRoutes()
	a.followRoutes()
	a.inspectRoutes()
	a.flowRoutes()
	a.logRoutes()
	a.evalRoutes()
	a.flowBulkRoutes()
	a.flowSourceRoutes()
	a.graphRoutes()
	a.flowTaskRoutes()
	a.kvRoutes()
	a.namespaceRoutes()
	a.secretRoutes()
	a.fileRoutes()
	a.templateRoutes()
	a.triggerRoutes()
	a.webhookRoutes()
	a.metricRoutes()
	a.statRoutes()
	a.pluginRoutes()
	a.serviceRoutes()
	a.purgeRoutes()
	a.exportRoutes()
	a.miscRoutes()
	a.pageRoutes()
	a.mux.NotFound(a.noRoute)
	a.mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, &Error{http.StatusMethodNotAllowed, "Method Not Allowed"})
	})
	return a
}

// noRoute answers a request for a path that there is not; one that is there for the only tenant says so.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	message := "Not Found"
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/v1/"); ok {
		tenant, path, _ := strings.Cut(rest, "/")
		if a.mux.Match(chi.NewRouteContext(), r.Method, "/api/v1/"+Tenant+"/"+path) {
			message = fmt.Sprintf("Not Found: there is no tenant %q, only %q", tenant, Tenant)
		}
	}
	a.fail(w, r, notFound(message))
}

// handler answers one request; an error is told to the client as it deserves (see errors.go).
type handler func(w http.ResponseWriter, r *http.Request) error

// route registers a handler under /api/v1/… and under /api/v1/main/…
func (a *API) route(method, path string, h handler) {
	a.routes = append(a.routes, method+" "+strings.Replace(path, "/*", "/{path}", 1))
	f := func(w http.ResponseWriter, r *http.Request) {
		err := readPath(r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			a.fail(w, r, err)
		}
	}
	a.mux.MethodFunc(method, "/api/v1"+path, f)
	a.mux.MethodFunc(method, "/api/v1/"+Tenant+path, f)
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.observer.serve(http.HandlerFunc(a.serve), w, r)
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) {
	if !a.authorized(w, r) {
		return
	}
	if a.Settings.Server.MaxRequest > 0 && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, a.Settings.Server.MaxRequest)
	}
	defer a.rescue(w, r)
	a.mux.ServeHTTP(w, r)
}

// rescue answers a request whose handler panicked: it is a defect of ours, and the client is owed an answer. A handler that
// breaks its answer off on purpose is left alone.
func (a *API) rescue(w http.ResponseWriter, r *http.Request) {
	switch v := recover(); {
	case v == nil:
	case v == http.ErrAbortHandler: //nolint:errorlint // it is compared as net/http does
		panic(v)
	default:
		a.Log.Error("a request panicked", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
		a.fail(w, r, &Error{http.StatusInternalServerError, "Internal Server Error"})
	}
}

// authorized asks for the configured name and password, where there is one.
func (a *API) authorized(w http.ResponseWriter, r *http.Request) bool {
	auth := a.Settings.Server.BasicAuth
	if !auth.Enabled || isWebhook(r) || isProbe(r) {
		return true
	}
	for _, open := range auth.OpenURLs {
		if strings.HasPrefix(r.URL.Path, open) {
			return true
		}
	}
	user, password, ok := r.BasicAuth()
	if ok && same(user, auth.Username) && same(password, auth.Password) {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Windhover"`)
	a.fail(w, r, &Error{Status: http.StatusUnauthorized, Message: "Unauthorized"})
	return false
}
