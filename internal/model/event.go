package model

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// EntityKind says what an entity is.
type EntityKind uint8

// The kinds of entity: whatever must stay consistent and has an inbox.
const (
	EntityExecution EntityKind = iota + 1
	EntityGate                 // the concurrency limit of one flow
	EntityTrigger
)

// Entity names the receiver of an event. ID is an execution's id, or "tenant/namespace/flow" of a gate, or
// "tenant/namespace/flow/trigger" of a trigger.
type Entity struct {
	Kind EntityKind `json:"kind"`
	ID   string     `json:"id"`
}

// ExecutionEntity names an execution.
func ExecutionEntity(id string) Entity { return Entity{EntityExecution, id} }

// TriggerEntity names a trigger of a flow.
func TriggerEntity(tenant, namespace, flow, trigger string) Entity {
	return Entity{EntityTrigger, tenant + "/" + namespace + "/" + flow + "/" + trigger}
}

// TriggerOf is the flow and the id of the trigger that an entity is.
func TriggerOf(e Entity) (flow FlowKey, trigger string) {
	parts := strings.SplitN(e.ID, "/", 4)
	if len(parts) < 4 {
		return FlowKey{}, ""
	}
	return FlowKey{Tenant: parts[0], Namespace: parts[1], ID: parts[2]}, parts[3]
}

// GateEntity names the gate of a flow.
func GateEntity(tenant, namespace, flow string) Entity {
	return Entity{EntityGate, tenant + "/" + namespace + "/" + flow}
}

// EventKind says what happened, or what is asked for.
type EventKind string

// The events of an execution.
const (
	EventCreate       EventKind = "create"       // Create
	EventJobStarted   EventKind = "jobStarted"   // Job
	EventJobEnded     EventKind = "jobEnded"     // Job
	EventJobLost      EventKind = "jobLost"      // Job: its worker is dead
	EventTimer        EventKind = "timer"        // Timer
	EventChildEnded   EventKind = "childEnded"   // Child
	EventGranted      EventKind = "granted"      // Gate: the execution has its slot
	EventQueued       EventKind = "queued"       // Gate: no slot yet, the execution is in its queue
	EventRefused      EventKind = "refused"      // Gate: no slot, the limit's behaviour is CANCEL or FAIL
	EventKill         EventKind = "kill"         // Action
	EventPause        EventKind = "pause"        // Action
	EventResume       EventKind = "resume"       // Action: Inputs, By
	EventRestart      EventKind = "restart"      // Action: Revision
	EventReplay       EventKind = "replay"       // Action: TaskRunID, Revision, Inputs, NewID, Breakpoints
	EventChangeState  EventKind = "changeState"  // Action: TaskRunID, State
	EventChangeStatus EventKind = "changeStatus" // Action: State
	EventLabels       EventKind = "labels"       // Action: Labels
	EventUnqueue      EventKind = "unqueue"      // Action: State
	EventForceRun     EventKind = "forceRun"     // Action
	EventDelete       EventKind = "delete"       // Action
	EventExplain      EventKind = "explain"      // asked only: what does the execution wait for?
	EventStillThere   EventKind = "stillThere"   // Run: a trigger waits for the execution and asks whether it is right to
	EventContinue     EventKind = "continue"     // from itself: it goes on with what it could not know in the same step
)

// The events of a gate.
const (
	EventEnter EventKind = "enter" // Gate: an execution asks for a slot
	EventLeft  EventKind = "left"  // Gate: an execution needs its slot no more
)

// The events of a trigger, besides those of its jobs and timers.
const (
	EventSync        EventKind = "sync"        // its flow may have changed: nothing is told, it is read
	EventUpstream    EventKind = "upstream"    // Upstream: an execution that it listens to has changed its state
	EventRunEnded    EventKind = "runEnded"    // Run: an execution that it started has ended, or is no more
	EventSetDisabled EventKind = "setDisabled" // Manage: Disabled
	EventUnlock      EventKind = "unlock"      // it waits no longer for its execution or its evaluation
	EventRestartJob  EventKind = "restartJob"  // its evaluation begins anew
	EventBackfill    EventKind = "backfill"    // Manage: Backfill begins; without one it is given up
	EventPauseFill   EventKind = "pauseFill"   // Manage: Paused
	EventForget      EventKind = "forget"      // what is remembered of it goes; its flow still has it
)

// Event is a message to one entity. Delivery is at least once; the receiver sees to it that the effect is once, which
// works because ids are derived: an event that is sent again has the id that it had.
type Event struct {
	// ID is unique among the events to its receiver.
	ID   string    `json:"id"`
	To   Entity    `json:"to"`
	Kind EventKind `json:"kind"`
	// At is when it was sent, by the sender's clock.
	At time.Time `json:"at"`
	// Ask is set when the sender waits for an Answer.
	Ask string `json:"ask,omitempty"`
	// Fresh says that the receiver's id was just drawn at random, so that it cannot exist yet.
	Fresh bool `json:"-"`

	Create *NewExecution `json:"create,omitempty"`
	Job    *JobReport    `json:"job,omitempty"`
	Timer  *Timer        `json:"timer,omitempty"`
	Child  *ChildEnd     `json:"child,omitempty"`
	Gate   *GateMessage  `json:"gate,omitempty"`
	Action *Action       `json:"action,omitempty"`

	Upstream *Upstream `json:"upstream,omitempty"`
	Run      *RunEnd   `json:"run,omitempty"`
	Manage   *Manage   `json:"manage,omitempty"`
}

// NewExecution is an execution to be created; TaskRuns are those that a replay keeps.
type NewExecution struct {
	Execution *Execution `json:"execution"`
	TaskRuns  []*TaskRun `json:"taskRuns,omitempty"`
	// Fail ends it at once: a check said FAIL_EXECUTION.
	Fail string `json:"fail,omitempty"`
}

// JobReport is what a worker, or who saw it die, tells of a job.
type JobReport struct {
	ID        string          `json:"id"` // JobID(TaskRunID, Attempt)
	TaskRunID string          `json:"taskRunId"`
	Attempt   int             `json:"attempt"` // from 1
	WorkerID  string          `json:"workerId,omitempty"`
	Started   time.Time       `json:"started,omitzero"`
	Ended     time.Time       `json:"ended,omitzero"`
	State     State           `json:"state,omitempty"` // SUCCESS, WARNING, FAILED, KILLED or SKIPPED, before allowFailure and retries
	Outputs   json.RawMessage `json:"outputs,omitempty"`
	Error     string          `json:"error,omitempty"`
	LogFile   string          `json:"logFile,omitempty"`
	// Values are the files that a split made, for the executions that follow.
	Values []string `json:"values,omitempty"`
	// Children are the task runs of a job that runs several tasks (WorkingDirectory), and dynamic ones.
	Children []*TaskRun `json:"children,omitempty"`
	// Logs and Metrics of a job that ran ahead of its commit: they are stored with its result.
	Logs    []LogEntry `json:"logs,omitempty"`
	Metrics []Metric   `json:"metrics,omitempty"`
	// Errors counts the lines of level ERROR that the job has logged, also those that do not come with the report.
	Errors int `json:"errors,omitempty"`
}

// ChildEnd tells a waiting task run that the execution it started has ended.
type ChildEnd struct {
	Waiting
	ChildID string          `json:"childId"`
	State   State           `json:"state"`
	Outputs json.RawMessage `json:"outputs,omitempty"`
	Failure string          `json:"failure,omitempty"`
	// Refused says that the execution was to be restarted and cannot be; Failure says why.
	Refused bool `json:"refused,omitempty"`
	// Context holds the variables of the ended execution that the waiting task's expressions read, if any do.
	Context json.RawMessage `json:"context,omitempty"`
}

// GateMessage is between an execution and the gate of its flow.
type GateMessage struct {
	Gate        string    `json:"gate,omitempty"` // the id of the gate, where it is the sender
	ExecutionID string    `json:"executionId"`
	Visit       int       `json:"visit"`
	Limit       int       `json:"limit,omitempty"`
	Behavior    string    `json:"behavior,omitempty"`
	Revision    int       `json:"revision,omitempty"` // of the flow that has this limit
	Since       time.Time `json:"since,omitzero"`     // orders the queue: when the execution was created
	Forced      bool      `json:"forced,omitempty"`
	Priority    int       `json:"priority,omitempty"`
}

// Action is what a person, a client or another entity asks of an execution. Each kind of event uses the fields that it
// names above.
type Action struct {
	State       State            `json:"state,omitempty"`
	TaskRunID   string           `json:"taskRunId,omitempty"`
	Revision    int              `json:"revision,omitempty"`
	Inputs      json.RawMessage  `json:"inputs,omitempty"`
	Labels      []Label          `json:"labels,omitempty"`
	By          string           `json:"by,omitempty"`
	NewID       string           `json:"newId,omitempty"`
	Cascade     bool             `json:"cascade,omitempty"`
	Breakpoints []TaskBreakpoint `json:"breakpoints,omitempty"`
	Force       bool             `json:"force,omitempty"`
	// Waiting is who is told of the end of an execution that is restarted because the one that started it is.
	Waiting *Waiting `json:"waiting,omitempty"`
}

// Answer is the outcome of an event that was asked.
type Answer struct {
	Ask string `json:"ask"`
	// Code is 0 for done, else why not.
	Code    AnswerCode `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	// Body is the answer to a question, as JSON.
	Body json.RawMessage `json:"body,omitempty"`
	// Execution is the header after the event; of a replay, that of the new execution.
	Execution *Execution `json:"execution,omitempty"`
	// Trigger is what is remembered of a trigger after the event.
	Trigger *TriggerState `json:"trigger,omitempty"`
}

// AnswerCode classifies a refusal.
type AnswerCode uint8

// The codes.
const (
	AnswerDone     AnswerCode = iota
	AnswerGone                // no such execution
	AnswerConflict            // its state does not allow it
	AnswerInvalid             // the request itself is wrong
)

// Job is work for a worker: one attempt of a runnable task, or an evaluation of a trigger. It carries all that the worker
// needs but the flow.
type Job struct {
	ID    string  `json:"id"` // JobID(TaskRun.ID, Attempt)
	Flow  FlowKey `json:"flow"`
	Group string  `json:"group,omitempty"` // the worker group, "" for the default one
	// Attempt counts from 1.
	Attempt   int         `json:"attempt"`
	Execution JobHeader   `json:"execution"`
	TaskRun   *TaskRun    `json:"taskRun"`
	Parents   []JobParent `json:"parents,omitempty"` // closest first
	// Vars holds the context variables that the task's expressions may read. Secrets in them are encrypted.
	Vars *value.Map `json:"vars,omitempty"`
	// Pure says that running it twice is harmless and that it touches nothing outside its result.
	Pure bool `json:"pure,omitempty"`
	// At is when it was handed out.
	At time.Time `json:"at"`
	// TriggerID is set for the evaluation of a trigger of the flow. Execution then names the execution that may come of it.
	TriggerID string `json:"triggerId,omitempty"`
	// Listens says that the evaluation runs until it is stopped.
	Listens bool `json:"listens,omitempty"`
}

// Entity is who is told of the job's progress.
func (j *Job) Entity() Entity {
	if j.TriggerID != "" {
		return TriggerEntity(j.Flow.Tenant, j.Flow.Namespace, j.Flow.ID, j.TriggerID)
	}
	return ExecutionEntity(j.Execution.ID)
}

// TaskRunID is the id of its task run, "" for a trigger.
func (j *Job) TaskRunID() string {
	if j.TaskRun == nil {
		return ""
	}
	return j.TaskRun.ID
}

// JobHeader is what a job carries of its execution.
type JobHeader struct {
	ID          string    `json:"id"`
	StartDate   time.Time `json:"startDate"`
	OriginalID  string    `json:"originalId"`
	State       State     `json:"state"`
	Kind        string    `json:"kind,omitempty"`
	TraceParent string    `json:"traceParent,omitempty"`
	TriggerID   string    `json:"triggerId,omitempty"`
	Errors      int       `json:"errors,omitempty"` // lines of level ERROR in its log so far
}

// JobParent is a flowable around a job's task.
type JobParent struct {
	TaskID    string  `json:"taskId"`
	TaskRunID string  `json:"taskRunId"`
	Value     *string `json:"value,omitempty"`
	Iteration *int    `json:"iteration,omitempty"`
}

// JobID names one attempt of a task run.
func JobID(taskRunID string, attempt int) string {
	if attempt == 1 {
		return taskRunID
	}
	return taskRunID + "." + strconv.Itoa(attempt)
}

// TimerKind says what a timer is for.
type TimerKind string

// The timers of an execution.
const (
	TimerSchedule  TimerKind = "schedule"  // the schedule date has come
	TimerResume    TimerKind = "resume"    // a Pause ends by itself
	TimerRetry     TimerKind = "retry"     // the next try of a task
	TimerRetryFlow TimerKind = "retryFlow" // the next try of an execution
	TimerLoop      TimerKind = "loop"      // the next turn of a LoopUntil
	TimerSLA       TimerKind = "sla"       // MAX_DURATION is over
)

// The timers of a trigger.
const (
	TimerDue    TimerKind = "due"    // its next evaluation
	TimerWindow TimerKind = "window" // the window of what it waits for is over
)

// Timer is an event that an entity sends itself for later. ID is unique within its entity; setting it again replaces it.
type Timer struct {
	ID        string    `json:"id"`
	Of        Entity    `json:"of"`
	Kind      TimerKind `json:"kind"`
	Due       time.Time `json:"due"`
	TaskRunID string    `json:"taskRunId,omitempty"`
	Ref       string    `json:"ref,omitempty"` // an SLA's id
	Number    int       `json:"number,omitempty"`
}

// GateMember is an execution that holds a slot of a gate or waits for one.
type GateMember struct {
	ExecutionID string    `json:"executionId"`
	Visit       int       `json:"visit"`
	Since       time.Time `json:"since"`
	Running     bool      `json:"running"`
	Forced      bool      `json:"forced,omitempty"`   // holds a slot beyond the limit
	Priority    int       `json:"priority,omitempty"` // the highest gets the next slot
}

// Transition is what one event, or several of one entity, changed: differences only, never the whole, so that its size
// does not grow with the execution. It is committed together with the acknowledgement of its events, all or nothing.
type Transition struct {
	Of Entity
	// Version counts the transitions of the entity, from 1; it makes a commit safe to repeat.
	Version int64
	// Acks are the ids of the events that it consumed, timers not included.
	Acks []string

	Execution *Execution // the new header, nil if unchanged
	TaskRuns  []*TaskRun // added or changed, as they now are
	DropRuns  []string   // ids of task runs that are no more
	// Before and RunsBefore are Execution and TaskRuns as they were, nil where they are new: for those who tell of what has
	// happened. They are not stored.
	Before     *Execution
	RunsBefore []*TaskRun

	Gate    *GateChange
	Trigger *TriggerChange
	Deleted bool // the entity and its records go; a tombstone stays

	Jobs        []*Job   // to be handed out
	JobsDone    []string // ids of jobs that ended, or that must not be handed out any more
	CancelJobs  []string // ids of jobs whose worker is to stop them; they still report
	ClearTimers []string
	SetTimers   []Timer // after those that are cleared
	Events      []Event // to other entities
	Answers     []Answer
	Logs        []LogEntry
	Metrics     []Metric
}

// TriggerChange is what is now remembered of a trigger; a State of nil: nothing any more.
type TriggerChange struct{ State *TriggerState }

// GateChange is the difference that a transition makes to a gate.
type GateChange struct {
	Limit    int
	Behavior string
	Revision int // of the flow that the limit is from
	Put      []GateMember
	Drop     []string // execution ids
}
