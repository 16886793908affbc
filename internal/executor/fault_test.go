package executor_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// faulty is a backend some of whose calls go wrong.
type faulty struct {
	backend.Backend
	commit  func(n int64) error // what the n-th commit fails with, before anything is stored
	waiting func(id string) error
	commits atomic.Int64

	mu       sync.Mutex
	broken   map[int]bool // shards that fail until they are reset
	appended []model.Event
}

func (f *faulty) Commit(lease backend.Lease, ts []*model.Transition, done func(error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commit != nil {
		if err := f.commit(f.commits.Add(1)); err != nil {
			f.broken[lease.Shard] = true
		}
	}
	if f.broken[lease.Shard] { // the promise: all later ones fail too, until Reset
		go done(fmt.Errorf("commit: %w", backend.ErrUnavailable))
		return
	}
	f.Backend.Commit(lease, ts, done)
}

func (f *faulty) Reset(lease backend.Lease) {
	f.mu.Lock()
	delete(f.broken, lease.Shard)
	f.mu.Unlock()
	f.Backend.Reset(lease)
}

func (f *faulty) Waiting(ctx context.Context, id string) (backend.JobStatus, error) {
	if f.waiting != nil {
		if err := f.waiting(id); err != nil {
			return backend.JobStatus{}, err
		}
	}
	return f.Backend.Waiting(ctx, id)
}

func (f *faulty) Append(events []model.Event, done func(error)) {
	f.mu.Lock()
	f.appended = append(f.appended, events...)
	f.mu.Unlock()
	f.Backend.Append(events, done)
}

func oneTask() *model.Flow {
	return flowOf(task("one", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "hello"}))
}

// TestFailedCommits: whatever commit fails, every execution ends as it would have, with each task run recorded once.
func TestFailedCommits(t *testing.T) {
	f := &faulty{Backend: memory.New(), broken: map[int]bool{}}
	f.commit = func(n int64) error {
		if n%3 == 0 && n < 60 {
			return backend.ErrUnavailable
		}
		return nil
	}
	r := newRig(t, f, flowOf(
		task("one", "debug.Return", model.KindRunnable, value.Entry{Key: "format", Value: "hello"}),
		task("two", "log.Log", model.KindRunnable, value.Entry{Key: "message", Value: "{{ outputs.one.value }}"}),
	))
	defer r.stop()
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			e := r.run(t)
			runs, err := f.Executions().TaskRuns(t.Context(), "main", e.ID)
			if err != nil || len(runs) != 2 || e.State.Current() != model.Success {
				t.Errorf("%s: %s with %d task runs, %v", e.ID, e.State.Current(), len(runs), err)
			}
		})
	}
	wg.Wait()
	if f.commits.Load() < 60 {
		t.Errorf("only %d commits: not all failures were met", f.commits.Load())
	}
}

// TestStopWhenFenced: an executor whose last commit is refused, since the shard is no longer its own, waits for nothing.
func TestStopWhenFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fencing{Backend: memory.New(), handed: make(chan func(), 1)}
		r := newRig(t, f, oneTask())
		f.Append([]model.Event{createEvent(r.flow, model.NewID())}, func(error) {})
		refuse := <-f.handed
		began := time.Now()
		stopped := make(chan struct{})
		go func() {
			r.stop()
			close(stopped)
		}()
		synctest.Wait() // the executor waits for its answer
		refuse()
		<-stopped
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the stop waited %v", waited)
		}
	})
}

// fencing refuses the first commit when it is told to, and is handed no other.
type fencing struct {
	backend.Backend
	handed chan func()
}

func (f *fencing) Commit(_ backend.Lease, _ []*model.Transition, done func(error)) {
	f.handed <- func() { done(backend.ErrFenced) }
}

// TestAuditFindsLostJobs: a job that the backend no longer has is reported as lost, and handed out again.
func TestAuditFindsLostJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := oneTask()
		flow.Tasks[0].Pure = false
		f := &faulty{Backend: &hoarding{Backend: memory.New()}, broken: map[int]bool{}}
		f.waiting = func(string) error { return backend.ErrNotFound }
		r := newRig(t, f, flow)
		defer r.stop()
		if e := r.run(t); e == nil || e.State.Current() != model.Success {
			t.Fatalf("the execution is %v", e)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if !slices.ContainsFunc(f.appended, func(ev model.Event) bool { return ev.Kind == model.EventJobLost }) {
			t.Error("no job was reported lost")
		}
	})
}

// hoarding loses the first job that is claimed.
type hoarding struct {
	backend.Backend
	lost atomic.Bool
}

func (h *hoarding) Claim(ctx context.Context, worker, group string, n int) ([]*model.Job, error) {
	jobs, err := h.Backend.Claim(ctx, worker, group, n)
	if err == nil && len(jobs) > 0 && h.lost.CompareAndSwap(false, true) {
		jobs = jobs[1:]
	}
	return jobs, err
}
