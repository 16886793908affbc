package sqlbase

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/model"
)

var (
	one = model.ExecutionEntity("one")
	two = model.ExecutionEntity("two")
)

func commit(ts ...*model.Transition) *inproc.Op {
	op := &inproc.Op{Transitions: ts}
	for i, t := range ts {
		for j := range t.Events {
			op.Puts = append(op.Puts, inproc.Put{Event: &t.Events[j], Sender: i})
		}
	}
	return op
}

func appended(again bool, events ...model.Event) *inproc.Op {
	op := &inproc.Op{}
	for i := range events {
		op.Puts = append(op.Puts, inproc.Put{Event: &events[i], Sender: -1, Again: again})
	}
	return op
}

func event(id string, to model.Entity) model.Event { return model.Event{ID: id, To: to} }

func run(id string, seq int, s model.State) *model.TaskRun {
	return &model.TaskRun{ID: id, State: model.History{{State: s}}, Engine: model.RunState{Seq: seq}}
}

func header(id string, runs int) *model.Execution {
	return &model.Execution{ID: id, Engine: model.EngineState{Runs: runs}}
}

func TestCoalesce(t *testing.T) {
	job := &model.Job{ID: "job"}
	timer := func(id string) model.Timer { return model.Timer{ID: id, Of: one} }
	member := func(id string, running bool) model.GateMember {
		return model.GateMember{ExecutionID: id, Running: running}
	}
	gate := model.Entity{Kind: model.EntityGate, ID: "gate"}
	created, ended := event("created", one), event("ended", one)
	for name, c := range map[string]struct {
		ops  []*inproc.Op
		want Batch
	}{
		// The whole of a one-task execution costs two rows: that is what the embedded backend's speed rests on.
		"a one-task execution from its first event to its end": {
			[]*inproc.Op{
				appended(false, created),
				commit(&model.Transition{Of: one, Version: 1, Acks: []string{"created"}, Execution: header("one", 1),
					TaskRuns: []*model.TaskRun{run("r", 0, model.Created)}, Jobs: []*model.Job{job}, SetTimers: []model.Timer{timer("t")}}),
				{Claims: []inproc.Claim{{Job: "job", Worker: "w"}}},
				appended(false, ended),
				commit(&model.Transition{Of: one, Version: 2, Acks: []string{"ended"}, Execution: header("one", 2),
					TaskRuns: []*model.TaskRun{run("r", 0, model.Success)}, JobsDone: []string{"job"}, ClearTimers: []string{"t"}}),
			},
			Batch{Entities: []*Entity{{Of: one, Version: 2, Execution: header("one", 2), TaskRuns: []*model.TaskRun{run("r", 0, model.Success)}}}},
		},
		"what was stored before is removed": {
			[]*inproc.Op{commit(&model.Transition{Of: one, Version: 5, Acks: []string{"created"}, JobsDone: []string{"job"},
				ClearTimers: []string{"t"}, DropRuns: []string{"r"}})},
			Batch{
				Entities: []*Entity{{Of: one, After: 4, Version: 5, ClearTimers: []string{"t"}, DropRuns: []string{"r"}}},
				Acked:    []EventKey{{one, "created"}}, JobsDone: []string{"job"},
			},
		},
		"an event that came again is removed wherever it is": {
			[]*inproc.Op{appended(true, created), commit(&model.Transition{Of: one, Acks: []string{"created"}})},
			Batch{Acked: []EventKey{{one, "created"}}},
		},
		"an event that comes again behind its end stays": {
			[]*inproc.Op{commit(&model.Transition{Of: one, Acks: []string{"created"}}), appended(true, created)},
			Batch{Events: []*model.Event{&created}},
		},
		"events of one id to two receivers": {
			[]*inproc.Op{appended(false, event("x", one), event("x", two)), commit(&model.Transition{Of: two, Acks: []string{"x"}})},
			Batch{Events: []*model.Event{{ID: "x", To: one}}},
		},
		"timers are set and cleared": {
			[]*inproc.Op{commit(
				&model.Transition{Of: one, Version: 2, SetTimers: []model.Timer{timer("stays"), timer("goes")}},
				&model.Transition{Of: one, Version: 3, ClearTimers: []string{"goes", "old"}},
				&model.Transition{Of: one, Version: 4, SetTimers: []model.Timer{timer("old")}},
			)},
			Batch{Entities: []*Entity{{Of: one, After: 1, Version: 4, SetTimers: []model.Timer{timer("stays"), timer("old")}, ClearTimers: []string{"goes"}}}},
		},
		"task runs come in their order": {
			[]*inproc.Op{commit(
				&model.Transition{Of: one, Version: 2, TaskRuns: []*model.TaskRun{run("b", 1, model.Created), run("c", 2, model.Created)}},
				&model.Transition{Of: one, Version: 3, DropRuns: []string{"c"}, TaskRuns: []*model.TaskRun{run("a", 0, model.Created), run("b", 1, model.Failed)}},
			)},
			Batch{Entities: []*Entity{{Of: one, After: 1, Version: 3, DropRuns: []string{"c"},
				TaskRuns: []*model.TaskRun{run("a", 0, model.Created), run("b", 1, model.Failed)}}}},
		},
		"members of a gate": {
			[]*inproc.Op{commit(
				&model.Transition{Of: gate, Version: 2, Gate: &model.GateChange{Limit: 1, Put: []model.GateMember{member("a", true), member("b", false)}}},
				&model.Transition{Of: gate, Version: 3, Gate: &model.GateChange{Limit: 2, Behavior: "QUEUE", Drop: []string{"a"}, Put: []model.GateMember{member("b", true)}}},
			)},
			Batch{Entities: []*Entity{{Of: gate, After: 1, Version: 3,
				Gate: &model.GateChange{Limit: 2, Behavior: "QUEUE", Drop: []string{"a"}, Put: []model.GateMember{member("b", true)}}}}},
		},
		"jobs that outlive the batch": {
			[]*inproc.Op{
				commit(&model.Transition{Of: one, Version: 1, Execution: header("one", 0), Jobs: []*model.Job{job}, CancelJobs: []string{"job", "old"}}),
				{Claims: []inproc.Claim{{Job: "job", Worker: "w"}, {Job: "older", Worker: "w"}}},
				{Withdrawn: []string{"oldest"}},
			},
			Batch{
				Entities: []*Entity{{Of: one, Version: 1, Execution: header("one", 0)}},
				Jobs:     []*Job{{Job: job, Worker: "w", Cancelled: true}}, Claimed: []inproc.Claim{{Job: "older", Worker: "w"}},
				Cancel: []string{"old"}, JobsDone: []string{"oldest"},
			},
		},
		"deleted": {
			[]*inproc.Op{commit(&model.Transition{Of: one, Version: 2, Execution: header("one", 1)}, &model.Transition{Of: one, Version: 3, Deleted: true})},
			Batch{Entities: []*Entity{{Of: one, After: 1, Version: 3, Execution: header("one", 1), Deleted: true}}},
		},
		"without a version nothing of the entity changes": {
			[]*inproc.Op{commit(&model.Transition{Of: one, Acks: []string{"x"}, Logs: []model.LogEntry{{Message: "m"}}, Events: []model.Event{event("y", two)}})},
			Batch{Events: []*model.Event{{ID: "y", To: two}}, Acked: []EventKey{{one, "x"}}, Logs: []model.LogEntry{{Message: "m"}}},
		},
	} {
		got, err := Coalesce(c.ops, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCoalesceRepeated(t *testing.T) {
	ops := []*inproc.Op{
		commit(&model.Transition{Of: one, Version: 1, Acks: []string{"a"}, Execution: header("one", 1), Jobs: []*model.Job{{ID: "job"}},
			Events: []model.Event{event("sent", two)}, Metrics: []model.Metric{{Name: "m"}}}),
		commit(&model.Transition{Of: one, Version: 2, Execution: header("one", 2)}, &model.Transition{Of: two, Version: 1, Execution: header("two", 1)}),
	}
	stored := map[model.Entity]int64{one: 1}
	got, err := Coalesce(ops, stored)
	if err != nil {
		t.Fatal(err)
	}
	want := &Batch{
		Entities: []*Entity{{Of: one, After: 1, Version: 2, Execution: header("one", 2)}, {Of: two, Version: 1, Execution: header("two", 1)}},
		Acked:    []EventKey{{one, "a"}}, // it may have come again
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	Repeated(ops, stored)
	if !ops[0].IsRepeated(0) || ops[1].IsRepeated(0) || ops[1].IsRepeated(1) {
		t.Errorf("marked: %v, %v", ops[0].Repeated, ops[1].Repeated)
	}
}

func TestCoalesceRejects(t *testing.T) {
	for name, c := range map[string]struct {
		ts   []*model.Transition
		want error
	}{
		"a gap":          {[]*model.Transition{{Of: one, Version: 1, Execution: header("one", 1)}, {Of: one, Version: 3}}, backend.ErrConflict},
		"a step back":    {[]*model.Transition{{Of: one, Version: 4}, {Of: one, Version: 4}}, backend.ErrConflict},
		"after deletion": {[]*model.Transition{{Of: one, Version: 4, Deleted: true}, {Of: one, Version: 5}}, backend.ErrGone},
	} {
		_, err := Coalesce([]*inproc.Op{commit(c.ts...)}, nil)
		var rejected *backend.RejectedError
		if !errors.As(err, &rejected) || rejected.Of != one || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
