package taskstest

import (
	"context"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
)

// Owner owns all shards of a backend in memory, so that tests can store executions and answer events.
type Owner struct {
	backend.Backend
	t      testing.TB
	leases [backend.Shards]backend.Lease
}

// NewOwner returns the owner of a new backend, which is closed with the test.
func NewOwner(t testing.TB) *Owner {
	t.Helper()
	o := &Owner{Backend: memory.New(), t: t}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := o.Join(ctx, backend.Member{ID: "owner", Kind: "EXECUTOR", Timeout: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []backend.ShardKind{backend.ExecutionShards, backend.TriggerShards} {
		changes, err := o.Acquire(ctx, "owner", kind)
		if err != nil {
			t.Fatal(err)
		}
		for range kind.Count() {
			c := <-changes
			o.leases[c.Lease.Shard] = c.Lease
		}
	}
	return o
}

// Put stores an execution of the tenant main, which has ended unless its state says otherwise.
func (o *Owner) Put(id, namespace, flow string, state model.State, start time.Time) *model.Execution {
	o.t.Helper()
	return o.PutRevision(id, namespace, flow, 1, state, start)
}

// PutRevision is Put for an execution of another revision of its flow than the first.
func (o *Owner) PutRevision(id, namespace, flow string, revision int, state model.State, start time.Time) *model.Execution {
	o.t.Helper()
	e := &model.Execution{
		Tenant: "main", ID: id, Namespace: namespace, FlowID: flow, FlowRevision: revision, OriginalID: id,
		State: model.NewHistory(model.Created, start).With(state, start.Add(time.Second)),
	}
	e.Engine.Finished = state.Terminated()
	o.Store(e)
	return e
}

// Store stores a new execution with its task runs.
func (o *Owner) Store(e *model.Execution, runs ...*model.TaskRun) {
	o.t.Helper()
	o.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 1, Execution: e, TaskRuns: runs})
}

func (o *Owner) commit(tr *model.Transition) {
	o.t.Helper()
	done := make(chan error, 1)
	o.Commit(o.leases[backend.ShardOf(tr.Of)], []*model.Transition{tr}, func(err error) { done <- err })
	if err := <-done; err != nil {
		o.t.Error(err)
	}
}

// Answer takes the next event to an execution, gives it an answer and returns it.
func (o *Owner) Answer(execution string, answer model.Answer) model.Event {
	return o.AnswerFor(model.ExecutionEntity(execution), answer)
}

// AnswerFor is Answer for any entity.
func (o *Owner) AnswerFor(of model.Entity, answer model.Answer) model.Event {
	events, err := o.Receive(context.Background(), o.leases[backend.ShardOf(of)], 1)
	if err != nil || len(events) != 1 {
		o.t.Errorf("%d events, %v", len(events), err)
		return model.Event{}
	}
	answer.Ask = events[0].Ask
	o.commit(&model.Transition{Of: of, Acks: []string{events[0].ID}, Answers: []model.Answer{answer}})
	return events[0]
}
