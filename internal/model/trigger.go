package model

import (
	"encoding/json"
	"time"
)

// TriggerState is what is remembered of a trigger between its evaluations.
type TriggerState struct {
	Tenant        string     `json:"tenantId"`
	Namespace     string     `json:"namespace"`
	FlowID        string     `json:"flowId"`
	TriggerID     string     `json:"triggerId"`
	Type          string     `json:"type,omitempty"`
	Date          *time.Time `json:"date,omitempty"` // last evaluated
	Next          *time.Time `json:"nextExecutionDate,omitempty"`
	Backfill      *Backfill  `json:"backfill,omitempty"`
	StopAfter     []State    `json:"stopAfter,omitempty"`
	Disabled      bool       `json:"disabled"`
	ExecutionID   string     `json:"executionId,omitempty"` // of the execution that it waits for
	Updated       *time.Time `json:"updatedDate,omitempty"`
	EvaluateSince *time.Time `json:"evaluateRunningDate,omitempty"` // since when a worker evaluates it
	WorkerID      string     `json:"workerId,omitempty"`
	// Problem says why the last evaluation failed, "" if it did not.
	Problem string `json:"problem,omitempty"`

	Engine TriggerEngine `json:"engine,omitzero"`
}

// Waits tells whether the trigger waits for an execution or a worker.
func (t *TriggerState) Waits() bool {
	return t.ExecutionID != "" || t.Engine.JobID != "" || len(t.Engine.Filling) > 0
}

// TriggerEngine is what the scheduler has to remember of a trigger beyond what the API shows.
type TriggerEngine struct {
	// Birth is the event with which the trigger began to be remembered: ids that are derived from it never come again.
	Birth string `json:"birth,omitempty"`
	// Definition identifies the trigger as its flow declared it when it was last looked at, Revision is that of the flow.
	Definition string `json:"definition,omitempty"`
	Revision   int    `json:"revision,omitempty"`
	// Job counts the jobs that were handed out for it, JobID names the one that is out.
	Job   int    `json:"job,omitempty"`
	JobID string `json:"jobId,omitempty"`
	// PlannedID is the id of the execution that the evaluation under way may lead to.
	PlannedID string `json:"plannedId,omitempty"`
	// Held is set when a date came while the trigger waited for its execution: it is late for no fault of the scheduler's.
	Held bool `json:"held,omitempty"`
	// Failures counts evaluations that failed one after the other.
	Failures int `json:"failures,omitempty"`
	// Windows are those of the conditions on several executions, by the id of the conditions.
	Windows map[string]*TriggerWindow `json:"windows,omitempty"`
	// Filling are the executions of a backfill that run, where those of the trigger may run beside each other.
	Filling []string `json:"filling,omitempty"`
	// Vain are dates among which none was found on which the conditions hold; each is looked at in its turn.
	Vain *Span `json:"vain,omitempty"`
	// Acted remembers the newest actions and changes of executions that had an effect, oldest first: one that is delivered
	// again has none.
	Acted []Acted `json:"acted,omitempty"`
}

// Span is a time from one date to another.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// TriggerWindow gathers what has happened of what a trigger waits for.
type TriggerWindow struct {
	// Met are the conditions that an execution has met.
	Met map[string]TriggerMet `json:"met,omitempty"`
}

// TriggerMet says which execution has met a condition, when, and with which outputs of its flow.
type TriggerMet struct {
	ExecutionID string          `json:"executionId"`
	At          time.Time       `json:"at"`
	Outputs     json.RawMessage `json:"outputs,omitempty"`
}

// Backfill runs a schedule for dates that have passed.
type Backfill struct {
	ID           string          `json:"id,omitempty"` // the event that began it
	Start        time.Time       `json:"start"`
	End          *time.Time      `json:"end,omitempty"`
	Current      *time.Time      `json:"currentDate,omitempty"`
	Paused       bool            `json:"paused"`
	Inputs       json.RawMessage `json:"inputs,omitempty"`
	Labels       []Label         `json:"labels,omitempty"`
	PreviousNext *time.Time      `json:"previousNextExecutionDate,omitempty"`
}

// Upstream is an execution that has changed its state, as Flow triggers see it.
type Upstream struct {
	Execution *Execution `json:"execution"` // its header
	// Outputs are those of its tasks, as expressions see them.
	Outputs json.RawMessage `json:"outputs,omitempty"`
	// FirstFailed and Last are the ids of the task that failed first and of the one that was started last.
	FirstFailed string `json:"firstFailed,omitempty"`
	Last        string `json:"last,omitempty"`
	// Retried are the states, each once, of the attempts of task runs that were tried more than once.
	Retried []State `json:"retried,omitempty"`
}

// RunEnd tells a trigger of the end of an execution that it started.
type RunEnd struct {
	ExecutionID string `json:"executionId"`
	State       State  `json:"state"`
	// Successor is the execution that takes over from one that is RETRIED.
	Successor string `json:"successor,omitempty"`
	// Asker is the trigger that wants to know whether the execution is still there.
	Asker *Entity `json:"asker,omitempty"`
}

// Manage is what a person or a client asks of a trigger. Each kind of event uses the fields that it names.
type Manage struct {
	Disabled bool      `json:"disabled,omitempty"`
	Paused   bool      `json:"paused,omitempty"`
	Backfill *Backfill `json:"backfill,omitempty"`
	Only     bool      `json:"only,omitempty"` // a backfill that is under way is not replaced
}
