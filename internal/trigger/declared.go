// Package trigger decides what becomes of a trigger when its date has come, an execution has ended, a worker has answered
// or somebody asks for something. Decide is a function of what is remembered, the event, the time and what World answers:
// it draws nothing at random, reads no clock and changes nothing itself.
package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/windhover-io/windhover/internal/cron"
	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Declared is a trigger as its flow declares it now.
type Declared struct {
	*model.Trigger
	Flow *model.Flow
	// Disabled is set when the flow or the trigger is.
	Disabled bool
	// Fingerprint differs when the trigger was changed.
	Fingerprint string

	Cron    *cron.Schedule // of a Schedule
	Zone    *time.Location // that dates are meant and shown in
	Dates   []time.Time    // of a ScheduleOnDates, ascending
	Late    time.Duration  // dates that are later than this are left out; 0: none are
	Recover string         // which missed dates are made up for: ALL, LAST, NONE
	Overlap Overlap
	Jitter  time.Duration
	// Interval is the time from the end of an evaluation to the next one.
	Interval    time.Duration
	FailOnError bool
	// Priority orders executions that wait for a slot of their flow's concurrency limit: the highest first.
	Priority int
}

// Overlap says what happens to dates that come while an execution of the trigger runs.
type Overlap string

// The overlap policies.
const (
	QueueAll      Overlap = "QUEUE_ALL"      // each of them runs, one after the other: what the reference does
	QueueOne      Overlap = "QUEUE_ONE"      // the last of them runs
	Skip          Overlap = "SKIP"           // none of them runs
	CancelRunning Overlap = "CANCEL_RUNNING" // the execution is killed, the date runs
	Allow         Overlap = "ALLOW"          // it runs at once, beside the execution
)

// Recover policies.
const (
	RecoverAll  = "ALL"
	RecoverLast = "LAST"
	RecoverNone = "NONE"
)

// defaultInterval is that of polling triggers which have none.
const defaultInterval = time.Minute

// Declare reads a trigger of a flow. Local is the time zone of the server, recover the policy for triggers without one;
// render evaluates the expressions of those properties that may have some.
func Declare(f *model.Flow, t *model.Trigger, local *time.Location, recover string, render func(string) (string, error)) (*Declared, error) {
	d := &Declared{
		Trigger: t, Flow: f, Disabled: f.Disabled || t.Disabled, Zone: local, Recover: recover, Overlap: QueueAll,
		Interval: defaultInterval,
	}
	d.Fingerprint = fingerprint(t)
	p := props{t.Props}
	name, err := rendered(p.text("timezone"), render)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	if name != "" {
		if d.Zone, err = javatime.Zone(name); err != nil {
			return nil, fmt.Errorf("timezone: %w", err)
		}
	}
	if policy := p.text("recoverMissedSchedules"); policy != "" {
		d.Recover = policy
	}
	if p.flag("allowConcurrent") {
		d.Overlap = Allow
	}
	if o := p.text("overlap"); o != "" {
		d.Overlap = Overlap(o)
	}
	d.FailOnError = p.flag("failOnTriggerError")
	if text := p.text("priority"); text != "" {
		if _, err := fmt.Sscan(text, &d.Priority); err != nil {
			return nil, fmt.Errorf("priority: %q is not a whole number", text)
		}
	}
	for _, span := range []struct {
		name string
		into *time.Duration
	}{{"lateMaximumDelay", &d.Late}, {"jitter", &d.Jitter}, {"interval", &d.Interval}} {
		if text := p.text(span.name); text != "" {
			if *span.into, err = model.ParseDuration(text); err != nil {
				return nil, fmt.Errorf("%s: %w", span.name, err)
			}
		}
	}
	d.Interval = max(d.Interval, time.Second)
	return d, d.kindProperties(p, render)
}

// kindProperties reads what only triggers of one kind have.
func (d *Declared) kindProperties(p props, render func(string) (string, error)) (err error) {
	switch d.Kind {
	case model.TriggerSchedule:
		d.Cron, err = cron.Parse(p.text("cron"), p.flag("withSeconds"))
	case model.TriggerDates:
		d.Dates, err = p.dates("dates", render)
	}
	return err
}

// Concurrent tells whether the trigger starts executions while one that it started runs.
func (d *Declared) Concurrent() bool { return d.Overlap == Allow }

// Scheduled tells whether the trigger has dates.
func (d *Declared) Scheduled() bool {
	return d.Kind == model.TriggerSchedule || d.Kind == model.TriggerDates
}

// OnWorker tells whether a worker evaluates the trigger.
func (d *Declared) OnWorker() bool {
	return d.Kind == model.TriggerPolling || d.Kind == model.TriggerRealtime
}

// Entity is the trigger as an entity.
func (d *Declared) Entity() model.Entity {
	return model.TriggerEntity(d.Flow.Tenant, d.Flow.Namespace, d.Flow.ID, d.ID)
}

// fingerprint identifies what a trigger does: its type, its properties and its conditions, and whether it is disabled.
func fingerprint(t *model.Trigger) string {
	h := sha256.New()
	put := func(v any) { h.Write(value.AppendJSON(nil, v, value.JSONOptions{KeepNulls: true})); h.Write([]byte{0}) }
	put(t.Type)
	put(t.Props)
	put(t.Disabled)
	var conditions func(list []*model.Condition)
	conditions = func(list []*model.Condition) {
		put(value.Int(int64(len(list))))
		for _, c := range list {
			put(c.Type)
			put(c.Props)
			conditions(c.Conditions)
		}
	}
	conditions(t.Conditions)
	if t.WorkerGroup != nil {
		put(t.WorkerGroup.Key)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
