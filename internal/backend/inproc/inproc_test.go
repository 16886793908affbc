package inproc_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/backendtest"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/model"
)

func TestMain(m *testing.M) {
	os.Exit(backendtest.NoLeaks(m.Run(), "windhover/internal/backend"))
}

// scripted is a store whose writes wait until the test says what becomes of them.
type scripted struct {
	writes   chan []*inproc.Op
	outcomes chan error
}

func (s *scripted) Write(ops []*inproc.Op) error {
	s.writes <- ops
	return <-s.outcomes
}

type bench struct {
	t      *testing.T
	ctx    context.Context
	core   *inproc.Core
	store  *scripted
	leases map[int]backend.Lease
}

func start(t *testing.T) *bench {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	b := &bench{t: t, ctx: ctx, store: &scripted{make(chan []*inproc.Op), make(chan error)}, leases: map[int]backend.Lease{}}
	b.core = inproc.New(b.store, inproc.Left{})
	t.Cleanup(func() {
		cancel()
		b.core.Close()
	})
	changes, err := b.core.Acquire(ctx, "test", backend.ExecutionShards)
	b.must(err)
	for range backend.ExecutionShards.Count() {
		c := <-changes
		b.leases[c.Lease.Shard] = c.Lease
	}
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// next waits for the writer's next batch and returns how many ops it has.
func (b *bench) next() int {
	b.t.Helper()
	select {
	case ops := <-b.store.writes:
		return len(ops)
	case <-b.ctx.Done():
		b.t.Fatal("nothing is written")
		return 0
	}
}

func (b *bench) commit(t *model.Transition) <-chan error {
	done := make(chan error, 1)
	b.core.Commit(b.leases[backend.ShardOf(t.Of)], []*model.Transition{t}, func(err error) { done <- err })
	return done
}

func (b *bench) receive(of model.Entity) string {
	b.t.Helper()
	events, err := b.core.Receive(b.ctx, b.leases[backend.ShardOf(of)], 1)
	b.must(err)
	return events[0].ID
}

// entity draws an execution of a shard.
func entity(shard int) model.Entity {
	for {
		if of := model.ExecutionEntity(model.NewID()); backend.ShardOf(of) == shard {
			return of
		}
	}
}

func event(id string, to model.Entity) model.Event {
	return model.Event{ID: id, To: to, Kind: model.EventKill}
}

var errDisk = errors.New("disk full")

// TestTakenBackEvent: a receiver of an event whose commit fails can commit nothing that rests on it, neither at once nor
// when it steps the event only after its reset.
func TestTakenBackEvent(t *testing.T) {
	b := start(t)
	from, to := entity(1), entity(2)
	sent := b.commit(&model.Transition{Of: from, Events: []model.Event{event("e", to)}})
	b.next()
	if id := b.receive(to); id != "e" { // before its commit
		t.Fatalf("received %s", id)
	}
	consumed := b.commit(&model.Transition{Of: to, Acks: []string{"e"}})
	b.store.outcomes <- errDisk
	for name, done := range map[string]<-chan error{"the commit that sent it": sent, "the one that consumed it": consumed} {
		if err := <-done; !errors.Is(err, backend.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.core.Reset(b.leases[1])
	b.core.Reset(b.leases[2])
	if err := <-b.commit(&model.Transition{Of: to, Acks: []string{"e"}}); !errors.Is(err, backend.ErrUnavailable) {
		t.Errorf("the event is dead, but was acknowledged: %v", err)
	}
	b.core.Reset(b.leases[2])

	sent = b.commit(&model.Transition{Of: from, Events: []model.Event{event("e", to)}})
	b.next()
	b.store.outcomes <- nil
	b.must(<-sent)
	if id := b.receive(to); id != "e" {
		t.Fatalf("received %s", id)
	}
	consumed = b.commit(&model.Transition{Of: to, Acks: []string{"e"}})
	b.next()
	b.store.outcomes <- nil
	b.must(<-consumed)
}

// TestUnreceivedEvent: nobody saw it, so nobody has to restart.
func TestUnreceivedEvent(t *testing.T) {
	b := start(t)
	from, to := entity(1), entity(2)
	sent := b.commit(&model.Transition{Of: from, Events: []model.Event{event("e", to)}})
	b.next()
	other := b.commit(&model.Transition{Of: to})
	b.store.outcomes <- errDisk
	<-sent
	b.next()
	b.store.outcomes <- nil
	b.must(<-other)
}

// TestHalving: one transition that cannot be stored fails alone.
func TestHalving(t *testing.T) {
	b := start(t)
	first := b.commit(&model.Transition{Of: entity(0)})
	b.next()
	var done []<-chan error
	bad := entity(5)
	for shard := 1; shard <= 8; shard++ {
		of := entity(shard)
		if shard == 5 {
			of = bad
		}
		done = append(done, b.commit(&model.Transition{Of: of}))
	}
	b.store.outcomes <- nil
	b.must(<-first)
	var sizes []int
	for written := 0; written < 8; {
		ops := <-b.store.writes
		sizes = append(sizes, len(ops))
		blamed := false
		for _, op := range ops {
			blamed = blamed || op.Transitions[0].Of == bad
		}
		if blamed {
			b.store.outcomes <- &backend.RejectedError{Of: bad, Cause: backend.ErrInvalid}
		} else {
			b.store.outcomes <- nil
		}
		if !blamed || len(ops) == 1 {
			written += len(ops)
		}
	}
	if diff := cmp.Diff([]int{8, 4, 4, 2, 1, 1, 2}, sizes); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	for i, d := range done {
		err := <-d
		var rejected *backend.RejectedError
		if isBad := i == 4; isBad != errors.As(err, &rejected) || !isBad && err != nil {
			t.Errorf("commit of shard %d: %v", i+1, err)
		}
	}
}

// TestHandOver: a shard gets its new owner only when all that the old one handed in is written.
func TestHandOver(t *testing.T) {
	b := start(t)
	done := make([]<-chan error, backend.ExecutionShards.Count())
	for shard := range done {
		done[shard] = b.commit(&model.Transition{Of: entity(shard)})
	}
	second, err := b.core.Acquire(b.ctx, "second", backend.ExecutionShards)
	b.must(err)
	for written := 0; written < backend.ExecutionShards.Count(); {
		written += b.next()
		select {
		case c := <-second:
			t.Fatalf("shard %d was granted too early", c.Lease.Shard)
		default:
		}
		b.store.outcomes <- nil
	}
	for range backend.ExecutionShards.Count() / 2 {
		c := <-second
		if err := <-done[c.Lease.Shard]; err != nil {
			t.Errorf("what was handed in before failed: %v", err)
		}
	}
}

// TestPureJobTakenBack: a job that ran ahead of a commit that failed is not handed out any more.
func TestPureJobTakenBack(t *testing.T) {
	b := start(t)
	b.must(b.core.Join(b.ctx, backend.Member{ID: "w", Timeout: time.Hour}))
	of := entity(1)
	tr := &model.Transition{Of: of, Jobs: []*model.Job{
		{ID: "pure", Pure: true, Execution: model.JobHeader{ID: of.ID}}, {ID: "plain", Execution: model.JobHeader{ID: of.ID}}}}
	done := b.commit(tr)
	b.next()
	queued, err := b.core.Queued(b.ctx)
	b.must(err)
	if diff := cmp.Diff(map[string]int{"": 1}, queued); diff != "" {
		t.Errorf("before the commit (-want +got):\n%s", diff)
	}
	b.store.outcomes <- errDisk
	<-done
	queued, err = b.core.Queued(b.ctx)
	b.must(err)
	if len(queued) != 0 || len(b.core.JobsOf(of.ID)) != 0 {
		t.Errorf("after it failed: %v", queued)
	}
}

// TestWithdrawalFails: a job that was cancelled while it waited, and cannot be withdrawn, is handed out after all, and its
// worker told to stop it.
func TestWithdrawalFails(t *testing.T) {
	b := start(t)
	b.must(b.core.Join(b.ctx, backend.Member{ID: "w", Timeout: time.Hour}))
	of := entity(1)
	done := b.commit(&model.Transition{Of: of, CancelJobs: []string{"job"}, Jobs: []*model.Job{
		{ID: "job", Pure: true, Execution: model.JobHeader{ID: of.ID}, TaskRun: &model.TaskRun{ID: "run"}}}})
	b.next()
	b.store.outcomes <- nil
	b.must(<-done)
	b.next()
	b.store.outcomes <- errDisk
	jobs, err := b.core.Claim(b.ctx, "w", "", 1)
	b.must(err)
	cancels, err := b.core.Cancels(b.ctx, "w")
	b.must(err)
	if id := <-cancels; id != jobs[0].ID {
		t.Errorf("%s is to be stopped, want %s", id, jobs[0].ID)
	}
}
