package tracing

import (
	"context"
	"crypto/sha256"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/windhover-io/windhover/internal/model"
)

// Ids of traces and spans follow from those of executions and task runs: whoever passes a trace context on needs to ask
// nobody, and what is told twice has the same ids.

// spanID is that of an execution or a task run.
func spanID(id string) (s trace.SpanID) {
	sum := sha256.Sum256([]byte("span " + id))
	copy(s[:], sum[:])
	return s
}

// traceID is that of an execution which nobody has given a trace context.
func traceID(execution string) (t trace.TraceID) {
	sum := sha256.Sum256([]byte("trace " + execution))
	copy(t[:], sum[:])
	return t
}

// given reads a W3C trace context; the zero SpanContext if it is none.
func given(traceParent string) trace.SpanContext {
	if traceParent == "" {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceParent})
	return trace.SpanContextFromContext(ctx)
}

// Valid tells whether a text is a W3C trace context.
func Valid(traceParent string) bool { return given(traceParent).IsValid() }

// contextOf is the span context of an execution.
func contextOf(execution, traceParent string) trace.SpanContext {
	c := trace.SpanContextConfig{TraceID: traceID(execution), SpanID: spanID(execution), TraceFlags: trace.FlagsSampled}
	if parent := given(traceParent); parent.IsValid() {
		c.TraceID, c.TraceFlags = parent.TraceID(), parent.TraceFlags()
	}
	return trace.NewSpanContext(c)
}

// TraceParent is the W3C trace context that a task run passes on.
func TraceParent(e model.JobHeader, taskRunID string) string {
	c := contextOf(e.ID, e.TraceParent).WithSpanID(spanID(taskRunID))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), c), carrier)
	return carrier.Get("traceparent")
}

// ids hands the SDK the ids that a context names.
type ids struct{}

type idsKey struct{}

func withIDs(ctx context.Context, c trace.SpanContext) context.Context {
	return context.WithValue(ctx, idsKey{}, c)
}

// NewIDs returns the ids of a span that has no parent.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	c, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return c.TraceID(), c.SpanID()
}

// NewSpanID returns the id of a span in its parent's trace.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	c, _ := ctx.Value(idsKey{}).(trace.SpanContext)
	return c.SpanID()
}
