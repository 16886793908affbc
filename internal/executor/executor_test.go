package executor_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/executor"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	storagememory "github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/tasks"
	taskhttp "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/worker"
	"github.com/windhover-io/windhover/internal/world"
)

// rig is an executor and a worker over a backend, with one flow.
type rig struct {
	b    backend.Backend
	flow *model.Flow
	idle bool // start starts no worker
	stop func()
}

// Cached returns the only flow.
func (r *rig) Cached(model.FlowKey) (*model.Flow, bool) { return r.flow, true }

// Resolve answers every function with the id of the execution that asks.
func (r *rig) Resolve(_ context.Context, e *model.Execution, _ engine.Need) engine.Answer {
	return engine.Answer{Value: e.ID}
}

// Get returns the only flow.
func (r *rig) Get(context.Context, model.FlowKey) (*model.Flow, error) { return r.flow, nil }

func newRig(t testing.TB, b backend.Backend, flow *model.Flow) *rig {
	t.Helper()
	r := &rig{b: b, flow: flow}
	stop := r.start(t, executor.Skip{})
	r.stop = func() {
		stop()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	return r
}

// start starts an executor and a worker; the backend outlives them.
func (r *rig) start(t testing.TB, skip executor.Skip) (stop func()) {
	t.Helper()
	b := r.b
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	templates := expr.NewCache(100)
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{})
	var files storage.Storage = storagememory.New()
	ex := executor.New(executor.Config{Backend: b, Resolver: r, Log: log, Member: "ex", Skip: skip, Env: engine.Env{Templates: templates, Location: time.UTC}})
	w := worker.New(worker.Config{Backend: b, Flows: r, Registry: reg, Functions: &world.World{Backend: b, Storage: files, HTTP: taskhttp.Fetch},
		Storage: files, Templates: templates, Location: time.UTC, Log: log, Member: "w", Threads: 64, TmpDir: t.TempDir(), Grace: time.Second})
	for _, id := range []string{"ex", "w"} {
		if err := b.Join(ctx, backend.Member{ID: id, Kind: "TEST", Timeout: time.Hour, Started: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = ex.Run(ctx) })
	if !r.idle {
		wg.Go(func() { _ = w.Run(ctx) })
	}
	return func() {
		cancel()
		wg.Wait()
		for _, id := range []string{"ex", "w"} {
			if err := b.Leave(context.Background(), id); err != nil {
				t.Error(err)
			}
		}
	}
}

// run creates an execution and waits until it has finished.
func (r *rig) run(t testing.TB) *model.Execution {
	id := model.NewID()
	changes, stop := r.b.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	r.create(t, id)
	return ended(t, changes)
}

// create stores the event that creates an execution.
func (r *rig) create(t testing.TB, id string) {
	done := make(chan error, 1)
	r.b.Append([]model.Event{createEvent(r.flow, id)}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// ended waits until an execution has finished.
func ended(t testing.TB, changes <-chan backend.Change) *model.Execution {
	for {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.Engine.Finished {
				return c.Execution
			}
		case <-time.After(time.Hour):
			t.Error("the execution did not finish")
			return nil
		}
	}
}

// createEvent creates an execution of a flow.
func createEvent(flow *model.Flow, id string) model.Event {
	now := time.Now().UTC()
	return model.Event{ID: "create-" + id, To: model.ExecutionEntity(id), Kind: model.EventCreate, At: now, Fresh: true,
		Create: &model.NewExecution{Execution: &model.Execution{
			Tenant: "main", ID: id, OriginalID: id, Namespace: flow.Namespace, FlowID: flow.ID, FlowRevision: 1,
			State: model.NewHistory(model.Created, now), Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: now},
		}}}
}

func task(id, typ string, kind model.Kind, props ...value.Entry) *model.Task {
	return &model.Task{ID: id, Type: "io.kestra.plugin.core." + typ, Kind: kind, Props: value.MapOf(props...), Pure: kind == model.KindRunnable,
		Uses: &model.Uses{Roots: []string{"outputs", "taskrun"}, AllOutputs: true}}
}

func flowOf(tasks ...*model.Task) *model.Flow {
	f := &model.Flow{Tenant: "main", Namespace: "test", ID: "flow", Revision: 1, Tasks: tasks, ByID: map[string]*model.Task{}}
	var add func(list []*model.Task)
	add = func(list []*model.Task) {
		for _, t := range list {
			f.ByID[t.ID] = t
			add(t.Tasks)
			for _, c := range t.Tasks {
				c.Parent = t
			}
		}
	}
	add(tasks)
	return f
}

func TestRun(t *testing.T) {
	each := task("each", "flow.ForEach", model.KindForEach, value.Entry{Key: "values", Value: []any{"a", "b", "c"}},
		value.Entry{Key: "concurrencyLimit", Value: int32(0)})
	each.Tasks = []*model.Task{task("inner", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "{{ taskrun.value }}"})}
	flow := flowOf(
		task("one", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "hello"}),
		each,
		task("last", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "{{ outputs.one.value }} {{ outputs.inner.b.value }}"}),
	)
	r := newRig(t, memory.New(), flow)
	defer r.stop()
	e := r.run(t)
	if s := e.State.Current(); s != model.Success {
		t.Fatalf("the execution is %s", s)
	}
	runs, err := r.b.Executions().TaskRuns(context.Background(), "main", e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 6 {
		t.Fatalf("%d task runs", len(runs))
	}
	if got := string(runs[5].Outputs); got != `{"value":"hello b"}` {
		t.Errorf("the last task put out %s", got)
	}
}

// BenchmarkOneTask measures executions of one pure task, from their creation to their end, with so many under way at once.
// TestNeed has a function of the world in the very first task: the execution that asks is not there yet.
func TestNeed(t *testing.T) {
	first := task("one", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "hello"})
	first.RunIf = "{{ kv('x') == execution.id }}"
	r := newRig(t, memory.New(), flowOf(first))
	defer r.stop()
	e := r.run(t)
	runs, err := r.b.Executions().TaskRuns(context.Background(), "main", e.ID)
	if err != nil || len(runs) != 1 || runs[0].State.Current() != model.Success {
		t.Fatalf("%v %v", runs, err)
	}
}

func BenchmarkOneTask(b *testing.B) {
	r := newRig(b, memory.New(), flowOf(task("one", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "hello"})))
	defer r.stop()
	b.ReportAllocs()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.run(b)
		}
	})
}

// BenchmarkForEach measures one execution of a ForEach of so many values at once.
func BenchmarkForEach(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			values := make([]any, n)
			for i := range values {
				values[i] = fmt.Sprint(i)
			}
			each := task("each", "flow.ForEach", model.KindForEach, value.Entry{Key: "values", Value: values}, value.Entry{Key: "concurrencyLimit", Value: int32(0)})
			inner := task("inner", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "{{ taskrun.value }}"})
			inner.Uses = &model.Uses{Roots: []string{"taskrun"}}
			each.Tasks = []*model.Task{inner}
			r := newRig(b, memory.New(), flowOf(each))
			defer r.stop()
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				r.run(b)
			}
		})
	}
}
