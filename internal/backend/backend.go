// Package backend is the seam between Windhover and whatever remembers: the ports that every adapter implements
// (memory, SQLite, Postgres, MySQL, Kafka with a search engine) and the promises that they keep. Package backendtest
// holds the one suite that proves them.
//
// The promises, in one place (ARCHITECTURE.md argues them for each adapter, with every crash point):
//
//   - A Transition is committed all or nothing, together with the acknowledgement of the events that caused it.
//   - An event is durable when Append reports it. It is then delivered at least once to the owner of its shard; the
//     receiver makes the effect once. Order is promised per sender only.
//   - A shard has one owner at a time. A commit under a lease that was taken over fails with ErrFenced and changes nothing.
//   - Nothing leaves a shard before its commit: no job, event, answer or change. One exception: where Caps.RunAhead is
//     set, a Pure job may be claimed, and an event received, before the commit that carries it; both then die with the
//     process if that commit does not happen, and nobody outside was told.
//
// Every error is one of those in errors.go, wrapped; anything else is a defect. All methods may be called by any number
// of goroutines. Contexts bound waiting; a call that returns a context's error may or may not have taken effect.
package backend

import (
	"context"
	"io"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// Backend is everything that one installation remembers.
type Backend interface {
	Inbox
	Commits
	State
	Leases
	Jobs
	Members
	Feed

	Flows() Flows
	Executions() Executions
	Logs() Logs
	Metrics() Metrics
	Triggers() Triggers
	Documents() Documents

	Caps() Caps
	// Ping reports whether the backend answers now; readiness probes use it.
	Ping(ctx context.Context) error
	// Close waits for what was handed in to be committed or failed, then releases everything.
	io.Closer
}

// Caps tells callers what they may rely on beyond the promises.
type Caps struct {
	// Name is that of the adapter: memory, sqlite, postgres, …
	Name string
	// Durable is false where nothing survives the process.
	Durable bool
	// RunAhead: see the package comment. Only where one process holds all shards.
	RunAhead bool
	// ReadYourWrites: a repository sees every commit that was reported.
	ReadYourWrites bool
	// FullText: QUERY filters match words anywhere, also inside logs and sources, by an index.
	FullText bool
}

// ShardKind says whose entities a shard has: shards of different kinds have different owners.
type ShardKind uint8

// The kinds of shard.
const (
	ExecutionShards ShardKind = iota // executions and gates, owned by executors
	TriggerShards                    // triggers, owned by schedulers
)

// The shards of an installation: first those of executions, then those of triggers. An entity's shard is ShardOf(entity);
// the numbers are changed only offline.
const (
	executionShards = 64
	triggerShards   = 16
	Shards          = executionShards + triggerShards
)

// Range is the shards of a kind: from first up to, and without, end.
func (k ShardKind) Range() (first, end int) {
	if k == TriggerShards {
		return executionShards, Shards
	}
	return 0, executionShards
}

// Count is the number of shards of a kind.
func (k ShardKind) Count() int {
	first, end := k.Range()
	return end - first
}

// Lease is the right to step the entities of one shard. Epoch rises at each change of owner.
type Lease struct {
	Shard int
	Epoch int64
}

// Inbox takes events for entities and hands them to the owners of their shards.
type Inbox interface {
	// Append stores events. done is called once, from another goroutine, when all of them are durable (nil) or when it
	// is unknown whether any is (an error): sending the same events again is then right. done must not block.
	Append(events []model.Event, done func(error))
	// Receive returns up to max events of the lease's shard that this owner has not yet received, oldest first per
	// sender, and blocks until there is one. After a change of owner, and after Reset, everything unacknowledged comes again.
	// Errors: ErrFenced when the lease is no longer held, ErrClosed, ErrUnavailable.
	Receive(ctx context.Context, lease Lease, max int) ([]model.Event, error)
}

// Commits makes transitions durable.
type Commits interface {
	// Commit stores the transitions of one shard in their order, all or nothing. Parts of several shards may be
	// gathered into one physical transaction; then only the failing ones fail. done is called once, from another
	// goroutine, with nil when they are durable, or with
	//
	//   - ErrFenced: the lease was taken over; nothing was changed; drop the shard.
	//   - *RejectedError: one entity's transition cannot be stored (a value too large, a character that the database
	//     refuses); nothing of the part was changed.
	//   - ErrUnavailable: nothing is known; ask again with the same transitions, which is safe: Transition.Version
	//     shows what was already done.
	//
	// A transition of Version 0 leaves its entity as it is, whether there is one or not: it acknowledges, answers and
	// sends, and may be repeated. Any other Version must follow the stored one: one that is not newer was done before
	// and changes nothing; a gap, an entity that is not there and one that was deleted (ErrGone) are a *RejectedError.
	//
	// Transitions may be handed in on top of ones whose done is still to come; they are committed in order, and when
	// one fails all later ones of its shard fail too (ErrUnavailable), until Reset. The transitions and all that they
	// point to belong to the backend from now on and must not be changed. done must not block.
	Commit(lease Lease, transitions []*model.Transition, done func(error))
	// Reset ends the failing that a failed Commit began. The owner calls it once it has dropped what it held in memory;
	// events that it had received and that were not acknowledged come again.
	Reset(lease Lease)
}

// State is what the last commit left, for owners.
type State interface {
	// Load returns an entity's state. ErrNotFound when there is none; ErrGone when it was deleted and its tombstone is
	// still there.
	Load(ctx context.Context, lease Lease, of model.Entity) (*Snapshot, error)
	// Active lists entities of the shard that are not finished, by ascending id after the given one: executions that have
	// not ended, gates that somebody is in, triggers that wait for an execution or a worker.
	Active(ctx context.Context, lease Lease, after model.Entity, max int) ([]model.Entity, error)
	// Timers lists the shard's timers that are due before until, soonest first.
	Timers(ctx context.Context, lease Lease, until time.Time, max int) ([]model.Timer, error)
}

// Snapshot is an entity as the last commit left it.
type Snapshot struct {
	Version   int64
	Execution *model.Execution
	TaskRuns  []*model.TaskRun // ordered by RunState.Seq
	Gate      *model.GateChange
	Trigger   *model.TriggerState // nil when nothing is remembered of it
	Timers    []model.Timer
	// Jobs are the ids of jobs that were handed out and have not ended.
	Jobs []string
}

// Leases gives out shards.
type Leases interface {
	// Acquire asks for a fair share of the shards of a kind for the member. Grants and revocations come on the channel
	// until the context ends, which gives all of them back.
	Acquire(ctx context.Context, member string, kind ShardKind) (<-chan LeaseChange, error)
}

// LeaseChange grants a shard, or takes it away.
type LeaseChange struct {
	Lease   Lease
	Revoked bool
}

// Jobs hands work to workers.
type Jobs interface {
	// Claim takes up to max jobs of the group for the worker and blocks until there is one. A claimed job is the
	// worker's until a transition names it in JobsDone or deletes its execution, or until the worker's incarnation ends.
	// The worker is the id of a member that has joined: ErrFenced if it has not, or is no longer alive.
	Claim(ctx context.Context, worker, group string, max int) ([]*model.Job, error)
	// Cancels streams the ids of jobs that the worker is to stop, until the context ends. A job that is cancelled before
	// anybody has claimed it is never handed out: the backend itself reports it, as jobEnded with the state KILLED.
	Cancels(ctx context.Context, worker string) (<-chan string, error)
	// Orphans lists jobs that are claimed by workers that are no longer alive. Whoever finds one appends jobLost.
	Orphans(ctx context.Context, max int) ([]*model.Job, error)
	// Queued counts the jobs that wait, by worker group.
	Queued(ctx context.Context) (map[string]int, error)
	// Waiting tells where a job is: since when it has waited, or who runs it. ErrNotFound when it is not out.
	Waiting(ctx context.Context, id string) (JobStatus, error)
}

// JobStatus tells where a job is.
type JobStatus struct {
	Job    *model.Job
	Worker string // "" while it waits
	Since  time.Time
}

// Members keeps the list of processes.
type Members interface {
	// Join makes the member known. Its incarnation ends when it has not beaten for its Timeout, or leaves. ErrConflict:
	// the id is taken.
	Join(ctx context.Context, m Member) error
	// Beat keeps it alive. ErrFenced: it was declared dead meanwhile; it must stop its work and join anew.
	Beat(ctx context.Context, id string, state MemberState) error
	// Leave ends the incarnation at once. Leaving twice is no error.
	Leave(ctx context.Context, id string) error
	// List returns the members that are alive, and for a while those that stopped beating, as MemberLost.
	List(ctx context.Context) ([]Member, error)
}

// Member is one component of one process.
type Member struct {
	ID      string // an incarnation: a new one at each start
	Kind    string // EXECUTOR, SCHEDULER, WORKER, WEBSERVER, INDEXER
	Host    string
	Group   string // of a worker
	State   MemberState
	Started time.Time
	Beat    time.Time
	Timeout time.Duration
	Version string
}

// MemberState is where a member stands.
type MemberState string

// The states of a member.
const (
	MemberCreated     MemberState = "CREATED"
	MemberRunning     MemberState = "RUNNING"
	MemberTerminating MemberState = "TERMINATING"
	MemberGraceful    MemberState = "TERMINATED_GRACEFULLY"
	MemberForced      MemberState = "TERMINATED_FORCED"
	MemberGone        MemberState = "NOT_RUNNING"
	MemberLost        MemberState = "DISCONNECTED"
)

// Feed tells of commits.
type Feed interface {
	// Follow streams what happens to the executions that the filter selects, from now on, until stop is called. A slow
	// reader misses intermediate states, never the last one. The channel is closed when the backend closes.
	Follow(f FeedFilter) (changes <-chan Change, stop func())
	// Ask appends an event that has Ask set and waits for its answer.
	Ask(ctx context.Context, e model.Event) (model.Answer, error)
}

// FeedFilter selects executions; empty fields select all.
type FeedFilter struct {
	ExecutionID   string
	CorrelationID string
	Namespace     string
	FlowID        string
	Logs          bool // also tell of new log lines
}

// Change says that an execution changed. Execution is its header after the commit; nil when only logs were added.
type Change struct {
	ExecutionID string
	Execution   *model.Execution
	Deleted     bool
	// TaskRuns are those that were added or changed, oldest change first, so that a reader who has followed an execution
	// from its creation need not read them. Partial says that there may be others: that they were removed, are too many,
	// or not told by this backend.
	TaskRuns []*model.TaskRun
	Partial  bool
}

// MaxChangedRuns is how many task runs a change carries at most.
const MaxChangedRuns = 64
