package backendtest

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

var rows = flag.Int("backendtest.rows", 100_000, "executions that are stored before list pages are measured")

// Benchmark measures what the design holds every adapter to.
func Benchmark(b *testing.B, h Harness) {
	b.Run("lifecycle", func(b *testing.B) { benchLifecycle(b, h) })
	b.Run("commit-100", func(b *testing.B) { benchCommit(b, h, 100) })
	b.Run("append-to-receive", func(b *testing.B) { benchReceive(b, h) })
	b.Run("commit-to-claim", func(b *testing.B) { benchClaim(b, h) })
	for _, n := range []int{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("event-at-%d-runs", n), func(b *testing.B) { benchEvent(b, h, n) })
	}
	b.Run("lists", func(b *testing.B) { benchLists(b, h) })
	b.Run("logs", func(b *testing.B) { benchLogs(b, h) })
}

func benchFixture(b *testing.B, h Harness) *fixture {
	f := &fixture{t: b, h: h, b: h.New(b)}
	f.closeAtEnd(f.b)
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(cancel)
	f.ctx = ctx
	f.own()
	return f
}

// cost reports processor time and bytes written for each unit of work.
func cost(b *testing.B, unit string, units int) (report func()) {
	cpu, bytes := cpuTime(), bytesWritten()
	b.ResetTimer()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(units), "cpu-µs/"+unit)
		if bytes > 0 {
			b.ReportMetric(float64(bytesWritten()-bytes)/float64(units), "B-written/"+unit)
		}
	}
}

// benchLifecycle runs one-task executions from their first event to their end, with a pure task, 256 at a time.
func benchLifecycle(b *testing.B, h Harness) {
	f := benchFixture(b, h)
	l := newLoop(f)
	var clients sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	report := cost(b, "execution", b.N)
	for range 256 {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				l.run(f)
			}
		})
	}
	clients.Wait()
	report()
	if failed := l.failed.Load(); failed != nil {
		b.Fatal(*failed)
	}
}

// loop is the least that an executor and a worker do.
type loop struct {
	ended  sync.Map // by execution id: chan struct{}
	failed atomic.Pointer[error]
}

func newLoop(f *fixture) *loop {
	l := &loop{}
	f.join("bench")
	for _, lease := range f.leases {
		go l.step(f, lease)
	}
	go l.work(f)
	return l
}

func (l *loop) run(f *fixture) {
	e := execution(model.NewID())
	ended := make(chan struct{})
	l.ended.Store(e.ID, ended)
	created := make(chan error, 1)
	f.b.Append([]model.Event{{ID: "create", To: model.ExecutionEntity(e.ID), Kind: model.EventCreate, At: t0, Create: &model.NewExecution{Execution: e}}},
		func(err error) { created <- err })
	if err := <-created; err != nil {
		l.failed.Store(&err)
		return
	}
	<-ended
}

func (l *loop) step(f *fixture, lease backend.Lease) {
	running := map[string]*model.Execution{}
	for {
		events, err := f.b.Receive(f.ctx, lease, 64)
		if err != nil {
			return
		}
		transitions := make([]*model.Transition, 0, len(events))
		var over []string
		for _, ev := range events {
			switch ev.Kind {
			case model.EventCreate:
				e := ev.Create.Execution
				running[e.ID] = e
				run := taskRun(e, "task", 0)
				tr := create(e, run)
				j := job(e, run)
				j.Pure = true
				tr.Acks, tr.Jobs = []string{ev.ID}, []*model.Job{j}
				transitions = append(transitions, tr)
			case model.EventJobEnded:
				e := running[ev.To.ID]
				run := *ev.Job.Children[0]
				run.State = append(model.History(nil), run.State...).With(model.Success, t0.Add(time.Second))
				run.Outputs = ev.Job.Outputs
				delete(running, e.ID)
				over = append(over, e.ID)
				transitions = append(transitions, &model.Transition{Of: ev.To, Version: 2, Acks: []string{ev.ID}, JobsDone: []string{ev.Job.ID},
					Execution: ended(e, model.Success, time.Second), TaskRuns: []*model.TaskRun{&run}})
			}
		}
		f.b.Commit(lease, transitions, func(err error) {
			if err != nil {
				l.failed.Store(&err)
			}
			for _, id := range over {
				ended, _ := l.ended.LoadAndDelete(id)
				close(ended.(chan struct{}))
			}
		})
	}
}

func (l *loop) work(f *fixture) {
	for {
		jobs, err := f.b.Claim(f.ctx, "bench", "", 64)
		if err != nil {
			return
		}
		events := make([]model.Event, 0, len(jobs))
		for _, j := range jobs {
			events = append(events, model.Event{ID: j.ID, To: model.ExecutionEntity(j.Execution.ID), Kind: model.EventJobEnded, At: t0, Job: &model.JobReport{
				ID: j.ID, TaskRunID: j.TaskRun.ID, Attempt: 1, State: model.Success, Outputs: []byte(`{"value":"hello"}`), Children: []*model.TaskRun{j.TaskRun}}})
		}
		f.b.Append(events, func(error) {})
	}
}

// benchCommit commits n finished executions of one task at once, in as many commits.
func benchCommit(b *testing.B, h Harness, n int) {
	f := benchFixture(b, h)
	report := cost(b, "execution", b.N*n)
	for range b.N {
		done := make(chan error, n)
		for range n {
			e := ended(execution(model.NewID()), model.Success, time.Second)
			tr := create(e, taskRun(e, "task", 0))
			f.b.Commit(f.lease(tr.Of), []*model.Transition{tr}, func(err error) { done <- err })
		}
		for range n {
			f.must(<-done)
		}
	}
	report()
}

// benchReceive measures from Append to the receiver, who need not wait for the disk where events run ahead.
func benchReceive(b *testing.B, h Harness) {
	f := benchFixture(b, h)
	to := entitiesIn(0, 1)[0]
	received := make(chan struct{})
	go func() {
		defer close(received)
		for {
			events, err := f.b.Receive(f.ctx, f.leases[0], 1)
			if err != nil {
				return
			}
			received <- struct{}{}
			f.b.Commit(f.leases[0], []*model.Transition{{Of: to, Acks: eventIDs(events)}}, func(error) {})
		}
	}()
	b.ResetTimer()
	for i := range b.N {
		f.b.Append([]model.Event{event(numbered("e", i), to)}, func(error) {})
		<-received
	}
}

// benchClaim measures from the commit of a job that is not pure to its worker, so that a durable commit is in it.
func benchClaim(b *testing.B, h Harness) {
	f := benchFixture(b, h)
	f.join("w")
	b.ResetTimer()
	for range b.N {
		e := execution(model.NewID())
		run := taskRun(e, "a", 0)
		tr := create(e, run)
		tr.Jobs = []*model.Job{job(e, run)}
		f.b.Commit(f.lease(tr.Of), []*model.Transition{tr}, func(error) {})
		f.claim("w", 1)
	}
}

// benchEvent measures one changed task run in an execution that has n.
func benchEvent(b *testing.B, h Harness, n int) {
	f := benchFixture(b, h)
	e := execution(model.NewID())
	of := model.ExecutionEntity(e.ID)
	f.commit(create(e))
	runs := make([]*model.TaskRun, n)
	for i := range runs {
		runs[i] = taskRun(e, "task", i)
	}
	f.commit(&model.Transition{Of: of, Version: 2, TaskRuns: runs})
	version := int64(2)
	const batch = 100 // one disk synchronisation for so many, so that the rest can be seen
	report := cost(b, "event", b.N*batch)
	for range b.N {
		var last <-chan error
		for range batch {
			version++
			run := *runs[int(version)*7919%n]
			run.State = append(model.History(nil), run.State...).With(model.Running, t0.Add(time.Duration(version)*time.Millisecond))
			last = f.handIn(&model.Transition{Of: of, Version: version, Execution: e, TaskRuns: []*model.TaskRun{&run}})
		}
		f.must(<-last)
	}
	report()
}

// benchLists measures the pages that the UI asks for.
func benchLists(b *testing.B, h Harness) {
	f := benchFixture(b, h)
	fill(f, *rows)
	now := t0.Add(time.Duration(*rows) * time.Second)
	is := func(field backend.Field, op backend.Op, value any) backend.Filter {
		return backend.Filter{Field: field, Op: op, Value: value}
	}
	search := func(name string, q backend.Query) {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				q.Tenant, q.Size = tenant, 25
				page, err := f.b.Executions().Search(f.ctx, q)
				if err != nil || len(page.Results) == 0 {
					b.Fatal(len(page.Results), err)
				}
			}
		})
	}
	for _, c := range []struct {
		name    string
		filters []backend.Filter
	}{
		{"latest", nil},
		{"namespace", []backend.Filter{is(backend.FieldNamespace, backend.OpEquals, "company.team3")}},
		{"namespace-prefix", []backend.Filter{is(backend.FieldNamespace, backend.OpPrefix, "company")}},
		{"namespace-rare", []backend.Filter{is(backend.FieldNamespace, backend.OpPrefix, "rare")}},
		{"flow", []backend.Filter{is(backend.FieldNamespace, backend.OpEquals, "company.team3"), is(backend.FieldFlowID, backend.OpEquals, "flow13")}},
		{"state", []backend.Filter{is(backend.FieldState, backend.OpEquals, "SUCCESS")}},
		{"states-rare", []backend.Filter{is(backend.FieldState, backend.OpIn, []string{"RUNNING", "PAUSED"})}},
		{"last-day", []backend.Filter{is(backend.FieldStartDate, backend.OpGreaterEq, now.Add(-24*time.Hour))}},
		{"last-day-failed-in-namespace", []backend.Filter{is(backend.FieldStartDate, backend.OpGreaterEq, now.Add(-24*time.Hour)),
			is(backend.FieldState, backend.OpEquals, "FAILED"), is(backend.FieldNamespace, backend.OpPrefix, "company")}},
		{"label", []backend.Filter{is(backend.FieldLabels, backend.OpEquals, []model.Label{{Key: "team", Value: "a"}})}},
		{"label-rare", []backend.Filter{is(backend.FieldLabels, backend.OpEquals, []model.Label{{Key: "team", Value: "rare"}})}},
		{"query", []backend.Filter{is(backend.FieldQuery, backend.OpEquals, "flow13")}},
		{"query-rare", []backend.Filter{is(backend.FieldQuery, backend.OpEquals, "rare.one")}},
	} {
		search(c.name, backend.Query{Filters: c.filters})
	}
	search("page-1000", backend.Query{Page: 1000})
	search("by-duration", backend.Query{Sort: []backend.Sort{{By: "state.duration", Desc: true}}})
	b.Run("count-by-day", func(b *testing.B) {
		for range b.N {
			_, err := f.b.Executions().Count(f.ctx, backend.CountQuery{Query: backend.Query{Tenant: tenant}, Bucket: 24 * time.Hour})
			f.must(err)
		}
	})
	b.Run("taskruns", func(b *testing.B) {
		for range b.N {
			_, err := f.b.Executions().SearchTaskRuns(f.ctx, backend.Query{Tenant: tenant, Size: 25})
			f.must(err)
		}
	})
}

// fill stores n executions, one a second, of 50 flows in 10 namespaces; few have failed, or still run.
func fill(f *fixture, n int) {
	f.t.Helper()
	gate := make(chan struct{}, 2000)
	done := func(err error) {
		if err != nil {
			f.t.Error(err)
		}
		<-gate
	}
	for i := range n {
		e := execution(model.NewID())
		e.Namespace, e.FlowID = fmt.Sprint("company.team", i%10), fmt.Sprint("flow", i%50)
		e.State = model.NewHistory(model.Created, t0.Add(time.Duration(i)*time.Second))
		if i%10 == 0 {
			e.Labels = append(e.Labels, model.Label{Key: "team", Value: "a"})
		}
		if i%10_000 == 17 {
			e.Namespace = "rare.one"
			e.Labels = append(e.Labels, model.Label{Key: "team", Value: "rare"})
		}
		switch {
		case i%5_000 == 7:
			e.State = e.State.With(model.Running, e.State.Start())
		case i%100 == 3:
			e = ended(e, model.Failed, time.Second)
		default:
			e = ended(e, model.Success, time.Second)
		}
		tr := create(e, taskRun(e, "task", 0))
		gate <- struct{}{}
		f.b.Commit(f.lease(tr.Of), []*model.Transition{tr}, done)
	}
	for range cap(gate) {
		gate <- struct{}{}
	}
}

// benchLogs measures the storing of lines, a hundred at a time, and the pages that the UI asks for.
func benchLogs(b *testing.B, h Harness) {
	f := benchFixture(b, h)
	const each = 100
	var e *model.Execution
	number := 0
	lines := func() []model.LogEntry {
		e = execution(model.NewID())
		e.Namespace = fmt.Sprint("company.team", number%10)
		run := taskRun(e, "task", 0)
		list := make([]model.LogEntry, each)
		for i := range list {
			list[i] = logLine(e, run, i, "a line of a hundred characters, more or less, as programs write them when they have little to say")
			list[i].Timestamp = t0.Add(time.Duration(number) * time.Second)
		}
		if number%50 == 0 {
			list[0].Level = model.LevelError
		}
		number++
		return list
	}
	for range *rows / each {
		f.must(f.b.Logs().Append(f.ctx, lines()))
	}
	b.Run("append", func(b *testing.B) {
		report := cost(b, "line", b.N*each)
		for range b.N {
			f.must(f.b.Logs().Append(f.ctx, lines()))
		}
		report()
	})
	is := func(field backend.Field, op backend.Op, value any) []backend.Filter {
		return []backend.Filter{{Field: field, Op: op, Value: value}}
	}
	for _, c := range []struct {
		name    string
		filters []backend.Filter
	}{
		{"latest", nil},
		{"execution", is(backend.FieldExecutionID, backend.OpEquals, e.ID)},
		{"errors", is(backend.FieldLevel, backend.OpGreaterEq, "ERROR")},
		{"namespace", is(backend.FieldNamespace, backend.OpPrefix, "company.team3")},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				page, err := f.b.Logs().Search(f.ctx, backend.Query{Tenant: tenant, Size: 25, Filters: c.filters, Sort: []backend.Sort{{By: "timestamp", Desc: true}}})
				if err != nil || len(page.Results) == 0 {
					b.Fatal(len(page.Results), err)
				}
			}
		})
	}
}
