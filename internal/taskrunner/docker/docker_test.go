package docker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// rig is a real engine, and a command for it.
type rig struct {
	t              *testing.T
	run            *sdktest.Run
	host           string
	engine         *docker.Engine
	command        *taskrunner.Command
	stdout, stderr *bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, run: sdktest.New(t), host: servers.Address(t, "docker"), engine: docker.New(docker.Config{}), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	r.run.Is.TaskRunID, r.run.Is.Worker = model.NewID(), model.NewID()
	dir, err := r.run.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	r.command = &taskrunner.Command{Dir: dir, Image: "busybox", Stdout: r.stdout, Stderr: r.stderr, Env: map[string]string{}}
	t.Cleanup(func() {
		if left := r.containers(); len(left) > 0 {
			t.Errorf("containers are left: %v", left)
		}
	})
	return r
}

// client asks the engine itself.
func (r *rig) client() *docker.Daemon {
	d, err := r.engine.Connect(r.host)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// containers are those of the task run.
func (r *rig) containers() (states []string) {
	list, err := r.client().ContainerList(context.Background(), client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", "kestra.io/taskrun-id="+r.run.Is.TaskRunID),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range list.Items {
		states = append(states, string(c.State))
	}
	return states
}

// remove removes what a test has left on purpose.
func (r *rig) remove() {
	list, _ := r.client().ContainerList(context.Background(), client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", "kestra.io/taskrun-id="+r.run.Is.TaskRunID),
	})
	for _, c := range list.Items {
		if _, err := r.client().ContainerRemove(context.Background(), c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			r.t.Error(err)
		}
	}
}

// sh runs a command of a shell.
func (r *rig) sh(ctx context.Context, props map[string]any, script string) (taskrunner.Result, error) {
	r.t.Helper()
	r.command.Args = []string{"/bin/sh", "-c", script}
	given := maps.Clone(props)
	if given == nil {
		given = map[string]any{}
	}
	if given["host"] == nil {
		given["host"] = r.host
	}
	return runner(r.t, r.engine, given).Run(ctx, r.run, r.command)
}

// runner is a runner with properties as a flow has them.
func runner(t *testing.T, e *docker.Engine, props map[string]any) *docker.Runner {
	t.Helper()
	reg := plugin.NewRegistry()
	reg.Add(e.Types()...)
	typ, _ := reg.Lookup(docker.Name)
	given, _ := value.AsMap(value.Normalize(props))
	v, err := typ.Decode(given, func(text string, _ bool) (any, error) { return text, nil })
	if err != nil {
		t.Fatal(err)
	}
	return v.(*docker.Runner)
}

func (r *rig) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.command.Dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) read(name string) string {
	r.t.Helper()
	got, err := os.ReadFile(filepath.Join(r.command.Dir, name))
	if err != nil {
		return err.Error()
	}
	return string(got)
}

// signal closes a channel when a text comes by.
type signal struct {
	text string
	once sync.Once
	seen chan struct{}
	buf  strings.Builder
}

func newSignal(text string) *signal { return &signal{text: text, seen: make(chan struct{})} }

func (s *signal) Write(p []byte) (int, error) {
	s.buf.Write(p)
	if strings.Contains(s.buf.String(), s.text) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(p), nil
}

func TestStreamsAndExitCode(t *testing.T) {
	r := newRig(t)
	r.command.Env["SECRET"] = "a b=c"
	got, err := r.sh(t.Context(), nil, `echo "out $SECRET"; echo err >&2; exit 7`)
	if err != nil {
		t.Fatal(err)
	}
	if details, ok := got.Details.(docker.Details); !ok || len(details.ContainerID) != 64 {
		t.Errorf("details are %v", got.Details)
	}
	got.Details = nil
	if diff := cmp.Diff(taskrunner.Result{ExitCode: 7}, got); diff != "" {
		t.Error(diff)
	}
	if r.stdout.String() != "out a b=c\n" || r.stderr.String() != "err\n" {
		t.Errorf("it wrote %q and %q", r.stdout, r.stderr)
	}
}

func TestFiles(t *testing.T) {
	for _, strategy := range []string{"VOLUME", "MOUNT"} {
		for _, user := range []string{"", "nobody"} {
			if strategy == "MOUNT" && user != "" {
				continue // the directory is the worker's, and closed to others
			}
			t.Run(strategy+user, func(t *testing.T) {
				r := newRig(t)
				r.write("in.txt", "given")
				r.write("deep/er.txt", "below")
				r.command.OutputFiles = []string{"*.out", "made/**"}
				r.command.OutputDir = filepath.Join(r.command.Dir, "output-1")
				if err := os.Mkdir(r.command.OutputDir, 0o700); err != nil {
					t.Fatal(err)
				}
				r.command.Env["OUTPUT_DIR"] = r.command.OutputDir
				got, err := r.sh(t.Context(), map[string]any{"fileHandlingStrategy": strategy, "user": user}, `set -e
cat in.txt deep/er.txt > a.out; ln a.out b.out; ln -s /etc/passwd c.out
mkdir -p made/x; echo 1 > made/x/y; echo no > other.txt; echo all > "$OUTPUT_DIR/z"; rm in.txt`)
				if err != nil || got.ExitCode != 0 {
					t.Fatal(got, err, r.stderr)
				}
				want := map[string]string{"a.out": "givenbelow", "b.out": "givenbelow", "made/x/y": "1\n", "output-1/z": "all\n"}
				for name, content := range want {
					if got := r.read(name); got != content {
						t.Errorf("%s holds %q", name, got)
					}
				}
				if strategy == "VOLUME" {
					for _, name := range []string{"other.txt", "c.out"} {
						if _, err := os.Lstat(filepath.Join(r.command.Dir, name)); err == nil {
							t.Errorf("%s was put out", name)
						}
					}
				}
			})
		}
	}
}

// Files of many megabytes pass through; they are not held.
func TestLargeFiles(t *testing.T) {
	r := newRig(t)
	const size = 300 << 20
	f, err := os.Create(filepath.Join(r.command.Dir, "in.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	r.command.OutputFiles = []string{"out.bin"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if got, err := r.sh(t.Context(), nil, `mv in.bin out.bin`); err != nil || got.ExitCode != 0 {
		t.Fatal(got, err)
	}
	runtime.ReadMemStats(&after)
	if info, err := os.Stat(filepath.Join(r.command.Dir, "out.bin")); err != nil || info.Size() != size {
		t.Fatal(info, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > size/20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

func TestOutOfMemory(t *testing.T) {
	r := newRig(t)
	got, err := r.sh(t.Context(), map[string]any{"memory": map[string]any{"memory": "64MB"}}, `x=$(head -c 200000000 /dev/zero | tr '\0' x); echo ${#x}`)
	if err != nil || got.ExitCode == 0 || !strings.Contains(got.Reason, "needed more memory than memory.memory allows") {
		t.Errorf("it ended with %+v, %v", got, err)
	}
}

// Whatever ends a task ends its container: one that ends when it is asked to, one that does not, and one that is killed at once.
func TestStopped(t *testing.T) {
	for name, c := range map[string]struct {
		grace, script string
		says          bool
	}{
		"asked":    {"PT20S", `trap 'echo ended; exit 0' TERM; echo began; while :; do sleep 0.1; done`, true},
		"deaf":     {"PT1S", `trap '' TERM; echo began; while :; do sleep 0.1; done`, false},
		"at once":  {"PT0S", `trap 'echo ended; exit 0' TERM; echo began; while :; do sleep 0.1; done`, false},
		"children": {"PT0S", `sleep 1000 & echo began; sleep 1000`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			began := newSignal("began")
			r.command.Stdout = began
			why := errors.New("killed")
			ctx, kill := context.WithCancelCause(t.Context())
			go func() {
				<-began.seen
				kill(why)
			}()
			if _, err := r.sh(ctx, map[string]any{"killGracePeriod": c.grace}, c.script); !errors.Is(err, why) {
				t.Errorf("the error is %v", err)
			}
			if says := strings.Contains(began.buf.String(), "ended"); says != c.says {
				t.Errorf("it wrote %q", began.buf.String())
			}
		})
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		props map[string]any
		image string
		want  string
	}{
		"never":    {map[string]any{"pullPolicy": "NEVER"}, "missing:1", "the image missing:1 is not there, and pullPolicy NEVER does not pull it"},
		"no image": {nil, "", "containerImage: a container needs an image"},
		"volumes":  {map[string]any{"volumes": []any{"/:/host"}}, "busybox", "volumes: mounting them is not allowed here: an administrator can set volume-enabled: true for io.kestra.plugin.scripts.runner.docker.Docker in plugins.configurations"},
		"nobody":   {map[string]any{"host": "unix:///nowhere/docker.sock"}, "busybox", "no Docker engine answers at unix:///nowhere/docker.sock: start it there, or tell with host or DOCKER_HOST where it is"},
		"program":  {map[string]any{"entryPoint": []any{"/nothing"}}, "busybox", "/nothing"},
		"pull":     {map[string]any{}, "127.0.0.1:1/missing:1", "pulling the image 127.0.0.1:1/missing:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			r.command.Image = c.image
			_, err := r.sh(t.Context(), c.props, "true")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v", err)
			}
			if want := name == "nobody"; errors.Is(err, taskrunner.ErrUnavailable) != want {
				t.Errorf("whether it is unavailable: not %v", want)
			}
		})
	}
}

// What a reader does not take is not kept: the container waits.
func TestBackPressure(t *testing.T) {
	r := newRig(t)
	pr, pw := io.Pipe()
	r.command.Stdout = pw
	done := make(chan error, 1)
	go func() {
		_, err := r.sh(t.Context(), nil, `head -c 60000000 /dev/zero | tr '\0' x`)
		pw.CloseWithError(err)
		done <- err
	}()
	n, err := io.Copy(io.Discard, pr)
	if n != 60000000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestParallel(t *testing.T) {
	var all sync.WaitGroup
	for i := range 10 {
		r := newRig(t)
		r.write("n", fmt.Sprint(i))
		r.command.OutputFiles = []string{"n"}
		all.Go(func() {
			got, err := r.sh(t.Context(), nil, `cat n; echo 0 >> n`)
			if err != nil || got.ExitCode != 0 || r.stdout.String() != fmt.Sprint(i) || r.read("n") != fmt.Sprintf("%d0\n", i) {
				t.Error(i, got, err, r.stdout, r.stderr)
			}
		})
	}
	all.Wait()
}

// A container that is kept, or not waited for, stays, and another attempt of the same task run has one of its own.
func TestKept(t *testing.T) {
	r := newRig(t)
	for range 2 {
		if _, err := r.sh(t.Context(), map[string]any{"delete": false}, `echo once`); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.sh(t.Context(), map[string]any{"wait": false}, `sleep 1000`); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(slices.Values(r.containers())); !slices.Equal(got, []string{"exited", "exited", "running"}) {
		t.Errorf("there are %v", got)
	}
	if r.stdout.String() != "once\nonce\n" {
		t.Errorf("it wrote %q", r.stdout)
	}
	r.remove()
}
