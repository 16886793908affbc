package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/taskrunner/archive"
	"github.com/windhover-io/windhover/internal/tasks/files"
)

// upload puts the files of the working directory into the container. The user of the container may not be root, and the
// directory is its own, so everybody in there may change everything. Where there is no file, nothing is to be done for root.
func (x *execution) upload(ctx context.Context) error {
	if entries, err := os.ReadDir(x.command.Dir); err != nil || len(entries) == 0 && x.isRoot(ctx) {
		return err
	}
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := archive.Pack(w, x.command.Dir, path.Base(x.dir))
		w.CloseWithError(err)
		done <- err
	}()
	_, err := x.daemon.CopyToContainer(ctx, x.id, client.CopyToContainerOptions{DestinationPath: path.Dir(x.dir), Content: r})
	r.CloseWithError(err)
	if packed := <-done; packed != nil && !errors.Is(packed, err) && !errors.Is(packed, io.ErrClosedPipe) {
		err = packed
	}
	if err != nil {
		return fmt.Errorf("copying files into the container: %w", err)
	}
	return nil
}

func (x *execution) isRoot(ctx context.Context) bool {
	user := x.User
	if user == "" {
		c, err := x.daemon.ContainerInspect(ctx, x.id, client.ContainerInspectOptions{})
		if err != nil {
			return false
		}
		user = c.Container.Config.User
	}
	user, _, _ = strings.Cut(user, ":")
	return user == "" || user == "root" || user == "0"
}

// download gets what the task puts out: the files that its patterns match, those of the output directory, and, where other
// tasks may share the directory, everything that is new. The files of a directory that is mounted are there already.
func (x *execution) download(ctx context.Context) error {
	if x.FileHandlingStrategy == "MOUNT" && !x.taken {
		return nil
	}
	if x.command.OutputDir != "" && x.out != "" {
		if err := x.get(ctx, x.out, x.command.OutputDir, func(string) bool { return true }); err != nil {
			return err
		}
	}
	shared := x.run.Info().ParentTaskRunID != ""
	if len(x.command.OutputFiles) == 0 && !shared {
		return nil
	}
	wanted, err := files.Below(x.command.OutputFiles)
	if err != nil {
		return err
	}
	out := strings.TrimPrefix(x.out, x.dir+"/") + "/"
	return x.get(ctx, x.dir, x.command.Dir, func(name string) bool {
		return wanted(name) || shared && (x.out == "" || !strings.HasPrefix(name, out))
	})
}

// get copies the files of a directory of the container that are wanted.
func (x *execution) get(ctx context.Context, from, to string, wanted func(name string) bool) error {
	got, err := x.daemon.CopyFromContainer(ctx, x.id, client.CopyFromContainerOptions{SourcePath: from + "/."})
	if cerrdefs.IsNotFound(err) {
		return nil // the command has removed it
	}
	if err == nil {
		err = errors.Join(archive.Unpack(got.Content, to, wanted), got.Content.Close())
	}
	if err != nil {
		return fmt.Errorf("copying files out of the container: %w", err)
	}
	return nil
}
