package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

// listed are members that the test lists.
type listed struct {
	backend.Members
	list  []backend.Member
	err   error
	asked int
}

func (l *listed) List(context.Context) ([]backend.Member, error) { l.asked++; return l.list, l.err }

func TestStaffed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := &listed{list: []backend.Member{
			{Kind: "WORKER", Group: "gpu", State: backend.MemberRunning}, {Kind: "WORKER", Group: "gone", State: backend.MemberLost},
			{Kind: "EXECUTOR", Group: "odd", State: backend.MemberRunning},
		}}
		g := &groups{members: members}
		for group, want := range map[string]bool{"gpu": true, "gone": false, "odd": false, "none": false} {
			if got := g.Staffed(group); got != want {
				t.Errorf("%s: %t", group, got)
			}
		}
		if members.asked != 1 {
			t.Errorf("asked %d times at once", members.asked)
		}
		members.list = nil
		time.Sleep(groupsFor + 1)
		if g.Staffed("gpu") {
			t.Error("its worker has left")
		}
		members.err = errors.New("cannot say")
		time.Sleep(groupsFor + 1)
		if !g.Staffed("gpu") {
			t.Error("a task fails because members cannot be listed")
		}
	})
}
