package schedule

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// TestNeverOverlaps: executions of a flow whose concurrency is limited to one never run at one time, though each takes longer
// than the time between two dates, two triggers start them, and schedulers are killed.
func TestNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, "")
		f, problems, err := a.SaveFlow(t.Context(), "main", []byte(`
id: alone
namespace: month
concurrency: {limit: 1, behavior: QUEUE}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT90S}
triggers:
  - {id: one, type: io.kestra.plugin.core.trigger.Schedule, cron: "* * * * *", allowConcurrent: true}
  - {id: two, type: io.kestra.plugin.core.trigger.Schedule, cron: "*/5 * * * *", allowConcurrent: true}
`))
		if f == nil || err != nil {
			t.Fatal(problems, err)
		}
		for i := range 6 {
			m := begin(t, a, fmt.Sprint("scheduler-", i))
			time.Sleep(11 * time.Minute)
			m.kill()
			<-m.done
		}
		time.Sleep(4 * time.Hour) // until all have had their turn
		page, err := a.Backend.Executions().Search(t.Context(), backend.Query{Tenant: "main", Page: 1, Size: 1000, NoTotal: true})
		if err != nil {
			t.Fatal(err)
		}
		type span struct{ from, to time.Time }
		var spans []span
		for _, e := range page.Results {
			if e.State.Current() != model.Success {
				t.Fatalf("an execution is %s", e.State.Current())
			}
			for i, s := range e.State {
				if s.State == model.Running {
					spans = append(spans, span{s.Date, e.State[i+1].Date})
				}
			}
		}
		slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
		for i := 1; i < len(spans); i++ {
			if spans[i].from.Before(spans[i-1].to) {
				t.Errorf("one ran until %v, another began at %v", spans[i-1].to, spans[i].from)
			}
		}
		if len(spans) < 70 {
			t.Errorf("only %d executions", len(spans))
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
