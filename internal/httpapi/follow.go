package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

func (a *API) followRoutes() {
	a.route("GET", "/executions/{id}/follow", a.followExecution)
	a.route("GET", "/executions/{id}/follow-dependencies", a.followRelated)
	a.route("GET", "/logs/{executionId}/follow", a.followLogs)
	a.route("GET", "/executions/{id}/explain", a.explain)
}

// keepAlive is how often a stream says that it is still there, so that proxies do not close it.
const keepAlive = 15 * time.Second

// stream is a response of server-sent events.
type stream struct {
	w     http.ResponseWriter
	f     http.Flusher
	close func() // when nothing more is sent
}

// stream begins to answer with events that tell of something.
func (a *API) stream(w http.ResponseWriter, of string) (*stream, error) {
	f, ok := w.(http.Flusher)
	if !ok {
		return nil, fmt.Errorf("the connection cannot stream")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	a.observer.opened.WithLabelValues(of).Inc()
	open := a.observer.streams.WithLabelValues(of)
	open.Inc()
	return &stream{w, f, open.Dec}, nil
}

// send sends one event.
func (s *stream) send(id string, data []byte) {
	_, _ = fmt.Fprintf(s.w, "id: %s\ndata: %s\n\n", id, data)
	s.f.Flush()
}

func (s *stream) alive() {
	_, _ = fmt.Fprint(s.w, ": alive\n\n")
	s.f.Flush()
}

// followExecution streams an execution each time that it changes, until it has finished.
func (a *API) followExecution(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	x, runs, err := a.loadExecution(r.Context(), id)
	if err != nil {
		return err
	}
	s, err := a.stream(w, "execution")
	if err != nil {
		return err
	}
	defer s.close()
	s.send("start", []byte("{}"))
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		end := x.Engine.Finished
		s.send(eventID(end), a.executionBytes(x, runs))
		if end {
			return nil
		}
		for waiting := true; waiting; {
			select {
			case c, open := <-changes:
				if !open || c.Deleted {
					return nil
				}
				waiting = false
			case <-tick.C:
				s.alive()
			case <-r.Context().Done():
				return nil
			}
		}
		if x, runs, err = a.loadExecution(r.Context(), id); err != nil {
			return nil
		}
	}
}

func eventID(end bool) string {
	if end {
		return "end"
	}
	return "progress"
}

func (a *API) executionBytes(x *model.Execution, runs []*model.TaskRun) []byte {
	e := a.encoder(1024)
	e.execution(x, runs, nil)
	return e.b
}

// followLogs streams the lines of an execution's log, those that are there first, until the execution has finished.
func (a *API) followLogs(w http.ResponseWriter, r *http.Request) error {
	q, err := logQuery(r)
	if err != nil {
		return err
	}
	id := r.PathValue("executionId")
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id, Logs: true})
	defer stop()
	x, err := a.Backend.Executions().Get(r.Context(), Tenant, id)
	if err != nil {
		return err
	}
	s, err := a.stream(w, "log")
	if err != nil {
		return err
	}
	defer s.close()
	s.send("start", []byte("{}"))
	tail := &logTail{query: q, seen: map[lineKey]bool{}}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		if err := tail.read(r.Context(), a, x.Engine.Finished, func(l *model.LogEntry) { s.send("progress", mustJSON(l)) }); err != nil {
			return nil
		}
		if x.Engine.Finished {
			s.send("end", []byte("{}"))
			return nil
		}
		for waiting := true; waiting; {
			select {
			case c, open := <-changes:
				if !open || c.Deleted {
					return nil
				}
				if c.Execution != nil {
					x = c.Execution
				}
				waiting = false
			case <-tick.C:
				s.alive()
			case <-r.Context().Done():
				return nil
			}
		}
	}
}

// logTail reads a log that grows.
type logTail struct {
	query  backend.Query
	seen   map[lineKey]bool
	newest time.Time
}

// lineKey names a line.
type lineKey struct {
	taskRun      string
	at           int64
	attempt, seq int
	message      string // of a line that belongs to no attempt
}

// overlap is how much of what was read is read again: lines are stored a little out of their order, since each task gathers
// its own. What comes later still is found by the last look, which is at all of them.
const overlap = 5 * time.Second

// read calls f with the lines that are new.
func (t *logTail) read(ctx context.Context, a *API, last bool, f func(*model.LogEntry)) error {
	q := t.query
	if !last && !t.newest.IsZero() {
		since := backend.Filter{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: t.newest.Add(-overlap)}
		q.Filters = append(q.Filters[:len(q.Filters):len(q.Filters)], since)
	}
	return a.eachLine(ctx, q, func(l *model.LogEntry) {
		key := lineKey{taskRun: l.TaskRunID, at: l.Timestamp.UnixMicro(), seq: l.Seq}
		if l.Attempt != nil {
			key.attempt = *l.Attempt
		} else {
			key.message = l.Message
		}
		if t.seen[key] {
			return
		}
		t.seen[key] = true
		if l.Timestamp.After(t.newest) {
			t.newest = l.Timestamp
		}
		f(l)
	})
}

// followRelated streams the states of an execution and of those that belong to it, by their correlation, until all of them
// have finished.
func (a *API) followRelated(w http.ResponseWriter, r *http.Request) error {
	x, err := a.Backend.Executions().Get(r.Context(), Tenant, r.PathValue("id"))
	if err != nil {
		return err
	}
	together := correlation(x)
	changes, stop := a.Backend.Follow(backend.FeedFilter{CorrelationID: together})
	defer stop()
	q := backend.Query{Tenant: Tenant, Filters: []backend.Filter{
		{Field: backend.FieldLabels, Op: backend.OpEquals, Value: []model.Label{{Key: model.LabelCorrelation, Value: together}}}}}
	list, err := all(q, func(q backend.Query) (backend.Page[*model.Execution], error) {
		return a.Backend.Executions().Search(r.Context(), q)
	})
	if err != nil {
		return err
	}
	s, err := a.stream(w, "dependencies")
	if err != nil {
		return err
	}
	defer s.close()
	s.send("start", []byte("{}"))
	running := map[string]bool{}
	tell := func(x *model.Execution) {
		if running[x.ID] = true; x.Engine.Finished {
			delete(running, x.ID)
		}
		s.send("progress", a.statusBytes(x))
	}
	for _, one := range list {
		tell(one)
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for len(running) > 0 {
		select {
		case c, open := <-changes:
			switch {
			case !open:
				return nil
			case c.Deleted:
				delete(running, c.ExecutionID)
			case c.Execution != nil:
				tell(c.Execution)
			}
		case <-tick.C:
			s.alive()
		case <-r.Context().Done():
			return nil
		}
	}
	if x, err = a.Backend.Executions().Get(r.Context(), Tenant, x.ID); err == nil {
		s.send("end", a.statusBytes(x))
	}
	return nil
}

// statusBytes is where an execution stands.
func (a *API) statusBytes(x *model.Execution) []byte {
	e := a.encoder(512)
	e.b = append(e.b, '{')
	e.text("executionId", x.ID)
	e.text("tenantId", x.Tenant)
	e.text("namespace", x.Namespace)
	e.text("flowId", x.FlowID)
	e.state(x.State)
	e.b = append(e.b, '}')
	return e.b
}

// explain says what an execution that is not finished waits for, and since when.
func (a *API) explain(w http.ResponseWriter, r *http.Request) error {
	ans, err := a.answerOf(r.Context(), r.PathValue("id"), model.EventExplain, nil)
	if err == nil {
		err = refused(ans)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"id": ans.Execution.ID, "state": ans.Execution.State.Current(), "waits": json.RawMessage(a.hider(ans.Execution, nil).JSON(ans.Body))})
}
