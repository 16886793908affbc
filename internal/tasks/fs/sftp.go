package fs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

func sftpTrigger(store *kv.Store) plugin.Type {
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

// SFTPOutput are files.
type SFTPOutput struct {
	Files []SFTPFile `json:"files" doc:"The files."`
}

// SFTPFile is a file of a server.
type SFTPFile struct {
	Path         string    `json:"path" doc:"The file in internal storage; where it was only listed, its path on the server."`
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
	ChangeType   string    `json:"changeType,omitempty" doc:"For triggers: CREATE or UPDATE."`
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
	s, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	remote := &remote{s, t}
	look := listing.Look{Watch: t.Watch, Action: t.Action, KV: t.store, Place: remote, Order: listing.Order(t.Sort), Trigger: run.Info().TriggerID}
	found, err := look.Find(ctx, run)
	if err != nil || len(found.Files) == 0 {
		remote.Close()
		return nil, err
	}
	out := sftpFound{Found: found}
	for _, f := range found.Files {
		info, _ := f.Of.(fs.FileInfo)
		file := sftpFile(f.URI, info)
		file.ChangeType = f.Change
		out.SFTPOutput.Files = append(out.SFTPOutput.Files, file)
	}
	return out, nil
}

// sftpFile tells of a file that lies, or was stored, at a place.
func sftpFile(at string, info fs.FileInfo) SFTPFile {
	out := SFTPFile{Path: at, Name: info.Name(), FileType: "FILE", Size: info.Size(), UpdatedDate: info.ModTime().UTC()}
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
	*site
	t *SFTPTrigger
}

func (r *remote) List(ctx context.Context) ([]listing.File, bool, error) {
	list, err := (&Selection{RegExp: r.t.RegExp, Recursive: r.t.Recursive}).files(ctx, r.site, r.Name(r.t.From))
	var out []listing.File
	for _, f := range list {
		file := f.file()
		file.Key, file.Version = r.absolute(f.name), version(f.info)
		out = append(out, file)
	}
	return out, true, err
}

// Open opens a file by its key, which is its path on the server: what is remembered of files is remembered by that.
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
	dir := r.Name(r.t.MoveDirectory)
	if err := r.MkdirAll(dir); err != nil {
		return err
	}
	return r.replace(f.Key, r.absolute(path.Join(dir, path.Base(f.Key))))
}
