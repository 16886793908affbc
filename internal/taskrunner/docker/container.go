package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
	"github.com/windhover-io/windhover/sdk"
)

// execution is one run of a command.
type execution struct {
	*Runner
	daemon  *Daemon
	run     sdk.Run
	command *taskrunner.Command
	spec    client.ContainerCreateOptions
	id      string // the container's
	taken   bool   // it was begun by a worker that has died
	dir     string // the working directory in the container
	out     string // the output directory in the container, "" for none
}

// Run implements taskrunner.Runner.
func (r *Runner) Run(ctx context.Context, run sdk.Run, c *taskrunner.Command) (taskrunner.Result, error) {
	image := r.Image
	if image == "" {
		image = c.Image
	}
	if image == "" {
		return taskrunner.Result{}, errors.New("containerImage: a container needs an image")
	}
	d, err := r.engine.Connect(r.Host)
	if err != nil {
		return taskrunner.Result{}, err
	}
	x := &execution{Runner: r, daemon: d, run: run, command: c, dir: r.Seen(c.Dir)}
	if c.OutputDir != "" {
		x.out = r.Seen(c.OutputDir)
	}
	if x.spec, err = r.spec(c, image, run.Info()); err != nil {
		return taskrunner.Result{}, err
	}
	if d.boundsLogs(ctx) { // what is written is handed on at once; the engine's copy is only for taking a container up
		x.spec.HostConfig.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "16m", "max-file": "2"}}
	}
	result, err := x.do(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, d.Explain(err)
}

func (x *execution) do(ctx context.Context) (result taskrunner.Result, err error) {
	defer x.engine.mind(x.spec.Name)()
	if err := x.open(ctx); err != nil {
		return result, errors.Join(err, x.close(ctx, false))
	}
	result, err = x.attend(ctx)
	kept := err == nil && (!x.Delete || !x.Wait)
	if failed := x.close(ctx, kept); failed != nil {
		x.run.Log(sdk.LevelWarn, "the container %s could not be removed: %v", x.id, failed)
	}
	result.Details = Details{ContainerID: x.id}
	return result, err
}

// mind tells that a container is looked after, until what is returned is called.
func (e *Engine) mind(name string) func() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy[name] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.busy, name)
	}
}

// open makes the container, with its files, or finds one that runs already.
func (x *execution) open(ctx context.Context) error {
	if x.PullPolicy == "ALWAYS" {
		if err := x.daemon.Pull(ctx, x.run, x.Connection, x.spec.Config.Image); err != nil {
			return err
		}
	}
	err := x.create(ctx)
	switch {
	case cerrdefs.IsNotFound(err) && x.PullPolicy == "NEVER":
		return fmt.Errorf("the image %s is not there, and pullPolicy NEVER does not pull it: %w", x.spec.Config.Image, err)
	case cerrdefs.IsNotFound(err):
		if err = x.daemon.Pull(ctx, x.run, x.Connection, x.spec.Config.Image); err == nil {
			err = x.create(ctx)
		}
	}
	if cerrdefs.IsConflict(err) {
		err = x.meet(ctx)
	}
	if err != nil || x.taken || x.FileHandlingStrategy == "MOUNT" {
		return err
	}
	return x.upload(ctx)
}

// create makes the container. It is not given up when the task is killed meanwhile: what the engine makes has to be known.
func (x *execution) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stubborn)
	defer cancel()
	made, err := x.daemon.ContainerCreate(ctx, x.spec)
	x.id = made.ID
	for _, w := range made.Warnings {
		x.run.Log(sdk.LevelDebug, "Docker: %s", w)
	}
	return err
}

// meet decides about a container of the same task run that is there already: that of a worker that has died is taken up, or
// removed if that is not wanted; one that was kept stays beside a new one.
func (x *execution) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stubborn)
	defer cancel()
	there, err := x.daemon.ContainerInspect(ctx, x.spec.Name, client.ContainerInspectOptions{})
	if cerrdefs.IsNotFound(err) {
		return x.create(ctx)
	}
	if err != nil {
		return err
	}
	c := there.Container
	kept := c.Config.Labels[leftover.Kept] != "" && !(c.State.Running && x.Wait)
	orphan := c.Config.Labels[leftover.Worker] != x.run.Info().Worker && c.Config.Labels[leftover.TaskRun] == x.run.Info().TaskRunID
	switch {
	case kept || !orphan:
		x.spec.Name += "-" + model.NewID()
		return x.create(ctx)
	case x.Resume && c.State.Status != container.StateCreated:
		x.id, x.taken, x.dir = c.ID, true, c.Config.WorkingDir
		x.out = variable(c.Config.Env, "OUTPUT_DIR")
		x.run.Log(sdk.LevelInfo, "the container %s of a worker that has died is taken up", c.ID)
		return nil
	}
	if _, err := x.daemon.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil && !cerrdefs.IsNotFound(err) {
		return err
	}
	return x.create(ctx)
}

func variable(env []string, name string) string {
	for _, v := range env {
		if val, ok := strings.CutPrefix(v, name+"="); ok {
			return val
		}
	}
	return ""
}

// attend starts the container, hands on what it writes, and waits for its end.
func (x *execution) attend(ctx context.Context) (taskrunner.Result, error) {
	if !x.Wait {
		_, err := x.daemon.ContainerStart(ctx, x.id, client.ContainerStartOptions{})
		return taskrunner.Result{}, err
	}
	output, err := x.output(ctx)
	if err != nil {
		return taskrunner.Result{}, err
	}
	defer output.Close()
	if !x.taken {
		if _, err := x.daemon.ContainerStart(ctx, x.id, client.ContainerStartOptions{}); err != nil {
			return taskrunner.Result{}, err
		}
	}
	copied := make(chan error, 1)
	go func() {
		_, err := stdcopy.StdCopy(x.command.Stdout, x.command.Stderr, output)
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		x.end(ctx)
		_ = x.settle(copied, output) // it ends because it was stopped
		return taskrunner.Result{}, context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return taskrunner.Result{}, fmt.Errorf("reading what the container writes: %w", err)
	}
	return x.finish(ctx)
}

// stubborn bounds how long is waited for what an engine has to do with a container that was killed.
const stubborn = 30 * time.Second

// settle waits until everything that the container has written was handed on, and returns why reading it has ended.
func (x *execution) settle(copied <-chan error, output io.Closer) error {
	late := time.NewTimer(stubborn)
	defer late.Stop()
	select {
	case err := <-copied:
		return err
	case <-late.C:
		_ = output.Close() // that is what ends it
		return <-copied
	}
}

// output is what the container writes, both streams in one. A container that was taken up tells everything again.
func (x *execution) output(ctx context.Context) (io.ReadCloser, error) {
	if x.taken {
		return x.daemon.ContainerLogs(context.WithoutCancel(ctx), x.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	}
	a, err := x.daemon.ContainerAttach(context.WithoutCancel(ctx), x.id, client.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	return attached{a.HijackedResponse}, nil
}

type attached struct{ client.HijackedResponse }

func (a attached) Read(p []byte) (int, error) { return a.Reader.Read(p) }

func (a attached) Close() error {
	a.HijackedResponse.Close()
	return nil
}

// finish waits until the container has ended, tells how, and gets its files.
func (x *execution) finish(ctx context.Context) (result taskrunner.Result, err error) {
	wait := x.daemon.ContainerWait(ctx, x.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case end := <-wait.Result:
		result.ExitCode = int(end.StatusCode)
		if end.Error != nil {
			return result, errors.New(end.Error.Message)
		}
	case err := <-wait.Error:
		if ctx.Err() != nil {
			x.end(ctx)
		}
		return result, err
	}
	if result.ExitCode != 0 {
		result.Reason = x.reason(ctx)
	}
	return result, x.download(ctx)
}

// reason says more of a container's end than its exit code does.
func (x *execution) reason(ctx context.Context) string {
	there, err := x.daemon.ContainerInspect(ctx, x.id, client.ContainerInspectOptions{})
	if err != nil {
		return ""
	}
	s := there.Container.State
	switch {
	case s.OOMKilled && s.ExitCode == 137:
		return "it was killed by the kernel, for it needed more memory than memory.memory allows"
	case s.OOMKilled:
		return "a process of it was killed by the kernel, for it needed more memory than memory.memory allows"
	case s.ExitCode == 137:
		return "it was killed by signal 9, by somebody else than this server"
	case s.ExitCode == 143:
		return "it was ended by signal 15"
	}
	return s.Error
}

// end ends the container: it is asked to, with a grace period, and then killed.
func (x *execution) end(ctx context.Context) {
	grace := time.Duration(x.KillGracePeriod)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace+stubborn)
	defer cancel()
	var err error
	if grace > 0 {
		seconds := int(math.Ceil(grace.Seconds()))
		_, err = x.daemon.ContainerStop(ctx, x.id, client.ContainerStopOptions{Timeout: &seconds})
	} else {
		_, err = x.daemon.ContainerKill(ctx, x.id, client.ContainerKillOptions{Signal: "KILL"})
	}
	if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) { // it has ended already
		x.run.Log(sdk.LevelWarn, "the container %s could not be ended: %v", x.id, err)
	}
}

// close removes the container, whatever it does, with the volumes that it has made.
func (x *execution) close(ctx context.Context, kept bool) error {
	if x.id == "" || kept {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stubborn)
	defer cancel()
	_, err := x.daemon.ContainerRemove(ctx, x.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	return err
}
