// Package tracing tells an OpenTelemetry collector of executions: a trace for each, with a span for each task run. It looks
// at what the owner of an execution has committed, so that each is told of once, by whichever executor owned it at its end,
// and nothing on the way of an execution knows of it. Spans begin and end at the recorded times.
package tracing

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/windhover-io/windhover/internal/model"
)

// Config is what a Tracer needs. What it leaves open is taken from the OTEL_* variables of the environment.
type Config struct {
	// Endpoint is the URL of the collector; "" leaves it to the environment.
	Endpoint string
	Version  string
	// TaskRuns reads the task runs of an execution.
	TaskRuns func(ctx context.Context, tenant, id string) ([]*model.TaskRun, error)
	// Hide hides secrets in the texts of an execution.
	Hide func(execution, text string) string
	Log  *slog.Logger
}

// Tracer tells of executions that have finished.
type Tracer struct {
	cfg      Config
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	finished chan *model.Execution
	lost     atomic.Int64
}

const (
	// maxWaiting is how many finished executions wait to be told of; more are left out, since nothing waits for telemetry.
	maxWaiting = 16384
	// maxFlush bounds what a stop waits for the collector.
	maxFlush = 5 * time.Second
)

// New connects to the collector, as far as there is a connection; Run tells.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	var opts []otlptracehttp.Option
	if cfg.Endpoint != "" {
		opts = append(opts, otlptracehttp.WithEndpointURL(cfg.Endpoint))
	}
	exporter, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return nil, err
	}
	res, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "windhover"), attribute.String("service.version", cfg.Version)), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking()), sdktrace.WithIDGenerator(ids{}), sdktrace.WithResource(res))
	return &Tracer{cfg: cfg, provider: provider, tracer: provider.Tracer("github.com/windhover-io/windhover"), finished: make(chan *model.Execution, maxWaiting)}, nil
}

// Committed looks at a transition that is durable. It does not wait.
func (t *Tracer) Committed(tr *model.Transition) {
	if tr.Execution == nil || !tr.Execution.Engine.Finished {
		return
	}
	select {
	case t.finished <- tr.Execution:
	default:
		t.lost.Add(1)
	}
}

// Run tells of executions until the context ends, then of those that wait.
func (t *Tracer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case e := <-t.finished:
			t.tell(ctx, e)
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxFlush)
	defer cancel()
	for len(t.finished) > 0 && last.Err() == nil {
		t.tell(last, <-t.finished)
	}
	if err := t.provider.Shutdown(last); err != nil {
		return fmt.Errorf("telling the last traces: %w", err)
	}
	return ctx.Err()
}

// tell makes the spans of an execution.
func (t *Tracer) tell(ctx context.Context, e *model.Execution) {
	if n := t.lost.Swap(0); n > 0 {
		t.cfg.Log.Warn("executions finish faster than their traces are taken: some have none", "executions", n)
	}
	runs, err := t.cfg.TaskRuns(ctx, e.Tenant, e.ID)
	if err != nil {
		t.cfg.Log.Warn("an execution has no trace: its task runs could not be read", "execution", e.ID, "error", err)
		return
	}
	own := contextOf(e.ID, e.TraceParent)
	ctx = context.Background()
	if parent := given(e.TraceParent); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	ctx, span := t.tracer.Start(withIDs(ctx, own), e.Namespace+"."+e.FlowID, trace.WithTimestamp(e.State.Start()),
		trace.WithLinks(links(e)...), trace.WithAttributes(executionAttributes(e)...))
	around := make(map[string]context.Context, len(runs))
	for _, r := range runs {
		parent, ok := around[r.ParentID]
		if !ok {
			parent = ctx
		}
		around[r.ID] = t.tellRun(parent, own, r)
	}
	fail(span, e.State.Current(), t.cfg.Hide(e.ID, e.Engine.Failure))
	span.End(trace.WithTimestamp(endOf(e.State)))
}

// tellRun makes the span of a task run, with an event for each attempt, and returns the context of those within it.
func (t *Tracer) tellRun(ctx context.Context, execution trace.SpanContext, r *model.TaskRun) context.Context {
	attrs := []attribute.KeyValue{
		attribute.String("windhover.task.id", r.TaskID), attribute.String("windhover.taskrun.id", r.ID),
		attribute.String("windhover.state", r.State.Current().String()),
	}
	if r.Value != nil {
		attrs = append(attrs, attribute.String("windhover.value", t.cfg.Hide(r.ExecutionID, *r.Value)))
	}
	if r.Iteration != nil {
		attrs = append(attrs, attribute.Int("windhover.iteration", *r.Iteration))
	}
	ctx, span := t.tracer.Start(withIDs(ctx, execution.WithSpanID(spanID(r.ID))), r.TaskID, trace.WithTimestamp(r.State.Start()), trace.WithAttributes(attrs...))
	for i, a := range r.Attempts {
		span.AddEvent("attempt", trace.WithTimestamp(a.State.Start()), trace.WithAttributes(
			attribute.Int("windhover.attempt", i+1), attribute.String("windhover.state", a.State.Current().String()),
			attribute.String("windhover.worker.id", a.WorkerID), attribute.Float64("windhover.duration", endOf(a.State).Sub(a.State.Start()).Seconds())))
	}
	fail(span, r.State.Current(), t.cfg.Hide(r.ExecutionID, r.Engine.Error))
	span.End(trace.WithTimestamp(endOf(r.State)))
	return ctx
}

// fail marks the span of what did not end well.
func fail(span trace.Span, s model.State, why string) {
	switch s {
	case model.Failed, model.Killed, model.Cancelled, model.Retried:
		if why == "" {
			why = s.String()
		}
		span.SetStatus(codes.Error, why)
	}
}

// endOf is when something ended; if it has not, its latest change.
func endOf(h model.History) time.Time {
	if end, ok := h.End(); ok {
		return end
	}
	return h[len(h)-1].Date
}

func executionAttributes(e *model.Execution) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		attribute.String("windhover.namespace", e.Namespace), attribute.String("windhover.flow.id", e.FlowID),
		attribute.Int("windhover.flow.revision", e.FlowRevision), attribute.String("windhover.execution.id", e.ID),
		attribute.String("windhover.state", e.State.Current().String()), attribute.Int("windhover.attempt", e.Metadata.AttemptNumber),
	}
	if e.Trigger != nil {
		attrs = append(attrs, attribute.String("windhover.trigger.id", e.Trigger.ID), attribute.String("windhover.trigger.type", e.Trigger.Type))
	}
	return attrs
}

// links lead to what an execution came from: the execution that it retries or replays, and the one whose task has started it.
func links(e *model.Execution) (out []trace.Link) {
	if e.ParentID != "" {
		out = append(out, trace.Link{SpanContext: contextOf(e.ParentID, e.TraceParent)})
	}
	if e.Trigger == nil {
		return out
	}
	var from struct {
		ExecutionID string `json:"executionId"`
	}
	if json.Unmarshal(e.Trigger.Variables, &from) != nil || from.ExecutionID == "" {
		return out
	}
	by := contextOf(from.ExecutionID, e.TraceParent)
	if w := e.Engine.Waiting; w != nil {
		by = by.WithSpanID(spanID(w.TaskRunID))
	}
	return append(out, trace.Link{SpanContext: by})
}
