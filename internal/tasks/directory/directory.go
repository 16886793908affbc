// Package directory holds WorkingDirectory: tasks that share a directory, with what comes before and after them.
package directory

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types(store storage.Storage) []plugin.Type {
	return []plugin.Type{{
		Name:     "io.kestra.plugin.core.flow.WorkingDirectory",
		Aliases:  []string{"io.kestra.core.tasks.flows.WorkingDirectory", "io.kestra.core.tasks.flows.Worker"},
		Category: plugin.Task, Kind: model.KindWorkingDirectory, Title: "Run tasks one after the other in one directory.",
		Description: "The tasks run as one job on one worker and share a directory, so that files need not be stored in between. " +
			"Only tasks that workers run can stand in it.",
		Examples: []plugin.Example{{Title: "Hand a file from one task to the next", YAML: `id: shared
type: io.kestra.plugin.core.flow.WorkingDirectory
inputFiles:
  data.txt: some text
outputFiles:
  - "*.txt"
tasks:
  - id: more
    type: io.kestra.plugin.core.storage.LocalFiles
    inputs:
      more.txt: more text`}},
		New: func() any { return &WorkingDirectory{store: store} }, Outputs: Output{},
	}}
}

// WorkingDirectory runs tasks in one directory.
type WorkingDirectory struct {
	Tasks          plugin.Tasks     `json:"tasks" required:"true" doc:"The tasks."`
	Errors         plugin.Tasks     `json:"errors" doc:"Tasks that run when one has failed, outside of the directory."`
	Finally        plugin.Tasks     `json:"finally" doc:"Tasks that run at the end, outside of the directory."`
	InputFiles     any              `json:"inputFiles" doc:"Files to write first: names with contents, or with URIs of files."`
	OutputFiles    []string         `json:"outputFiles" doc:"Globs of the files to store at the end."`
	NamespaceFiles *files.Namespace `json:"namespaceFiles" doc:"Namespace files to copy into the directory first."`
	Cache          *Cache           `json:"cache" doc:"Files to keep from one execution to the next."`
	CacheTime      *int             `json:"cacheDownloadedTime" doc:"Not used; the reference writes it into flows."`
	store          storage.Storage
}

// Cache keeps files from one execution to the next.
type Cache struct {
	Patterns []string      `json:"patterns" required:"true" doc:"Globs of the files to keep."`
	TTL      *sdk.Duration `json:"ttl" doc:"How long they are kept."`
}

// Output is what WorkingDirectory puts out.
type Output struct {
	OutputFiles *value.Map `json:"outputFiles" doc:"The stored files by name."`
}

// Before fills the directory: from the cache, from the namespace, from the input files.
func (t *WorkingDirectory) Before(ctx context.Context, run sdk.Run) error {
	dir, err := run.WorkDir()
	if err != nil {
		return err
	}
	if t.Cache != nil {
		if err := t.download(ctx, run, dir); err != nil {
			run.Log(sdk.LevelWarn, "the cache cannot be read: %v", err)
		}
	}
	if t.NamespaceFiles != nil {
		if err := files.PutNamespace(ctx, run, t.store, dir, *t.NamespaceFiles); err != nil {
			return err
		}
	}
	return files.Put(ctx, run, dir, t.InputFiles)
}

// After stores the output files and the cache.
func (t *WorkingDirectory) After(ctx context.Context, run sdk.Run) (any, error) {
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	var out any
	if len(t.OutputFiles) > 0 {
		uris, err := files.Collect(ctx, run, dir, t.OutputFiles)
		if err != nil {
			return nil, fmt.Errorf("outputFiles: %w", err)
		}
		out = Output{uris}
	}
	if t.Cache != nil {
		if err := t.upload(ctx, run, dir); err != nil {
			run.Log(sdk.LevelWarn, "the cache cannot be written: %v", err)
		}
	}
	return out, nil
}

func (t *WorkingDirectory) cacheURI(run sdk.Run) (storage.URI, error) {
	info := run.Info()
	key := ""
	if info.Value != nil {
		key = *info.Value
	}
	return storage.Flow{Tenant: info.Tenant, Namespace: info.Namespace, ID: info.FlowID}.CacheFile(info.TaskID, key)
}

// download unpacks the cache, unless its time is over.
func (t *WorkingDirectory) download(ctx context.Context, run sdk.Run, dir string) error {
	uri, err := t.cacheURI(run)
	if err != nil {
		return err
	}
	obj, err := t.store.Get(ctx, uri)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer obj.Close()
	if t.Cache.TTL != nil && time.Since(obj.Modified) > time.Duration(*t.Cache.TTL) {
		return nil
	}
	tmp, err := os.CreateTemp("", "windhover-cache-")
	if err != nil {
		return err
	}
	defer func() { _, _ = tmp.Close(), os.Remove(tmp.Name()) }()
	size, err := io.Copy(tmp, obj)
	if err != nil {
		return err
	}
	z, err := zip.NewReader(tmp, size)
	if err != nil {
		return err
	}
	return unpack(z, dir)
}

func unpack(z *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = files.Write(root, f.Name, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// upload packs the files that the cache keeps.
func (t *WorkingDirectory) upload(ctx context.Context, run sdk.Run, dir string) error {
	uri, err := t.cacheURI(run)
	if err != nil {
		return err
	}
	names, err := files.Match(dir, t.Cache.Patterns)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp("", "windhover-cache-")
	if err != nil {
		return err
	}
	defer func() { _, _ = tmp.Close(), os.Remove(tmp.Name()) }()
	z := zip.NewWriter(tmp)
	for _, name := range names {
		if err := pack(z, dir, name); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return t.store.Put(ctx, uri, tmp, nil)
}

func pack(z *zip.Writer, dir, name string) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := z.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
