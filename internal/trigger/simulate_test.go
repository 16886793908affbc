package trigger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/model"
)

func TestSimulate(t *testing.T) {
	for _, c := range []struct {
		name, properties, from, to string
		takes                      time.Duration
		down                       string // from/to
		conditions                 []*model.Condition
		want                       []string
	}{
		{name: "plain", properties: `{"cron": "0 */6 * * *"}`, from: "2026-03-02T01:00:00Z", to: "2026-03-02T19:00:00Z", want: []string{
			"2026-03-02T06:00:00Z runs", "2026-03-02T12:00:00Z runs", "2026-03-02T18:00:00Z runs"}},
		{name: "the first counts", properties: `{"cron": "0 */6 * * *"}`, from: "2026-03-02T06:00:00Z", to: "2026-03-02T07:00:00Z", want: []string{
			"2026-03-02T06:00:00Z runs"}},
		{name: "forward", properties: `{"cron": "30 2 * * *", "timezone": "Europe/Paris"}`, from: "2026-03-28T00:00:00Z", to: "2026-03-30T12:00:00Z", want: []string{
			"2026-03-28T02:30:00+01:00 runs",
			"2026-03-29T02:30:00+01:00 left out: the clock goes forward, and there is no 02:30:00 on that day",
			"2026-03-30T02:30:00+02:00 runs"}},
		{name: "forward, each half hour", properties: `{"cron": "*/30 1-3 * * *", "timezone": "Europe/Paris"}`, from: "2026-03-29T00:20:00Z", to: "2026-03-29T02:00:00Z", want: []string{
			"2026-03-29T01:30:00+01:00 runs",
			"2026-03-29T02:00:00+01:00 left out: the clock goes forward, and there is no 02:00:00 on that day",
			"2026-03-29T02:30:00+01:00 left out: the clock goes forward, and there is no 02:30:00 on that day",
			"2026-03-29T03:00:00+02:00 runs", "2026-03-29T03:30:00+02:00 runs"}},
		{name: "back", properties: `{"cron": "0 * * * *", "timezone": "Europe/Paris"}`, from: "2026-10-25T00:00:00Z", to: "2026-10-25T02:00:00Z", want: []string{
			"2026-10-25T02:00:00+02:00 runs the clock goes back: the first time that it shows this",
			"2026-10-25T02:00:00+01:00 runs the clock goes back: the second time that it shows this",
			"2026-10-25T03:00:00+01:00 runs"}},
		{name: "late", properties: `{"cron": "* * * * *"}`, from: "2026-03-02T12:00:00Z", to: "2026-03-02T12:03:00Z", takes: 90 * time.Second, want: []string{
			"2026-03-02T12:00:00Z runs", "2026-03-02T12:01:00Z runs late by 30s", "2026-03-02T12:02:00Z runs late by 1m0s",
			"2026-03-02T12:03:00Z waits: an execution runs"}},
		{name: "skip", properties: `{"cron": "* * * * *", "overlap": "SKIP"}`, from: "2026-03-02T12:00:00Z", to: "2026-03-02T12:03:00Z", takes: 90 * time.Second, want: []string{
			"2026-03-02T12:00:00Z runs", "2026-03-02T12:01:00Z left out: an execution runs", "2026-03-02T12:02:00Z runs",
			"2026-03-02T12:03:00Z left out: an execution runs"}},
		{name: "cancel", properties: `{"cron": "* * * * *", "overlap": "CANCEL_RUNNING"}`, from: "2026-03-02T12:00:00Z", to: "2026-03-02T12:01:00Z", takes: time.Hour, want: []string{
			"2026-03-02T12:00:00Z runs killed by the next date", "2026-03-02T12:01:00Z runs"}},
		{name: "down", properties: `{"cron": "0 * * * *", "recoverMissedSchedules": "LAST"}`, from: "2026-03-02T12:00:00Z", to: "2026-03-02T16:00:00Z",
			down: "2026-03-02T12:30:00Z/2026-03-02T15:30:00Z", want: []string{
				"2026-03-02T12:00:00Z runs", "2026-03-02T13:00:00Z missed: no scheduler runs", "2026-03-02T14:00:00Z missed: no scheduler runs",
				"2026-03-02T15:00:00Z runs late by 30m0s", "2026-03-02T16:00:00Z runs"}},
		{name: "condition", properties: `{"cron": "0 12 * * *"}`, from: "2026-03-06T00:00:00Z", to: "2026-03-07T23:00:00Z",
			conditions: []*model.Condition{condition("Weekend", "")}, want: []string{
				"2026-03-06T12:00:00Z left out: its conditions do not hold", "2026-03-07T12:00:00Z runs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{t: t}
			r.declare(model.TriggerSchedule, c.properties, c.conditions...)
			declared, err := r.Declared()
			if err != nil {
				t.Fatal(err)
			}
			s := Simulation{Declared: declared, World: r, From: at(c.from), To: at(c.to), Takes: c.takes, Max: 100}
			if from, to, ok := strings.Cut(c.down, "/"); ok {
				s.DownFrom, s.DownTo = at(from), at(to)
			}
			list, err := s.Run()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range list {
				line := o.Date.Format(time.RFC3339)
				if o.Start != nil {
					line += " runs"
				}
				got = append(got, strings.TrimSpace(fmt.Sprint(line, " ", strings.Join(o.Notes, ", "))))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
