package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// scope is the context of one task run's expressions, or of the execution's own when n is nil. Every variable is built
// only when it is read.
type scope struct {
	x *turn
	n *node
}

func (x *turn) scope(n *node) expr.Env { return &scope{x, n} }

// roots are the names of the context variables.
var roots = []string{
	"flow", "execution", "task", "taskrun", "parent", "parents", "outputs", "tasks", "inputs", "vars", "labels", "trigger",
	"envs", "globals", "kestra", "loop", "item",
}

// Names lists the variables that are defined.
func (s *scope) Names() []string {
	var out []string
	for _, r := range roots {
		if _, ok := s.Var(r); ok {
			out = append(out, r)
		}
	}
	return out
}

// Location is the time zone that dates are shown in.
func (s *scope) Location() *time.Location { return s.x.env.Location }

// Call answers a function that touches the world.
func (s *scope) Call(name string, args expr.Args) (any, error) { return s.x.call(s.n, name, args) }

// Var builds a context variable.
func (s *scope) Var(name string) (any, bool) {
	x, n := s.x, s.n
	switch name {
	case "outputs":
		return outputsOf{x, n}, true
	case "inputs":
		m := x.object(x.s.Exec.Inputs, true)
		return m, m != nil
	case "vars":
		return x.variables()
	case "flow":
		return FlowVar(x.s.Flow.Key()), true
	case "execution":
		return ExecutionVar(x.jobHeader()), true
	case "labels":
		m := LabelMap(x.s.Exec.Labels)
		return m, m.Len() > 0
	case "trigger":
		if t := x.s.Exec.Trigger; t != nil {
			m := x.object(t.Variables, false)
			return m, m != nil
		}
	case "tasks":
		return x.tasksVar(), true
	case "envs":
		return x.env.Envs, x.env.Envs != nil
	case "globals":
		return x.env.Globals, x.env.Globals != nil
	case "kestra":
		return x.env.Kestra, x.env.Kestra != nil
	}
	if n == nil {
		return nil, false
	}
	switch name {
	case "task":
		return TaskVar(n.task), true
	case "taskrun":
		return TaskRunVar(n.run), true
	case "parents":
		return x.parentsVar(n), true
	case "parent":
		if all := x.parentsVar(n); len(all) > 0 {
			return all[0], true
		}
	case "loop", "item":
		return x.loopVar(n, name)
	}
	return nil, false
}

// object reads a stored JSON object; encrypted values in it are revealed when reveal is set.
func (x *turn) object(raw json.RawMessage, reveal bool) *value.Map {
	if len(raw) == 0 {
		return nil
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return nil
	}
	if reveal && x.env.Decrypt != nil {
		v = Reveal(v, x.decrypt)
	}
	m, _ := v.(*value.Map)
	return m
}

func (x *turn) decrypt(text string) (string, error) { return x.env.Decrypt(x.s.Exec.ID, text) }

// Reveal replaces the encrypted values within v by their text. What cannot be decrypted stays as it is.
func Reveal(v any, decrypt func(string) (string, error)) any {
	switch t := v.(type) {
	case *value.Map:
		if typ, ok := t.Get("type"); ok {
			if s, ok := typ.(string); ok && strings.EqualFold(s, model.EncryptedType) {
				enc, _ := t.Get("value")
				if text, ok := enc.(string); ok {
					if plain, err := decrypt(text); err == nil {
						return plain
					}
				}
				return v
			}
		}
		out := value.NewMap(t.Len())
		for k, e := range t.All() {
			out.Set(k, Reveal(e, decrypt))
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = Reveal(e, decrypt)
		}
		return out
	}
	return v
}

func (x *turn) variables() (any, bool) {
	if m := x.object(x.s.Exec.Variables, false); m != nil {
		return m, true
	}
	return x.s.Flow.Variables, x.s.Flow.Variables.Len() > 0
}

// FlowVar is the variable flow.
func FlowVar(k model.FlowKey) *value.Map {
	return value.MapOf(value.Entry{Key: "id", Value: k.ID}, value.Entry{Key: "namespace", Value: k.Namespace},
		value.Entry{Key: "revision", Value: value.Int(int64(k.Revision))}, value.Entry{Key: "tenantId", Value: k.Tenant})
}

// ExecutionVar is the variable execution.
func ExecutionVar(h model.JobHeader) *value.Map {
	return value.MapOf(value.Entry{Key: "id", Value: h.ID}, value.Entry{Key: "startDate", Value: value.Instant{T: h.StartDate}},
		value.Entry{Key: "originalId", Value: h.OriginalID}, value.Entry{Key: "state", Value: h.State.String()})
}

// TaskVar is the variable task.
func TaskVar(t *model.Task) *value.Map {
	return value.MapOf(value.Entry{Key: "id", Value: t.ID}, value.Entry{Key: "type", Value: t.Type})
}

// jobHeader is what jobs and expressions know of the execution.
func (x *turn) jobHeader() model.JobHeader {
	e := x.s.Exec
	h := model.JobHeader{
		ID: e.ID, StartDate: e.State.Start(), OriginalID: e.OriginalID, State: x.seenState(), Kind: e.Kind, TraceParent: e.TraceParent,
		Errors: e.Engine.Errors,
	}
	if e.Trigger != nil {
		h.TriggerID = e.Trigger.ID
	}
	return h
}

// TaskRunVar is the variable taskrun.
func TaskRunVar(run *model.TaskRun) *value.Map {
	m := value.NewMap(6)
	m.Set("id", run.ID)
	m.Set("startDate", value.Instant{T: run.State.Start()})
	m.Set("attemptsCount", value.Int(int64(len(run.Attempts))))
	if run.ParentID != "" {
		m.Set("parentId", run.ParentID)
	}
	if run.Value != nil {
		m.Set("value", *run.Value)
	}
	if run.Iteration != nil {
		m.Set("iteration", value.Int(int64(*run.Iteration)))
	}
	return m
}

// LabelMap is the variable labels: keys with dots become nested maps, the first of equal keys counts.
func LabelMap(labels []model.Label) *value.Map {
	m := value.NewMap(len(labels))
	for _, l := range labels {
		if l.Key != "" {
			setNested(m, strings.Split(l.Key, "."), l.Value)
		}
	}
	return m
}

func setNested(m *value.Map, path []string, v any) {
	old, ok := m.Get(path[0])
	if len(path) == 1 {
		if !ok {
			m.Set(path[0], v)
		}
		return
	}
	sub, isMap := old.(*value.Map)
	if !isMap {
		sub = value.NewMap(1)
		m.Set(path[0], sub)
	}
	setNested(sub, path[1:], v)
}

// parentsVar is the variable parents: the flowables around a task run that have a value or outputs, closest first.
func (x *turn) parentsVar(n *node) []any {
	out := []any{}
	for p := x.s.nodes[n.run.ParentID]; p != nil; p = x.s.nodes[p.run.ParentID] {
		if m := parentVar(p.run.Value, p.outputs()); m != nil {
			out = append(out, m)
		}
	}
	return out
}

func parentVar(val *string, outputs *value.Map) *value.Map {
	m := value.NewMap(2)
	if val != nil {
		m.Set("taskrun", value.MapOf(value.Entry{Key: "value", Value: *val}))
	}
	if outputs.Len() > 0 {
		m.Set("outputs", outputs)
	}
	if m.Len() == 0 {
		return nil
	}
	return m
}

// tasksVar is the variable tasks: the state of every task by id, and by value where it has one.
func (x *turn) tasksVar() *value.Map {
	m := value.NewMap(len(x.s.byTask))
	for n := range x.s.all() {
		state := value.MapOf(value.Entry{Key: "state", Value: n.run.State.Current().String()})
		if n.run.Value == nil {
			m.Set(n.run.TaskID, state)
			continue
		}
		old, _ := m.Get(n.run.TaskID)
		byValue, ok := old.(*value.Map)
		if !ok {
			byValue = value.NewMap(1)
			m.Set(n.run.TaskID, byValue)
		}
		byValue.Set(*n.run.Value, state)
	}
	return m
}

// loopVar is the variables loop and item of 2.0's Loop: where the nearest loop around the task run stands.
func (x *turn) loopVar(n *node, name string) (any, bool) {
	items := x.items(n)
	if len(items) == 0 {
		return nil, false
	}
	item := items[0]
	if name == "loop" {
		val, _ := item.Get("value")
		index, _ := item.Get("index")
		return value.MapOf(value.Entry{Key: "value", Value: val}, value.Entry{Key: "index", Value: index},
			value.Entry{Key: "iteration", Value: index}), true
	}
	if len(items) > 1 {
		parents := make([]any, 0, len(items)-1)
		for _, p := range slices.Backward(items[1:]) { // unlike the variable parents, the outermost first
			parents = append(parents, p)
		}
		item.Set("parent", items[1])
		item.Set("parents", parents)
	}
	return item, true
}

// items tells where each loop around a task run stands, the nearest first.
func (x *turn) items(n *node) (out []*value.Map) {
	for p := range x.s.up(n) {
		of := x.s.nodes[p.run.ParentID]
		if p.run.Value == nil || of == nil {
			continue
		}
		item := value.MapOf(value.Entry{Key: "index", Value: value.Int(int64(p.group))}, value.Entry{Key: "value", Value: *p.run.Value})
		if run := of.run.Engine; run.Keys != nil && p.group < len(run.Values) {
			item.Set("value", run.Values[p.group])
			item.Set("key", *p.run.Value)
		}
		out = append(out, item)
	}
	return out
}

// EnterParent puts a task run around those of a job's own: it becomes the closest of the parents.
func EnterParent(vars *value.Map, run *model.TaskRun) {
	m := parentVar(run.Value, nil)
	if m == nil {
		return
	}
	old, _ := vars.Get("parents")
	list, _ := old.([]any)
	vars.Set("parents", append([]any{m}, list...))
	vars.Set("parent", m)
}
