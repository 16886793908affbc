package sim

import (
	"testing"

	"github.com/windhover-io/windhover/internal/model"
)

// TestLongLoop runs a loop of a thousand turns: neither its history nor that of its execution grows without end, and what they
// begin and end with is there.
func TestLongLoop(t *testing.T) {
	const id = "Start0000000000000000A"
	f := compileAll(t, `id: f
tasks:
  - {id: l, type: flow.LoopUntil, condition: "{{ false }}", checkFrequency: {interval: PT1S, maxIterations: 1000}, tasks: [{id: t, ok}]}
`)[0]
	c := New(1, f)
	c.Start(f, id)
	if err := c.Run(limit); err != nil {
		t.Fatal(err)
	}
	l := c.TaskRun(id, "l")
	if l.Engine.Turn != 1000 || len(c.Runs(id)) != 2 {
		t.Errorf("%d turns, %d task runs", l.Engine.Turn, len(c.Runs(id)))
	}
	for what, h := range map[string]model.History{"loop": l.State, "execution": c.Execution(id).State} {
		if len(h) > 300 {
			t.Errorf("%s: %d changes are kept", what, len(h))
		}
		if h[0].State != model.Created || h[1].State != model.Running || h.Current() != model.Success {
			t.Errorf("%s: from %s %s to %s", what, h[0].State, h[1].State, h.Current())
		}
		if d := h.Duration(c.Now).Seconds(); d != 999 {
			t.Errorf("%s took %v seconds", what, d)
		}
	}
}
