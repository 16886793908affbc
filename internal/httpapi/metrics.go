package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) metricRoutes() {
	a.route("GET", "/metrics/{executionId}", a.metricsOfExecution)
	a.route("GET", "/metrics/names/{namespace}/{flowId}", a.metricNames)
	a.route("GET", "/metrics/names/{namespace}/{flowId}/{taskId}", a.metricNames)
	a.route("GET", "/metrics/tasks/{namespace}/{flowId}", a.metricTasks)
	a.route("GET", "/metrics/aggregates/{namespace}/{flowId}/{metric}", a.aggregateMetric)
	a.route("GET", "/metrics/aggregates/{namespace}/{flowId}/{taskId}/{metric}", a.aggregateMetric)
	a.route("GET", "/taskruns/search", a.searchTaskRuns)
	a.route("GET", "/taskruns/maxTaskRunSetting", func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, http.StatusOK, maxPage)
	})
}

func (a *API) metricsOfExecution(w http.ResponseWriter, r *http.Request) error {
	q, err := ofMetrics.query(r)
	if err != nil {
		return err
	}
	q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: r.PathValue("executionId")})
	p, err := a.Backend.Metrics().Search(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, page[model.Metric]{append([]model.Metric{}, p.Results...), p.Total})
}

// metricQuery selects the metrics of the flow, and the task if there is one, that a request's path names.
func metricQuery(r *http.Request) backend.Query {
	q := backend.Query{Tenant: Tenant, Filters: []backend.Filter{
		namespaceFilter(r.PathValue("namespace")), {Field: backend.FieldFlowID, Op: backend.OpEquals, Value: r.PathValue("flowId")},
	}}
	if task := r.PathValue("taskId"); task != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldTaskID, Op: backend.OpEquals, Value: task})
	}
	return q
}

func (a *API) metricNames(w http.ResponseWriter, r *http.Request) error {
	names, _, err := a.Backend.Metrics().Names(r.Context(), metricQuery(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, append([]string{}, names...))
}

func (a *API) metricTasks(w http.ResponseWriter, r *http.Request) error {
	_, tasks, err := a.Backend.Metrics().Names(r.Context(), metricQuery(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, append([]string{}, tasks...))
}

// aggregation is what the values of one stretch of time come to.
type aggregation struct {
	Name  string    `json:"name"`
	Value float64   `json:"value"`
	Date  time.Time `json:"date"`
}

// span is a stretch of time that a request is about, and how it is divided.
type span struct {
	from, to time.Time
	bucket   time.Duration
	name     string // of the buckets: minute, hour, day, week, month
}

// maxSpan bounds what is counted at once, so that its buckets stay few.
const maxSpan = 20 * 365 * 24 * time.Hour

// spanOf divides the time from startDate to endDate, by default the last days, into a number of buckets to look at.
func spanOf(startDate, endDate string, days int) (span, error) {
	s := span{to: time.Now().UTC()}
	var err error
	if endDate != "" {
		if s.to, err = time.Parse(time.RFC3339Nano, endDate); err != nil {
			return s, invalid("endDate: " + endDate + " is not a date with time and offset")
		}
	}
	s.from = s.to.AddDate(0, 0, -days)
	if startDate != "" {
		if s.from, err = time.Parse(time.RFC3339Nano, startDate); err != nil {
			return s, invalid("startDate: " + startDate + " is not a date with time and offset")
		}
	}
	const day = 24 * time.Hour
	if s.to.Sub(s.from) > maxSpan {
		return s, invalid("startDate: it is too far from endDate")
	}
	switch d := s.to.Sub(s.from); {
	case d > 365*day:
		s.bucket, s.name = 28*day, "month"
	case d > 180*day:
		s.bucket, s.name = 7*day, "week"
	case d > day:
		s.bucket, s.name = day, "day"
	case d > 6*time.Hour:
		s.bucket, s.name = time.Hour, "hour"
	default:
		s.bucket, s.name = time.Minute, "minute"
	}
	return s, nil
}

func startingAt(t time.Time) backend.Filter {
	return backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: t.UTC()}
}

// filters select what lies in the span.
func (s span) filters() []backend.Filter {
	return []backend.Filter{
		startingAt(s.from),
		{Field: backend.FieldStartDate, Op: backend.OpLessEq, Value: s.to.UTC()},
	}
}

// aggregateMetric gives a metric over time: the sum, the average, the least or the greatest value.
func (a *API) aggregateMetric(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	how := cmp.Or(v.Get("aggregation"), "sum")
	if !slices.Contains([]string{"sum", "avg", "min", "max"}, how) {
		return invalid("aggregation: one of sum, avg, min, max")
	}
	s, err := spanOf(v.Get("startDate"), v.Get("endDate"), 30)
	if err != nil {
		return err
	}
	q := metricQuery(r)
	q.Filters = append(append(q.Filters, s.filters()...), backend.Filter{Field: backend.FieldMetric, Op: backend.OpEquals, Value: r.PathValue("metric")})
	list, err := all(q, func(q backend.Query) (backend.Page[model.Metric], error) {
		return a.Backend.Metrics().Search(r.Context(), q)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"groupBy": s.name, "aggregations": aggregate(list, s, how)})
}

func aggregate(list []model.Metric, s span, how string) []aggregation {
	counts := backend.CountQuery{Bucket: s.bucket, Location: time.Local}
	values := map[int64][]float64{}
	name := ""
	for _, m := range list {
		at := counts.BucketOf(m.Timestamp).Unix()
		values[at] = append(values[at], m.Value)
		name = m.Name
	}
	out := []aggregation{}
	for at, vs := range values {
		total := 0.0
		for _, v := range vs {
			total += v
		}
		switch how {
		case "avg":
			total /= float64(len(vs))
		case "min":
			total = slices.Min(vs)
		case "max":
			total = slices.Max(vs)
		}
		out = append(out, aggregation{name, total, time.Unix(at, 0).UTC()})
	}
	slices.SortFunc(out, func(a, b aggregation) int { return a.Date.Compare(b.Date) })
	return out
}

func (a *API) searchTaskRuns(w http.ResponseWriter, r *http.Request) error {
	q, err := ofTaskRuns.query(r)
	if err != nil {
		return err
	}
	p, err := a.Backend.Executions().SearchTaskRuns(r.Context(), q)
	if err != nil {
		return err
	}
	e := a.encoder(512 * (len(p.Results) + 1))
	e.b = append(e.b, `{"results":[`...)
	for _, run := range p.Results {
		e.comma()
		e.secrets = a.Masks.Of(run.ExecutionID)
		e.taskRun(run)
	}
	e.b = append(e.b, `],"total":`...)
	e.b = strconv.AppendInt(e.b, int64(p.Total), 10)
	e.b = append(e.b, '}')
	return writeRaw(w, http.StatusOK, e.b)
}
