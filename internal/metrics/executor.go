package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/windhover-io/windhover/internal/model"
)

type executorMetrics struct {
	started, ended, queued, popped, killed       *prometheus.CounterVec
	slaExpired, slaViolated                      *prometheus.CounterVec
	delayed, resumed                             *prometheus.CounterVec
	runsCreated, runsEnded, flowables, resubmits *prometheus.CounterVec
	triggered                                    *prometheus.CounterVec
	duration, runDuration                        timerVec
}

func newExecutorMetrics(r prometheus.Registerer) executorMetrics {
	of := func(name, help string) *prometheus.CounterVec { return counter(r, name, help, executionLabels...) }
	return executorMetrics{
		started:     of("executor_execution_started_count", "Executions that have begun to run, or were restarted."),
		ended:       of("executor_execution_end_count", "Executions that have ended."),
		duration:    timer(r, "executor_execution_duration", "Time from the creation of executions to their end.", executionLabels...),
		queued:      of("executor_execution_queued_count", "Executions that had to wait for a slot of their flow's concurrency limit."),
		popped:      of("executor_execution_popped_count", "Executions that got a slot, or were let go, after they had waited."),
		killed:      counter(r, "executor_killed_count", "Executions that were killed.", "execution_killed_type", "tenant_id"),
		slaExpired:  of("executor_sla_expired_count", "Executions that took longer than a MAX_DURATION of their flow's SLA allows."),
		slaViolated: of("executor_sla_violation_count", "Promises of SLAs that were broken."),
		delayed:     of("executor_execution_delay_created_count", "Pauses, retries and turns of loops that were put off to a later time."),
		resumed:     of("executor_execution_delay_ended_count", "Pauses, retries and turns of loops whose time has come, or that were given up."),
		runsCreated: of("executor_taskrun_created_count", "Tasks that were handed out to workers."),
		runsEnded:   of("executor_taskrun_ended_count", "Task runs that have ended, those of flowable tasks not included."),
		runDuration: timer(r, "executor_taskrun_ended_duration", "Time from the creation of task runs to their end.", executionLabels...),
		flowables:   counter(r, "executor_flowable_execution_count", "Flowable tasks that have begun.", "task_type"),
		resubmits:   counter(r, "executor_worker_job_resubmit_count", "Tasks that were handed out again since their worker was lost."),
		triggered:   of("scheduler_trigger_count", "Executions that triggers have started."),
	}
}

// Committed counts what a transition says. It is called once it is durable.
func (m *Metrics) Committed(tr *model.Transition) {
	e := tr.Execution
	if e == nil {
		return
	}
	x := &m.executor
	labels := []string{e.FlowID, e.Namespace, e.State.Current().String(), e.Tenant}
	if tr.Before == nil && e.Engine.StartedBy != "" {
		x.triggered.WithLabelValues(labels...).Inc()
	}
	x.moved(tr, labels)
	x.broken(tr, labels)
	x.timed(tr, labels)
	for _, j := range tr.Jobs {
		if j.TriggerID == "" {
			x.runsCreated.WithLabelValues(labels...).Inc()
		}
	}
	m.runs(tr, labels)
}

// moved counts what the execution's own state tells.
func (x *executorMetrics) moved(tr *model.Transition, labels []string) {
	e, was := tr.Execution, model.State(0)
	if tr.Before != nil {
		was = tr.Before.State.Current()
	}
	now := e.State.Current()
	waited := was == 0 || was == model.Created || was == model.Queued
	if waited && e.Engine.Admitted && (tr.Before == nil || !tr.Before.Engine.Admitted) || was.Terminated() && !now.Terminated() {
		x.started.WithLabelValues(labels...).Inc()
	}
	if was == now {
		return
	}
	if now == model.Queued {
		x.queued.WithLabelValues(labels...).Inc()
	}
	if was == model.Queued {
		x.popped.WithLabelValues(labels...).Inc()
	}
	if !now.Terminated() || was.Terminated() {
		return
	}
	x.ended.WithLabelValues(labels...).Inc()
	x.duration.record(e.State.Duration(e.Engine.Now), labels...)
	if now == model.Killed {
		x.killed.WithLabelValues("execution", e.Tenant).Inc()
	}
}

// broken counts the promises that were broken.
func (x *executorMetrics) broken(tr *model.Transition, labels []string) {
	known := 0
	if tr.Before != nil {
		known = min(len(tr.Before.Engine.ViolatedSLA), len(tr.Execution.Engine.ViolatedSLA))
	}
	for _, key := range tr.Execution.Engine.ViolatedSLA[known:] {
		x.slaViolated.WithLabelValues(labels...).Inc()
		if strings.HasSuffix(key, "MAX_DURATION") {
			x.slaExpired.WithLabelValues(labels...).Inc()
		}
	}
}

// timed counts what was put off.
func (x *executorMetrics) timed(tr *model.Transition, labels []string) {
	for _, t := range tr.SetTimers {
		if t.Kind != model.TimerSLA && t.Kind != model.TimerSchedule {
			x.delayed.WithLabelValues(labels...).Inc()
		}
	}
	for _, id := range tr.ClearTimers {
		if !strings.HasPrefix(id, "sla:") && id != string(model.TimerSchedule) {
			x.resumed.WithLabelValues(labels...).Inc()
		}
	}
}

// runs counts what the task runs tell.
func (m *Metrics) runs(tr *model.Transition, labels []string) {
	if len(tr.RunsBefore) == 0 { // none, or they are not the engine's
		return
	}
	e := tr.Execution
	flow, known := m.flow(model.FlowKey{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID, Revision: e.FlowRevision})
	for i, run := range tr.TaskRuns {
		was, now := model.State(0), run.State.Current()
		if old := tr.RunsBefore[i]; old != nil {
			was = old.State.Current()
			if run.Engine.Lost > old.Engine.Lost && !now.Terminated() {
				m.executor.resubmits.WithLabelValues().Inc()
			}
		}
		var task *model.Task
		if known && flow != nil {
			task = flow.ByID[run.TaskID]
		}
		if task != nil && task.Kind.Flowable() {
			if (was == 0 || was.IsCreated()) && !now.IsCreated() {
				m.executor.flowables.WithLabelValues(task.Type).Inc()
			}
			continue
		}
		if now.Terminated() && !was.Terminated() {
			ofRun := []string{labels[0], labels[1], now.String(), labels[3]}
			m.executor.runsEnded.WithLabelValues(ofRun...).Inc()
			m.executor.runDuration.record(run.State.Duration(e.Engine.Now), ofRun...)
		}
	}
}
