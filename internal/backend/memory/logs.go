package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

type logs struct{ *Backend }

// logKey names a line of a task run's attempt. Other lines have no key.
type logKey struct {
	taskRun      string
	attempt, seq int
}

// appendLogs stores the lines that are not stored already; the caller holds the lock.
func (b *Backend) appendLogs(lines []model.LogEntry) {
	for _, l := range lines {
		if l.TaskRunID != "" {
			key := logKey{l.TaskRunID, attemptOf(l), l.Seq}
			if b.logKeys[key] {
				continue
			}
			b.logKeys[key] = true
		}
		b.logs = append(b.logs, l)
	}
}

func attemptOf(l model.LogEntry) int {
	if l.Attempt == nil {
		return -1
	}
	return *l.Attempt
}

// Append is backend.Logs.
func (l logs) Append(ctx context.Context, lines []model.LogEntry) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	l.appendLogs(lines)
	l.mu.Unlock()
	l.Logged(lines)
	return nil
}

// placed is a record with its place in the order of storing.
type placed[T any] struct {
	value T
	place int64
}

func place[T any](all []T, keep func(T) bool) []placed[T] {
	var kept []placed[T]
	for i, v := range all {
		if keep(v) {
			kept = append(kept, placed[T]{v, int64(i)})
		}
	}
	return kept
}

func unplace[T any](found backend.Page[placed[T]], err error) (backend.Page[T], error) {
	page := backend.Page[T]{Total: found.Total, Cursor: found.Cursor}
	for _, r := range found.Results {
		page.Results = append(page.Results, r.value)
	}
	return page, err
}

// remove deletes the selected records and returns how many there were.
func remove[T any](all *[]T, r repository[placed[T]], q backend.Query, keep func(T) bool) (int, error) {
	if err := q.Validate(r.fields, r.sorts); err != nil {
		return 0, err
	}
	gone := map[int64]bool{}
	for _, selected := range r.selects(q.Filters, place(*all, keep)) {
		gone[selected.place] = true
	}
	at := int64(-1)
	*all = slices.DeleteFunc(*all, func(T) bool {
		at++
		return gone[at]
	})
	return len(gone), nil
}

var logRepository = repository[placed[model.LogEntry]]{
	fields:  backend.LogFields,
	sorts:   backend.LogSorts,
	natural: []backend.Sort{{By: "timestamp"}},
	field: func(r placed[model.LogEntry], f backend.Field) any {
		l := r.value
		switch f {
		case backend.FieldQuery:
			return anyText(l.Message)
		case backend.FieldNamespace:
			return l.Namespace
		case backend.FieldScope:
			return scopeOf(l.Namespace)
		case backend.FieldFlowID:
			return l.FlowID
		case backend.FieldExecutionID:
			return l.ExecutionID
		case backend.FieldTaskID:
			return l.TaskID
		case backend.FieldTaskRunID:
			return l.TaskRunID
		case backend.FieldTriggerID:
			return l.TriggerID
		case backend.FieldAttempt:
			if l.Attempt == nil {
				return nil
			}
			return *l.Attempt
		case backend.FieldLevel:
			return l.Level
		case backend.FieldStartDate, backend.FieldEndDate:
			return l.Timestamp
		}
		return nil
	},
	key: func(r placed[model.LogEntry], by string) any {
		if by == "timestamp" {
			return r.value.Timestamp.UnixMicro()
		}
		return r.place
	},
}

// Search is backend.Logs.
func (l logs) Search(ctx context.Context, q backend.Query) (backend.Page[model.LogEntry], error) {
	if err := l.ready(ctx); err != nil {
		return backend.Page[model.LogEntry]{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return unplace(logRepository.search(q, place(l.logs, func(e model.LogEntry) bool { return e.Tenant == q.Tenant })))
}

// Delete is backend.Logs.
func (l logs) Delete(ctx context.Context, q backend.Query) (int, error) {
	if err := l.ready(ctx); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return remove(&l.logs, logRepository, q, func(e model.LogEntry) bool { return e.Tenant == q.Tenant })
}

type metrics struct{ *Backend }

// Append is backend.Metrics.
func (m metrics) Append(ctx context.Context, values []model.Metric) error {
	if err := m.ready(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.metrics = append(m.metrics, values...)
	return nil
}

var metricRepository = repository[placed[model.Metric]]{
	fields:  backend.MetricFields,
	sorts:   backend.MetricSorts,
	natural: []backend.Sort{{By: "timestamp"}},
	field: func(r placed[model.Metric], f backend.Field) any {
		m := r.value
		switch f {
		case backend.FieldNamespace:
			return m.Namespace
		case backend.FieldFlowID:
			return m.FlowID
		case backend.FieldExecutionID:
			return m.ExecutionID
		case backend.FieldTaskID:
			return m.TaskID
		case backend.FieldTaskRunID:
			return m.TaskRunID
		case backend.FieldMetric:
			return m.Name
		case backend.FieldStartDate, backend.FieldEndDate:
			return m.Timestamp
		}
		return nil
	},
	key: func(r placed[model.Metric], by string) any {
		switch by {
		case "timestamp":
			return r.value.Timestamp.UnixMicro()
		case "name":
			return r.value.Name
		}
		return r.place
	},
}

// Search is backend.Metrics.
func (m metrics) Search(ctx context.Context, q backend.Query) (backend.Page[model.Metric], error) {
	if err := m.ready(ctx); err != nil {
		return backend.Page[model.Metric]{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return unplace(metricRepository.search(q, place(m.metrics, ofTenant(q.Tenant))))
}

func ofTenant(tenant string) func(model.Metric) bool {
	return func(m model.Metric) bool { return m.Tenant == tenant }
}

// Names is backend.Metrics.
func (m metrics) Names(ctx context.Context, q backend.Query) (names, tasks []string, err error) {
	if err := m.ready(ctx); err != nil {
		return nil, nil, err
	}
	if err := q.Validate(metricRepository.fields, metricRepository.sorts); err != nil {
		return nil, nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	byName, byTask := map[string]bool{}, map[string]bool{}
	for _, r := range metricRepository.selects(q.Filters, place(m.metrics, ofTenant(q.Tenant))) {
		byName[r.value.Name] = true
		if r.value.TaskID != "" {
			byTask[r.value.TaskID] = true
		}
	}
	return slices.Sorted(maps.Keys(byName)), slices.Sorted(maps.Keys(byTask)), nil
}

// Delete is backend.Metrics.
func (m metrics) Delete(ctx context.Context, q backend.Query) (int, error) {
	if err := m.ready(ctx); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return remove(&m.metrics, metricRepository, q, ofTenant(q.Tenant))
}
