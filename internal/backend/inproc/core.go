// Package inproc is the part of a backend that lives in the memory of one process and that the memory and SQLite
// adapters share: inboxes, the job queue, leases, members, the feed, answers, and the one writer goroutine that hands
// whatever has gathered to a Store as one batch.
//
// # Run-ahead
//
// Events, and pure jobs, are visible to receivers and workers from the moment they are handed in; everything else
// follows the batch that made it durable. Since one writer orders all batches, a transition that rests on such an event
// is never durable before it. Should the batch fail, what it had shown is taken back, and every shard that had received
// some of it fails until its owner calls Reset, so that nothing that rests on it can be committed.
package inproc

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Store makes ops durable.
type Store interface {
	// Write makes the effects of all ops durable, in their order, all or nothing. A *backend.RejectedError blames one
	// op, which Core then finds by halving the batch; with any other error the whole batch fails. Write may mark
	// transitions as repeated. It is called by one goroutine.
	Write(ops []*Op) error
}

// Op is one thing handed in to be made durable.
type Op struct {
	// Puts are the events for inboxes: those of an Append, or those that Transitions send.
	Puts []Put
	// Shard is that of Transitions, which is nil for other ops.
	Shard       int
	Transitions []*model.Transition
	// Repeated marks transitions that were durable before, nil means none; the Store fills it in. Only their
	// acknowledgements and answers count.
	Repeated []bool
	// Claims are jobs that were claimed.
	Claims []Claim
	// Withdrawn are ids of jobs that are no more, though no transition ended them.
	Withdrawn []string
	// Call is a write of the adapter's own, which only its Store understands.
	Call any

	era     int // of the shard when the op was handed in
	barrier bool
	err     error
	done    func(error)
}

// Put is one event for an inbox.
type Put struct {
	Event *model.Event
	// Sender is the place in Transitions of the one that sends the event, -1 of an Append's.
	Sender int
	// Again is set when the event may already be there.
	Again bool
}

// Claim says that a worker has a job.
type Claim struct{ Job, Worker string }

// Core implements the in-process ports of a backend over a Store.
type Core struct {
	store Store

	mu      sync.Mutex
	closed  bool
	pending []*Op
	work    signal // fired when pending is no longer empty, or closed
	shards  [backend.Shards]shard
	owners  []*owner // in the order of their coming
	jobs    jobs
	members members
	feed    feed
	asks    map[string]chan<- model.Answer

	stop       chan struct{} // closed when everybody has to let go
	goroutines sync.WaitGroup
}

// New starts a Core over the store with what an earlier process left. The jobs of Claimed belong to workers that are
// dead by now.
func New(store Store, left Left) *Core {
	c := &Core{store: store, members: members{}, asks: map[string]chan<- model.Answer{}, stop: make(chan struct{})}
	c.jobs.init()
	c.feed.init()
	for i := range c.shards {
		c.shards[i].inbox.init()
		c.shards[i].drained = true
	}
	c.mu.Lock()
	for i := range left.Events {
		e := &left.Events[i]
		c.shards[backend.ShardOf(e.To)].inbox.put(e, nil)
	}
	for _, j := range left.Jobs {
		c.adopt(j)
	}
	c.mu.Unlock()
	c.goroutines.Go(c.write)
	return c
}

// Left is what an earlier process left: unacknowledged events, and jobs that have not ended.
type Left struct {
	Events []model.Event
	Jobs   []LeftJob
}

// LeftJob is a job that has not ended. Worker is who claimed it, if anybody has.
type LeftJob struct {
	Job       *model.Job
	Worker    string
	Cancelled bool
}

// Append is backend.Inbox.
func (c *Core) Append(events []model.Event, done func(error)) {
	for i := range events {
		if events[i].To.ID == "" || events[i].ID == "" {
			c.fail(done, fmt.Errorf("event %q to %q: %w: an id is missing", events[i].ID, events[i].To.ID, backend.ErrInvalid))
			return
		}
	}
	op := &Op{done: done}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.enqueue(op) {
		return
	}
	op.Puts = make([]Put, 0, len(events))
	for i := range events {
		c.putAhead(op, -1, &events[i])
	}
}

// Commit is backend.Commits.
func (c *Core) Commit(lease backend.Lease, transitions []*model.Transition, done func(error)) {
	op := &Op{Shard: lease.Shard, Transitions: transitions, done: done}
	c.mu.Lock()
	defer c.mu.Unlock()
	if op.err = c.held(lease); op.err != nil {
		c.enqueue(op)
		return
	}
	sh := &c.shards[lease.Shard]
	op.era = sh.era
	if !c.enqueue(op) || sh.broken {
		return // the writer fails it, in its turn
	}
	for sender, t := range transitions {
		for i := range t.Events {
			c.putAhead(op, sender, &t.Events[i])
		}
		for _, j := range t.Jobs {
			if j.Pure {
				c.jobs.queue(j, op)
			}
		}
	}
}

// Reset is backend.Commits.
func (c *Core) Reset(lease backend.Lease) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held(lease) == nil {
		c.shards[lease.Shard].restart()
	}
}

// Deliver shows events to their receivers that a write of the adapter's own has made durable.
func (c *Core) Deliver(events []model.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range events {
		e := &events[i]
		c.shards[backend.ShardOf(e.To)].inbox.put(e, nil)
	}
}

// Call hands in a write of the adapter's own and waits until it is durable.
func (c *Core) Call(ctx context.Context, call any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	result := make(chan error, 1)
	c.mu.Lock()
	c.enqueue(&Op{Call: call, done: func(err error) { result <- err }})
	c.mu.Unlock()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Held returns nil if the lease is held, else ErrFenced or ErrClosed.
func (c *Core) Held(lease backend.Lease) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return backend.ErrClosed
	}
	return c.held(lease)
}

// Err returns ErrClosed once Close was called.
func (c *Core) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return backend.ErrClosed
	}
	return nil
}

// Close writes what was handed in, then lets everybody go who waits. Closing twice is no error.
func (c *Core) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.work.fire()
		close(c.stop)
	}
	c.mu.Unlock()
	c.goroutines.Wait()
}

// enqueue hands op to the writer, or fails it when there is none any more.
func (c *Core) enqueue(op *Op) bool {
	if c.closed {
		c.fail(op.done, backend.ErrClosed)
		return false
	}
	c.pending = append(c.pending, op)
	c.work.fire()
	return true
}

// fail reports an error from a goroutine of its own, as the ports promise.
func (c *Core) fail(done func(error), err error) {
	if done != nil {
		go done(err)
	}
}

func (c *Core) held(lease backend.Lease) error {
	if lease.Shard < 0 || lease.Shard >= backend.Shards {
		return fmt.Errorf("shard %d: %w", lease.Shard, backend.ErrInvalid)
	}
	if sh := &c.shards[lease.Shard]; sh.owner == nil || sh.epoch != lease.Epoch {
		return fmt.Errorf("shard %d, epoch %d: %w", lease.Shard, lease.Epoch, backend.ErrFenced)
	}
	return nil
}

// misplaced refuses transitions of entities that belong to another shard.
func misplaced(ops []*Op) error {
	for _, op := range ops {
		for _, t := range op.Transitions {
			if backend.ShardOf(t.Of) != op.Shard {
				return &backend.RejectedError{Of: t.Of, Cause: fmt.Errorf("not of shard %d: %w", op.Shard, backend.ErrInvalid)}
			}
		}
	}
	return nil
}

// IsRepeated tells whether the transition at that place was durable before.
func (op *Op) IsRepeated(place int) bool {
	return place >= 0 && op.Repeated != nil && op.Repeated[place]
}

// putAhead shows an event to its receiver before op is durable.
func (c *Core) putAhead(op *Op, sender int, e *model.Event) {
	sh := &c.shards[backend.ShardOf(e.To)]
	again := !sh.inbox.put(e, op)
	delete(sh.dead, letterKey{e.To, e.ID})
	op.Puts = append(op.Puts, Put{e, sender, again})
}

var errEarlier = fmt.Errorf("an earlier commit of the shard failed: %w", backend.ErrUnavailable)

// isRejected tells whether one op alone is to blame.
func isRejected(err error) bool {
	var r *backend.RejectedError
	return errors.As(err, &r)
}
