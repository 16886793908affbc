package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/backendtest"
	"github.com/windhover-io/windhover/internal/backend/inproc"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
)

func TestMain(m *testing.M) {
	os.Exit(backendtest.NoLeaks(m.Run(), "windhover/internal/backend", "database/sql"))
}

var harness = backendtest.Harness{New: openNew, Reopen: reopen, Break: forbid}

func TestBackend(t *testing.T) { backendtest.Run(t, harness) }

func TestAgree(t *testing.T) {
	backendtest.Agree(t, harness, backendtest.Harness{New: func(testing.TB) backend.Backend { return memory.New() }})
}

func BenchmarkBackend(b *testing.B) { backendtest.Benchmark(b, harness) }

// tested is a backend with its directory, and a gate through which its writer goes.
type tested struct {
	*Backend
	dir  string
	gate *gate
}

// gate lets a test stop the writer between two batches.
type gate struct {
	inproc.Store
	mu      sync.Mutex
	crashed bool
}

func (g *gate) Write(ops []*inproc.Op) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.crashed {
		return errors.New("the process is dead, as the test has it")
	}
	return g.Store.Write(ops)
}

func openAt(t testing.TB, dir string) backend.Backend {
	t.Helper()
	x := tested{dir: dir, gate: &gate{}}
	b, err := open(dir, func(s inproc.Store) inproc.Store {
		x.gate.Store = s
		return x.gate
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Backend = b
	return x
}

func openNew(t testing.TB) backend.Backend { return openAt(t, t.TempDir()) }

// reopen takes the files as they are between two batches, as a crash there leaves them, and opens those.
func reopen(t testing.TB, b backend.Backend) backend.Backend {
	t.Helper()
	x := b.(tested)
	x.gate.mu.Lock()
	defer x.gate.mu.Unlock()
	x.gate.crashed = true
	dir := t.TempDir()
	for _, name := range []string{stateFile, stateFile + "-wal", logsFile, logsFile + "-wal"} {
		copyFile(t, filepath.Join(x.dir, name), filepath.Join(dir, name))
	}
	return openAt(t, dir)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// forbid lets every write fail, as on a file system that became read-only.
func forbid(t testing.TB, b backend.Backend) (repair func()) {
	t.Helper()
	x := b.(tested)
	set := func(pragma string) {
		x.gate.mu.Lock()
		defer x.gate.mu.Unlock()
		if _, err := x.gate.Store.(*store).conn.conn.ExecContext(t.Context(), pragma); err != nil {
			t.Error(err)
		}
	}
	set("PRAGMA query_only = 1")
	return func() { set("PRAGMA query_only = 0") }
}

// TestPaths opens directories whose names mean something in a URL, and one that is relative.
func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"relative", "a b/c?d=e#f%20g&h", "ä+ö"} {
		b, err := Open(dir)
		if err != nil {
			t.Errorf("%q: %v", dir, err)
			continue
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, stateFile)); err != nil {
			t.Errorf("the file is not where it should be: %v", err)
		}
	}
}

// TestNewerFormat refuses what a later version wrote.
func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.conn.conn.ExecContext(t.Context(), "PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, backend.ErrInvalid) {
		t.Errorf("opened with %v", err)
	}
}

// BenchmarkOpen opens and closes what is there already.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for range b.N {
		x, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, backend.ErrUnavailable) {
		t.Errorf("a second owner got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskFull fills the state file up to a limit of SQLite's own and lets go of it again.
func TestDiskFull(t *testing.T) {
	b := openNew(t).(tested)
	defer b.Close()
	limit := func(pages int) {
		b.gate.mu.Lock()
		defer b.gate.mu.Unlock()
		var now int
		if err := b.gate.Store.(*store).row(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&now); err != nil {
			t.Fatal(err)
		}
	}
	put := func(id string) error {
		body := fmt.Sprintf("%q", strings.Repeat("x", 1<<20))
		_, err := b.Documents().Put(t.Context(), backend.Document{Kind: "kv", Tenant: "main", ID: id, Body: []byte(body)}, 0)
		return err
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	limit(1) // which stands for the present size
	if err := put("full"); !errors.Is(err, backend.ErrUnavailable) {
		t.Fatalf("on a full disk: %v", err)
	}
	if _, err := b.Documents().Get(t.Context(), "kv", "main", "", "full"); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("what failed is there: %v", err)
	}
	if _, err := b.Documents().Get(t.Context(), "kv", "main", "", "before"); err != nil {
		t.Error(err)
	}
	limit(1 << 30)
	if err := put("full"); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestCommonLabel looks for a label that is too common to sort all that have it.
func TestCommonLabel(t *testing.T) {
	b := openNew(t).(tested)
	defer b.Close()
	const n = rareLimit + 100
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	leases := acquireAll(t, b)
	done := make(chan error, n)
	for i := range n {
		e := &model.Execution{Tenant: "main", ID: model.NewID(), Namespace: fmt.Sprint("ns", i%2), FlowID: "flow",
			State: model.NewHistory(model.Created, start.Add(time.Duration(i)*time.Second)), Labels: []model.Label{{Key: "team", Value: "x"}}}
		of := model.ExecutionEntity(e.ID)
		b.Commit(leases[backend.ShardOf(of)], []*model.Transition{{Of: of, Version: 1, Execution: e}}, func(err error) { done <- err })
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	label := backend.Filter{Field: backend.FieldLabels, Op: backend.OpEquals, Value: []model.Label{{Key: "team", Value: "x"}}}
	namespace := backend.Filter{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: "ns1"}
	for want, filters := range map[int][]backend.Filter{n: {label}, n / 2: {label, namespace}} {
		page, err := b.Executions().Search(t.Context(), backend.Query{Tenant: "main", Size: 3, Filters: filters})
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != want || len(page.Results) != 3 || !page.Results[0].State.Start().Equal(start.Add((n-1)*time.Second)) {
			t.Errorf("total %d, want %d; first %v", page.Total, want, page.Results[0].State.Start())
		}
	}
}

func acquireAll(t *testing.T, b backend.Backend) map[int]backend.Lease {
	t.Helper()
	changes, err := b.Acquire(t.Context(), "test", backend.ExecutionShards)
	if err != nil {
		t.Fatal(err)
	}
	leases := map[int]backend.Lease{}
	for len(leases) < backend.ExecutionShards.Count() {
		c := <-changes
		leases[c.Lease.Shard] = c.Lease
	}
	return leases
}
