package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// site is the tree of an SFTP server.
type site struct {
	host    string
	client  *sftp.Client
	carrier *ssh.Client
	home    string // what names are meant below
}

func (s *Server) open(ctx context.Context) (tree, error) {
	out, err := s.site(ctx)
	if err != nil {
		return nil, err
	}
	// a call that waits for the server knows no context: when that ends, so does the connection
	context.AfterFunc(ctx, func() { _ = out.carrier.Close() })
	return out, nil
}

// site logs in. The context is that of logging in.
func (s *Server) site(ctx context.Context) (*site, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort(s.Host, s.Port)
	carrier, err := handshake(ctx, addr, cfg, s.dial)
	if err != nil {
		return nil, err
	}
	client, err := sftp.NewClient(carrier)
	if err != nil {
		_ = carrier.Close()
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	out := &site{host: s.Host, client: client, carrier: carrier}
	if s.RootDir {
		if out.home, err = client.Getwd(); err != nil {
			out.Close()
			return nil, fmt.Errorf("%s: %w", addr, err)
		}
	}
	return out, nil
}

// absolute is a path on the server. Unless rootDir is unset, names are meant below the user's home.
func (s *site) absolute(name string) string { return path.Join("/", s.home, name) }

func (s *site) Name(written string) string {
	if u, err := url.Parse(written); err == nil && u.Scheme == "sftp" {
		written = u.Path
	}
	return path.Join("/", written)
}

func (s *site) URI(name string) string {
	return (&url.URL{Scheme: "sftp", Host: s.host, Path: name}).String()
}

func (s *site) Stat(name string) (fs.FileInfo, error) { return s.client.Stat(s.absolute(name)) }

func (s *site) Lstat(name string) (fs.FileInfo, error) { return s.client.Lstat(s.absolute(name)) }

func (s *site) ReadDir(ctx context.Context, name string) ([]fs.FileInfo, error) {
	return s.client.ReadDirContext(ctx, s.absolute(name))
}

func (s *site) Open(name string) (io.ReadCloser, error) {
	f, err := s.client.Open(s.absolute(name))
	if err != nil {
		return nil, err
	}
	return f, nil
}

// atOnce is how many packets are on their way to a server at once.
const atOnce = 64

func (s *site) Write(_ context.Context, name string, r io.Reader) (int64, error) {
	at := s.absolute(name)
	f, err := s.client.Create(at)
	if err != nil {
		return 0, err
	}
	n, err := f.ReadFromWithConcurrency(r, atOnce)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, errors.Join(err, s.client.Remove(at)) // there may be holes in it
	}
	return n, nil
}

func (s *site) MkdirAll(name string) error { return s.client.MkdirAll(s.absolute(name)) }

func (s *site) Remove(name string) error { return s.client.Remove(s.absolute(name)) }

func (s *site) Rename(from, to string) error { return s.replace(s.absolute(from), s.absolute(to)) }

// replace renames a file, whatever has that name, by paths on the server.
func (s *site) replace(from, to string) error {
	if s.client.PosixRename(from, to) == nil {
		return nil
	}
	// not every server replaces a file
	if info, err := s.client.Lstat(to); err == nil && !info.IsDir() && !strings.HasPrefix(to, from+"/") {
		if err := s.client.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.client.Rename(from, to)
}

func (s *site) Close() {
	_ = s.client.Close() // all that was asked for was answered
	_ = s.carrier.Close()
}
