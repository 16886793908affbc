package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
)

// action is something that can be done with an execution, alone, with several by their ids, or with all that a query finds.
type action struct {
	name   string // in paths
	method string // of the single form
	bulk   string // of the other forms
	event  model.EventKind
	// read reads what the request says beyond which execution it is about.
	read func(a *API, r *http.Request) (*model.Action, error)
	// status is that of the single form's answer, with or without the execution in it.
	status int
	body   bool
}

var actions = []action{
	{"kill", "DELETE", "DELETE", model.EventKill, readKill, http.StatusAccepted, false},
	{"pause", "POST", "POST", model.EventPause, readNothing, http.StatusOK, true},
	{"restart", "POST", "POST", model.EventRestart, readRevision, http.StatusOK, true},
	{"replay", "POST", "POST", model.EventReplay, readReplay, http.StatusOK, true},
	{"force-run", "POST", "POST", model.EventForceRun, readNothing, http.StatusOK, true},
	{"unqueue", "POST", "POST", model.EventUnqueue, readState, http.StatusOK, true},
	{"change-status", "POST", "POST", model.EventChangeStatus, readStatus, http.StatusOK, true},
	{"resume", "POST", "POST", model.EventResume, readResume, http.StatusOK, true},
	{"labels", "POST", "POST", model.EventLabels, readLabels, http.StatusOK, true},
}

func (a *API) actionRoutes() {
	for _, act := range actions {
		if act.name != "resume" {
			a.route(act.method, "/executions/{id}/"+act.name, a.orFlow(act.name, a.single(act)))
		}
		if act.name != "resume" {
			a.route(act.method, "/executions/{id}/actions/"+act.name, a.single(act))
		}
		a.route(act.bulk, "/executions/"+act.name+"/by-ids", a.byIDs(act))
		a.route(act.bulk, "/executions/"+act.name+"/by-query", a.byQuery(act))
	}
	a.route("POST", "/executions/{id}/resume", a.orFlow("resume", a.resume))
	a.route("POST", "/executions/{id}/resume/validate", a.validateResume)
	a.route("POST", "/executions/{id}/replay-with-inputs", a.orFlow("replay-with-inputs", a.replayWithInputs))
	a.route("POST", "/executions/{id}/state", a.orFlow("state", a.changeTaskRun))
	a.route("POST", "/executions/{id}/actions/resume", a.resume)
	a.route("POST", "/executions/{id}/actions/resume/validate", a.validateResume)
	a.route("POST", "/executions/{id}/actions/resume-from-breakpoint", a.resume)
	a.route("POST", "/executions/{id}/actions/replay-with-inputs", a.replayWithInputs)
	a.route("POST", "/executions/{id}/actions/state", a.changeTaskRun)
	a.route("DELETE", "/executions/{id}", a.deleteExecution)
	a.route("DELETE", "/executions/by-ids", a.deleteByIDs)
	a.route("DELETE", "/executions/by-query", a.deleteByQuery)
}

// orFlow tells an action on an execution from the creation of an execution of a flow that has the action's name: the paths
// are alike, but ids have capital letters and namespaces have none. Where there is no such flow, it is an action after all.
func (a *API) orFlow(name string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		first := r.PathValue("id")
		if r.Method != http.MethodPost || strings.ToLower(first) != first {
			return h(w, r)
		}
		if _, err := a.Flows.Get(r.Context(), model.FlowKey{Tenant: Tenant, Namespace: first, ID: name}); errors.Is(err, backend.ErrNotFound) {
			return h(w, r)
		}
		r.SetPathValue("namespace", first)
		r.SetPathValue("id", name)
		return a.createExecution(w, r)
	}
}

// patience is how long an executor's answer is waited for: it takes long only where no executor runs, or where it has far
// more to do than it can.
const patience = time.Minute

// patiently does what waits for an executor's answer. What was sent stays stored if the answer does not come in time.
func patiently(ctx context.Context, wait func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := wait(bounded)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return &Error{http.StatusServiceUnavailable, "no executor has answered: the request is stored, and done as soon as one does"}
	}
	return err
}

// answerOf sends an event to an execution and waits for its owner's answer.
func (a *API) answerOf(ctx context.Context, id string, kind model.EventKind, act *model.Action) (ans model.Answer, err error) {
	err = patiently(ctx, func(ctx context.Context) (err error) {
		ans, err = a.Backend.Ask(ctx, model.Event{
			ID: model.NewID(), To: model.ExecutionEntity(id), Kind: kind, At: time.Now().UTC(), Ask: model.NewID(), Action: act,
		})
		return err
	})
	return ans, err
}

// submit creates a prepared execution.
func (a *API) submit(ctx context.Context, p *launch.Prepared) error {
	return patiently(ctx, func(ctx context.Context) error { return a.Launcher.Submit(ctx, p) })
}

// ask has an execution's owner do something and returns what the execution is afterwards.
func (a *API) ask(ctx context.Context, id string, kind model.EventKind, act *model.Action) (*model.Execution, error) {
	if act.Revision == latestRevision {
		x, err := a.Backend.Executions().Get(ctx, Tenant, id)
		if err != nil {
			return nil, err
		}
		f, err := a.Flows.Get(ctx, model.FlowKey{Tenant: Tenant, Namespace: x.Namespace, ID: x.FlowID})
		if err != nil {
			return nil, err
		}
		act.Revision = f.Revision
	}
	ans, err := a.answerOf(ctx, id, kind, act)
	if err != nil {
		return nil, err
	}
	if next := ans.Execution; ans.Code == model.AnswerDone && next != nil && next.ID != id {
		// Another execution came of it. Its owner answers behind its creation: then it can be read.
		if _, err = a.answerOf(ctx, next.ID, model.EventExplain, nil); err != nil {
			return nil, err
		}
	}
	if ans.Code == model.AnswerDone {
		a.observer.acted(kind)
	}
	return ans.Execution, refused(ans)
}

func (a *API) single(act action) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		todo, err := act.read(a, r)
		if err != nil {
			return err
		}
		x, err := a.ask(r.Context(), r.PathValue("id"), act.event, todo)
		if err != nil {
			return err
		}
		if !act.body || x == nil {
			w.WriteHeader(act.status)
			return nil
		}
		return a.answerExecution(w, r, x)
	}
}

// answerExecution answers with an execution as it is now.
func (a *API) answerExecution(w http.ResponseWriter, r *http.Request, x *model.Execution) error {
	runs, err := a.Backend.Executions().TaskRuns(r.Context(), Tenant, x.ID)
	if err != nil && !errors.Is(err, backend.ErrNotFound) {
		return err
	}
	if runs == nil {
		runs = []*model.TaskRun{}
	}
	return a.writeExecution(w, nil, x, runs, false)
}

// outcome is the answer to an action on several executions.
type outcome struct {
	Count int `json:"count"`
}

// refusal tells why an action on several executions could not be done on one of them.
type refusal struct {
	Message      string `json:"message"`
	InvalidValue string `json:"invalidValue"`
}

func (a *API) byIDs(act action) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		todo, ids, err := a.readBulk(r, act)
		if err != nil {
			return err
		}
		return a.doAll(w, r, act, todo, ids)
	}
}

// readBulk reads the ids, and what else the request says: a list of ids, or an object that has them among other things.
func (a *API) readBulk(r *http.Request, act action) (*model.Action, []string, error) {
	b, err := readBody(r, maxPart)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	var object struct {
		ExecutionIDs    []string      `json:"executionsId"`
		Labels          []model.Label `json:"executionLabels"`
		LabelsOfRequest []model.Label `json:"labels"`
	}
	if json.Unmarshal(b, &ids) != nil {
		if err := json.Unmarshal(b, &object); err != nil {
			return nil, nil, badRequest("expected a JSON list of execution ids")
		}
		ids = object.ExecutionIDs
	}
	if act.event == model.EventLabels {
		return &model.Action{Labels: append(object.Labels, object.LabelsOfRequest...)}, ids, checkLabels(append(object.Labels, object.LabelsOfRequest...))
	}
	r.Body = http.NoBody
	todo, err := act.read(a, r)
	return todo, ids, err
}

func (a *API) byQuery(act action) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		todo, err := act.read(a, r)
		if err != nil {
			return err
		}
		ids, err := a.selected(r)
		if err != nil {
			return err
		}
		return a.doAll(w, r, act, todo, ids)
	}
}

// selected lists the ids of all executions that a request's filters find.
func (a *API) selected(r *http.Request) ([]string, error) {
	q, err := ofExecutions.query(r)
	if err != nil {
		return nil, err
	}
	q.Page, q.Size, q.NoTotal, q.Sort = 1, batch, true, []backend.Sort{{By: "id"}}
	var ids []string
	for {
		p, err := a.Backend.Executions().Search(r.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, x := range p.Results {
			ids = append(ids, x.ID)
		}
		if len(p.Results) < q.Size || p.Cursor == "" {
			return ids, nil
		}
		q.After = p.Cursor
	}
}

// doAll does an action with several executions. If one of them refuses, the others are done all the same and the answer
// says which refused.
func (a *API) doAll(w http.ResponseWriter, r *http.Request, act action, todo *model.Action, ids []string) error {
	var refusals []refusal
	done := 0
	for _, id := range ids {
		one := *todo
		_, err := a.ask(r.Context(), id, act.event, &one)
		var known *Error
		switch {
		case errors.As(err, &known):
			refusals = append(refusals, refusal{known.Message, id})
		case err != nil:
			return err
		default:
			done++
		}
	}
	if len(refusals) > 0 {
		return writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"message": "invalid bulk " + act.name, "invalids": refusals, "count": done})
	}
	return writeJSON(w, http.StatusOK, outcome{done})
}

func readNothing(*API, *http.Request) (*model.Action, error) { return &model.Action{}, nil }

func readKill(_ *API, r *http.Request) (*model.Action, error) {
	return &model.Action{Cascade: r.URL.Query().Get("isOnKillCascade") != "false"}, nil
}

func readRevision(_ *API, r *http.Request) (*model.Action, error) {
	n, err := whole(r.URL.Query(), "revision", 0)
	if err != nil {
		return nil, invalid("revision: not a number")
	}
	return &model.Action{Revision: n}, nil
}

func readReplay(a *API, r *http.Request) (*model.Action, error) {
	act, err := readRevision(a, r)
	if err != nil {
		return nil, err
	}
	act.TaskRunID = r.URL.Query().Get("taskRunId")
	if b := r.URL.Query().Get("breakpoints"); b != "" {
		for _, one := range strings.Split(b, ",") {
			id, val, _ := strings.Cut(one, ".")
			act.Breakpoints = append(act.Breakpoints, model.TaskBreakpoint{ID: id, Value: val})
		}
	}
	if r.URL.Query().Get("latestRevision") == "true" {
		act.Revision = latestRevision
	}
	return act, nil
}

// latestRevision asks for whichever revision is the latest when the action is done.
const latestRevision = -1

func readState(_ *API, r *http.Request) (*model.Action, error) {
	return stateParameter(r, "state", "newState")
}

func readStatus(_ *API, r *http.Request) (*model.Action, error) {
	act, err := stateParameter(r, "status", "newStatus")
	if err == nil && act.State == 0 {
		err = invalid("status: a state is required")
	}
	return act, err
}

func stateParameter(r *http.Request, names ...string) (*model.Action, error) {
	for _, name := range names {
		if s := r.URL.Query().Get(name); s != "" {
			st, err := model.ParseState(s)
			if err != nil {
				return nil, invalid(name + ": " + err.Error())
			}
			return &model.Action{State: st}, nil
		}
	}
	return &model.Action{}, nil
}

func readResume(*API, *http.Request) (*model.Action, error) { return &model.Action{}, nil }

// readLabels reads labels from a JSON list, or from an object.
func readLabels(_ *API, r *http.Request) (*model.Action, error) {
	b, err := readBody(r, maxPart)
	if err != nil {
		return nil, err
	}
	var list []model.Label
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, badRequest("expected a JSON list of labels with key and value")
	}
	return &model.Action{Labels: list}, checkLabels(list)
}

func checkLabels(list []model.Label) error {
	for _, l := range list {
		if l.Key == "" {
			return invalid("labels: a label has no key")
		}
		if strings.HasPrefix(l.Key, model.SystemPrefix) {
			return invalid(fmt.Sprintf("System labels can only be set by Windhover itself, forbidden label: %s=%s.", l.Key, l.Value))
		}
	}
	return nil
}

// changeTaskRun gives a task run another end.
func (a *API) changeTaskRun(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		TaskRunID string `json:"taskRunId"`
		State     string `json:"state"`
	}
	if typ, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); typ != "application/json" {
		return badRequest("expected a JSON object with taskRunId and state")
	}
	if err := readJSON(r, &body, "a JSON object with taskRunId and state"); err != nil {
		return err
	}
	st, err := model.ParseState(body.State)
	if err != nil {
		return invalid("state: " + err.Error())
	}
	x, err := a.ask(r.Context(), r.PathValue("id"), model.EventChangeState, &model.Action{TaskRunID: body.TaskRunID, State: st})
	if err != nil {
		return err
	}
	return a.answerExecution(w, r, x)
}
