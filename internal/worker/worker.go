// Package worker runs jobs: it claims them from the backend, renders the properties of their tasks, runs the tasks and
// reports what came of them.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

// Functions answers the functions of the expression language that touch the world.
type Functions interface {
	Call(ctx context.Context, c world.Caller, name string, args expr.Args) (any, error)
}

// Flows finds compiled flows.
type Flows interface {
	Get(ctx context.Context, key model.FlowKey) (*model.Flow, error)
}

// Config is what a Worker needs.
type Config struct {
	Backend   backend.Backend
	Flows     Flows
	Registry  *plugin.Registry
	Functions Functions
	// Launcher starts executions for what listening triggers hear.
	Launcher  *launch.Launcher
	Storage   storage.Storage
	Templates *expr.Cache
	Limits    expr.Limits
	Location  *time.Location
	// Globals, Envs and Kestra are the configured context variables.
	Globals, Envs, Kestra *value.Map
	Encrypt, Decrypt      func(string) (string, error)
	// Masks are the secrets to hide; nil begins with none.
	Masks *mask.Book
	Log   *slog.Logger
	// TraceParent is the trace context that a task run passes on; nil passes on the one that the execution was given.
	TraceParent func(e model.JobHeader, taskRunID string) string
	// Began is told of each job that begins, with the type of its task or trigger and the worker's group, and returns what is
	// told of its end and whether its time was up; nil for nobody. They must neither wait nor change anything.
	Began func(job *model.Job, typ, group string) (ended func(r *model.JobReport, timeout bool))
	// Member is this worker's incarnation, Group the worker group that it serves.
	Member, Group string
	// Threads is how many jobs it runs at once.
	Threads int
	// TmpDir is where tasks get their working directories.
	TmpDir string
	// Grace is how long a stop waits for running jobs before it interrupts them.
	Grace time.Duration
	// PollLimit is how long an evaluation of a trigger that polls may take, so that one that hangs does not keep the
	// trigger from ever being evaluated again; an hour where it is 0.
	PollLimit time.Duration
}

// Worker runs jobs.
type Worker struct {
	cfg  Config
	logs *logWriter
	dirs workDirs

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // of the jobs under way
	early   map[string]bool                    // cancelled before Claim has returned them
	wg      sync.WaitGroup
	// settling are the triggers whose latest evaluation has not settled; the channel is closed when it has.
	settling map[model.Entity]chan struct{}
	swept    sync.Map // when the caches of tasks were last searched for what is too old, by directory
}

// errKilled and errStopped say why a job's context ended.
var (
	errKilled  = errors.New("killed")
	errStopped = errors.New("the worker is stopping")
	errTimeout = errors.New("timeout")
)

// New returns a worker; Run starts it.
func New(cfg Config) *Worker {
	if cfg.Masks == nil {
		cfg.Masks = &mask.Book{}
	}
	if cfg.PollLimit == 0 {
		cfg.PollLimit = time.Hour
	}
	return &Worker{cfg: cfg, logs: newLogWriter(cfg.Backend, cfg.Log), dirs: workDirs{root: cfg.TmpDir}, running: map[string]context.CancelCauseFunc{}, early: map[string]bool{},
		settling: map[model.Entity]chan struct{}{}}
}

// Run claims and runs jobs until the context ends, then lets running jobs finish for the grace period.
func (w *Worker) Run(ctx context.Context) error {
	// Jobs outlive the claiming: a stop drains.
	jobs, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(errStopped)
	cancels, err := w.cfg.Backend.Cancels(ctx, w.cfg.Member)
	if err != nil {
		return err
	}
	go func() {
		for id := range cancels {
			w.cancel(id)
		}
	}()
	listening, hush := context.WithCancelCause(jobs)
	w.claim(ctx, jobs, listening)
	hush(errStopped) // what listens would never end
	w.drain(interrupt)
	w.logs.close()
	if err := w.dirs.close(); err != nil {
		w.cfg.Log.Warn("removing working directories failed", "error", err)
	}
	return ctx.Err()
}

// claim takes jobs as slots are free.
func (w *Worker) claim(ctx, jobs, listening context.Context) {
	slots := make(chan struct{}, w.cfg.Threads)
	for ctx.Err() == nil {
		free := acquire(ctx, slots)
		if free == 0 {
			return
		}
		w.forgetEarly()
		batch, err := w.cfg.Backend.Claim(ctx, w.cfg.Member, w.cfg.Group, free)
		if err != nil {
			release(slots, free)
			if errors.Is(err, backend.ErrClosed) || ctx.Err() != nil {
				return
			}
			w.cfg.Log.Warn("claiming jobs failed", "error", err)
			sleep(ctx, time.Second)
			continue
		}
		release(slots, free-len(batch))
		for _, job := range batch {
			if job.Listens { // it runs until it is stopped, and takes no slot from those that end
				release(slots, 1)
				w.start(listening, job, func() {})
			} else {
				w.start(jobs, job, func() { release(slots, 1) })
			}
		}
	}
}

// start runs a job beside the others.
func (w *Worker) start(ctx context.Context, job *model.Job, done func()) {
	ctx = w.enter(ctx, job.ID)
	w.wg.Go(func() {
		defer done()
		defer w.leave(job.ID)
		w.run(ctx, job)
	})
}

// acquire waits for a slot and takes as many more as are free, up to a batch.
func acquire(ctx context.Context, slots chan struct{}) int {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	n := 1
	for n < maxClaim {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

const maxClaim = 64

func release(slots chan struct{}, n int) {
	for range n {
		<-slots
	}
}

// drain waits for running jobs, for the grace period; what still runs then is interrupted and handed out again.
func (w *Worker) drain(interrupt context.CancelCauseFunc) {
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	grace := time.NewTimer(w.cfg.Grace)
	defer grace.Stop()
	select {
	case <-done:
		return
	case <-grace.C:
	}
	interrupt(errStopped)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		w.cfg.Log.Warn("jobs did not stop in time")
	}
}

// cancel ends a job's context. The order to cancel may overtake the job itself: then the job finds it when it begins.
func (w *Worker) cancel(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stop := w.running[id]; stop != nil {
		stop(errKilled)
	} else {
		w.early[id] = true
	}
}

// forgetEarly drops orders to cancel that came too late: all jobs that were claimed so far have begun.
func (w *Worker) forgetEarly() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.early)
}

// enter makes a job known for cancelling and returns its context.
func (w *Worker) enter(ctx context.Context, id string) context.Context {
	ctx, stop := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[id] = stop
	if w.early[id] {
		stop(errKilled)
	}
	return ctx
}

func (w *Worker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[id](nil)
	delete(w.running, id)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
