package app

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tracing"
)

// traced tells whether traces of executions are wanted: the configuration or the environment names a collector, and nothing
// switches them off.
func (a *App) traced() bool {
	exporter := os.Getenv("OTEL_TRACES_EXPORTER")
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || exporter == "none" {
		return false
	}
	return a.Config.Traces.Endpoint != "" || exporter == "otlp" || os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" ||
		os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// traces starts what tells of executions, and returns whom an executor tells what it has committed; nil where no traces are
// wanted.
func (a *App) traces(ctx context.Context) (func(*model.Transition), error) {
	if !a.traced() {
		return nil, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { a.Log.Warn("traces cannot be told", "error", err) }))
	t, err := tracing.New(ctx, tracing.Config{
		Endpoint: a.Config.Traces.Endpoint, Version: Version, TaskRuns: a.Backend.Executions().TaskRuns, Hide: a.hide, Log: a.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	a.start("traces", t.Run) // before the executor, so that it stops after it
	return t.Committed, nil
}

// traceParent is the trace context that tasks pass on; nil where no traces are wanted.
func (a *App) traceParent() func(model.JobHeader, string) string {
	if !a.traced() {
		return nil
	}
	return tracing.TraceParent
}
