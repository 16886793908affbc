package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

func sftpType(store *kv.Store) plugin.Type {
	return plugin.Type{
		Name: area + "sftp.Trigger", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Start the flow when files are on an SFTP server.",
		Description: "Looks every `interval` for files in a directory of a server, brings them to internal storage and starts the flow with " +
			"them. Then they are moved or deleted, or left and remembered. That follows once it is certain that the flow starts; if the " +
			"worker dies just between the two, the files are found once more. The server's key is not checked, as in the reference.",
		Examples: []plugin.Example{{Title: "Files that are moved away", YAML: `id: inbox
type: io.kestra.plugin.fs.sftp.Trigger
host: files.example.com
username: shop
password: "{{ secret('SFTP_PASSWORD') }}"
from: /in/
interval: PT10S
action: MOVE
moveDirectory: /archive/`}},
		New: func() any { return &SFTPTrigger{store: store} }, Outputs: SFTPOutput{},
	}
}

// SFTPTrigger waits for files on a server.
type SFTPTrigger struct {
	listing.Watch
	Server
	From          string `json:"from" required:"true" doc:"The directory; where it is missing there are no files."`
	RegExp        string `json:"regExp" doc:"What the whole path of a file has to match."`
	Recursive     bool   `json:"recursive" default:"false" doc:"Whether directories below it count."`
	Action        string `json:"action" required:"true" enum:"MOVE,DELETE,NONE" doc:"What becomes of the files: NONE leaves them in place."`
	MoveDirectory string `json:"moveDirectory" doc:"Where files are moved."`
	Sort          string `json:"sort" default:"NONE" enum:"NONE,LAST_MODIFIED_ASC,LAST_MODIFIED_DESC,NAME_ASC,NAME_DESC" doc:"Which files come first, where there are more than maxFiles."`

	store *kv.Store
}

// SFTPOutput is the variable trigger of executions that files started.
type SFTPOutput struct {
	Files []SFTPFile `json:"files" doc:"The files."`
}

// SFTPFile is a file of a server.
type SFTPFile struct {
	Path         string    `json:"path" doc:"The file in internal storage."`
	Name         string    `json:"name" doc:"Its name."`
	FileType     string    `json:"fileType" doc:"FILE."`
	SymbolicLink bool      `json:"symbolicLink" doc:"Whether it is a link."`
	Size         int64     `json:"size" doc:"Its size in bytes."`
	UserID       int64     `json:"userId" doc:"Its owner."`
	GroupID      int64     `json:"groupId" doc:"Its group."`
	Permissions  int64     `json:"permissions" doc:"Its type and permissions, as a number."`
	Flags        int64     `json:"flags" doc:"Which attributes the server has told."`
	AccessDate   time.Time `json:"accessDate" doc:"When it was read."`
	UpdatedDate  time.Time `json:"updatedDate" doc:"When it was changed."`
	ChangeType   string    `json:"changeType" doc:"CREATE or UPDATE."`
}

type sftpFound struct {
	SFTPOutput
	*listing.Found
}

// Poll looks for files.
func (t *SFTPTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	if t.Action == listing.Move && t.MoveDirectory == "" {
		return nil, errors.New("moveDirectory is required where action is MOVE")
	}
	matches, err := listing.Pattern("regExp", t.RegExp)
	if err != nil {
		return nil, err
	}
	client, hangUp, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	remote := &remote{t: t, client: client, hangUp: hangUp, matches: matches}
	look := listing.Look{Watch: t.Watch, Action: t.Action, KV: t.store, Place: remote, Order: listing.Order(t.Sort), Trigger: run.Info().TriggerID}
	found, err := look.Find(ctx, run)
	if err != nil || len(found.Files) == 0 {
		remote.Close()
		return nil, err
	}
	out := sftpFound{Found: found}
	for _, f := range found.Files {
		out.SFTPOutput.Files = append(out.SFTPOutput.Files, sftpFile(f))
	}
	return out, nil
}

func sftpFile(f listing.Fired) SFTPFile {
	info, _ := f.Of.(fs.FileInfo)
	out := SFTPFile{Path: f.URI, Name: path.Base(f.Key), FileType: "FILE", Size: info.Size(), UpdatedDate: f.Modified, ChangeType: f.Change}
	if s, ok := info.Sys().(*sftp.FileStat); ok {
		out.UserID, out.GroupID, out.Permissions = int64(s.UID), int64(s.GID), int64(s.Mode)
		out.AccessDate = time.Unix(int64(s.Atime), 0).UTC()
		out.Flags = attributes
	}
	return out
}

// attributes are the flags of a server that tells size, owner, permissions and dates, as they do.
const attributes = 15

// remote is the place of an SFTPTrigger.
type remote struct {
	t       *SFTPTrigger
	client  *sftp.Client
	hangUp  func()
	matches func(string) (bool, error)
	home    string
}

// absolute is a path on the server. Unless rootDir is unset, paths are meant below the user's home.
func (r *remote) absolute(name string) (string, error) {
	if !r.t.RootDir {
		return path.Join("/", name), nil
	}
	if r.home == "" {
		home, err := r.client.Getwd()
		if err != nil {
			return "", err
		}
		r.home = home
	}
	return path.Join(r.home, path.Join("/", name)), nil
}

func (r *remote) List(ctx context.Context) (files []listing.File, all bool, err error) {
	from, err := r.absolute(r.t.From)
	if err != nil {
		return nil, false, err
	}
	if info, err := r.client.Stat(from); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, true, nil
	}
	err = r.walk(ctx, from, &files)
	return files, true, err
}

func (r *remote) walk(ctx context.Context, dir string, into *[]listing.File) error {
	entries, err := r.client.ReadDirContext(ctx, dir)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	for _, e := range entries {
		full := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && r.t.Recursive:
			if err := r.walk(ctx, full, into); err != nil {
				return err
			}
		case e.Mode().IsRegular():
			// paths are matched as flows write them
			if ok, err := r.matches(strings.TrimPrefix(full, r.home)); err != nil {
				return err
			} else if ok {
				*into = append(*into, listing.File{Key: full, Version: version(e), Modified: e.ModTime().UTC(), Of: e})
			}
		}
	}
	return nil
}

func (r *remote) Open(_ context.Context, f listing.File) (io.ReadCloser, error) {
	return r.client.Open(f.Key)
}

func (r *remote) Current(_ context.Context, f listing.File) (string, error) {
	info, err := r.client.Lstat(f.Key)
	if err != nil {
		return "", err
	}
	return version(info), nil
}

func (r *remote) Delete(_ context.Context, f listing.File) error { return r.client.Remove(f.Key) }

// Move puts a file into another directory, whatever has its name there.
func (r *remote) Move(_ context.Context, f listing.File) error {
	dir, err := r.absolute(r.t.MoveDirectory)
	if err != nil {
		return err
	}
	if err := r.client.MkdirAll(dir); err != nil {
		return err
	}
	target := path.Join(dir, path.Base(f.Key))
	if r.client.PosixRename(f.Key, target) == nil {
		return nil
	}
	// not every server replaces a file
	if err := r.client.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return r.client.Rename(f.Key, target)
}

func (r *remote) Close() {
	_ = r.client.Close() // all that was asked for was answered
	r.hangUp()
}
