package trigger

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// World answers what a decision has to know. Its methods may wait; they are tried again inside until they know.
type World interface {
	// Declared is the trigger as its flow declares it now; nil when it does not. An error says why it cannot be used as
	// it is declared.
	Declared() (*Declared, error)
	// Render evaluates an expression with the trigger's variables and, where there is one, those of the execution that
	// has changed its state; Holiday tells whether a date is a public holiday.
	Asker
	// Launch prepares an execution: the event that creates it. An error says why there can be none.
	Launch(l Launch) (model.Event, error)
}

// Launch asks for an execution.
type Launch struct {
	Declared  *Declared
	ID        string
	Fresh     bool       // the id was just drawn
	Variables *value.Map // the variable trigger
	Upstream  *model.Upstream
	// Inputs and Labels are given beside those of the trigger.
	Inputs []byte
	Labels []model.Label
	// ScheduleDate is set where the execution shows the date that it runs for.
	ScheduleDate *time.Time
	// Fail ends it at once, with this reason, and without inputs.
	Fail string
}

// Decision is what an event makes of a trigger.
type Decision struct {
	// State is what is remembered now; nil: nothing any more.
	State   *model.TriggerState
	Events  []model.Event
	Jobs    []*model.Job
	Done    []string // jobs that have ended
	Cancel  []string // jobs to be stopped
	Set     []model.Timer
	Clear   []string
	Answer  *model.Answer
	Logs    []model.LogEntry
	Ignored string // why nothing was done
}

// turn is one decision under way.
type turn struct {
	world World
	decl  *Declared
	now   time.Time
	ev    *model.Event
	of    model.Entity
	rec   *model.TriggerState
	d     Decision
}

// dueTimer is the id of the timer of a trigger's next evaluation. It is one: setting it replaces it.
const dueTimer = string(model.TimerDue)

// Decide handles an event of a trigger. rec is what is remembered of it, nil for nothing; it is not changed.
func Decide(rec *model.TriggerState, ev *model.Event, now time.Time, w World) Decision {
	t := &turn{world: w, now: now.Truncate(time.Microsecond), ev: ev, of: ev.To}
	decl, err := w.Declared()
	if decl == nil && err == nil {
		t.vanish(rec)
		return t.d
	}
	t.decl = decl
	t.rec = t.memory(rec)
	if err != nil {
		t.unusable(err)
		return t.d
	}
	t.compare()
	t.handle()
	t.arrange()
	t.finish()
	return t.d
}

// memory copies what is remembered, or begins to remember.
func (t *turn) memory(rec *model.TriggerState) *model.TriggerState {
	flow, id := model.TriggerOf(t.of)
	copied := model.TriggerState{Tenant: flow.Tenant, Namespace: flow.Namespace, FlowID: flow.ID, TriggerID: id}
	if rec != nil {
		copied = *rec
	}
	windows := make(map[string]*model.TriggerWindow, len(copied.Engine.Windows))
	for k, w := range copied.Engine.Windows {
		windows[k] = w
	}
	copied.Engine.Windows = windows
	if t.decl != nil {
		copied.Type, copied.StopAfter = t.decl.Type, t.decl.StopAfter
	}
	if copied.Engine.Birth == "" {
		copied.Engine.Birth = t.ev.ID
	}
	return &copied
}

// unusable keeps what is remembered of a trigger that cannot be used as it is declared, or cannot be read now. What ends
// meanwhile is noted, and it is looked at again after a while.
func (t *turn) unusable(err error) {
	if t.rec.Problem != err.Error() {
		t.rec.Problem = err.Error()
		t.log(model.LevelError, "the trigger cannot be used: "+err.Error())
	}
	switch t.ev.Kind {
	case model.EventRunEnded:
		t.endRun(t.ev.Run)
	case model.EventJobEnded, model.EventJobLost:
		t.d.Done = []string{t.ev.Job.ID}
		if t.ev.Job.ID == t.rec.Engine.JobID {
			t.clearJob()
		}
		t.refuse(model.AnswerConflict, "the trigger cannot be used: "+err.Error())
	case model.EventSync, model.EventTimer:
	default:
		t.refuse(model.AnswerConflict, "the trigger cannot be used: "+err.Error())
	}
	const again = time.Minute
	t.setTimer(t.now.Add(again))
	t.finish()
}

// vanish forgets a trigger that its flow no longer has.
func (t *turn) vanish(rec *model.TriggerState) {
	t.d.Clear = []string{dueTimer}
	ended := ""
	if t.ev.Kind == model.EventJobEnded || t.ev.Kind == model.EventJobLost {
		ended = t.ev.Job.ID
		t.d.Done = []string{ended}
	}
	if rec != nil && rec.Engine.JobID != "" && rec.Engine.JobID != ended {
		t.d.Cancel = []string{rec.Engine.JobID}
	}
	t.refuse(model.AnswerGone, "the flow has no such trigger")
}

// compare sees whether the flow was changed since. What a save has changed begins anew; what has become different in
// another way, such as by the configuration, is taken as it is, so that no date is lost by a restart.
func (t *turn) compare() {
	e := &t.rec.Engine
	saved := e.Revision != t.decl.Flow.Revision
	switch {
	case e.Definition == "" || saved && e.Definition != t.decl.Fingerprint:
		t.redeclare()
	case saved && t.decl.Kind == model.TriggerRealtime: // it starts executions of the revision that it began with
		t.stopJob()
	}
	if e.Definition != t.decl.Fingerprint {
		e.Vain = nil
	}
	e.Definition, e.Revision = t.decl.Fingerprint, t.decl.Flow.Revision
}

// redeclare begins anew after the flow was changed: dates count from now, a backfill is given up, a worker that evaluates
// the old trigger is stopped. Whether it is disabled is kept, and what it has started is still waited for.
func (t *turn) redeclare() {
	first := t.rec.Engine.Definition == ""
	t.rec.Problem, t.rec.Engine.Failures, t.rec.Engine.Held = "", 0, false
	t.rec.Next, t.rec.Backfill, t.rec.Engine.Vain = nil, nil, nil
	t.rec.Engine.Windows = map[string]*model.TriggerWindow{}
	if t.decl.Kind == model.TriggerDates && first {
		t.rec.Date = nil // dates that have passed count, too
	} else {
		t.looked(t.now)
	}
	t.stopJob()
}

// handle applies the event itself.
func (t *turn) handle() {
	switch t.ev.Kind {
	case model.EventSync:
	case model.EventTimer:
		t.onTimer()
	case model.EventJobStarted, model.EventJobEnded, model.EventJobLost:
		t.onJob()
	case model.EventUpstream:
		t.onUpstream()
	case model.EventRunEnded:
		t.onRunEnded()
	default:
		t.onManage()
	}
}

// off tells whether the trigger is to do nothing.
func (t *turn) off() bool { return t.decl.Disabled || t.rec.Disabled }

// maxFilling is how many executions of a backfill run at a time, where those of the trigger may run beside each other.
const maxFilling = 100

// locked tells whether the trigger waits for an execution that it started. The dates of a backfill wait for each other,
// also where a regular date would kill the execution before it.
func (t *turn) locked() bool {
	if t.decl.Concurrent() {
		return t.rec.Backfill != nil && len(t.rec.Engine.Filling) >= maxFilling
	}
	if t.rec.ExecutionID == "" {
		return false
	}
	return t.decl.Overlap != CancelRunning || t.rec.Backfill != nil || !t.decl.Scheduled()
}

// arrange sees to it that something will move the trigger on: a timer, a job, or the end of its execution.
func (t *turn) arrange() {
	switch {
	case t.off():
		t.stop()
	case t.decl.Scheduled():
		t.arrangeSchedule()
	case t.decl.OnWorker():
		t.arrangeWorker()
	}
}

func (t *turn) arrangeSchedule() {
	if t.rec.Next == nil && t.rec.Backfill == nil {
		from := time.Time{}
		if t.rec.Date != nil {
			from = *t.rec.Date
		}
		t.rec.Next = t.next(from)
	}
	due, ok := t.due()
	if !ok || t.locked() {
		t.d.Clear = append(t.d.Clear, dueTimer)
		return
	}
	t.setTimer(due)
}

// due is when the trigger is to be looked at again: at its next date, shifted by its jitter; at once in a backfill.
func (t *turn) due() (time.Time, bool) {
	if b := t.rec.Backfill; b != nil {
		return t.now, !b.Paused
	}
	if t.rec.Next == nil {
		return time.Time{}, false
	}
	return t.rec.Next.Add(t.jitter(*t.rec.Next)), true
}

// jitter shifts a date by a part of the trigger's jitter that depends on the trigger and the date alone.
func (t *turn) jitter(date time.Time) time.Duration {
	if t.decl.Jitter < time.Millisecond {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.of.ID))
	_, _ = h.Write([]byte(date.UTC().Format(time.RFC3339Nano)))
	return time.Duration(h.Sum64() % uint64(t.decl.Jitter)).Truncate(time.Millisecond)
}

func (t *turn) arrangeWorker() {
	switch {
	case t.rec.Engine.JobID != "" || t.locked():
		t.d.Clear = append(t.d.Clear, dueTimer)
	case t.rec.Next == nil || !t.rec.Next.After(t.now):
		t.handOut()
	default:
		t.setTimer(*t.rec.Next)
	}
}

func (t *turn) setTimer(due time.Time) {
	t.d.Set = append(t.d.Set, model.Timer{ID: dueTimer, Of: t.of, Kind: model.TimerDue, Due: due})
}

// stop leaves the trigger with nothing that would move it.
func (t *turn) stop() {
	t.d.Clear = append(t.d.Clear, dueTimer)
	t.rec.Next = nil
	if b := t.rec.Backfill; b != nil && b.PreviousNext != nil { // what the dates are then is for its switching on to say
		fill := *b
		fill.PreviousNext = nil
		t.rec.Backfill = &fill
	}
	t.stopJob()
}

// finish completes the decision.
func (t *turn) finish() {
	t.d.State = t.rec
	if t.ev.Ask != "" && t.d.Answer == nil {
		t.d.Answer = &model.Answer{Ask: t.ev.Ask, Trigger: t.rec}
	}
}

// refuse tells who asked that nothing was done, and why.
func (t *turn) refuse(code model.AnswerCode, message string) {
	t.d.Ignored = message
	if t.ev.Ask != "" {
		t.d.Answer = &model.Answer{Ask: t.ev.Ask, Code: code, Message: message, Trigger: t.rec}
	}
}

func (t *turn) log(level model.Level, message string) {
	e := model.LogEntry{
		Tenant: t.rec.Tenant, Namespace: t.rec.Namespace, FlowID: t.rec.FlowID, TriggerID: t.rec.TriggerID, Timestamp: t.now,
		Level: level, Message: message, Thread: "scheduler",
	}
	if t.decl != nil && level < t.decl.LogLevel {
		return
	}
	t.d.Logs = append(t.d.Logs, e)
}

// onTimer evaluates the trigger when it is due. A timer that was set for something else is of no account.
func (t *turn) onTimer() {
	switch {
	case t.off():
		t.d.Ignored = "the trigger is disabled"
	case t.decl.Scheduled():
		due, ok := t.due()
		if !ok || due.After(t.now) || t.locked() {
			t.d.Ignored = "it is not due"
			return
		}
		t.onDate()
	}
	// What workers evaluate is handed out by arrange.
}

// onRunEnded goes on after the end of an execution.
func (t *turn) onRunEnded() {
	if t.endRun(t.ev.Run) {
		t.unlock()
	}
}

// endRun notes the end of an execution, and tells whether it is the one that the trigger waits for. One that is tried
// again as another one has not ended.
func (t *turn) endRun(run *model.RunEnd) bool {
	for _, s := range t.rec.StopAfter {
		if s == run.State && !t.rec.Disabled {
			t.rec.Disabled = true
			t.log(model.LevelInfo, "disabled, as stopAfter says: an execution has ended as "+s.String())
		}
	}
	if i := slices.Index(t.rec.Engine.Filling, run.ExecutionID); i >= 0 {
		t.rec.Engine.Filling = slices.Delete(slices.Clone(t.rec.Engine.Filling), i, i+1)
		if run.Successor != "" {
			t.rec.Engine.Filling = append(t.rec.Engine.Filling, run.Successor)
		}
	}
	if run.ExecutionID != t.rec.ExecutionID {
		return false
	}
	t.rec.ExecutionID = run.Successor
	return run.Successor == ""
}

// unlock lets the trigger go on that waited for an execution. Dates that came meanwhile are late for that reason alone.
func (t *turn) unlock() {
	t.rec.ExecutionID = ""
	if due, ok := t.due(); t.decl.Scheduled() && t.rec.Next != nil && ok && !due.After(t.now) {
		t.rec.Engine.Held = true
	}
	if t.decl.Overlap == Skip && t.rec.Backfill == nil && t.rec.Engine.Held {
		t.skipTo(t.now)
	}
}

// skipTo leaves out the dates up to a time.
func (t *turn) skipTo(at time.Time) {
	t.looked(at)
	t.rec.Next = t.next(*t.rec.Date)
	t.rec.Engine.Held = false
}

// launch starts an execution. An execution that cannot be prepared as it should be fails with the reason.
func (t *turn) launch(l Launch) {
	l.Declared = t.decl
	ev, err := t.world.Launch(l)
	if err != nil {
		t.log(model.LevelError, err.Error())
		t.rec.Problem = err.Error()
		l.Fail, l.Inputs = err.Error(), nil
		if ev, err = t.world.Launch(l); err != nil {
			t.rec.ExecutionID = ""
			return
		}
	} else if l.Fail == "" {
		t.rec.Problem = ""
	}
	t.d.Events = append(t.d.Events, ev)
	if t.decl.Kind == model.TriggerSchedule || t.decl.Kind == model.TriggerDates || t.decl.Kind == model.TriggerPolling {
		t.rec.ExecutionID = l.ID
	}
	if t.rec.Backfill != nil && t.decl.Concurrent() {
		t.rec.Engine.Filling = append(slices.Clip(t.rec.Engine.Filling), l.ID)
	}
	t.touch()
}

func (t *turn) touch() { t.rec.Updated = &t.now }
