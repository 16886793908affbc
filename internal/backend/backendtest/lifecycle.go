package backendtest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var lifecycleScenarios = []scenario{
	{"a cancelled context", cancelledContext},
	{"a closed backend", closedBackend},
	{"close waits for what was handed in", closeWaits},
	{"close lets everybody go", closeLetsGo},
	{"ping", ping},
}

func ping(t *testing.T, f *fixture) {
	f.must(f.b.Ping(f.ctx))
	if f.b.Caps().Name == "" {
		t.Error("the adapter has no name")
	}
}

// calls are all that answer at once.
func calls(f *fixture, ctx context.Context) map[string]error {
	errs := map[string]error{}
	b, q, k := f.b, backend.Query{Tenant: tenant, Size: 1}, key("ns", "a", 0)
	note := func(name string, err error) { errs[name] = err }
	note("Ping", b.Ping(ctx))
	_, err := b.Receive(ctx, f.leases[0], 1)
	note("Receive", err)
	_, err = b.Load(ctx, f.leases[0], model.ExecutionEntity("x"))
	note("Load", err)
	_, err = b.Active(ctx, f.leases[0], model.Entity{}, 1)
	note("Active", err)
	_, err = b.Timers(ctx, f.leases[0], t0, 1)
	note("Timers", err)
	_, err = b.Acquire(ctx, "m", backend.ExecutionShards)
	note("Acquire", err)
	_, err = b.Claim(ctx, "w", "", 1)
	note("Claim", err)
	_, err = b.Cancels(ctx, "w")
	note("Cancels", err)
	_, err = b.Orphans(ctx, 1)
	note("Orphans", err)
	_, err = b.Queued(ctx)
	note("Queued", err)
	_, err = b.Waiting(ctx, "j")
	note("Waiting", err)
	note("Join", b.Join(ctx, backend.Member{ID: "m", Timeout: time.Hour}))
	note("Beat", b.Beat(ctx, "m", backend.MemberRunning))
	note("Leave", b.Leave(ctx, "m"))
	_, err = b.List(ctx)
	note("List", err)
	ask := event("e", model.ExecutionEntity("x"))
	ask.Ask = "ask"
	_, err = b.Ask(ctx, ask)
	note("Ask", err)
	repositoryCalls(b, ctx, q, k, note)
	return errs
}

func repositoryCalls(b backend.Backend, ctx context.Context, q backend.Query, k model.FlowKey, note func(string, error)) {
	_, err := b.Flows().Get(ctx, k, false)
	note("Flows.Get", err)
	_, err = b.Flows().Save(ctx, flow("ns", "a"), 0)
	note("Flows.Save", err)
	_, err = b.Flows().Delete(ctx, k, nil)
	note("Flows.Delete", err)
	_, err = b.Flows().Revisions(ctx, k)
	note("Flows.Revisions", err)
	note("Flows.DropRevisions", b.Flows().DropRevisions(ctx, k, []int{1}))
	_, err = b.Flows().Search(ctx, q)
	note("Flows.Search", err)
	_, err = b.Flows().SearchSource(ctx, q)
	note("Flows.SearchSource", err)
	_, err = b.Flows().Namespaces(ctx, tenant)
	note("Flows.Namespaces", err)
	_, err = b.Executions().Get(ctx, tenant, "x")
	note("Executions.Get", err)
	_, err = b.Executions().TaskRuns(ctx, tenant, "x")
	note("Executions.TaskRuns", err)
	_, err = b.Executions().Search(ctx, q)
	note("Executions.Search", err)
	_, err = b.Executions().SearchTaskRuns(ctx, q)
	note("Executions.SearchTaskRuns", err)
	_, err = b.Executions().Latest(ctx, tenant, []model.FlowKey{k})
	note("Executions.Latest", err)
	_, err = b.Executions().Count(ctx, backend.CountQuery{Query: q})
	note("Executions.Count", err)
	_, err = b.Executions().Delete(ctx, tenant, []string{"x"})
	note("Executions.Delete", err)
	note("Logs.Append", b.Logs().Append(ctx, []model.LogEntry{{Tenant: tenant, Timestamp: t0, Level: model.LevelInfo}}))
	_, err = b.Logs().Search(ctx, q)
	note("Logs.Search", err)
	_, err = b.Logs().Delete(ctx, q)
	note("Logs.Delete", err)
	note("Metrics.Append", b.Metrics().Append(ctx, []model.Metric{{Tenant: tenant, Timestamp: t0}}))
	_, err = b.Metrics().Search(ctx, q)
	note("Metrics.Search", err)
	_, _, err = b.Metrics().Names(ctx, q)
	note("Metrics.Names", err)
	_, err = b.Metrics().Delete(ctx, q)
	note("Metrics.Delete", err)
	_, err = b.Triggers().Get(ctx, tenant, "ns", "a", "t")
	note("Triggers.Get", err)
	_, err = b.Triggers().Search(ctx, q)
	note("Triggers.Search", err)
	_, err = b.Documents().Get(ctx, "kv", tenant, "", "a")
	note("Documents.Get", err)
	_, err = b.Documents().Put(ctx, document("", "a", `1`), 0)
	note("Documents.Put", err)
	note("Documents.Delete", b.Documents().Delete(ctx, "kv", tenant, "", "a"))
	_, err = b.Documents().Search(ctx, "kv", q)
	note("Documents.Search", err)
}

func cancelledContext(t *testing.T, f *fixture) {
	f.join("w")
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	for name, err := range calls(f, ctx) {
		if err == nil {
			t.Errorf("%s does not look at its context", name)
			continue
		}
		f.wantError(err, context.Canceled)
	}
	f.commit(create(execution(model.NewID()))) // nothing is broken by it
}

func closedBackend(t *testing.T, f *fixture) {
	f.must(f.b.Close())
	f.must(f.b.Close())
	for name, err := range calls(f, f.ctx) {
		if err == nil {
			t.Errorf("%s works after Close", name)
			continue
		}
		f.wantError(err, backend.ErrClosed)
	}
	f.wantError(f.appendError(event("e", model.ExecutionEntity("x"))), backend.ErrClosed)
	f.wantError(f.commitError(create(execution(model.NewID()))), backend.ErrClosed)
	changes, stop := f.b.Follow(backend.FeedFilter{})
	stop()
	if _, open := <-changes; open {
		t.Error("a closed backend tells of changes")
	}
}

func closeWaits(t *testing.T, f *fixture) {
	var done []<-chan error
	for range 50 {
		done = append(done, f.handIn(create(execution(model.NewID()))))
	}
	f.must(f.b.Close())
	for i, d := range done {
		select {
		case err := <-d:
			f.must(err)
		default:
			t.Errorf("commit %d was not reported before Close returned", i)
		}
	}
}

func closeLetsGo(t *testing.T, f *fixture) {
	f.join("w")
	errs := make(chan error, 3)
	go func() {
		_, err := f.b.Receive(f.ctx, f.leases[0], 1)
		errs <- err
	}()
	go func() {
		_, err := f.b.Claim(f.ctx, "w", "", 1)
		errs <- err
	}()
	go func() {
		e := event("e", model.ExecutionEntity("x"))
		e.Ask = "ask"
		_, err := f.b.Ask(f.ctx, e)
		errs <- err
	}()
	changes, stop := f.b.Follow(backend.FeedFilter{})
	defer stop()
	cancels, err := f.b.Cancels(f.ctx, "w")
	f.must(err)
	f.must(f.b.Close())
	for range 3 {
		f.wantError(receive(f, errs), backend.ErrClosed)
	}
	for range changes {
		t.Error("a change after Close")
	}
	for range cancels {
		t.Error("a cancel after Close")
	}
}

// NoLeaks turns the code that m.Run gave into a failure if goroutines are left, once all tests have run, that stand in one
// of the packages or functions. Adapters call it in TestMain.
func NoLeaks(code int, places ...string) int {
	if code != 0 {
		return code
	}
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if left = goroutinesIn(places); len(left) == 0 {
			return 0
		}
	}
	fmt.Fprintf(os.Stderr, "%d goroutines are left:\n%s\n", len(left), strings.Join(left, "\n\n"))
	return 1
}

func goroutinesIn(places []string) []string {
	buf := make([]byte, 1<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	return slices.DeleteFunc(stacks, func(stack string) bool {
		in := func(place string) bool { return strings.Contains(stack, place) }
		return in("backendtest.NoLeaks") || !slices.ContainsFunc(places, in)
	})
}
