package schedule

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/windhover-io/windhover/internal/app"
)

// skewed is a clock that is set forward and back while time goes on.
type skewed struct{ by atomic.Int64 }

func (c *skewed) now() time.Time       { return time.Now().UTC().Add(time.Duration(c.by.Load())) }
func (c *skewed) set(by time.Duration) { c.by.Add(int64(by)) }
func (c *skewed) until(date time.Duration) {
	time.Sleep(time.Until(begins.Add(date).Add(-time.Duration(c.by.Load()))))
}

// every10 is a flow with a schedule each ten minutes that treats missed dates in each way.
const every10 = `
id: clocks
namespace: month
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}
triggers:
  - {id: all, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: "*/10 * * * *", recoverMissedSchedules: ALL}
  - {id: last, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: "*/10 * * * *", recoverMissedSchedules: LAST}
  - {id: none, type: io.kestra.plugin.core.trigger.Schedule, timezone: UTC, cron: "*/10 * * * *", recoverMissedSchedules: NONE}
`

// TestClockJumps: a clock that is set forward makes dates late, which are treated as missed ones; one that is set back
// brings none again, and the schedules go on where they were; whoever takes over has a clock of its own.
func TestClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, "")
		saveSource(t, a, every10)
		clock := &skewed{}
		m := beginAt(t, a, "first", clock.now)
		synctest.Wait()
		clock.until(65 * time.Minute)
		clock.set(3 * time.Hour) // 04:05: eighteen dates at once
		time.Sleep(30 * time.Second)
		if n := executed(t, a.Backend)["all "+begins.Add(4*time.Hour).Format(time.RFC3339)]; n != 1 {
			t.Errorf("half a minute after the clock was set forward: the date of 04:00 was executed %d times", n)
		}
		clock.until(5*time.Hour + 5*time.Minute)
		clock.set(-2 * time.Hour) // 03:05 again
		time.Sleep(30 * time.Second)
		before := len(executed(t, a.Backend))
		m.kill() // another one takes over, and reads timers by its clock
		<-m.done
		m = beginAt(t, a, "second", clock.now)
		clock.until(5*time.Hour + 5*time.Minute)
		if n := len(executed(t, a.Backend)); n != before {
			t.Errorf("%d dates came again", n-before)
		}
		clock.set(-10 * time.Second)
		clock.until(7*time.Hour + 5*time.Minute)

		want := map[string]int{}
		for at := 10 * time.Minute; at <= 7*time.Hour; at += 10 * time.Minute {
			date := begins.Add(at).Format(time.RFC3339)
			want["all "+date] = 1
			if missed := at > time.Hour && at <= 4*time.Hour; !missed {
				want["none "+date] = 1
			}
			if missed := at > time.Hour && at < 4*time.Hour; !missed {
				want["last "+date] = 1
			}
		}
		compare(t, executed(t, a.Backend), want)
		m.kill()
		<-m.done
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func saveSource(t *testing.T, a *app.App, source string) {
	t.Helper()
	if f, problems, err := a.SaveFlow(t.Context(), "main", []byte(source)); f == nil || err != nil {
		t.Fatal(problems, err)
	}
}

// zoned is a schedule in a time zone: the times of day at which it fires, and whether it also fires the second time that the
// clock shows them, when it goes back. A time that the clock does not show, when it goes forward, is left out.
type zoned struct {
	zone, cron string
	fires      func(hour, minute int) bool
	twice      bool
}

// inZones are fixed times, which fire once, and intervals, which go on while the clock goes back.
func inZones() (out []zoned) {
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"} {
		out = append(out,
			zoned{zone, "30 2 * * *", func(h, m int) bool { return h == 2 && m == 30 }, false},
			zoned{zone, "15 1 * * *", func(h, m int) bool { return h == 1 && m == 15 }, false},
			zoned{zone, "0 3 * * *", func(h, m int) bool { return h == 3 && m == 0 }, false},
			zoned{zone, "0 * * * *", func(_, m int) bool { return m == 0 }, true},
			zoned{zone, "*/20 * * * *", func(_, m int) bool { return m%20 == 0 }, true},
		)
	}
	return out
}

// dates are those after from, up to and with end: each minute is looked at by what the clock in the zone shows.
func (z zoned) dates(t *testing.T, from, end time.Time) (out []string) {
	zone, err := time.LoadLocation(z.zone)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for at := from.Truncate(time.Minute); !at.After(end); at = at.Add(time.Minute) {
		local := at.In(zone)
		wall := local.Format("2006-01-02T15:04")
		if z.fires(local.Hour(), local.Minute()) && at.After(from) && (z.twice || !shown[wall]) {
			out = append(out, local.Format(time.RFC3339))
		}
		shown[wall] = true
	}
	return out
}

// TestZones: through both changes of the clock of several zones, with schedulers that come and are killed, each date is
// executed once, and none that the clock leaves out.
func TestZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// In 2000 Europe changed on 26 March and 29 October, New York on 2 April and 29 October, Sydney and Lord Howe on
		// 26 March and 27 August. All of it shows in two days from 12:00 on the day before.
		march, april, august, october := time.Date(2000, 3, 25, 12, 0, 0, 0, time.UTC), time.Date(2000, 4, 1, 12, 0, 0, 0, time.UTC),
			time.Date(2000, 8, 26, 12, 0, 0, 0, time.UTC), time.Date(2000, 10, 28, 12, 0, 0, 0, time.UTC)
		spans := []time.Time{march, october} // forward and back
		if os.Getenv("WINDHOVER_LONG") != "" {
			spans = []time.Time{march, april, august, october}
		}
		for n, from := range spans {
			time.Sleep(time.Until(from.Add(30 * time.Second)))
			a := open(t, "")
			all := inZones()
			for i := 0; i < len(all); i += 5 {
				var b strings.Builder
				fmt.Fprintf(&b, "id: zone%d\nnamespace: month\ntasks:\n  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}\ntriggers:\n", i)
				for k := i; k < i+5; k++ {
					fmt.Fprintf(&b, "  - {id: z%d, type: io.kestra.plugin.core.trigger.Schedule, timezone: %s, cron: %q}\n", k, all[k].zone, all[k].cron)
				}
				saveSource(t, a, b.String())
			}
			m := begin(t, a, "first")
			synctest.Wait()
			began := time.Now()
			end := from.AddDate(0, 0, 2)
			for k := 0; time.Now().Before(end); k++ {
				time.Sleep(min(7*time.Hour+11*time.Minute, time.Until(end)))
				m.kill()
				<-m.done
				m = begin(t, a, fmt.Sprint("next-", k))
			}
			time.Sleep(50 * time.Second)
			m.kill()
			<-m.done
			want := map[string]int{}
			for i, z := range all {
				for _, date := range z.dates(t, began, end) {
					want[fmt.Sprintf("z%d %s", i, date)]++
				}
			}
			t.Logf("span %d: %d dates", n, len(want))
			compare(t, executed(t, a.Backend), want)
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
