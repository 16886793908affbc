package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
)

// limit is more steps than any of the flows needs, whatever goes wrong.
const limit = 20_000

func flows(t testing.TB) map[string]*model.Flow {
	t.Helper()
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{})
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no flows", err)
	}
	out := map[string]*model.Flow{}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		compiled, problems := flow.Compile(src, flow.Options{Registry: reg, Tenant: "main", Revision: 1})
		if compiled == nil {
			t.Fatalf("%s: %v", f, problems)
		}
		out[compiled.ID] = compiled
	}
	return out
}

func all(m map[string]*model.Flow) (list []*model.Flow) {
	for _, id := range sortedKeys(m) {
		list = append(list, m[id])
	}
	return list
}

// outcomes runs a flow and returns how its executions have ended, the retried ones too.
func outcomes(t testing.TB, seed int64, f *model.Flow, among []*model.Flow, faults Faults) string {
	t.Helper()
	c := New(seed, among...)
	c.Faults = faults
	c.Start(f, "Start0000000000000000A")
	if err := c.Run(limit); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	var all []string
	for _, id := range c.Executions() {
		e := c.Execution(id)
		if e == nil {
			continue
		}
		if !e.Engine.Finished {
			t.Fatalf("seed %d: %s is %s: %+v", seed, e.FlowID, e.State.Current(), c.Explain(id))
		}
		all = append(all, e.FlowID+": "+c.Outcome(id))
	}
	return strings.Join(sorted(all), "\n\n")
}

func sorted(list []string) []string {
	m := map[string]int{}
	for _, s := range list {
		m[s]++
	}
	var out []string
	for _, k := range sortedKeys(m) {
		for range m[k] {
			out = append(out, k)
		}
	}
	return out
}

// TestFaults runs every flow without faults and then with every kind of fault, in many orders: how it ends must not differ.
func TestFaults(t *testing.T) {
	byID := flows(t)
	seeds := int64(60)
	if testing.Short() {
		seeds = 5
	}
	for id, f := range byID {
		t.Run(id, func(t *testing.T) {
			if id == "child" {
				t.Skip("it is started by parent")
			}
			want := outcomes(t, 1, f, all(byID), Faults{})
			for seed := range seeds {
				got := outcomes(t, seed, f, all(byID), Faults{Duplicate: 20, LostCommit: 15, OwnerDies: 10, WorkerDies: workerDies(seed), Reorder: true})
				if got != want {
					t.Fatalf("seed %d ends differently:\n%s\n\nnot\n\n%s", seed, got, want)
				}
			}
		})
	}
}

// workerDies keeps workers alive in some runs: a task that loses five of them fails.
func workerDies(seed int64) int { return int(seed % 3 * 5) }

// TestOutcomes holds what the flows come to against what their authors expect.
func TestOutcomes(t *testing.T) {
	byID := flows(t)
	for id, want := range map[string][]string{
		"sequence":  {"SUCCESS", `{"out":"one two three"}`},
		"loops":     {"SUCCESS", `each / inner[d] / two[2] SUCCESS {"value":"d2"}`, `all SUCCESS {"value":"c d2"}`},
		"branches":  {"SUCCESS", `par / if / yes SUCCESS`, `par / switch / sb SUCCESS`, `par / skipped SKIPPED`, `d4 SUCCESS {"value":"1213"}`},
		"failing":   {"FAILED", "soft WARNING", "hard FAILED", "near SUCCESS", "bad FAILED", "still SUCCESS", "nearfinally SUCCESS", "far SUCCESS", "last SUCCESS", `after SUCCESS {"value":"FAILED"}`},
		"retry":     {"WARNING", "par / t WARNING", "after SUCCESS"},
		"retryflow": {"RETRIED", "f RETRIED", "FAILED", "e SUCCESS"},
		"until":     {"SUCCESS", `after SUCCESS {"value":"3"}`, `w / r SUCCESS {"value":"3"}`},
		"pause":     {"WARNING", "par / p SUCCESS", "par / q WARNING", "told SUCCESS", "after SUCCESS"},
		"parent":    {"WARNING", "missing WARNING", `after SUCCESS {"value":"child y"}`},
		"exit":      {"WARNING", "seq / x WARNING", "seq WARNING", `after SUCCESS {"value":"WARNING"}`},
		"sla":       {"CANCELLED", "p KILLED"},
		"variables": {"SUCCESS", `{\"v\":2,\"w\":\"1\"} 2`, "world / y SUCCESS"},
	} {
		got := outcomes(t, 1, byID[id], all(byID), Faults{})
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in\n%s", id, w, got)
			}
		}
		for _, never := range []string{"never", "no SUCCESS", "/ sa "} {
			if strings.Contains(got, never) {
				t.Errorf("%s: %q is in\n%s", id, never, got)
			}
		}
	}
}

// TestHistory sees that an execution is RUNNING before it is anything else, however much happens at once.
func TestHistory(t *testing.T) {
	byID := flows(t)
	for id, want := range map[string]string{
		"sequence": "CREATED RUNNING SUCCESS", "pause": "CREATED RUNNING PAUSED RESTARTED RUNNING WARNING", "sla": "CREATED RUNNING PAUSED CANCELLED",
	} {
		c := New(1, all(byID)...)
		c.Start(byID[id], "Start0000000000000000A")
		if err := c.Run(limit); err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, s := range c.Execution("Start0000000000000000A").State {
			states = append(states, s.State.String())
		}
		got := strings.ReplaceAll(strings.Join(states, " "), "PAUSED RESTARTED RUNNING PAUSED", "PAUSED")
		if got != want {
			t.Errorf("%s: %s, not %s", id, got, want)
		}
	}
}

// TestKill kills executions at every moment of their life: everything in them ends, also what they have started.
func TestKill(t *testing.T) {
	byID := flows(t)
	for id, f := range byID {
		if id == "child" {
			continue
		}
		for after := range 40 {
			c := New(int64(after), all(byID)...)
			c.Faults.Reorder = true
			c.Start(f, "Start0000000000000000A")
			_ = c.Run(after)
			c.Send(model.Event{ID: "kill", To: model.ExecutionEntity("Start0000000000000000A"), Kind: model.EventKill, At: c.Now, Action: &model.Action{Cascade: true}})
			if err := c.Run(limit); err != nil {
				t.Fatalf("%s killed after %d steps: %v", id, after, err)
			}
			for _, e := range c.Executions() {
				if x := c.Execution(e); x != nil && !x.Engine.Finished {
					t.Fatalf("%s killed after %d steps: %s is %s: %+v", id, after, x.FlowID, x.State.Current(), c.Explain(e))
				}
			}
		}
	}
}

// TestRestart restarts a failed execution: what failed runs again, what had succeeded does not.
func TestRestart(t *testing.T) {
	byID := flows(t)
	c := New(1, all(byID)...)
	const id = "Start0000000000000000A"
	c.Start(byID["failing"], id)
	if err := c.Run(limit); err != nil {
		t.Fatal(err)
	}
	soft, hard := c.TaskRun(id, "soft"), c.TaskRun(id, "hard")
	c.Send(model.Event{ID: "restart", To: model.ExecutionEntity(id), Kind: model.EventRestart, At: c.Now, Action: &model.Action{}})
	if err := c.Run(limit); err != nil {
		t.Fatal(err)
	}
	if e := c.Execution(id); e.State.Current() != model.Failed || e.Metadata.AttemptNumber != 2 {
		t.Errorf("%s, attempt %d", e.State.Current(), e.Metadata.AttemptNumber)
	}
	if again := c.TaskRun(id, "soft"); len(again.Attempts) != len(soft.Attempts) {
		t.Error("what had ended well was run again")
	}
	if again := c.TaskRun(id, "hard"); again.ID != hard.ID || len(again.Attempts) != len(hard.Attempts)+1 {
		t.Errorf("the failed task has %d attempts", len(again.Attempts))
	}
	if c.TaskRun(id, "last") == nil {
		t.Error("finally did not run again")
	}
}
