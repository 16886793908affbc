package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// maxPage bounds how many records a request may ask for at once, batch how many are read at once where all are wanted.
const (
	maxPage = 10_000
	batch   = 1000
)

// resource is a kind of record that requests search: which fields it has, and which of them it calls id.
type resource struct {
	name   string // as people call several of them
	fields map[backend.Field]backend.ValueKind
	id     backend.Field
}

var (
	ofExecutions = resource{"executions", backend.ExecutionFields, backend.FieldExecutionID}
	ofTaskRuns   = resource{"task runs", backend.ExecutionFields, backend.FieldTaskRunID}
	ofFlows      = resource{"flows", backend.FlowFields, backend.FieldFlowID}
	ofLogs       = resource{"logs", backend.LogFields, backend.FieldExecutionID}
	ofMetrics    = resource{"metrics", backend.MetricFields, backend.FieldExecutionID}
	ofTriggers   = resource{"triggers", backend.TriggerFields, backend.FieldTriggerID}
	ofDocuments  = resource{"keys, secrets and templates", backend.DocumentFields, ""}
	ofNothing    = resource{"services", nil, ""}
	ofNamespaces = resource{"namespaces", map[backend.Field]backend.ValueKind{backend.FieldQuery: backend.QueryField, fieldExisting: backend.FlagField}, ""}
)

// query reads paging, sorting and filters from a request: the filters of today, filters[field][OPERATION]=value, and the
// plain parameters of older versions.
func (of resource) query(r *http.Request) (backend.Query, error) {
	v := r.URL.Query()
	q := backend.Query{Tenant: Tenant, Page: 1, Size: 10}
	var err error
	if q.Page, err = whole(v, "page", 1); err != nil {
		return q, err
	}
	if q.Size, err = whole(v, "size", 10); err != nil {
		return q, err
	}
	if q.Page < 1 {
		return q, invalid("page: must be greater than or equal to 1")
	}
	if q.Size < 1 {
		return q, invalid("size: must be greater than or equal to 1")
	}
	if q.Size > maxPage {
		return q, invalid(fmt.Sprintf("size: must be less than or equal to %d", maxPage))
	}
	if q.Page > math.MaxInt32 {
		return q, invalid(fmt.Sprintf("page: must be less than or equal to %d", math.MaxInt32))
	}
	for _, s := range v["sort"] {
		by, order, _ := strings.Cut(s, ":")
		if order != "" && order != "asc" && order != "desc" {
			return q, invalid(fmt.Sprintf("sort: %q is neither asc nor desc", order))
		}
		q.Sort = append(q.Sort, backend.Sort{By: by, Desc: order == "desc"})
	}
	if q.Filters, err = of.filters(v); err != nil {
		return q, err
	}
	return q, nil
}

func whole(v url.Values, name string, otherwise int) (int, error) {
	s := v.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, invalid(name + ": must be a whole number")
	}
	return n, nil
}

// fieldNames are the fields by their names in requests.
var fieldNames = map[string]backend.Field{
	"q": backend.FieldQuery, "query": backend.FieldQuery, "namespace": backend.FieldNamespace, "flowId": backend.FieldFlowID,
	"id": fieldID, "flowRevision": backend.FieldRevision, "scope": backend.FieldScope, "state": backend.FieldState,
	"labels": backend.FieldLabels, "startDate": backend.FieldStartDate, "endDate": backend.FieldEndDate, "timeRange": fieldTimeRange,
	"triggerId": backend.FieldTriggerID, "triggerExecutionId": backend.FieldTriggerExec, "parentId": backend.FieldParentID,
	"childFilter": backend.FieldChild, "executionId": backend.FieldExecutionID, "taskId": backend.FieldTaskID,
	"taskRunId": backend.FieldTaskRunID, "attemptNumber": backend.FieldAttempt, "level": backend.FieldLevel, "minLevel": fieldMinLevel,
	"kind": backend.FieldKind, "disabled": backend.FieldDisabled, "metric": backend.FieldMetric, "triggerState": fieldTriggerState,
	"existingOnly": fieldExisting,
}

// These are fields of requests only: each becomes another field, or is looked at by its handler.
const (
	fieldID           backend.Field = "ID"            // whatever the resource calls its id
	fieldTimeRange    backend.Field = "TIME_RANGE"    // a duration back from now; it becomes a START_DATE
	fieldMinLevel     backend.Field = "MIN_LEVEL"     // this level and those above it
	fieldTriggerState backend.Field = "TRIGGER_STATE" // ENABLED or DISABLED
	fieldExisting     backend.Field = "EXISTING_ONLY" // namespaces that are stored, not those that only have something in them
)

// field finds a field by its name in requests, in either spelling: flowId or FLOW_ID.
func field(name string) (backend.Field, bool) {
	if f, ok := fieldNames[name]; ok {
		return f, true
	}
	for _, f := range fieldNames {
		if string(f) == strings.ToUpper(name) {
			return f, true
		}
	}
	return "", false
}

// plain are the parameters of older versions, with the operation that each of them means.
var plain = map[string]backend.Op{
	"q": backend.OpEquals, "namespace": backend.OpPrefix, "flowId": backend.OpEquals, "scope": backend.OpIn, "state": backend.OpIn,
	"labels": backend.OpEquals, "startDate": backend.OpGreaterEq, "endDate": backend.OpLessEq, "timeRange": backend.OpEquals,
	"triggerId": backend.OpEquals, "triggerExecutionId": backend.OpEquals, "childFilter": backend.OpEquals, "executionId": backend.OpEquals,
	"taskId": backend.OpEquals, "taskRunId": backend.OpEquals, "minLevel": backend.OpEquals,
}

// filters reads the filters in a request's parameters. Plain parameters that mean nothing for the resource are left alone,
// as any other unknown parameter is; a filter on a field that it does not have is refused.
func (of resource) filters(v url.Values) ([]backend.Filter, error) {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []backend.Filter
	for _, name := range names {
		var f backend.Filter
		var err error
		switch op, isPlain := plain[name]; {
		case strings.HasPrefix(name, "filters["):
			f, err = of.filter(name, v[name])
		case isPlain && v.Get(name) != "" && of.has(fieldNames[name]):
			f, err = of.typed(fieldNames[name], op, "", v[name])
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// has tells whether the resource can be searched by a field.
func (of resource) has(f backend.Field) bool {
	switch f {
	case fieldID:
		f = of.id
	case fieldTimeRange:
		f = backend.FieldStartDate
	case fieldMinLevel:
		f = backend.FieldLevel
	case fieldTriggerState:
		f = backend.FieldDisabled
	}
	return of.fields[f] != 0
}

// known lists the names by which the resource can be searched.
func (of resource) known() string {
	var out []string
	for name, f := range fieldNames {
		if of.has(f) && name != "query" {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// filter reads filters[field][OPERATION] or, for labels, filters[labels][OPERATION][key].
func (of resource) filter(name string, values []string) (backend.Filter, error) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, "filters["), "]"), "][")
	if len(parts) < 2 || !strings.HasSuffix(name, "]") {
		return backend.Filter{}, invalid(fmt.Sprintf("%s: expected filters[field][OPERATION]", name))
	}
	f, ok := field(parts[0])
	if !ok || !of.has(f) {
		return backend.Filter{}, invalid(fmt.Sprintf("%s: %s cannot be searched by %q, but by %s", name, of.name, parts[0], of.known()))
	}
	key := ""
	if len(parts) > 2 {
		key = strings.Join(parts[2:], "][")
	}
	return of.typed(f, backend.Op(strings.ToUpper(parts[1])), key, values)
}

// typed gives a filter's value the type that its field has.
func (of resource) typed(f backend.Field, op backend.Op, key string, values []string) (backend.Filter, error) {
	out := backend.Filter{Field: f, Op: op, Value: values[0]}
	switch f {
	case backend.FieldLabels:
		labels, err := labelFilter(key, values)
		out.Value = labels
		return out, err
	case backend.FieldStartDate, backend.FieldEndDate:
		at, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(values[0], " ", "+"))
		if err != nil {
			return out, invalid(fmt.Sprintf("%s: %q is not a date with time and offset", f, values[0]))
		}
		out.Value = at.UTC()
		return out, nil
	case fieldTimeRange:
		d, err := model.ParseDuration(values[0])
		if err != nil {
			return out, invalid("timeRange: " + err.Error())
		}
		return backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: time.Now().UTC().Add(-d)}, nil
	case fieldMinLevel, backend.FieldLevel:
		return levelFilter(f, out), nil
	case backend.FieldAttempt, backend.FieldRevision:
		n, err := strconv.Atoi(values[0])
		if err != nil {
			return out, invalid(fmt.Sprintf("%s: %q is not a number", f, values[0]))
		}
		out.Value = n
		return out, nil
	case backend.FieldDisabled, fieldExisting:
		b, err := strconv.ParseBool(values[0])
		if err != nil {
			return out, invalid(fmt.Sprintf("%s: %q is neither true nor false", f, values[0]))
		}
		out.Value = b
		return out, nil
	case fieldTriggerState:
		if values[0] != "ENABLED" && values[0] != "DISABLED" {
			return out, invalid(fmt.Sprintf("triggerState: %q is neither ENABLED nor DISABLED", values[0]))
		}
		return backend.Filter{Field: backend.FieldDisabled, Op: op, Value: values[0] == "DISABLED"}, nil
	case fieldID:
		out.Field = of.id
	}
	return listed(out, values), nil
}

// listed gives a filter for one of several values a list of them: values may stand in one text, with commas between them.
func listed(f backend.Filter, values []string) backend.Filter {
	var all []string
	for _, v := range values {
		all = append(all, strings.Split(v, ",")...)
	}
	choice := f.Field == backend.FieldScope || f.Field == backend.FieldChild || f.Field == backend.FieldState
	switch {
	case choice && len(all) > 1 && f.Op == backend.OpEquals:
		f.Op = backend.OpIn
	case choice && len(all) > 1 && f.Op == backend.OpNotEquals:
		f.Op = backend.OpNotIn
	}
	if f.Op == backend.OpIn || f.Op == backend.OpNotIn {
		f.Value = all
	}
	return f
}

// levelFilter makes a least level of a level that is asked for: who asks for INFO wants what is worse too.
func levelFilter(f backend.Field, out backend.Filter) backend.Filter {
	out.Field = backend.FieldLevel
	switch {
	case out.Op == backend.OpEquals:
		out.Op = backend.OpGreaterEq
	case out.Op == backend.OpNotEquals && f == fieldMinLevel:
		out.Op = backend.OpLess
	}
	return listed(out, []string{out.Value.(string)})
}

// labelFilter reads labels: the values of a key, or texts key:value.
func labelFilter(key string, values []string) ([]model.Label, error) {
	if key == "" {
		return labelsOf(values)
	}
	var out []model.Label
	for _, v := range values {
		out = append(out, model.Label{Key: key, Value: v})
	}
	return out, nil
}

// labelsOf reads labels as key:value parameters.
func labelsOf(values []string) ([]model.Label, error) {
	var out []model.Label
	for _, v := range values {
		k, val, ok := strings.Cut(v, ":")
		if !ok || k == "" {
			return nil, invalid(fmt.Sprintf("labels: %q is not key:value", v))
		}
		out = append(out, model.Label{Key: k, Value: val})
	}
	return out, nil
}
