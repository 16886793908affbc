package output_test

import (
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/output"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestOutputValues(t *testing.T) {
	for yaml, want := range map[string]string{
		"values: {a: '{{ 1 + 1 }}', b: 2, '{{ flow.id }}': [true, x]}": `{"values":{"a":"2","b":2,"flow":[true,"x"]}}`,
		"": `{"values":{}}`, // so that outputs.TASK.values is there
	} {
		if out := taskstest.Must(t, sdktest.New(t), output.Types(), "type: io.kestra.plugin.core.output.OutputValues\n%s", yaml); out != want {
			t.Errorf("%s: %s, want %s", yaml, out, want)
		}
	}
}
