package inproc

import (
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// write is the writer goroutine. The time that a batch takes to become durable is what lets the next one gather.
func (c *Core) write() {
	for {
		c.mu.Lock()
		for len(c.pending) == 0 {
			if c.closed {
				c.mu.Unlock()
				return
			}
			wait := c.work.wait()
			c.mu.Unlock()
			<-wait
			c.mu.Lock()
		}
		batch := c.pending
		c.pending = nil
		c.mu.Unlock()

		c.writeBatch(batch)
		for _, op := range batch {
			if op.done != nil {
				op.done(op.err)
			}
		}
	}
}

// writeBatch writes the ops and settles them. If one of them cannot be stored, halving finds it, so that only it, and
// what rests on it, fails.
func (c *Core) writeBatch(batch []*Op) {
	live := c.admit(batch)
	if len(live) == 0 {
		return
	}
	err := misplaced(live)
	if err == nil {
		err = c.store.Write(live)
	}
	switch {
	case err != nil && isRejected(err) && len(live) > 1:
		half := len(live) / 2
		c.writeBatch(live[:half])
		c.writeBatch(live[half:])
		return
	case err != nil && !isRejected(err):
		err = fmt.Errorf("%w: %w", backend.ErrUnavailable, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range live {
		if op.err = err; err == nil {
			c.settle(op)
			continue
		}
		if op.Transitions != nil {
			c.shards[op.Shard].broken = true
		}
		c.takeBack(op)
	}
}

// admit returns the ops that may still be written and gives the others their error.
func (c *Core) admit(batch []*Op) []*Op {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := make([]*Op, 0, len(batch))
	for _, op := range batch {
		if op.Transitions != nil && op.err == nil {
			sh := &c.shards[op.Shard]
			if op.acksDead(sh) {
				sh.broken = true
			}
			if sh.broken || sh.era != op.era {
				op.err = errEarlier
			}
		}
		switch {
		case op.err != nil:
			c.takeBack(op)
		case !op.barrier:
			live = append(live, op)
		}
	}
	return live
}

// acksDead tells whether the op rests on an event that was taken back.
func (op *Op) acksDead(sh *shard) bool {
	if len(sh.dead) == 0 {
		return false
	}
	for _, t := range op.Transitions {
		for _, id := range t.Acks {
			if sh.dead[letterKey{t.Of, id}] {
				return true
			}
		}
	}
	return false
}

// takeBack undoes what op has shown ahead. Whoever has received some of it may rest on it, so its shard has to restart.
func (c *Core) takeBack(op *Op) {
	for _, p := range op.Puts {
		sh := &c.shards[backend.ShardOf(p.Event.To)]
		if received := sh.inbox.takeBack(p.Event, op); received {
			sh.broken = true
			if sh.dead == nil {
				sh.dead = map[letterKey]bool{}
			}
			sh.dead[letterKey{p.Event.To, p.Event.ID}] = true
		}
	}
	for _, t := range op.Transitions {
		for _, j := range t.Jobs {
			c.jobs.takeBack(j.ID, op)
		}
	}
	for _, id := range op.Withdrawn {
		c.jobs.requeue(id)
	}
}

// settle shows what op changed, now that it is durable.
func (c *Core) settle(op *Op) {
	for _, p := range op.Puts {
		inbox := &c.shards[backend.ShardOf(p.Event.To)].inbox
		if op.IsRepeated(p.Sender) {
			inbox.takeBack(p.Event, op)
		} else {
			inbox.put(p.Event, nil)
		}
	}
	for i, t := range op.Transitions {
		if op.IsRepeated(i) {
			c.settleRepeated(op, t)
		} else {
			c.settleTransition(op, t)
		}
		for _, a := range t.Answers {
			c.answer(a)
		}
	}
	for _, id := range op.Withdrawn {
		c.jobs.drop(id)
	}
}

func (c *Core) settleTransition(op *Op, t *model.Transition) {
	inbox := &c.shards[op.Shard].inbox
	for _, id := range t.Acks {
		inbox.ack(t.Of, id)
	}
	for _, j := range t.Jobs {
		c.jobs.queue(j, nil)
	}
	for _, id := range t.JobsDone {
		c.jobs.drop(id)
	}
	if t.Deleted {
		c.dropJobsOf(t.Of.ID)
	}
	for _, id := range t.CancelJobs {
		c.cancel(id)
	}
	c.feed.publishTransition(t)
}

// settleRepeated only acknowledges: the rest was done when the transition was committed for the first time.
func (c *Core) settleRepeated(op *Op, t *model.Transition) {
	for _, id := range t.Acks {
		c.shards[op.Shard].inbox.ack(t.Of, id)
	}
	for _, j := range t.Jobs {
		c.jobs.takeBack(j.ID, op)
	}
}
