package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

func (a *API) executionRoutes() {
	a.route("POST", "/executions/{namespace}/{id}", a.createExecution)
	a.route("POST", "/executions/trigger/{namespace}/{id}", a.createExecution)
	a.route("GET", "/executions/{id}", a.getExecution)
	a.route("GET", "/executions/search", a.searchExecutions)
	a.route("GET", "/executions", a.executionsOfFlow)
}

// createExecution creates an execution, and waits for its end if asked to.
func (a *API) createExecution(w http.ResponseWriter, r *http.Request) error {
	req := launch.Request{Flow: model.FlowKey{Tenant: Tenant, Namespace: r.PathValue("namespace"), ID: r.PathValue("id")}}
	if err := createParameters(r, &req); err != nil {
		return err
	}
	flow, err := a.Flows.Get(r.Context(), req.Flow)
	if errors.Is(err, backend.ErrNotFound) {
		return notFound("Flow not found")
	}
	if err != nil {
		return err
	}
	if req.Inputs, err = a.readInputs(r, flow, &req); err != nil {
		return err
	}
	p, err := a.Launcher.Prepare(r.Context(), req)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("wait") == "true" {
		return a.createAndWait(w, r, p)
	}
	if err := a.submit(r.Context(), p); err != nil {
		return err
	}
	return a.writeExecution(w, p.Flow, p.Execution(), []*model.TaskRun{}, true)
}

// traceParent is a W3C trace context; one that is none is as good as none.
var traceParent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// createParameters reads the parameters that stand in the query, and the trace context.
func createParameters(r *http.Request, req *launch.Request) (err error) {
	if parent := r.Header.Get("traceparent"); traceParent.MatchString(parent) {
		req.TraceParent = parent
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	v := r.URL.Query()
	if req.Labels, err = labelsOf(v["labels"]); err != nil {
		return err
	}
	if req.Flow.Revision, err = whole(v, "revision", 0); err != nil {
		return invalid("revision: not a number")
	}
	if s := v.Get("scheduleDate"); s != "" {
		at, err := time.Parse(time.RFC3339Nano, strings.ReplaceAll(s, " ", "+"))
		if err != nil {
			return invalid(fmt.Sprintf("scheduleDate: %q is not a date with time and offset", s))
		}
		at = at.UTC()
		req.ScheduleDate = &at
	}
	if req.Kind = v.Get("kind"); req.Kind == "NORMAL" {
		req.Kind = ""
	}
	for _, b := range v["breakpoints"] {
		for _, one := range strings.Split(b, ",") {
			if id, val, _ := strings.Cut(one, "."); id != "" {
				req.Breakpoints = append(req.Breakpoints, model.TaskBreakpoint{ID: id, Value: val})
			}
		}
	}
	return nil
}

// createAndWait creates an execution and answers when it has finished.
func (a *API) createAndWait(w http.ResponseWriter, r *http.Request, p *launch.Prepared) error {
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: p.Execution().ID})
	defer stop()
	if err := a.submit(r.Context(), p); err != nil {
		return err
	}
	e, runs, err := a.awaitEnd(r.Context(), changes)
	if err != nil {
		return err
	}
	return a.writeExecution(w, p.Flow, e, runs, true)
}

// awaitEnd waits until an execution that is followed from its creation has finished, or was retried by another one. Its
// task runs are those that the changes told of; they are read only where these may not be all.
func (a *API) awaitEnd(ctx context.Context, changes <-chan backend.Change) (*model.Execution, []*model.TaskRun, error) {
	var told []*model.TaskRun
	partial := false
	for {
		select {
		case c, open := <-changes:
			told = append(told, c.TaskRuns...)
			partial = partial || c.Partial
			switch {
			case !open:
				return nil, nil, backend.ErrClosed
			case c.Deleted:
				return nil, nil, backend.ErrGone
			case c.Execution == nil || !c.Execution.Engine.Finished && c.Execution.State.Current() != model.Retried:
				continue
			case !partial:
				return c.Execution, newest(told), nil
			}
			runs, err := a.Backend.Executions().TaskRuns(ctx, Tenant, c.ExecutionID)
			return c.Execution, runs, err
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// newest keeps the last record of each task run, in the order of their creation.
func newest(told []*model.TaskRun) []*model.TaskRun {
	slices.SortStableFunc(told, func(a, b *model.TaskRun) int { return cmp.Compare(a.Engine.Seq, b.Engine.Seq) })
	runs := make([]*model.TaskRun, 0, len(told))
	for i, t := range told {
		if i+1 == len(told) || told[i+1].ID != t.ID {
			runs = append(runs, t)
		}
	}
	return runs
}

// readInputs reads inputs from a multipart or urlencoded form, or from a JSON object. Files are stored as they come.
func (a *API) readInputs(r *http.Request, flow *model.Flow, req *launch.Request) (*value.Map, error) {
	contentType := r.Header.Get("Content-Type")
	typ, params, _ := mime.ParseMediaType(contentType)
	switch typ {
	case "":
		return nil, nil
	case "multipart/form-data":
		req.ID = model.NewID() // the files are stored below it
		req.Drawn = true
		return a.readMultipart(r, multipart.NewReader(r.Body, params["boundary"]), flow, req.ID)
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, badRequest(err.Error())
		}
		m := value.NewMap(len(r.PostForm))
		for k, v := range r.PostForm {
			m.Set(k, v[0])
		}
		return m, nil
	case "application/json":
		b, err := readBody(r, maxPart)
		if err != nil || len(b) == 0 {
			return nil, err
		}
		v, err := value.ParseJSON(b)
		m, ok := v.(*value.Map)
		if err != nil || !ok {
			return nil, badRequest("expected a JSON object with the inputs")
		}
		return m, nil
	}
	if r.ContentLength > 0 {
		return nil, &Error{http.StatusUnsupportedMediaType, "inputs are sent as multipart/form-data or as application/json, not as " + typ}
	}
	return nil, nil
}

// maxPart bounds an input that is not a file, in bytes, and maxParts all of them together.
const (
	maxPart  = 16 << 20
	maxParts = 64 << 20
)

// readMultipart reads the parts of a form as they come. A file is stored for the input that the part, or its file name,
// names; its URI becomes the value.
func (a *API) readMultipart(r *http.Request, form *multipart.Reader, flow *model.Flow, id string) (*value.Map, error) {
	m := value.NewMap(4)
	left := maxParts
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, unreadableForm(err)
		}
		if part.FileName() == "" {
			text, err := readPart(part, min(left, maxPart))
			if err != nil {
				return nil, err
			}
			left -= len(text)
			m.Set(part.FormName(), text)
			continue
		}
		input := part.FormName()
		if !declares(flow, input) {
			input = part.FileName()
		}
		uri, err := a.storeInput(r.Context(), flow, id, input, part.FileName(), part)
		if err != nil {
			return nil, err
		}
		m.Set(input, uri)
	}
}

// readPart reads an input that is not a file.
func readPart(part *multipart.Part, limit int) (string, error) {
	b, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	switch {
	case err != nil:
		return "", unreadableForm(err)
	case len(b) > limit:
		return "", &Error{http.StatusRequestEntityTooLarge, fmt.Sprintf("the input %s is too large: send it as a file", part.FormName())}
	case !utf8.Valid(b):
		return "", invalid(part.FormName() + ": the text is not valid UTF-8")
	}
	return string(b), nil
}

// unreadableForm is the error of a form that ends early or is none, or of one that is too large.
func unreadableForm(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return badRequest("the form cannot be read: " + err.Error())
}

func declares(flow *model.Flow, input string) bool {
	for _, in := range flow.Inputs {
		if in.ID == input {
			return true
		}
	}
	return false
}

func (a *API) storeInput(ctx context.Context, flow *model.Flow, id, input, name string, content io.Reader) (string, error) {
	e := storage.Execution{Flow: storage.Flow{Tenant: flow.Tenant, Namespace: flow.Namespace, ID: flow.ID}, ID: id}
	dir, err := e.InputDir(input)
	if err != nil {
		return "", err
	}
	uri, err := dir.Join(storage.FileName(name))
	if err != nil {
		return "", err
	}
	return uri.String(), a.Storage.Put(ctx, uri, content, nil)
}

// writeExecution answers with one execution.
func (a *API) writeExecution(w http.ResponseWriter, flow *model.Flow, x *model.Execution, runs []*model.TaskRun, withURL bool) error {
	e := a.encoder(1024 + 512*len(runs))
	e.b = append(e.b, '{')
	e.executionMembers(x, runs, a.variables(flow))
	if withURL {
		e.text("url", a.executionURL(x))
	}
	e.b = append(e.b, '}')
	return writeRaw(w, http.StatusOK, e.b)
}

// variables are those of the flow, which an execution has unless it changed them.
func (a *API) variables(flow *model.Flow) []byte {
	if flow == nil || flow.Variables.Len() == 0 {
		return nil
	}
	return value.AppendJSON(nil, flow.Variables, value.JSONOptions{KeepNulls: true})
}

func (a *API) executionURL(x *model.Execution) string {
	base := a.Settings.URL
	if base == "" {
		base = "http://" + a.Settings.Server.Host + ":" + strconv.Itoa(a.Settings.Server.Port)
	}
	return strings.TrimSuffix(base, "/") + "/ui/" + Tenant + "/executions/" + x.Namespace + "/" + x.FlowID + "/" + x.ID
}

func (a *API) getExecution(w http.ResponseWriter, r *http.Request) error {
	x, runs, err := a.loadExecution(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	flow, _ := a.Flows.Cached(model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID, Revision: x.FlowRevision})
	return a.writeExecution(w, flow, x, runs, false)
}

func (a *API) loadExecution(ctx context.Context, id string) (*model.Execution, []*model.TaskRun, error) {
	x, err := a.Backend.Executions().Get(ctx, Tenant, id)
	if err != nil {
		return nil, nil, err
	}
	runs, err := a.Backend.Executions().TaskRuns(ctx, Tenant, id)
	if runs == nil {
		runs = []*model.TaskRun{}
	}
	return x, runs, err
}

func (a *API) searchExecutions(w http.ResponseWriter, r *http.Request) error {
	q, err := ofExecutions.query(r)
	if err != nil {
		return err
	}
	return a.writeExecutions(w, r, q)
}

// executionsOfFlow lists the executions of one flow.
func (a *API) executionsOfFlow(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	q, err := ofExecutions.query(r)
	if err != nil {
		return err
	}
	q.Filters = []backend.Filter{
		{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: v.Get("namespace")},
		{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: v.Get("flowId")},
	}
	return a.writeExecutions(w, r, q)
}

// listedRuns bounds how many task runs are told in one list of executions. The executions that are beyond it are listed
// without theirs, so that the cost of a page does not grow with what its executions did.
const listedRuns = 1000

func (a *API) writeExecutions(w http.ResponseWriter, r *http.Request, q backend.Query) error {
	if len(q.Sort) == 0 {
		q.Sort = []backend.Sort{{By: "state.startDate", Desc: true}}
	}
	page, err := a.Backend.Executions().Search(r.Context(), q)
	if err != nil {
		return err
	}
	e := a.encoder(1024 * (len(page.Results) + 1))
	e.b = append(e.b, `{"results":[`...)
	left := listedRuns
	for _, x := range page.Results {
		var runs []*model.TaskRun
		if left -= x.Engine.Runs; left >= 0 {
			if runs, err = a.Backend.Executions().TaskRuns(r.Context(), Tenant, x.ID); err != nil && !errors.Is(err, backend.ErrNotFound) {
				return err
			}
			if runs == nil {
				runs = []*model.TaskRun{}
			}
		}
		e.comma()
		e.execution(x, runs, nil)
	}
	e.b = append(e.b, `],"total":`...)
	e.b = strconv.AppendInt(e.b, int64(page.Total), 10)
	e.b = append(e.b, '}')
	return writeRaw(w, http.StatusOK, e.b)
}
