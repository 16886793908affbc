package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/listing"
	"github.com/windhover-io/windhover/sdk"
)

func localTrigger(store *kv.Store, m Machine) plugin.Type {
	return plugin.Type{
		Name: localArea + ".Trigger", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Start the flow when files are in a directory.",
		Description: "Looks every `interval` for files in a directory of the worker's machine, brings them to internal storage and starts the " +
			"flow with them. Then they are moved or deleted, or left and remembered. That follows once it is certain that the flow starts; " +
			"if the worker dies just between the two, the files are found once more. " + allowing,
		Examples: []plugin.Example{{Title: "Files that are moved away", YAML: `id: inbox
type: io.kestra.plugin.fs.local.Trigger
from: /data/files/inbox
regExp: .*\.csv
interval: PT10S
action: MOVE
moveDirectory: /data/files/archive/`}},
		New: func() any { return &LocalTrigger{store: store, Machine: m} }, Outputs: LocalOutput{},
	}
}

// LocalTrigger waits for files in a directory.
type LocalTrigger struct {
	Machine
	listing.Watch
	From          string `json:"from" required:"true" doc:"The directory."`
	RegExp        string `json:"regExp" doc:"What the whole path of a file has to match."`
	Recursive     bool   `json:"recursive" default:"false" doc:"Whether directories below it count."`
	Action        string `json:"action" default:"NONE" enum:"MOVE,DELETE,NONE" doc:"What becomes of the files: NONE leaves them in place."`
	MoveDirectory string `json:"moveDirectory" doc:"Where files are moved."`

	store *kv.Store
}

// LocalOutput are files.
type LocalOutput struct {
	Files []LocalFile `json:"files" doc:"The files."`
}

// LocalFile is a file of the worker's machine.
type LocalFile struct {
	URI          string    `json:"uri" doc:"The file in internal storage; where it was only listed, its address on the machine."`
	LocalPath    string    `json:"localPath" doc:"Where it was found."`
	Name         string    `json:"name" doc:"Its name."`
	Parent       string    `json:"parent" doc:"The directory that it was in."`
	Size         int64     `json:"size" doc:"Its size in bytes."`
	CreatedDate  time.Time `json:"createdDate" doc:"The same as modifiedDate, since not every file system knows it."`
	ModifiedDate time.Time `json:"modifiedDate" doc:"When it was changed."`
	AccessedDate time.Time `json:"accessedDate" doc:"The same as modifiedDate."`
	Directory    bool      `json:"directory" doc:"Never true."`
	ChangeType   string    `json:"changeType,omitempty" doc:"For triggers: CREATE or UPDATE."`
}

type localFound struct {
	LocalOutput
	*listing.Found
}

// Poll looks for files.
func (t *LocalTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	dir, err := t.open()
	if err != nil {
		return nil, err
	}
	look := listing.Look{Watch: t.Watch, Action: t.Action, KV: t.store, Place: dir, Trigger: run.Info().TriggerID}
	found, err := look.Find(ctx, run)
	if err != nil || len(found.Files) == 0 {
		dir.Close()
		return nil, err
	}
	out := localFound{Found: found}
	for _, f := range found.Files {
		info, _ := f.Of.(fs.FileInfo)
		file := localFile(f.URI, f.Key, info)
		file.ChangeType = f.Change
		out.LocalOutput.Files = append(out.LocalOutput.Files, file)
	}
	return out, nil
}

// localFile tells of a file that lies, or was stored, at a place.
func localFile(uri, name string, info fs.FileInfo) LocalFile {
	at := info.ModTime().UTC()
	return LocalFile{
		URI: uri, LocalPath: name, Name: filepath.Base(name), Parent: filepath.Dir(name), Size: info.Size(),
		CreatedDate: at, ModifiedDate: at, AccessedDate: at,
	}
}

// directory is the place of a LocalTrigger. All access goes by os.Root, so that no link leads out of what is allowed.
type directory struct {
	t       *LocalTrigger
	matches func(string) (bool, error)
	from    *spot
	to      *spot // nil unless files are moved
}

func (t *LocalTrigger) open() (*directory, error) {
	d := &directory{t: t}
	var err error
	if d.matches, err = listing.Pattern("regExp", t.RegExp); err != nil {
		return nil, err
	}
	if d.from, err = t.spot("from", t.From); err != nil {
		return nil, err
	}
	if t.Action != listing.Move {
		return d, nil
	}
	if t.MoveDirectory == "" {
		err = errors.New("moveDirectory is required where action is MOVE")
	} else {
		d.to, err = t.spot("moveDirectory", t.MoveDirectory)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// version tells one content of a file from another, as well as its dates do.
func version(info fs.FileInfo) string {
	return fmt.Sprintf("%d_%d", info.ModTime().UnixNano(), info.Size())
}

func (d *directory) List(context.Context) (files []listing.File, all bool, err error) {
	if info, err := d.from.root.Stat(d.from.rel); err != nil || !info.IsDir() {
		return nil, false, fmt.Errorf("from: %s is not a directory", d.t.From)
	}
	err = fs.WalkDir(d.from.root.FS(), filepath.ToSlash(d.from.rel), func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != filepath.ToSlash(d.from.rel) && !d.t.Recursive:
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		full := d.from.path(filepath.FromSlash(name))
		if ok, err := d.matches(full); err != nil || !ok {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			files = append(files, listing.File{Key: full, Version: version(info), Modified: info.ModTime(), Of: info})
		}
		return err
	})
	return files, true, err
}

// rel is a file's path within the allowed directory.
func (d *directory) rel(f listing.File) string {
	rel, err := filepath.Rel(d.from.root.Name(), f.Key)
	if err != nil {
		return f.Key // which os.Root refuses
	}
	return rel
}

func (d *directory) Open(_ context.Context, f listing.File) (io.ReadCloser, error) {
	return d.from.root.Open(d.rel(f))
}

func (d *directory) Current(_ context.Context, f listing.File) (string, error) {
	info, err := d.from.root.Lstat(d.rel(f))
	if err != nil {
		return "", err
	}
	return version(info), nil
}

func (d *directory) Delete(_ context.Context, f listing.File) error {
	return d.from.root.Remove(d.rel(f))
}

// Move puts a file into another directory, whatever has its name there.
func (d *directory) Move(ctx context.Context, f listing.File) error {
	if err := d.to.root.MkdirAll(d.to.rel, 0o755); err != nil {
		return err
	}
	target := filepath.Join(d.to.rel, path.Base(filepath.ToSlash(f.Key)))
	if d.to.root.Name() == d.from.root.Name() && d.from.root.Rename(d.rel(f), target) == nil {
		return nil
	}
	// another allowed directory, or another file system
	if err := d.copy(f, target); err != nil {
		return err
	}
	return d.Delete(ctx, f)
}

// copy writes a file's content to target, which is complete or not there.
func (d *directory) copy(f listing.File, target string) error {
	from, err := d.from.root.Open(d.rel(f))
	if err != nil {
		return err
	}
	defer from.Close()
	part := target + ".part"
	to, err := d.to.root.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return errors.Join(err, d.to.root.Remove(part))
	}
	return d.to.root.Rename(part, target)
}

func (d *directory) Close() {
	if d.to != nil {
		d.to.root.Close()
	}
	d.from.root.Close()
}
