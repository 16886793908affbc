// Package sdk is what authors of tasks write against.
//
// A task type is a struct. Its exported fields are the properties that a flow may set; when Run is called they have been
// rendered and converted, so a task's code is about its work and nothing else:
//
//	type Hello struct {
//		Name  string        `json:"name" required:"true" doc:"Whom to greet."`
//		Times int           `json:"times" default:"1" doc:"How often."`
//		Pause sdk.Duration  `json:"pause" doc:"How long to wait in between."`
//	}
//
//	func (h *Hello) Run(ctx context.Context, run sdk.Run) (any, error) {
//		for range h.Times {
//			run.Log(sdk.LevelInfo, "hello %s", h.Name)
//		}
//		return HelloOutput{Count: h.Times}, nil
//	}
//
// Field types: string, bool, int, int64, float64, Duration, time.Time, Level, json-like any, slices, string-keyed maps and
// structs of these, and pointers where absent must differ from zero. A Template field is handed over unrendered.
//
// Tags: json (the property's name), required, default (as text; it may be an expression), doc, static (never rendered), raw
// (handed over unrendered, as a Template is),
// typed (a text that is one expression keeps the type of its value), enum (comma-separated), min, max, pattern, alias
// (comma-separated older names), deprecated (what to use instead).
package sdk

import (
	"context"
	"io"
	"time"
)

// Task is a task type's behaviour. Run returns the outputs: a struct with json tags, a map, or nil. It must stop soon after
// ctx ends; why it ended (timeout, kill, shutdown) is none of its business. It may be called again for a later attempt, on
// another machine too. A panic fails the attempt and harms nothing else.
type Task interface {
	Run(ctx context.Context, run Run) (any, error)
}

// PollingTrigger is a trigger type that a worker evaluates every now and then. Poll returns the variables of the execution
// to start, like a task its outputs, or nil to start none. Files that it stores lie under that execution.
type PollingTrigger interface {
	Poll(ctx context.Context, run Run) (any, error)
}

// Settler is what Poll may return where something has to follow: files to be moved, rows or offsets to be committed. Settle is
// called once. With durable set, it is certain that the variables have reached the trigger: what they tell of may be marked
// as done. Otherwise it is left as it was found, to be found again. A worker that dies before Settle has ended leaves it to
// be found again, too, so an execution may be started twice for it. An error of Settle is logged.
type Settler interface {
	Settle(ctx context.Context, durable bool) error
}

// RealtimeTrigger is a trigger type that listens. Listen runs until ctx ends, or something fails, which is when it is
// started again, after a while; for each message it calls emit.
type RealtimeTrigger interface {
	Listen(ctx context.Context, run Run, emit Emit) error
}

// Emit starts an execution with the variables of a message and returns nil once that is durable: then the message may be
// acknowledged. Key identifies the message, so that one that comes twice starts one execution; "" if nothing does.
type Emit func(ctx context.Context, key string, variables any) error

// Run is what a task may use while it runs.
type Run interface {
	// Info tells what runs.
	Info() Info
	// Render evaluates a template with the variables of the task, and extra ones that hide those of the same name.
	Render(template string, extra map[string]any) (string, error)
	// RenderTyped is Render that keeps the type of a template that is one expression, and that renders the keys and leaves of
	// maps and lists.
	RenderTyped(v any, extra map[string]any) (any, error)
	// Log writes a line to the execution's log. Secrets in it are masked.
	Log(level Level, format string, args ...any)
	// Counter adds to a metric, Timer records a duration, Gauge a current value. Tags come in pairs.
	Counter(name string, value float64, tags ...string)
	Timer(name string, d time.Duration, tags ...string)
	Gauge(name string, value float64, tags ...string)
	// WorkDir is the task's own directory, empty at first and removed afterwards. Tasks inside a WorkingDirectory share one.
	WorkDir() (string, error)
	// Open reads a file by its URI (kestra:///…, nsfile:///…). The caller closes it.
	Open(ctx context.Context, uri string) (io.ReadCloser, error)
	// Store keeps what r gives in internal storage, under the task run, and returns its URI.
	Store(ctx context.Context, name string, r io.Reader) (uri string, err error)
	// Encrypt turns text into an encrypted output value; Mask hides it in what is logged from now on.
	Encrypt(text string) (any, error)
	Mask(secret string)
}

// Info tells what runs.
type Info struct {
	Tenant, Namespace, FlowID    string
	FlowRevision                 int
	ExecutionID, TaskRunID       string
	TaskID, TaskType             string
	Attempt                      int // from 1
	Value                        *string
	Iteration                    *int
	ParentTaskRunID, TriggerID   string
	ExecutionStart, TaskRunStart time.Time
	OriginalID                   string
	// TraceParent is the W3C trace context to pass on to whom the task asks, "" if there is none.
	TraceParent string
	// Worker is the incarnation of the worker that runs it.
	Worker string
}

// Template is a property that is handed over as written, for Run.Render.
type Template string

// Duration is a property that flows write as an ISO-8601 duration or a number of seconds.
type Duration time.Duration

// Level is a log level.
type Level uint8

// The levels.
const (
	LevelTrace Level = iota + 1
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// OutputError is an error of a task that has outputs all the same.
type OutputError struct {
	Err     error
	Outputs any
}

// Error is that of Err.
func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *OutputError) Unwrap() error { return e.Err }

// WarningOutput is implemented by outputs that end their task in state WARNING.
type WarningOutput interface{ Warning() bool }
