// Package taskstest runs built-in tasks in tests as a worker does: from YAML to outputs.
package taskstest

import (
	"fmt"
	"testing"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// Run runs the task that the YAML describes and returns its outputs as JSON, "" where it has none.
func Run(t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string) (string, error) {
	t.Helper()
	parsed, err := yamltext.Read(yaml)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, yaml)
	}
	props, _ := value.AsMap(parsed)
	name, _ := props.Get("type")
	reg := plugin.NewRegistry()
	reg.Add(types...)
	typ, ok := reg.Lookup(value.Print(name))
	if !ok {
		t.Fatalf("there is no type %v", name)
	}
	for _, key := range props.Keys() {
		if key != "type" && plugin.Find(typ.Properties(), key) == nil {
			t.Fatalf("%s is not a property of %s", key, typ.Name)
		}
	}
	decoded, err := typ.Decode(props, func(text string, typed bool) (any, error) {
		if typed {
			return run.RenderTyped(text, nil)
		}
		return run.Render(text, nil)
	})
	if err != nil {
		return "", err
	}
	task, ok := decoded.(sdk.Task)
	if !ok {
		t.Fatalf("%s cannot be run", typ.Name)
	}
	outputs, err := task.Run(t.Context(), run)
	if err != nil {
		return "", err
	}
	raw, err := typ.Encode(outputs)
	return string(raw), err
}

// Must is Run for a task that must not fail.
func Must(t testing.TB, run *sdktest.Run, types []plugin.Type, format string, args ...any) string {
	t.Helper()
	yaml := fmt.Sprintf(format, args...)
	out, err := Run(t, run, types, yaml)
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	return out
}

// Fails is Run for a task that must fail, and returns why.
func Fails(t testing.TB, run *sdktest.Run, types []plugin.Type, format string, args ...any) string {
	t.Helper()
	yaml := fmt.Sprintf(format, args...)
	out, err := Run(t, run, types, yaml)
	if err == nil {
		t.Fatalf("it does not fail, but puts out %s\n%s", out, yaml)
	}
	return err.Error()
}
