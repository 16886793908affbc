package script_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestCommands(t *testing.T) {
	run := sdktest.New(t)
	out := taskstest.Must(t, run, types(script.Config{Runner: "PROCESS"}), `
type: io.kestra.plugin.scripts.shell.Commands
beforeCommands: ["echo before"]
outputFiles: ["*.txt"]
env: {NAME: "{{ flow.id }}"}
commands:
  - echo "to $NAME"
  - echo oops >&2
  - echo '::{"outputs":{"count":3}}::'
  - echo stored > a.txt`)
	want := `{"vars":{"count":3},"exitCode":0,"outputFiles":{"a.txt":"kestra:///company/team/flow/executions/execution/tasks/task/taskrun/a.txt"},` +
		`"stdOutLineCount":3,"stdErrLineCount":1}`
	if out != want {
		t.Errorf("it puts out %s, not %s", out, want)
	}
	slices.SortFunc(run.Logs, func(a, b sdktest.Line) int { return cmp.Compare(a.Level, b.Level) }) // of two streams in any order
	logs := []sdktest.Line{{Level: sdk.LevelDebug, Text: "before"}, {Level: sdk.LevelInfo, Text: "to flow"}, {Level: sdk.LevelError, Text: "oops"}}
	if !slices.Equal(run.Logs, logs) {
		t.Errorf("it logs %v, not %v", run.Logs, logs)
	}
}
