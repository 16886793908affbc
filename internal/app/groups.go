package app

import (
	"context"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

// groups knows which worker groups have workers. It looks again after a while only, since steps ask.
type groups struct {
	members backend.Members
	mu      sync.Mutex
	staffed map[string]bool
	read    time.Time
}

// groupsFor is how long what was read of members is believed.
const groupsFor = 2 * time.Second

// Staffed tells whether a group has a worker that is alive. While that cannot be found out, it has: the task waits.
func (g *groups) Staffed(group string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.read) > groupsFor {
		ctx, cancel := context.WithTimeout(context.Background(), groupsFor)
		defer cancel()
		members, err := g.members.List(ctx)
		if err != nil {
			return true
		}
		g.staffed, g.read = map[string]bool{}, time.Now()
		for _, m := range members {
			if m.Kind == "WORKER" && m.State == backend.MemberRunning {
				g.staffed[m.Group] = true
			}
		}
	}
	return g.staffed[group]
}
