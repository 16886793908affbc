package engine

import (
	"fmt"
	"maps"
	"strings"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// childScope is a scope in which some variables are replaced.
type childScope struct {
	expr.Env
	vars *value.Map
}

// Var returns the replacement where there is one.
func (s *childScope) Var(name string) (any, bool) {
	if v, ok := s.vars.Get(name); ok {
		return v, true
	}
	return s.Env.Var(name)
}

// renderBatch renders a value for one batch of a ForEachItem: taskrun.items is the batch's file and taskrun.iteration its
// number, from 0.
func (x *turn) renderBatch(n *node, batch int, v any) (any, error) {
	if batch < 0 {
		return x.renderValue(n, v)
	}
	taskrun := TaskRunVar(n.run)
	taskrun.Set("items", x.batchFile(n, batch))
	taskrun.Set("iteration", value.Int(int64(batch)))
	s := &childScope{x.scope(n), value.MapOf(value.Entry{Key: "taskrun", Value: taskrun})}
	out, err := x.env.Templates.RenderValue(v, s, x.env.Limits)
	return out, checked(err)
}

// splits lists the files that the split task before this one made.
func (x *turn) splits(n *node) ([]string, error) {
	id := strings.TrimSuffix(n.run.TaskID, "_items") + "_split"
	for _, s := range x.s.byTask[id].nodes {
		if !s.gone && s.run.ParentID == n.run.ParentID && s.ended() {
			return s.run.Engine.Values, nil
		}
	}
	return nil, fmt.Errorf("the items have not been split")
}

func (x *turn) batchFile(n *node, batch int) string {
	files, err := x.splits(n)
	if err != nil || batch >= len(files) {
		return ""
	}
	return files[batch]
}

// startBatches starts one execution for each batch of a ForEachItem. After a restart it goes on with those that have not
// ended well.
func (x *turn) startBatches(n *node) {
	goesOn := x.goesOn(n) && n.run.Engine.Batches > 0
	files, err := x.splits(n)
	if err != nil {
		x.notBegun(n, err)
		return
	}
	x.move(n, model.Running)
	if len(files) == 0 {
		x.edit(n).Engine.Ended = nil
		x.setBatchOutputs(n)
		x.endLeaf(n, model.Success)
		return
	}
	x.openAttempt(n)
	wait, err := x.renderBool(n, "wait", true)
	if goesOn && wait && err == nil {
		x.takeUpBatches(n)
		return
	}
	run := x.edit(n)
	run.Engine.Batches, run.Engine.Begun, run.Engine.Ended = len(files), len(run.Attempts), map[model.State]int{}
	run.Engine.Done, run.Engine.Failed = make([]byte, (len(files)+7)/8), nil
	var missing needs
	for i := 0; err == nil && i < len(files); i++ {
		missing.gather(func() { err = x.startBatch(n, i, wait) })
	}
	if len(missing) > 0 {
		panic(missing)
	}
	if err != nil {
		x.notBegun(n, err)
		return
	}
	if !wait {
		x.edit(n).Engine.Ended = map[model.State]int{model.Success: len(files)}
		x.endBatches(n)
	}
}

func (x *turn) startBatch(n *node, i int, wait bool) error {
	child, err := x.childExecution(n, i)
	if err == nil && wait {
		err = x.waitFor(child, n, i)
	}
	if err != nil {
		return err
	}
	x.send(model.Event{To: model.ExecutionEntity(child.ID), Kind: model.EventCreate, Create: &model.NewExecution{Execution: child}})
	return nil
}

func (x *turn) batchEnded(n *node, c *model.ChildEnd) {
	i := c.Iteration
	if i >= n.run.Engine.Batches || bitSet(n.run.Engine.Done, i) {
		x.ignore("that batch has ended already")
		return
	}
	if c.Refused {
		x.log(n, model.LevelError, "batch %d fails again: %s", i, c.Failure)
	}
	run := x.edit(n)
	run.Engine.Done, run.Engine.Ended = withBit(run.Engine.Done, i), maps.Clone(run.Engine.Ended)
	if run.Engine.Ended == nil {
		run.Engine.Ended = map[model.State]int{}
	}
	run.Engine.Ended[c.State]++
	if c.State == model.Failed || c.State == model.Killed {
		run.Engine.Failed = withBit(run.Engine.Failed, i)
	}
	if total(run.Engine.Ended) < run.Engine.Batches {
		x.setBatchOutputs(n)
		return
	}
	x.endBatches(n)
}

// bitSet tells whether a bit of a set is there; withBit returns the set with it.
func bitSet(set []byte, i int) bool { return i/8 < len(set) && set[i/8]&(1<<(i%8)) != 0 }

func withBit(set []byte, i int) []byte {
	out := make([]byte, max(len(set), i/8+1))
	copy(out, set)
	out[i/8] |= 1 << (i % 8)
	return out
}

func total(counts map[model.State]int) (n int) {
	for _, s := range model.States() {
		n += counts[s]
	}
	return n
}

// endBatches ends the task run once every batch has ended.
func (x *turn) endBatches(n *node) {
	x.setBatchOutputs(n)
	transmit, err := x.renderBool(n, "transmitFailed", true)
	if err != nil {
		x.notBegun(n, err)
		return
	}
	end := model.Success
	if transmit {
		end = worst(n.run.Engine.Ended)
	}
	x.closeAttempt(n, x.allowed(n.task, end))
	x.endLeaf(n, end)
}

// worst is what the ends of several executions amount to.
func worst(ends map[model.State]int) model.State {
	for _, s := range []model.State{model.Failed, model.Killed, model.Warning} {
		if ends[s] > 0 {
			return s
		}
	}
	return model.Success
}

// setBatchOutputs stores how many batches have ended in which state, and where their outputs are.
func (x *turn) setBatchOutputs(n *node) {
	ended := n.run.Engine.Ended
	iterations := value.NewMap(len(ended) + 1)
	if open := n.run.Engine.Batches - total(ended); open > 0 {
		iterations.Set(model.Running.String(), value.Int(int64(open)))
	}
	for _, s := range model.States() {
		if ended[s] > 0 {
			iterations.Set(s.String(), value.Int(int64(ended[s])))
		}
	}
	out := value.NewMap(3)
	out.Set("iterations", iterations)
	out.Set("numberOfBatches", value.Int(int64(n.run.Engine.Batches)))
	out.Set("subflowOutputsBaseUri", outputsBase(n.run))
	x.setOutputs(n, out)
}

// outputsBase is where in internal storage the files of a task run stand.
func outputsBase(run *model.TaskRun) string {
	return "/" + strings.ReplaceAll(run.Namespace, ".", "/") + "/" + slug(run.FlowID) + "/executions/" + run.ExecutionID +
		"/tasks/" + slug(run.TaskID) + "/" + run.ID
}

// slug is how ids stand in storage paths.
func slug(id string) string { return strings.ToLower(strings.ReplaceAll(id, "_", "-")) }
