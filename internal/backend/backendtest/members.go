package backendtest

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
)

var memberScenarios = []scenario{
	{"join, beat and leave", memberLife},
	{"a member that stops beating is lost", memberLost},
	{"members that are refused", memberRefused},
}

func memberLife(t *testing.T, f *fixture) {
	m := backend.Member{ID: "m1", Kind: "WORKER", Host: "host", Group: "gpu", State: backend.MemberCreated, Started: t0, Timeout: time.Hour, Version: "1"}
	f.must(f.b.Join(f.ctx, m))
	other := m
	other.ID = "m2"
	f.must(f.b.Join(f.ctx, other))
	f.must(f.b.Beat(f.ctx, "m1", backend.MemberRunning))
	list, err := f.b.List(f.ctx)
	f.must(err)
	f.equal(len(list), 2)
	if list[0].Beat.IsZero() {
		t.Error("a member has beaten when it joined")
	}
	list[0].Beat = time.Time{}
	m.State = backend.MemberRunning
	f.equal(list[0], m)
	f.must(f.b.Leave(f.ctx, "m1"))
	f.must(f.b.Leave(f.ctx, "m1"))
	f.wantError(f.b.Beat(f.ctx, "m1", backend.MemberRunning), backend.ErrFenced)
	list, err = f.b.List(f.ctx)
	f.must(err)
	if len(list) != 1 || list[0].ID != "m2" {
		t.Errorf("left: %+v", list)
	}
}

func memberLost(t *testing.T, f *fixture) {
	f.must(f.b.Join(f.ctx, backend.Member{ID: "m", Kind: "EXECUTOR", State: backend.MemberRunning, Started: t0, Timeout: 300 * time.Millisecond}))
	f.must(f.b.Beat(f.ctx, "m", backend.MemberRunning))
	f.eventually("it is lost", func() bool {
		list, err := f.b.List(f.ctx)
		f.must(err)
		return len(list) == 1 && list[0].State == backend.MemberLost
	})
	f.wantError(f.b.Beat(f.ctx, "m", backend.MemberRunning), backend.ErrFenced)
}

func memberRefused(t *testing.T, f *fixture) {
	f.wantError(f.b.Join(f.ctx, backend.Member{Timeout: time.Hour}), backend.ErrInvalid)
	f.wantError(f.b.Join(f.ctx, backend.Member{ID: "m"}), backend.ErrInvalid)
	f.join("m")
	f.wantError(f.b.Join(f.ctx, backend.Member{ID: "m", Timeout: time.Hour}), backend.ErrConflict)
}
