package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Directory is what the type of WorkingDirectory does before and after its tasks.
type Directory interface {
	Before(ctx context.Context, run sdk.Run) error
	After(ctx context.Context, run sdk.Run) (outputs any, err error)
}

// runDirectory runs the tasks of a WorkingDirectory one after the other in one directory.
func (w *Worker) runDirectory(ctx context.Context, rc *run, r *model.JobReport) {
	if _, err := rc.WorkDir(); err != nil {
		rc.fail(r, err)
		return
	}
	dir, err := rc.directory()
	if err == nil {
		err = dir.Before(ctx, rc)
	}
	if err != nil {
		rc.fail(r, err)
		return
	}
	end, err := w.runChildren(ctx, rc, r)
	if err != nil {
		rc.fail(r, err)
		return
	}
	r.State = end
	if end == model.Failed || end == model.Killed {
		return
	}
	outputs, err := dir.After(ctx, rc)
	if err == nil && outputs != nil {
		r.Outputs, err = rc.encode(outputs)
	}
	if err != nil {
		rc.fail(r, err)
	}
}

func (rc *run) directory() (Directory, error) {
	typ, ok := rc.w.cfg.Registry.Lookup(rc.task.Type)
	if !ok {
		return nil, fmt.Errorf("this worker does not know the task type %s", rc.task.Type)
	}
	v, err := typ.Decode(rc.task.Props, rc.renderProperty)
	if err != nil {
		return nil, err
	}
	dir, ok := v.(Directory)
	if !ok {
		return nil, fmt.Errorf("%s does not run tasks in a directory", rc.task.Type)
	}
	return dir, nil
}

// runChildren runs the tasks and returns what they amount to.
func (w *Worker) runChildren(ctx context.Context, rc *run, r *model.JobReport) (model.State, error) {
	end := model.Success
	for i, task := range rc.task.Tasks {
		if task.Disabled {
			continue
		}
		tr, err := w.runChild(ctx, rc, task, i, r)
		if err != nil {
			return 0, err
		}
		r.Children = append(r.Children, tr)
		switch s := tr.State.Current(); s {
		case model.Failed, model.Killed:
			return s, nil
		case model.Warning:
			end = s
		}
	}
	return end, nil
}

// runChild runs one task, with its retries, in the directory of the others.
func (w *Worker) runChild(ctx context.Context, rc *run, task *model.Task, i int, r *model.JobReport) (*model.TaskRun, error) {
	tr := &model.TaskRun{
		Tenant: rc.taskRun.Tenant, ID: model.DeriveID("inner", rc.job.ID, task.ID), ExecutionID: rc.taskRun.ExecutionID,
		Namespace: rc.taskRun.Namespace, FlowID: rc.taskRun.FlowID, TaskID: task.ID, ParentID: rc.taskRun.ID,
		State: model.NewHistory(model.Created, now()), Engine: model.RunState{Seq: i},
	}
	for {
		child := rc.child(ctx, task, tr)
		if task.RunIf != "" && len(tr.Attempts) == 0 {
			text, err := child.Render(task.RunIf, nil)
			if err != nil {
				return nil, fmt.Errorf("runIf of %s: %w", task.ID, err)
			}
			if !expr.Truthy(text) {
				tr.Attempts = []model.Attempt{{State: model.NewHistory(model.Created, now()).With(model.Skipped, now())}}
				tr.State = tr.State.With(model.Skipped, now())
				return tr, nil
			}
		}
		started := now()
		tr.State = tr.State.With(model.Running, started)
		var cr model.JobReport
		w.runTask(ctx, child, &cr)
		child.finish(&cr)
		r.Logs, r.Metrics, r.Errors = append(r.Logs, cr.Logs...), append(r.Metrics, cr.Metrics...), r.Errors+cr.Errors
		history := model.NewHistory(model.Created, started).With(model.Running, started).With(cr.State, now())
		tr.Attempts = append(tr.Attempts, model.Attempt{State: history, WorkerID: w.cfg.Member, LogFile: cr.LogFile})
		tr.Outputs = cr.Outputs
		tr.Engine.Error = cr.Error
		rc.publish(task, tr)
		if cr.State == model.Failed && w.again(ctx, task, tr) {
			continue
		}
		tr.State = tr.State.With(engine.Allowed(task, cr.State, len(tr.Attempts)), now())
		return tr, nil
	}
}

// again waits until a failed task is tried again and tells whether it is.
func (w *Worker) again(ctx context.Context, task *model.Task, tr *model.TaskRun) bool {
	policy := task.Retry
	if policy == nil || policy.NewExecution {
		return false
	}
	d, ok := engine.NextTry(policy, len(tr.Attempts), tr.Attempts[0].State.Start(), now(), tr.ID)
	if !ok {
		return false
	}
	tr.State = tr.State.With(model.Failed, now()).With(model.Retrying, now())
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		tr.State = tr.State.With(model.Created, now())
		return true
	case <-ctx.Done():
		return false
	}
}

// child is the run of a task within this one's directory: it sees what the tasks before it have put out.
func (rc *run) child(ctx context.Context, task *model.Task, tr *model.TaskRun) *run {
	c := rc.w.newRun(ctx, rc.job, rc.flow, task, tr)
	c.dir = rc.dir
	vars := rc.vars.Clone()
	taskrun := engine.TaskRunVar(tr)
	if v := rc.taskRun.Value; v != nil {
		taskrun.Set("value", *v) // so that children see the value of the loop around the directory
	}
	vars.Set("taskrun", taskrun)
	vars.Set("workerTaskrun", engine.TaskRunVar(rc.taskRun))
	engine.EnterParent(vars, rc.taskRun)
	c.vars = vars
	return c
}

// publish puts a task's outputs where the tasks after it look for them: below the values of the loops around, but those that
// an iteration of a Loop does without.
func (rc *run) publish(task *model.Task, tr *model.TaskRun) {
	out := outputsOf(tr.Outputs)
	if out == nil {
		return
	}
	var path []string
	for i := len(rc.job.Parents) - 1; i >= 0; i-- {
		if v := rc.job.Parents[i].Value; v != nil {
			path = append(path, *v)
		}
	}
	if rc.taskRun.Value != nil {
		path = append(path, *rc.taskRun.Value)
	}
	path = path[min(task.Shared(task), len(path)):]
	outputs, _ := rc.vars.Get("outputs")
	m, _ := outputs.(*value.Map)
	rc.vars = rc.vars.Clone()
	rc.vars.Set("outputs", with(m, append([]string{task.ID}, path...), out))
}

// with returns the map with a value at a path, sharing what is not on it.
func with(m *value.Map, path []string, v any) *value.Map {
	var out *value.Map
	if m == nil {
		out = value.NewMap(1)
	} else {
		out = m.Clone()
	}
	if len(path) == 1 {
		out.Set(path[0], v)
		return out
	}
	sub, _ := out.Get(path[0])
	below, _ := sub.(*value.Map)
	out.Set(path[0], with(below, path[1:], v))
	return out
}
