// Package sdktest is for the tests of tasks: a sdk.Run in memory, with the real expression language and a real storage.
//
//	run := sdktest.New(t)
//	run.Vars["inputs"] = map[string]any{"name": "Ada"}
//	out, err := (&Hello{Name: "Ada"}).Run(t.Context(), run)
//	// look at out, run.Logs, run.Metrics and run.Content(uri)
package sdktest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Run is a sdk.Run that remembers what a task does. Its fields may be changed before the task runs and read afterwards.
type Run struct {
	// Is is what Info returns.
	Is sdk.Info
	// Vars are the variables of expressions. New sets flow, execution, task and taskrun.
	Vars map[string]any
	// Logs and Metrics are what the task has logged and measured, in order.
	Logs    []Line
	Metrics []Metric
	// Masked are the texts that are to be hidden.
	Masked []string
	// Batched are the files that a split has handed on.
	Batched []string

	t         testing.TB
	mu        sync.Mutex
	dir       string
	store     storage.Storage
	templates *expr.Cache
}

// Line is a line of the log.
type Line struct {
	Level sdk.Level
	Text  string
}

// Metric is something measured. A timer's Value is in milliseconds.
type Metric struct {
	Type, Name string
	Value      float64
	Tags       map[string]string
}

var _ sdk.Run = (*Run)(nil)

// New returns the run of a task "task" in the flow "flow" of the namespace "company.team".
func New(t testing.TB) *Run {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &Run{
		Is: sdk.Info{
			Tenant: "main", Namespace: "company.team", FlowID: "flow", FlowRevision: 1, ExecutionID: "execution", TaskRunID: "taskrun",
			TaskID: "task", Attempt: 1, ExecutionStart: start, TaskRunStart: start, OriginalID: "execution",
		},
		Vars: map[string]any{
			"flow":      map[string]any{"id": "flow", "namespace": "company.team", "revision": 1, "tenantId": "main"},
			"execution": map[string]any{"id": "execution", "startDate": start},
			"task":      map[string]any{"id": "task"},
			"taskrun":   map[string]any{"id": "taskrun"},
		},
		t: t, store: memory.New(), templates: expr.NewCache(100),
	}
}

// Storage is where the run's files are.
func (r *Run) Storage() storage.Storage { return r.store }

// Content returns a stored file's content. The test fails if there is none.
func (r *Run) Content(uri string) string {
	r.t.Helper()
	f, err := r.Open(context.Background(), uri)
	if err != nil {
		r.t.Fatalf("file %s: %v", uri, err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		r.t.Fatalf("file %s: %v", uri, err)
	}
	return string(b)
}

// File stores a file as an input of the execution and returns its URI.
func (r *Run) File(name, content string) string {
	r.t.Helper()
	uri := "kestra:///company/team/flow/executions/execution/inputs/file/" + name
	r.write(uri, content)
	return uri
}

// NamespaceFile stores a file of the run's namespace and returns its URI.
func (r *Run) NamespaceFile(name, content string) string {
	r.t.Helper()
	r.write("kestra:///"+strings.ReplaceAll(r.Is.Namespace, ".", "/")+"/_files/"+name, content)
	return "nsfile:///" + name
}

func (r *Run) write(uri, content string) {
	r.t.Helper()
	at, err := storage.Parse(r.Is.Tenant, uri)
	if err == nil {
		err = r.store.Put(context.Background(), at, strings.NewReader(content), nil)
	}
	if err != nil {
		r.t.Fatalf("file %s: %v", uri, err)
	}
}

// Logged returns the texts that were logged, one a line.
func (r *Run) Logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, l := range r.Logs {
		texts = append(texts, l.Text)
	}
	return strings.Join(texts, "\n")
}

// Info implements sdk.Run.
func (r *Run) Info() sdk.Info { return r.Is }

// Render implements sdk.Run.
func (r *Run) Render(template string, extra map[string]any) (string, error) {
	return r.templates.Render(template, env{r.Vars, extra}, expr.Limits{})
}

// RenderTyped implements sdk.Run.
func (r *Run) RenderTyped(v any, extra map[string]any) (any, error) {
	if s, ok := v.(string); ok {
		return r.templates.Eval(s, env{r.Vars, extra}, expr.Limits{})
	}
	return r.templates.RenderValue(value.Normalize(v), env{r.Vars, extra}, expr.Limits{})
}

// env are variables, the extra ones before the others.
type env struct{ vars, extra map[string]any }

func (e env) Var(name string) (any, bool) {
	for _, m := range []map[string]any{e.extra, e.vars} {
		if v, ok := m[name]; ok {
			return value.Normalize(v), true
		}
	}
	return nil, false
}

// Call answers now with a time that does not change; a test has no other world.
func (env) Call(name string, _ expr.Args) (any, error) {
	if name == "now" {
		return value.ZonedDateTime{T: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, nil
	}
	return nil, fmt.Errorf("%s() is not there in tests", name)
}

// Log implements sdk.Run.
func (r *Run) Log(level sdk.Level, format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Logs = append(r.Logs, Line{level, format})
}

// Counter implements sdk.Run.
func (r *Run) Counter(name string, v float64, tags ...string) { r.measure("counter", name, v, tags) }

// Timer implements sdk.Run.
func (r *Run) Timer(name string, d time.Duration, tags ...string) {
	r.measure("timer", name, float64(d)/float64(time.Millisecond), tags)
}

// Gauge implements sdk.Run.
func (r *Run) Gauge(name string, v float64, tags ...string) { r.measure("gauge", name, v, tags) }

func (r *Run) measure(typ, name string, v float64, tags []string) {
	m := Metric{Type: typ, Name: name, Value: v}
	for i := 0; i+1 < len(tags); i += 2 {
		if m.Tags == nil {
			m.Tags = map[string]string{}
		}
		m.Tags[tags[i]] = tags[i+1]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Metrics = append(r.Metrics, m)
}

// WorkDir implements sdk.Run: a directory that is removed with the test.
func (r *Run) WorkDir() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == "" {
		r.dir = r.t.TempDir()
	}
	return r.dir, nil
}

// Open implements sdk.Run.
func (r *Run) Open(ctx context.Context, uri string) (io.ReadCloser, error) {
	if name, ok := strings.CutPrefix(uri, "nsfile:///"); ok {
		uri = "kestra:///" + strings.ReplaceAll(r.Is.Namespace, ".", "/") + "/_files/" + name
	}
	at, err := storage.Parse(r.Is.Tenant, uri)
	if err != nil {
		return nil, err
	}
	return r.store.Get(ctx, at)
}

// Store implements sdk.Run.
func (r *Run) Store(ctx context.Context, name string, content io.Reader) (string, error) {
	e := storage.Execution{Flow: storage.Flow{Tenant: r.Is.Tenant, Namespace: r.Is.Namespace, ID: r.Is.FlowID}, ID: r.Is.ExecutionID}
	dir, err := e.TaskDir(r.Is.TaskID, r.Is.TaskRunID)
	if err != nil {
		return "", err
	}
	at, err := dir.Join(name)
	if err != nil {
		return "", err
	}
	return at.String(), r.store.Put(ctx, at, content, nil)
}

// Encrypt implements sdk.Run. The text can be told from the result, so that tests can look at it.
func (r *Run) Encrypt(text string) (any, error) {
	r.Mask(text)
	return map[string]any{"value": "encrypted:" + text, "type": "io.kestra.datatype:aes_encrypted"}, nil
}

// Mask implements sdk.Run.
func (r *Run) Mask(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Masked = append(r.Masked, secret)
}

// Batches takes the files of a split.
func (r *Run) Batches(files []string) { r.Batched = files }
