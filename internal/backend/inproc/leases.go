package inproc

import (
	"context"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
)

// owner is a member that has asked for shards.
type owner struct {
	name    string
	shards  int
	changes stream[backend.LeaseChange]
}

// Acquire is backend.Leases. Each owner gets an equal share; only what is over the share moves when another one comes.
func (c *Core) Acquire(ctx context.Context, member string) (<-chan backend.LeaseChange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, backend.ErrClosed
	}
	o := &owner{name: member}
	c.owners = append(c.owners, o)
	c.rebalance()
	out := make(chan backend.LeaseChange)
	c.goroutines.Go(func() {
		o.changes.pump(out, ctx.Done(), c.stop)
		c.release(o)
	})
	return out, nil
}

// release gives all shards of an owner back.
func (c *Core) release(o *owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owners = slices.DeleteFunc(c.owners, func(other *owner) bool { return other == o })
	if !c.closed {
		c.rebalance()
	}
}

// rebalance revokes what an owner has over its share, and has the free shards granted as soon as the writer has passed
// everything that their earlier owners handed in: a new owner loads what those left.
func (c *Core) rebalance() {
	var freed []*shard
	for i := range c.shards {
		sh := &c.shards[i]
		if sh.owner == nil || sh.owner.shards <= c.share(sh.owner) {
			continue
		}
		sh.owner.shards--
		sh.owner.changes.push(backend.LeaseChange{Lease: backend.Lease{Shard: i, Epoch: sh.epoch}, Revoked: true})
		sh.owner, sh.drained = nil, false
		sh.inbox.arrived.fire()
		freed = append(freed, sh)
	}
	c.enqueue(&Op{barrier: true, done: func(error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, sh := range freed {
			sh.drained = true
		}
		c.grant()
	}})
}

// share is the number of shards that the owner should have; one that has gone should have none.
func (c *Core) share(o *owner) int {
	place := slices.Index(c.owners, o)
	if place < 0 {
		return 0
	}
	n := backend.Shards / len(c.owners)
	if place < backend.Shards%len(c.owners) {
		n++
	}
	return n
}

// grant gives the free shards to those who have less than their share.
func (c *Core) grant() {
	next := 0
	for i := range c.shards {
		sh := &c.shards[i]
		if sh.owner != nil || !sh.drained {
			continue
		}
		for next < len(c.owners) && c.owners[next].shards >= c.share(c.owners[next]) {
			next++
		}
		if next == len(c.owners) {
			return
		}
		sh.owner = c.owners[next]
		sh.owner.shards++
		sh.epoch++
		sh.dead = nil
		sh.restart()
		sh.owner.changes.push(backend.LeaseChange{Lease: backend.Lease{Shard: i, Epoch: sh.epoch}})
	}
}
