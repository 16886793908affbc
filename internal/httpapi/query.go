package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// maxPage bounds the size of a page.
const maxPage = 1000

// query reads paging, sorting and filters from a request: the filters of today, filters[field][OPERATION]=value, and the
// plain parameters of older versions.
func query(r *http.Request) (backend.Query, error) {
	v := r.URL.Query()
	q := backend.Query{Tenant: Tenant, Page: 1, Size: 10}
	var err error
	if q.Page, err = whole(v, "page", 1); err != nil || q.Page < 1 {
		return q, invalid("page: must be greater than or equal to 1")
	}
	if q.Size, err = whole(v, "size", 10); err != nil || q.Size < 1 {
		return q, invalid("size: must be greater than or equal to 1")
	}
	q.Size = min(q.Size, maxPage)
	for _, s := range v["sort"] {
		by, order, _ := strings.Cut(s, ":")
		if order != "" && order != "asc" && order != "desc" {
			return q, invalid(fmt.Sprintf("sort: %q is neither asc nor desc", order))
		}
		q.Sort = append(q.Sort, backend.Sort{By: by, Desc: order == "desc"})
	}
	if q.Filters, err = filters(v); err != nil {
		return q, err
	}
	return q, nil
}

func whole(v url.Values, name string, otherwise int) (int, error) {
	s := v.Get(name)
	if s == "" {
		return otherwise, nil
	}
	return strconv.Atoi(s)
}

// fieldNames are the fields by their names in requests.
var fieldNames = map[string]backend.Field{
	"q": backend.FieldQuery, "query": backend.FieldQuery, "namespace": backend.FieldNamespace, "flowId": backend.FieldFlowID,
	"id": backend.FieldFlowID, "flowRevision": backend.FieldRevision, "scope": backend.FieldScope, "state": backend.FieldState,
	"labels": backend.FieldLabels, "startDate": backend.FieldStartDate, "endDate": backend.FieldEndDate, "timeRange": fieldTimeRange,
	"triggerId": backend.FieldTriggerID, "triggerExecutionId": backend.FieldTriggerExec, "parentId": backend.FieldParentID,
	"childFilter": backend.FieldChild, "executionId": backend.FieldExecutionID, "taskId": backend.FieldTaskID,
	"taskRunId": backend.FieldTaskRunID, "attemptNumber": backend.FieldAttempt, "level": backend.FieldLevel, "minLevel": backend.FieldLevel,
	"kind": backend.FieldKind, "disabled": backend.FieldDisabled, "metric": backend.FieldMetric,
}

// fieldTimeRange is a duration back from now; it becomes a START_DATE.
const fieldTimeRange backend.Field = "TIME_RANGE"

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
	"q": backend.OpEquals, "namespace": backend.OpPrefix, "flowId": backend.OpEquals, "scope": backend.OpEquals, "state": backend.OpIn,
	"labels": backend.OpEquals, "startDate": backend.OpGreaterEq, "endDate": backend.OpLessEq, "timeRange": backend.OpEquals,
	"triggerId": backend.OpEquals, "triggerExecutionId": backend.OpEquals, "childFilter": backend.OpEquals, "executionId": backend.OpEquals,
	"taskId": backend.OpEquals, "taskRunId": backend.OpEquals, "minLevel": backend.OpGreaterEq,
}

func filters(v url.Values) ([]backend.Filter, error) {
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
			f, err = filterOf(name, v[name])
		case isPlain && v.Get(name) != "":
			f, err = typed(fieldNames[name], op, "", v[name])
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

// filterOf reads filters[field][OPERATION] or, for labels, filters[labels][OPERATION][key].
func filterOf(name string, values []string) (backend.Filter, error) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(name, "filters["), "]"), "][")
	if len(parts) < 2 {
		return backend.Filter{}, invalid(fmt.Sprintf("%s: expected filters[field][OPERATION]", name))
	}
	f, ok := field(parts[0])
	if !ok {
		return backend.Filter{}, invalid(fmt.Sprintf("%s: there is no field %q", name, parts[0]))
	}
	key := ""
	if len(parts) > 2 {
		key = strings.Join(parts[2:], "][")
	}
	return typed(f, backend.Op(parts[1]), key, values)
}

// typed gives a filter's value the type that its field has.
func typed(f backend.Field, op backend.Op, key string, values []string) (backend.Filter, error) {
	out := backend.Filter{Field: f, Op: op, Value: values[0]}
	switch f {
	case backend.FieldLabels:
		var labels []model.Label
		for _, v := range values {
			k := key
			if k == "" {
				k, v, _ = strings.Cut(v, ":")
			}
			labels = append(labels, model.Label{Key: k, Value: v})
		}
		out.Value = labels
		return out, nil
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
			return out, invalid(err.Error())
		}
		return backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: time.Now().UTC().Add(-d)}, nil
	case backend.FieldLevel:
		if op == backend.OpEquals {
			out.Op = backend.OpGreaterEq
		}
	case backend.FieldAttempt, backend.FieldRevision:
		n, err := strconv.Atoi(values[0])
		if err != nil {
			return out, invalid(fmt.Sprintf("%s: %q is not a number", f, values[0]))
		}
		out.Value = n
		return out, nil
	case backend.FieldDisabled:
		out.Value = values[0] == "true"
		return out, nil
	}
	if op == backend.OpIn || op == backend.OpNotIn {
		var all []string
		for _, v := range values {
			all = append(all, strings.Split(v, ",")...)
		}
		out.Value = all
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
