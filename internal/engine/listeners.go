package engine

import (
	"encoding/json"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Listener is a trigger that wants to hear of an execution's changes of state.
type Listener struct {
	Trigger model.Entity
	// Outputs says that its expressions read the outputs of the execution's tasks.
	Outputs bool
}

// tellListeners tells triggers of the states that the execution has come to in this turn, each once.
func (x *turn) tellListeners() {
	if x.env.Listeners == nil || !x.s.Exists() {
		return
	}
	was := 0
	if x.before != nil {
		was = len(x.before.State)
	}
	e := x.s.Exec
	var tasks *model.Upstream // what all of them are told of the tasks, which takes a walk over the task runs
	var outputs json.RawMessage
	for i := was; i < len(e.State); i++ {
		for _, l := range x.env.Listeners(e, e.State[i].State) {
			if tasks == nil {
				tasks = x.ofTasks()
			}
			if l.Outputs && outputs == nil {
				outputs = x.taskOutputs()
			}
			up := *tasks
			up.Execution = headerAt(e, i)
			if l.Outputs {
				up.Outputs = outputs
			}
			x.send(model.Event{To: l.Trigger, Kind: model.EventUpstream, Upstream: &up})
		}
	}
}

// headerAt is the execution as it was at one of its states, without what only itself needs.
func headerAt(e *model.Execution, state int) *model.Execution {
	h := *e
	h.State = h.State[:state+1]
	h.Inputs, h.Variables, h.Engine = nil, nil, model.EngineState{}
	return &h
}

// ofTasks is what listeners are told of the execution's tasks.
func (x *turn) ofTasks() *model.Upstream {
	up := &model.Upstream{}
	for _, n := range x.s.order {
		if n == nil {
			continue
		}
		up.Last = n.run.TaskID
		if up.FirstFailed == "" && n.run.State.Current() == model.Failed {
			up.FirstFailed = n.run.TaskID
		}
		if len(n.run.Attempts) < 2 {
			continue
		}
		for _, a := range n.run.Attempts {
			if st := a.State.Current(); !slices.Contains(up.Retried, st) {
				up.Retried = append(up.Retried, st)
			}
		}
	}
	return up
}

// taskOutputs are the outputs of all tasks, as expressions see them; what is encrypted stays so.
func (x *turn) taskOutputs() json.RawMessage {
	sealed := *x.env
	sealed.Decrypt = nil
	v, ok := (&scope{&turn{s: x.s, env: &sealed, now: x.now}, nil}).Var("outputs")
	if !ok {
		return nil
	}
	if lazy, isObject := v.(value.Object); isObject {
		v = lazy.Map()
	}
	return value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true})
}

// tellTrigger tells the trigger that started the execution that it has ended, or is no more.
func (x *turn) tellTrigger() {
	if e := x.s.Exec; e.Engine.StartedBy != "" {
		x.send(runEnd(e))
	}
}

// starter is the trigger that started an execution.
func starter(e *model.Execution) model.Entity {
	return model.TriggerEntity(e.Tenant, e.Namespace, e.FlowID, e.Engine.StartedBy)
}

// runEnd is what its trigger is told of the end of an execution: of one that is RETRIED, who takes over.
func runEnd(e *model.Execution) model.Event {
	end := &model.RunEnd{ExecutionID: e.ID, State: e.State.Current()}
	if end.State == model.Retried {
		end.Successor = retryID(e)
	}
	return model.Event{To: starter(e), Kind: model.EventRunEnded, Run: end}
}

// late sends an event of an execution that is not there.
func (x *turn) late(e model.Event) {
	e.ID, e.At = model.DeriveID("gone", x.ev.ID), x.now
	x.t.Events = append(x.t.Events, e)
}
