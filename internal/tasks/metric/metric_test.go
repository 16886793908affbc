package metric_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/tasks/metric"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const head = "type: io.kestra.plugin.core.metric.Publish\nmetrics:\n"

func TestPublish(t *testing.T) {
	run := sdktest.New(t)
	taskstest.Must(t, run, metric.Types(), "%s", head+`
  - {type: counter, name: rows, value: "{{ 40 + 2 }}", tags: {table: "{{ flow.id }}"}}
  - {type: timer, name: load, value: PT1.5S}
  - {type: gauge, name: level, value: 0.5, description: how full}
`)
	want := []sdktest.Metric{
		{Type: "counter", Name: "rows", Value: 42, Tags: map[string]string{"table": "flow"}},
		{Type: "timer", Name: "load", Value: 1500},
		{Type: "gauge", Name: "level", Value: 0.5},
	}
	if diff := cmp.Diff(want, run.Metrics); diff != "" {
		t.Error(diff)
	}
}

func TestPublishRecordsAllOrNone(t *testing.T) {
	run := sdktest.New(t)
	err := taskstest.Fails(t, run, metric.Types(), "%s", head+"  - {type: counter, name: a, value: 1}\n  - {type: gauge, name: b, value: many}\n")
	if !strings.Contains(err, `metrics[1].value: "many" is not a number`) {
		t.Error(err)
	}
	if len(run.Metrics) > 0 {
		t.Errorf("%v was recorded", run.Metrics)
	}
}
