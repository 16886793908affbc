package sqlite

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/backendtest"
	"github.com/windhover-io/windhover/internal/backend/inproc"
)

func TestMain(m *testing.M) {
	os.Exit(backendtest.NoLeaks(m.Run(), "windhover/internal/backend", "database/sql"))
}

var harness = backendtest.Harness{New: openNew, Reopen: reopen, Break: forbid}

func TestBackend(t *testing.T) { backendtest.Run(t, harness) }

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
