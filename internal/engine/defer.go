package engine

import (
	"cmp"
	"slices"

	"github.com/windhover-io/windhover/internal/model"
)

// A step that lacks an answer is left and tried again with it, which costs as much as what it had done and, as its indexes
// are built anew, as the execution is large. So that a loop of very many values may ask for something with each of them,
// large executions do not leave a step: only what lacks something is put off, and the execution sends itself an event to go
// on with it.

// largeExecution is from how many task runs on that is done, unless Env says otherwise.
const largeExecution = 256

func (x *turn) large() bool { return len(x.s.order)-x.s.gone >= cmp.Or(x.env.Large, largeExecution) }

// patiently does something for a task run: begins it, or decides about it. That it lacks an answer undoes nothing else; then
// it is put off and the result is false.
func (x *turn) patiently(n *node, f func()) bool {
	before := x.save(n)
	var missing needs
	missing.gather(f)
	if len(missing) == 0 {
		return true
	}
	x.restore(n, before)
	x.lacks = append(x.lacks, missing...)
	x.s.putOff = append(x.s.putOff, n)
	return false
}

// saved is what beginning a task run, or deciding about it, can change before it lacks something.
type saved struct {
	node    node
	run     model.TaskRun
	head    model.Execution
	copied  bool
	tally   tally
	t       model.Transition
	changed int
	timers  int
}

func (x *turn) save(n *node) saved {
	return saved{*n, *n.run, *x.s.Exec, x.copied, x.s.tally, *x.t, len(x.changed), len(x.timers)}
}

func (x *turn) restore(n *node, b saved) {
	*n, x.s.tally = b.node, b.tally
	if n.turn == x.id { // its run is the turn's own and was written to
		*n.run = b.run
	}
	if *x.t = b.t; b.copied {
		*x.s.Exec = b.head
	} else {
		x.s.Exec, x.copied = x.before, false
	}
	x.changed = x.changed[:b.changed]
	x.restoreTimers(b.timers)
}

// restoreTimers takes back what was done to timers, up to the first so many times.
func (x *turn) restoreTimers(keep int) {
	for _, c := range slices.Backward(x.timers[keep:]) {
		if c.old == nil {
			delete(x.s.timers, c.id)
		} else {
			x.s.timers[c.id] = *c.old
		}
	}
	x.timers = x.timers[:keep]
}

// onContinue goes on with what was put off.
func (x *turn) onContinue() {
	nodes := slices.Clone(x.s.putOff)
	x.s.putOff = nil
	slices.SortFunc(nodes, func(a, b *node) int { return a.run.Engine.Seq - b.run.Engine.Seq })
	if cur := x.s.Exec.State.Current(); len(nodes) == 0 || x.s.Exec.Engine.Kill != 0 && !cur.Terminated() {
		x.ignore("nothing was put off")
		return
	}
	for _, n := range nodes {
		switch {
		case n.gone || !n.waitsForEngine():
		case n.run.State.Current().IsCreated():
			x.start(n)
		default:
			x.push(n.frame)
		}
	}
}

// waitsForEngine tells whether the task run is one that was put off.
func (n *node) waitsForEngine() bool {
	if n.task == nil || n.ended() {
		return false
	}
	c := n.run.State.Current()
	loop := n.task.Kind == model.KindLoopUntil || n.task.Kind == model.KindLoop
	return c.IsCreated() || c == model.Running && loop && n.frame != nil && n.frame.open == 0
}
