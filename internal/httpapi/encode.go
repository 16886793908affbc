package httpapi

import (
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// An encoder appends JSON. Executions are written by hand: they are what the API answers with most.
type encoder struct {
	api *API
	b   []byte
	now time.Time
	// secrets hides secrets in what is told of the execution at hand.
	secrets mask.Hider
}

// encoder begins an answer of about so many bytes.
func (a *API) encoder(size int) *encoder {
	return &encoder{api: a, b: make([]byte, 0, size), now: time.Now(), secrets: a.Masks.Of("")}
}

// field begins a member of an object; the first one of an object follows its brace.
func (e *encoder) field(name string) {
	if c := e.b[len(e.b)-1]; c != '{' && c != '[' {
		e.b = append(e.b, ',')
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, name...)
	e.b = append(e.b, '"', ':')
}

func (e *encoder) text(name, s string) {
	e.field(name)
	e.b = value.AppendJSONString(e.b, s)
}

func (e *encoder) optional(name, s string) {
	if s != "" {
		e.text(name, s)
	}
}

func (e *encoder) number(name string, n int) {
	e.field(name)
	e.b = strconv.AppendInt(e.b, int64(n), 10)
}

func (e *encoder) boolean(name string, v bool) {
	e.field(name)
	e.b = strconv.AppendBool(e.b, v)
}

func (e *encoder) raw(name string, raw []byte) {
	if len(raw) > 0 {
		e.field(name)
		e.b = append(e.b, raw...)
	}
}

func (e *encoder) date(name string, t time.Time) {
	e.field(name)
	e.b = append(e.b, '"')
	e.b = t.UTC().AppendFormat(e.b, "2006-01-02T15:04:05.000000Z")
	e.b = append(e.b, '"')
}

// data appends what flows and people have put in, with the secrets in it hidden.
func (e *encoder) data(name string, raw []byte) { e.raw(name, e.secrets.JSON(raw)) }

// comma separates the elements of a list.
func (e *encoder) comma() {
	if e.b[len(e.b)-1] != '[' {
		e.b = append(e.b, ',')
	}
}

func (e *encoder) state(h model.History) {
	e.field("state")
	e.b = append(e.b, '{')
	e.text("current", h.Current().String())
	e.field("histories")
	e.b = append(e.b, '[')
	for _, c := range h {
		e.comma()
		e.b = append(e.b, '{')
		e.text("state", c.State.String())
		e.date("date", c.Date)
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
	e.text("duration", model.FormatDuration(h.Duration(e.now)))
	e.date("startDate", h.Start())
	if end, ok := h.End(); ok {
		e.date("endDate", end)
	}
	e.b = append(e.b, '}')
}

// execution appends an execution; without runs, it has no task runs at all.
func (e *encoder) execution(x *model.Execution, runs []*model.TaskRun, variables []byte) {
	e.b = append(e.b, '{')
	e.executionMembers(x, runs, variables)
	e.b = append(e.b, '}')
}

func (e *encoder) executionMembers(x *model.Execution, runs []*model.TaskRun, variables []byte) {
	e.secrets = e.api.hider(x, runs)
	e.text("tenantId", x.Tenant)
	e.text("id", x.ID)
	e.text("namespace", x.Namespace)
	e.text("flowId", x.FlowID)
	e.number("flowRevision", x.FlowRevision)
	if runs != nil {
		e.field("taskRunList")
		e.b = append(e.b, '[')
		for _, r := range runs {
			e.comma()
			e.taskRun(r)
		}
		e.b = append(e.b, ']')
	}
	e.data("inputs", x.Inputs)
	e.data("outputs", x.Outputs)
	e.labels(x.Labels)
	if len(x.Variables) > 0 {
		variables = x.Variables
	}
	e.data("variables", variables)
	e.state(x.State)
	e.optional("parentId", x.ParentID)
	e.text("originalId", x.OriginalID)
	if t := x.Trigger; t != nil {
		e.field("trigger")
		e.b = append(e.b, '{')
		e.text("id", t.ID)
		e.text("type", t.Type)
		e.data("variables", t.Variables)
		e.optional("logFile", t.LogFile)
		e.b = append(e.b, '}')
	}
	e.boolean("deleted", x.Deleted)
	e.field("metadata")
	e.b = append(e.b, '{')
	e.number("attemptNumber", x.Metadata.AttemptNumber)
	e.date("originalCreatedDate", x.Metadata.OriginalCreatedDate)
	e.b = append(e.b, '}')
	if x.ScheduleDate != nil {
		e.date("scheduleDate", *x.ScheduleDate)
	}
	e.optional("kind", x.Kind)
	e.optional("traceParent", x.TraceParent)
	if len(x.Breakpoints) > 0 {
		e.field("breakpoints")
		e.b = append(e.b, '[')
		for _, p := range x.Breakpoints {
			e.comma()
			e.b = append(e.b, '{')
			e.text("id", p.ID)
			e.optional("value", p.Value)
			e.b = append(e.b, '}')
		}
		e.b = append(e.b, ']')
	}
}

func (e *encoder) labels(list []model.Label) {
	e.field("labels")
	e.b = append(e.b, '[')
	for _, l := range list {
		e.comma()
		e.b = append(e.b, '{')
		e.text("key", l.Key)
		e.text("value", e.secrets.Replace(l.Value))
		e.b = append(e.b, '}')
	}
	e.b = append(e.b, ']')
}

func (e *encoder) taskRun(r *model.TaskRun) {
	e.b = append(e.b, '{')
	e.text("tenantId", r.Tenant)
	e.text("id", r.ID)
	e.text("executionId", r.ExecutionID)
	e.text("namespace", r.Namespace)
	e.text("flowId", r.FlowID)
	e.text("taskId", r.TaskID)
	e.optional("parentTaskRunId", r.ParentID)
	if r.Value != nil {
		e.text("value", e.secrets.Replace(*r.Value))
	}
	if len(r.Attempts) > 0 {
		e.field("attempts")
		e.b = append(e.b, '[')
		for i := range r.Attempts {
			e.comma()
			e.b = append(e.b, '{')
			e.state(r.Attempts[i].State)
			e.optional("logFile", r.Attempts[i].LogFile)
			e.optional("workerId", r.Attempts[i].WorkerID)
			e.b = append(e.b, '}')
		}
		e.b = append(e.b, ']')
	}
	if len(r.Outputs) > 0 {
		e.data("outputs", r.Outputs)
	} else {
		e.raw("outputs", []byte("{}"))
	}
	e.state(r.State)
	if r.Iteration != nil {
		e.number("iteration", *r.Iteration)
	}
	if r.Dynamic {
		e.boolean("dynamic", true)
	}
	e.b = append(e.b, '}')
}
