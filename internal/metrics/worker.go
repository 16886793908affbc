package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/windhover-io/windhover/internal/model"
)

type workerMetrics struct {
	threads, busy                                  *prometheus.GaugeVec
	running, triggersRunning                       *prometheus.GaugeVec
	started, ended, timeouts                       *prometheus.CounterVec
	triggersStarted, triggersEnded, triggersFailed *prometheus.CounterVec
	triggersFound                                  *prometheus.CounterVec
	killed                                         *prometheus.CounterVec
	queued, duration, evaluation                   timerVec
}

func newWorkerMetrics(r prometheus.Registerer) workerMetrics {
	return workerMetrics{
		threads:         gauge(r, "worker_job_thread", "How many tasks a worker runs at once.", "worker_group"),
		busy:            gauge(r, "worker_job_running", "Tasks and evaluations of triggers that run.", "worker_group"),
		running:         gauge(r, "worker_running_count", "Tasks that run.", workerLabels...),
		started:         counter(r, "worker_started_count", "Tasks that workers have begun.", workerLabels...),
		ended:           counter(r, "worker_ended_count", "Tasks that workers have ended.", workerLabels...),
		timeouts:        counter(r, "worker_timeout_count", "Tasks that took longer than their timeout.", workerLabels...),
		killed:          counter(r, "worker_killed_count", "Tasks that were killed while they ran.", "execution_killed_type", "tenant_id"),
		queued:          timer(r, "worker_queued_duration", "Time from when tasks were handed out to when a worker has begun them.", workerLabels...),
		duration:        timer(r, "worker_ended_duration", "Time that tasks took.", workerLabels...),
		triggersRunning: gauge(r, "worker_trigger_running_count", "Triggers that are evaluated.", triggerLabels...),
		triggersStarted: counter(r, "worker_trigger_started_count", "Evaluations of triggers that workers have begun.", triggerLabels...),
		triggersEnded:   counter(r, "worker_trigger_ended_count", "Evaluations of triggers that workers have ended.", triggerLabels...),
		triggersFailed:  counter(r, "worker_trigger_error_count", "Evaluations of triggers that have failed.", triggerLabels...),
		triggersFound:   counter(r, "worker_trigger_execution_count", "Evaluations of triggers that have found something.", triggerLabels...),
		evaluation:      timer(r, "worker_trigger_duration", "Time that evaluations of triggers took.", triggerLabels...),
	}
}

// Threads says how many tasks the worker of a group runs at once.
func (m *Metrics) Threads(group string, n int) {
	m.worker.threads.WithLabelValues(group).Set(float64(n))
	m.worker.busy.WithLabelValues(group)
}

// JobStarted counts a job, of a task or a trigger of a type, that a worker begins. It returns what has to be called when it
// has ended.
func (m *Metrics) JobStarted(job *model.Job, typ, group string) func(r *model.JobReport, timeout bool) {
	w, began := &m.worker, time.Now()
	labels := []string{job.Flow.ID, job.Flow.Namespace, typ, job.Flow.Tenant, group}
	started, running := w.started, w.running
	if job.TriggerID != "" {
		started, running = w.triggersStarted, w.triggersRunning
	} else {
		w.queued.record(began.Sub(job.At), labels...)
	}
	started.WithLabelValues(labels...).Inc()
	running.WithLabelValues(labels...).Inc()
	w.busy.WithLabelValues(group).Inc()
	return func(r *model.JobReport, timeout bool) {
		w.busy.WithLabelValues(group).Dec()
		running.WithLabelValues(labels...).Dec()
		if job.TriggerID != "" {
			w.evaluated(r, labels, time.Since(began))
			return
		}
		w.ended.WithLabelValues(labels...).Inc()
		w.duration.record(time.Since(began), labels...)
		if timeout {
			w.timeouts.WithLabelValues(labels...).Inc()
		}
		if r.State == model.Killed {
			w.killed.WithLabelValues("execution", job.Flow.Tenant).Inc()
		}
	}
}

// evaluated counts an evaluation of a trigger.
func (w *workerMetrics) evaluated(r *model.JobReport, labels []string, took time.Duration) {
	w.triggersEnded.WithLabelValues(labels...).Inc()
	w.evaluation.record(took, labels...)
	switch {
	case r.State == model.Failed:
		w.triggersFailed.WithLabelValues(labels...).Inc()
	case len(r.Outputs) > 0:
		w.triggersFound.WithLabelValues(labels...).Inc()
	}
}
