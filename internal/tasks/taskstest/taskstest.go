// Package taskstest runs built-in tasks in tests as a worker does: from YAML to outputs.
package taskstest

import (
	"context"
	"fmt"
	"testing"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// Run runs the task that the YAML describes and returns its outputs as JSON, "" where it has none; also those of one that fails.
func Run(t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string) (string, error) {
	t.Helper()
	decoded, typ, err := decode(t, run, types, yaml)
	if err != nil {
		return "", err
	}
	task, ok := decoded.(sdk.Task)
	if !ok {
		t.Fatalf("%s cannot be run", typ.Name)
	}
	outputs, err := task.Run(t.Context(), run)
	if err != nil && outputs == nil {
		return "", err
	}
	raw, unencoded := typ.Encode(outputs)
	if err == nil {
		err = unencoded
	}
	return string(raw), err
}

// Decoded makes the task or trigger that the YAML describes, for tests that run it in their own way.
func Decoded[T any](t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string) T {
	t.Helper()
	decoded, typ, err := decode(t, run, types, yaml)
	if err != nil {
		t.Fatal(err)
	}
	v, ok := decoded.(T)
	if !ok {
		t.Fatalf("%s is none", typ.Name)
	}
	return v
}

// decode makes what the YAML describes.
func decode(t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string) (any, *plugin.Type, error) {
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
	return decoded, typ, err
}

// Poll evaluates once the polling trigger that the YAML describes. It returns the variables of the execution to start as
// JSON, "" for none, and what the worker calls once it knows whether they are durable.
func Poll(t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string) (out string, settle func(durable bool) error, err error) {
	t.Helper()
	settle = func(bool) error { return nil }
	decoded, typ, err := decode(t, run, types, yaml)
	if err != nil {
		return "", settle, err
	}
	polling, ok := decoded.(sdk.PollingTrigger)
	if !ok {
		t.Fatalf("%s cannot be polled", typ.Name)
	}
	found, err := polling.Poll(t.Context(), run)
	if s, ok := found.(sdk.Settler); ok {
		settle = func(durable bool) error { return s.Settle(context.Background(), durable) }
	}
	if err != nil || found == nil {
		return "", settle, err
	}
	raw, err := typ.Encode(found)
	return string(raw), settle, err
}

// Listen runs the listening trigger that the YAML describes until ctx ends or it fails. The variables come to emit as JSON.
func Listen(ctx context.Context, t testing.TB, run *sdktest.Run, types []plugin.Type, yaml string, emit func(key, variables string) error) error {
	t.Helper()
	decoded, typ, err := decode(t, run, types, yaml)
	if err != nil {
		return err
	}
	listener, ok := decoded.(sdk.RealtimeTrigger)
	if !ok {
		t.Fatalf("%s does not listen", typ.Name)
	}
	return listener.Listen(ctx, run, func(_ context.Context, key string, variables any) error {
		raw, err := typ.Encode(variables)
		if err != nil {
			return err
		}
		return emit(key, string(raw))
	})
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
