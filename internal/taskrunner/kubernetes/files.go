package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/windhover-io/windhover/internal/taskrunner/archive"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

// upload puts the files of the working directory into the pod, and lets the command begin. The user of the command may not be
// that of the container that takes the files, so everybody in there may change everything.
func (x *execution) upload(ctx context.Context) error {
	err := x.persist(ctx, func() error {
		err := x.await(ctx, takesFiles)
		if err != nil || state(x.pod, initContainer).Running == nil { // it got them, but its answer was lost
			return err
		}
		return x.send(ctx)
	})
	if err != nil {
		return fmt.Errorf("copying files into the pod: %w", err)
	}
	return nil
}

// send sends the files, and tells that they are there.
func (x *execution) send(ctx context.Context) error {
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := archive.Pack(w, x.command.Dir, ".")
		packed <- err
		w.CloseWithError(err)
	}()
	err := x.exec(ctx, initContainer, "umask 0; tar -x -f - -C "+x.workDir()+" && : > "+x.marks()+"/ready", r, nil)
	r.CloseWithError(io.ErrClosedPipe)
	if failed := <-packed; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return failed
	}
	return err
}

// whole tells whether the whole working directory comes back: where other tasks may share it, everything is of use.
func (x *execution) whole() bool {
	return x.SyncWorkingDirectory || x.run.Info().ParentTaskRunID != ""
}

// download gets what the task puts out: the files that its patterns match, those of the output directory, or everything.
func (x *execution) download(ctx context.Context) error {
	if !x.fetch {
		return nil
	}
	err := x.get(ctx)
	if err != nil {
		return fmt.Errorf("copying files out of the pod: %w", err)
	}
	if !x.Delete {
		if err := x.exec(ctx, outContainer, ": > "+x.marks()+"/ended", nil, nil); err != nil {
			x.run.Log(sdk.LevelWarn, "the pod %s was not told that it may end: %v", x.pod.Name, err)
		}
	}
	return nil
}

func (x *execution) get(ctx context.Context) error {
	out := x.outputDir()
	if out != "" && x.command.OutputDir != "" {
		if err := x.fetchDir(ctx, out, x.command.OutputDir, func(string) bool { return true }); err != nil {
			return err
		}
	}
	if len(x.command.OutputFiles) == 0 && !x.whole() {
		return nil
	}
	wanted, err := files.Below(x.command.OutputFiles)
	if err != nil {
		return err
	}
	below := strings.TrimPrefix(out, x.workDir()+"/") + "/"
	return x.fetchDir(ctx, x.workDir(), x.command.Dir, func(name string) bool {
		return wanted(name) || x.whole() && (out == "" || !strings.HasPrefix(name, below))
	})
}

// outputDir is the output directory in the pod, "" for none. One that was taken up has that of its own worker.
func (x *execution) outputDir() string {
	for _, c := range x.pod.Spec.Containers {
		for _, v := range c.Env {
			if c.Name == mainContainer && v.Name == "OUTPUT_DIR" && path.Dir(v.Value) == x.workDir() {
				return v.Value
			}
		}
	}
	return ""
}

// fetchDir copies the files of a directory of the pod that are wanted.
func (x *execution) fetchDir(ctx context.Context, from, to string, wanted func(name string) bool) error {
	return x.persist(ctx, func() error {
		if err := x.await(ctx, givesFiles); err != nil {
			return err
		}
		r, w := io.Pipe()
		unpacked := make(chan error, 1)
		go func() {
			err := archive.Unpack(r, to, wanted)
			if err == nil {
				_, err = io.Copy(io.Discard, r) // archives are filled up
			}
			r.CloseWithError(err)
			unpacked <- err
		}()
		// a directory that the command has removed has no files
		err := x.exec(ctx, outContainer, "[ ! -d "+from+" ] || tar -c -f - -C "+from+" .", nil, w)
		w.CloseWithError(err)
		if failed := <-unpacked; err == nil {
			err = failed
		}
		return err
	})
}

// exec runs a command of a shell in a container.
func (x *execution) exec(ctx context.Context, container, command string, in io.Reader, out io.Writer) error {
	var said bytes.Buffer
	stderr := &limited{to: &said, left: 4 << 10}
	if out == nil {
		out = io.Discard
	}
	u := x.cluster.CoreV1().RESTClient().Post().Resource("pods").Namespace(x.cluster.namespace).Name(x.pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: container, Command: []string{"sh", "-c", command}, Stdin: in != nil, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec).URL()
	socket, err := remotecommand.NewWebSocketExecutor(x.cluster.config, "GET", u.String())
	if err != nil {
		return err
	}
	older, err := remotecommand.NewSPDYExecutor(x.cluster.config, "POST", u)
	if err != nil {
		return err
	}
	e, err := remotecommand.NewFallbackExecutor(socket, older, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
	if err != nil {
		return err
	}
	err = e.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out, Stderr: stderr})
	if err != nil && said.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return err
}

// limited keeps the beginning of what is written.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(l.left, len(p))
	l.left -= n
	l.to.Write(p[:n])
	return len(p), nil
}
