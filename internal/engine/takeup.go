package engine

import (
	"maps"
	"strings"

	"github.com/windhover-io/windhover/internal/model"
)

// goesOn tells whether a task that starts executions is begun again by a restart and goes on with those of before, rather
// than with new ones.
func (x *turn) goesOn(n *node) bool {
	return n.run.State.Current() == model.Restarted && !strings.EqualFold(prop(n.task, "restartBehavior"), "NEW_EXECUTION")
}

// takeUp asks an execution that a task run has started before to end well this time: see restartFor.
func (x *turn) takeUp(n *node, id string, batch int) {
	x.send(model.Event{To: model.ExecutionEntity(id), Kind: model.EventRestart, Action: &model.Action{Waiting: waiter(n, batch)}})
}

// takeUpBatches goes on with the batches that have not ended well.
func (x *turn) takeUpBatches(n *node) {
	run := x.edit(n)
	failed, done := run.Engine.Failed, make([]byte, len(run.Engine.Done))
	run.Engine.Failed, run.Engine.Ended = nil, maps.Clone(run.Engine.Ended)
	delete(run.Engine.Ended, model.Failed)
	delete(run.Engine.Ended, model.Killed)
	for i := range run.Engine.Batches {
		if bitSet(run.Engine.Done, i) && !bitSet(failed, i) {
			done = withBit(done, i)
			continue
		}
		x.takeUp(n, run.BatchID(i), i)
	}
	run.Engine.Done = done
	if total(run.Engine.Ended) == run.Engine.Batches {
		x.endBatches(n)
		return
	}
	x.setBatchOutputs(n)
}

// restartFor restarts this execution because the one that waits for it was restarted. One that runs goes on, and one that
// has ended well meanwhile says so; one that cannot be restarted says that, too, so that nobody waits in vain.
func (x *turn) restartFor(w *model.Waiting) {
	switch cur := x.s.Exec.State.Current(); {
	case cur == model.Retried && !x.hasTimer(string(model.TimerRetryFlow)): // another one has taken over
		x.send(model.Event{To: model.ExecutionEntity(retryID(x.s.Exec)), Kind: model.EventRestart, Action: &model.Action{Waiting: w}})
	case cur == model.Failed || cur == model.Killed:
		x.head().Engine.Waiting = w
		if x.restart(&model.Action{}); x.verdict.Code != model.AnswerDone {
			x.send(refusal(x.s.Exec.ID, w, x.verdict.Message))
		}
	case !x.s.Done():
		x.head().Engine.Waiting = w
	default:
		x.head().Engine.Waiting = w
		x.tellWaiter()
	}
}

// refusal tells who waits that an execution cannot be restarted.
func refusal(id string, w *model.Waiting, why string) model.Event {
	return model.Event{To: model.ExecutionEntity(w.ExecutionID), Kind: model.EventChildEnded, Child: &model.ChildEnd{
		Waiting: *w, ChildID: id, State: model.Failed, Refused: true, Failure: "the execution " + id + " cannot be restarted: " + why,
	}}
}

// abandon kills the executions that a task run waits for, which nobody will hear of any more.
func (x *turn) abandon(n *node) {
	if n.run.Engine.Child != "" {
		x.sendKill(n.run.Engine.Child)
	}
	for i := range n.run.Engine.Batches {
		if !bitSet(n.run.Engine.Done, i) {
			x.sendKill(n.run.BatchID(i))
		}
	}
}
