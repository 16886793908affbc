package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// evaluate looks, once or all the time, whether a trigger has something to start executions for.
// What it has found, and must settle once the report is durable, is put into f.
func (w *Worker) evaluate(ctx context.Context, job *model.Job, flow *model.Flow, f *finding) *model.JobReport {
	r := &model.JobReport{State: model.Failed}
	t := triggerOf(flow, job.TriggerID)
	if t == nil {
		r.Error = fmt.Sprintf("revision %d of its flow has no trigger %s", job.Flow.Revision, job.TriggerID)
		return r
	}
	job.Vars = triggerVars(flow)
	task := &model.Task{ID: t.ID, Type: t.Type, Props: t.Props, LogLevel: t.LogLevel}
	rc := w.newRun(ctx, job, flow, task, &model.TaskRun{
		Tenant: flow.Tenant, Namespace: flow.Namespace, FlowID: flow.ID, ExecutionID: job.Execution.ID,
		State: model.NewHistory(model.Created, job.At),
	})
	defer rc.close()
	w.await(ctx, job)
	outputs, err := rc.runTrigger(ctx, t)
	f.settler, _ = outputs.(sdk.Settler)
	switch cause := context.Cause(ctx); {
	case err == nil:
		r.State = model.Success
		if outputs != nil {
			if r.Outputs, err = rc.encode(outputs); err != nil {
				rc.fail(r, err)
			}
		}
	case errors.Is(cause, errKilled):
		r.State, r.Error = model.Killed, "stopped"
	default:
		rc.fail(r, err)
	}
	rc.finish(r)
	return r
}

// triggerVars are the context variables of a trigger's properties that come from its flow.
func triggerVars(f *model.Flow) *value.Map {
	vars := value.MapOf(value.Entry{Key: "labels", Value: engine.LabelMap(f.Labels)})
	if f.Variables.Len() > 0 {
		vars.Set("vars", f.Variables)
	}
	return vars
}

func triggerOf(f *model.Flow, id string) *model.Trigger {
	for _, t := range f.Triggers {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// runTrigger renders the trigger's properties and evaluates it, with a net: a panic fails the evaluation alone.
func (rc *run) runTrigger(ctx context.Context, t *model.Trigger) (outputs any, err error) {
	defer func() {
		if p := recover(); p != nil {
			rc.w.cfg.Log.Error("panic in a trigger", "type", t.Type, "panic", rc.mask.Replace(fmt.Sprint(p)), "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error in %s: %v", t.Type, p)
		}
	}()
	typ, ok := rc.w.cfg.Registry.Lookup(t.Type)
	if !ok || typ.Category != plugin.Trigger {
		return nil, fmt.Errorf("this worker does not know the trigger type %s", t.Type)
	}
	v, err := typ.Decode(t.Props, rc.renderProperty)
	if err != nil {
		return nil, err
	}
	rc.ctx = ctx
	switch impl := v.(type) {
	case sdk.PollingTrigger:
		ctx, cancel := context.WithTimeoutCause(ctx, rc.w.cfg.PollLimit, errTimeout)
		defer cancel()
		rc.ctx = ctx
		outputs, err = impl.Poll(ctx, rc)
		if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
			err = fmt.Errorf("it was stopped after %s: %w", clock(rc.w.cfg.PollLimit), err)
		}
		return outputs, err
	case sdk.RealtimeTrigger:
		e := &emitter{rc: rc, typ: typ, trigger: t}
		return nil, impl.Listen(ctx, rc, e.emit)
	}
	return nil, fmt.Errorf("the trigger type %s cannot be evaluated by a worker", t.Type)
}

// emitter starts an execution for each message of a listener.
type emitter struct {
	rc      *run
	typ     *plugin.Type
	trigger *model.Trigger
}

// emit returns once the execution is durable, so that the message may be acknowledged. A message that comes again, as its
// key tells, starts nothing again.
func (e *emitter) emit(ctx context.Context, key string, outputs any) error {
	w, flow := e.rc.w, e.rc.flow
	world := &launch.World{Context: ctx, Launcher: w.cfg.Launcher, Flow: flow}
	declared, err := world.Declare(e.trigger, "")
	if err != nil {
		return err
	}
	l := trigger.Launch{Declared: declared, ID: model.NewID(), Fresh: key == ""}
	if key != "" {
		l.ID = model.DeriveID("message", declared.Entity().ID, key)
	}
	vars, err := e.variables(outputs)
	if err != nil { // it would come again for ever
		l.Fail = "the message cannot be stored: " + err.Error()
		return e.start(ctx, l)
	}
	l.Variables = vars
	switch ok, err := declared.Holds(vars, nil, world); {
	case err != nil:
		l.Fail = err.Error()
	case !ok:
		return nil
	}
	return e.start(ctx, l)
}

// variables are those of a message, as they are stored.
func (e *emitter) variables(outputs any) (*value.Map, error) {
	raw, err := e.typ.Encode(outputs)
	if err != nil {
		return nil, err
	}
	v, err := value.ParseJSON(raw)
	m, _ := v.(*value.Map)
	return m, err
}

// transient tells whether trying again may help.
func transient(err error) bool { return errors.Is(err, backend.ErrUnavailable) }

// start creates the execution, as one that fails where it cannot be as it should: else its message would come for ever.
func (e *emitter) start(ctx context.Context, l trigger.Launch) error {
	launcher := e.rc.w.cfg.Launcher
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 10*time.Second) {
		p, err := launcher.PrepareTriggered(ctx, l)
		if err != nil && !transient(err) {
			e.rc.Log(sdk.LevelError, "%s", err.Error())
			l.Fail = err.Error()
			p, err = launcher.PrepareTriggered(ctx, l)
		}
		if err == nil {
			err = launcher.Submit(ctx, p)
		}
		if errors.Is(err, backend.ErrConflict) { // its execution was deleted since: the message has come before
			return nil
		}
		if err == nil || ctx.Err() != nil || !transient(err) {
			return err
		}
		e.rc.w.cfg.Log.Warn("starting an execution for a message failed, trying again", "trigger", e.trigger.ID, "error", err)
		sleep(ctx, delay)
	}
}
