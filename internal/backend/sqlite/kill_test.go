package sqlite

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// childDir tells a process that this test has started where to write.
const childDir = "WINDHOVER_KILL_TEST_DIR"

// TestKill kills a process that writes, at random moments, and looks at what it left: whatever it reported is there, an
// execution is there with its task runs and the event it sent or not at all, and the counts are those of the executions.
func TestKill(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("SKIPPED: -short: it starts processes")
	}
	dir := t.TempDir()
	reported := map[string]bool{}
	for range 6 {
		for id := range runAndKill(t, dir) {
			reported[id] = true
		}
		checkLeft(t, dir, reported)
	}
	if len(reported) == 0 {
		t.Error("no process lived long enough to report anything")
	}
}

// runAndKill starts a writing process, kills it, and returns what it had reported.
func runAndKill(t *testing.T, dir string) map[string]bool {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.v")
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	reported := map[string]bool{}
	for last := 20 + rand.IntN(400); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "reported "); ok {
			reported[id] = true
		}
		if len(reported) == last {
			_ = child.Process.Kill()
		}
	}
	if err := child.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	return reported
}

// writeUntilKilled commits executions, 50 at a time, each with a task run and an event to one receiver, and prints the ids
// of those that were reported.
func writeUntilKilled(t *testing.T, dir string) {
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	leases := acquireAll(t, b)
	gate := make(chan struct{}, 50)
	for {
		gate <- struct{}{}
		id := model.NewID()
		of := model.ExecutionEntity(id)
		start := time.Now().UTC()
		e := &model.Execution{Tenant: "main", ID: id, Namespace: "ns", FlowID: "flow", State: model.NewHistory(model.Created, start)}
		run := &model.TaskRun{Tenant: "main", ID: "run" + id, ExecutionID: id, State: model.NewHistory(model.Created, start)}
		b.Commit(leases[backend.ShardOf(of)], []*model.Transition{{Of: of, Version: 1, Execution: e, TaskRuns: []*model.TaskRun{run},
			Events: []model.Event{{ID: id, To: model.ExecutionEntity("receiver")}}}}, func(err error) {
			if err == nil {
				fmt.Println("reported " + id)
			}
			<-gate
		})
	}
}

func checkLeft(t *testing.T, dir string, reported map[string]bool) {
	t.Helper()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var there, runs, events, counted int
	for text, into := range map[string]*int{
		"SELECT count(*) FROM executions": &there, "SELECT count(*) FROM task_runs": &runs, "SELECT count(*) FROM inbox": &events,
		"SELECT sum(n) FROM quarter_counts": &counted,
	} {
		if err := b.state.QueryRow(text).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	if runs != there || events != there || counted != there {
		t.Errorf("%d executions, %d task runs, %d events, counted %d", there, runs, events, counted)
	}
	for id := range reported {
		if _, err := b.Executions().Get(t.Context(), "main", id); err != nil {
			t.Errorf("%s was reported: %v", id, err)
		}
	}
	var state string
	if err := b.state.QueryRow("PRAGMA integrity_check").Scan(&state); err != nil || state != "ok" {
		t.Errorf("integrity: %s, %v", state, err)
	}
}
