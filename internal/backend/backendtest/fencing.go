package backendtest

import (
	"context"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var fencingScenarios = []scenario{
	{"owners get fair shares", fairShares},
	{"shards of different kinds have owners of their own", kindsApart},
	{"a revoked owner is fenced", revokedIsFenced},
	{"a leaving owner's shards go to the others", leavingOwner},
	{"the new owner finds what the old one handed in", takeOverSeesAll},
	{"an older epoch is fenced", olderEpoch},
	{"an owner in another process is fenced", otherProcess},
}

// holder follows what a second owner holds.
type holder struct {
	changes <-chan backend.LeaseChange
	held    map[int]backend.Lease
}

func acquire(f *fixture, ctx context.Context, b backend.Backend, name string) *holder {
	return acquireKind(f, ctx, b, name, backend.ExecutionShards)
}

func acquireKind(f *fixture, ctx context.Context, b backend.Backend, name string, kind backend.ShardKind) *holder {
	f.t.Helper()
	changes, err := b.Acquire(ctx, name, kind)
	f.must(err)
	return &holder{changes, map[int]backend.Lease{}}
}

// until reads changes until the owner holds n shards.
func (h *holder) until(f *fixture, n int) {
	f.t.Helper()
	for len(h.held) != n {
		c := receive(f, h.changes)
		if c.Revoked {
			delete(h.held, c.Lease.Shard)
		} else {
			h.held[c.Lease.Shard] = c.Lease
		}
	}
}

// kindsApart: who asks for shards of one kind takes none of another's.
func kindsApart(t *testing.T, f *fixture) {
	f = unowned(f)
	executor := acquire(f, f.ctx, f.b, "executor")
	executor.until(f, backend.ExecutionShards.Count())
	first, end := backend.TriggerShards.Range()
	for _, name := range []string{"scheduler", "another"} {
		scheduler := acquireKind(f, f.ctx, f.b, name, backend.TriggerShards)
		scheduler.until(f, map[string]int{"scheduler": end - first, "another": (end - first) / 2}[name])
		for shard := range scheduler.held {
			if shard < first || shard >= end {
				t.Errorf("%s got shard %d", name, shard)
			}
		}
	}
	executor.until(f, backend.ExecutionShards.Count())
}

func fairShares(t *testing.T, f *fixture) {
	f = unowned(f)
	a := acquire(f, f.ctx, f.b, "a")
	a.until(f, backend.ExecutionShards.Count())
	b := acquire(f, f.ctx, f.b, "b")
	b.until(f, backend.ExecutionShards.Count()/2)
	a.until(f, backend.ExecutionShards.Count()/2)
	c := acquire(f, f.ctx, f.b, "c")
	c.until(f, backend.ExecutionShards.Count()/3)
	owners := map[int]int{}
	a.until(f, 22)
	b.until(f, 21)
	for _, h := range []*holder{a, b, c} {
		for shard := range h.held {
			owners[shard]++
		}
	}
	for shard, n := range owners {
		if n != 1 {
			t.Errorf("shard %d has %d owners", shard, n)
		}
	}
	if len(owners) != backend.ExecutionShards.Count() {
		t.Errorf("%d shards have an owner", len(owners))
	}
}

// unowned is an installation whose shards nobody owns.
func unowned(f *fixture) *fixture {
	fresh := &fixture{t: f.t, h: f.h, b: f.h.New(f.t), ctx: f.ctx}
	fresh.closeAtEnd(fresh.b)
	return fresh
}

// lostTo returns a shard, and both leases, that moved from the fixture's owner to a second one.
func lostTo(f *fixture, name string) (shard int, stale, current backend.Lease, second *holder) {
	f.t.Helper()
	second = acquire(f, f.ctx, f.b, name)
	second.until(f, backend.ExecutionShards.Count()/2)
	for shard, l := range second.held {
		return shard, f.leases[shard], l, second
	}
	panic("unreachable")
}

func revokedIsFenced(t *testing.T, f *fixture) {
	shard, stale, current, _ := lostTo(f, "second")
	if current.Epoch <= stale.Epoch {
		t.Errorf("epoch %d after %d", current.Epoch, stale.Epoch)
	}
	e := execution(idInShard(shard))
	of := model.ExecutionEntity(e.ID)
	f.leases[shard] = stale
	f.wantError(f.commitError(create(e)), backend.ErrFenced)
	_, err := f.b.Load(f.ctx, stale, of)
	f.wantError(err, backend.ErrFenced)
	_, err = f.b.Receive(f.ctx, stale, 1)
	f.wantError(err, backend.ErrFenced)
	_, err = f.b.Active(f.ctx, stale, model.Entity{}, 1)
	f.wantError(err, backend.ErrFenced)
	_, err = f.b.Timers(f.ctx, stale, t0, 1)
	f.wantError(err, backend.ErrFenced)
	f.b.Reset(stale) // does not help

	f.leases[shard] = current
	_, err = f.b.Load(f.ctx, current, of)
	f.wantError(err, backend.ErrNotFound)
	f.commit(create(e))
}

func leavingOwner(t *testing.T, f *fixture) {
	f = unowned(f)
	ctx, cancel := context.WithCancel(f.ctx)
	a := acquire(f, ctx, f.b, "a")
	a.until(f, backend.ExecutionShards.Count())
	b := acquire(f, f.ctx, f.b, "b")
	b.until(f, backend.ExecutionShards.Count()/2)
	to := model.ExecutionEntity(model.NewID())
	f.append(event("e", to))
	cancel()
	b.until(f, backend.ExecutionShards.Count())
	for range a.changes { // is closed
	}
	f.leases[backend.ShardOf(to)] = b.held[backend.ShardOf(to)]
	f.equal(eventIDs(f.receiveEvents(to, 1)), []string{"e"})
}

func takeOverSeesAll(t *testing.T, f *fixture) {
	var acked [backend.Shards]*model.Execution
	for shard := range backend.ExecutionShards.Count() {
		e := execution(idInShard(shard))
		of := model.ExecutionEntity(e.ID)
		f.append(event("done", of), event("open", of))
		f.receiveEvents(of, 2)
		tr := create(e)
		tr.Acks = []string{"done"}
		acked[shard] = e
		f.handIn(tr)
	}
	second := acquire(f, f.ctx, f.b, "second")
	second.until(f, backend.ExecutionShards.Count()/2)
	for shard, l := range second.held {
		f.leases[shard] = l
		of := model.ExecutionEntity(acked[shard].ID)
		f.load(of)
		f.equal(eventIDs(f.receiveEvents(of, 1)), []string{"open"})
		f.nothingToReceive(of)
	}
}

func olderEpoch(t *testing.T, f *fixture) {
	l := f.leases[0]
	l.Epoch--
	_, err := f.b.Active(f.ctx, l, model.Entity{}, 1)
	f.wantError(err, backend.ErrFenced)
	blocked := make(chan error, 1)
	shard, stale, _, _ := -1, backend.Lease{}, backend.Lease{}, (*holder)(nil)
	go func() {
		// Whoever waits for events learns that the shard is gone.
		_, err := f.b.Receive(f.ctx, f.leases[backend.ExecutionShards.Count()-1], 1)
		blocked <- err
	}()
	ctx, cancel := context.WithCancel(f.ctx)
	second := acquire(f, ctx, f.b, "second")
	second.until(f, backend.ExecutionShards.Count()/2)
	if _, moved := second.held[backend.ExecutionShards.Count()-1]; moved {
		f.wantError(receive(f, blocked), backend.ErrFenced)
	} else {
		f.append(event("wake", entitiesIn(backend.ExecutionShards.Count()-1, 1)[0]))
		f.must(receive(f, blocked))
	}
	for shard = range second.held {
		stale = f.leases[shard]
		break
	}
	cancel() // the shard comes back to the first owner, under another epoch
	_, err = f.b.Active(f.ctx, stale, model.Entity{}, 1)
	f.wantError(err, backend.ErrFenced)
}

func otherProcess(t *testing.T, f *fixture) {
	if f.h.Join == nil {
		t.Skip("SKIPPED: this adapter has no Join: one process only")
	}
	other := f.h.Join(t, f.b)
	f.closeAtEnd(other)
	second := acquire(f, f.ctx, other, "other process")
	second.until(f, backend.ExecutionShards.Count()/2)
	for shard, l := range second.held {
		e := execution(idInShard(shard))
		f.wantError(f.commitError(create(e)), backend.ErrFenced)
		done := make(chan error, 1)
		other.Commit(l, []*model.Transition{create(e)}, func(err error) { done <- err })
		f.must(receive(f, done))
	}
}

func contextFor(f *fixture, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(f.ctx, d)
}
