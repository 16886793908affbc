package inproc

import (
	"context"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// shard is what is kept of one shard. Its era rises when what was handed in before must not be written any more.
type shard struct {
	owner   *owner
	epoch   int64
	drained bool // what earlier owners handed in was written, so that the shard may have a new one
	broken  bool
	era     int
	inbox   inbox
	// dead are events that the owner has received and that were taken back. It may still have them in hand after Reset:
	// they cannot be acknowledged.
	dead map[letterKey]bool
}

// restart begins a new era: the owner has nothing in memory and gets everything unacknowledged again.
func (s *shard) restart() {
	s.broken = false
	s.era++
	s.inbox.rewind()
}

// inbox keeps a shard's unacknowledged events in the order of their arrival.
type inbox struct {
	first, last *letter
	unread      *letter // the first that its owner has not received
	byKey       map[letterKey]*letter
	arrived     signal
}

type letterKey struct {
	to model.Entity
	id string
}

type letter struct {
	event      *model.Event
	ahead      *Op // the op that is to make it durable, nil once it is
	read       bool
	prev, next *letter
}

func (b *inbox) init() { b.byKey = map[letterKey]*letter{} }

// put adds the event unless it is there already, and reports whether it was added. An ahead of nil says that it is
// durable.
func (b *inbox) put(e *model.Event, ahead *Op) bool {
	key := letterKey{e.To, e.ID}
	if l, there := b.byKey[key]; there {
		if ahead == nil {
			l.ahead = nil
		}
		return false
	}
	l := &letter{event: e, ahead: ahead, prev: b.last}
	if b.last == nil {
		b.first = l
	} else {
		b.last.next = l
	}
	b.last = l
	if b.unread == nil {
		b.unread = l
	}
	b.byKey[key] = l
	b.arrived.fire()
	return true
}

// ack removes an event for good.
func (b *inbox) ack(of model.Entity, id string) {
	if l := b.byKey[letterKey{of, id}]; l != nil {
		b.remove(l)
	}
}

// takeBack removes an event that op had put ahead, and reports whether its owner has received it.
func (b *inbox) takeBack(e *model.Event, op *Op) (received bool) {
	l := b.byKey[letterKey{e.To, e.ID}]
	if l == nil || l.ahead != op {
		return false
	}
	b.remove(l)
	return l.read
}

func (b *inbox) remove(l *letter) {
	if l.prev == nil {
		b.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		b.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	if b.unread == l {
		b.unread = l.next
	}
	delete(b.byKey, letterKey{l.event.To, l.event.ID})
}

func (b *inbox) take(max int) []model.Event {
	var events []model.Event
	for ; b.unread != nil && len(events) < max; b.unread = b.unread.next {
		b.unread.read = true
		events = append(events, *b.unread.event)
	}
	return events
}

func (b *inbox) rewind() {
	for l := b.first; l != nil; l = l.next {
		l.read = false
	}
	b.unread = b.first
	b.arrived.fire()
}

// Receive is backend.Inbox.
func (c *Core) Receive(ctx context.Context, lease backend.Lease, max int) ([]model.Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, backend.ErrClosed
		}
		if err := c.held(lease); err != nil {
			c.mu.Unlock()
			return nil, err
		}
		inbox := &c.shards[lease.Shard].inbox
		if events := inbox.take(max); len(events) > 0 {
			c.mu.Unlock()
			return events, nil
		}
		arrived := inbox.arrived.wait()
		c.mu.Unlock()
		select {
		case <-arrived:
		case <-ctx.Done():
		case <-c.stop:
		}
	}
}
