// Package sqlbase is what the SQL adapters share: what a batch of commits comes to, how records become rows, and how
// queries become conditions. What differs between databases is in Dialect.
package sqlbase

import (
	"fmt"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/model"
)

// Batch is what several ops come to, so that each row is written once however often they changed it, and what began and
// ended within them is not written at all.
type Batch struct {
	Entities []*Entity // in the order of their first change
	Events   []*model.Event
	Acked    []EventKey // of events that were stored before
	Jobs     []*Job
	Claimed  []inproc.Claim // jobs that were stored before
	Cancel   []string       // likewise
	JobsDone []string       // likewise
	Logs     []model.LogEntry
	Metrics  []model.Metric
	Calls    []any
}

// EventKey names an event in its receiver's inbox.
type EventKey struct {
	To model.Entity
	ID string
}

// Job is a job to be stored, as its claims and cancellations left it.
type Job struct {
	*model.Job
	Worker    string
	Cancelled bool
}

// Entity is what a batch changes of one entity.
type Entity struct {
	Of    model.Entity
	Shard int
	// After is the version that must be stored, 0 for none; Version is the one that the changes lead to.
	After, Version int64

	Execution   *model.Execution // nil if unchanged
	TaskRuns    []*model.TaskRun
	DropRuns    []string
	Gate        *model.GateChange // Put and Drop name different members
	Trigger     *model.TriggerChange
	SetTimers   []model.Timer
	ClearTimers []string
	Deleted     bool
}

// Coalesce makes the batch of ops. Transitions of a version that the entity is known to have are left out.
// A *backend.RejectedError says that the versions of an entity do not follow each other.
func Coalesce(ops []*inproc.Op, stored map[model.Entity]int64) (*Batch, error) {
	c := coalescer{
		stored: stored, entities: map[model.Entity]*entityChange{}, events: map[EventKey]*eventChange{}, jobs: map[string]*jobChange{},
	}
	for _, op := range ops {
		if err := c.add(op); err != nil {
			return nil, err
		}
	}
	return c.finish(), nil
}

// Repeated marks the transitions that Coalesce leaves out.
func Repeated(ops []*inproc.Op, stored map[model.Entity]int64) {
	for _, op := range ops {
		op.Repeated = nil
		for i, t := range op.Transitions {
			if known(t, stored) {
				if op.Repeated == nil {
					op.Repeated = make([]bool, len(op.Transitions))
				}
				op.Repeated[i] = true
			}
		}
	}
}

// known tells whether a transition was stored before.
func known(t *model.Transition, stored map[model.Entity]int64) bool {
	return t.Version > 0 && t.Version <= stored[t.Of]
}

type coalescer struct {
	stored     map[model.Entity]int64
	batch      Batch
	entities   map[model.Entity]*entityChange
	events     map[EventKey]*eventChange
	eventOrder []*eventChange
	jobs       map[string]*jobChange
	jobOrder   []*jobChange
}

// entityChange gathers an entity's changes; maps give each record's last word.
type entityChange struct {
	Entity
	runs    lastWord[*model.TaskRun]
	members lastWord[model.GateMember]
	timers  lastWord[model.Timer]
}

// lastWord keeps what was said last of each id: a value, or that it is gone.
type lastWord[T any] struct {
	byID  map[string]int
	ids   []string
	words []T
	gone  []bool
}

func (l *lastWord[T]) say(id string, word T, gone bool) {
	if i, said := l.byID[id]; said {
		l.words[i], l.gone[i] = word, gone
		return
	}
	if l.byID == nil {
		l.byID = map[string]int{}
	}
	l.byID[id] = len(l.ids)
	l.ids = append(l.ids, id)
	l.words = append(l.words, word)
	l.gone = append(l.gone, gone)
}

// split returns the values and the ids that are gone.
func (l *lastWord[T]) split() (values []T, gone []string) {
	for i, id := range l.ids {
		if l.gone[i] {
			gone = append(gone, id)
		} else {
			values = append(values, l.words[i])
		}
	}
	return values, gone
}

type eventChange struct {
	key     EventKey
	event   *model.Event // nil: to be removed
	maybeIn bool         // it may have been stored before the batch
}

type jobChange struct {
	job       *model.Job // nil: it was stored before the batch
	id        string
	worker    string
	cancelled bool
	done      bool
}

func (c *coalescer) add(op *inproc.Op) error {
	for _, p := range op.Puts {
		if p.Sender < 0 || !known(op.Transitions[p.Sender], c.stored) {
			c.put(p)
		}
	}
	for _, t := range op.Transitions {
		if known(t, c.stored) {
			// Its effects are there; only an event that came again is still to be removed.
			c.ack(t)
			continue
		}
		if err := c.transition(op.Shard, t); err != nil {
			return err
		}
	}
	for _, claim := range op.Claims {
		c.job(claim.Job).worker = claim.Worker
	}
	for _, id := range op.Withdrawn {
		c.job(id).done = true
	}
	if op.Call != nil {
		c.batch.Calls = append(c.batch.Calls, op.Call)
	}
	return nil
}

func (c *coalescer) put(p inproc.Put) {
	key := EventKey{p.Event.To, p.Event.ID}
	e := c.events[key]
	if e == nil {
		e = &eventChange{key: key, maybeIn: p.Again}
		c.events[key] = e
		c.eventOrder = append(c.eventOrder, e)
	}
	e.event = p.Event
}

func (c *coalescer) ack(t *model.Transition) {
	for _, id := range t.Acks {
		key := EventKey{t.Of, id}
		e := c.events[key]
		if e == nil {
			e = &eventChange{key: key, maybeIn: true}
			c.events[key] = e
			c.eventOrder = append(c.eventOrder, e)
		}
		e.event = nil
	}
}

func (c *coalescer) transition(shard int, t *model.Transition) error {
	c.ack(t)
	for _, j := range t.Jobs {
		change := c.job(j.ID)
		change.job, change.done = j, false
	}
	for _, id := range t.CancelJobs {
		c.job(id).cancelled = true
	}
	for _, id := range t.JobsDone {
		c.job(id).done = true
	}
	c.batch.Logs = append(c.batch.Logs, t.Logs...)
	c.batch.Metrics = append(c.batch.Metrics, t.Metrics...)
	if t.Version == 0 {
		return nil
	}
	e, err := c.entity(shard, t)
	if err != nil {
		return err
	}
	e.apply(t)
	return nil
}

// job returns the change of a job that, unless a transition of the batch brings it, was stored before.
func (c *coalescer) job(id string) *jobChange {
	j := c.jobs[id]
	if j == nil {
		j = &jobChange{id: id}
		c.jobs[id] = j
		c.jobOrder = append(c.jobOrder, j)
	}
	return j
}

func (c *coalescer) entity(shard int, t *model.Transition) (*entityChange, error) {
	e := c.entities[t.Of]
	if e == nil {
		e = &entityChange{Entity: Entity{Of: t.Of, Shard: shard, After: t.Version - 1, Version: t.Version - 1}}
		c.entities[t.Of] = e
		c.batch.Entities = append(c.batch.Entities, &e.Entity)
	}
	if e.Deleted {
		return nil, &backend.RejectedError{Of: t.Of, Cause: backend.ErrGone}
	}
	if t.Version != e.Version+1 {
		return nil, &backend.RejectedError{Of: t.Of, Cause: fmt.Errorf("version %d after %d: %w", t.Version, e.Version, backend.ErrConflict)}
	}
	return e, nil
}

func (e *entityChange) apply(t *model.Transition) {
	e.Version, e.Deleted = t.Version, t.Deleted
	if t.Execution != nil {
		e.Execution = t.Execution
	}
	for _, id := range t.DropRuns {
		e.runs.say(id, nil, true)
	}
	for _, r := range t.TaskRuns {
		e.runs.say(r.ID, r, false)
	}
	for _, id := range t.ClearTimers {
		e.timers.say(id, model.Timer{}, true)
	}
	for _, timer := range t.SetTimers {
		e.timers.say(timer.ID, timer, false)
	}
	if t.Trigger != nil {
		e.Trigger = t.Trigger
	}
	if t.Gate == nil {
		return
	}
	e.Gate = &model.GateChange{Limit: t.Gate.Limit, Behavior: t.Gate.Behavior, Revision: t.Gate.Revision}
	for _, id := range t.Gate.Drop {
		e.members.say(id, model.GateMember{}, true)
	}
	for _, m := range t.Gate.Put {
		e.members.say(m.ExecutionID, m, false)
	}
}

func (c *coalescer) finish() *Batch {
	for _, e := range c.entities {
		e.finish()
	}
	b := &c.batch
	for _, e := range c.eventOrder {
		switch {
		case e.event != nil:
			b.Events = append(b.Events, e.event)
		case e.maybeIn:
			b.Acked = append(b.Acked, e.key)
		}
	}
	for _, j := range c.jobOrder {
		j.finish(b)
	}
	return b
}

// finish splits what was said last; of an entity that is new, nothing can have been stored that is to be removed.
func (e *entityChange) finish() {
	e.TaskRuns, e.DropRuns = e.runs.split()
	e.SetTimers, e.ClearTimers = e.timers.split()
	if e.Gate != nil {
		e.Gate.Put, e.Gate.Drop = e.members.split()
	}
	if e.After == 0 {
		e.DropRuns, e.ClearTimers = nil, nil
		if e.Gate != nil {
			e.Gate.Drop = nil
		}
	}
	slices.SortFunc(e.TaskRuns, func(a, b *model.TaskRun) int { return a.Engine.Seq - b.Engine.Seq })
}

func (j *jobChange) finish(b *Batch) {
	switch {
	case j.job != nil && !j.done:
		b.Jobs = append(b.Jobs, &Job{Job: j.job, Worker: j.worker, Cancelled: j.cancelled})
	case j.job != nil: // came and went
	case j.done:
		b.JobsDone = append(b.JobsDone, j.id)
	default:
		if j.worker != "" {
			b.Claimed = append(b.Claimed, inproc.Claim{Job: j.id, Worker: j.worker})
		}
		if j.cancelled {
			b.Cancel = append(b.Cancel, j.id)
		}
	}
}
