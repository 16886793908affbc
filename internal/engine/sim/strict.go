package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/model"
)

// strictly steps an event on the state in memory and on one that was built from the store: both have to come to the same. A
// step that lacks answers must leave the state as it was.
func (c *Cluster) strictly(rec *record, s *engine.State, ev *model.Event) (*model.Transition, error) {
	fresh := c.load(rec)
	want, err := c.stepExecution(fresh, ev, nil)
	if err != nil {
		return nil, err
	}
	got, err := c.stepExecution(s, ev, func() error { return same("a step that lacks answers changed its state", c.load(rec), s) })
	if err != nil {
		return nil, err
	}
	if a, b := text(want), text(got); a != b {
		return nil, fmt.Errorf("%s of %s on what is stored and on what is in memory comes to different things: %s", ev.Kind, ev.To.ID, difference(a, b))
	}
	return got, same("after "+string(ev.Kind)+" two states differ", fresh, s)
}

// repeat steps an event that has just been committed once more: nothing may come of it.
func (c *Cluster) repeat(rec *record, ev *model.Event) error {
	if ev.Kind == model.EventContinue {
		return nil // it goes on with what was put off meanwhile
	}
	t, err := c.stepExecution(c.load(rec), ev, nil)
	if err != nil {
		return err
	}
	t.Events = slices.DeleteFunc(t.Events, func(e model.Event) bool { // those of an execution that is gone
		return e.Kind == model.EventLeft || e.Child != nil && e.Child.Refused
	})
	if t.Execution != nil || t.Deleted || len(t.TaskRuns)+len(t.DropRuns)+len(t.Jobs)+len(t.SetTimers)+len(t.Events)+len(t.Logs) > 0 {
		return fmt.Errorf("%s of %s, delivered again, comes to\n%s", ev.Kind, ev.To.ID, text(t))
	}
	return nil
}

func same(what string, a, b *engine.State) error {
	x, y := text([]any{a.Exec, a.Records()}), text([]any{b.Exec, b.Records()})
	if x != y {
		return fmt.Errorf("%s: %s", what, difference(x, y))
	}
	return nil
}

// difference shows two texts around the first line in which they differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	around := func(lines []string) string { return strings.Join(lines[max(0, i-12):min(len(lines), i+16)], "\n") }
	return fmt.Sprintf("\n%s\n--- and ---\n%s", around(x), around(y))
}

func text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}
