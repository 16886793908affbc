package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Crash ends an execution as one that cannot be stepped.
func (c *Cluster) Crash(id, reason string) error {
	of := model.ExecutionEntity(id)
	rec := c.store[of]
	delete(c.memory, of)
	r := engine.Remains{Version: rec.version, Execution: rec.exec, TaskRuns: c.Runs(id)}
	for _, name := range sortedKeys(rec.timers) {
		r.Timers = append(r.Timers, rec.timers[name])
	}
	for _, j := range c.jobs {
		if j.Execution.ID == id {
			r.Jobs = append(r.Jobs, j.ID)
		}
	}
	ev := model.Event{ID: "crash", To: of, Kind: model.EventResume}
	return c.commit(&ev, engine.Crash(r, &ev, reason, c.Now))
}

// Jobs lists the jobs that have been handed out and not been reported.
func (c *Cluster) Jobs() []*model.Job { return c.jobs }

// Take takes a job out of the queue, as a worker does that reports it later.
func (c *Cluster) Take(job *model.Job) {
	c.jobs = slices.DeleteFunc(c.jobs, func(j *model.Job) bool { return j == job })
}

// Report sends what a worker tells of a job.
func (c *Cluster) Report(job *model.Job, kind model.EventKind, r *model.JobReport) {
	c.Send(model.Event{ID: job.ID + "." + string(kind), To: model.ExecutionEntity(job.Execution.ID), Kind: kind, At: c.Now, Job: r})
}

// work has a job run by a worker that may die, report twice, or report although it was taken for dead.
func (c *Cluster) work(i int) {
	job := c.jobs[i]
	c.jobs = slices.Delete(c.jobs, i, i+1)
	to := model.ExecutionEntity(job.Execution.ID)
	report := func() model.Event {
		r := c.Do(job)
		return model.Event{ID: job.ID + ".jobEnded", To: to, Kind: model.EventJobEnded, At: c.Now, Job: r}
	}
	if c.chance(c.Faults.WorkerDies) {
		lost := model.JobReport{ID: job.ID, TaskRunID: job.TaskRun.ID, Attempt: job.Attempt}
		c.Send(model.Event{ID: job.ID + ".lost", To: to, Kind: model.EventJobLost, At: c.Now, Job: &lost})
		if c.rng.Intn(2) == 0 {
			c.Send(report()) // it was only slow
		}
		return
	}
	if c.rng.Intn(2) == 0 {
		started := model.JobReport{ID: job.ID, TaskRunID: job.TaskRun.ID, Attempt: job.Attempt, Started: c.Now}
		c.Send(model.Event{ID: job.ID + ".jobStarted", To: to, Kind: model.EventJobStarted, At: c.Now, Job: &started})
	}
	c.Send(report())
}

// Do does what the few types of tasks do that simulated flows use, and returns the worker's report.
func (c *Cluster) Do(job *model.Job) *model.JobReport {
	r := &model.JobReport{ID: job.ID, TaskRunID: job.TaskRun.ID, Attempt: job.Attempt, Started: c.Now, Ended: c.Now, State: model.Success}
	task := c.Flow(job.Flow).ByID[job.TaskRun.TaskID]
	if task.Kind == model.KindWorkingDirectory {
		c.doDirectory(job, task, r)
		return r
	}
	c.do(job, task, r)
	return r
}

// doDirectory runs the tasks of a WorkingDirectory up to the first that fails.
func (c *Cluster) doDirectory(job *model.Job, dir *model.Task, r *model.JobReport) {
	for i, task := range dir.Tasks {
		var cr model.JobReport
		cr.State = model.Success
		c.do(job, task, &cr)
		h := model.NewHistory(model.Created, c.Now).With(model.Running, c.Now).With(cr.State, c.Now)
		r.Children = append(r.Children, &model.TaskRun{
			ID: model.DeriveID("inner", job.ID, task.ID), TaskID: task.ID, ParentID: job.TaskRun.ID, State: h,
			Attempts: []model.Attempt{{State: h}}, Outputs: cr.Outputs, Engine: model.RunState{Seq: i, Error: cr.Error},
		})
		if cr.State == model.Failed {
			r.State, r.Error = cr.State, cr.Error
			return
		}
	}
}

func (c *Cluster) do(job *model.Job, task *model.Task, r *model.JobReport) {
	switch {
	case strings.HasSuffix(task.Type, ".Fail"):
		r.State, r.Error = model.Failed, "Task failure"
	case strings.HasSuffix(task.Type, ".Return"):
		format, _ := task.Props.Get("format")
		text, err := c.env.Templates.Render(value.Print(format), jobEnv{job, task}, expr.Limits{})
		if err != nil {
			r.State, r.Error = model.Failed, err.Error()
			break
		}
		r.Outputs = value.AppendJSON(nil, value.MapOf(value.Entry{Key: "value", Value: text}), value.JSONOptions{})
	case strings.HasSuffix(task.Type, "Split"):
		r.Values = []string{"file:///1", "file:///2"}
	}
}

type jobEnv struct {
	job  *model.Job
	task *model.Task
}

// Var returns a variable of the job.
func (e jobEnv) Var(name string) (any, bool) {
	switch name {
	case "execution":
		return engine.ExecutionVar(e.job.Execution), true
	case "taskrun":
		return engine.TaskRunVar(e.job.TaskRun), true
	case "task":
		return engine.TaskVar(e.task), true
	}
	return e.job.Vars.Get(name)
}

// Call refuses.
func (e jobEnv) Call(name string, _ expr.Args) (any, error) {
	return nil, fmt.Errorf("%s() is not simulated", name)
}

// Outcome writes how an execution has ended in a form that does not depend on chance: its state, its outputs and its task
// runs by path, with the states that they and their attempts ended in.
func (c *Cluster) Outcome(id string) string {
	rec := c.store[model.ExecutionEntity(id)]
	if rec == nil || rec.exec == nil {
		return "none"
	}
	lines := make([]string, 0, len(rec.runs))
	for _, r := range rec.runs {
		var out map[string]any
		if len(r.Outputs) > 0 {
			_ = json.Unmarshal(r.Outputs, &out)
		}
		delete(out, "resumed")
		b, _ := json.Marshal(out)
		lines = append(lines, fmt.Sprintf("%s %s %s", path(rec.runs, r), r.State.Current(), b))
	}
	sort.Strings(lines)
	return fmt.Sprintf("%s %s\n%s", rec.exec.State.Current(), rec.exec.Outputs, strings.Join(lines, "\n"))
}

func path(runs map[string]*model.TaskRun, r *model.TaskRun) string {
	name := r.TaskID
	if r.Value != nil {
		name += "[" + *r.Value + "]"
	}
	if p := runs[r.ParentID]; p != nil {
		return path(runs, p) + " / " + name
	}
	return name
}

// Execution returns the header of an execution, nil if there is none.
func (c *Cluster) Execution(id string) *model.Execution {
	if rec := c.store[model.ExecutionEntity(id)]; rec != nil {
		return rec.exec
	}
	return nil
}

// Executions lists the ids of all executions in the order of their creation.
func (c *Cluster) Executions() (ids []string) {
	for _, e := range c.order {
		if e.Kind == model.EntityExecution {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// Runs returns the task runs of an execution by creation.
func (c *Cluster) Runs(id string) []*model.TaskRun {
	rec := c.store[model.ExecutionEntity(id)]
	if rec == nil {
		return nil
	}
	runs := make([]*model.TaskRun, 0, len(rec.runs))
	for _, id := range sortedKeys(rec.runs) {
		runs = append(runs, rec.runs[id])
	}
	slices.SortFunc(runs, func(a, b *model.TaskRun) int { return a.Engine.Seq - b.Engine.Seq })
	return runs
}

// TaskRun returns the task run of a task, the newest if there are several.
func (c *Cluster) TaskRun(execution, task string) (found *model.TaskRun) {
	rec := c.store[model.ExecutionEntity(execution)]
	if rec == nil {
		return nil
	}
	for _, id := range sortedKeys(rec.runs) {
		if r := rec.runs[id]; r.TaskID == task && (found == nil || r.Engine.Seq > found.Engine.Seq) {
			found = r
		}
	}
	return found
}

// Explain says what an execution waits for.
func (c *Cluster) Explain(id string) []engine.Wait {
	return engine.Explain(c.load(c.store[model.ExecutionEntity(id)]))
}

// Advance moves the clock.
func (c *Cluster) Advance(d time.Duration) { c.Now = c.Now.Add(d) }
