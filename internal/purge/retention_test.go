package purge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
)

// installation is a backend with executions, and the storage of their files. Dates are days before now.
type installation struct {
	*testing.T
	*taskstest.Owner
	store storage.Storage
	now   time.Time
}

func newInstallation(t *testing.T) *installation {
	return &installation{t, taskstest.NewOwner(t), memory.New(), time.Now().UTC().Truncate(time.Second)}
}

func days(n float64) time.Duration { return time.Duration(n * float64(24*time.Hour)) }

// execution stores an execution that began so many days ago, with a log line, a metric and a file.
func (i *installation) execution(id, namespace string, state model.State, age float64) {
	i.Helper()
	start := i.now.Add(-days(age))
	e := i.Put(id, namespace, "flow", state, start)
	line := model.LogEntry{Tenant: "main", Namespace: namespace, FlowID: "flow", ExecutionID: id, TaskRunID: id, Timestamp: start, Level: model.LevelInfo, Message: "x"}
	metric := model.Metric{Tenant: "main", Namespace: namespace, FlowID: "flow", ExecutionID: id, TaskRunID: id, Type: "counter", Name: "n", Timestamp: start}
	if err := errors.Join(i.Logs().Append(i.Context(), []model.LogEntry{line}), i.Metrics().Append(i.Context(), []model.Metric{metric})); err != nil {
		i.Fatal(err)
	}
	if err := i.store.Put(i.Context(), i.file(e.ID, namespace), strings.NewReader("x"), nil); err != nil {
		i.Fatal(err)
	}
}

func (i *installation) file(id, namespace string) storage.URI {
	i.Helper()
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: "main", Namespace: namespace, ID: "flow"}, ID: id}.InputDir("in")
	if err != nil {
		i.Fatal(err)
	}
	at, err := dir.Join("a.txt")
	if err != nil {
		i.Fatal(err)
	}
	return at
}

// sweep sweeps at the installation's time.
func (i *installation) sweep(p purge.Policy) purge.Deleted {
	i.Helper()
	if p.Batch == 0 {
		p.Batch = 2
	}
	r := &purge.Retention{
		Purger: purge.Purger{Backend: i, Storage: i.store}, Policy: p, Tenant: "main", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	done, err := r.Sweep(i.Context(), i.now)
	if err != nil {
		i.Fatal(err)
	}
	return done
}

// left lists the executions that are left.
func (i *installation) left() []string {
	i.Helper()
	p, err := i.Executions().Search(i.Context(), backend.Query{Tenant: "main", Page: 1, Size: 100})
	if err != nil {
		i.Fatal(err)
	}
	ids := []string{}
	for _, e := range p.Results {
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestWhatIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		policy purge.Policy
		want   []string
	}{
		"everything": {purge.Policy{}, []string{"failed30", "other30", "ran30", "team10", "team30", "team5"}},
		"by age":     {purge.Policy{Executions: days(20)}, []string{"ran30", "team10", "team5"}},
		"a namespace for longer": {
			purge.Policy{Executions: days(7), Rules: []purge.Rule{{Namespace: "company", Keep: days(40)}}},
			[]string{"failed30", "ran30", "team10", "team30", "team5"},
		},
		"failures for ever": {
			purge.Policy{Executions: days(7), Rules: []purge.Rule{{States: []model.State{model.Failed}}}}, []string{"failed30", "ran30", "team5"},
		},
		"only one namespace": {
			purge.Policy{Rules: []purge.Rule{{Namespace: "other", Keep: days(1)}}}, []string{"failed30", "ran30", "team10", "team30", "team5"},
		},
		"the first rule decides": {
			purge.Policy{Rules: []purge.Rule{{Namespace: "company.team", Keep: days(20)}, {Keep: days(1)}}}, []string{"ran30", "team10", "team5"},
		},
		"a flow of another namespace": {
			purge.Policy{Rules: []purge.Rule{{Namespace: "company", FlowID: "flow", Keep: days(1)}}},
			[]string{"failed30", "other30", "ran30", "team10", "team30", "team5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstallation(t)
			i.execution("team5", "company.team", model.Success, 5)
			i.execution("team10", "company.team", model.Success, 10)
			i.execution("team30", "company.team", model.Success, 30)
			i.execution("failed30", "company.team", model.Failed, 30)
			i.execution("other30", "other", model.Success, 30)
			i.execution("ran30", "company.team", model.Running, 30)
			c.policy.Every = time.Hour
			done := i.sweep(c.policy)
			left := i.left()
			if diff := cmp.Diff(c.want, left); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			gone := 6 - len(c.want)
			if want := (purge.Deleted{Executions: gone, Logs: gone, Metrics: gone, Files: gone}); done != want {
				t.Errorf("deleted %+v, want %+v", done, want)
			}
		})
	}
}

func TestPartsAreKeptForLess(t *testing.T) {
	i := newInstallation(t)
	i.execution("old", "company.team", model.Success, 10)
	i.execution("runs", "company.team", model.Running, 10)
	i.execution("new", "company.team", model.Success, 1)
	p := purge.Policy{Logs: days(5), Metrics: days(20), Files: days(5), Every: time.Hour}
	if got, want := i.sweep(p), (purge.Deleted{Logs: 2, Files: 1}); got != want {
		t.Errorf("deleted %+v, want %+v", got, want)
	}
	if got := i.left(); len(got) != 3 {
		t.Errorf("executions are gone: %v", got)
	}
	if there, err := storage.Exists(t.Context(), i.store, i.file("runs", "company.team")); err != nil || !there {
		t.Errorf("the file of an execution that runs is gone: %v", err)
	}
	// The next sweep looks again at what ran, and at what has become old.
	i.now = i.now.Add(days(10))
	if got, want := i.sweep(p), (purge.Deleted{Logs: 1, Metrics: 2, Files: 1}); got != want {
		t.Errorf("deleted %+v, want %+v", got, want)
	}
}

func TestSweepsAreDueOnce(t *testing.T) {
	i := newInstallation(t)
	p := purge.Policy{Executions: days(1), Every: time.Hour}
	i.execution("a", "company.team", model.Success, 2)
	if got := i.sweep(p); got.Executions != 1 {
		t.Errorf("deleted %+v", got)
	}
	i.execution("b", "company.team", model.Success, 2)
	if got := i.sweep(p); got.Executions != 0 {
		t.Errorf("a sweep that is not due deleted %+v", got)
	}
	i.now = i.now.Add(time.Hour)
	if got := i.sweep(p); got.Executions != 1 {
		t.Errorf("a sweep that is due deleted %+v", got)
	}
}

// A process that dies in a sweep leaves the rest to another one, after a while.
func TestASweepThatWasCutShort(t *testing.T) {
	i := newInstallation(t)
	for _, id := range []string{"a", "b", "c"} {
		i.execution(id, "company.team", model.Success, 2)
	}
	died := errors.New("died")
	first := &purge.Retention{
		Purger: purge.Purger{Backend: i, Storage: i.store}, Policy: purge.Policy{Executions: days(1), Every: time.Hour, Batch: 1}, Tenant: "main",
		Pause: func(context.Context, time.Duration) error { return died },
	}
	if _, err := first.Sweep(t.Context(), i.now); !errors.Is(err, died) {
		t.Fatalf("the sweep went on: %v", err)
	}
	p := purge.Policy{Executions: days(1), Every: time.Hour}
	if got := i.sweep(p); got.Executions != 0 {
		t.Errorf("another process swept meanwhile: %+v", got)
	}
	i.now = i.now.Add(10 * time.Minute)
	if got := i.sweep(p); got.Executions != 2 {
		t.Errorf("the rest was not deleted: %+v", got)
	}
}
