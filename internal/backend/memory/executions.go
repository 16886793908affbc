package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

type executions struct{ *Backend }

// Get is backend.Executions.
func (x executions) Get(ctx context.Context, tenant, id string) (*model.Execution, error) {
	e, err := x.get(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	return e.header, nil
}

func (x executions) get(ctx context.Context, tenant, id string) (*execution, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.executions[id]
	if e == nil || e.header.Tenant != tenant {
		return nil, fmt.Errorf("execution %s: %w", id, backend.ErrNotFound)
	}
	copied := *e
	return &copied, nil
}

// TaskRuns is backend.Executions.
func (x executions) TaskRuns(ctx context.Context, tenant, executionID string) ([]*model.TaskRun, error) {
	if _, err := x.get(ctx, tenant, executionID); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.executions[executionID]; e != nil {
		return e.sortedRuns(), nil
	}
	return nil, fmt.Errorf("execution %s: %w", executionID, backend.ErrNotFound)
}

var executionRepository = repository[*execution]{
	fields:  backend.ExecutionFields,
	sorts:   backend.ExecutionSorts,
	natural: []backend.Sort{{By: "state.startDate", Desc: true}},
	field:   executionField,
	key:     executionKey,
}

func executionField(e *execution, f backend.Field) any {
	switch f {
	case backend.FieldState:
		return e.header.State.Current()
	case backend.FieldStartDate:
		return orNone(e.header.State.Start())
	case backend.FieldEndDate:
		end, _ := e.header.State.End()
		return orNone(end)
	case backend.FieldQuery:
		h := e.header
		return queryTexts{[]string{h.Namespace, h.FlowID}, []string{h.ID}}
	case backend.FieldTaskID, backend.FieldTaskRunID:
		var ids []string
		for _, r := range e.runs {
			ids = append(ids, taskRunField(record{r, e}, f).(string))
		}
		return ids
	}
	return headerField(e.header, f)
}

// headerField is a field that task runs share with their execution.
func headerField(h *model.Execution, f backend.Field) any {
	switch f {
	case backend.FieldNamespace:
		return h.Namespace
	case backend.FieldFlowID:
		return h.FlowID
	case backend.FieldRevision:
		return h.FlowRevision
	case backend.FieldScope:
		return scopeOf(h.Namespace)
	case backend.FieldLabels:
		return h.Labels
	case backend.FieldTriggerID:
		if h.Trigger == nil {
			return ""
		}
		return h.Trigger.ID
	case backend.FieldTriggerExec:
		return backend.StartedBy(h)
	case backend.FieldParentID:
		return h.ParentID
	case backend.FieldChild:
		if backend.StartedBy(h) != "" {
			return backend.ChildOnly
		}
		return backend.MainOnly
	case backend.FieldExecutionID:
		return h.ID
	case backend.FieldKind:
		return h.Kind
	}
	return nil
}

func executionKey(e *execution, by string) any {
	h := e.header
	switch by {
	case "namespace":
		return h.Namespace
	case "flowId":
		return h.FlowID
	case "flowRevision":
		return int64(h.FlowRevision)
	}
	return stateKey(h.State, by, h.ID)
}

func stateKey(h model.History, by, id string) any {
	switch by {
	case "state.current":
		return h.Current().String()
	case "state.startDate":
		return h.Start().UnixMicro()
	case "state.endDate":
		return endKey(h)
	case "state.duration":
		return durationKey(h)
	}
	return id
}

func (x executions) ofTenant(tenant string) []*execution {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []*execution
	for _, e := range x.executions {
		if e.header.Tenant == tenant {
			// A later commit may change the record, but neither the header nor the task runs that it has now.
			copied := *e
			copied.runs = cloneRuns(e.runs)
			all = append(all, &copied)
		}
	}
	return all
}

func cloneRuns(runs map[string]*model.TaskRun) map[string]*model.TaskRun {
	copied := make(map[string]*model.TaskRun, len(runs))
	for id, r := range runs {
		copied[id] = r
	}
	return copied
}

// Search is backend.Executions.
func (x executions) Search(ctx context.Context, q backend.Query) (backend.Page[*model.Execution], error) {
	if err := x.ready(ctx); err != nil {
		return backend.Page[*model.Execution]{}, err
	}
	found, err := executionRepository.search(q, x.ofTenant(q.Tenant))
	page := backend.Page[*model.Execution]{Total: found.Total, Cursor: found.Cursor}
	for _, e := range found.Results {
		page.Results = append(page.Results, e.header)
	}
	return page, err
}

// record is a task run with its execution.
type record struct {
	run *model.TaskRun
	of  *execution
}

var taskRunRepository = repository[record]{
	fields:  backend.ExecutionFields,
	sorts:   backend.TaskRunSorts,
	natural: []backend.Sort{{By: "state.startDate", Desc: true}},
	field:   taskRunField,
	key:     taskRunKey,
}

func taskRunField(r record, f backend.Field) any {
	switch f {
	case backend.FieldState:
		return r.run.State.Current()
	case backend.FieldStartDate:
		return orNone(r.run.State.Start())
	case backend.FieldEndDate:
		end, _ := r.run.State.End()
		return orNone(end)
	case backend.FieldQuery:
		return queryTexts{[]string{r.run.Namespace, r.run.FlowID, r.run.TaskID}, []string{r.run.ExecutionID, r.run.ID}}
	case backend.FieldTaskID:
		return r.run.TaskID
	case backend.FieldTaskRunID:
		return r.run.ID
	}
	return headerField(r.of.header, f)
}

func taskRunKey(r record, by string) any {
	switch by {
	case "namespace":
		return r.run.Namespace
	case "flowId":
		return r.run.FlowID
	case "taskId":
		return r.run.TaskID
	case "executionId":
		return r.run.ExecutionID
	}
	return stateKey(r.run.State, by, r.run.ID)
}

func (x executions) runsOfTenant(tenant string) []record {
	var all []record
	for _, e := range x.ofTenant(tenant) {
		for _, r := range e.runs {
			all = append(all, record{r, e})
		}
	}
	return all
}

// SearchTaskRuns is backend.Executions.
func (x executions) SearchTaskRuns(ctx context.Context, q backend.Query) (backend.Page[*model.TaskRun], error) {
	if err := x.ready(ctx); err != nil {
		return backend.Page[*model.TaskRun]{}, err
	}
	found, err := taskRunRepository.search(q, x.runsOfTenant(q.Tenant))
	page := backend.Page[*model.TaskRun]{Total: found.Total, Cursor: found.Cursor}
	for _, r := range found.Results {
		page.Results = append(page.Results, r.run)
	}
	return page, err
}

// Latest is backend.Executions.
func (x executions) Latest(ctx context.Context, tenant string, flows []model.FlowKey) ([]*model.Execution, error) {
	var latest []*model.Execution
	for _, key := range flows {
		page, err := x.Search(ctx, backend.Query{Tenant: tenant, Size: 1, NoTotal: true, Filters: []backend.Filter{
			{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: key.Namespace},
			{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: key.ID},
		}})
		if err != nil {
			return nil, err
		}
		latest = append(latest, page.Results...)
	}
	return latest, nil
}

// Count is backend.Executions.
func (x executions) Count(ctx context.Context, q backend.CountQuery) ([]backend.Count, error) {
	if err := x.ready(ctx); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	counter := backend.NewCounter(q)
	if q.TaskRuns {
		for _, r := range taskRunRepository.selects(q.Filters, x.runsOfTenant(q.Tenant)) {
			counter.Add(backend.CountOf(r.run.Namespace, r.run.FlowID, r.run.TaskID, r.run.State))
		}
		return counter.Counts(), nil
	}
	for _, e := range executionRepository.selects(q.Filters, x.ofTenant(q.Tenant)) {
		counter.Add(backend.CountOf(e.header.Namespace, e.header.FlowID, "", e.header.State))
	}
	return counter.Counts(), nil
}

// Delete is backend.Executions.
func (x executions) Delete(ctx context.Context, tenant string, ids []string) (int, error) {
	if err := x.ready(ctx); err != nil {
		return 0, err
	}
	deleted := x.bury(tenant, ids)
	x.Deleted(deleted)
	return len(deleted), nil
}

func (x executions) bury(tenant string, ids []string) (deleted []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if e := x.executions[id]; e != nil && e.header.Tenant == tenant && e.header.Engine.Finished {
			x.Backend.bury(model.ExecutionEntity(id), e.version)
			deleted = append(deleted, id)
		}
	}
	return deleted
}
