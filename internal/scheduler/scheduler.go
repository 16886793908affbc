// Package scheduler owns shards of triggers and moves them by package trigger. Any number of schedulers may run: each date
// is one commit, of the trigger's next date and of the event that creates the execution.
package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
	"github.com/windhover-io/windhover/internal/trigger"
)

// Flows finds compiled flows.
type Flows interface {
	// Get returns the latest revision where the key names none.
	Get(ctx context.Context, key model.FlowKey) (*model.Flow, error)
	// Forget drops what is known of a flow's latest revision.
	Forget(key model.FlowKey)
}

// Config is what a Scheduler needs.
type Config struct {
	Backend  backend.Backend
	Flows    Flows
	Launcher *launch.Launcher
	// Recover is the policy for missed dates of triggers that name none: ALL, LAST or NONE.
	Recover string
	Log     *slog.Logger
	// Masks knows the secrets of the installation; nil: there are none.
	Masks *mask.Book
	// Member is the incarnation that asks for shards.
	Member string
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Scheduler moves triggers.
type Scheduler struct{ cfg Config }

// New returns a scheduler; Run starts it.
func New(cfg Config) *Scheduler {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Now().UTC() }
	}
	if cfg.Masks == nil {
		cfg.Masks = &mask.Book{}
	}
	if cfg.Recover == "" {
		cfg.Recover = trigger.RecoverAll
	}
	return &Scheduler{cfg}
}

// Run owns shards until the context ends.
func (s *Scheduler) Run(ctx context.Context) error {
	return shard.NewOwner(shard.Config{
		Backend: s.cfg.Backend, Machine: func() shard.Machine { return &machine{s.cfg} }, Log: s.cfg.Log, Member: s.cfg.Member,
		Kind: backend.TriggerShards, Now: s.cfg.Now,
	}).Run(ctx)
}

// machine is package trigger, as the loop sees it.
type machine struct{ cfg Config }

// actor is a trigger in memory.
type actor struct {
	m       *machine
	version int64
	state   *model.TriggerState
	due     time.Time // of its timer; zero for none
}

// Fresh is nil: triggers are loaded.
func (m *machine) Fresh(*model.Event) shard.Actor { return nil }

// Load takes what is remembered of a trigger, which may be nothing.
func (m *machine) Load(_ context.Context, _ model.Entity, snap *backend.Snapshot, _ bool) (shard.Actor, error) {
	a := &actor{m: m}
	if snap != nil {
		a.version, a.state = snap.Version, snap.Trigger
		for _, t := range snap.Timers {
			a.due = t.Due
		}
	}
	return a, nil
}

// Step decides beside the loop, since a decision looks into flows and evaluates expressions, and then takes the decision.
func (a *actor) Step(ev *model.Event, known any, now time.Time) shard.Outcome {
	d, decided := known.(trigger.Decision)
	if !decided {
		state := a.state
		return shard.Outcome{Ask: func(ctx context.Context) any {
			if ev.Kind == model.EventSync { // what this process knew of the flow may be older than the event
				key, _ := model.TriggerOf(ev.To)
				a.m.cfg.Flows.Forget(key)
			}
			return a.m.hidden(trigger.Decide(state, ev, now, newWorld(ctx, &a.m.cfg, ev.To)))
		}}
	}
	if a.state == nil && d.State == nil { // nothing is remembered of what there is not
		t := &model.Transition{Of: ev.To, JobsDone: d.Done, ClearTimers: d.Clear}
		if ev.Kind != model.EventTimer {
			t.Acks = []string{ev.ID}
		}
		if d.Answer != nil {
			t.Answers = []model.Answer{*d.Answer}
		}
		return shard.Outcome{Transition: t, Ignored: d.Ignored}
	}
	a.version++
	a.state = d.State
	t := &model.Transition{
		Of: ev.To, Version: a.version, Trigger: &model.TriggerChange{State: d.State}, Events: d.Events, Jobs: d.Jobs, JobsDone: d.Done,
		CancelJobs: d.Cancel, SetTimers: d.Set, ClearTimers: d.Clear, Logs: d.Logs,
	}
	a.due = time.Time{}
	for _, timer := range d.Set {
		a.due = timer.Due
	}
	if ev.Kind != model.EventTimer {
		t.Acks = []string{ev.ID}
	} else if len(d.Set) == 0 && len(d.Clear) == 0 {
		t.ClearTimers = []string{ev.Timer.ID}
	}
	if d.Answer != nil {
		t.Answers = []model.Answer{*d.Answer}
	}
	return shard.Outcome{Transition: t, Ignored: d.Ignored}
}

// hidden hides secrets in what people read of a trigger.
func (m *machine) hidden(d trigger.Decision) trigger.Decision {
	for i := range d.Logs {
		d.Logs[i].Message = m.cfg.Masks.Of("").Replace(d.Logs[i].Message)
	}
	if d.State != nil {
		d.State.Problem = m.cfg.Masks.Of("").Replace(d.State.Problem)
	}
	return d
}

// keepFor is how soon a trigger must be due to stay in memory: it is small, and to load it makes it late.
const keepFor = 5 * time.Minute

// Rests tells whether the trigger is not due soon.
func (a *actor) Rests(until time.Time) bool { return a.due.IsZero() || a.due.After(until.Add(keepFor)) }

// Crash disables a trigger that cannot be decided about.
func (m *machine) Crash(of model.Entity, snap *backend.Snapshot, ev *model.Event, reason string, now time.Time) *model.Transition {
	flow, id := model.TriggerOf(of)
	state := model.TriggerState{Tenant: flow.Tenant, Namespace: flow.Namespace, FlowID: flow.ID, TriggerID: id}
	if snap.Trigger != nil {
		state = *snap.Trigger
	}
	state.Disabled, state.Problem, state.Next = true, reason, nil
	state.EvaluateSince, state.WorkerID, state.Engine.JobID, state.Engine.PlannedID = nil, "", "", ""
	t := &model.Transition{Of: of, Version: snap.Version + 1, Trigger: &model.TriggerChange{State: &state}, CancelJobs: snap.Jobs}
	for _, timer := range snap.Timers {
		t.ClearTimers = append(t.ClearTimers, timer.ID)
	}
	if ev.Kind != model.EventTimer {
		t.Acks = []string{ev.ID}
	}
	if ev.Ask != "" {
		t.Answers = []model.Answer{{Ask: ev.Ask, Code: model.AnswerConflict, Message: reason}}
	}
	return t
}

// Missing finds evaluations that no worker has, and executions that are waited for though they have ended, or are no more.
func (m *machine) Missing(ctx context.Context, of model.Entity, snap *backend.Snapshot, now time.Time) (forgotten bool, lost []model.Event) {
	s := snap.Trigger
	if s == nil {
		return false, nil
	}
	if id := s.Engine.JobID; id != "" {
		if _, err := m.cfg.Backend.Waiting(ctx, id); errors.Is(err, backend.ErrNotFound) {
			lost = append(lost, model.Event{ID: id + ".lost", To: of, Kind: model.EventJobLost, At: now, Job: &model.JobReport{ID: id, Attempt: s.Engine.Job}})
		}
	}
	awaited := s.Engine.Filling
	if s.ExecutionID != "" && !slices.Contains(awaited, s.ExecutionID) {
		awaited = append(slices.Clip(awaited), s.ExecutionID)
	}
	for _, id := range awaited {
		lost = append(lost, m.vain(ctx, of, s.Tenant, id, now)...)
	}
	return false, lost
}

// vain tells of an execution that a trigger waits for in vain.
func (m *machine) vain(ctx context.Context, of model.Entity, tenant, id string, now time.Time) []model.Event {
	e, err := m.cfg.Backend.Executions().Get(ctx, tenant, id)
	switch {
	case errors.Is(err, backend.ErrNotFound), errors.Is(err, backend.ErrGone):
		// It may still be about to be created: its owner is asked, who hears of that first.
		return []model.Event{{ID: id + ".asked", To: model.ExecutionEntity(id), Kind: model.EventStillThere, At: now,
			Run: &model.RunEnd{ExecutionID: id, Asker: &of}}}
	case err == nil && e.Engine.Finished:
		return []model.Event{{ID: id + ".over", To: of, Kind: model.EventRunEnded, At: now, Run: &model.RunEnd{ExecutionID: id, State: e.State.Current()}}}
	}
	return nil
}
