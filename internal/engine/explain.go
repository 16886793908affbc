package engine

import (
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Wait says what an execution, or one of its task runs, waits for.
type Wait struct {
	TaskRunID string    `json:"taskRunId,omitempty"`
	TaskID    string    `json:"taskId,omitempty"`
	Value     *string   `json:"value,omitempty"`
	For       WaitFor   `json:"for"`
	Since     time.Time `json:"since"`
	// Until is when a timer ends the waiting, where one does.
	Until *time.Time `json:"until,omitempty"`
	// Detail says it in words; Ref is the job, execution or worker group that is waited for.
	Detail string `json:"detail"`
	Ref    string `json:"ref,omitempty"`
}

// WaitFor is a kind of waiting.
type WaitFor string

// What can be waited for.
const (
	WaitSchedule   WaitFor = "SCHEDULE"
	WaitSlot       WaitFor = "SLOT"
	WaitWorker     WaitFor = "WORKER"
	WaitTask       WaitFor = "TASK"
	WaitPerson     WaitFor = "PERSON"
	WaitTimer      WaitFor = "TIMER"
	WaitRetry      WaitFor = "RETRY"
	WaitSubflow    WaitFor = "SUBFLOW"
	WaitBreakpoint WaitFor = "BREAKPOINT"
	WaitEngine     WaitFor = "ENGINE"  // for a moment: the engine goes on with it when it knows what it has asked for
	WaitNothing    WaitFor = "NOTHING" // a defect: the sweeper reports it
)

// Explain says what an execution that is not finished waits for, and since when. An execution in a state that is not an
// end always waits for something; WaitNothing would say that it was forgotten.
func Explain(s *State) []Wait {
	if s.Done() {
		return nil
	}
	e := s.Exec
	since := e.State[len(e.State)-1].Date
	if !e.Engine.Admitted {
		if t, ok := s.timers[string(model.TimerSchedule)]; ok {
			return []Wait{{For: WaitSchedule, Since: since, Until: &t.Due, Detail: "it is scheduled for later"}}
		}
		if e.Engine.InGate {
			return []Wait{{For: WaitSlot, Since: since, Detail: "the concurrency limit of its flow is reached",
				Ref: e.Namespace + "." + e.FlowID}}
		}
	}
	var out []Wait
	for n := range s.all() {
		if n.class() != idle || s.stuck(n) {
			out = append(out, s.explainRun(n))
		}
	}
	if t, ok := s.timers[string(model.TimerRetryFlow)]; ok {
		out = append(out, Wait{For: WaitRetry, Since: since, Until: &t.Due, Detail: "another execution takes over"})
	}
	switch {
	case e.Engine.AtBreakpoint:
		out = append(out, Wait{For: WaitBreakpoint, Since: since, Detail: "it stands at a breakpoint until it is resumed"})
	case e.Engine.PausedByAPI:
		out = append(out, Wait{For: WaitPerson, Since: since, Detail: "it was paused and has to be resumed"})
	case len(out) == 0:
		out = append(out, Wait{For: WaitNothing, Since: since, Detail: "nothing is under way"})
	}
	return out
}

// stuck tells whether a task run waits for its children although none is open: a defect, unless the execution is held.
func (s *State) stuck(n *node) bool {
	held := s.Exec.Engine.PausedByAPI || s.Exec.Engine.AtBreakpoint
	return n.waitsForChildren() && !n.ended() && !held && (n.frame == nil || n.frame.open == 0)
}

func (s *State) explainRun(n *node) Wait {
	run := n.run
	w := Wait{TaskRunID: run.ID, TaskID: run.TaskID, Value: run.Value, Since: run.State[len(run.State)-1].Date}
	switch c := run.State.Current(); {
	case c == model.Retrying:
		s.explainTimer(&w, "retry:", WaitRetry, "its next try")
	case c.IsPaused() && n.task.Kind == model.KindLoopUntil:
		s.explainTimer(&w, "loop:", WaitTimer, "the loop's next turn")
	case c.IsPaused():
		s.explainTimer(&w, "resume:", WaitTimer, "the pause ends by itself, or when somebody resumes it")
		if w.For == WaitNothing {
			w.For, w.Detail = WaitPerson, "somebody has to resume it"
		}
	case n.waitsForEngine():
		w.For, w.Detail = WaitEngine, "the engine asks for what it has to know"
	case n.class() == idle:
		w.For, w.Detail = WaitNothing, "nothing is under way in it"
	default:
		explainWork(n, &w)
	}
	return w
}

// explainTimer says that a timer is waited for, if it is set.
func (s *State) explainTimer(w *Wait, kind string, what WaitFor, detail string) {
	t, ok := s.timers[kind+w.TaskRunID]
	if !ok {
		w.For, w.Detail = WaitNothing, "the timer that it waits for is not set"
		return
	}
	w.For, w.Detail, w.Until = what, detail, &t.Due
}

// explainWork says who works on a task run.
func explainWork(n *node, w *Wait) {
	run := n.run
	c := run.State.Current()
	switch {
	case n.task != nil && n.task.Kind == model.KindSubflow && c == model.Running:
		w.For, w.Ref, w.Detail = WaitSubflow, run.Engine.Child, "the execution that it started"
	case n.task != nil && n.task.Kind == model.KindBatches && c == model.Running:
		w.For, w.Detail = WaitSubflow, fmt.Sprintf("%d of %d executions that it started", run.Engine.Batches-total(run.Engine.Ended), run.Engine.Batches)
	case run.Engine.Job > 0 && c == model.Submitted:
		w.For, w.Ref, w.Detail = WaitWorker, model.JobID(run.ID, run.Engine.Job), "a worker to take it"
	case run.Engine.Job > 0 && c.IsRunning():
		w.For, w.Ref, w.Detail = WaitTask, model.JobID(run.ID, run.Engine.Job), "the worker that runs it"
	default:
		w.For, w.Detail = WaitNothing, "nobody has begun it"
	}
}
