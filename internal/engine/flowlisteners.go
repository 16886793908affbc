package engine

import (
	"time"

	"github.com/windhover-io/windhover/internal/holiday"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/trigger"
	"github.com/windhover-io/windhover/internal/value"
)

// passListeners passes over the tasks of the flow's listeners whose conditions do not hold, up to what is to begin next. The
// tasks of listeners follow those of afterExecution.
func (x *turn) passListeners(f *frame) {
	at := len(enabled(x.s.Flow.AfterExecution))
	for _, l := range x.s.Flow.Listeners {
		tasks := len(enabled(l.Tasks))
		if f.next[model.SectionAfter] == at && !x.listens(l) {
			f.next[model.SectionAfter] += tasks
		}
		at += tasks
	}
}

// listens tells whether the conditions of a listener hold, now that the execution has ended. One that cannot be evaluated
// does not hold.
func (x *turn) listens(l *model.Listener) bool {
	conditions := &trigger.Declared{Trigger: &model.Trigger{Conditions: l.Conditions}, Flow: x.s.Flow}
	up := x.ofTasks()
	up.Execution = headerAt(x.s.Exec, len(x.s.Exec.State)-1)
	ok, err := conditions.Holds(nil, up, listening{x})
	if err != nil {
		x.log(nil, model.LevelWarn, "the tasks of a listener do not run: %v", err)
	}
	return ok && err == nil
}

// listening answers what the conditions of listeners have to know.
type listening struct{ x *turn }

// Render evaluates an expression in the context of the execution.
func (l listening) Render(text string, _ *value.Map, _ *model.Upstream) (string, error) {
	return l.x.render(nil, text)
}

// Holiday tells whether a date is a public holiday.
func (l listening) Holiday(date time.Time, country, part string) (bool, error) {
	return holiday.Is(date, country, part)
}
