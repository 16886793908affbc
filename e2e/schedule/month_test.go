// Package schedule proves that schedules fire as their cron expressions say, whatever happens to schedulers: what was
// executed is compared with what another way of computing the dates gives.
package schedule

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/scheduler"
	"github.com/windhover-io/windhover/internal/value"
)

// plan is how much of it is tested: two days of 100 schedules, or a month of 2,000 where WINDHOVER_LONG is set.
type plan struct {
	schedules  int
	span       time.Duration
	schedulers map[string][]int // how many of them, by backend
}

func size() plan {
	if os.Getenv("WINDHOVER_LONG") != "" {
		return plan{2000, 30 * 24 * time.Hour, map[string][]int{"memory": {1, 2, 5}, "sqlite": {1, 2, 5}}}
	}
	return plan{100, 2 * 24 * time.Hour, map[string][]int{"memory": {2}, "sqlite": {1, 5}}}
}

// schedule is a cron expression and, written down once more, the minutes on which it fires.
type schedule struct {
	cron  string
	fires func(t time.Time) bool
}

// draw makes the i-th schedule.
func draw(i int) schedule {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	m, h, d := r.IntN(60), r.IntN(24), r.IntN(7)
	at := func(t time.Time) bool { return t.Minute() == m && t.Hour() == h }
	switch i % 6 {
	case 0:
		return schedule{fmt.Sprintf("%d %d * * *", m, h), at}
	case 1:
		return schedule{fmt.Sprintf("%d */6 * * *", m), func(t time.Time) bool { return t.Minute() == m && t.Hour()%6 == 0 }}
	case 2:
		return schedule{fmt.Sprintf("%d %d * * %d", m, h, d), func(t time.Time) bool { return at(t) && int(t.Weekday()) == d }}
	case 3:
		return schedule{fmt.Sprintf("%d %d 1-5,20 * *", m, h), func(t time.Time) bool { return at(t) && (t.Day() <= 5 || t.Day() == 20) }}
	case 4:
		return schedule{fmt.Sprintf("%d %d * * mon-fri", m, h),
			func(t time.Time) bool { return at(t) && t.Weekday() != time.Saturday && t.Weekday() != time.Sunday }}
	default:
		return schedule{"0 0,12 * * *", func(t time.Time) bool { return t.Minute() == 0 && t.Hour()%12 == 0 }} // many at once
	}
}

// source is a flow with the schedules from i on, four at most.
func source(i, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: flow%d\nnamespace: month\ntasks:\n  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}\ntriggers:\n", i)
	for k := i; k < min(i+4, n); k++ {
		fmt.Fprintf(&b, "  - {id: t%d, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: %q}\n", k, draw(k).cron)
	}
	return b.String()
}

// expected are the dates of all schedules after from, up to and with end.
func expected(p plan, from, end time.Time) map[string]int {
	want := map[string]int{}
	for i := range p.schedules {
		fires := draw(i).fires
		for t := from.Truncate(time.Minute).Add(time.Minute); !t.After(end); t = t.Add(time.Minute) {
			if fires(t) {
				want[fmt.Sprintf("t%d %s", i, t.Format(time.RFC3339))]++
			}
		}
	}
	return want
}

// executed are the dates of all executions.
func executed(t *testing.T, b backend.Backend) map[string]int {
	got := map[string]int{}
	q := backend.Query{Tenant: "main", Page: 1, Size: 1000, NoTotal: true}
	for {
		page, err := b.Executions().Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Results {
			v, err := value.ParseJSON(e.Trigger.Variables)
			m, ok := v.(*value.Map)
			if err != nil || !ok || e.State.Current() != model.Success {
				t.Fatalf("execution %s is %s, its variables %s", e.ID, e.State.Current(), e.Trigger.Variables)
			}
			date, _ := m.Get("date")
			got[e.Trigger.ID+" "+value.Print(date)]++
		}
		if page.Cursor == "" {
			return got
		}
		q.After = page.Cursor
	}
}

func compare(t *testing.T, got, want map[string]int) {
	t.Helper()
	var wrong []string
	for date, n := range want {
		if got[date] != n {
			wrong = append(wrong, fmt.Sprintf("%s: %d executions, want %d", date, got[date], n))
		}
	}
	for date, n := range got {
		if want[date] == 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d executions, want none", date, n))
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("%d of %d dates are wrong:\n%s", len(wrong), len(want), strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
	if len(want) == 0 {
		t.Error("no date at all: nothing was tested")
	}
}

// open starts an installation without a scheduler: memory where dir is "", else SQLite.
func open(t *testing.T, dir string) *app.App {
	t.Helper()
	cfg, _, err := config.Load("")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tutorial = false
	cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
	if dir != "" {
		cfg.Backend.Type, cfg.Backend.Path = "sqlite", filepath.Join(dir, "data")
	}
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []func(context.Context) error{a.Executor, a.Worker} {
		if err := start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func save(t *testing.T, a *app.App, p plan) {
	t.Helper()
	for i := 0; i < p.schedules; i += 4 {
		if f, problems, err := a.SaveFlow(t.Context(), "main", []byte(source(i, p.schedules))); f == nil || err != nil {
			t.Fatal(problems, err)
		}
	}
}

// mortal is what a scheduler sees of the backend until it is killed: from then on nothing of it arrives.
type mortal struct {
	backend.Backend
	dead atomic.Bool
	stop context.CancelFunc
	done chan struct{}
}

func (m *mortal) Commit(lease backend.Lease, ts []*model.Transition, done func(error)) {
	if !m.dead.Load() {
		m.Backend.Commit(lease, ts, func(err error) {
			if !m.dead.Load() {
				done(err)
			}
		})
	}
}

func (m *mortal) Receive(ctx context.Context, lease backend.Lease, n int) ([]model.Event, error) {
	if m.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.Backend.Receive(ctx, lease, n)
}

// begin starts a scheduler.
func begin(t *testing.T, a *app.App, member string) *mortal { return beginAt(t, a, member, nil) }

// beginAt starts a scheduler with a clock of its own.
func beginAt(t *testing.T, a *app.App, member string, now func() time.Time) *mortal {
	ctx, stop := context.WithCancel(t.Context())
	m := &mortal{Backend: a.Backend, stop: stop, done: make(chan struct{})}
	s := scheduler.New(scheduler.Config{
		Backend: m, Flows: a.Flows, Launcher: a.Launcher, Member: member, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: now,
	})
	go func() {
		defer close(m.done)
		_ = s.Run(ctx)
	}()
	return m
}

// kill ends a scheduler without any farewell.
func (m *mortal) kill() {
	m.dead.Store(true)
	m.stop()
}

// TestMonth: schedulers come and are killed at random, so many at a time; each date is executed once.
func TestMonth(t *testing.T) {
	for where, counts := range size().schedulers {
		for _, schedulers := range counts {
			t.Run(fmt.Sprintf("%s, %d schedulers", where, schedulers), func(t *testing.T) {
				dir := ""
				if where == "sqlite" {
					dir = t.TempDir()
				}
				synctest.Test(t, func(t *testing.T) { month(t, dir, schedulers) })
			})
		}
	}
}

func month(t *testing.T, dir string, schedulers int) {
	p := size()
	a := open(t, dir)
	save(t, a, p)
	from := time.Now()
	end := from.Add(p.span)
	r := rand.New(rand.NewPCG(1, uint64(schedulers)))
	all := make([]*mortal, schedulers)
	kills := 0
	for i := range all {
		all[i] = begin(t, a, fmt.Sprint("scheduler-", i))
	}
	// The triggers count from the moment when they are first looked at: now, since time stands still until all is quiet.
	synctest.Wait()
	for time.Now().Before(end) {
		time.Sleep(min(time.Duration(r.Int64N(int64(p.span/20))), time.Until(end)))
		i := r.IntN(schedulers)
		all[i].kill()
		if r.IntN(3) == 0 { // for a while one fewer, or none at all
			time.Sleep(min(time.Duration(r.Int64N(int64(12*time.Hour))), time.Until(end)))
		}
		kills++
		all[i] = begin(t, a, fmt.Sprint("scheduler-", i, "-", kills))
	}
	time.Sleep(50 * time.Second) // what was missed at the end is made up for, before the next date comes
	for _, m := range all {
		m.kill()
		<-m.done
	}
	t.Logf("%d kills", kills)
	compare(t, executed(t, a.Backend), expected(p, from, end))
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
