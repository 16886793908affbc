package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// observer counts requests and tells Prometheus about the process.
type observer struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration prometheus.Histogram
	actions  map[model.EventKind]prometheus.Counter
	streams  *prometheus.GaugeVec
	opened   *prometheus.CounterVec
	log      *slog.Logger
}

func newObserver(cfg Config) *observer {
	o := &observer{
		registry: cfg.Metrics, log: cfg.Log, actions: map[model.EventKind]prometheus.Counter{},
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kestra_sse_connections_active", Help: "Streams of events that are open, by what they tell of.",
		}, []string{"sse_type"}),
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kestra_sse_connections_opened_total", Help: "Streams of events that were opened, by what they tell of.",
		}, []string{"sse_type"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "windhover_http_requests_total", Help: "Requests that were answered, by method and status.",
		}, []string{"method", "status"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "windhover_http_request_duration_seconds", Help: "Time until requests were answered, streams not included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "windhover_build_info", Help: "Always 1; the label says which version runs.", ConstLabels: prometheus.Labels{"version": cfg.Version},
	})
	build.Set(1)
	if o.registry == nil {
		o.registry = prometheus.NewRegistry()
	}
	for kind, name := range actionMetrics {
		o.actions[kind] = prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kestra_webserver_" + name + "_total", Help: "Requests to " + string(kind) + " that were done.",
		})
		o.registry.MustRegister(o.actions[kind])
	}
	o.registry.MustRegister(o.requests, o.duration, build, o.streams, o.opened, backlog{cfg.Backend}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return o
}

// actionMetrics are the reference's names of what clients do with executions.
var actionMetrics = map[model.EventKind]string{
	model.EventKill: "execution_kill", model.EventPause: "execution_pause", model.EventResume: "execution_resume",
	model.EventRestart: "execution_restart", model.EventReplay: "execution_replay", model.EventForceRun: "execution_forcerun",
	model.EventUnqueue: "execution_unqueue", model.EventChangeStatus: "execution_changestatus", model.EventLabels: "execution_updatelabels",
	model.EventChangeState: "taskrun_changestate",
}

// acted counts something that was done with an execution.
func (o *observer) acted(kind model.EventKind) {
	if c := o.actions[kind]; c != nil {
		c.Inc()
	}
}

func (o *observer) handler() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{})
}

// observed is a response whose status is remembered.
type observed struct {
	http.ResponseWriter
	status int
	stream bool
}

// WriteHeader remembers the status.
func (w *observed) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Flush sends what was written; only streams ask for it.
func (w *observed) Flush() {
	w.stream = true
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap gives http.ResponseController the connection.
func (w *observed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve answers a request and counts it. Methods that nobody serves are counted as one, so that clients cannot make labels.
func (o *observer) serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &observed{ResponseWriter: w, status: http.StatusOK}
	h.ServeHTTP(seen, r)
	took := time.Since(began)
	method := r.Method
	switch method {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
	default:
		method = "other"
	}
	o.requests.WithLabelValues(method, strconv.Itoa(seen.status)).Inc()
	if !seen.stream {
		o.duration.Observe(took.Seconds())
	}
	if o.log.Enabled(r.Context(), slog.LevelDebug) {
		o.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", seen.status, "took", took)
	}
}

// backlog tells how many jobs wait, how many executions have not ended and which components are alive, asked when Prometheus asks.
type backlog struct{ b backend.Backend }

var (
	queuedDesc = prometheus.NewDesc("windhover_jobs_queued", "Jobs that wait for a worker, by worker group.", []string{"group"}, nil)
	// pendingDesc is queuedDesc as the reference calls it, so that its dashboards go on.
	pendingDesc    = prometheus.NewDesc("kestra_worker_job_pending", "Jobs that wait for a worker, by worker group.", []string{"worker_group"}, nil)
	unfinishedDesc = prometheus.NewDesc("windhover_executions_unfinished", "Executions that have not ended, by state.", []string{"state"}, nil)
	membersDesc    = prometheus.NewDesc("windhover_members", "Components that are known, by kind and state.", []string{"kind", "state"}, nil)
)

// backlogTimeout bounds how long a scrape waits for the backend.
const backlogTimeout = 5 * time.Second

// Describe names the metrics.
func (backlog) Describe(out chan<- *prometheus.Desc) {
	out <- queuedDesc
	out <- pendingDesc
	out <- unfinishedDesc
	out <- membersDesc
}

// Collect asks the backend. What it does not answer is left out.
func (c backlog) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	if queued, err := c.b.Queued(ctx); err == nil {
		for group, n := range queued {
			out <- prometheus.MustNewConstMetric(queuedDesc, prometheus.GaugeValue, float64(n), group)
			out <- prometheus.MustNewConstMetric(pendingDesc, prometheus.GaugeValue, float64(n), group)
		}
	}
	for _, s := range model.States() {
		if s.Terminated() {
			continue
		}
		p, err := c.b.Executions().Search(ctx, backend.Query{Tenant: Tenant, Filters: []backend.Filter{
			{Field: backend.FieldState, Op: backend.OpEquals, Value: s.String()}}})
		if err == nil {
			out <- prometheus.MustNewConstMetric(unfinishedDesc, prometheus.GaugeValue, float64(p.Total), s.String())
		}
	}
	members, err := c.b.List(ctx)
	if err != nil {
		return
	}
	counts := map[[2]string]int{}
	for _, m := range members {
		counts[[2]string{m.Kind, string(m.State)}]++
	}
	for k, n := range counts {
		out <- prometheus.MustNewConstMetric(membersDesc, prometheus.GaugeValue, float64(n), k[0], k[1])
	}
}
