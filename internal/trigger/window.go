package trigger

import (
	"fmt"
	"time"

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
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	return zone, nil
}

func dailyWindow(local *time.Location, p props, from, to string) (w window, err error) {
	w.daily, w.to = true, day
	if w.zone, err = zoneOf(p, local); err != nil {
		return w, err
	}
	if text := p.text(from); from != "" && text != "" {
		if w.from, err = clock(text); err != nil {
			return w, fmt.Errorf("%s: %w", from, err)
		}
	}
	if text := p.text(to); text != "" {
		if w.to, err = clock(text); err != nil {
			return w, fmt.Errorf("%s: %w", to, err)
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
		return start, end, !now.Before(start) && now.Before(end)
	}
	// Windows shorter than a day follow one another from midnight, others from the first day of the calendar.
	shifted := local.Add(-w.offset)
	base := time.Date(shifted.Year(), shifted.Month(), shifted.Day(), 0, 0, 0, 0, w.zone)
	if w.length >= day {
		days := int(w.length / day)
		since := int(time.Date(shifted.Year(), shifted.Month(), shifted.Day(), 0, 0, 0, 0, time.UTC).Unix() / int64(day/time.Second))
		base = base.AddDate(0, 0, -(since % days))
		return base.Add(w.offset), base.AddDate(0, 0, days).Add(w.offset), true
	}
	n := shifted.Sub(base) / w.length
	start = base.Add(n * w.length).Add(w.offset)
	return start, start.Add(w.length), true
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
	complete, some := true, len(list) == 0
	for _, g := range list {
		any, enough, err := t.meet(g, s)
		if err != nil {
			return false, err
		}
		complete, some = complete && enough, some || any
	}
	if !complete || !some {
		return false, nil
	}
	for _, g := range list {
		s.vars.Set("outputs", variablesOf(t.rec.Engine.Windows[g.id].Outputs))
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
			w.Met[p.name] = model.TriggerMet{ExecutionID: s.upstream.Execution.ID, At: t.now}
		}
	}
	if any {
		w.Outputs = mergeOutputs(w.Outputs, s.upstream.Execution.Outputs)
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
	if len(w.Met) > 0 {
		w.Outputs = old.Outputs
	}
	return w
}

func mergeOutputs(old, more []byte) []byte {
	if len(old) == 0 {
		return more
	}
	merged, _ := value.ParseJSON(old)
	added, _ := value.ParseJSON(more)
	m, _ := merged.(*value.Map)
	a, _ := added.(*value.Map)
	if m == nil || a == nil {
		return old
	}
	m = m.Clone()
	for k, v := range a.All() {
		m.Set(k, v)
	}
	return value.AppendJSON(nil, m, value.JSONOptions{KeepNulls: true})
}
