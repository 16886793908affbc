package inproc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

// lostFor is how many of its time-outs a member that stopped beating stays in the list.
const lostFor = 20

type members map[string]*member

type member struct {
	backend.Member
	cancels stream[string]
	ended   chan struct{} // closed when it leaves
}

func (m *member) lost() bool { return time.Since(m.Beat) > m.Timeout }

// alive returns the member, or nil when its incarnation has ended.
func (ms members) alive(id string) *member {
	if m := ms[id]; m != nil && !m.lost() {
		return m
	}
	return nil
}

// Join is backend.Members.
func (c *Core) Join(ctx context.Context, m backend.Member) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if m.ID == "" || m.Timeout <= 0 {
		return fmt.Errorf("member %q with time-out %v: %w", m.ID, m.Timeout, backend.ErrInvalid)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members[m.ID] != nil {
		return fmt.Errorf("member %s: %w", m.ID, backend.ErrConflict)
	}
	for id, old := range c.members {
		if time.Since(old.Beat) > lostFor*old.Timeout {
			delete(c.members, id)
		}
	}
	m.Beat = time.Now()
	c.members[m.ID] = &member{Member: m, ended: make(chan struct{})}
	return nil
}

// Beat is backend.Members.
func (c *Core) Beat(ctx context.Context, id string, state backend.MemberState) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members.alive(id)
	if m == nil {
		return fmt.Errorf("member %s: %w", id, backend.ErrFenced)
	}
	m.Beat, m.State = time.Now(), state
	return nil
}

// Leave is backend.Members.
func (c *Core) Leave(ctx context.Context, id string) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[id]; m != nil {
		close(m.ended)
		delete(c.members, id)
	}
	return nil
}

// List is backend.Members.
func (c *Core) List(ctx context.Context) ([]backend.Member, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]backend.Member, 0, len(c.members))
	for _, m := range c.members {
		shown := m.Member
		shown.Beat = shown.Beat.UTC()
		if m.lost() {
			shown.State = backend.MemberLost
		}
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b backend.Member) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// ready returns the error of a call that must not start: the context's, or ErrClosed.
func (c *Core) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.Err()
}
