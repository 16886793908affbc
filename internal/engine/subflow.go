package engine

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// startSubflow starts the execution that a Subflow task calls, and waits for it unless told not to. After a restart that is
// the execution of before.
func (x *turn) startSubflow(n *node) {
	goesOn := x.goesOn(n)
	x.move(n, model.Running)
	x.openAttempt(n)
	wait, err := x.renderBool(n, "wait", true)
	switch {
	case err != nil:
		x.notBegun(n, err)
	case goesOn && wait && n.run.Engine.Child != "":
		x.setOutputs(n, value.MapOf(value.Entry{Key: "executionId", Value: n.run.Engine.Child}))
		x.takeUp(n, n.run.Engine.Child, 0)
	default:
		x.startChild(n, wait)
	}
}

// startChild starts another execution.
func (x *turn) startChild(n *node, wait bool) {
	child, err := x.childExecution(n, -1)
	if err == nil && wait {
		err = x.waitFor(child, n, 0)
	}
	if err != nil {
		x.notBegun(n, err)
		return
	}
	run := x.edit(n)
	run.Engine.Child = child.ID
	out := value.MapOf(value.Entry{Key: "executionId", Value: child.ID}, value.Entry{Key: "state", Value: model.Created.String()})
	if wait {
		out = value.MapOf(value.Entry{Key: "executionId", Value: child.ID})
	}
	x.setOutputs(n, out)
	x.send(model.Event{To: model.ExecutionEntity(child.ID), Kind: model.EventCreate, Create: &model.NewExecution{Execution: child}})
	if !wait {
		x.closeAttempt(n, model.Success)
		x.endLeaf(n, model.Success)
	}
}

// maxDepth is how many executions may wait for one another in a row: flows that call each other without end must not fill the
// installation.
const maxDepth = 100

// waitFor has a task run wait for the execution that it starts.
func (x *turn) waitFor(child *model.Execution, n *node, batch int) error {
	child.Engine.Waiting, child.Engine.Depth = waiter(n, batch), x.s.Exec.Engine.Depth+1
	if child.Engine.Depth > maxDepth {
		return fmt.Errorf("%d executions wait for one another already: do the flows call each other without end?", maxDepth)
	}
	return nil
}

// waiter names the newest attempt of a task run as what waits for an execution, that of a batch.
func waiter(n *node, batch int) *model.Waiting {
	return &model.Waiting{
		ExecutionID: n.run.ExecutionID, TaskRunID: n.run.ID, Attempt: len(n.run.Attempts), Iteration: batch, Context: n.task.Props.Has("outputs"),
	}
}

// notBegun ends a task run that could not be begun: its execution, or its job.
func (x *turn) notBegun(n *node, err error) {
	x.log(n, model.LevelError, "%v", err)
	x.edit(n).Engine.Error = x.hidden(err.Error())
	x.closeAttempt(n, model.Failed)
	x.endLeaf(n, model.Failed)
}

// childExecution builds the execution that a task starts: that of its batch, or its only one when batch is negative.
func (x *turn) childExecution(n *node, batch int) (*model.Execution, error) {
	key, err := x.childKey(n)
	if err != nil {
		return nil, err
	}
	flow := x.env.flow(key)
	switch {
	case flow == nil:
		return nil, fmt.Errorf("the flow %s.%s does not exist", key.Namespace, key.ID)
	case flow.Disabled:
		return nil, fmt.Errorf("the flow %s.%s is disabled", key.Namespace, key.ID)
	}
	given, err := x.childInputs(n, batch)
	if err != nil {
		return nil, err
	}
	e := x.s.Exec
	id := childID(n.run)
	if batch >= 0 {
		id = n.run.BatchID(batch)
	}
	child := &model.Execution{
		Tenant: e.Tenant, ID: id, OriginalID: id, Namespace: flow.Namespace, FlowID: flow.ID, FlowRevision: flow.Revision,
		State:    model.NewHistory(model.Created, x.now),
		Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: x.now},
		Trigger:  &model.TriggerInfo{ID: n.run.TaskID, Type: n.task.Type, Variables: x.callerVariables(n, batch)},
		Kind:     e.Kind, TraceParent: e.TraceParent,
	}
	if child.Inputs, err = x.env.Inputs(flow, given, x.scope(n)); err != nil {
		return nil, checked(err)
	}
	if child.Labels, err = x.childLabels(n, flow); err != nil {
		return nil, err
	}
	child.ScheduleDate, err = x.scheduleDate(n)
	return child, err
}

// childID is the id of the execution that a task run starts with its newest attempt.
func childID(run *model.TaskRun) string {
	return model.DeriveID("child", run.ID, strconv.Itoa(len(run.Attempts)), "-1")
}

func (x *turn) childKey(n *node) (key model.FlowKey, err error) {
	key.Tenant = x.s.Exec.Tenant
	if key.Namespace, err = x.render(n, prop(n.task, "namespace")); err != nil {
		return key, fmt.Errorf("namespace: %w", err)
	}
	if key.ID, err = x.render(n, prop(n.task, "flowId")); err != nil {
		return key, fmt.Errorf("flowId: %w", err)
	}
	key.Revision, err = x.renderInt(n, "revision", 0)
	return key, err
}

func (x *turn) childInputs(n *node, batch int) (*value.Map, error) {
	written, _ := n.task.Props.Get("inputs")
	if written == nil {
		return nil, nil
	}
	v, err := x.renderBatch(n, batch, written)
	if err != nil {
		return nil, fmt.Errorf("inputs: %w", err)
	}
	if text, ok := v.(string); ok {
		if v, err = value.ParseJSON([]byte(text)); err != nil {
			return nil, fmt.Errorf("inputs: %w", err)
		}
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("inputs: expected a map, got %s", value.TypeName(v))
	}
	return m, nil
}

// callerVariables is the variable trigger of the execution that a task starts. That of a batch is told the batch's number and
// where its outputs belong.
func (x *turn) callerVariables(n *node, batch int) json.RawMessage {
	e := x.s.Exec
	m := value.NewMap(8)
	m.Set("executionId", e.ID)
	m.Set("namespace", e.Namespace)
	m.Set("flowId", e.FlowID)
	m.Set("flowRevision", value.Int(int64(e.FlowRevision)))
	m.Set("taskRunId", n.run.ID)
	m.Set("taskId", n.run.TaskID)
	if n.run.Value != nil {
		m.Set("taskRunValue", *n.run.Value)
	}
	switch {
	case batch >= 0:
		m.Set("taskRunIteration", value.Int(int64(batch)))
		m.Set("taskRunOutputs", value.MapOf(value.Entry{Key: "uri", Value: outputsBase(n.run) + "/" + strconv.Itoa(batch) + "/outputs.ion"},
			value.Entry{Key: "numberOfBatches", Value: value.Int(int64(n.run.Engine.Batches))}))
	case n.run.Iteration != nil:
		m.Set("taskRunIteration", value.Int(int64(*n.run.Iteration)))
	}
	return value.AppendJSON(nil, m, value.JSONOptions{})
}

// childLabels are the flow's own labels, those inherited from this execution, and the task's. The correlation id always
// goes along, so that everything that one cause led to is found by it.
func (x *turn) childLabels(n *node, flow *model.Flow) ([]model.Label, error) {
	inherit, err := x.renderBool(n, "inheritLabels", false)
	if err != nil {
		return nil, err
	}
	var out []model.Label
	for _, l := range flow.Labels {
		if !isSystem(l.Key) {
			out = append(out, l)
		}
	}
	for _, l := range x.s.Exec.Labels {
		if inherit || isSystem(l.Key) {
			out = mergeLabels(out, []model.Label{l})
		}
	}
	v, err := x.renderProp(n, "labels")
	if err != nil {
		return nil, err
	}
	own, err := labelsOf(v)
	return mergeLabels(out, own), err
}

func (x *turn) scheduleDate(n *node) (*time.Time, error) {
	text, err := x.render(n, prop(n.task, "scheduleDate"))
	if err != nil || text == "" {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("scheduleDate: %q is not a date with time and offset", text)
	}
	at = at.UTC()
	return &at, nil
}

// onChildEnded takes the end of an execution that a task of this one waits for.
func (x *turn) onChildEnded() {
	c := x.ev.Child
	n := x.s.nodes[c.TaskRunID]
	if n == nil || n.run.State.Current() != model.Running || c.Attempt != len(n.run.Attempts) {
		x.ignore("nobody waits for that execution")
		return
	}
	if n.task.Kind == model.KindBatches {
		x.batchEnded(n, c)
		return
	}
	if c.Refused {
		if n.run.Engine.Child == childID(n.run) {
			x.ignore("another execution was started already")
			return
		}
		x.log(n, model.LevelWarn, "another execution is started: %s", c.Failure)
		x.startChild(n, true)
		return
	}
	if n.run.Engine.Child != c.ChildID { // another execution took over from the one that was started
		x.edit(n).Engine.Child = c.ChildID
	}
	out := value.MapOf(value.Entry{Key: "executionId", Value: c.ChildID}, value.Entry{Key: "state", Value: c.State.String()})
	end, err := x.childState(n, c.State)
	if m := x.object(c.Outputs, false); m.Len() > 0 {
		out.Set("outputs", m)
	} else if older, wrong := x.legacyOutputs(n, c); wrong != nil {
		err = wrong
	} else if older != nil {
		out.Set("outputs", older)
	}
	x.setOutputs(n, out)
	if err != nil {
		x.notBegun(n, err)
		return
	}
	if end == model.Failed && c.Failure != "" {
		x.edit(n).Engine.Error = c.Failure
	}
	x.closeAttempt(n, x.allowed(n.task, end))
	x.endLeaf(n, end)
}

// childState maps the end of a started execution to the end of the task that waits for it.
func (x *turn) childState(n *node, s model.State) (model.State, error) {
	transmit, err := x.renderBool(n, "transmitFailed", true)
	if err != nil {
		return 0, err
	}
	switch {
	case !transmit:
		return model.Success, nil
	case s == model.Warning || s == model.Failed || s == model.Killed:
		return s, nil
	}
	return model.Success, nil
}

// legacyOutputs renders the older property outputs of a Subflow task, which reads the context of the started execution. The
// outputs of the flow itself go before it.
func (x *turn) legacyOutputs(n *node, c *model.ChildEnd) (*value.Map, error) {
	written, _ := n.task.Props.Get("outputs")
	if written == nil {
		return nil, nil
	}
	v, err := x.env.Templates.RenderValue(written, &childScope{x.scope(n), x.object(c.Context, false)}, x.env.Limits)
	if err != nil {
		return nil, fmt.Errorf("outputs: %w", checked(err))
	}
	m, _ := v.(*value.Map)
	return m, nil
}

func isSystem(key string) bool {
	return len(key) >= len(model.SystemPrefix) && key[:len(model.SystemPrefix)] == model.SystemPrefix
}
