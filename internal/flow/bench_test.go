package flow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/flow"
)

// BenchmarkCompile compiles a flow of a hundred tasks with an expression each.
func BenchmarkCompile(b *testing.B) {
	var src strings.Builder
	src.WriteString(head + "tasks:\n")
	for i := range 100 {
		fmt.Fprintf(&src, "- id: t%d\n  type: io.kestra.plugin.core.debug.Return\n  format: \"{{ outputs.t%d.value ?? execution.id }}\"\n", i, i)
	}
	opts := options
	opts.Templates = expr.NewCache(1000)
	b.ReportAllocs()
	for b.Loop() {
		if f, problems := flow.Compile([]byte(src.String()), opts); f == nil {
			b.Fatal(problems)
		}
	}
}
