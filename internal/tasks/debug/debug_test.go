package debug_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/tasks/debug"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestReturn(t *testing.T) {
	for yaml, want := range map[string]string{
		"format: '{{ flow.id }}-{{ 1 + 1 }}'": `{"value":"flow-2"}`,
		"format: {a: '{{ 1 + 1 }}', b: [1]}":  `{"value":"{\"a\":\"2\",\"b\":[1]}"}`,
		"format: 5":                           `{"value":"5"}`,
		"":                                    `{}`,
	} {
		if out := taskstest.Must(t, sdktest.New(t), debug.Types(), "type: io.kestra.core.tasks.debugs.Return\n%s", yaml); out != want {
			t.Errorf("%s: %s, want %s", yaml, out, want)
		}
	}
}

func TestEcho(t *testing.T) {
	run := sdktest.New(t)
	taskstest.Must(t, run, debug.Types(), "type: io.kestra.plugin.core.debug.Echo\nformat: 'hello {{ flow.id }}'\nlevel: WARN")
	if diff := cmp.Diff([]sdktest.Line{{Level: sdk.LevelWarn, Text: "hello flow"}}, run.Logs); diff != "" {
		t.Error(diff)
	}
}
