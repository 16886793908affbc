package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTriggersByQuery: what can be done with one trigger can be done with all that flags select.
func TestTriggersByQuery(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	const yearly = "triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 1 *\"}\n  - {id: monthly, type: io.kestra.plugin.core.trigger.Schedule, cron: \"0 0 1 * *\"}\n"
	ok(t, "flow", "updates", write(t, map[string]string{"a.yaml": logFlow("a") + yearly, "b.yaml": logFlow("b") + yearly}))
	disabled := func() string {
		var out []string
		for _, r := range okJSON[found[struct {
			Trigger struct {
				FlowID, TriggerID string
				Disabled          bool
			} `json:"triggerContext"`
		}]](t, "trigger", "list").Results {
			if r.Trigger.Disabled {
				out = append(out, r.Trigger.FlowID+"."+r.Trigger.TriggerID)
			}
		}
		return strings.Join(out, " ")
	}
	contains(t, ok(t, "trigger", "disable", "-f", "a"), "TRIGGERS", "2")
	contains(t, disabled(), "a.yearly", "a.monthly")
	if list := ok(t, "trigger", "list"); strings.Count(list, "disabled") != 2 {
		t.Errorf("not two of them are disabled:\n%s", list)
	}
	contains(t, ok(t, "trigger", "enable", "-n", "company", "-q", "yearly"), "2")
	if got := disabled(); got != "a.monthly" {
		t.Errorf("disabled: %s", got)
	}
	contains(t, ok(t, "trigger", "enable", "--all"), "4")
	contains(t, ok(t, "trigger", "unlock", "-n", "company"), "0")
	contains(t, ok(t, "trigger", "delete", "-f", "b"), "2")
	for _, wrong := range [][]string{{"disable"}, {"disable", "company.team", "a"}, {"delete"}, {"unlock", "company.team", "a", "yearly", "--all"}} {
		if r := command(t, append([]string{"trigger"}, wrong...)...); r.err == nil || !strings.Contains(r.err.Error(), "NAMESPACE FLOW TRIGGER") {
			t.Errorf("%v: %v", wrong, r.err)
		}
	}
	dir := t.TempDir()
	contains(t, ok(t, "trigger", "export", dir, "-f", "a"), "triggers.csv")
	b, err := os.ReadFile(filepath.Join(dir, "triggers.csv"))
	if lines := strings.Split(strings.TrimSpace(string(b)), "\n"); err != nil || len(lines) != 3 || !strings.Contains(string(b), "company.team,a,yearly") {
		t.Errorf("%v: %s", err, b)
	}
}

// TestBackfills: a backfill shows how far it has come; it is paused, gone on with and given up alone or with others.
func TestBackfills(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	ok(t, "flow", "updates", write(t, map[string]string{"a.yaml": strings.Replace(logFlow("a"), "id: say\n    type: io.kestra.plugin.core.log.Log\n    message: hello from a", "id: wait\n    type: io.kestra.plugin.core.flow.Pause", 1) +
		"triggers:\n  - {id: yearly, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: \"0 0 1 1 *\"}\n"}))
	start := []string{"trigger", "backfill", "start", "company.team", "a", "yearly", "--start", "2010-01-01T00:00:00Z", "--end", "2014-01-01T00:00:00Z", "--label", "why=test"}
	contains(t, ok(t, start...), "2010-01-01T00:00:00Z")
	if r := command(t, start...); r.err == nil || !strings.Contains(r.err.Error(), "under way") {
		t.Errorf("a second backfill: %v", r.err)
	}
	for !strings.Contains(ok(t, "trigger", "backfill", "list"), "25 %") { // the first execution was started, and waits
		continue
	}
	contains(t, ok(t, "trigger", "backfill", "pause", "-n", "company"), "1")
	contains(t, ok(t, "trigger", "backfill", "list", "-n", "company"), "true", "2011-01-01T00:00:00Z", "2014-01-01T00:00:00Z")
	contains(t, ok(t, "trigger", "list"), "its backfill is paused")
	contains(t, ok(t, "trigger", "backfill", "unpause", "company.team", "a", "yearly"), "false")
	contains(t, ok(t, "trigger", "backfill", "delete", "--all"), "1")
	if out := ok(t, "trigger", "backfill", "list"); strings.Contains(out, "yearly") {
		t.Errorf("it is still there: %s", out)
	}
}
