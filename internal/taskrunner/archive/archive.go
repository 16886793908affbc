// Package archive moves the files of a working directory to where commands run and back, as tar archives.
package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/windhover-io/windhover/internal/tasks/files"
)

// Pack writes an archive of a directory under another name; "." is for what is in it, without itself.
func Pack(w io.Writer, dir, as string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	out := tar.NewWriter(w)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case name == "." && as == ".":
		case d.IsDir():
			return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(as, name) + "/", Mode: 0o777, ModTime: info.ModTime()})
		case info.Mode().IsRegular():
			return packFile(out, root, name, path.Join(as, name))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func packFile(out *tar.Writer, root *os.Root, name, as string) error {
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
	err = out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: as, Mode: mode, Size: info.Size(), ModTime: info.ModTime()})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(f, info.Size()))
	return err
}

// Unpack writes the files of an archive into a directory, and nowhere else: links out of it are not followed, and of what an
// archive may hold besides files nothing is made.
func Unpack(r io.Reader, dir string, wanted func(name string) bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
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
			err = unpackFile(root, name, h, in)
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
