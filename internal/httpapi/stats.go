package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) statRoutes() {
	a.route("POST", "/stats/executions/daily", a.dailyStats(false))
	a.route("POST", "/stats/taskruns/daily", a.dailyStats(true))
	a.route("POST", "/stats/executions/daily/group-by-namespace", a.statsByNamespace)
	a.route("POST", "/stats/executions/daily/group-by-flow", a.statsByFlow)
	a.route("POST", "/stats/executions/latest/group-by-flow", a.latestByFlow)
	a.route("POST", "/stats/logs/daily", a.dailyLogs)
	a.route("POST", "/stats/summary", a.summary)
}

// statQuery says what is counted.
type statQuery struct {
	Q         string   `json:"q"`
	Namespace string   `json:"namespace"`
	FlowID    string   `json:"flowId"`
	StartDate string   `json:"startDate"`
	EndDate   string   `json:"endDate"`
	State     []string `json:"state"`
	Scope     string   `json:"scope"`
}

// read reads what is counted, over the last days unless dates are given.
func (s *statQuery) read(r *http.Request, days int) (backend.CountQuery, span, error) {
	if _, err := readOptionalJSON(r, s, "a JSON object with namespace, flowId, startDate, endDate"); err != nil {
		return backend.CountQuery{}, span{}, err
	}
	at, err := spanOf(s.StartDate, s.EndDate, days)
	if err != nil {
		return backend.CountQuery{}, at, err
	}
	q := backend.CountQuery{Query: backend.Query{Tenant: Tenant, Filters: at.filters()}, Bucket: at.bucket, Location: time.Local}
	add := func(f backend.Field, op backend.Op, v any) {
		q.Filters = append(q.Filters, backend.Filter{Field: f, Op: op, Value: v})
	}
	if s.Q != "" {
		add(backend.FieldQuery, backend.OpEquals, s.Q)
	}
	if s.Namespace != "" {
		add(backend.FieldNamespace, backend.OpPrefix, s.Namespace)
	}
	if s.FlowID != "" {
		add(backend.FieldFlowID, backend.OpEquals, s.FlowID)
	}
	if len(s.State) > 0 {
		add(backend.FieldState, backend.OpIn, s.State)
	}
	if s.Scope != "" {
		add(backend.FieldScope, backend.OpEquals, s.Scope)
	}
	return q, at, nil
}

// statistic is the executions, or task runs, that began within one stretch of time. Durations are in seconds.
type statistic struct {
	StartDate time.Time      `json:"startDate"`
	GroupBy   string         `json:"groupBy"`
	Duration  durations      `json:"duration"`
	Counts    map[string]int `json:"executionCounts"`
}

type durations struct {
	Min   float64 `json:"min"`
	Avg   float64 `json:"avg"`
	Max   float64 `json:"max"`
	Sum   float64 `json:"sum"`
	Count int     `json:"count"`
}

// statistics adds counts up, one statistic for each bucket of the span, those without anything too.
func statistics(counts []backend.Count, q backend.CountQuery, s span) []statistic {
	sums := map[int64]*backend.Count{}
	states := map[int64]map[string]int{}
	var out []statistic
	for at := q.BucketOf(s.from); !at.After(s.to); at = nextBucket(q, at) {
		sums[at.Unix()], states[at.Unix()] = &backend.Count{}, zeroCounts()
		out = append(out, statistic{StartDate: at, GroupBy: s.name, Counts: states[at.Unix()]})
	}
	for _, c := range counts {
		if sum := sums[c.Bucket.Unix()]; sum != nil {
			sum.Add(c)
			states[c.Bucket.Unix()][c.State.String()] += c.Count
		}
	}
	for i := range out {
		c := sums[out[i].StartDate.Unix()]
		d := durations{Min: c.Min.Seconds(), Max: c.Max.Seconds(), Sum: c.Sum.Seconds(), Count: c.Count}
		if c.Ended > 0 {
			d.Avg = d.Sum / float64(c.Ended)
		}
		out[i].Duration = d
	}
	return out
}

// nextBucket is when the bucket after the one of a date begins.
func nextBucket(q backend.CountQuery, at time.Time) time.Time {
	for step := q.Bucket; ; step += time.Hour { // a day may have 25 hours, a month 31 days
		if next := q.BucketOf(at.Add(step)); next.After(at) {
			return next
		}
	}
}

func zeroCounts() map[string]int {
	out := map[string]int{}
	for _, s := range model.States() {
		out[s.String()] = 0
	}
	return out
}

func (a *API) dailyStats(taskRuns bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, s, err := new(statQuery).read(r, 30)
		if err != nil {
			return err
		}
		q.TaskRuns = taskRuns
		counts, err := a.Backend.Executions().Count(r.Context(), q)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, statistics(counts, q, s))
	}
}

// grouped counts by group; the counts of each group are in their order.
func (a *API) grouped(r *http.Request, by string, group func(backend.Count) [2]string) (map[[2]string][]statistic, error) {
	q, s, err := new(statQuery).read(r, 30)
	if err != nil {
		return nil, err
	}
	q.By = by
	counts, err := a.Backend.Executions().Count(r.Context(), q)
	if err != nil {
		return nil, err
	}
	parts := map[[2]string][]backend.Count{}
	for _, c := range counts {
		parts[group(c)] = append(parts[group(c)], c)
	}
	out := map[[2]string][]statistic{}
	for g, part := range parts {
		out[g] = statistics(part, q, s)
	}
	return out, nil
}

func (a *API) statsByNamespace(w http.ResponseWriter, r *http.Request) error {
	groups, err := a.grouped(r, "namespace", func(c backend.Count) [2]string { return [2]string{c.Namespace} })
	if err != nil {
		return err
	}
	out := map[string][]statistic{}
	for g, s := range groups {
		out[g[0]] = s
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) statsByFlow(w http.ResponseWriter, r *http.Request) error {
	groups, err := a.grouped(r, "flow", func(c backend.Count) [2]string { return [2]string{c.Namespace, c.FlowID} })
	if err != nil {
		return err
	}
	out := map[string]map[string][]statistic{}
	for g, s := range groups {
		if out[g[0]] == nil {
			out[g[0]] = map[string][]statistic{}
		}
		out[g[0]][g[1]] = s
	}
	return writeJSON(w, http.StatusOK, out)
}

// summary counts what there is: flows, triggers, and the executions and task runs of the time that is asked for.
func (a *API) summary(w http.ResponseWriter, r *http.Request) error {
	body := &statQuery{}
	q, _, err := body.read(r, 30)
	if err != nil {
		return err
	}
	where := backend.Query{Tenant: Tenant}
	if body.Namespace != "" {
		where.Filters = []backend.Filter{{Field: backend.FieldNamespace, Op: backend.OpPrefix, Value: body.Namespace}}
	}
	flows, err := a.Backend.Flows().Search(r.Context(), where)
	if err != nil {
		return err
	}
	triggers, err := a.Backend.Triggers().Search(r.Context(), where)
	if err != nil {
		return err
	}
	executions, err := a.Backend.Executions().Search(r.Context(), q.Query)
	if err != nil {
		return err
	}
	runs, err := a.Backend.Executions().SearchTaskRuns(r.Context(), q.Query)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]int{
		"flows": flows.Total, "triggers": triggers.Total, "executions": executions.Total, "taskruns": runs.Total,
	})
}

// latestByFlow gives the newest execution of each flow that is asked for.
func (a *API) latestByFlow(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Flows []struct {
			Namespace string `json:"namespace"`
			ID        string `json:"id"`
		} `json:"flows"`
	}
	if err := readJSON(r, &body, "a JSON object with flows, each with namespace and id"); err != nil {
		return err
	}
	keys := make([]model.FlowKey, len(body.Flows))
	for i, f := range body.Flows {
		keys[i] = model.FlowKey{Tenant: Tenant, Namespace: f.Namespace, ID: f.ID}
	}
	list, err := a.Backend.Executions().Latest(r.Context(), Tenant, keys)
	if err != nil {
		return err
	}
	e := a.encoder(1024 * (len(list) + 1))
	e.b = append(e.b, '[')
	for _, x := range list {
		e.comma()
		e.execution(x, nil, nil)
	}
	e.b = append(e.b, ']')
	return writeRaw(w, http.StatusOK, e.b)
}

// logStatistic is the log lines of one stretch of time.
type logStatistic struct {
	Timestamp time.Time      `json:"timestamp"`
	GroupBy   string         `json:"groupBy"`
	Counts    map[string]int `json:"counts"`
}

// dailyLogs counts log lines by level. Backends may stop counting at 10,000 lines of a level in one stretch.
func (a *API) dailyLogs(w http.ResponseWriter, r *http.Request) error {
	body := &statQuery{}
	q, at, err := body.read(r, 30)
	if err != nil {
		return err
	}
	where := q.Filters[len(at.filters()):] // without the whole span: each bucket has its own
	out := []logStatistic{}
	for begin := q.BucketOf(at.from); !begin.After(at.to); begin = nextBucket(q, begin) {
		counts, err := a.countLogs(r.Context(), where, begin, nextBucket(q, begin))
		if err != nil {
			return err
		}
		out = append(out, logStatistic{begin, at.name, counts})
	}
	return writeJSON(w, http.StatusOK, out)
}

// countLogs counts the lines of a stretch by level. Most stretches have none at all, which one question tells.
func (a *API) countLogs(ctx context.Context, where []backend.Filter, from, to time.Time) (map[string]int, error) {
	q := backend.Query{Tenant: Tenant, Filters: append(slices.Clone(where),
		backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: from.UTC()},
		backend.Filter{Field: backend.FieldStartDate, Op: backend.OpLess, Value: to.UTC()})}
	p, err := a.Backend.Logs().Search(ctx, q)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, level := range []model.Level{model.LevelTrace, model.LevelDebug, model.LevelInfo, model.LevelWarn, model.LevelError} {
		counts[level.String()] = 0
		if p.Total == 0 {
			continue
		}
		one := q
		one.Filters = append(slices.Clone(q.Filters), backend.Filter{Field: backend.FieldLevel, Op: backend.OpEquals, Value: level.String()})
		found, err := a.Backend.Logs().Search(ctx, one)
		if err != nil {
			return nil, err
		}
		counts[level.String()] = found.Total
	}
	return counts, nil
}
