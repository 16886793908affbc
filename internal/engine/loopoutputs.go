package engine

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// CallStore is how a step asks for a file of outputs to be stored; expressions cannot call it. Its arguments are the task
// run's task and id, the file's name and the value; the answer is the file's URI.
const CallStore = "storeOutputs"

// gathered stores what the iterations of a Loop have put out, once they have ended, and tells whether that is done: a step
// of a large execution may have to ask for something first.
func (x *turn) gathered(f *frame) bool {
	n := f.node
	if n == nil || n.task.Kind != model.KindLoop || f.broken {
		return true
	}
	if !x.large() {
		x.gather(f)
		return true
	}
	return x.patiently(n, func() { x.gather(f) })
}

// gather evaluates the declared outputs of every iteration. One that cannot be evaluated fails its iteration, and so the loop.
func (x *turn) gather(f *frame) {
	n := f.node
	ends, last := iterationEnds(n)
	declared := loopDeclares(n.task)
	var missing needs
	var entries []any
	var failures []error
	for g := range last {
		if last[g] == nil || len(declared) == 0 {
			continue
		}
		missing.gather(func() {
			entry, err := x.iterationOutputs(n, last[g], declared)
			if err != nil {
				ends[g] = model.Failed
				failures = append(failures, fmt.Errorf("outputs of iteration %d: %w", g, err))
				return
			}
			entries = append(entries, entry)
		})
	}
	if len(missing) > 0 {
		panic(missing)
	}
	x.setOutputs(n, loopResult(n, ends, entries))
	for _, err := range failures {
		x.log(n, model.LevelError, "%v", err)
		run := x.edit(n)
		run.Engine.Broken, run.Engine.Error = true, x.hidden(err.Error())
		f.broken = true
	}
}

// iterationEnds is what each iteration of a loop came to, and the last task run that it began; 0 and nil of those that were
// not begun.
func iterationEnds(n *node) (ends []model.State, last []*node) {
	count := len(n.run.Engine.Values)
	ends, last = make([]model.State, count), make([]*node, count)
	for _, c := range n.kids {
		if g := c.group; c.run.Engine.Section == model.SectionTasks && g < count {
			ends[g] = graver(ends[g], c.run.State.Current())
			last[g] = c
		}
	}
	return ends, last
}

// graver is what two tasks that ran one after the other amount to.
func graver(a, b model.State) model.State {
	for _, s := range []model.State{model.Killed, model.Failed, model.Warning} {
		if a == s || b == s {
			return s
		}
	}
	return model.Success
}

func loopResult(n *node, ends []model.State, entries []any) *value.Map {
	counts := make(map[model.State]int)
	for _, s := range ends {
		counts[s]++
	}
	terminated := value.NewMap(len(counts))
	for _, s := range model.States() {
		if counts[s] > 0 {
			terminated.Set(s.String(), value.Int(int64(counts[s])))
		}
	}
	out := value.NewMap(4)
	out.Set("iterationCount", value.Int(int64(len(n.run.Engine.Values))))
	out.Set("runningIterations", value.Int(0))
	out.Set("terminatedIterations", terminated)
	if len(entries) > 0 {
		out.Set("outputs", entries)
	}
	return out
}

// iterationOutputs evaluates what an iteration puts out, as its last task run sees it.
func (x *turn) iterationOutputs(n, last *node, declared []*model.Output) (*value.Map, error) {
	outputs := value.NewMap(len(declared))
	for _, d := range declared {
		v, err := x.outputValue(last, d.Value)
		if err == nil && x.env.OutputValue != nil {
			v, err = x.env.OutputValue(d, v)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.ID, err)
		}
		outputs.Set(d.ID, v)
	}
	g := last.group
	item := value.MapOf(value.Entry{Key: "value", Value: n.run.Engine.Values[g]}, value.Entry{Key: "iteration", Value: value.Int(int64(g))})
	if keys := n.run.Engine.Keys; keys != nil {
		item.Set("key", keys[g])
	}
	if strings.EqualFold(prop(n.task, "fetchType"), "STORE") {
		uri, err := x.call(n, CallStore, expr.Args{{Name: "task", Value: n.run.TaskID}, {Name: "taskRun", Value: n.run.ID},
			{Name: "name", Value: strconv.Itoa(len(n.run.Attempts)) + "-" + strconv.Itoa(g) + ".ion"}, {Name: "value", Value: outputs}})
		if checked(err) != nil {
			return nil, err
		}
		outputs = value.MapOf(value.Entry{Key: "uri", Value: uri})
	}
	return value.MapOf(value.Entry{Key: "item", Value: item}, value.Entry{Key: "outputs", Value: outputs}), nil
}

// loopDeclares are the outputs that a Loop declares for its iterations.
func loopDeclares(t *model.Task) (out []*model.Output) {
	written, _ := t.Props.Get("outputs")
	list, _ := written.([]any)
	for _, e := range list {
		m, ok := e.(*value.Map)
		if !ok {
			continue
		}
		text := func(name string) string {
			if v, ok := m.Get(name); ok && v != nil {
				return value.Print(v)
			}
			return ""
		}
		d := &model.Output{ID: text("id"), Type: text("type"), Required: text("required") == "true"}
		d.Value, _ = m.Get("value")
		out = append(out, d)
	}
	return out
}
