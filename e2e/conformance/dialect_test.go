package conformance

import (
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// dialect is how the flows of 2.0 ended there: the state, and the task runs at the top.
var dialect = map[string][]string{
	"t01-loop":             {"SUCCESS", "loop SUCCESS"},
	"t03-loop-parallel":    {"SUCCESS", "loop SUCCESS"},
	"t04-loop-failing":     {"FAILED", "caught SUCCESS", "loop FAILED"},
	"t05-loop-no-transmit": {"SUCCESS", "loop SUCCESS", "went SUCCESS"},
	"t06-loop-nested":      {"SUCCESS", "outer SUCCESS"},
	"t07-loop-empty":       {"SUCCESS", "after SUCCESS", "loop SUCCESS"},
	"t10-regex-filters":    {"SUCCESS", "v SUCCESS"},
	"t11-dates":            {"SUCCESS", "v SUCCESS"},
	"t12-range":            {"SUCCESS", "loop SUCCESS"},
	"t13-check-fail":       {"SUCCESS", "a SUCCESS"},
	"t14-tasks-with-state": {"WARNING", "a SUCCESS", "b WARNING", "c SUCCESS"},
	"t15-form-input":       {"SUCCESS", "a SUCCESS"},
	"t18-quota-sla":        {"SUCCESS", "a SUCCESS"},
}

// dialectExceptions are those that end differently here, with the reasons.
var dialectExceptions = map[string]string{
	"t13-check-fail": "the recording put executions straight into the queue, where nothing evaluates checks; through the API the check applies",
}

// TestDialect runs the flows that are written in the dialect of 2.0.
func TestDialect(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "conformance", "dialect-2.0")
	url := start(t, "memory")
	createFlows(t, url, dir)
	for name, want := range dialect {
		t.Run(name, func(t *testing.T) {
			if reason, ok := dialectExceptions[name]; ok {
				t.Skip("SKIPPED: ", reason)
			}
			got := run(t, url, recorded{Namespace: "twozero", ID: name})
			top := []string{}
			for _, r := range got.TaskRuns {
				if path := r[0].(string); !strings.Contains(path, " / ") {
					top = append(top, path+" "+r[1].(string))
				}
			}
			sort.Strings(top)
			if all := append([]string{got.State}, top...); !slices.Equal(all, want) {
				t.Errorf("%v, not %v", all, want)
			}
		})
	}
}
