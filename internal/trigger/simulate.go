package trigger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Simulation asks what a schedule would do.
type Simulation struct {
	Declared *Declared
	World    Asker
	From, To time.Time
	// Takes is how long each execution would take.
	Takes time.Duration
	// Down is a time during which no scheduler would run; none where it ends when it begins.
	DownFrom, DownTo time.Time
	// Max is how many dates are looked at.
	Max int
}

// Occasion is a date of a schedule, and what would become of it.
type Occasion struct {
	Date time.Time // in the trigger's time zone
	// Start is when its execution would be created, nil if none would be.
	Start *time.Time
	// Notes say what is remarkable: that it is late, left out, killed, or that the clock is changed on it.
	Notes []string
}

// Run lists the dates of the schedule in their order. What happens to each is decided as a scheduler decides it.
func (s Simulation) Run() ([]Occasion, error) {
	if !s.Declared.Scheduled() {
		return nil, fmt.Errorf("the trigger %s has no dates: it is of the kind %s", s.Declared.ID, strings.ToLower(string(s.Declared.Kind)))
	}
	d := &dry{Simulation: s, started: map[int64]time.Time{}, killed: map[int64]bool{}}
	d.run()
	var out []Occasion
	for date, ok := s.Declared.After(s.From.Add(-1)); ok && !date.After(s.To) && len(out) < s.Max; date, ok = s.Declared.After(date) {
		out = append(out, d.occasion(date))
	}
	return s.withSkipped(out), nil
}

// withSkipped adds the dates that the clock leaves out, each before the first date after the clock was set forward.
func (s Simulation) withSkipped(there []Occasion) []Occasion {
	for _, o := range s.skippedByClock(there) {
		i := slices.IndexFunc(there, func(t Occasion) bool {
			_, was := t.Date.Zone()
			_, would := o.Date.Zone()
			return !t.Date.Before(o.Date) || was != would && !wallClock(t.Date).Before(wallClock(o.Date))
		})
		if i < 0 {
			i = len(there)
		}
		there = slices.Insert(there, i, o)
	}
	return there
}

// dry is a scheduler with one trigger, a clock that jumps from event to event, and executions that take no work.
type dry struct {
	Simulation
	now     time.Time
	state   *model.TriggerState
	timer   *time.Time
	ends    map[string]time.Time // of executions that run
	dates   map[string]int64     // what they run for
	started map[int64]time.Time  // by date
	killed  map[int64]bool
	n       int
}

func (d *dry) world() *dryWorld { return &dryWorld{d.World, d} }

type dryWorld struct {
	Asker
	d *dry
}

// Declared is World.
func (w *dryWorld) Declared() (*Declared, error) { return w.d.Simulation.Declared, nil }

// Launch is World: it notes what is started.
func (w *dryWorld) Launch(l Launch) (model.Event, error) {
	v, _ := l.Variables.Get("date")
	date, err := time.Parse(time.RFC3339Nano, value.Print(v))
	if err != nil && l.ScheduleDate != nil {
		date = *l.ScheduleDate
	}
	w.d.started[date.UnixMicro()] = w.d.now
	w.d.ends[l.ID], w.d.dates[l.ID] = w.d.now.Add(w.d.Takes), date.UnixMicro()
	return model.Event{To: model.ExecutionEntity(l.ID), Kind: model.EventCreate}, nil
}

func (d *dry) send(ev model.Event) {
	d.n++
	ev.ID, ev.To = fmt.Sprint("simulated-", d.n), d.Simulation.Declared.Entity()
	decision := Decide(d.state, &ev, d.now, d.world())
	d.state = decision.State
	if len(decision.Clear) > 0 {
		d.timer = nil
	}
	for _, t := range decision.Set {
		d.timer = &t.Due
	}
	for _, e := range decision.Events {
		if e.Kind == model.EventKill {
			d.killed[d.dates[e.To.ID]] = true
			delete(d.ends, e.To.ID)
		}
	}
}

// run lets the time pass: the trigger is declared just before it, and looked at whenever its timer is due or an execution
// ends.
func (d *dry) run() {
	d.ends, d.dates = map[string]time.Time{}, map[string]int64{}
	d.now = d.From.Add(-time.Microsecond)
	d.send(model.Event{Kind: model.EventSync})
	for range 4 * d.Max {
		next, ended := d.next()
		if next.IsZero() || next.After(d.To) {
			return
		}
		if next.After(d.now) {
			d.now = next
		}
		if ended != "" {
			delete(d.ends, ended)
			d.send(model.Event{Kind: model.EventRunEnded, Run: &model.RunEnd{ExecutionID: ended, State: model.Success}})
			continue
		}
		d.timer = nil
		d.send(model.Event{Kind: model.EventTimer, Timer: &model.Timer{ID: dueTimer}})
	}
}

// next is when something happens next, and the execution that ends then, if one does.
func (d *dry) next() (at time.Time, ended string) {
	if d.timer != nil {
		at = *d.timer
		if !at.Before(d.DownFrom) && at.Before(d.DownTo) {
			at = d.DownTo
		}
	}
	for id, end := range d.ends {
		if at.IsZero() || end.Before(at) || end.Equal(at) && (ended == "" || id < ended) {
			at, ended = end, id
		}
	}
	return at, ended
}

// occasion says what has become of a date.
func (d *dry) occasion(date time.Time) Occasion {
	decl := d.Simulation.Declared
	o := Occasion{Date: date.In(decl.Zone)}
	start, ran := d.started[date.UnixMicro()]
	if ran {
		o.Start = &start
		if late := start.Sub(date); late >= time.Second {
			o.Notes = append(o.Notes, "late by "+late.Round(time.Second).String())
		}
		if d.killed[date.UnixMicro()] {
			o.Notes = append(o.Notes, "killed by the next date")
		}
	} else {
		o.Notes = append(o.Notes, d.whyNot(date))
	}
	if note := clockNote(o.Date); note != "" {
		o.Notes = append(o.Notes, note)
	}
	return o
}

// whyNot says why a date has no execution.
func (d *dry) whyNot(date time.Time) string {
	decl := d.Simulation.Declared
	t := &turn{world: d.world(), decl: decl, now: date, of: decl.Entity()}
	switch ok, err := t.holdsOn(date); {
	case err != nil:
		return "a condition fails: " + err.Error()
	case !ok:
		return "left out: its conditions do not hold"
	case !date.Before(d.DownFrom) && date.Before(d.DownTo):
		return "missed: no scheduler runs"
	case d.ran(date) && decl.Overlap == QueueAll && d.state.Next != nil && !date.Before(*d.state.Next):
		return "waits: an execution runs"
	case d.ran(date):
		return "left out: an execution runs"
	default:
		return "left out: it is too late for it"
	}
}

// ran tells whether an execution of an earlier date ran on a date.
func (d *dry) ran(date time.Time) bool {
	for earlier, start := range d.started {
		if earlier < date.UnixMicro() && start.Add(d.Takes).After(date) {
			return true
		}
	}
	return false
}

// clockNote tells of a date whose wall clock time comes twice on that day, since the clock goes back.
func clockNote(date time.Time) string {
	start, end := date.ZoneBounds()
	_, offset := date.Zone()
	if !start.IsZero() {
		_, before := start.Add(-1).Zone()
		if back := time.Duration(before-offset) * time.Second; back > 0 && date.Sub(start) < back {
			return "the clock goes back: the second time that it shows this"
		}
	}
	if !end.IsZero() {
		_, after := end.Zone()
		if back := time.Duration(offset-after) * time.Second; back > 0 && end.Sub(date) <= back {
			return "the clock goes back: the first time that it shows this"
		}
	}
	return ""
}

// skippedByClock lists the dates that there would be if the clock did not go forward: wall clock times that do not exist.
func (s Simulation) skippedByClock(there []Occasion) []Occasion {
	if s.Declared.Kind != model.TriggerSchedule {
		return nil
	}
	last := s.To
	if len(there) == s.Max {
		last = there[len(there)-1].Date
	}
	var out []Occasion
	for at := s.From.In(s.Declared.Zone); ; {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(last) {
			return out
		}
		_, before := end.Add(-1).Zone()
		_, after := end.Zone()
		gap := time.Duration(after-before) * time.Second
		fixed := time.FixedZone("", before) // as if the clock had not been changed
		for date, ok := s.Declared.Cron.Next(end.Add(-1).In(fixed)); gap > 0 && ok && date.Before(end.Add(gap)); date, ok = s.Declared.Cron.Next(date) {
			out = append(out, Occasion{Date: date, Notes: []string{
				"left out: the clock goes forward, and there is no " + date.Format("15:04:05") + " on that day"}})
		}
		at = end.In(s.Declared.Zone)
	}
}
