package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// polling is a trigger type that finds what the test says.
type polling struct{ found any }

func (p *polling) Poll(context.Context, sdk.Run) (any, error) { return p.found, nil }

// settled is a finding that tells how it was settled.
type settled struct {
	Name   string `json:"name"`
	Broken func() `json:"broken,omitempty"`
	told   chan bool
	do     func() error
}

func (s *settled) Settle(_ context.Context, durable bool) error {
	s.told <- durable
	return s.do()
}

// closedBackend refuses whatever is appended.
type closedBackend struct{ *remembering }

func (closedBackend) Append(_ []model.Event, done func(error)) { go done(backend.ErrClosed) }

func (closedBackend) Ask(context.Context, model.Event) (model.Answer, error) {
	return model.Answer{}, backend.ErrClosed
}

func (r *rig) trigger(found any) *model.Job {
	r.cfg.Registry.Add(plugin.Type{Name: "poll", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Polls.",
		New: func() any { return &polling{found: found} }})
	r.flow.Triggers = []*model.Trigger{{ID: "t", Type: "poll", Props: value.NewMap(0)}}
	return &model.Job{ID: "job", Flow: r.flow.Key(), TriggerID: "t", Attempt: 1, Vars: value.NewMap(0),
		Execution: model.JobHeader{ID: "planned", State: model.Created}}
}

func TestSettle(t *testing.T) {
	nothing := func() error { return nil }
	for name, tc := range map[string]struct {
		found   settled
		prepare func(r *rig)
		durable bool
		log     string
	}{
		"the report is durable":              {found: settled{do: nothing}, durable: true},
		"only a second try makes it durable": {found: settled{do: nothing}, prepare: func(r *rig) { r.backend.fail = 2 }, durable: true},
		"the report is lost":                 {found: settled{do: nothing}, prepare: func(r *rig) { r.cfg.Backend = closedBackend{r.backend} }},
		"the trigger has taken it back":      {found: settled{do: nothing}, prepare: func(r *rig) { r.backend.code = model.AnswerConflict }},
		"the outputs cannot be stored":       {found: settled{do: nothing, Broken: func() {}}},
		"settling fails": {found: settled{do: func() error { return errors.New("the server is gone") }}, durable: true,
			log: "the server is gone"},
		"settling panics": {found: settled{do: func() error { panic("oh") }}, durable: true, log: "panic while a trigger settled"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			tc.found.told = make(chan bool, 2)
			job := r.trigger(&tc.found)
			if tc.prepare != nil {
				tc.prepare(r)
			}
			r.run(t.Context(), job)
			if got := <-tc.found.told; got != tc.durable {
				t.Errorf("it was told durable=%v", got)
			}
			if len(tc.found.told) > 0 {
				t.Error("it was settled twice")
			}
			if !strings.Contains(r.log.String(), tc.log) {
				t.Errorf("the log has no %q: %s", tc.log, r.log)
			}
		})
	}
}

// The report comes before the settling, and the next evaluation after it.
func TestSettleOrder(t *testing.T) {
	r := newRig(t)
	var kinds []model.EventKind
	polls := make(chan string, 3)
	reached, release := make(chan struct{}), make(chan struct{})
	job := r.trigger(&settled{told: make(chan bool, 1), do: func() error {
		for _, e := range r.backend.events {
			kinds = append(kinds, e.Kind)
		}
		close(reached)
		<-release
		polls <- "settled"
		return nil
	}})
	go r.run(t.Context(), job)
	<-reached
	go func() {
		r.await(t.Context(), job)
		polls <- "next"
	}()
	close(release)
	if got := []string{<-polls, <-polls}; !cmp.Equal(got, []string{"settled", "next"}) {
		t.Errorf("order: %v", got)
	}
	if want := []model.EventKind{model.EventJobStarted, model.EventJobEnded}; !cmp.Equal(kinds, want) {
		t.Errorf("when it settles there are %v", kinds)
	}
}

// An evaluation that is taken back does not wait.
func TestAwaitEnds(t *testing.T) {
	r := newRig(t)
	job := r.trigger(nil)
	defer r.hold(job)()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	r.await(ctx, job)
}

// hanging is a trigger type whose evaluation ends only when it is stopped.
type hanging struct{}

func (hanging) Poll(ctx context.Context, _ sdk.Run) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestPollLimit: an evaluation that hangs is stopped, and fails.
func TestPollLimit(t *testing.T) {
	r := newRig(t)
	r.cfg.PollLimit = 20 * time.Millisecond
	job := r.trigger(nil)
	r.cfg.Registry.Add(plugin.Type{Name: "hang", Category: plugin.Trigger, Trigger: model.TriggerPolling, Title: "Hangs.", New: func() any { return &hanging{} }})
	r.flow.Triggers[0].Type = "hang"
	r.run(t.Context(), job)
	last := r.backend.events[len(r.backend.events)-1].Job
	if last.State != model.Failed || !strings.Contains(last.Error, "stopped after 00:00:00.020") {
		t.Errorf("%v: %q", last.State, last.Error)
	}
}
