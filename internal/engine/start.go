package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// createRun creates a task run, unless a breakpoint stands before it.
func (x *turn) createRun(task *model.Task, f *frame, sec model.Section, group int, val *string) *node {
	if !x.s.Exec.State.Current().Terminated() && x.atBreakpoint(task, val) {
		return nil
	}
	turnNo := 0
	if f.node != nil && f.node.task.Kind == model.KindLoopUntil && sec == model.SectionTasks {
		turnNo = f.node.run.Engine.Turn
	}
	return x.create(task, f, sec, group, turnNo, val)
}

// startTogether starts task runs that begin at once. What they lack is asked for at once too.
func (x *turn) startTogether(nodes []*node) {
	if len(nodes) == 1 {
		x.start(nodes[0])
		return
	}
	var missing needs
	for _, n := range nodes {
		if !n.ended() { // by an Exit among them
			missing.gather(func() { x.start(n) })
		}
	}
	if len(missing) > 0 {
		panic(missing)
	}
}

// start starts a task run that is in a created state: for the first time, again after a failure, or after a restart.
func (x *turn) start(n *node) {
	if x.large() {
		x.patiently(n, func() { x.begin(n) })
		return
	}
	x.begin(n)
}

func (x *turn) begin(n *node) {
	task := n.task
	if task.RunIf != "" {
		run, err := x.truthy(n, task.RunIf)
		if err != nil {
			x.log(n, model.LevelError, "runIf: %v", err)
			x.edit(n).Engine.Error = x.hidden(err.Error())
			x.move(n, x.allowed(task, model.Failed))
			return
		}
		if !run {
			attempt := model.Attempt{State: model.NewHistory(model.Created, x.now).With(model.Skipped, x.now)}
			x.edit(n).Attempts = append(n.run.Attempts[:len(n.run.Attempts):len(n.run.Attempts)], attempt)
			x.move(n, model.Skipped)
			return
		}
	}
	switch k := task.Kind; {
	case k == model.KindRunnable || k == model.KindWorkingDirectory:
		x.handOut(n)
	case k.UpdatesExecution():
		x.update(n)
	case k == model.KindSubflow:
		x.startSubflow(n)
	case k == model.KindBatches:
		x.startBatches(n)
	default:
		x.startFlowable(n)
	}
}

// handOut sends the task to a worker.
func (x *turn) handOut(n *node) {
	group, ok := x.workerGroup(n)
	if !ok {
		return
	}
	run := x.edit(n)
	run.Engine.Job++
	x.move(n, model.Submitted)
	job := &model.Job{
		ID: model.JobID(run.ID, run.Engine.Job), Flow: x.s.Flow.Key(), Attempt: run.Engine.Job, Pure: n.task.Pure, At: x.now,
		Execution: x.jobHeader(), Group: group,
		TaskRun: n.run, Parents: x.jobParents(n), Vars: x.jobVars(n),
	}
	x.t.Jobs = append(x.t.Jobs, job)
}

// seenState is the execution's state as its own expressions see it: running, until it has ended.
func (x *turn) seenState() model.State {
	if c := x.s.Exec.State.Current(); c.Terminated() {
		return c
	}
	return model.Running
}

func (x *turn) jobParents(n *node) []model.JobParent {
	var out []model.JobParent
	for p := range x.s.up(x.s.nodes[n.run.ParentID]) {
		out = append(out, model.JobParent{TaskID: p.run.TaskID, TaskRunID: p.run.ID, Value: p.run.Value, Iteration: p.run.Iteration})
	}
	return out
}

// startFlowable evaluates what decides about the children, once, and begins them.
func (x *turn) startFlowable(n *node) {
	x.openAttempt(n)
	x.move(n, model.Running)
	if err := x.decide(n); err != nil {
		x.log(n, model.LevelError, "%v", err)
		run := x.edit(n)
		run.Engine.Broken, run.Engine.Error = true, x.hidden(err.Error())
	}
	if n.run.State.Current() != model.Running {
		return // a Pause waits now
	}
	n.frame = x.s.frameOf(n)
	x.push(n.frame)
}

// decide evaluates a flowable's own properties and stores what came of them, so that no later change to a variable or
// an output switches branches midway.
func (x *turn) decide(n *node) error {
	switch n.task.Kind {
	case model.KindIf:
		taken, err := x.truthy(n, prop(n.task, "condition"))
		if err != nil {
			return err
		}
		x.setOutputs(n, value.MapOf(value.Entry{Key: "evaluationResult", Value: taken}))
	case model.KindSwitch:
		return x.decideSwitch(n)
	case model.KindParallel, model.KindDag, model.KindEachParallel:
		limit, err := x.renderInt(n, "concurrent", 0)
		if err != nil {
			return err
		}
		x.edit(n).Engine.Limit = limit
		if err := x.decideOnFailure(n); err != nil {
			return err
		}
		if n.task.Kind == model.KindEachParallel {
			return x.decideValues(n, "value")
		}
	case model.KindEachSequential:
		return x.decideValues(n, "value")
	case model.KindForEach, model.KindLoop:
		return x.decideValues(n, "values")
	case model.KindLoopUntil:
		return x.beginLoop(n)
	case model.KindPause:
		return x.beginPause(n)
	case model.KindTemplate:
		args, err := x.renderProp(n, "args")
		if err != nil {
			return err
		}
		x.setOutputs(n, value.MapOf(value.Entry{Key: "args", Value: args}))
	}
	return nil
}

// decideOnFailure evaluates what a Parallel or a Dag does when one of its children fails.
func (x *turn) decideOnFailure(n *node) error {
	text, err := x.render(n, prop(n.task, "onChildFailure"))
	if err != nil {
		return fmt.Errorf("onChildFailure: %w", err)
	}
	switch text = strings.ToUpper(text); text {
	case "", onFailureContinue, onFailureCancel, onFailureFail:
		x.edit(n).Engine.OnFailure = text
		return nil
	}
	return fmt.Errorf("onChildFailure: %q is none of CONTINUE, CANCEL, FAIL", text)
}

// What a Parallel or a Dag may do when one of its children fails. Unless it is told anything, it does what FAIL says.
const (
	onFailureContinue = "CONTINUE" // begins all that does not depend on it
	onFailureCancel   = "CANCEL"   // ends those that run, too
	onFailureFail     = "FAIL"     // begins nothing else; what runs may finish
)

func (x *turn) decideSwitch(n *node) error {
	v, err := x.render(n, prop(n.task, "value"))
	if err != nil {
		return err
	}
	tasks, defaults := branch(n.task, v)
	x.setOutputs(n, value.MapOf(value.Entry{Key: "value", Value: v}, value.Entry{Key: "defaults", Value: defaults}))
	if tasks == nil {
		x.log(n, model.LevelWarn, "no case matches %q and there are no defaults", v)
		x.edit(n).Engine.Broken = true
	}
	return nil
}

// setOutputs stores a task run's outputs.
func (x *turn) setOutputs(n *node, m *value.Map) {
	x.edit(n).Outputs = json.RawMessage(value.AppendJSON(nil, m, value.JSONOptions{}))
	n.parsed = m
}

// atBreakpoint stops the execution before a task that a breakpoint names; the breakpoint is used up.
func (x *turn) atBreakpoint(task *model.Task, val *string) bool {
	for i, b := range x.s.Exec.Breakpoints {
		if b.ID != task.ID || b.Value != "" && (val == nil || *val != b.Value) {
			continue
		}
		h := x.head()
		h.Breakpoints = append(append([]model.TaskBreakpoint{}, h.Breakpoints[:i]...), h.Breakpoints[i+1:]...)
		h.Engine.AtBreakpoint = true
		return true
	}
	return false
}
