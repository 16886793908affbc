package memory

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/backendtest"
	"github.com/windhover-io/windhover/internal/backend/inproc"
)

func TestMain(m *testing.M) {
	os.Exit(backendtest.NoLeaks(m.Run(), "windhover/internal/backend"))
}

func harness() backendtest.Harness {
	return backendtest.Harness{New: newBreakable, Break: breakIt}
}

func TestBackend(t *testing.T) { backendtest.Run(t, harness()) }

func BenchmarkBackend(b *testing.B) { backendtest.Benchmark(b, harness()) }

// breakable is a backend whose commits can be made to fail, which nothing else does here.
type breakable struct {
	*Backend
	broken *atomic.Bool
}

func newBreakable(testing.TB) backend.Backend {
	broken := &atomic.Bool{}
	return breakable{build(func(s inproc.Store) inproc.Store { return store{s, broken} }), broken}
}

func breakIt(_ testing.TB, b backend.Backend) (repair func()) {
	broken := b.(breakable).broken
	broken.Store(true)
	return func() { broken.Store(false) }
}

type store struct {
	inproc.Store
	broken *atomic.Bool
}

func (s store) Write(ops []*inproc.Op) error {
	if s.broken.Load() {
		return errors.New("broken by the test")
	}
	return s.Store.Write(ops)
}
