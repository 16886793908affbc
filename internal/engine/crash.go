package engine

import (
	"strconv"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Remains is what the last commit left of an execution that cannot be stepped.
type Remains struct {
	Version   int64
	Execution *model.Execution // nil if there is none yet
	TaskRuns  []*model.TaskRun
	Timers    []model.Timer
	Jobs      []string // ids of those that were handed out and have not ended
}

// Crash ends an execution that cannot be stepped: its transition was refused, or Step panicked, or its flow cannot be read.
// It looks at the records alone, never at the flow or at what an event brings, so that whatever was wrong does no more harm,
// and it acknowledges the event that caused it. Nothing stays open: task runs end, timers and jobs go, what was waited for is
// killed, and whoever waits is told. An execution that had ended stays as it was.
func Crash(r Remains, ev *model.Event, reason string, now time.Time) *model.Transition {
	t := &model.Transition{Of: ev.To}
	if ev.Kind != model.EventTimer {
		t.Acks = []string{ev.ID}
	} else if ev.Timer != nil {
		t.ClearTimers = []string{ev.Timer.ID}
	}
	if ev.Ask != "" {
		t.Answers = []model.Answer{{Ask: ev.Ask, Code: model.AnswerConflict, Message: reason}}
	}
	exec := r.Execution
	if exec == nil && ev.Create != nil {
		exec = ev.Create.Execution
	}
	if exec == nil || exec.Engine.Finished {
		return t // of version 0: there is nothing that changes
	}
	h := *exec
	c := &crash{h: &h, t: t, cause: ev.ID, now: laterOf(h.Engine.Now, now)}
	c.endRuns(r)
	c.endHeader(reason)
	t.Version, t.Execution, t.Before = r.Version+1, &h, r.Execution
	t.Logs = []model.LogEntry{{
		Tenant: h.Tenant, Namespace: h.Namespace, FlowID: h.FlowID, ExecutionID: h.ID, Timestamp: c.now, Level: model.LevelError,
		Thread: "executor", Message: reason, Seq: engineSeq + int(t.Version)<<10,
	}}
	return t
}

// crash is a Crash under way.
type crash struct {
	h     *model.Execution
	t     *model.Transition
	cause string // the event's id
	now   time.Time
}

func (c *crash) endRuns(r Remains) {
	c.t.JobsDone, c.t.CancelJobs = r.Jobs, r.Jobs
	for _, timer := range r.Timers {
		c.t.ClearTimers = append(c.t.ClearTimers, timer.ID)
	}
	for _, run := range r.TaskRuns {
		if run.State.Current().Terminated() {
			continue
		}
		if run.Engine.Child != "" {
			c.kill(run.Engine.Child)
		}
		for i := range run.Engine.Batches {
			c.kill(run.BatchID(i))
		}
		ended := *run
		ended.State = c.end(run.State)
		if last := len(run.Attempts) - 1; last >= 0 && !run.Attempts[last].State.Current().Terminated() {
			ended.Attempts = append([]model.Attempt(nil), run.Attempts...)
			ended.Attempts[last].State = c.end(run.Attempts[last].State)
		}
		c.t.TaskRuns = append(c.t.TaskRuns, &ended)
	}
}

// end ends a history, without writing to what others hold: as killed if that was asked for, else as failed.
func (c *crash) end(h model.History) model.History {
	end := model.Failed
	if c.h.Engine.Kill != 0 {
		end = c.h.Engine.Kill
	}
	return h[:len(h):len(h)].With(end, c.now)
}

func (c *crash) endHeader(reason string) {
	h := c.h
	if cur := h.State.Current(); !cur.Terminated() || cur == model.Retried {
		h.State = c.end(h.State)
	}
	h.Engine.Now, h.Engine.Finished, h.Engine.Failure, h.Engine.Format = c.now, true, reason, Format
	if h.Engine.InGate {
		h.Engine.InGate = false
		c.send("left", model.Event{To: model.GateEntity(h.Tenant, h.Namespace, h.FlowID), Kind: model.EventLeft,
			Gate: &model.GateMessage{ExecutionID: h.ID, Visit: h.Engine.Visit}})
	}
	if h.Engine.StartedBy != "" {
		c.send("run", runEnd(h))
	}
	if w := h.Engine.Waiting; w != nil {
		c.send("end", model.Event{To: model.ExecutionEntity(w.ExecutionID), Kind: model.EventChildEnded,
			Child: &model.ChildEnd{Waiting: *w, ChildID: h.ID, State: h.State.Current(), Failure: reason}})
	}
}

func (c *crash) kill(id string) {
	c.send("kill", model.Event{To: model.ExecutionEntity(id), Kind: model.EventKill, Action: &model.Action{Cascade: true}})
}

func (c *crash) send(what string, e model.Event) {
	e.ID, e.At = model.DeriveID("crash", c.h.ID, c.cause, what, strconv.Itoa(len(c.t.Events))), c.now
	c.t.Events = append(c.t.Events, e)
}
