package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// run runs one job to its end and reports it.
func (w *Worker) run(ctx context.Context, job *model.Job) {
	started := now()
	if !job.Pure {
		w.report(job, model.EventJobStarted, &model.JobReport{Started: started})
	}
	f := &finding{}
	r := w.execute(ctx, job, f)
	if errors.Is(context.Cause(ctx), errStopped) && r.State != model.Success {
		w.settle(ctx, job, f, false)
		return // the job is this incarnation's no more: it is handed out again when the worker has left
	}
	r.Started, r.Ended = started, now()
	if f.settler == nil {
		w.report(job, model.EventJobEnded, r)
		return
	}
	release := w.hold(job)
	defer release()
	taken := w.tell(ctx, job, r)
	w.settle(ctx, job, f, taken && r.State == model.Success)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// report tells the execution about its job. It need not wait until the report is durable: a report that is lost with the
// process leaves the job claimed by a dead worker.
func (w *Worker) report(job *model.Job, kind model.EventKind, r *model.JobReport) {
	w.append(w.reported(job, kind, r), 0)
}

func (w *Worker) reported(job *model.Job, kind model.EventKind, r *model.JobReport) model.Event {
	r.ID, r.TaskRunID, r.Attempt, r.WorkerID = job.ID, job.TaskRunID(), job.Attempt, w.cfg.Member
	return model.Event{ID: job.ID + "." + string(kind), To: job.Entity(), Kind: kind, At: now(), Job: r}
}

// append stores an event, and again if it is unknown whether it was stored. Once the backend is closed nobody can be told
// any more: the job is handed out again, as one of a worker that has gone.
func (w *Worker) append(ev model.Event, tries int) {
	w.cfg.Backend.Append([]model.Event{ev}, func(err error) {
		if err == nil || errors.Is(err, backend.ErrClosed) {
			return
		}
		w.cfg.Log.Warn("reporting a job failed, trying again", "job", ev.Job.ID, "error", err)
		delay := min(time.Second<<min(tries, 5), 30*time.Second)
		time.AfterFunc(delay, func() { w.append(ev, tries+1) })
	})
}

// tell reports what an evaluation of a trigger has found, and tells whether the trigger has taken it. One that was changed,
// disabled or handed out again meanwhile has not: then nothing starts for what was found.
func (w *Worker) tell(ctx context.Context, job *model.Job, r *model.JobReport) (taken bool) {
	ev := w.reported(job, model.EventJobEnded, r)
	ev.Ask = ev.ID
	asking, stop := context.WithCancel(context.WithoutCancel(ctx)) // it has to be known also if the evaluation was stopped
	defer stop()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), errStopped) {
			stop()
		}
	})()
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 10*time.Second) {
		answer, err := w.cfg.Backend.Ask(asking, ev)
		if err == nil {
			return answer.Code == model.AnswerDone
		}
		if !transient(err) || asking.Err() != nil {
			return false
		}
		w.cfg.Log.Warn("reporting an evaluation failed, trying again", "job", job.ID, "error", err)
		sleep(asking, delay)
	}
}

// execute runs the job's task; whatever it does, a report comes of it. What a trigger has found is put into f.
func (w *Worker) execute(ctx context.Context, job *model.Job, f *finding) (r *model.JobReport) {
	r = &model.JobReport{State: model.Failed}
	defer func() {
		if p := recover(); p != nil {
			reason := w.cfg.Masks.Of(job.Execution.ID).Replace(fmt.Sprint(p))
			w.cfg.Log.Error("panic in a job", "job", job.ID, "panic", reason, "stack", string(debug.Stack()))
			r = &model.JobReport{State: model.Failed, Error: "internal error: " + reason}
		}
	}()
	flow, err := w.cfg.Flows.Get(ctx, job.Flow)
	if err != nil {
		r.Error = "its flow could not be read: " + err.Error()
		return r
	}
	if job.TriggerID != "" {
		if t := triggerOf(flow, job.TriggerID); t != nil {
			ended := w.began(job, t.Type)
			defer func() { ended(r, false) }()
		}
		return w.evaluate(ctx, job, flow, f)
	}
	task := flow.ByID[job.TaskRun.TaskID]
	if task == nil {
		r.Error = fmt.Sprintf("revision %d of its flow has no task %s", job.Flow.Revision, job.TaskRun.TaskID)
		return r
	}
	rc := w.newRun(ctx, job, flow, task, job.TaskRun)
	ended := w.began(job, task.Type)
	defer func() { ended(r, rc.timedOut) }()
	defer rc.close()
	if task.Kind == model.KindWorkingDirectory {
		w.runDirectory(ctx, rc, r)
	} else {
		w.runTask(ctx, rc, r)
	}
	rc.finish(r)
	return r
}

// began tells of a job that begins, and returns what is told of its end.
func (w *Worker) began(job *model.Job, typ string) func(*model.JobReport, bool) {
	if w.cfg.Began == nil {
		return func(*model.JobReport, bool) {}
	}
	return w.cfg.Began(job, typ, w.cfg.Group)
}

// runTask renders a task's properties and runs it, within its timeout.
func (w *Worker) runTask(ctx context.Context, rc *run, r *model.JobReport) {
	ctx, cancel, err := rc.withTimeout(ctx)
	if err != nil {
		rc.fail(r, err)
		return
	}
	defer cancel()
	if rc.cached() {
		if kept, ok := rc.recall(ctx); ok {
			r.State, r.Outputs = model.Success, kept
			return
		}
	}
	outputs, err := rc.runType(ctx)
	var partial *sdk.OutputError
	if errors.As(err, &partial) {
		outputs = partial.Outputs
	}
	warned := false
	if wo, ok := outputs.(sdk.WarningOutput); ok {
		warned = wo.Warning()
	}
	if outputs != nil {
		encoded, encodeErr := rc.encode(outputs)
		if encodeErr != nil && err == nil {
			err = encodeErr
		}
		r.Outputs = encoded
	}
	switch cause := context.Cause(ctx); {
	case err == nil && warned:
		r.State = model.Warning
	case err == nil:
		r.State = model.Success
		if rc.cached() && rc.values == nil {
			rc.remember(ctx, r.Outputs)
		}
	case errors.Is(cause, errKilled):
		r.State, r.Error = model.Killed, "killed"
	case errors.Is(cause, errTimeout):
		rc.timedOut = true
		rc.fail(r, fmt.Errorf("Timeout after %s", clock(rc.timeout)))
	default:
		rc.fail(r, err)
	}
}

// clock writes a duration as hours, minutes, seconds and milliseconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
}

// withTimeout bounds the context by the task's timeout, if it has one.
func (rc *run) withTimeout(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if rc.task.Timeout == "" {
		return ctx, func() {}, nil
	}
	text, err := rc.Render(rc.task.Timeout, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("timeout: %w", err)
	}
	if rc.timeout, err = model.ParseDuration(text); err != nil {
		return nil, nil, fmt.Errorf("timeout: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, rc.timeout, errTimeout)
	return ctx, cancel, nil
}

// runType runs the task's type with a net: a panic fails the attempt and harms nothing else.
func (rc *run) runType(ctx context.Context) (outputs any, err error) {
	defer func() {
		if p := recover(); p != nil {
			rc.w.cfg.Log.Error("panic in a task", "type", rc.task.Type, "panic", rc.mask.Replace(fmt.Sprint(p)), "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error in %s: %v", rc.task.Type, p)
		}
	}()
	typ, ok := rc.w.cfg.Registry.Lookup(rc.task.Type)
	if !ok || typ.Category != plugin.Task {
		return nil, fmt.Errorf("this worker does not know the task type %s", rc.task.Type)
	}
	v, err := typ.Decode(rc.task.Props, rc.renderProperty)
	if err != nil {
		return nil, err
	}
	impl, ok := v.(sdk.Task)
	if !ok {
		return nil, fmt.Errorf("the task type %s cannot be run by a worker", rc.task.Type)
	}
	rc.ctx = ctx
	return impl.Run(ctx, rc)
}

// encode turns outputs into JSON. Outputs too large for a record are refused here, where the failure is the task's own.
func (rc *run) encode(outputs any) (json.RawMessage, error) {
	typ, _ := rc.w.cfg.Registry.Lookup(rc.task.Type)
	raw, err := typ.Encode(outputs)
	if err != nil {
		return nil, fmt.Errorf("its outputs cannot be stored: %w", err)
	}
	if len(raw) > maxOutputs {
		return nil, fmt.Errorf("its outputs of %d bytes are larger than the %d that a task run may have: store them as a file", len(raw), maxOutputs)
	}
	return raw, nil
}

// maxOutputs bounds the outputs that are kept in a record, in bytes.
const maxOutputs = 8 << 20

// fail ends the report as FAILED and says why in the log.
func (rc *run) fail(r *model.JobReport, err error) {
	r.State = model.Failed
	r.Error = rc.mask.Replace(err.Error())
	rc.Log(sdk.LevelError, "%s", err.Error())
}
