package inproc

import (
	"context"
	"slices"

	"github.com/windhover-io/windhover/internal/backend"
)

// owner is a member that has asked for shards.
type owner struct {
	name    string
	kind    backend.ShardKind
	shards  int
	changes stream[backend.LeaseChange]
}

// Acquire is backend.Leases. Each owner gets an equal share; only what is over the share moves when another one comes.
func (c *Core) Acquire(ctx context.Context, member string, kind backend.ShardKind) (<-chan backend.LeaseChange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, backend.ErrClosed
	}
	o := &owner{name: member, kind: kind}
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
	place, peers := -1, 0
	for _, other := range c.owners {
		if other == o {
			place = peers
		}
		if other.kind == o.kind {
			peers++
		}
	}
	if place < 0 {
		return 0
	}
	first, end := o.kind.Range()
	n := (end - first) / peers
	if place < (end-first)%peers {
		n++
	}
	return n
}

// grant gives the free shards to those who have less than their share.
func (c *Core) grant() {
	for _, o := range c.owners {
		first, end := o.kind.Range()
		for i := first; i < end && o.shards < c.share(o); i++ {
			sh := &c.shards[i]
			if sh.owner != nil || !sh.drained {
				continue
			}
			sh.owner = o
			o.shards++
			sh.epoch++
			sh.dead = nil
			sh.restart()
			o.changes.push(backend.LeaseChange{Lease: backend.Lease{Shard: i, Epoch: sh.epoch}})
		}
	}
}
