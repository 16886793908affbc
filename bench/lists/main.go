// Command lists stores very many executions, as an installation has after months, and measures the pages that list them
// through the REST API of a server on them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/windhover-io/windhover/bench/serve"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlite"
	"github.com/windhover-io/windhover/internal/model"
)

func main() {
	binary := flag.String("server", "bin/windhover", "binary to start")
	url := flag.String("url", "http://127.0.0.1:18090", "address to start it on")
	count := flag.Int("n", 1_000_000, "executions to store, one every ten seconds up to now")
	times := flag.Int("times", 50, "requests of each page")
	flag.Parse()
	if err := run(*binary, *url, *count, *times); err != nil {
		fmt.Fprintln(os.Stderr, "lists:", err)
		os.Exit(1)
	}
}

func run(binary, url string, count, times int) error {
	dir, err := os.MkdirTemp("", "windhover-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	if err := fill(dir, count); err != nil {
		return err
	}
	fmt.Printf("%d executions stored in %v\n", count, time.Since(began).Round(time.Second))
	s, err := serve.Start(binary, url, dir)
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Printf("first answer on them %v after the start\n", s.Took.Round(time.Millisecond))
	for _, p := range pages() {
		if err := measure(p.name, url+"/api/v1/main"+p.path, times); err != nil {
			return err
		}
	}
	return nil
}

type page struct{ name, path string }

// pages are the lists of the web interface and those that clients ask for.
func pages() []page {
	day := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	return []page{
		{"executions, newest first", "/executions/search?size=25&sort=state.startDate:desc"},
		{"executions, page 1,000", "/executions/search?size=25&page=1000&sort=state.startDate:desc"},
		{"executions of a namespace", "/executions/search?size=25&filters[namespace][EQUALS]=company.team3&sort=state.startDate:desc"},
		{"executions of a flow", "/executions/search?size=25&filters[namespace][EQUALS]=company.team3&filters[flowId][EQUALS]=flow13"},
		{"executions that failed", "/executions/search?size=25&filters[state][EQUALS]=FAILED&sort=state.startDate:desc"},
		{"executions that run (there is none)", "/executions/search?size=25&filters[state][IN]=RUNNING,PAUSED"},
		{"executions of the last day that failed", "/executions/search?size=25&filters[state][EQUALS]=FAILED&filters[startDate][GREATER_THAN_OR_EQUAL_TO]=" + day},
		{"executions by label", "/executions/search?size=25&filters[labels][EQUALS][team]=a"},
		{"executions by text", "/executions/search?size=25&filters[q][EQUALS]=flow13"},
		{"task runs, newest first", "/taskruns/search?size=25"},
		{"logs, newest first", "/logs/search?size=25"},
		{"flows", "/flows/search?size=25"},
	}
}

// measure asks for a page so many times, one after the other.
func measure(name, url string, times int) error {
	took := make([]time.Duration, 0, times)
	for range times {
		began := time.Now()
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, body)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	fmt.Printf("%s\tp50 %v, p99 %v\n", name, took[times/2].Round(10*time.Microsecond), took[times*99/100].Round(10*time.Microsecond))
	return nil
}

// maxAhead is how many transitions are handed in and not yet durable.
const maxAhead = 4000

// fill stores executions that have ended, each with one task run, of 50 flows in 10 namespaces; one in a hundred failed.
func fill(dir string, count int) error {
	b, err := sqlite.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changes, err := b.Acquire(ctx, "fill", backend.ExecutionShards)
	if err != nil {
		return err
	}
	leases := make([]backend.Lease, backend.ExecutionShards.Count())
	for range leases {
		c := <-changes
		leases[c.Lease.Shard] = c.Lease
	}
	ahead := make(chan struct{}, maxAhead)
	failed := make(chan error, 1)
	first := time.Now().UTC().Add(-time.Duration(count) * 10 * time.Second).Truncate(time.Millisecond)
	for i := range count {
		t := finished(i, first.Add(time.Duration(i)*10*time.Second))
		ahead <- struct{}{}
		b.Commit(leases[backend.ShardOf(t.Of)], []*model.Transition{t}, func(err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
			<-ahead
		})
	}
	for range maxAhead {
		ahead <- struct{}{}
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// finished is the only transition of the i-th execution.
func finished(i int, at time.Time) *model.Transition {
	id := model.NewID()
	end := model.Success
	if i%100 == 0 {
		end = model.Failed
	}
	history := model.NewHistory(model.Created, at).With(model.Running, at.Add(time.Millisecond)).With(end, at.Add(time.Duration(3+i%500)*time.Millisecond))
	e := &model.Execution{
		Tenant: "main", ID: id, OriginalID: id, Namespace: fmt.Sprint("company.team", i%10), FlowID: fmt.Sprint("flow", i%50), FlowRevision: 1,
		Labels: []model.Label{{Key: model.LabelCorrelation, Value: id}, {Key: "team", Value: string(rune('a' + i%5))}},
		State:  history, Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: at},
		Engine: model.EngineState{Format: 1, Now: at, Admitted: true, Finished: true, Runs: 1},
	}
	run := &model.TaskRun{
		Tenant: e.Tenant, ID: model.DeriveID(id, "one"), ExecutionID: id, Namespace: e.Namespace, FlowID: e.FlowID, TaskID: "one",
		State: history, Attempts: []model.Attempt{{State: history}}, Outputs: []byte(`{"value":"hello"}`),
	}
	log := model.LogEntry{
		Tenant: e.Tenant, Namespace: e.Namespace, FlowID: e.FlowID, TaskID: "one", ExecutionID: id, TaskRunID: run.ID,
		Timestamp: at, Level: model.LevelInfo, Message: fmt.Sprintf("execution %d said hello", i),
	}
	return &model.Transition{Of: model.ExecutionEntity(id), Version: 1, Execution: e, TaskRuns: []*model.TaskRun{run}, Logs: []model.LogEntry{log}}
}
