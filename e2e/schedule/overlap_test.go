package schedule

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// alone is a flow of which one execution runs at a time, though each takes longer than the time between two dates and two
// triggers start them.
const alone = `
id: alone
namespace: month
concurrency: {limit: 1, behavior: QUEUE}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT90S}
triggers:
  - {id: one, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * *", allowConcurrent: true}
  - {id: two, type: io.kestra.plugin.core.trigger.Schedule, cron: "*/5 * * * *", allowConcurrent: true}
`

// span is when an execution ran.
type span struct{ from, to time.Time }

// wantAlone proves that executions never ran at one time, and that there were so many.
func wantAlone(t *testing.T, a *app.App, least int) {
	t.Helper()
	page, err := a.Backend.Executions().Search(t.Context(), backend.Query{Tenant: "main", Page: 1, Size: 1000, NoTotal: true})
	if err != nil {
		t.Fatal(err)
	}
	var spans []span
	for _, e := range page.Results {
		if e.State.Current() != model.Success {
			t.Fatalf("an execution is %s", e.State.Current())
		}
		for i, s := range e.State {
			if s.State == model.Running {
				spans = append(spans, span{s.Date, e.State[i+1].Date})
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from.Before(spans[i-1].to) {
			t.Errorf("one ran until %v, another began at %v", spans[i-1].to, spans[i].from)
		}
	}
	if len(page.Results) < least {
		t.Errorf("only %d executions", len(page.Results))
	}
}

// TestNeverOverlaps: with schedulers that are killed.
func TestNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, "")
		saveSource(t, a, alone)
		for i := range 6 {
			m := begin(t, a, fmt.Sprint("scheduler-", i))
			time.Sleep(11 * time.Minute)
			m.kill()
			<-m.done
		}
		time.Sleep(4 * time.Hour) // until all have had their turn
		wantAlone(t, a, 70)
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestNeverOverlapsKilled: with SQLite, in a process with scheduler, executor and worker that is killed with -9 at random
// moments and started again. Its clock never goes back, so that times can be compared.
func TestNeverOverlapsKilled(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(3, 3))
	kills := 0
	// Each life is a little longer than the one before, so that it comes to something on a machine that is busy, too.
	for ; !lived(t, dir, "TestAloneProcess", 1, time.Duration(100+r.IntN(200)+20*kills)*time.Millisecond); kills++ {
		if exists(filepath.Join(dir, "done")) {
			break
		}
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("it was never killed")
	}
	a := open(t, dir)
	wantAlone(t, a, 30)
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAloneProcess is the process that is killed; by itself it does nothing.
func TestAloneProcess(t *testing.T) {
	dir := os.Getenv(envDir)
	if dir == "" {
		t.Skip("it is for TestNeverOverlapsKilled to start")
	}
	synctest.Test(t, func(t *testing.T) {
		clock := filepath.Join(dir, "clock")
		goOn(t, clock)
		a := open(t, dir)
		saveSource(t, a, alone)
		step := func(n time.Duration) { // the clock is noted before it is so late
			note(t, clock, time.Now().Add(n))
			time.Sleep(n)
		}
		if end := begins.Add(30 * time.Minute); time.Now().Before(end) {
			m := begin(t, a, "scheduler")
			for time.Now().Before(end) {
				step(20 * time.Second)
			}
			m.kill() // no date comes any more; those that wait have their turn
			<-m.done
		}
		for waits(t, a) {
			step(time.Minute)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		note(t, filepath.Join(dir, "done"), time.Now())
	})
}

// waits tells whether an execution has not ended.
func waits(t *testing.T, a *app.App) bool {
	t.Helper()
	page, err := a.Backend.Executions().Search(t.Context(), backend.Query{Tenant: "main", Page: 1, Size: 1, Filters: []backend.Filter{
		{Field: backend.FieldState, Op: backend.OpIn, Value: []string{"CREATED", "QUEUED", "RUNNING"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Results) > 0
}
