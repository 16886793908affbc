package launch

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

// only finds one flow.
type only struct{ flow *model.Flow }

func (o only) Get(_ context.Context, key model.FlowKey) (*model.Flow, error) {
	if key.ID != o.flow.ID {
		return nil, backend.ErrNotFound
	}
	return o.flow, nil
}

// secrets reveals every secret as the same text.
type secrets struct{}

func (secrets) Secret(context.Context, string, string, string) (string, error) {
	return "hush hush", nil
}

func launcher(t *testing.T, f *model.Flow) *Launcher {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	f.Tenant, f.Namespace, f.ID, f.Revision = "main", "ns", "f", 3
	return &Launcher{
		Backend: b, Flows: only{f}, World: &world.World{Backend: b, Secrets: secrets{}}, Location: time.UTC, Masks: &mask.Book{},
		Inputs:  &inputs.Resolver{Templates: expr.NewCache(10), Encrypt: func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }},
		Decrypt: func(s string) (string, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err },
	}
}

func request(given ...value.Entry) Request {
	return Request{Flow: model.FlowKey{Tenant: "main", Namespace: "ns", ID: "f"}, Inputs: value.MapOf(given...)}
}

// TestPrepare makes the header of an execution and the event that creates it.
func TestPrepare(t *testing.T) {
	l := launcher(t, &model.Flow{
		Labels: []model.Label{{Key: "team", Value: "flow"}, {Key: "system.from", Value: "flow"}},
		Inputs: []*model.Input{{ID: "a", Type: "INT", Required: true}, {ID: "b", Type: "STRING", Defaults: "{{ inputs.a }} of {{ flow.id }}", DependsOn: &model.DependsOn{Inputs: []string{"a"}}}},
	})
	r := request(value.Entry{Key: "a", Value: "7"})
	r.Labels, r.TraceParent = []model.Label{{Key: "team", Value: "given"}}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	p, err := l.Prepare(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	e := p.Execution()
	if got := string(e.Inputs); got != `{"a":7,"b":"7 of f"}` {
		t.Errorf("inputs: %s", got)
	}
	want := []model.Label{{Key: "team", Value: "flow"}, {Key: "team", Value: "given"}, {Key: model.LabelCorrelation, Value: e.ID}}
	if diff := cmp.Diff(want, e.Labels); diff != "" {
		t.Error(diff)
	}
	if e.FlowRevision != 3 || e.OriginalID != e.ID || e.State.Current() != model.Created || e.TraceParent != r.TraceParent || e.Metadata.AttemptNumber != 1 {
		t.Errorf("%+v", e)
	}
	if ev := p.Event; ev.ID != "create-"+e.ID || ev.To != model.ExecutionEntity(e.ID) || ev.Kind != model.EventCreate || !ev.Fresh {
		t.Errorf("%+v", ev)
	}
	r.ID = "given-by-the-client"
	if p, err = l.Prepare(t.Context(), r); err != nil || p.Event.Fresh || p.Execution().ID != r.ID {
		t.Errorf("an id that was given is not fresh: %v %v", p, err)
	}
}

// TestRefused has requests that create nothing.
func TestRefused(t *testing.T) {
	l := launcher(t, &model.Flow{Inputs: []*model.Input{{ID: "a", Type: "INT", Required: true}}})
	var wrong *inputs.Error
	if _, err := l.Prepare(t.Context(), request()); !errors.As(err, &wrong) {
		t.Errorf("an input is missing: %v", err)
	}
	r := request(value.Entry{Key: "a", Value: 1})
	r.Labels = []model.Label{{Key: "system.username", Value: "root"}}
	if _, err := l.Prepare(t.Context(), r); !errors.Is(err, ErrLabel) {
		t.Errorf("a system label: %v", err)
	}
	r = request()
	r.Flow.ID = "other"
	if _, err := l.Prepare(t.Context(), r); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("no such flow: %v", err)
	}
	l = launcher(t, &model.Flow{Disabled: true})
	if _, err := l.Prepare(t.Context(), request()); !errors.Is(err, ErrDisabled) {
		t.Errorf("a disabled flow: %v", err)
	}
}

// TestChecks has the strongest behaviour of the checks that fail decide.
func TestChecks(t *testing.T) {
	check := func(holds bool, behavior string) *model.Check {
		c := &model.Check{Condition: "{{ inputs.n > 100 }}", Message: behavior + " {{ inputs.n }}", Behavior: behavior}
		if holds {
			c.Condition = "{{ inputs.n == 7 }}"
		}
		return c
	}
	for _, c := range []struct {
		checks        []*model.Check
		blocked, fail string
	}{
		{nil, "", ""},
		{[]*model.Check{check(true, "BLOCK_EXECUTION"), check(true, "FAIL_EXECUTION")}, "", ""},
		{[]*model.Check{check(false, "CREATE_EXECUTION")}, "", ""},
		{[]*model.Check{check(false, "FAIL_EXECUTION"), check(false, "CREATE_EXECUTION")}, "", "FAIL_EXECUTION 7"},
		{[]*model.Check{check(false, "FAIL_EXECUTION"), check(false, "BLOCK_EXECUTION")}, "BLOCK_EXECUTION 7", ""},
		{[]*model.Check{{Condition: "{{ nothing }}", Message: "cannot be told"}}, "cannot be told", ""},
	} {
		l := launcher(t, &model.Flow{Inputs: []*model.Input{{ID: "n", Type: "INT", Required: true}}, Checks: c.checks})
		p, err := l.Prepare(t.Context(), request(value.Entry{Key: "n", Value: 7}))
		var blocked *BlockedError
		switch {
		case c.blocked != "":
			if !errors.As(err, &blocked) || blocked.Error() != c.blocked {
				t.Errorf("%v, expected to be blocked by %q", err, c.blocked)
			}
		case err != nil || p.Event.Create.Fail != c.fail:
			t.Errorf("%v %+v, expected to fail with %q", err, p, c.fail)
		}
	}
}

// TestHidden has nothing told that expressions of inputs and checks have read.
func TestHidden(t *testing.T) {
	l := launcher(t, &model.Flow{
		Inputs: []*model.Input{{ID: "s", Type: "SECRET", Required: true}, {ID: "n", Type: "INT", Required: true, Defaults: "{{ secret('K') | upper }}"}},
	})
	_, err := l.Prepare(t.Context(), request(value.Entry{Key: "s", Value: "given secretly"}))
	if err == nil || strings.Contains(strings.ToLower(err.Error()), "hush") || !strings.Contains(err.Error(), mask.Stars) {
		t.Errorf("what is wrong with an input: %v", err)
	}
	l = launcher(t, &model.Flow{
		Inputs: []*model.Input{{ID: "s", Type: "SECRET", Required: true}},
		Checks: []*model.Check{{Condition: "false", Message: "{{ inputs.s }} and {{ secret('K') }}"}},
	})
	_, err = l.Prepare(t.Context(), request(value.Entry{Key: "s", Value: "given secretly"}))
	if err == nil || err.Error() != "****** and ******" {
		t.Errorf("a check says %v", err)
	}
}
