package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/model"
)

// loopOver is a ForEach of so many values with a task of its own.
func loopOver(n int, head, task string) string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	return "id: f\ntasks:\n  - {id: e, type: flow.ForEach, values: [" + strings.Join(values, ",") + "], " + head + ", tasks: [" + task + "]}\n"
}

// finish runs an execution of a flow to its end.
func finish(b *testing.B, f *model.Flow) *Cluster {
	c := New(1, f)
	c.Trusting = true
	c.Start(f, "Start0000000000000000A")
	if err := c.Run(10_000_000); err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkNeeds measures a loop whose tasks each need something of the world, all at once or one after the other.
func BenchmarkNeeds(b *testing.B) {
	for _, limit := range []int{0, 1} {
		for _, n := range []int{100, 1000} {
			b.Run(fmt.Sprintf("limit=%d/values=%d", limit, n), func(b *testing.B) {
				f := compileAll(b, loopOver(n, fmt.Sprint("concurrencyLimit: ", limit), `{id: t, runIf: "{{ kv('k') == taskrun.value }}", ok}`))[0]
				for range b.N {
					finish(b, f)
				}
			})
		}
	}
}

// BenchmarkLoopUntil measures loops of many turns, alone and beside many other task runs.
func BenchmarkLoopUntil(b *testing.B) {
	until := func(turns int) string {
		return fmt.Sprintf(`{id: l, type: flow.LoopUntil, condition: "{{ false }}", checkFrequency: {interval: PT1S, maxIterations: %d}, tasks: [{id: t, ok}]}`, turns)
	}
	for _, turns := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("turns=%d", turns), func(b *testing.B) {
			f := compileAll(b, "id: f\ntasks: ["+until(turns)+"]\n")[0]
			for range b.N {
				finish(b, f)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*turns), "µs/turn")
		})
	}
	b.Run("turns=100/beside=10000", func(b *testing.B) {
		f := compileAll(b, loopOver(10000, "concurrencyLimit: 0", `{id: x, ok}`)+"  - "+until(100)+"\n")[0]
		for range b.N {
			finish(b, f)
		}
	})
	b.Run("turns=1/beside=10000", func(b *testing.B) {
		f := compileAll(b, loopOver(10000, "concurrencyLimit: 0", `{id: x, ok}`)+"  - "+until(1)+"\n")[0]
		for range b.N {
			finish(b, f)
		}
	})
}
