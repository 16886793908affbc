package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
)

// TestScenarios plays the texts in testdata/scenarios. A text begins with flows, separated by lines of "---"; scenarios
// follow, each under a line "== what it shows". In a scenario, a line that begins with ">" has commands (see play) and the
// lines below it are what there is to be seen afterwards: every execution with its task runs, and what was answered.
//
// A task is written without its namespace and with short types: "{id: a, ok}" succeeds and "{id: a, bad}" fails; see flowOf.
// Run with -update to write down what is seen, and then read every line of it: it has to be right, not just stable.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			head, rest, _ := strings.Cut(string(src), "\n== ")
			flows := compileAll(t, head)
			out := head
			for _, s := range strings.Split(rest, "\n== ") {
				out += "\n== " + scenario(t, s, flows)
			}
			if *update {
				if err := os.WriteFile(f, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

var update = flag.Bool("update", false, "write down what the scenarios show")

// shorthand is how the scenarios' flows are written.
var shorthand = strings.NewReplacer(
	", ok}", ", type: io.kestra.plugin.core.debug.Return, format: x}", ", ok,", ", type: io.kestra.plugin.core.debug.Return, format: x,",
	", bad}", ", type: io.kestra.plugin.core.execution.Fail}", ", bad,", ", type: io.kestra.plugin.core.execution.Fail,",
	"type: flow.", "type: io.kestra.plugin.core.flow.", "type: debug.", "type: io.kestra.plugin.core.debug.",
	"type: execution.", "type: io.kestra.plugin.core.execution.",
)

var registry = sync.OnceValue(func() *plugin.Registry {
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{})
	return reg
})

func compileAll(t testing.TB, text string) (out []*model.Flow) {
	t.Helper()
	reg := registry()
	revisions := map[string]int{}
	for _, src := range strings.Split(text, "\n---\n") {
		src = "namespace: s\n" + shorthand.Replace(src)
		f, problems := flow.Compile([]byte(src), flow.Options{Registry: reg, Tenant: "main", Revision: 1})
		if f == nil {
			t.Fatalf("%v in\n%s", problems, src)
		}
		revisions[f.ID]++
		f.Revision = revisions[f.ID]
		out = append(out, f)
	}
	return out
}

// scenario plays one scenario and returns its text with what was seen.
func scenario(t *testing.T, text string, flows []*model.Flow) string {
	name, body, _ := strings.Cut(text, "\n")
	var out bytes.Buffer
	fmt.Fprintln(&out, name)
	t.Run(name, func(t *testing.T) {
		p := newPlayer(t, flows)
		for _, step := range strings.Split("\n"+strings.TrimSpace(body), "\n> ")[1:] {
			commands, want, _ := strings.Cut(step, "\n")
			for _, cmd := range strings.Split(commands, ";") {
				p.play(strings.TrimSpace(cmd))
			}
			seen := p.seen()
			fmt.Fprintf(&out, "> %s\n%s", commands, seen)
			if d := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(seen), "\n")); d != "" && !*update {
				t.Errorf("after %q (-want +got):\n%s", commands, d)
			}
		}
		if err := p.c.check(p.c.store[model.ExecutionEntity(p.ids[0])]); err != nil {
			t.Error(err)
		}
	})
	return out.String()
}
