package triggers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/e2e/installation"
	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/worker"
)

// install starts an installation without a worker.
func install(t *testing.T) *app.App {
	t.Helper()
	return installation.Start(t, installation.Config(), nil, (*app.App).Executor, (*app.App).Scheduler)
}

// mortal is what a worker sees of the backend until it dies: from then on nothing of it arrives, and it hears nothing.
type mortal struct {
	backend.Backend
	asked, dies int64 // it dies when the execution of that number is durable, before it hears so; 0: never
	dead        atomic.Bool
	died        chan struct{}
}

func (m *mortal) Ask(ctx context.Context, ev model.Event) (model.Answer, error) {
	if !m.dead.Load() {
		answer, err := m.Backend.Ask(ctx, ev)
		if n := atomic.AddInt64(&m.asked, 1); m.dies == 0 || n < m.dies {
			return answer, err
		}
		if m.dead.CompareAndSwap(false, true) {
			close(m.died)
		}
	}
	<-ctx.Done()
	return model.Answer{}, ctx.Err()
}

func (m *mortal) Append(events []model.Event, done func(error)) {
	if !m.dead.Load() {
		m.Backend.Append(events, done)
	}
}

func (m *mortal) Claim(ctx context.Context, member, group string, n int) ([]*model.Job, error) {
	if m.dead.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.Backend.Claim(ctx, member, group, n)
}

// employ starts a worker that dies at the execution of that number, or never, and lives no longer than the test.
func employ(t *testing.T, a *app.App, dies int64) *mortal {
	t.Helper()
	m := &mortal{Backend: a.Backend, dies: dies, died: make(chan struct{})}
	id := model.NewID()
	if err := a.Backend.Join(t.Context(), backend.Member{ID: id, Kind: "WORKER", State: backend.MemberRunning, Started: time.Now(), Timeout: time.Second}); err != nil {
		t.Fatal(err)
	}
	l := *a.Launcher
	l.Backend = m
	w := worker.New(worker.Config{
		Backend: m, Flows: a.Flows, Registry: a.Registry, Functions: a.World, Launcher: &l, Storage: a.Storage, Templates: a.Templates, Location: time.UTC,
		Masks: a.Masks, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Member: id, Threads: 16, TmpDir: t.TempDir(), Grace: time.Second,
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	go func() { // it beats as long as it lives
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = a.Backend.Beat(ctx, id, backend.MemberRunning)
			case <-m.died:
				stop() // a dead process holds no connection
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return m
}

func save(t *testing.T, a *app.App, source string) {
	t.Helper()
	if f, problems, err := a.SaveFlow(t.Context(), "main", []byte(source)); f == nil || err != nil {
		t.Fatal(problems, err)
	}
}

// started are the outputs of the flow's executions that have ended, sorted.
func started(t *testing.T, a *app.App) []string {
	t.Helper()
	page, err := a.Backend.Executions().Search(t.Context(), backend.Query{Tenant: "main", Page: 1, Size: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range page.Results {
		if e.State.Current() == model.Success {
			out = append(out, string(e.Outputs))
		} else if e.State.Current().Terminated() {
			t.Fatalf("an execution is %s", e.State.Current())
		}
	}
	slices.Sort(out)
	return out
}

// indent makes the properties of a trigger a list's element.
func indent(props string) string {
	return "  - id: watch\n    " + strings.ReplaceAll(strings.TrimSpace(props), "\n", "\n    ") + "\n"
}

func flowOf(output, trigger string) string {
	return "id: f\nnamespace: company.team\ntasks:\n  - {id: t, type: io.kestra.plugin.core.debug.Return, format: x}\noutputs:\n  - {id: v, type: STRING, value: \"" +
		output + "\"}\ntriggers:\n" + indent(trigger)
}

// TestWorkerDeath: a worker dies just after an execution was stored, before it has acknowledged the message. Another one takes
// over. Each message starts the flow once.
func TestWorkerDeath(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) (trigger, value string, send func(n int)){
		"kafka": func(t *testing.T) (string, string, func(int)) {
			topic, put := producer(t)
			return kafkaProps(t, "RealtimeTrigger", topic) + "  session.timeout.ms: '6000'\n", "{{ trigger.value.n }}", func(n int) { put(record(n)) }
		},
		"redis": func(t *testing.T) (string, string, func(int)) {
			c, address := redisClient(t)
			key := unique("orders-")
			return "type: io.kestra.plugin.redis.list.RealtimeTrigger\nurl: " + address + "\nkey: " + key, "{{ trigger.value }}", func(n int) {
				if err := c.RPush(t.Context(), key, n).Err(); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			const messages = 20
			trigger, value, send := make(t)
			var want []string
			for n := range messages {
				send(n)
				want = append(want, fmt.Sprintf(`{"v":"%d"}`, n))
			}
			slices.Sort(want)
			a := install(t)
			first := employ(t, a, 7)
			save(t, a, flowOf(value, trigger))
			<-first.died
			employ(t, a, 0)
			var got []string
			until(t, "every message has started the flow", func() bool {
				got = started(t, a)
				return len(got) >= messages
			})
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestPolled: a flow whose trigger polls gets what is there, once, from a worker that is not the first.
func TestPolled(t *testing.T) {
	d, table := databases(t, "postgres"), unique("orders_")
	d.exec(t, "CREATE TABLE "+table+" (id INT PRIMARY KEY, status VARCHAR(10))")
	t.Cleanup(func() { d.exec(t, "DROP TABLE "+table) })
	d.exec(t, "INSERT INTO "+table+" VALUES (1, 'NEW'), (2, 'NEW')")
	a := install(t)
	employ(t, a, 0)
	save(t, a, flowOf("{{ trigger.rows[0].id }} of {{ trigger.size }}", "type: io.kestra.plugin.jdbc.postgresql.Trigger\ninterval: PT0.1S\n"+d.head+
		"sql: SELECT id FROM "+table+" WHERE status = 'NEW' ORDER BY id\nafterSQL: UPDATE "+table+" SET status = 'SEEN' WHERE status = 'NEW'"))
	until(t, "the first rows have started the flow", func() bool { return len(started(t, a)) == 1 })
	d.exec(t, "INSERT INTO "+table+" VALUES (3, 'NEW')")
	until(t, "the next has", func() bool { return len(started(t, a)) == 2 })
	if diff := cmp.Diff([]string{`{"v":"1 of 2"}`, `{"v":"3 of 1"}`}, started(t, a)); diff != "" {
		t.Error(diff)
	}
	if n := d.number(t, "SELECT count(*) FROM "+table+" WHERE status = 'NEW'"); n != 0 {
		t.Errorf("%d rows are not marked", n)
	}
}
