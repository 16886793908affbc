package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/sdk"
)

func purgeStorageType(store storage.Storage, b backend.Backend) plugin.Type {
	return plugin.Type{
		Name: area + "PurgeStorage", Category: plugin.Task, Title: "Delete old files of executions.",
		Description: "Looks through internal storage for executions whose newest file is from a span of time, and deletes their files, also " +
			"where the executions themselves are gone. Executions that run keep theirs. Unless `dryRun` is false, it only counts.",
		Examples: []plugin.Example{{Title: "Delete files that are older than three months", YAML: `id: purge
type: io.kestra.plugin.core.storage.PurgeStorage
endDate: "{{ now() | dateAdd(-90, 'DAYS') }}"
dryRun: false`}},
		New: func() any { return &PurgeStorage{store: store, backend: b} }, Outputs: PurgeStorageOutput{},
	}
}

// PurgeStorage deletes old files of executions.
type PurgeStorage struct {
	Namespace string     `json:"namespace" doc:"The namespace, with those below it unless a flow is named; all namespaces unless it is set."`
	FlowID    string     `json:"flowId" doc:"The flow, which needs a namespace; all unless it is set."`
	StartDate *time.Time `json:"startDate" doc:"The date from which on the newest file is."`
	EndDate   time.Time  `json:"endDate" required:"true" doc:"The date up to which the newest file is."`
	DryRun    bool       `json:"dryRun" default:"true" doc:"Only count what would be deleted."`
	store     storage.Storage
	backend   backend.Backend
}

// PurgeStorageOutput is what PurgeStorage puts out.
type PurgeStorageOutput struct {
	Scanned int `json:"scannedCount" doc:"How many executions have files."`
	Purged  int `json:"purgedCount" doc:"The files of how many of them were, or would be, deleted."`
	Files   int `json:"deletedFilesCount" doc:"How many files were deleted."`
}

// found is what is found of one execution.
type found struct {
	dir    storage.URI
	id     string
	newest time.Time
}

// Run looks first, then deletes.
func (t *PurgeStorage) Run(ctx context.Context, run sdk.Run) (any, error) {
	all, err := t.scan(ctx, run.Info().Tenant)
	if err != nil {
		return nil, err
	}
	out := PurgeStorageOutput{Scanned: len(all)}
	for _, e := range all {
		if e.newest.After(t.EndDate) || t.StartDate != nil && e.newest.Before(*t.StartDate) {
			continue
		}
		if runs, err := t.runs(ctx, run.Info().Tenant, e.id); err != nil {
			return nil, err
		} else if runs {
			continue
		}
		out.Purged++
		if t.DryRun {
			continue
		}
		gone, err := t.store.DeleteByPrefix(ctx, e.dir)
		if err != nil {
			return nil, err
		}
		for _, uri := range gone {
			if !uri.IsDirectory() {
				out.Files++
			}
		}
	}
	run.Counter("scanned", float64(out.Scanned))
	run.Counter("purged", float64(out.Purged))
	run.Counter("deleted.files", float64(out.Files))
	return out, nil
}

// scan finds the executions that have files, in the order of their directories.
func (t *PurgeStorage) scan(ctx context.Context, tenant string) ([]*found, error) {
	base, err := t.base(tenant)
	if err != nil {
		return nil, err
	}
	uris, err := t.store.AllByPrefix(ctx, base, false)
	if err != nil {
		return nil, err
	}
	byDir := map[storage.URI]*found{}
	var all []*found
	for _, uri := range uris {
		id, ok := storage.ExecutionID(uri)
		if !ok {
			continue
		}
		dir, err := executionDir(uri, id)
		if err != nil {
			return nil, err
		}
		e := byDir[dir]
		if e == nil {
			e = &found{dir: dir, id: id}
			byDir[dir] = e
			all = append(all, e)
		}
		attr, err := t.store.Stat(ctx, uri)
		if errors.Is(err, storage.ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		if attr.Modified.After(e.newest) {
			e.newest = attr.Modified
		}
	}
	slices.SortFunc(all, func(a, b *found) int { return strings.Compare(a.dir.Path(), b.dir.Path()) })
	return all, nil
}

func (t *PurgeStorage) base(tenant string) (storage.URI, error) {
	switch {
	case t.FlowID != "" && t.Namespace == "":
		return storage.URI{}, fmt.Errorf("flowId needs a namespace")
	case t.FlowID != "":
		return storage.Flow{Tenant: tenant, Namespace: t.Namespace, ID: t.FlowID}.ExecutionsDir()
	case t.Namespace != "":
		return storage.NamespaceDir(tenant, t.Namespace)
	}
	return storage.Root(tenant), nil
}

// executionDir returns the directory of the execution that a file belongs to.
func executionDir(file storage.URI, id string) (storage.URI, error) {
	mark := "/executions/" + id + "/"
	head := file.Path()[:strings.Index(file.Path(), mark)+len(mark)]
	return storage.Root(file.Tenant()).Join(head)
}

// runs tells whether an execution has not ended. One that nobody knows has.
func (t *PurgeStorage) runs(ctx context.Context, tenant, id string) (bool, error) {
	e, err := t.backend.Executions().Get(ctx, tenant, id)
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, backend.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !e.Engine.Finished, nil
}
