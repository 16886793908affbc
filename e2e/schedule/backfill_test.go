package schedule

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// filled is a trigger whose schedule is filled up.
type filled struct {
	t  *testing.T
	a  *app.App
	of model.Entity
}

func (f filled) manage(kind model.EventKind, m model.Manage) *model.TriggerState {
	f.t.Helper()
	state, err := backend.ManageTrigger(f.t.Context(), f.a.Backend, f.of, kind, &m)
	if err != nil {
		f.t.Fatal(err)
	}
	return state
}

func (f filled) state() *model.TriggerState {
	f.t.Helper()
	flow, id := model.TriggerOf(f.of)
	state, err := f.a.Backend.Triggers().Get(f.t.Context(), flow.Tenant, flow.Namespace, flow.ID, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return state
}

// ran are the dates of the executions with a label `run`, in their order, and how many of them run. Each has the input that
// goes with the label.
func (f filled) ran(label string) (dates []time.Time, running int) {
	f.t.Helper()
	q := backend.Query{Tenant: "main", Page: 1, Size: 1000, NoTotal: true}
	for {
		page, err := f.a.Backend.Executions().Search(f.t.Context(), q)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range page.Results {
			if i := slices.IndexFunc(e.Labels, func(l model.Label) bool { return l.Key == "run" }); i < 0 && label != "" || i >= 0 && e.Labels[i].Value != label {
				continue
			}
			if want := `{"run":"` + label + `"}`; string(e.Inputs) != want {
				f.t.Fatalf("the inputs are %s, want %s", e.Inputs, want)
			}
			v, _ := value.ParseJSON(e.Trigger.Variables)
			date, _ := v.(*value.Map).Get("date")
			at, err := time.Parse(time.RFC3339, value.Print(date))
			if err != nil {
				f.t.Fatal(err)
			}
			dates = append(dates, at.UTC())
			if !e.State.Current().Terminated() {
				running++
			}
		}
		if page.Cursor == "" {
			slices.SortFunc(dates, time.Time.Compare)
			return dates, running
		}
		q.After = page.Cursor
	}
}

// quarters are the dates at six, twelve … o'clock, from a date on and up to another.
func quarters(from, to time.Time) (out []time.Time) {
	for at := from; !at.After(to); at = at.Add(6 * time.Hour) {
		out = append(out, at)
	}
	return out
}

// prepare saves a flow whose executions take a second each.
func prepare(t *testing.T, more string) filled {
	a := open(t, "")
	f, problems, err := a.SaveFlow(t.Context(), "main", []byte(`
id: fill
namespace: month
inputs: [{id: run, type: STRING, defaults: ""}]
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}
triggers:
  - {id: quarters, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: "0 */6 * * *"`+more+`}
`))
	if f == nil || err != nil {
		t.Fatal(problems, err)
	}
	return filled{t, a, model.TriggerEntity("main", "month", "fill", "quarters")}
}

func backfillOf(start, end time.Time, run string) model.Manage {
	return model.Manage{Backfill: &model.Backfill{Start: start, End: &end, Inputs: json.RawMessage(`{"run":"` + run + `"}`), Labels: []model.Label{{Key: "run", Value: run}}}}
}

// TestYearOfBackfill: a backfill of a year goes on one date after the other, shows how far it is, stands still while it is
// paused, survives schedulers and can be given up half-way; what came meanwhile runs then. The same again goes to its end.
func TestYearOfBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t, "")
		m := begin(t, f.a, "first")
		synctest.Wait()
		start, end := begins.AddDate(-1, 0, 0), begins.Add(-time.Second)
		f.manage(model.EventBackfill, backfillOf(start, end, "one"))
		time.Sleep(300 * time.Second)
		dates, running := f.ran("one")
		if len(dates) < 250 || len(dates) > 310 || running > 1 {
			t.Errorf("after 300 seconds: %d dates, %d executions run", len(dates), running)
		}
		if b := f.state().Backfill; b == nil || !b.Current.After(dates[len(dates)-1]) || b.Current.After(dates[len(dates)-1].Add(6*time.Hour)) {
			t.Errorf("it shows %+v, and has come to %v", b, dates[len(dates)-1])
		}

		f.manage(model.EventPauseFill, model.Manage{Paused: true})
		time.Sleep(2 * time.Second)
		paused, _ := f.ran("one")
		time.Sleep(24 * time.Hour)
		if later, _ := f.ran("one"); len(later) != len(paused) {
			t.Errorf("while it is paused: %d dates, then %d", len(paused), len(later))
		}
		if regular, _ := f.ran(""); len(regular) != 0 {
			t.Errorf("regular dates did not wait: %v", regular)
		}
		f.manage(model.EventPauseFill, model.Manage{})
		for i := range 5 {
			time.Sleep(time.Duration(70+i) * 1100 * time.Millisecond)
			m.kill()
			<-m.done
			m = begin(t, f.a, "next")
		}
		time.Sleep(60 * time.Second)

		f.manage(model.EventBackfill, model.Manage{})
		time.Sleep(time.Minute)
		dates, running = f.ran("one")
		if n := len(quarters(start, end)); len(dates) < n/3 || len(dates) > 2*n/3 || running != 0 {
			t.Fatalf("given up after %d of %d dates", len(dates), n)
		}
		if diff := cmp.Diff(quarters(start, dates[len(dates)-1]), dates); diff != "" {
			t.Errorf("dates of the backfill that was given up (-want +got):\n%s", diff)
		}
		regular, _ := f.ran("")
		if diff := cmp.Diff(quarters(begins.Add(6*time.Hour), time.Now().UTC()), regular); diff != "" {
			t.Errorf("regular dates (-want +got):\n%s", diff)
		}

		f.manage(model.EventBackfill, backfillOf(start, end, "two"))
		time.Sleep(time.Hour)
		dates, _ = f.ran("two")
		if diff := cmp.Diff(quarters(start, end), dates); diff != "" || f.state().Backfill != nil {
			t.Errorf("all of them (-want +got):\n%s", diff)
		}
		m.kill()
		<-m.done
		if err := f.a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestYearBeside: where executions may run beside each other, a backfill of a year runs a hundred at a time and no more.
func TestYearBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := prepare(t, ", allowConcurrent: true")
		m := begin(t, f.a, "first")
		synctest.Wait()
		start, end := begins.AddDate(-1, 0, 0), begins.Add(-time.Second)
		f.manage(model.EventBackfill, backfillOf(start, end, "all"))
		most := 0
		for range 60 {
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			_, running := f.ran("all")
			most = max(most, running)
		}
		if most < 50 || most > 100 {
			t.Errorf("%d run at a time", most)
		}
		time.Sleep(time.Hour)
		dates, _ := f.ran("all")
		if diff := cmp.Diff(quarters(start, end), dates); diff != "" {
			t.Errorf("dates (-want +got):\n%s", diff)
		}
		m.kill()
		<-m.done
		if err := f.a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
