package app_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/model"
)

// measured are the values of all metrics, by their names and labels as Prometheus reads them.
func measured(t *testing.T, a *app.App) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(a.Metrics.Registry(), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	out := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && !strings.HasPrefix(line, "#") {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(line, err)
			}
			out[name+"}"] = v
		}
	}
	return out
}

// TestMetrics: dashboards that were made for the reference find what happened, once each.
func TestMetrics(t *testing.T) {
	a := open(t, settings(t))
	start(t, a, a.Executor, a.Worker)
	run(t, a, save(t, a, `{id: good, namespace: n, tasks: [{id: s, type: io.kestra.plugin.core.flow.Sequential, tasks: [
		{id: one, type: io.kestra.plugin.core.debug.Return, format: x}, {id: two, type: io.kestra.plugin.core.log.Log, message: x}]}]}`), model.Success)
	run(t, a, save(t, a, `{id: bad, namespace: n, tasks: [{id: f, type: io.kestra.plugin.core.execution.Fail}]}`), model.Failed)
	run(t, a, save(t, a, `{id: slow, namespace: n, tasks: [{id: s, type: io.kestra.plugin.core.flow.Sleep, duration: PT1M, timeout: PT0.01S}]}`), model.Failed)
	run(t, a, save(t, a, `{id: late, namespace: n, sla: [{id: s, type: MAX_DURATION, duration: PT0.01S, behavior: CANCEL}],
		tasks: [{id: p, type: io.kestra.plugin.core.flow.Pause}]}`), model.Cancelled)
	limited := save(t, a, `{id: limited, namespace: n, concurrency: {limit: 1}, tasks: [{id: p, type: io.kestra.plugin.core.flow.Pause, delay: PT0.2S}]}`)
	waiting := make(chan struct{})
	run(t, a, limited, model.Paused)
	go func() {
		defer close(waiting)
		run(t, a, limited, model.Success)
	}()
	<-waiting
	stop(t, a)

	got := measured(t, a)
	of := func(flow, state string) string {
		return `{flow_id="` + flow + `",namespace_id="n",state="` + state + `",tenant_id="main"}`
	}
	task := func(flow, typ string) string {
		return `{flow_id="` + flow + `",namespace_id="n",task_type="io.kestra.plugin.core.` + typ + `",tenant_id="main",worker_group=""}`
	}
	want := map[string]float64{
		`kestra_executor_execution_end_count_total` + of("good", "SUCCESS"):                                 1,
		`kestra_executor_execution_end_count_total` + of("bad", "FAILED"):                                   1,
		`kestra_executor_execution_end_count_total` + of("slow", "FAILED"):                                  1,
		`kestra_executor_execution_end_count_total` + of("late", "CANCELLED"):                               1,
		`kestra_executor_execution_end_count_total` + of("limited", "SUCCESS"):                              2,
		`kestra_executor_execution_duration_seconds_count` + of("good", "SUCCESS"):                          1,
		`kestra_executor_taskrun_ended_count_total` + of("good", "SUCCESS"):                                 2,
		`kestra_executor_taskrun_ended_duration_seconds_count` + of("good", "SUCCESS"):                      2,
		`kestra_executor_taskrun_ended_count_total` + of("bad", "FAILED"):                                   1,
		`kestra_executor_sla_expired_count_total` + of("late", "CANCELLED"):                                 1,
		`kestra_executor_sla_violation_count_total` + of("late", "CANCELLED"):                               1,
		`kestra_executor_execution_queued_count_total` + of("limited", "QUEUED"):                            1,
		`kestra_worker_started_count_total` + task("good", "debug.Return"):                                  1,
		`kestra_worker_ended_count_total` + task("good", "log.Log"):                                         1,
		`kestra_worker_ended_duration_seconds_count` + task("good", "log.Log"):                              1,
		`kestra_worker_queued_duration_seconds_count` + task("good", "log.Log"):                             1,
		`kestra_worker_running_count` + task("good", "log.Log"):                                             0,
		`kestra_worker_timeout_count_total` + task("slow", "flow.Sleep"):                                    1,
		`kestra_worker_job_running{worker_group=""}`:                                                        0,
		`kestra_worker_job_thread{worker_group=""}`:                                                         float64(a.Config.Worker.Threads),
		`kestra_executor_flowable_execution_count_total{task_type="io.kestra.plugin.core.flow.Sequential"}`: 1,
		`kestra_executor_flowable_execution_count_total{task_type="io.kestra.plugin.core.flow.Pause"}`:      3,
	}
	for name, n := range want {
		if v, there := got[name]; !there || v != n {
			t.Errorf("%s is %g, want %g", name, v, n)
		}
	}
	for name, n := range map[string]float64{
		"kestra_executor_execution_started_count_total": 6, "kestra_executor_execution_popped_count_total": 1,
		"kestra_executor_execution_delay_created_count_total": 2, "kestra_executor_execution_delay_ended_count_total": 2,
		"kestra_executor_taskrun_created_count_total": 4,
	} {
		sum := 0.0
		for _, k := range slices.Collect(maps.Keys(got)) {
			if strings.HasPrefix(k, name+"{") {
				sum += got[k]
			}
		}
		if sum != n {
			t.Errorf("%s is %g over all, want %g", name, sum, n)
		}
	}
	if t.Failed() {
		for _, k := range slices.Sorted(maps.Keys(got)) {
			t.Log(k, got[k])
		}
	}
}
