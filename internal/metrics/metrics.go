// Package metrics counts what executors and workers do, for Prometheus, under the names and labels that the reference gives
// the same things: so dashboards that were made for it go on. What it counts and has no meaning here, such as polls of its
// queues, is left out.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/windhover-io/windhover/internal/model"
)

// Metrics are the metrics of one process. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	flow     func(model.FlowKey) (*model.Flow, bool)
	executor executorMetrics
	worker   workerMetrics
}

// New returns metrics. Flow finds a compiled flow that is at hand, without waiting.
func New(flow func(model.FlowKey) (*model.Flow, bool)) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), flow: flow}
	m.executor = newExecutorMetrics(m.registry)
	m.worker = newWorkerMetrics(m.registry)
	return m
}

// Registry is where they are registered.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// labels of an execution, and of a task.
var (
	executionLabels = []string{"flow_id", "namespace_id", "state", "tenant_id"}
	workerLabels    = []string{"flow_id", "namespace_id", "task_type", "tenant_id", "worker_group"}
	triggerLabels   = []string{"flow_id", "namespace_id", "trigger_type", "tenant_id", "worker_group"}
)

// counter makes a counter; Prometheus names end with _total.
func counter(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kestra_" + name + "_total", Help: help}, labels)
	r.MustRegister(c)
	return c
}

func gauge(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "kestra_" + name, Help: help}, labels)
	r.MustRegister(g)
	return g
}

// timer makes the count and the sum of durations, in seconds.
func timer(r prometheus.Registerer, name, help string, labels ...string) timerVec {
	s := prometheus.NewSummaryVec(prometheus.SummaryOpts{Name: "kestra_" + name + "_seconds", Help: help}, labels)
	r.MustRegister(s)
	return timerVec{s}
}

type timerVec struct{ *prometheus.SummaryVec }

func (t timerVec) record(d time.Duration, labels ...string) {
	t.WithLabelValues(labels...).Observe(max(d, 0).Seconds())
}
