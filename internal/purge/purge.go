// Package purge deletes executions with all that belongs to them: those that somebody names (Purger), and those that are
// older than an installation keeps them (Retention).
package purge

import (
	"context"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
)

// What says what is deleted of executions.
type What struct{ Executions, Logs, Metrics, Files bool }

// Everything is all there is of an execution.
var Everything = What{true, true, true, true}

// Deleted counts what was deleted.
type Deleted struct {
	Executions int `json:"executions"`
	Logs       int `json:"logs"`
	Metrics    int `json:"metrics"`
	Files      int `json:"files"`
}

// Add adds other counts.
func (d *Deleted) Add(o Deleted) {
	d.Executions += o.Executions
	d.Logs += o.Logs
	d.Metrics += o.Metrics
	d.Files += o.Files
}

// Purger deletes executions that have ended.
type Purger struct {
	Backend backend.Backend
	Storage storage.Storage
}

// Before selects executions that have begun at or before a date and ended in one of the states, or in any, oldest first.
func Before(tenant string, at time.Time, states []string) backend.Query {
	if len(states) == 0 {
		for _, s := range model.States() {
			if s.Terminated() {
				states = append(states, s.String())
			}
		}
	}
	return backend.Query{
		Tenant: tenant, NoTotal: true, Sort: []backend.Sort{{By: "state.startDate"}},
		Filters: []backend.Filter{
			{Field: backend.FieldStartDate, Op: backend.OpLessEq, Value: at.UTC()},
			{Field: backend.FieldState, Op: backend.OpIn, Value: states},
		},
	}
}

// InNamespace are the filters for a flow of a namespace, or for a namespace with those below it; empty names select all.
func InNamespace(namespace, flowID string) []backend.Filter {
	var out []backend.Filter
	switch {
	case namespace != "" && flowID != "":
		out = append(out, backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: namespace})
	case namespace != "":
		out = append(out, backend.Filter{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: namespace})
	}
	if flowID != "" {
		out = append(out, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: flowID})
	}
	return out
}

// Batches calls do with the executions that the query finds, so many at a time. They may be deleted meanwhile.
func (p *Purger) Batches(ctx context.Context, q backend.Query, size int, do func([]*model.Execution) error) error {
	q.Page, q.Size = 1, size
	for {
		page, err := p.Backend.Executions().Search(ctx, q)
		if err != nil {
			return err
		}
		if len(page.Results) > 0 {
			if err := do(page.Results); err != nil {
				return err
			}
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			return nil
		}
		q.After = page.Cursor
	}
}

// Delete deletes what is wanted of executions; those that have not ended stay as they are. What belongs to an execution goes
// before it does, so that a purge that was cut short finds the rest when it is repeated.
func (p *Purger) Delete(ctx context.Context, of []*model.Execution, what What) (Deleted, error) {
	var out Deleted
	var ended []*model.Execution
	var ids []string
	for _, e := range of {
		if e.Engine.Finished {
			ended = append(ended, e)
			ids = append(ids, e.ID)
		}
	}
	if len(ended) == 0 {
		return out, nil
	}
	tenant := ended[0].Tenant
	q := backend.Query{Tenant: tenant, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpIn, Value: ids}}}
	var err error
	if what.Logs {
		if out.Logs, err = p.Backend.Logs().Delete(ctx, q); err != nil {
			return out, err
		}
	}
	if what.Metrics {
		if out.Metrics, err = p.Backend.Metrics().Delete(ctx, q); err != nil {
			return out, err
		}
	}
	if what.Files {
		for _, e := range ended {
			n, err := p.files(ctx, e)
			if err != nil {
				return out, err
			}
			out.Files += n
		}
	}
	if what.Executions {
		out.Executions, err = p.Backend.Executions().Delete(ctx, tenant, ids)
	}
	return out, err
}

// files deletes the files of an execution and returns how many there were.
func (p *Purger) files(ctx context.Context, e *model.Execution) (int, error) {
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID}, ID: e.ID}.Dir()
	if err != nil {
		return 0, err
	}
	gone, err := p.Storage.DeleteByPrefix(ctx, dir)
	n := 0
	for _, uri := range gone {
		if !uri.IsDirectory() {
			n++
		}
	}
	return n, err
}
