package backendtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var feedScenarios = []scenario{
	{"followers of one execution", followOne},
	{"followers by flow, namespace and correlation", followMany},
	{"changes tell of their task runs", changesTellRuns},
	{"a slow reader gets the last state", slowReader},
	{"followers hear of deletion", followDeletion},
	{"followers hear of logs if they asked", followLogs},
	{"a follower that stopped hears nothing more", followStopped},
	{"a change can be read when it is told", changeIsReadable},
	{"ask waits for the answer", askAnswered},
	{"an answer follows its commit", answerFollowsCommit},
	{"ask obeys its context", askCancelled},
	{"an ask without an id is refused", askWithoutID},
}

func followOne(t *testing.T, f *fixture) {
	e, other := execution(model.NewID()), execution(model.NewID())
	changes, stop := f.b.Follow(backend.FeedFilter{ExecutionID: e.ID})
	defer stop()
	f.commit(create(other))
	f.commit(create(e))
	f.equal(receive(f, changes), backend.Change{ExecutionID: e.ID, Execution: e})
	done := ended(e, model.Success, time.Second)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Execution: done})
	f.equal(receive(f, changes), backend.Change{ExecutionID: e.ID, Execution: done})
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 3, TaskRuns: []*model.TaskRun{taskRun(e, "a", 0)}})
	f.equal(receive(f, changes).ExecutionID, e.ID)
}

// changesTellRuns: what the changes of an execution tell of its task runs is all there is, unless one says that it is not.
func changesTellRuns(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	changes, stop := f.b.Follow(backend.FeedFilter{ExecutionID: e.ID})
	defer stop()
	first := create(e)
	first.TaskRuns = []*model.TaskRun{taskRun(e, "a", 0)}
	f.commit(first)
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, TaskRuns: []*model.TaskRun{taskRun(e, "b", 1)}})
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 3, Execution: ended(e, model.Success, time.Second)})
	told, partial := map[string]bool{}, false
	for finished := false; !finished; {
		c := receive(f, changes)
		for _, run := range c.TaskRuns {
			told[run.TaskID] = true
		}
		partial = partial || c.Partial
		finished = c.Execution != nil && c.Execution.State.Current() == model.Success
	}
	if !partial {
		f.equal(told, map[string]bool{"a": true, "b": true})
	}

	many := make([]*model.TaskRun, backend.MaxChangedRuns+1)
	for i := range many {
		many[i] = taskRun(e, fmt.Sprint("c", i), 2+i)
	}
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 4, TaskRuns: many})
	if c := receive(f, changes); !c.Partial || len(c.TaskRuns) > backend.MaxChangedRuns {
		t.Errorf("%d task runs told of %d, partial: %v", len(c.TaskRuns), len(many), c.Partial)
	}
}

func followMany(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	e.Namespace, e.FlowID, e.Labels = "ns", "flow", []model.Label{{Key: model.LabelCorrelation, Value: "root"}}
	for _, filter := range []backend.FeedFilter{
		{}, {Namespace: "ns"}, {FlowID: "flow"}, {CorrelationID: "root"}, {Namespace: "ns", FlowID: "flow", CorrelationID: "root"},
	} {
		changes, stop := f.b.Follow(filter)
		defer stop()
		defer func() { f.equal(receive(f, changes).ExecutionID, e.ID) }()
	}
	for _, filter := range []backend.FeedFilter{
		{Namespace: "other"}, {FlowID: "other"}, {CorrelationID: "other"}, {Namespace: "ns", FlowID: "other"}, {ExecutionID: e.ID, FlowID: "other"},
	} {
		changes, stop := f.b.Follow(filter)
		defer func() {
			stop()
			for c := range drain(f, changes) {
				t.Errorf("%+v selected %+v", filter, c)
			}
		}()
	}
	f.commit(create(e))
}

// drain reads what is there until the channel has been closed, or nothing comes any more once the follower has stopped.
func drain(f *fixture, changes <-chan backend.Change) func(func(backend.Change) bool) {
	return func(yield func(backend.Change) bool) {
		for {
			select {
			case c, open := <-changes:
				if !open || !yield(c) {
					return
				}
			case <-f.ctx.Done():
				f.t.Error("a stopped follower's channel stays open")
				return
			}
		}
	}
}

func slowReader(t *testing.T, f *fixture) {
	changes, stop := f.b.Follow(backend.FeedFilter{})
	defer stop()
	final := map[string]model.State{}
	for i := range 20 {
		e := execution(model.NewID())
		final[e.ID] = model.Success
		f.commit(create(e))
		for v := range 10 {
			next := *e
			next.Engine.Runs = v
			f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: int64(v + 2), Execution: &next})
		}
		state := model.Success
		if i%2 == 0 {
			state, final[e.ID] = model.Failed, model.Failed
		}
		f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 12, Execution: ended(e, state, time.Second)})
	}
	for len(final) > 0 {
		c := receive(f, changes)
		if s := c.Execution.State.Current(); s.Terminated() {
			if s != final[c.ExecutionID] {
				t.Errorf("%s ended as %v, want %v", c.ExecutionID, s, final[c.ExecutionID])
			}
			delete(final, c.ExecutionID)
		}
	}
}

func followDeletion(t *testing.T, f *fixture) {
	a, b := execution(model.NewID()), execution(model.NewID())
	f.commit(create(a))
	f.commit(create(ended(b, model.Success, time.Second)))
	one, stop := f.b.Follow(backend.FeedFilter{ExecutionID: a.ID})
	defer stop()
	all, stopAll := f.b.Follow(backend.FeedFilter{})
	defer stopAll()
	f.commit(&model.Transition{Of: model.ExecutionEntity(a.ID), Version: 2, Deleted: true})
	want := backend.Change{ExecutionID: a.ID, Deleted: true}
	f.equal(receive(f, one), want)
	f.equal(receive(f, all), want)
	_, err := f.b.Executions().Delete(f.ctx, tenant, []string{b.ID})
	f.must(err)
	f.equal(receive(f, all), backend.Change{ExecutionID: b.ID, Deleted: true})
}

func followLogs(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "a", 0)
	f.commit(create(e, run))
	with, stop := f.b.Follow(backend.FeedFilter{ExecutionID: e.ID, Logs: true})
	defer stop()
	without, stopWithout := f.b.Follow(backend.FeedFilter{ExecutionID: e.ID})
	defer stopWithout()
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{logLine(e, run, 0, "hello")}))
	f.equal(receive(f, with), backend.Change{ExecutionID: e.ID})
	f.commit(&model.Transition{Of: model.ExecutionEntity(e.ID), Version: 2, Execution: e})
	f.equal(receive(f, without), backend.Change{ExecutionID: e.ID, Execution: e})
}

func followStopped(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	changes, stop := f.b.Follow(backend.FeedFilter{ExecutionID: e.ID})
	stop()
	stop()
	f.commit(create(e))
	for c := range drain(f, changes) {
		t.Errorf("told of %+v", c)
	}
}

func changeIsReadable(t *testing.T, f *fixture) {
	if !f.b.Caps().ReadYourWrites {
		t.Skip("SKIPPED: this adapter has no ReadYourWrites")
	}
	changes, stop := f.b.Follow(backend.FeedFilter{})
	defer stop()
	for range 10 {
		f.handIn(create(execution(model.NewID())))
		c := receive(f, changes)
		_, err := f.b.Executions().Get(f.ctx, tenant, c.ExecutionID)
		f.must(err)
	}
}

// asked sends an event that waits for its answer.
func asked(f *fixture, ctx context.Context, of model.Entity, ask string) (<-chan model.Answer, <-chan error) {
	answers, errs := make(chan model.Answer, 1), make(chan error, 1)
	go func() {
		e := event("event-"+ask, of)
		e.Ask = ask
		a, err := f.b.Ask(ctx, e)
		if err != nil {
			errs <- err
			return
		}
		answers <- a
	}()
	return answers, errs
}

func askAnswered(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	answers, _ := asked(f, f.ctx, of, "one")
	got := f.receiveEvents(of, 1)[0]
	if got.Ask != "one" {
		t.Fatalf("received %+v", got)
	}
	want := model.Answer{Ask: "one", Code: model.AnswerConflict, Message: "no", Execution: e}
	tr := create(e)
	tr.Acks, tr.Answers = []string{got.ID}, []model.Answer{want, {Ask: "nobody waits for this one"}}
	f.commit(tr)
	f.equal(receive(f, answers), want)

	// An entity that is not there answers too.
	gone := model.ExecutionEntity(model.NewID())
	answers, _ = asked(f, f.ctx, gone, "two")
	f.receiveEvents(gone, 1)
	f.commit(&model.Transition{Of: gone, Acks: []string{"event-two"}, Answers: []model.Answer{{Ask: "two", Code: model.AnswerGone}}})
	f.equal(receive(f, answers).Code, model.AnswerGone)
}

func answerFollowsCommit(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	answers, _ := asked(f, f.ctx, of, "one")
	f.receiveEvents(of, 1)
	tr := create(e)
	tr.Acks, tr.Answers = []string{"event-one"}, []model.Answer{{Ask: "one", Message: "of a commit that fails"}}
	tr.Execution.Outputs = []byte(`{`)
	rejected(f, f.commitError(tr), e.ID)
	f.b.Reset(f.lease(of))
	f.receiveEvents(of, 1)
	good := create(execution(e.ID))
	good.Acks, good.Answers = tr.Acks, []model.Answer{{Ask: "one", Message: "of one that does not"}}
	f.commit(good)
	f.equal(receive(f, answers).Message, "of one that does not")
	f.load(of)
}

func askCancelled(t *testing.T, f *fixture) {
	of := model.ExecutionEntity(model.NewID())
	ctx, cancel := context.WithCancel(f.ctx)
	_, errs := asked(f, ctx, of, "one")
	f.receiveEvents(of, 1)
	cancel()
	f.wantError(receive(f, errs), context.Canceled)
	f.commit(&model.Transition{Of: of, Acks: []string{"event-one"}, Answers: []model.Answer{{Ask: "one"}}})
}

func askWithoutID(t *testing.T, f *fixture) {
	_, err := f.b.Ask(f.ctx, event("e", model.ExecutionEntity("x")))
	f.wantError(err, backend.ErrInvalid)
}
