package launch

import (
	"errors"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/value"
)

// TestResume resolves what a Pause asks for as the inputs of a new execution are: types, bounds, defaults and secrets.
func TestResume(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pause := &model.Task{ID: "wait", Kind: model.KindPause, OnResume: []*model.Input{
		{ID: "n", Type: "INT", Required: true, Props: value.MapOf(value.Entry{Key: "min", Value: 3})},
		{ID: "d", Type: "STRING", Required: true, Defaults: "of {{ flow.id }}"},
		{ID: "s", Type: "SECRET"},
	}}
	l := launcher(t, &model.Flow{ByID: map[string]*model.Task{"wait": pause, "log": {ID: "log"}}, Inputs: []*model.Input{{ID: "own", Type: "STRING", Required: true}}})
	o := taskstest.NewOwner(t)
	l.Backend = o
	store := func(id string, state model.State, runs ...*model.TaskRun) {
		e := &model.Execution{Tenant: "main", ID: id, Namespace: "ns", FlowID: "f", FlowRevision: 3, OriginalID: id,
			State: model.NewHistory(model.Created, at).With(state, at)}
		for _, r := range runs {
			r.Tenant, r.ExecutionID, r.Namespace, r.FlowID, r.State = "main", id, "ns", "f", model.NewHistory(model.Created, at).With(model.Paused, at)
		}
		o.Store(e, runs...)
	}
	store("asks", model.Running, &model.TaskRun{ID: "run-of-wait", TaskID: "wait"}) // while another branch runs
	store("held", model.Paused)                                                     // by a person
	store("runs", model.Running)

	for _, c := range []struct {
		id, n       string
		run, inputs string
	}{
		{"asks", "7", "run-of-wait", `{"n":7,"d":"of f","s":{"type":"io.kestra.datatype:aes_encrypted","value":"aHVzaA=="}}`},
		{"held", "7", "", ""},
	} {
		p, err := l.Paused(t.Context(), "main", c.id)
		if err != nil {
			t.Fatal(err)
		}
		act, err := p.Resume(t.Context(), value.MapOf(value.Entry{Key: "n", Value: c.n}, value.Entry{Key: "s", Value: "hush"}))
		if err != nil || act.TaskRunID != c.run || string(act.Inputs) != c.inputs {
			t.Errorf("%s: %+v with %s, %v", c.id, act, act.Inputs, err)
		}
	}
	p, err := l.Paused(t.Context(), "main", "asks")
	if err != nil {
		t.Fatal(err)
	}
	var wrong *inputs.Error
	if _, err := p.Resume(t.Context(), value.MapOf(value.Entry{Key: "n", Value: "1"})); !errors.As(err, &wrong) {
		t.Errorf("below the minimum: %v", err)
	}
	for id, want := range map[string]error{"runs": ErrNotPaused, "none": backend.ErrNotFound} {
		if _, err := l.Paused(t.Context(), "main", id); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
}
