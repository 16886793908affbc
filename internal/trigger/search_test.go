package trigger

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// counter counts how many expressions are evaluated.
type counter struct {
	*rig
	n int
}

func (c *counter) Render(text string, vars *value.Map, up *model.Upstream) (string, error) {
	c.n++
	return c.rig.Render(text, vars, up)
}

// looking is a turn of a trigger of the rig, which searches.
func looking(t *testing.T, properties string, conditions ...*model.Condition) (*turn, *counter) {
	r := newRig(t, model.TriggerSchedule, properties, conditions...)
	decl, err := r.Declared()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{rig: r}
	return &turn{world: c, decl: decl, now: r.now, of: of, rec: &model.TriggerState{}}, c
}

// TestSearchJumps: dates of days, or of times of day, on which a condition cannot hold are jumped over.
func TestSearchJumps(t *testing.T) {
	weekend, not := condition("Weekend", ""), func(c *model.Condition) *model.Condition { return condition("Not", "", c) }
	for _, c := range []struct {
		name, properties string
		conditions       []*model.Condition
		from             string
		next, previous   string
		most             int // expressions
	}{
		{"weekend", `{"cron": "* * * * *"}`, []*model.Condition{weekend}, "2026-03-02T00:00:00Z", // a Monday
			"2026-03-07T00:00:00Z", "2026-03-01T23:59:00Z", 30},
		{"weekdays", `{"cron": "* * * * * *", "withSeconds": true}`, []*model.Condition{not(weekend)}, "2026-03-07T12:00:00Z",
			"2026-03-09T00:00:00Z", "2026-03-06T23:59:59Z", 30},
		{"in Paris", `{"cron": "* * * * *", "timezone": "Europe/Paris"}`, []*model.Condition{weekend}, "2026-03-24T12:00:00Z",
			"2026-03-27T23:00:00Z", "2026-03-22T22:59:00Z", 30},
		{"office hours", `{"cron": "* * * * * *", "withSeconds": true}`,
			[]*model.Condition{condition("TimeBetween", `{"after": "09:00:00+00:00", "before": "10:00:00+00:00"}`)}, "2026-03-02T12:00:00Z",
			"2026-03-03T09:00:01Z", "2026-03-02T09:59:59Z", 30}, // both bounds are left out
		{"at night", `{"cron": "*/10 * * * * *", "withSeconds": true}`,
			[]*model.Condition{condition("Or", "", condition("TimeBetween", `{"after": "22:00:00+01:00"}`), condition("TimeBetween", `{"before": "04:00:00+01:00"}`))},
			"2026-03-02T12:00:00Z", "2026-03-02T21:00:10Z", "2026-03-02T02:59:50Z", 60},
		{"a week of the year", `{"cron": "* * * * *"}`,
			[]*model.Condition{condition("DateTimeBetween", `{"after": "2026-12-24T00:00:00Z", "before": "2027-01-01T00:00:00Z"}`)}, "2026-03-02T12:00:00Z",
			"2026-12-24T00:01:00Z", "", 30},
		{"Friday 13th", `{"cron": "* * 13 * *"}`, []*model.Condition{condition("DayWeek", `{"dayOfWeek": "FRIDAY"}`)}, "2026-03-14T00:00:00Z",
			"2026-11-13T00:00:00Z", "2026-03-13T23:59:00Z", 60},
		{"the bound itself", `{"cron": "0 0 * * *"}`, []*model.Condition{not(condition("DateTimeBetween", `{"after": "2026-03-01T00:00:00Z"}`))}, "2026-03-05T12:00:00Z",
			"", "2026-03-01T00:00:00Z", 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			turn, counter := looking(t, c.properties, c.conditions...)
			from := at(c.from)
			for limit, want := range map[time.Time]string{from.AddDate(searchYears, 0, 0): c.next, from.AddDate(-searchYears, 0, 0): c.previous} {
				counter.n = 0
				found, ok, _, err := turn.search(from, limit)
				if err != nil || ok != (want != "") || ok && !found.Equal(at(want)) {
					t.Errorf("towards %v: %v, %v, %v; want %q", limit, found, ok, err, want)
				}
				if counter.n > c.most {
					t.Errorf("towards %v: %d expressions were evaluated", limit, counter.n)
				}
			}
		})
	}
}

// TestSearchAsStepByStep: jumping finds what looking at each date finds.
func TestSearchAsStepByStep(t *testing.T) {
	between := condition("TimeBetween", `{"after": "01:30:00+01:00", "before": "03:10:00+02:00"}`)
	for name, c := range map[string]*model.Condition{
		"time":    between,
		"not":     condition("Not", "", between),
		"or":      condition("Or", "", between, condition("DayWeek", `{"dayOfWeek": "SUNDAY"}`)),
		"weekend": condition("Weekend", ""),
	} {
		t.Run(name, func(t *testing.T) {
			turn, _ := looking(t, `{"cron": "*/17 * * * *", "timezone": "Europe/Paris"}`, c) // over both changes of the clock
			for _, span := range [][2]string{{"2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z"}, {"2026-10-23T00:00:00Z", "2026-10-27T00:00:00Z"}} {
				from, end := at(span[0]), at(span[1])
				var last time.Time // whose condition held
				date, _ := turn.decl.After(from)
				for next, searched := date, date; next.Before(end); next, _ = turn.decl.After(next) {
					holds, err := turn.holdsOn(next)
					if err != nil {
						t.Fatal(err)
					}
					if back, ok, _, _ := turn.search(next, from.Add(1)); ok != !last.IsZero() || ok && !back.Equal(last) {
						t.Fatalf("before %v: %v, want %v", next, back, last)
					}
					if !holds {
						continue
					}
					found, ok, _, err := turn.search(searched.Add(-1), end)
					if err != nil || !ok || !found.Equal(next) {
						t.Fatalf("after %v: %v, %v, %v; want %v", searched, found, ok, err, next)
					}
					last = next
					searched = next.Add(2)
				}
				if last.IsZero() {
					t.Error("it never holds: nothing was tested")
				}
			}
		})
	}
}

// TestSearchInVain: dates among which none was found are looked at one by one, each in its turn, and not searched again.
func TestSearchInVain(t *testing.T) {
	r := newRig(t, model.TriggerSchedule, `{"cron": "* * * * *", "when": "{{ trigger.date == '2026-03-02T13:00:00Z' or trigger.date == '2027-01-01T00:00:00Z' }}"}`)
	c := &counter{rig: r}
	for r.now.Before(at("2026-03-02T14:00:00Z")) {
		r.now = r.now.Add(time.Minute)
		ev := model.Event{ID: "timer", To: of, Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}}
		d := Decide(r.state, &ev, r.now, c)
		r.state = d.State
		for _, e := range d.Events {
			r.launched = append(r.launched, describe(e.Create))
			d = Decide(r.state, &model.Event{ID: "end", To: of, Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: r.state.ExecutionID, State: model.Success}}, r.now, c)
			r.state = d.State
		}
	}
	r.wantLaunched("2026-03-02T13:00:00Z")
	if c.n > 3*maxSearch+200 { // forward and back at 13:00, and forward once more
		t.Errorf("%d expressions were evaluated", c.n)
	}
	if r.state.Engine.Vain == nil || r.state.Next == nil || !r.state.Next.Equal(at("2026-03-02T14:01:00Z")) {
		t.Errorf("next %v, vain %v", r.state.Next, r.state.Engine.Vain)
	}
}
