package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

func uploadType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "UploadFiles", Category: plugin.Task, Title: "Put files into a namespace.",
		Description: "Takes files of internal storage by their URIs, and those of the working directory that match globs.",
		Examples: []plugin.Example{{Title: "Publish a script", YAML: `id: publish
type: io.kestra.plugin.core.namespace.UploadFiles
namespace: company.team
filesMap:
  scripts/main.py: "{{ inputs.script }}"`}},
		New: func() any { return &UploadFiles{store: store} }, Outputs: FilesOutput{},
	}
}

// UploadFiles puts files into a namespace.
type UploadFiles struct {
	Namespace   string `json:"namespace" required:"true" doc:"The namespace."`
	Files       any    `json:"files" doc:"URIs of files, and globs of files in the working directory; a map is taken as filesMap."`
	FilesMap    any    `json:"filesMap" doc:"Paths in the namespace with the URIs of the files to put there."`
	Destination string `json:"destination" default:"/" doc:"The directory in the namespace that files go to."`
	Conflict    string `json:"conflict" default:"OVERWRITE" enum:"OVERWRITE,ERROR,SKIP" doc:"What to do with a file that is there already."`
	store       storage.Storage
}

// FilesOutput is what tasks about namespace files put out.
type FilesOutput struct {
	Files *value.Map `json:"files" doc:"The URIs of the files by their paths."`
}

// Run puts the files there.
func (t *UploadFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	ns, err := open(t.store, run.Info().Tenant, t.Namespace)
	if err != nil {
		return nil, err
	}
	out := FilesOutput{value.NewMap(1)}
	list, named, err := t.sources()
	if err != nil {
		return nil, err
	}
	for target, from := range named.All() {
		target = strings.TrimSuffix(t.Destination, "/") + "/" + strings.TrimPrefix(target, "/")
		if err := t.fromStorage(ctx, run, ns, target, value.Print(from), out.Files); err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
	}
	var globs []string
	for _, from := range list {
		if !files.IsURI(from) {
			globs = append(globs, from)
			continue
		}
		target := path.Join(t.Destination, path.Base(from))
		if err := t.fromStorage(ctx, run, ns, target, from, out.Files); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	if len(globs) > 0 {
		if err := t.fromDirectory(ctx, run, ns, globs, out.Files); err != nil {
			return nil, err
		}
	}
	run.Counter("uploaded", float64(out.Files.Len()))
	return out, nil
}

// sources reads both properties: what goes below the destination, and what has a path of its own.
func (t *UploadFiles) sources() (list []string, named *value.Map, err error) {
	given, named := t.Files, value.NewMap(0)
	for _, v := range []any{t.FilesMap, given} {
		if text, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(text), "{") {
			if v, err = value.ParseJSON([]byte(text)); err != nil {
				return nil, nil, fmt.Errorf("files: expected a map, or its JSON: %w", err)
			}
		}
		m, ok := value.AsMap(v)
		switch {
		case ok:
			for k, e := range m.All() {
				named.Set(k, e)
			}
		case v == nil:
		default:
			if list, err = patterns(v); err != nil {
				return nil, nil, err
			}
		}
	}
	if len(list) == 0 && named.Len() == 0 {
		return nil, nil, errors.New("files or filesMap is required")
	}
	return list, named, nil
}

func (t *UploadFiles) fromStorage(ctx context.Context, run sdk.Run, ns tree, target, from string, out *value.Map) error {
	r, err := run.Open(ctx, from)
	if err != nil {
		return err
	}
	defer r.Close()
	return t.put(ctx, run, ns, target, r, out)
}

func (t *UploadFiles) fromDirectory(ctx context.Context, run sdk.Run, ns tree, globs []string, out *value.Map) error {
	dir, err := run.WorkDir()
	if err != nil {
		return err
	}
	names, err := files.Match(dir, globs)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range names {
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		err = t.put(ctx, run, ns, path.Join(t.Destination, name), f, out)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (t *UploadFiles) put(ctx context.Context, run sdk.Run, ns tree, target string, r io.Reader, out *value.Map) error {
	at, err := ns.file(target)
	if err != nil {
		return err
	}
	if t.Conflict != "OVERWRITE" {
		there, err := storage.Exists(ctx, t.store, at)
		if err != nil {
			return err
		}
		if there && t.Conflict == "SKIP" {
			run.Log(sdk.LevelInfo, "%s is there already and is kept", target)
			return nil
		}
		if there {
			return storage.Error("upload", at, storage.ErrExists)
		}
	}
	if err := storage.PutRevision(ctx, t.store, at, r); err != nil {
		return err
	}
	name, _ := at.Rel(ns.base)
	out.Set("/"+name, at.String())
	return nil
}

func downloadType(store storage.Storage) plugin.Type {
	return plugin.Type{
		Name: area + "DownloadFiles", Category: plugin.Task, Title: "Take files out of a namespace.",
		Description: "Copies namespace files into the files of the execution, so that later changes in the namespace do not show.",
		Examples: []plugin.Example{{Title: "Take all SQL files", YAML: `id: queries
type: io.kestra.plugin.core.namespace.DownloadFiles
namespace: company.team
files:
  - "**.sql"`}},
		New: func() any { return &DownloadFiles{store: store} }, Outputs: FilesOutput{},
	}
}

// DownloadFiles copies files out of a namespace.
type DownloadFiles struct {
	Namespace   string `json:"namespace" required:"true" doc:"The namespace."`
	Files       any    `json:"files" required:"true" doc:"Patterns of the files: a glob or a list of them, or regular expressions with the prefix regex:."`
	Destination string `json:"destination" doc:"A directory to put before the names of the copies."`
	store       storage.Storage
}

// Run copies the files.
func (t *DownloadFiles) Run(ctx context.Context, run sdk.Run) (any, error) {
	ns, names, err := selected(ctx, run, t.store, t.Namespace, t.Files)
	if err != nil {
		return nil, err
	}
	out := FilesOutput{value.NewMap(len(names))}
	for _, name := range names {
		uri, err := t.copy(ctx, run, ns, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Files.Set("/"+name, uri)
	}
	run.Counter("downloaded", float64(len(names)))
	return out, nil
}

func (t *DownloadFiles) copy(ctx context.Context, run sdk.Run, ns tree, name string) (string, error) {
	at, err := ns.file(name)
	if err != nil {
		return "", err
	}
	obj, err := t.store.Get(ctx, at)
	if err != nil {
		return "", err
	}
	defer obj.Close()
	return run.Store(ctx, path.Join(t.Destination, name), obj)
}
