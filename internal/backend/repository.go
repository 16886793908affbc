package backend

import (
	"context"
	"encoding/json"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Query selects records of a repository. All filters must hold.
type Query struct {
	Tenant  string
	Filters []Filter
	Sort    []Sort
	// Page counts from 1; Size is the number of records on it. Size 0 is no record, only the total.
	Page, Size int
	// After continues behind the last record of an earlier result, instead of Page: its Cursor.
	After string
	// NoTotal spares the counting: Total is then -1.
	NoTotal bool
}

// Filter is one condition on a field. Which fields a repository knows stands at its Search; ErrInvalid names others.
type Filter struct {
	Field Field
	Op    Op
	// Value is a string, a []string (IN, NOT_IN), a time.Time, a bool, an int, or for LABELS a []model.Label: see ValueKind.
	Value any
}

// Field is a field that records are filtered by.
type Field string

// The fields.
const (
	// FieldQuery is free text, found anywhere in namespaces, flow, task and trigger ids, descriptions and messages. Ids of
	// executions and task runs match from their beginning, in their own case.
	FieldQuery       Field = "QUERY"
	FieldNamespace   Field = "NAMESPACE"
	FieldFlowID      Field = "FLOW_ID"
	FieldRevision    Field = "FLOW_REVISION"
	FieldScope       Field = "SCOPE" // USER or SYSTEM: the system namespace or all others
	FieldState       Field = "STATE"
	FieldLabels      Field = "LABELS"
	FieldStartDate   Field = "START_DATE"
	FieldEndDate     Field = "END_DATE"
	FieldTriggerID   Field = "TRIGGER_ID"
	FieldTriggerExec Field = "TRIGGER_EXECUTION_ID" // executions started by this one
	FieldParentID    Field = "PARENT_ID"
	FieldChild       Field = "CHILD_FILTER" // CHILD: started by another execution; MAIN: not
	FieldExecutionID Field = "EXECUTION_ID"
	FieldTaskID      Field = "TASK_ID"
	FieldTaskRunID   Field = "TASK_RUN_ID"
	FieldAttempt     Field = "ATTEMPT"
	FieldLevel       Field = "LEVEL" // minimum level with GREATER_THAN_OR_EQUAL_TO
	FieldKind        Field = "KIND"
	FieldDisabled    Field = "DISABLED"
	FieldType        Field = "TYPE" // of a trigger
	FieldMetric      Field = "METRIC"
)

// Op compares a field with a value.
type Op string

// The operations.
const (
	OpEquals    Op = "EQUALS"
	OpNotEquals Op = "NOT_EQUALS"
	OpIn        Op = "IN"
	OpNotIn     Op = "NOT_IN"
	OpContains  Op = "CONTAINS"
	OpStarts    Op = "STARTS_WITH"
	OpEnds      Op = "ENDS_WITH"
	OpPrefix    Op = "PREFIX" // of a namespace: itself and those below
	OpRegex     Op = "REGEX"  // RE2
	OpGreater   Op = "GREATER_THAN"
	OpGreaterEq Op = "GREATER_THAN_OR_EQUAL_TO"
	OpLess      Op = "LESS_THAN"
	OpLessEq    Op = "LESS_THAN_OR_EQUAL_TO"
)

// Sort orders records; ties are broken by something unique, so that pages do not overlap. What has not ended sorts behind
// all that has by state.endDate and state.duration. Without any Sort a repository has an order of its own: executions and
// task runs newest first, all else ascending.
type Sort struct {
	By   string // the API's names: id, namespace, flowId, state.startDate, state.current, state.duration, timestamp, …
	Desc bool
}

// Page is one page of records.
type Page[T any] struct {
	Results []T
	// Total is the number of all records that the filters select, -1 if not counted. Where nothing counts them beforehand
	// an adapter may stop at 10,000: then there are so many at least. Totals by NAMESPACE, FLOW_ID, STATE, SCOPE, KIND,
	// CHILD_FILTER and START_DATE, and within one execution, are always exact.
	Total  int
	Cursor string // for Query.After; "" at the end
}

// FlowRecord is a revision of a flow as it is stored. Everything else about it is compiled from Source.
type FlowRecord struct {
	Tenant      string
	Namespace   string
	ID          string
	Revision    int
	Source      string
	Description string
	Labels      []model.Label
	Disabled    bool
	Deleted     bool
	Updated     time.Time
	// Triggers are the flow's triggers as first states: new ones are stored, what is already remembered of others is kept.
	Triggers []model.TriggerState
	// Events are appended with the revision, in one commit: its triggers are told that their flow has changed.
	Events []model.Event
}

// Flows keeps flows with all their revisions.
type Flows interface {
	// Get returns a revision, or the latest when the key names none. A deleted flow is ErrNotFound unless deleted is set.
	Get(ctx context.Context, key model.FlowKey, deleted bool) (*FlowRecord, error)
	// Save stores r as the next revision if the latest one is expect (0: none, or a deleted one), else ErrConflict.
	// It returns the revision. The same source as the latest one's makes no new revision.
	Save(ctx context.Context, r FlowRecord, expect int) (int, error)
	// Delete marks the flow deleted, as a new revision, and appends the events with it. ErrNotFound if there is none.
	Delete(ctx context.Context, key model.FlowKey, events []model.Event) (int, error)
	// Revisions lists all revisions, oldest first.
	Revisions(ctx context.Context, key model.FlowKey) ([]*FlowRecord, error)
	// DropRevisions removes revisions for good; the latest cannot be.
	DropRevisions(ctx context.Context, key model.FlowKey, revisions []int) error
	// Search finds latest revisions by QUERY, NAMESPACE, FLOW_ID, LABELS, SCOPE, DISABLED. Sort: id, namespace, updated.
	Search(ctx context.Context, q Query) (Page[*FlowRecord], error)
	// SearchSource finds latest revisions whose source contains the QUERY text.
	SearchSource(ctx context.Context, q Query) (Page[*FlowRecord], error)
	// Namespaces lists the namespaces that have flows.
	Namespaces(ctx context.Context, tenant string) ([]string, error)
}

// Executions answers questions about executions and task runs.
type Executions interface {
	Get(ctx context.Context, tenant, id string) (*model.Execution, error)
	// TaskRuns returns the task runs of an execution in their order.
	TaskRuns(ctx context.Context, tenant, executionID string) ([]*model.TaskRun, error)
	// Search filters by every field but LEVEL, ATTEMPT and METRIC. Sort: id, namespace, flowId, flowRevision,
	// state.current, state.startDate, state.endDate, state.duration.
	Search(ctx context.Context, q Query) (Page[*model.Execution], error)
	// SearchTaskRuns filters by the same fields, of the task run and of its execution. Sort: id, taskId, executionId,
	// namespace, flowId, state.current, state.startDate, state.endDate, state.duration.
	SearchTaskRuns(ctx context.Context, q Query) (Page[*model.TaskRun], error)
	// Latest returns the newest execution of each of the flows.
	Latest(ctx context.Context, tenant string, flows []model.FlowKey) ([]*model.Execution, error)
	// Count counts by bucket of start date, group and state.
	Count(ctx context.Context, q CountQuery) ([]Count, error)
	// Delete removes finished executions with their task runs, leaving tombstones; it returns how many there were.
	// Unfinished ones are deleted by an event to them.
	Delete(ctx context.Context, tenant string, ids []string) (int, error)
}

// CountQuery asks for numbers of executions, or of task runs.
type CountQuery struct {
	Query
	TaskRuns bool
	// Bucket is the width of a time bucket, see BucketOf; 0 is one bucket for all.
	Bucket time.Duration
	// By groups: "", "namespace", "flow" (namespace and id), "task".
	By string
	// Location decides where buckets of days begin.
	Location *time.Location
}

// Count is the number of records of one bucket, group and state, with their durations.
type Count struct {
	Bucket    time.Time
	Namespace string
	FlowID    string
	TaskID    string
	State     model.State
	Count     int
	Ended     int           // how many of them have ended, or are paused
	Sum       time.Duration // of the durations of those
	Min, Max  time.Duration
}

// Logs keeps log lines. They are stored beside the commits, never through them.
type Logs interface {
	// Append stores lines; a line whose (task run, attempt, sequence) is already stored is ignored.
	Append(ctx context.Context, lines []model.LogEntry) error
	// Search filters by QUERY, NAMESPACE, FLOW_ID, EXECUTION_ID, TASK_ID, TASK_RUN_ID, ATTEMPT, TRIGGER_ID, LEVEL,
	// START_DATE, END_DATE. Sort: timestamp.
	Search(ctx context.Context, q Query) (Page[model.LogEntry], error)
	// Delete removes the lines that the filters select, and returns how many there were.
	Delete(ctx context.Context, q Query) (int, error)
}

// Metrics keeps what tasks measured.
type Metrics interface {
	Append(ctx context.Context, m []model.Metric) error
	// Search filters by NAMESPACE, FLOW_ID, EXECUTION_ID, TASK_ID, TASK_RUN_ID, METRIC, START_DATE, END_DATE.
	Search(ctx context.Context, q Query) (Page[model.Metric], error)
	// Names lists the distinct names, and the tasks that have metrics.
	Names(ctx context.Context, q Query) (names, tasks []string, err error)
	Delete(ctx context.Context, q Query) (int, error)
}

// Triggers answers questions about triggers. They are changed by events alone.
type Triggers interface {
	Get(ctx context.Context, tenant, namespace, flow, trigger string) (*model.TriggerState, error)
	// Search filters by QUERY, NAMESPACE, FLOW_ID, TRIGGER_ID, DISABLED, TYPE. Sort: flowId, namespace, triggerId, nextExecutionDate.
	Search(ctx context.Context, q Query) (Page[*model.TriggerState], error)
}

// Document is a small record of its own: a KV entry, a template, a namespace, a secret, a setting, a dashboard.
type Document struct {
	Kind      string // kv, template, namespace, secret, setting, …
	Tenant    string
	Namespace string // "" where the kind has none
	ID        string
	Version   int // from 1, raised by each Put
	Body      json.RawMessage
	Text      string // what QUERY searches, beside the id
	Created   time.Time
	Updated   time.Time
	Expires   *time.Time // from then on it is as if it were deleted
}

// AnyVersion makes a Put unconditional.
const AnyVersion = -1

// Documents keeps documents with conditional writes.
type Documents interface {
	Get(ctx context.Context, kind, tenant, namespace, id string) (*Document, error)
	// Put stores d if the stored version is expect (0: none), else ErrConflict. It returns the new version. ErrInvalid: the
	// body is no JSON.
	Put(ctx context.Context, d Document, expect int) (int, error)
	// Delete removes the document. ErrNotFound if there is none.
	Delete(ctx context.Context, kind, tenant, namespace, id string) error
	// Search finds documents of the kind by QUERY and NAMESPACE. Sort: id, namespace, created, updated.
	Search(ctx context.Context, kind string, q Query) (Page[*Document], error)
}
