package worker

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
	"github.com/windhover-io/windhover/sdk"
)

// rig is a worker whose backend remembers what it is told, and whose tasks are functions of the test.
type rig struct {
	*Worker
	backend *remembering
	files   *memory.Storage
	flow    *model.Flow
	do      func(ctx context.Context, run sdk.Run) (any, error) // what a task of the type "do" does
	log     *lockedBuffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{backend: &remembering{}, files: memory.New(), log: &lockedBuffer{},
		flow: &model.Flow{Tenant: "main", Namespace: "ns", ID: "f", Revision: 1, ByID: map[string]*model.Task{}}}
	reg := plugin.NewRegistry()
	reg.Add(
		plugin.Type{Name: "do", Category: plugin.Task, Title: "Does what the test says.", New: func() any { return &doing{rig: r} }},
		plugin.Type{Name: "dir", Category: plugin.Task, Kind: model.KindWorkingDirectory, Title: "A directory.", New: func() any { return &directory{} }},
	)
	r.Worker = New(Config{
		Backend: r.backend, Flows: r, Registry: reg, Functions: functions{}, Storage: r.files, Templates: expr.NewCache(100), Location: time.UTC,
		Encrypt: func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil },
		Decrypt: func(s string) (string, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err },
		Masks:   &mask.Book{}, Log: slog.New(slog.NewTextHandler(r.log, nil)), Member: "w", Threads: 2, TmpDir: t.TempDir(), Grace: time.Second,
	})
	return r
}

// Get returns the flow of the rig.
func (r *rig) Get(context.Context, model.FlowKey) (*model.Flow, error) { return r.flow, nil }

// job is one attempt of a task, which becomes part of the flow.
func (r *rig) job(task *model.Task, vars ...value.Entry) *model.Job {
	if task.Props == nil {
		task.Props = value.NewMap(0)
	}
	r.flow.ByID[task.ID] = task
	return &model.Job{
		ID: "run", Flow: r.flow.Key(), Attempt: 1, At: time.Now(), Vars: value.MapOf(vars...),
		Execution: model.JobHeader{ID: "e", OriginalID: "e", State: model.Running},
		TaskRun: &model.TaskRun{Tenant: "main", ID: "run", ExecutionID: "e", Namespace: "ns", FlowID: "f", TaskID: task.ID,
			State: model.NewHistory(model.Created, time.Now())},
	}
}

// doing is the task type "do".
type doing struct {
	Value any `json:"value" typed:"true"`
	rig   *rig
}

// Run does what the test says.
func (d *doing) Run(ctx context.Context, run sdk.Run) (any, error) {
	if d.rig.do == nil {
		return map[string]any{"value": d.Value}, nil
	}
	return d.rig.do(ctx, run)
}

// directory is the type of a WorkingDirectory that does nothing by itself.
type directory struct{}

func (*directory) Run(context.Context, sdk.Run) (any, error) {
	return nil, errors.New("it is not run as a task")
}
func (*directory) Before(context.Context, sdk.Run) error { return nil }
func (*directory) After(context.Context, sdk.Run) (any, error) {
	return map[string]any{"after": true}, nil
}

// functions reveals secrets by name.
type functions struct{}

func (functions) Call(_ context.Context, c world.Caller, name string, args expr.Args) (any, error) {
	key, _ := args.Get("key")
	plain := "the secret " + value.Print(key)
	c.Secret(plain)
	return plain, nil
}

// remembering is a backend of which workers use the inbox and the log.
type remembering struct {
	backend.Backend
	mu     sync.Mutex
	fail   int // how many times appending fails
	tries  int
	code   model.AnswerCode // of answers
	events []model.Event
	lines  []model.LogEntry
}

func (b *remembering) Append(events []model.Event, done func(error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.tries <= b.fail {
		go done(backend.ErrUnavailable)
		return
	}
	b.events = append(b.events, events...)
	go done(nil)
}

func (b *remembering) Ask(_ context.Context, ev model.Event) (model.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries++
	if b.tries <= b.fail {
		return model.Answer{}, backend.ErrUnavailable
	}
	b.events = append(b.events, ev)
	return model.Answer{Code: b.code}, nil
}

func (b *remembering) Logs() backend.Logs { return logs{of: b} }

type logs struct {
	backend.Logs
	of *remembering
}

func (l logs) Append(_ context.Context, lines []model.LogEntry) error {
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.of.lines = append(l.of.lines, lines...)
	return nil
}

// messages are the lines of a log without what surrounds them.
func messages(lines []model.LogEntry) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Message)
	}
	return out
}

// lockedBuffer is where the process logs.
type lockedBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}
