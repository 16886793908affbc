package model

import (
	"encoding/json"
	"strconv"
	"time"
)

// Label is a key and a value that executions and flows are found by. Keys may repeat; the first one counts when read.
type Label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// SystemPrefix begins the labels that only Windhover sets.
const SystemPrefix = "system."

// The system labels.
const (
	LabelCorrelation = SystemPrefix + "correlationId"
	LabelUsername    = SystemPrefix + "username"
	LabelReplay      = SystemPrefix + "replay"
	LabelReplayed    = SystemPrefix + "replayed"
	LabelRestarted   = SystemPrefix + "restarted"
	LabelFrom        = SystemPrefix + "from"
)

// Execution is the header of one run of a flow. Its task runs are records of their own, so that writing one of them
// never rewrites the others.
//
// An Execution that has left the engine is never changed again: the engine copies before it writes.
type Execution struct {
	Tenant       string           `json:"tenantId"`
	ID           string           `json:"id"`
	Namespace    string           `json:"namespace"`
	FlowID       string           `json:"flowId"`
	FlowRevision int              `json:"flowRevision"`
	Inputs       json.RawMessage  `json:"inputs,omitempty"`    // a JSON object; secrets in it are encrypted
	Outputs      json.RawMessage  `json:"outputs,omitempty"`   // a JSON object, once rendered
	Variables    json.RawMessage  `json:"variables,omitempty"` // the flow's variables, as SetVariables left them
	Labels       []Label          `json:"labels,omitempty"`
	State        History          `json:"state"`
	ParentID     string           `json:"parentId,omitempty"` // the execution that this one retries or replays
	OriginalID   string           `json:"originalId"`
	Trigger      *TriggerInfo     `json:"trigger,omitempty"`
	Metadata     Metadata         `json:"metadata"`
	ScheduleDate *time.Time       `json:"scheduleDate,omitempty"`
	Kind         string           `json:"kind,omitempty"` // "" (normal), TEST, PLAYGROUND, LOOP
	TraceParent  string           `json:"traceParent,omitempty"`
	Breakpoints  []TaskBreakpoint `json:"breakpoints,omitempty"`
	Deleted      bool             `json:"deleted,omitempty"`
	Engine       EngineState      `json:"engine,omitzero"`
}

// EngineState is what the engine has to remember of an execution beyond what the API shows.
type EngineState struct {
	// Format is the version of this encoding; an owner refuses a newer one.
	Format int `json:"format,omitempty"`
	// Now is the time of the last event that was handled: event times never go back.
	Now time.Time `json:"now,omitzero"`
	// Kill is the state that a requested kill ends with; the zero State when none was requested.
	Kill State `json:"kill,omitempty"`
	// PausedByAPI is set while a person holds the execution, as distinct from a Pause task.
	PausedByAPI bool `json:"pausedByApi,omitempty"`
	// AtBreakpoint is set while the execution stands before a task that a breakpoint names.
	AtBreakpoint bool `json:"atBreakpoint,omitempty"`
	// Visit counts the times that the execution has asked its flow's gate for a slot.
	Visit int `json:"visit,omitempty"`
	// InGate is set from asking the gate until leaving it.
	InGate bool `json:"inGate,omitempty"`
	// Admitted is set once the execution may run: its schedule date has come and its gate has let it in.
	Admitted bool `json:"admitted,omitempty"`
	// Finished is set when the execution has ended and its afterExecution tasks have too.
	Finished bool `json:"finished,omitempty"`
	// ViolatedSLA lists the ids of SLAs that have been violated: each acts once.
	ViolatedSLA []string `json:"violatedSla,omitempty"`
	// Waiting names who is told when this execution ends: the Subflow task run that waits for it.
	Waiting *Waiting `json:"waiting,omitempty"`
	// Depth is how many executions wait for this one, each for the next.
	Depth int `json:"depth,omitempty"`
	// StartedBy is the trigger of its flow that started it and is told of its end; "" if none did.
	StartedBy string `json:"startedBy,omitempty"`
	// Priority orders the queue of its flow's concurrency limit: the highest first.
	Priority int `json:"priority,omitempty"`
	// Runs counts the task runs ever created: the next one's sequence number.
	Runs int `json:"runs,omitempty"`
	// Failure is a reason that belongs to no task run.
	Failure string `json:"failure,omitempty"`
	// Errors counts the lines of level ERROR in its log: errorLogs() waits until as many can be read.
	Errors int `json:"errors,omitempty"`
	// Acted remembers the newest actions, oldest first: one that is delivered again does nothing again.
	Acted []Acted `json:"acted,omitempty"`
}

// Acted is an action that was done, or refused, with what was answered.
type Acted struct {
	ID      string     `json:"id"` // of the event
	Code    AnswerCode `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	Copy    string     `json:"copy,omitempty"` // the execution that it created
}

// Waiting names the task run of another execution that waits for this one.
type Waiting struct {
	ExecutionID string `json:"executionId"`
	TaskRunID   string `json:"taskRunId"`
	Attempt     int    `json:"attempt"`
	Iteration   int    `json:"iteration,omitempty"`
	// Context asks for the variables of the ended execution: the waiting task's own expressions read them.
	Context bool `json:"context,omitempty"`
}

// EncryptedType marks an encrypted value among inputs and outputs.
const EncryptedType = "io.kestra.datatype:aes_encrypted"

// TriggerInfo tells what started an execution.
type TriggerInfo struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Variables json.RawMessage `json:"variables,omitempty"`
	LogFile   string          `json:"logFile,omitempty"`
}

// Metadata counts the tries of an execution across retries and restarts.
type Metadata struct {
	AttemptNumber       int       `json:"attemptNumber"`
	OriginalCreatedDate time.Time `json:"originalCreatedDate"`
}

// TaskBreakpoint stops an execution before a task; Value narrows it to one iteration.
type TaskBreakpoint struct {
	ID    string `json:"id"`
	Value string `json:"value,omitempty"`
}

// TaskRun is one task's run within an execution; each try of it is an Attempt.
//
// A TaskRun that has left the engine is never changed again: the engine copies before it writes.
type TaskRun struct {
	Tenant      string          `json:"tenantId"`
	ID          string          `json:"id"`
	ExecutionID string          `json:"executionId"`
	Namespace   string          `json:"namespace"`
	FlowID      string          `json:"flowId"`
	TaskID      string          `json:"taskId"`
	ParentID    string          `json:"parentTaskRunId,omitempty"`
	Value       *string         `json:"value,omitempty"`     // only direct children of a loop over values
	Iteration   *int            `json:"iteration,omitempty"` // from 0
	Attempts    []Attempt       `json:"attempts,omitempty"`
	Outputs     json.RawMessage `json:"outputs,omitempty"` // a JSON object
	State       History         `json:"state"`
	Dynamic     bool            `json:"dynamic,omitempty"`
	Engine      RunState        `json:"engine,omitzero"`
}

// BatchID is the id of the execution that a ForEachItem has started for a batch.
func (r *TaskRun) BatchID(batch int) string {
	return DeriveID("child", r.ID, strconv.Itoa(r.Engine.Begun), strconv.Itoa(batch))
}

// RunState is what the engine has to remember of a task run beyond what the API shows.
type RunState struct {
	// Seq orders the task runs of an execution by creation, from 0.
	Seq int `json:"seq"`
	// Section is the list of its parent that the task stands in.
	Section Section `json:"section,omitempty"`
	// Group is the index of its value in the loop around it, from 0.
	Group int `json:"group,omitempty"`
	// Values are a loop's values, frozen when it began, or the files that a split made.
	Values []string `json:"values,omitempty"`
	// Keys are those of a loop's values, where they are the entries of a map.
	Keys []string `json:"keys,omitempty"`
	// Limit is how many children of it may run at once, as rendered when it began; 0 without bound.
	Limit int `json:"limit,omitempty"`
	// OnFailure is what a Parallel or a Dag was told to do when a child of it fails: CONTINUE, CANCEL, FAIL or "".
	OnFailure string `json:"onFailure,omitempty"`
	// Broken is set when the flowable itself failed: its own expression, or no branch to take.
	Broken bool `json:"broken,omitempty"`
	// Turn counts a LoopUntil's bodies, from 1.
	Turn int `json:"turn,omitempty"`
	// Lost counts attempts whose worker died.
	Lost int `json:"lost,omitempty"`
	// Child is the execution that a Subflow started last.
	Child string `json:"child,omitempty"`
	// Batches is the number of executions that a ForEachItem has started, and Begun the attempt that did. Ended counts those
	// that have ended by state; Done has a bit for each of them, and Failed one for each that has failed or was killed.
	Batches int           `json:"batches,omitempty"`
	Begun   int           `json:"begun,omitempty"`
	Ended   map[State]int `json:"ended,omitempty"`
	Done    []byte        `json:"done,omitempty"`
	Failed  []byte        `json:"failed,omitempty"`
	// ResumeAs is the state that a Pause ends with when its time is over.
	ResumeAs State `json:"resumeAs,omitempty"`
	// JobEnd is what the job of a WorkingDirectory came to, while its errors and finally run and after that.
	JobEnd State `json:"jobEnd,omitempty"`
	// Job is the number of the newest hand-out of the task to a worker, from 1; results of older ones are ignored.
	Job int `json:"job,omitempty"`
	// Error is why the last try failed, in one line.
	Error string `json:"error,omitempty"`
}

// Section is a list of tasks within a flow or a flowable task.
type Section uint8

// The sections. SectionTasks covers a flowable's own children, whatever their key (tasks, then, else, cases, defaults).
const (
	SectionTasks Section = iota
	SectionErrors
	SectionFinally
	SectionAfter
	SectionOnPause
)

// Attempt is one try of a task run.
type Attempt struct {
	State    History `json:"state"`
	LogFile  string  `json:"logFile,omitempty"`
	WorkerID string  `json:"workerId,omitempty"`
}

// LogEntry is one line of an execution's or a trigger's log.
type LogEntry struct {
	Tenant      string    `json:"tenantId"`
	Namespace   string    `json:"namespace"`
	FlowID      string    `json:"flowId"`
	TaskID      string    `json:"taskId,omitempty"`
	ExecutionID string    `json:"executionId,omitempty"`
	TaskRunID   string    `json:"taskRunId,omitempty"`
	Attempt     *int      `json:"attemptNumber,omitempty"` // from 0
	TriggerID   string    `json:"triggerId,omitempty"`
	Timestamp   time.Time `json:"timestamp"`
	Level       Level     `json:"level"`
	Thread      string    `json:"thread,omitempty"`
	Message     string    `json:"message"`
	Kind        string    `json:"executionKind,omitempty"`
	// Seq orders the lines of one attempt; with the attempt it makes a line's key, so that one delivered twice is kept once.
	Seq int `json:"-"`
}

// Metric is a number that a task measured.
type Metric struct {
	Tenant      string            `json:"tenantId"`
	Namespace   string            `json:"namespace"`
	FlowID      string            `json:"flowId"`
	TaskID      string            `json:"taskId,omitempty"`
	ExecutionID string            `json:"executionId,omitempty"`
	TaskRunID   string            `json:"taskRunId,omitempty"`
	Type        string            `json:"type"` // counter, timer, gauge
	Name        string            `json:"name"`
	Value       float64           `json:"value"` // a timer's in milliseconds, as the reference stores it
	Timestamp   time.Time         `json:"timestamp"`
	Tags        map[string]string `json:"tags,omitempty"`
	Kind        string            `json:"executionKind,omitempty"`
}
