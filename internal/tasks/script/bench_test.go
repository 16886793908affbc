package script_test

import (
	"testing"

	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// BenchmarkEcho is what a task costs that runs one small command, the task alone; bench/spawn measures the whole server.
func BenchmarkEcho(b *testing.B) {
	all := types(script.Config{Runner: script.Process})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			taskstest.Must(b, sdktest.New(b), all, "type: io.kestra.plugin.scripts.shell.Commands\ncommands: [echo ok]")
		}
	})
}
