package purge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// Policy says how long an installation keeps what executions leave. A duration of 0 is for ever.
type Policy struct {
	// Executions is how long executions are kept after their end, with all that belongs to them, unless a rule says otherwise.
	Executions time.Duration
	// Rules are exceptions for some executions; the first one that fits decides.
	Rules []Rule
	// Logs, Metrics and Files are how long these are kept at most: log lines and metrics from when they were written, files
	// from the end of the execution.
	Logs, Metrics, Files time.Duration
	// Every is how long after one sweep the next one begins.
	Every time.Duration
	// Batch is how many executions are deleted at once.
	Batch int
}

// Rule is how long some executions are kept. What is empty fits all.
type Rule struct {
	Namespace string // with those below it, unless a flow is named
	FlowID    string
	States    []model.State
	Keep      time.Duration
}

func (r *Rule) fits(e *model.Execution) bool {
	inNamespace := r.Namespace == "" || e.Namespace == r.Namespace || r.FlowID == "" && strings.HasPrefix(e.Namespace, r.Namespace+".")
	return inNamespace && (r.FlowID == "" || e.FlowID == r.FlowID) && (len(r.States) == 0 || slices.Contains(r.States, e.State.Current()))
}

// Enabled tells whether anything is ever deleted.
func (p *Policy) Enabled() bool {
	return p.Executions > 0 || p.Logs > 0 || p.Metrics > 0 || p.Files > 0 || slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Keep > 0 })
}

// keep is how long an execution is kept after its end.
func (p *Policy) keep(e *model.Execution) time.Duration {
	for i := range p.Rules {
		if p.Rules[i].fits(e) {
			return p.Rules[i].Keep
		}
	}
	return p.Executions
}

// Retention deletes what a policy no longer keeps. It may run in many processes: a document that the one holds which sweeps
// keeps the others from sweeping too, and if two do all the same nothing is lost but work.
type Retention struct {
	Purger
	Policy
	Tenant string
	Log    *slog.Logger
	// Pause waits between batches, so that a sweep takes a small part of the backend's time; nil waits four times as long as
	// the batch took.
	Pause func(ctx context.Context, took time.Duration) error
}

// turn is the document that says who sweeps, and how far the files are done.
type turn struct {
	// Until is when another process may sweep, unless the one that does renews it.
	Until time.Time `json:"until"`
	// Next is when the next sweep is due.
	Next time.Time `json:"next"`
	// FilesUpTo is the start date up to which the files of executions are gone; Open are executions before it that had not
	// ended then.
	FilesUpTo time.Time `json:"filesUpTo"`
	Open      []string  `json:"open,omitempty"`

	version int
}

const (
	turnKind = "lease"
	turnID   = "retention"
	// holdFor is how long a sweep may say nothing before another process takes over.
	holdFor = 2 * time.Minute
	// lookEvery is how often it is asked whether a sweep is due.
	lookEvery = time.Minute
)

// Run sweeps whenever it is due, until the context ends.
func (r *Retention) Run(ctx context.Context) error {
	t := time.NewTicker(min(lookEvery, r.Every))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		done, err := r.Sweep(ctx, time.Now().UTC())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Log.Warn("what is old could not be deleted; it is tried again", "error", err)
		case done != Deleted{}:
			r.Log.Info("what is old was deleted", "executions", done.Executions, "logs", done.Logs, "metrics", done.Metrics, "files", done.Files)
		}
	}
}

// Sweep deletes what is old at a time, unless it is not due or another process does.
func (r *Retention) Sweep(ctx context.Context, now time.Time) (Deleted, error) {
	var out Deleted
	t, err := r.take(ctx, now)
	if t == nil || err != nil {
		return out, err
	}
	if err := r.sweepExecutions(ctx, now, t, &out); err != nil {
		return out, err
	}
	if err := r.sweepLines(ctx, now, &out); err != nil {
		return out, err
	}
	if err := r.sweepFiles(ctx, now, t, &out); err != nil {
		return out, err
	}
	t.Until, t.Next = now, now.Add(r.Every)
	return out, r.store(ctx, t)
}

// take begins a sweep; nil where there is none to do.
func (r *Retention) take(ctx context.Context, now time.Time) (*turn, error) {
	t := &turn{}
	d, err := r.Backend.Documents().Get(ctx, turnKind, r.Tenant, "", turnID)
	switch {
	case errors.Is(err, backend.ErrNotFound):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(d.Body, t); err != nil {
			return nil, fmt.Errorf("the document %s of %s: %w", turnID, turnKind, err)
		}
		t.version = d.Version
	}
	if now.Before(t.Until) || now.Before(t.Next) {
		return nil, nil
	}
	err = r.hold(ctx, t)
	if errors.Is(err, backend.ErrConflict) {
		return nil, nil
	}
	return t, err
}

// hold says that this process goes on sweeping.
func (r *Retention) hold(ctx context.Context, t *turn) error {
	t.Until = time.Now().UTC().Add(holdFor)
	return r.store(ctx, t)
}

func (r *Retention) store(ctx context.Context, t *turn) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	version, err := r.Backend.Documents().Put(ctx, backend.Document{
		Kind: turnKind, Tenant: r.Tenant, ID: turnID, Body: body, Updated: time.Now().UTC(),
	}, t.version)
	if err == nil {
		t.version = version
	}
	return err
}

// batches goes through what a query finds. It pauses between batches and goes on holding the turn.
func (r *Retention) batches(ctx context.Context, q backend.Query, t *turn, do func([]*model.Execution) error) error {
	return r.Batches(ctx, q, r.Batch, func(list []*model.Execution) error {
		began := time.Now()
		if err := do(list); err != nil {
			return err
		}
		if err := r.pause(ctx, time.Since(began)); err != nil {
			return err
		}
		if time.Until(t.Until) > holdFor/2 {
			return nil
		}
		return r.hold(ctx, t)
	})
}

func (r *Retention) pause(ctx context.Context, took time.Duration) error {
	if r.Pause != nil {
		return r.Pause(ctx, took)
	}
	wait := time.NewTimer(4 * took)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}

// sweepExecutions deletes executions: for each rule those that it may fit, and then those of no rule. Which rule decides is
// looked at for every execution, as an earlier rule may fit as well.
func (r *Retention) sweepExecutions(ctx context.Context, now time.Time, t *turn, out *Deleted) error {
	for _, rule := range append(slices.Clone(r.Rules), Rule{Keep: r.Executions}) {
		if rule.Keep <= 0 {
			continue
		}
		var states []string
		for _, s := range rule.States {
			states = append(states, s.String())
		}
		q := Before(r.Tenant, now.Add(-rule.Keep), states)
		q.Filters = append(q.Filters, InNamespace(rule.Namespace, rule.FlowID)...)
		err := r.batches(ctx, q, t, func(list []*model.Execution) error {
			old := slices.DeleteFunc(slices.Clone(list), func(e *model.Execution) bool {
				keep := r.keep(e)
				end, ended := e.State.End()
				return keep <= 0 || !ended || end.After(now.Add(-keep))
			})
			n, err := r.Delete(ctx, old, Everything)
			out.Add(n)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepLines deletes log lines and metrics; backends delete them a few at a time.
func (r *Retention) sweepLines(ctx context.Context, now time.Time, out *Deleted) error {
	upTo := func(keep time.Duration) backend.Query {
		return backend.Query{Tenant: r.Tenant, Filters: []backend.Filter{
			{Field: backend.FieldEndDate, Op: backend.OpLessEq, Value: now.Add(-keep)},
		}}
	}
	if r.Logs > 0 {
		n, err := r.Backend.Logs().Delete(ctx, upTo(r.Logs))
		if out.Logs += n; err != nil {
			return err
		}
	}
	if r.Metrics > 0 {
		n, err := r.Backend.Metrics().Delete(ctx, upTo(r.Metrics))
		if out.Metrics += n; err != nil {
			return err
		}
	}
	return nil
}

// sweepFiles deletes the files of executions that stay themselves. It goes on where the last sweep ended, by start date, and
// looks again at those that had not ended then.
func (r *Retention) sweepFiles(ctx context.Context, now time.Time, t *turn, out *Deleted) error {
	if r.Files <= 0 {
		return nil
	}
	limit := now.Add(-r.Files)
	var open []string
	drop := func(list []*model.Execution) error {
		var old []*model.Execution
		for _, e := range list {
			if end, ended := e.State.End(); e.Engine.Finished && ended && !end.After(limit) {
				old = append(old, e)
			} else {
				open = append(open, e.ID)
			}
		}
		n, err := r.Delete(ctx, old, What{Files: true})
		out.Add(n)
		return err
	}
	for ids := range slices.Chunk(t.Open, r.Batch) {
		q := backend.Query{Tenant: r.Tenant, NoTotal: true, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpIn, Value: ids}}}
		if err := r.batches(ctx, q, t, drop); err != nil {
			return err
		}
	}
	q := backend.Query{Tenant: r.Tenant, NoTotal: true, Sort: []backend.Sort{{By: "state.startDate"}}, Filters: []backend.Filter{
		{Field: backend.FieldStartDate, Op: backend.OpGreater, Value: t.FilesUpTo},
		{Field: backend.FieldStartDate, Op: backend.OpLessEq, Value: limit},
	}}
	if err := r.batches(ctx, q, t, drop); err != nil {
		return err
	}
	t.FilesUpTo, t.Open = limit, open
	return nil
}
