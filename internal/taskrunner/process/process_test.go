//go:build unix

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// shell is a command that runs a script of sh in a directory of its own.
func shell(t testing.TB, script string) *taskrunner.Command {
	t.Helper()
	return shellIn(t.TempDir(), script)
}

func shellIn(dir, script string) *taskrunner.Command {
	return &taskrunner.Command{Args: []string{"/bin/sh", "-c", script}, Dir: dir, Stdout: &output{}, Stderr: &output{}}
}

// output is what was written to it.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	seen func(text string) // is told of all that was written so far
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.buf.Write(p)
	if o.seen != nil {
		o.seen(o.buf.String())
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func runner(cfg Config) *Runner { return Types(cfg)[0].New().(*Runner) }

// nap is a command that sleeps for hours, and that can be told from all others on the machine.
func nap(t *testing.T) string {
	command := fmt.Sprintf("sleep %d.%d", 10000+rand.IntN(10000), rand.IntN(1_000_000))
	t.Cleanup(func() {
		if n := asleep(command); n > 0 {
			t.Errorf("%d processes are left behind: %s", n, command)
		}
	})
	return command
}

// asleep counts the processes that run a command.
func asleep(command string) (n int) {
	if runtime.GOOS != "linux" {
		return 0
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		args, err := os.ReadFile(file)
		if err == nil && strings.TrimSuffix(strings.ReplaceAll(string(args), "\x00", " "), " ") == command {
			n++
		}
	}
	return n
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name, script   string
		stdout, stderr string
		code           int
		reason         string
	}{
		{name: "both outputs", script: "echo one; echo two >&2; echo three", stdout: "one\nthree\n", stderr: "two\n"},
		{name: "an exit code", script: "echo part; exit 7", stdout: "part\n", code: 7},
		{name: "no end of line", script: "printf x", stdout: "x"},
		{name: "nothing to read", script: "cat; echo end", stdout: "end\n"},
		{name: "no terminal", script: "(: < /dev/tty) 2>/dev/null || echo none", stdout: "none\n"},
		{name: "a signal", script: "kill -SEGV $$", code: 139, reason: "it was ended by signal 11 (segmentation fault)"},
		{name: "a signal to a part", script: "sh -c 'kill -TERM $$'; exit $?", code: 143, reason: "a process of it may have been ended by signal 15 (terminated)"},
		{name: "killed", script: "kill -KILL $$", code: 137,
			reason: "it was killed by somebody else than this server (signal 9); the kernel does so where memory runs out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := shell(t, c.script)
			got, err := runner(Config{}).Run(t.Context(), sdktest.New(t), command)
			if err != nil {
				t.Fatal(err)
			}
			if got.ExitCode != c.code || got.Reason != c.reason {
				t.Errorf("it ends with %d, %q, not %d, %q", got.ExitCode, got.Reason, c.code, c.reason)
			}
			if out := fmt.Sprint(command.Stdout); out != c.stdout {
				t.Errorf("it writes %q, not %q", out, c.stdout)
			}
			if out := fmt.Sprint(command.Stderr); out != c.stderr && !strings.Contains(c.name, "signal") && c.name != "killed" {
				t.Errorf("it writes %q to standard error, not %q", out, c.stderr)
			}
		})
	}
}

func TestMissingProgram(t *testing.T) {
	command := shell(t, "")
	command.Args = []string{"no-such-program"}
	_, err := runner(Config{}).Run(t.Context(), sdktest.New(t), command)
	want := "the program no-such-program is not on this worker: install it there, or run the task in a container"
	if err == nil || err.Error() != want {
		t.Errorf("it fails with %v, not %s", err, want)
	}
}

// A program is looked for where the command would find it.
func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "mine"), []byte("#!/bin/sh\necho mine $1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"mine", "bin/mine", "./bin/mine", filepath.Join(dir, "bin", "mine")} {
		command := shell(t, "")
		command.Dir, command.Args, command.Env = dir, []string{program, "argument"}, map[string]string{"PATH": "bin:/bin:/usr/bin"}
		if _, err := runner(Config{}).Run(t.Context(), sdktest.New(t), command); err != nil || fmt.Sprint(command.Stdout) != "mine argument\n" {
			t.Errorf("%s: %v, it writes %q", program, err, command.Stdout)
		}
	}
}

func TestEnvironment(t *testing.T) {
	server := []string{"PATH=/bin", "LC_ALL=C", "AWS_SECRET_ACCESS_KEY=s3cret", "SECRET_X=x", "PIP_INDEX_URL=i", "PIPE=p", "https_proxy=h", "=odd", "HOME=/root"}
	for _, c := range []struct {
		name    string
		allowed []string
		set     map[string]string
		want    []string
	}{
		{"the usual", nil, nil, []string{"HOME=/root", "LC_ALL=C", "PATH=/bin", "https_proxy=h"}},
		{"a pattern", []string{"PIP_*"}, nil, []string{"HOME=/root", "LC_ALL=C", "PATH=/bin", "PIP_INDEX_URL=i", "https_proxy=h"}},
		{"the task's own go over them", nil, map[string]string{"PATH": "/x", "A": "b"}, []string{"A=b", "HOME=/root", "LC_ALL=C", "PATH=/x", "https_proxy=h"}},
	} {
		if got := environment(seen(server, c.allowed), c.set); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", c.name, got, c.want)
		}
	}
}

func TestServerEnvironmentStaysHidden(t *testing.T) {
	t.Setenv("WINDHOVER_TEST_PASSWORD", "hunter2")
	command := shell(t, "env")
	if _, err := runner(Config{}).Run(t.Context(), sdktest.New(t), command); err != nil {
		t.Fatal(err)
	}
	if out := fmt.Sprint(command.Stdout); strings.Contains(out, "hunter2") || !strings.Contains(out, "PATH=") {
		t.Errorf("the command sees %s", out)
	}
}

var errStop = errors.New("stop")

// until cancels once an output has a text.
func until(t *testing.T, command *taskrunner.Command, text string) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	command.Stdout.(*output).seen = func(all string) {
		if strings.Contains(all, text) {
			cancel(errStop)
		}
	}
	return ctx
}

func TestStop(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(nap string) string
		grace  time.Duration
		want   string
	}{
		{"everything of the group", func(nap string) string { return nap + " & " + nap + " & echo ready; wait" }, time.Minute, "ready\n"},
		{"it may tidy up", func(nap string) string {
			return "trap 'echo tidy; exit 1' TERM; sh -c 'echo ready; exec " + nap + "' & wait"
		}, time.Minute, "ready\ntidy\n"},
		{"a child may tidy up that outlives the command", func(nap string) string {
			return `sh -c 'trap "sleep 0.2; echo tidy; exit" TERM; echo ready; while :; do sleep 0.05; done' & ` + nap + " & wait"
		}, time.Minute, "ready\ntidy\n"},
		{"it ignores the signal", func(nap string) string { return "trap '' TERM; echo ready; " + nap + "; " + nap }, 100 * time.Millisecond, "ready\n"},
		{"a session of its own", func(nap string) string { return "setsid " + nap + " & echo ready; wait" }, time.Minute, "ready\n"},
		{"a group of its own", func(nap string) string { return "set -m; " + nap + " & echo ready; wait" }, time.Minute, "ready\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := shell(t, c.script(nap(t)))
			ctx := until(t, command, "ready")
			if _, err := runner(Config{Grace: c.grace}).Run(ctx, sdktest.New(t), command); !errors.Is(err, errStop) {
				t.Errorf("it ends with %v", err)
			}
			if got := fmt.Sprint(command.Stdout); got != c.want {
				t.Errorf("it writes %q, not %q", got, c.want)
			}
		})
	}
}

func TestStoppedBefore(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	command := shell(t, "echo ran > file")
	if _, err := runner(Config{}).Run(ctx, sdktest.New(t), command); !errors.Is(err, errStop) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := os.Stat(filepath.Join(command.Dir, "file")); err == nil {
		t.Error("it ran")
	}
}

func TestNothingIsLeft(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(nap string) string
		linux  bool
	}{
		{"in the background", func(nap string) string { return nap + " & echo end" }, false},
		{"a session of its own", func(nap string) string { return "setsid " + nap + " & echo end" }, true},
		{"a daemon, forked twice", func(nap string) string { return "(setsid sh -c '" + nap + " & " + nap + " & wait' &) ; echo end" }, true},
		{"a daemon that went elsewhere", func(nap string) string { return "cd /; setsid " + nap + " & echo end" }, true},
		{"no output of its own", func(nap string) string { return "setsid " + nap + " >/dev/null 2>&1 </dev/null & echo end" }, true},
		{"many", func(nap string) string {
			return "i=0; while [ $i -lt 40 ]; do setsid " + nap + " & i=$((i+1)); done; echo end"
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.linux && runtime.GOOS != "linux" {
				t.Skip("SKIPPED: only Linux tells what has left a group")
			}
			run, command := sdktest.New(t), shell(t, c.script(nap(t)))
			began := time.Now()
			if r, err := runner(Config{}).Run(t.Context(), run, command); err != nil || r.ExitCode != 0 {
				t.Fatal(r, err)
			}
			if got := fmt.Sprint(command.Stdout); got != "end\n" {
				t.Errorf("it writes %q", got)
			}
			if took := time.Since(began); took > stubborn {
				t.Errorf("it takes %v", took)
			}
			if !strings.Contains(run.Logged(), "left processes behind") {
				t.Errorf("it does not tell: %q", run.Logged())
			}
		})
	}
}

// A command that starts nothing, or waits for what it starts, is not said to leave something behind.
func TestNothingToTell(t *testing.T) {
	for _, script := range []string{"echo a", "yes | head -1000 >/dev/null", "sleep 0.05 & wait", "(echo a; echo b) | cat"} {
		run := sdktest.New(t)
		if _, err := runner(Config{}).Run(t.Context(), run, shell(t, script)); err != nil || run.Logged() != "" {
			t.Errorf("%s: %v, %q", script, err, run.Logged())
		}
	}
}

// Many commands at once do not end each other's processes.
func TestNeighbours(t *testing.T) {
	r := Types(Config{})[0]
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			command := shell(t, "setsid sh -c 'sleep 0.1; echo a; sleep 0.1; echo b' & wait")
			if i%2 == 0 {
				command = shell(t, "true")
			}
			got, err := r.New().(*Runner).Run(t.Context(), sdktest.New(t), command)
			if err != nil || got.ExitCode != 0 {
				t.Error(got, err)
			}
			if out := fmt.Sprint(command.Stdout); i%2 == 1 && out != "a\nb\n" {
				t.Errorf("a neighbour ended it after %q", out)
			}
		})
	}
	wg.Wait()
}

// Whoever takes the output holds the command up, and the server does not gather what it writes.
func TestBackPressure(t *testing.T) {
	command := shell(t, "head -c 1000000 /dev/zero; echo written > done")
	gate := make(chan struct{})
	slow := &gated{gate: gate, first: make(chan struct{})}
	command.Stdout = slow
	ended := make(chan error, 1)
	go func() {
		_, err := runner(Config{}).Run(t.Context(), sdktest.New(t), command)
		ended <- err
	}()
	<-slow.first
	if _, err := os.Stat(filepath.Join(command.Dir, "done")); err == nil {
		t.Error("it went on although nobody took what it wrote")
	}
	close(gate)
	if err := <-ended; err != nil || slow.n != 1000000 {
		t.Errorf("%v, %d bytes", err, slow.n)
	}
}

// gated takes nothing before its gate opens.
type gated struct {
	gate, first chan struct{}
	n           int
}

func (g *gated) Write(p []byte) (int, error) {
	if g.n == 0 {
		close(g.first)
	}
	<-g.gate
	g.n += len(p)
	return len(p), nil
}
