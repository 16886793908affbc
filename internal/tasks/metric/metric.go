// Package metric holds tasks that measure.
package metric

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.core.metric.Publish", Category: plugin.Task, Title: "Record metrics.",
		Description: "Records numbers and durations of your own, which are shown with the execution and over time for its flow.",
		Examples: []plugin.Example{{Title: "Count rows, and say how long they took", YAML: `id: measure
type: io.kestra.plugin.core.metric.Publish
metrics:
  - type: counter
    name: rows
    value: "{{ outputs.load.values.rows }}"
    tags:
      table: orders
  - type: timer
    name: load
    value: PT1M30S`}},
		New: func() any { return &Publish{} }, Pure: true,
	}}
}

// Publish records metrics.
type Publish struct {
	Metrics []Metric `json:"metrics" doc:"The metrics."`
}

// Metric is one metric.
type Metric struct {
	Type        string            `json:"type" required:"true" enum:"counter,timer,gauge" doc:"A counter is added up, a timer is a duration, a gauge a current value."`
	Name        string            `json:"name" required:"true" doc:"The name."`
	Value       any               `json:"value" required:"true" doc:"A number; of a timer a duration."`
	Description string            `json:"description" doc:"What it is, for readers of the flow."`
	Tags        map[string]string `json:"tags" doc:"What to tell metrics of the same name apart by."`
}

// Run records the metrics, or none if one of them is wrong.
func (t *Publish) Run(_ context.Context, run sdk.Run) (any, error) {
	record := make([]func(), len(t.Metrics))
	for i, m := range t.Metrics {
		var err error
		if record[i], err = m.recorder(run); err != nil {
			return nil, fmt.Errorf("metrics[%d].value: %w", i, err)
		}
	}
	for _, f := range record {
		f()
	}
	return nil, nil
}

// recorder reads the metric's value and returns what records it.
func (m Metric) recorder(run sdk.Run) (func(), error) {
	var tags []string
	names := make([]string, 0, len(m.Tags))
	for name := range m.Tags {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		tags = append(tags, name, m.Tags[name])
	}
	if m.Type == "timer" {
		d, err := duration(m.Value)
		return func() { run.Timer(m.Name, d, tags...) }, err
	}
	f, err := number(m.Value)
	if m.Type == "gauge" {
		return func() { run.Gauge(m.Name, f, tags...) }, err
	}
	return func() { run.Counter(m.Name, f, tags...) }, err
}

func duration(v any) (time.Duration, error) {
	if d, ok := v.(value.Duration); ok {
		return time.Duration(d), nil
	}
	return model.ParseDuration(strings.TrimSpace(value.Print(v)))
}

func number(v any) (float64, error) {
	if f, ok := value.AsFloat(v); ok {
		return f, nil
	}
	text := strings.TrimSpace(value.Print(v))
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return f, nil
}
