package executor_test

import (
	"errors"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/executor"
	"github.com/windhover-io/windhover/internal/model"
)

// TestSkip: what is skipped stays as it is, whether it is new or under way, and goes on where nobody skips it.
func TestSkip(t *testing.T) {
	b := memory.New()
	r := &rig{b: b, flow: oneTask(), idle: true}
	fresh, underWay := model.NewID(), model.NewID()
	changes, unfollow := b.Follow(backend.FeedFilter{ExecutionID: underWay})
	defer unfollow()
	stop := r.start(t, executor.Skip{})
	r.create(t, underWay)
	<-changes // it waits for a worker
	stop()
	r.idle = false

	skip, err := executor.ParseSkip("main", []string{fresh, underWay}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop = r.start(t, skip)
	r.create(t, fresh)
	for range 10 {
		if e := r.run(t); e.State.Current() != model.Success {
			t.Errorf("an execution that is not skipped is %s", e.State.Current())
		}
	}
	stop()
	if _, err := b.Executions().Get(t.Context(), "main", fresh); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("a skipped execution was created: %v", err)
	}
	if e, err := b.Executions().Get(t.Context(), "main", underWay); err != nil || e.State.Current() != model.Running {
		t.Errorf("a skipped execution went on: %v, %v", e, err)
	}

	ends := make(chan *model.Execution, 2)
	for _, id := range []string{fresh, underWay} {
		changes, unfollow := b.Follow(backend.FeedFilter{ExecutionID: id})
		defer unfollow()
		go func() { ends <- ended(t, changes) }()
	}
	defer r.start(t, executor.Skip{})()
	for range 2 {
		if e := <-ends; e.State.Current() != model.Success {
			t.Errorf("an execution that was skipped before is %s", e.State.Current())
		}
	}
}

func TestParseSkip(t *testing.T) {
	e := &model.Execution{Tenant: "main", Namespace: "a.b", FlowID: "f", ID: "1"}
	for _, c := range []struct {
		name                                   string
		executions, flows, namespaces, tenants []string
		want                                   bool
	}{
		{name: "nothing"},
		{name: "its id", executions: []string{"2", "1"}, want: true},
		{name: "another id", executions: []string{"2"}},
		{name: "its flow", flows: []string{"main|a.b|f"}, want: true},
		{name: "its flow, without a tenant", flows: []string{"a.b|f"}, want: true},
		{name: "a flow of another tenant", flows: []string{"other|a.b|f"}},
		{name: "its namespace", namespaces: []string{"main|a.b"}, want: true},
		{name: "its namespace, without a tenant", namespaces: []string{" a.b "}, want: true},
		{name: "the namespace above", namespaces: []string{"main|a"}},
		{name: "its tenant", tenants: []string{"main"}, want: true},
	} {
		s, err := executor.ParseSkip("main", c.executions, c.flows, c.namespaces, c.tenants)
		if err != nil || s.Has(e) != c.want {
			t.Errorf("%s: skipped %v, %v", c.name, s.Has(e), err)
		}
	}
	for _, bad := range []string{"f", "main|a.b|f|x", "main||f", ""} {
		if _, err := executor.ParseSkip("main", nil, []string{bad}, nil, nil); err == nil {
			t.Errorf("flow %q was taken", bad)
		}
	}
	if _, err := executor.ParseSkip("main", nil, nil, []string{"main|a.b|f"}, nil); err == nil {
		t.Error("a flow was taken for a namespace")
	}
}
