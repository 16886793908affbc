package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

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
		err := Pack(w, x.command.Dir, path.Base(x.dir))
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

// Pack writes an archive of a directory under another name.
func Pack(w io.Writer, dir, as string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewWriter(w)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(as, name) + "/", Mode: 0o777, ModTime: info.ModTime()})
		case info.Mode().IsRegular():
			return packFile(archive, root, name, path.Join(as, name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

func packFile(archive *tar.Writer, root *os.Root, name, as string) error {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := int64(info.Mode().Perm()) | 0o666
	err = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: as, Mode: mode, Size: info.Size(), ModTime: info.ModTime()})
	if err != nil {
		return err
	}
	_, err = io.Copy(archive, io.LimitReader(f, info.Size()))
	return err
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
		err = errors.Join(unpack(got.Content, to, wanted), got.Content.Close())
	}
	if err != nil {
		return fmt.Errorf("copying files out of the container: %w", err)
	}
	return nil
}

// unpack writes the files of an archive into a directory, and nowhere else: links out of it are not followed, and of what an
// archive may hold besides files nothing is made.
func unpack(r io.Reader, dir string, wanted func(name string) bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		if name == "." || !filepath.IsLocal(filepath.FromSlash(name)) || !wanted(name) {
			continue
		}
		switch h.Typeflag {
		case tar.TypeReg:
			err = unpackFile(root, name, h, archive)
		case tar.TypeLink: // another name of a file before it
			err = unpackLink(root, name, path.Clean(h.Linkname))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

func unpackFile(root *os.Root, name string, h *tar.Header, r io.Reader) error {
	if err := files.Write(root, name, r); err != nil {
		return err
	}
	return root.Chmod(filepath.FromSlash(name), 0o644|fs.FileMode(h.Mode)&0o111)
}

func unpackLink(root *os.Root, name, to string) error {
	f, err := root.Open(filepath.FromSlash(to))
	if err != nil {
		return fmt.Errorf("a link to a file that is not put out: %w", err)
	}
	defer f.Close()
	return files.Write(root, name, f)
}
