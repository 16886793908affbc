package templating_test

import (
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/debug"
	"github.com/windhover-io/windhover/internal/tasks/flow"
	"github.com/windhover-io/windhover/internal/tasks/templating"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func run(t *testing.T, spec string) (any, error) {
	t.Helper()
	reg := plugin.NewRegistry()
	reg.Add(debug.Types()...)
	reg.Add(flow.Types()...)
	types := templating.Types(reg)
	reg.Add(types...)
	task, ok := types[0].New().(*templating.TemplatedTask)
	if !ok {
		t.Fatal("it makes no TemplatedTask")
	}
	task.Spec = spec
	return sdk.Task(task).Run(t.Context(), sdktest.New(t))
}

func TestTemplatedTask(t *testing.T) {
	out, err := run(t, "id: made\ntype: io.kestra.core.tasks.debugs.Return\nformat: '{{ flow.id }} {{ 1 + 1 }}'")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := out.(debug.ReturnOutput); !ok || *got.Value != "flow 2" {
		t.Errorf("%#v", out)
	}
}

func TestTemplatedTaskErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"just text": "expected a task",
		"format: x": "has no type",
		"type: io.kestra.plugin.core.debug.Nothing":             "no task type",
		"type: io.kestra.plugin.core.debug.Return\nformt: x":    "`formt` is not a property",
		"type: io.kestra.plugin.core.templating.TemplatedTask":  "cannot make another",
		"type: io.kestra.plugin.core.flow.Pause\ndelay: PT1S":   "not run by workers",
		"type: io.kestra.plugin.core.debug.Return\nformat: \"{": "YAML",
	} {
		if _, err := run(t, spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", spec, err, want)
		}
	}
}
