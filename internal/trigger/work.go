package trigger

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// handOut gives the evaluation of the trigger to a worker.
func (t *turn) handOut() {
	e := &t.rec.Engine
	e.Job++
	e.JobID = model.DeriveID("trigger-job", t.of.ID, e.Birth, strconv.Itoa(e.Job))
	e.PlannedID = model.DeriveID("trigger", t.of.ID, e.Birth, "job", strconv.Itoa(e.Job))
	t.rec.EvaluateSince = &t.now
	t.rec.WorkerID = ""
	f := t.decl.Flow
	j := &model.Job{
		ID: e.JobID, Flow: model.FlowKey{Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID, Revision: f.Revision},
		TriggerID: t.rec.TriggerID, Attempt: e.Job, At: t.now, Listens: t.decl.Kind == model.TriggerRealtime,
		Execution: model.JobHeader{ID: e.PlannedID, OriginalID: e.PlannedID, StartDate: t.now, State: model.Created, TriggerID: t.rec.TriggerID},
	}
	if g := t.decl.WorkerGroup; g != nil {
		j.Group = g.Key
	}
	t.d.Clear = append(t.d.Clear, dueTimer)
	t.d.Jobs = append(t.d.Jobs, j)
}

// stopJob takes the evaluation back that is under way.
func (t *turn) stopJob() {
	if t.rec.Engine.JobID != "" {
		t.d.Cancel = append(t.d.Cancel, t.rec.Engine.JobID)
	}
	t.clearJob()
}

func (t *turn) clearJob() {
	t.rec.Engine.JobID, t.rec.Engine.PlannedID = "", ""
	t.rec.EvaluateSince, t.rec.WorkerID = nil, ""
}

// onJob hears of an evaluation. One that was taken back is only acknowledged.
func (t *turn) onJob() {
	r := t.ev.Job
	if t.ev.Kind != model.EventJobStarted {
		t.d.Done = append(t.d.Done, r.ID)
	}
	if t.ev.Ask != "" && t.actedBefore() {
		return
	}
	if r.ID != t.rec.Engine.JobID {
		t.refuse(model.AnswerConflict, "that evaluation was taken back")
		return
	}
	switch t.ev.Kind {
	case model.EventJobStarted:
		t.rec.WorkerID = r.WorkerID
	case model.EventJobLost:
		t.log(model.LevelWarn, "the worker that evaluated it is gone")
		t.clearJob()
		t.rec.Next = nil // at once, elsewhere; later if it kills one worker after the other
		if n := t.rec.Engine.Failures; n > 0 {
			next := t.now.Add(restartDelay(n))
			t.rec.Next = &next
		}
		t.rec.Engine.Failures++
	case model.EventJobEnded:
		t.onEvaluated(r)
		if t.ev.Ask != "" {
			t.remember()
		}
	}
}

// onEvaluated takes what a worker has found.
func (t *turn) onEvaluated(r *model.JobReport) {
	planned := t.rec.Engine.PlannedID
	t.clearJob()
	t.looked(t.now)
	t.d.Logs = append(t.d.Logs, r.Logs...)
	switch {
	case r.State == model.Killed:
		t.rec.Next = nil
		return
	case r.State == model.Failed:
		t.onFailed(r, planned)
		return
	}
	t.rec.Engine.Failures = 0
	next := t.now.Add(t.decl.Interval)
	if t.decl.Kind == model.TriggerRealtime {
		next = t.now.Add(restartDelay(0)) // a listener that ended by itself
	}
	t.rec.Next = &next
	if len(r.Outputs) == 0 {
		t.rec.Problem = ""
		return
	}
	vars := variablesOf(r.Outputs)
	switch ok, err := t.holds(vars, nil); {
	case err != nil:
		t.launch(Launch{ID: planned, Variables: vars, Fail: err.Error()})
	case ok:
		t.launch(Launch{ID: planned, Variables: vars})
	}
}

// onFailed notes that an evaluation has failed. Where the trigger asks for it, and for the first failure of a listener, an
// execution fails with the reason, so that somebody sees it.
func (t *turn) onFailed(r *model.JobReport, planned string) {
	t.rec.Problem = r.Error
	t.rec.Engine.Failures++
	t.log(model.LevelError, "the evaluation failed: "+r.Error)
	next := t.now.Add(t.decl.Interval)
	if t.decl.Kind == model.TriggerRealtime {
		next = t.now.Add(restartDelay(t.rec.Engine.Failures))
	}
	t.rec.Next = &next
	if t.decl.FailOnError || t.decl.Kind == model.TriggerRealtime && t.rec.Engine.Failures == 1 {
		t.launch(Launch{ID: planned, Fail: r.Error})
		t.rec.Problem = r.Error
	}
}

// restartDelay is how long a listener that ended waits before it begins again: longer with each failure in a row.
func restartDelay(failures int) time.Duration {
	const longest = time.Minute
	if failures >= 6 {
		return longest
	}
	return min(time.Second<<failures, longest)
}

func variablesOf(raw json.RawMessage) *value.Map {
	v, err := value.ParseJSON(raw)
	if m, ok := v.(*value.Map); ok && err == nil {
		return m
	}
	return value.NewMap(0)
}

// onUpstream looks at an execution that has changed its state.
func (t *turn) onUpstream() {
	up := t.ev.Upstream
	switch {
	case t.off() || t.decl.Kind != model.TriggerFlow:
		t.d.Ignored = "the trigger is disabled"
		return
	case !t.listens(up.Execution):
		t.d.Ignored = "it does not listen to that"
		return
	}
	s := &scene{decl: t.decl, vars: upstreamVariables(up), upstream: up, world: t.world}
	ok, err := t.holds(s.vars, up)
	if err == nil && ok {
		ok, err = t.gather(s)
	}
	if err != nil {
		t.rec.Problem = err.Error()
		t.log(model.LevelWarn, "execution "+up.Execution.ID+": "+err.Error())
		return
	}
	t.looked(t.now)
	if !ok {
		return
	}
	t.launch(Launch{ID: t.executionID(t.ev.ID), Variables: s.vars, Upstream: up})
}

// listens tells whether a change of state is one that the trigger is about.
func (t *turn) listens(e *model.Execution) bool {
	if e.Namespace == t.decl.Flow.Namespace && e.FlowID == t.decl.Flow.ID || e.Kind != "" {
		return false
	}
	return ListensTo(t.decl.Trigger, e.State.Current())
}

// upstreamVariables is the variable trigger of an execution that follows another one.
func upstreamVariables(up *model.Upstream) *value.Map {
	e := up.Execution
	m := value.MapOf(
		value.Entry{Key: "executionId", Value: e.ID}, value.Entry{Key: "namespace", Value: e.Namespace},
		value.Entry{Key: "flowId", Value: e.FlowID}, value.Entry{Key: "flowRevision", Value: value.Int(int64(e.FlowRevision))},
		value.Entry{Key: "state", Value: e.State.Current().String()},
	)
	m.Set("startDate", e.State.Start().UTC().Format(time.RFC3339Nano))
	if e.State.Current().Terminated() {
		m.Set("endDate", e.State[len(e.State)-1].Date.UTC().Format(time.RFC3339Nano))
	}
	if up.FirstFailed != "" {
		m.Set("firstFailedTaskId", up.FirstFailed)
	}
	if up.Last != "" {
		m.Set("lastTaskId", up.Last)
	}
	labels := value.NewMap(len(e.Labels))
	for _, l := range e.Labels {
		labels.Set(l.Key, l.Value)
	}
	m.Set("executionLabels", labels)
	m.Set("outputs", variablesOf(e.Outputs))
	return m
}
