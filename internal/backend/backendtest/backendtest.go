// Package backendtest is the one suite that every adapter passes. What a backend promises stands in package backend;
// each promise has its case here, one file for each topic.
package backendtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Harness says how the suite gets at an adapter. What an adapter cannot do is nil; the cases that need it are skipped by
// that name.
type Harness struct {
	// New opens an empty installation. The suite closes it.
	New func(t testing.TB) backend.Backend
	// Reopen leaves b as a crash would, with whatever it had not made durable, and opens what is left. The suite closes
	// both.
	Reopen func(t testing.TB, b backend.Backend) backend.Backend
	// Join opens the installation of b once more, as another process would.
	Join func(t testing.TB, b backend.Backend) backend.Backend
	// Break lets every commit fail, as a full disk does, until the returned function is called.
	Break func(t testing.TB, b backend.Backend) (repair func())
}

// scenario is one case of the suite.
type scenario struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	topics := []struct {
		name      string
		scenarios []scenario
	}{
		{"values", valueScenarios}, // first, since all else rests on it
		{"inbox", inboxScenarios},
		{"commit", commitScenarios},
		{"repeat", repeatScenarios},
		{"fencing", fencingScenarios},
		{"jobs", jobScenarios},
		{"timers", timerScenarios},
		{"snapshots", snapshotScenarios},
		{"gates", gateScenarios},
		{"feed", feedScenarios},
		{"flows", flowScenarios},
		{"executions", executionScenarios},
		{"counts", countScenarios},
		{"taskruns", taskRunScenarios},
		{"logs", logScenarios},
		{"metrics", metricScenarios},
		{"triggers", triggerScenarios},
		{"documents", documentScenarios},
		{"members", memberScenarios},
		{"crash", crashScenarios},
		{"failure", failureScenarios},
		{"lifecycle", lifecycleScenarios},
	}
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for _, s := range topic.scenarios {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.run(t, newFixture(t, h))
				})
			}
		})
	}
}

// patience is how long the suite waits for what must happen.
const patience = time.Minute

// fixture is a fresh installation with all its shards owned by the suite.
type fixture struct {
	t      testing.TB
	h      Harness
	b      backend.Backend
	ctx    context.Context
	leases [backend.Shards]backend.Lease
}

func newFixture(t testing.TB, h Harness) *fixture {
	f := &fixture{t: t, h: h, b: h.New(t)}
	f.closeAtEnd(f.b)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	f.ctx = ctx
	f.own()
	return f
}

func (f *fixture) closeAtEnd(b backend.Backend) {
	f.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			f.t.Errorf("close: %v", err)
		}
	})
}

// own acquires all shards.
func (f *fixture) own() {
	f.t.Helper()
	for _, kind := range []backend.ShardKind{backend.ExecutionShards, backend.TriggerShards} {
		changes, err := f.b.Acquire(f.ctx, "suite", kind)
		f.must(err)
		for range kind.Count() {
			l := f.grant(changes)
			f.leases[l.Shard] = l
		}
	}
}

func (f *fixture) grant(changes <-chan backend.LeaseChange) backend.Lease {
	f.t.Helper()
	c := receive(f, changes)
	if c.Revoked {
		f.t.Fatalf("shard %d was revoked", c.Lease.Shard)
	}
	return c.Lease
}

// reopen crashes the backend and opens what it left.
func (f *fixture) reopen() {
	f.t.Helper()
	if f.h.Reopen == nil {
		f.t.Skip("SKIPPED: this adapter has no Reopen: it is not durable")
	}
	f.b = f.h.Reopen(f.t, f.b)
	f.closeAtEnd(f.b)
	f.own()
}

func (f *fixture) lease(of model.Entity) backend.Lease { return f.leases[backend.ShardOf(of)] }

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) wantError(err, want error) {
	f.t.Helper()
	if !errors.Is(err, want) {
		f.t.Fatalf("error %v, want %v", err, want)
	}
}

// append stores events and waits until they are durable.
func (f *fixture) append(events ...model.Event) {
	f.t.Helper()
	f.must(f.appendError(events...))
}

func (f *fixture) appendError(events ...model.Event) error {
	done := make(chan error, 1)
	f.b.Append(events, func(err error) { done <- err })
	return receive(f, done)
}

// commit commits transitions of one entity, or of several of one shard, and waits until they are durable.
func (f *fixture) commit(transitions ...*model.Transition) {
	f.t.Helper()
	f.must(f.commitError(transitions...))
}

func (f *fixture) commitError(transitions ...*model.Transition) error {
	return receive(f, f.handIn(transitions...))
}

// handIn commits without waiting.
func (f *fixture) handIn(transitions ...*model.Transition) <-chan error {
	done := make(chan error, 1)
	f.b.Commit(f.lease(transitions[0].Of), transitions, func(err error) { done <- err })
	return done
}

// receiveEvents receives exactly n events of an entity's shard.
func (f *fixture) receiveEvents(of model.Entity, n int) []model.Event {
	f.t.Helper()
	var got []model.Event
	for len(got) < n {
		events, err := f.b.Receive(f.ctx, f.lease(of), n-len(got))
		f.must(err)
		got = append(got, events...)
	}
	return got
}

// nothingToReceive fails if the entity's shard has an event. It appends a marker and sees whether that comes first.
func (f *fixture) nothingToReceive(of model.Entity) {
	f.t.Helper()
	marker := event("marker-"+model.NewID(), of)
	f.append(marker)
	for _, e := range f.receiveEvents(of, 1) {
		if e.ID != marker.ID {
			f.t.Fatalf("received %q, want nothing", e.ID)
		}
	}
}

func (f *fixture) load(of model.Entity) *backend.Snapshot {
	f.t.Helper()
	s, err := f.b.Load(f.ctx, f.lease(of), of)
	f.must(err)
	return s
}

func (f *fixture) join(worker string) {
	f.t.Helper()
	f.must(f.b.Join(f.ctx, backend.Member{ID: worker, Kind: "WORKER", State: backend.MemberRunning, Started: t0, Timeout: time.Hour}))
}

// claim claims exactly n jobs.
func (f *fixture) claim(worker string, n int) []*model.Job {
	f.t.Helper()
	var got []*model.Job
	for len(got) < n {
		jobs, err := f.b.Claim(f.ctx, worker, "", n-len(got))
		f.must(err)
		got = append(got, jobs...)
	}
	return got
}

func (f *fixture) queued() int {
	f.t.Helper()
	groups, err := f.b.Queued(f.ctx)
	f.must(err)
	n := 0
	for _, in := range groups {
		n += in
	}
	return n
}

// eventually waits for what follows without anybody telling, such as the end of a time-out.
func (f *fixture) eventually(what string, holds func() bool) {
	f.t.Helper()
	for f.ctx.Err() == nil {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	f.t.Fatalf("never: %s", what)
}

func (f *fixture) equal(got, want any) {
	f.t.Helper()
	if diff := difference(got, want); diff != "" {
		f.t.Fatalf("differs (-want +got):\n%s", diff)
	}
}

func difference(got, want any) string { return cmp.Diff(want, got, sameJSON, sameMap, emptyIsNil) }

// receive takes one value from a channel, patiently.
func receive[T any](f *fixture, from <-chan T) T {
	f.t.Helper()
	select {
	case v, open := <-from:
		if !open {
			f.t.Fatal("the channel was closed")
		}
		return v
	case <-f.ctx.Done():
		f.t.Fatal("waited in vain")
	}
	panic("unreachable")
}
