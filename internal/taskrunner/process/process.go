// Package process runs commands as processes of the worker.
//
// A command has a session of its own, so that all of it can be ended: what it started in its group by one signal, and what has
// left the group by a mark in its environment (see strays_linux.go). When the command itself has ended, so does the rest, as in
// a container.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk"
)

// Name is the type's name.
const Name = "io.kestra.plugin.core.runner.Process"

// Config says how processes are run on this worker. The zero Config is right where nothing is configured.
type Config struct {
	// Environment names variables of the server that commands may see besides the usual ones; a * at the end stands for any
	// rest of a name.
	Environment []string
	// Grace is how long a command may take to end itself after it was asked to.
	Grace time.Duration
	// Limits bound each process, where the system can. Zero is no limit.
	Limits Limits
}

// Limits bound a process.
type Limits struct {
	// Memory is its address space and FileSize the largest file that it writes, in bytes.
	Memory, FileSize int64
	// CPU is the time that it may compute.
	CPU time.Duration
	// OpenFiles is how many files it has open at once, and Processes how many its user may have in all.
	OpenFiles, Processes int64
}

// DefaultGrace is the Grace of a Config that sets none. It is less than a worker that stops waits for its tasks.
const DefaultGrace = 5 * time.Second

// Types lists the type of this package.
func Types(cfg Config) []plugin.Type {
	if cfg.Grace == 0 {
		cfg.Grace = DefaultGrace
	}
	h := &host{cfg: cfg}
	return []plugin.Type{{
		Name: Name, Category: plugin.TaskRunner, Title: "Run the commands as a process of the worker.",
		Description: "The commands run with the programs and the rights of the worker, in a directory that is removed afterwards. " +
			"`{{ workingDir }}` and the variable WORKING_DIR name that directory. When the command ends, or is killed, everything " +
			"that it has started ends too. Of the server's environment it sees PATH, HOME, the language, the time zone, proxies and " +
			"what `tasks.scripts.environment` names.",
		Examples: []plugin.Example{{Title: "A command without a container", YAML: `id: hello
type: io.kestra.plugin.scripts.shell.Commands
taskRunner:
  type: io.kestra.plugin.core.runner.Process
commands:
  - echo "hello from $WORKING_DIR"`}},
		New: func() any { return &Runner{host: h} },
	}}
}

// Runner runs a command as a process.
type Runner struct {
	host *host
}

var _ taskrunner.Runner = (*Runner)(nil)

// Seen implements taskrunner.Runner: the command is where the worker is.
func (r *Runner) Seen(path string) string { return path }

// Local implements taskrunner.Runner.
func (r *Runner) Local() bool { return true }

// host is what the runners of one worker share.
type host struct {
	cfg       Config
	once      sync.Once
	inherited []string // the variables of the server's environment that commands see
	null      *os.File
	fault     error // why nothing can be run
	platform
}

// ready does once what has to be done before the first command.
func (h *host) ready() error {
	h.once.Do(func() {
		h.inherited = seen(os.Environ(), h.cfg.Environment)
		if h.null, h.fault = os.Open(os.DevNull); h.fault == nil {
			h.fault = h.prepare()
		}
	})
	return h.fault
}

// Run implements taskrunner.Runner.
func (r *Runner) Run(ctx context.Context, run sdk.Run, c *taskrunner.Command) (taskrunner.Result, error) {
	h := r.host
	if err := h.ready(); err != nil {
		return taskrunner.Result{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return taskrunner.Result{}, err
	}
	env := environment(h.inherited, c.Env)
	program, err := lookPath(c.Args[0], c.Dir, env)
	if err != nil {
		return taskrunner.Result{}, err
	}
	stdout, stderr := newStream(c.Stdout), newStream(c.Stderr)
	if err := errors.Join(stdout.open(), stderr.open()); err != nil {
		stdout.close()
		stderr.close()
		return taskrunner.Result{}, err
	}
	g, err := h.start(program, c, env, stdout.theirs, stderr.theirs)
	_, _ = stdout.theirs.Close(), stderr.theirs.Close()
	if err != nil {
		stdout.close()
		stderr.close()
		return taskrunner.Result{}, fmt.Errorf("starting %s: %w", c.Args[0], err)
	}
	var copying sync.WaitGroup
	copying.Go(stdout.copy)
	copying.Go(stderr.copy)
	stopped := h.await(ctx, g)
	end, left := g.finish()
	stdout.ended()
	stderr.ended()
	copying.Wait()
	if stopped {
		return taskrunner.Result{}, context.Cause(ctx)
	}
	if left > 0 {
		run.Log(sdk.LevelWarn, "the command has ended and left processes behind, which were ended: let it wait for what it starts")
	}
	return taskrunner.Result{ExitCode: end.code, Reason: end.reason}, nil
}

// await waits until the command has ended. If ctx ends first, the command is asked to end, and has the grace period for it;
// what is left of it then is for finish.
func (h *host) await(ctx context.Context, g *group) (stopped bool) {
	done := make(chan struct{})
	go func() {
		g.wait()
		close(done)
	}()
	select {
	case <-done:
		return false
	case <-ctx.Done():
	}
	g.terminate()
	grace := time.NewTimer(h.cfg.Grace)
	defer grace.Stop()
	select {
	case <-done:
		g.linger(grace.C) // the others of its group were asked too
	case <-grace.C:
		g.kill()
		<-done
	}
	return true
}

// ending is how a command ended.
type ending struct {
	code   int
	reason string
}

// stream is one output of a command: its end of a pipe, and ours.
type stream struct {
	to           io.Writer
	ours, theirs *os.File

	mu   sync.Mutex
	left int64 // how much is still read, once the command has ended; negative before
}

const (
	// drained bounds what is read after the command has ended: more than a pipe holds. Whoever still writes then has got away.
	drained = 1 << 20
	// silence is how long a pipe that somebody holds open may be silent then.
	silence = 500 * time.Millisecond
)

func newStream(to io.Writer) *stream { return &stream{to: to, left: -1} }

func (s *stream) open() (err error) {
	s.ours, s.theirs, err = os.Pipe()
	return err
}

func (s *stream) close() {
	if s.ours != nil {
		_, _ = s.ours.Close(), s.theirs.Close() // the second may be closed already
	}
}

// ended tells that the command has ended: nothing should hold the pipe open any more.
func (s *stream) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = drained
	_ = s.ours.SetReadDeadline(time.Now().Add(silence))
}

// copy hands on what is read until the pipe is closed by all that write to it.
func (s *stream) copy() {
	defer s.ours.Close()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := s.ours.Read(*buf)
		if n > 0 {
			_, _ = s.to.Write((*buf)[:n]) // it takes everything
		}
		if err != nil || !s.more(n) {
			return
		}
	}
}

// more tells whether to go on reading.
func (s *stream) more(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left < 0 {
		return true
	}
	s.left = max(s.left-int64(n), 0)
	_ = s.ours.SetReadDeadline(time.Now().Add(silence))
	return s.left > 0
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
