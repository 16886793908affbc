package trigger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// window says when what has happened counts. It is one of three: daily, between two times of day; of fixed length, one
// after the other; or sliding, where each thing counts for some time after it has happened.
type window struct {
	zone     *time.Location
	daily    bool
	from, to time.Duration // times of day
	length   time.Duration // of windows one after the other
	offset   time.Duration // by which these are shifted
	lookback time.Duration // of a sliding window
}

const day = 24 * time.Hour

// windowOf reads a timeWindow; a missing one is a day, from midnight.
func windowOf(p props, local *time.Location) (window, error) {
	switch p.text("type") {
	case "DAILY_TIME_DEADLINE":
		return dailyWindow(local, p, "", "deadline")
	case "DAILY_TIME_WINDOW":
		return dailyWindow(local, p, "startTime", "endTime")
	case "SLIDING_WINDOW":
		return slidingWindow(p, "window")
	default:
		return durationWindow(p, "window", "windowAdvance", local)
	}
}

func zoneOf(p props, local *time.Location) (*time.Location, error) {
	name := p.text("timezone")
	if name == "" {
		return local, nil
	}
	zone, err := javatime.Zone(name)
	return zone, inProperty(err, "timezone")
}

func dailyWindow(local *time.Location, p props, from, to string) (w window, err error) {
	w.daily, w.to = true, day
	if w.zone, err = zoneOf(p, local); err != nil {
		return w, err
	}
	if text := p.text(from); from != "" && text != "" {
		if w.from, err = clock(text); err != nil {
			return w, inProperty(err, from)
		}
	}
	if text := p.text(to); text != "" {
		if w.to, err = clock(text); err != nil {
			return w, inProperty(err, to)
		}
	}
	return w, nil
}

// clock reads a time of day; an offset that it may have is of no account, since the window has a zone.
func clock(text string) (time.Duration, error) {
	t, ok := wallTime(text)
	if !ok {
		return 0, fmt.Errorf("%q is not a time of day", text)
	}
	return timeOfDay(t), nil
}

func slidingWindow(p props, length string) (w window, err error) {
	if w.lookback, err = p.duration(length); err == nil && w.lookback <= 0 {
		w.lookback = day
	}
	return w, err
}

func durationWindow(p props, length, offset string, local *time.Location) (w window, err error) {
	if w.zone, err = zoneOf(p, local); err != nil {
		return w, err
	}
	if w.length, err = p.duration(length); err != nil {
		return w, err
	}
	if w.length <= 0 {
		w.length = day
	}
	w.offset, err = p.duration(offset)
	return w, err
}

// at is the window that a time falls into; false when it falls into none. A sliding one begins as far back as it reaches.
func (w window) at(now time.Time) (start, end time.Time, ok bool) {
	if w.lookback > 0 {
		return now.Add(-w.lookback), now.Add(w.lookback), true
	}
	local := now.In(w.zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, w.zone)
	if w.daily {
		start, end = onClock(midnight, w.from), onClock(midnight, w.to)
		switch {
		case w.to > w.from:
		case now.Before(end): // it goes over midnight, and began yesterday
			start = onClock(midnight.AddDate(0, 0, -1), w.from)
		default:
			end = onClock(midnight.AddDate(0, 0, 1), w.to)
		}
		return start, end, !now.Before(start) && now.Before(end)
	}
	// Windows shorter than a day follow one another from midnight, others from the first day of the calendar, by the clock
	// on the wall.
	shifted := local.Add(-w.offset)
	if w.length >= day {
		n := wallClock(shifted).Sub(time.Unix(0, 0)) / w.length
		begin := time.Unix(0, 0).UTC().Add(n * w.length)
		return inZone(begin, w.zone).Add(w.offset), inZone(begin.Add(w.length), w.zone).Add(w.offset), true
	}
	base := time.Date(shifted.Year(), shifted.Month(), shifted.Day(), 0, 0, 0, 0, w.zone)
	n := shifted.Sub(base) / w.length
	start = base.Add(n * w.length).Add(w.offset)
	return start, start.Add(w.length), true
}

// wallClock is what the clock shows, as if it were UTC; inZone is the time at which the clock of a zone shows that.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func inZone(wall time.Time, zone *time.Location) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
}

// onClock is a time of day of the day that begins at midnight.
func onClock(midnight time.Time, of time.Duration) time.Time {
	return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, 0, 0, int(of), midnight.Location())
}

// gather notes what an execution meets of what the trigger waits for, and tells whether that completes it. Without
// anything to gather every execution does.
func (t *turn) gather(s *scene) (complete bool, err error) {
	list, err := t.decl.gatherings()
	if err != nil {
		return false, err
	}
	if t.actedBefore() {
		return false, nil
	}
	complete, some := true, len(list) == 0
	for _, g := range list {
		any, enough, err := t.meet(g, s)
		if err != nil {
			return false, err
		}
		complete, some = complete && enough, some || any
	}
	if some && len(list) > 0 {
		t.remember()
	}
	if !complete || !some {
		return false, nil
	}
	for _, g := range list {
		s.vars.Set("outputs", gathered(t.rec.Engine.Windows[g.id]))
		if g.reset {
			delete(t.rec.Engine.Windows, g.id)
		}
	}
	return true, nil
}

// meet notes what an execution meets of one gathering, and tells whether it meets any of it, and whether enough is met now.
func (t *turn) meet(g gathering, s *scene) (any, enough bool, err error) {
	start, end, inside := g.window.at(t.now)
	if !inside {
		return false, false, nil
	}
	w := t.window(g, start, end)
	for _, p := range g.parts {
		ok, err := p.met(s)
		if err != nil {
			return false, false, fmt.Errorf("%s: %w", p.name, err)
		}
		if ok {
			any = true
			w.Met[p.name] = model.TriggerMet{ExecutionID: s.upstream.Execution.ID, At: t.now, Outputs: s.upstream.Execution.Outputs}
		}
	}
	if any {
		t.rec.Engine.Windows[g.id] = w
	}
	return any, len(w.Met) >= g.enough, nil
}

// window is what is remembered of a gathering, as far as it still counts. It is a copy: what is stored is not changed.
func (t *turn) window(g gathering, start, end time.Time) *model.TriggerWindow {
	w := &model.TriggerWindow{Met: map[string]model.TriggerMet{}}
	old := t.rec.Engine.Windows[g.id]
	if old == nil {
		return w
	}
	for _, p := range g.parts {
		if met, ok := old.Met[p.name]; ok && !met.At.Before(start) && met.At.Before(end) {
			w.Met[p.name] = met
		}
	}
	return w
}

// gathered are the outputs of the executions that met a gathering, the newest of each name.
func gathered(w *model.TriggerWindow) *value.Map {
	met := slices.SortedFunc(maps.Values(w.Met), func(a, b model.TriggerMet) int { return a.At.Compare(b.At) })
	out := value.NewMap(len(met))
	for _, m := range met {
		for name, v := range variablesOf(m.Outputs).All() {
			out.Set(name, v)
		}
	}
	return out
}
