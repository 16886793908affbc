package model

import (
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// Flow is a compiled flow: validated, its aliases resolved and its plugin defaults applied. It is never changed after
// it was compiled, so any number of goroutines may share it.
type Flow struct {
	Tenant      string
	Namespace   string
	ID          string
	Revision    int // from 1
	Description string
	Disabled    bool
	Deleted     bool
	Updated     time.Time

	Labels    []Label
	Inputs    []*Input
	Outputs   []*Output
	Variables *value.Map

	Tasks, Errors, Finally, AfterExecution []*Task
	Listeners                              []*Listener
	Triggers                               []*Trigger

	Concurrency *Concurrency
	Retry       *Retry
	SLA         []*SLA
	Checks      []*Check
	WorkerGroup *WorkerGroup

	// Source is the YAML as written; Document the same as data, for the API, with the types as written.
	Source   string
	Document *value.Map

	// ByID finds every task of the flow, also nested ones. Ids are unique within a flow.
	ByID map[string]*Task
}

// FlowKey names a flow; a Revision of 0 is the latest.
type FlowKey struct {
	Tenant, Namespace, ID string
	Revision              int
}

// Key returns the flow's key with its revision.
func (f *Flow) Key() FlowKey { return FlowKey{f.Tenant, f.Namespace, f.ID, f.Revision} }

// Kind tells the engine how a task is executed.
type Kind uint8

// The kinds. Runnable tasks become jobs for workers; all others are moved by the engine itself.
const (
	KindRunnable Kind = iota
	KindSequential
	KindAllowFailure
	KindParallel
	KindDag
	KindIf
	KindSwitch
	KindForEach
	KindEachSequential
	KindEachParallel
	KindLoop // 2.0: each iteration is an execution of its own
	KindLoopUntil
	KindPause
	KindWorkingDirectory // one job that runs its children
	KindSubflow
	KindForEachItem // its children ID_split, ID_items and ID_merge are put there when the flow is compiled
	KindBatches     // ID_items: one subflow for each batch
	KindTemplate
	// The tasks below change their execution and are done by the engine in one turn.
	KindLabels
	KindSetVariables
	KindUnsetVariables
	KindExit
)

// Flowable tells whether tasks of this kind have children that the engine moves.
func (k Kind) Flowable() bool {
	return k >= KindSequential && k <= KindPause || k == KindForEachItem || k == KindTemplate
}

// GivesValues tells whether tasks of this kind run their list of tasks once for each of some values.
func (k Kind) GivesValues() bool {
	switch k {
	case KindForEach, KindEachSequential, KindEachParallel, KindLoop:
		return true
	}
	return false
}

// UpdatesExecution tells whether tasks of this kind are done by the engine in one turn.
func (k Kind) UpdatesExecution() bool { return k >= KindLabels }

// Task is one task of a flow, with what every task has; what only its type has is in Props.
type Task struct {
	ID          string
	Type        string // the present name of the type; aliases are resolved
	Kind        Kind
	Description string

	Disabled     bool
	AllowFailure bool
	AllowWarning bool
	LogToFile    bool
	LogLevel     Level  // 0: not set
	RunIf        string // an expression; "" is always
	Timeout      string // an ISO duration or an expression; "" is none
	Retry        *Retry
	WorkerGroup  *WorkerGroup
	Cache        *TaskCache

	// Props holds the remaining properties as written, plugin defaults applied, lists of tasks left out.
	Props *value.Map
	// Pure tells that running the task has no effect outside its result, so that it may run again after a crash.
	Pure bool
	// Uses lists what the expressions in the task's own properties may read.
	Uses *Uses

	// Children by place. Children of an If are in Tasks (then) and Else; of a Switch in Cases and Defaults.
	Tasks, Else, Defaults, Errors, Finally []*Task
	Cases                                  []Case
	OnPause                                *Task
	OnResume                               []*Input
	// DependsOn names the siblings that must have ended before this task of a Dag.
	DependsOn []string

	// Parent is the flowable that the task stands in, nil at the top.
	Parent *Task
	// Section is the list of the parent that the task stands in.
	Section Section
	// Order is the task's place in the flow's text, from 0.
	Order int
	// Line is where the task begins in the source, from 1; 0 if unknown.
	Line int
}

// HasValue tells whether the task's runs have a value: it stands directly in a loop over values.
func (t *Task) HasValue() bool {
	return t.Parent != nil && t.Section == SectionTasks && t.Parent.Kind.GivesValues()
}

// Depth is the number of values that lead to the task's outputs: one for each loop over values around it.
func (t *Task) Depth() int {
	n := 0
	for ; t != nil; t = t.Parent {
		if t.HasValue() {
			n++
		}
	}
	return n
}

// Shared is how many of the values that lead to the task's outputs, outermost first, the reader does without: an iteration
// of 2.0's Loop sees what it has put out itself, and what the iterations around it have, directly. The expressions of a Loop
// count as being within its iterations.
func (t *Task) Shared(reader *Task) int {
	for c := t; c != nil && c.Parent != nil; c = c.Parent {
		if c.HasValue() && c.Parent.Kind == KindLoop && c.Parent.repeats(reader) {
			return c.Depth()
		}
	}
	return 0
}

// repeats tells whether a task is this one, a loop, or runs in its iterations.
func (t *Task) repeats(reader *Task) bool {
	for c := reader; c != nil; c = c.Parent {
		if c == t {
			return true
		}
		if c.Parent == t && c.Section != SectionTasks {
			return false
		}
	}
	return false
}

// Case is one branch of a Switch.
type Case struct {
	Value string
	Tasks []*Task
}

// Uses tells what an expression may read, so that a job carries that and no more.
type Uses struct {
	// All is set when it cannot be told: the whole context goes along.
	All bool
	// Roots are the names of context variables (inputs, vars, taskrun, …), sorted.
	Roots []string
	// Outputs are the ids of tasks whose outputs are read, sorted; AllOutputs if any may be.
	Outputs    []OutputUse
	AllOutputs bool
}

// OutputUse is a task whose outputs are read. Own tells that only the value of the reader's own iteration is.
type OutputUse struct {
	TaskID string
	Own    bool
}

// TriggerKind says how a trigger comes to start executions.
type TriggerKind string

// The kinds of trigger.
const (
	TriggerSchedule TriggerKind = "SCHEDULE" // dates of a cron expression
	TriggerDates    TriggerKind = "DATES"    // given dates
	TriggerFlow     TriggerKind = "FLOW"     // executions of other flows
	TriggerWebhook  TriggerKind = "WEBHOOK"  // requests
	TriggerPolling  TriggerKind = "POLLING"  // a worker looks every now and then
	TriggerRealtime TriggerKind = "REALTIME" // a worker listens all the time
	TriggerTool     TriggerKind = "TOOL"     // calls of a tool by clients of the Model Context Protocol
)

// Trigger is one trigger of a flow.
type Trigger struct {
	ID          string
	Type        string
	Kind        TriggerKind
	Description string
	Disabled    bool
	Props       *value.Map
	Conditions  []*Condition
	StopAfter   []State
	WorkerGroup *WorkerGroup
	LogLevel    Level
	Line        int
}

// Condition is a condition of a trigger or a listener.
type Condition struct {
	Type  string
	Props *value.Map
	// Conditions are those nested in Not, Or and MultipleCondition; Names theirs where they have one.
	Conditions []*Condition
	Names      []string
}

// Listener is the older form of afterExecution: its tasks run after the end if its conditions hold.
type Listener struct {
	Conditions []*Condition
	Tasks      []*Task
}

// Input is one input of a flow, or of a Pause's onResume.
type Input struct {
	ID          string
	Type        string // as declared: STRING, INT, …
	Required    bool
	Defaults    any // nil: none; a string may be an expression
	Prefill     any
	DisplayName string
	Description string
	DependsOn   *DependsOn
	// Props holds what only this type has: validator, min, max, after, before, values, expression, itemType, …
	Props *value.Map
	// Inputs are those of a FORM.
	Inputs []*Input
	Line   int
}

// DependsOn makes an input's being asked depend on others.
type DependsOn struct {
	Inputs    []string
	Condition string // an expression that must give the boolean true; "" is always
}

// Output is one output of a flow.
type Output struct {
	ID          string
	Type        string // "" keeps the value's own type
	Value       any    // rendered typed
	Required    bool
	DisplayName string
	Description string
}

// Concurrency bounds how many executions of a flow run at once.
type Concurrency struct {
	Limit    int
	Behavior string // QUEUE, CANCEL, FAIL
}

// The behaviours of a concurrency limit.
const (
	BehaviorQueue  = "QUEUE"
	BehaviorCancel = "CANCEL"
	BehaviorFail   = "FAIL"
)

// Retry tells when a failed task, or execution, is tried again.
type Retry struct {
	Type         string        // constant, exponential, random
	Interval     time.Duration // constant, exponential
	MinInterval  time.Duration // random
	MaxInterval  time.Duration // random, exponential; 0: no cap
	DelayFactor  float64       // exponential
	MaxAttempts  int           // all tries, the first included; 0: no bound
	MaxDuration  time.Duration // from the first attempt's start; 0: no bound
	WarnOnRetry  bool
	NewExecution bool // CREATE_NEW_EXECUTION rather than RETRY_FAILED_TASK
}

// SLA is a promise about an execution and what follows when it is broken.
type SLA struct {
	ID       string
	Type     string        // MAX_DURATION, EXECUTION_ASSERTION
	Duration time.Duration // MAX_DURATION
	Assert   string        // EXECUTION_ASSERTION: an expression
	Behavior string        // FAIL, CANCEL, NONE
	Labels   []Label
}

// Check is evaluated when an execution is created.
type Check struct {
	Condition string // an expression
	Message   string
	Style     string // ERROR, SUCCESS, WARNING, INFO
	Behavior  string // BLOCK_EXECUTION, FAIL_EXECUTION, CREATE_EXECUTION
}

// WorkerGroup sends jobs to the workers of a group.
type WorkerGroup struct {
	Key      string
	Fallback string // WAIT, FAIL, CANCEL when the group has no worker
}

// TaskCache keeps a task's outputs for reuse.
type TaskCache struct {
	Enabled bool
	TTL     time.Duration
}
