package flowstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
)

// rig is a store over a backend in memory that counts how often it compiles.
type rig struct {
	*Store
	b        backend.Backend
	compiled int
}

func newRig(t *testing.T, follow bool) *rig {
	t.Helper()
	r := &rig{b: memory.New()}
	t.Cleanup(func() { _ = r.b.Close() })
	r.Store = New(r.b.Flows(), func(_ context.Context, rec *backend.FlowRecord) (*model.Flow, error) {
		r.compiled++
		if rec.Source == "bad" {
			return nil, errors.New("it is no longer valid")
		}
		return &model.Flow{Tenant: rec.Tenant, Namespace: rec.Namespace, ID: rec.ID, Revision: rec.Revision, Source: rec.Source}, nil
	}, follow)
	return r
}

func key(id string, revision int) model.FlowKey {
	return model.FlowKey{Tenant: "main", Namespace: "ns", ID: id, Revision: revision}
}

func (r *rig) save(t *testing.T, id, source string, expect int) {
	t.Helper()
	if _, err := r.b.Flows().Save(t.Context(), backend.FlowRecord{Tenant: "main", Namespace: "ns", ID: id, Source: source}, expect); err != nil {
		t.Fatal(err)
	}
	r.Forget(key(id, 0))
}

// TestRevisions finds the latest revision and those before it, compiles each once, and sees a new one when it was saved.
func TestRevisions(t *testing.T) {
	for _, follow := range []bool{true, false} {
		r := newRig(t, follow)
		r.save(t, "f", "one", 0)
		for range 3 {
			if f, err := r.Get(t.Context(), key("f", 0)); err != nil || f.Source != "one" || f.Revision != 1 {
				t.Fatalf("%v %v", f, err)
			}
		}
		r.save(t, "f", "two", 1)
		for revision, want := range map[int]string{0: "two", 1: "one", 2: "two"} {
			if f, err := r.Get(t.Context(), key("f", revision)); err != nil || f.Source != want {
				t.Errorf("revision %d: %v %v", revision, f, err)
			}
		}
		if f, ok := r.Cached(key("f", 2)); !ok || f.Source != "two" {
			t.Errorf("revision 2 is not at hand")
		}
		if _, ok := r.Cached(key("f", 0)); ok != follow {
			t.Errorf("following %t: the latest is at hand %t, though others may save", follow, ok)
		}
		if r.compiled != 2 {
			t.Errorf("compiled %d times", r.compiled)
		}
		r.Reset()
		if _, ok := r.Cached(key("f", 1)); ok {
			t.Error("at hand after a reset")
		}
	}
}

// TestMissing has flows that are not there, were deleted, or are no longer valid.
func TestMissing(t *testing.T) {
	r := newRig(t, true)
	r.save(t, "bad", "bad", 0)
	r.save(t, "gone", "x", 0)
	if _, err := r.b.Flows().Delete(t.Context(), key("gone", 0), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(t.Context(), key("none", 0)); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("no flow: %v", err)
	}
	if f, err := r.Find(t.Context(), key("none", 0)); f != nil || err != nil {
		t.Errorf("finding none: %v %v", f, err)
	}
	if _, err := r.Get(t.Context(), key("gone", 0)); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if f, err := r.Get(t.Context(), key("gone", 1)); err != nil || f.Source != "x" {
		t.Errorf("executions of a deleted flow go on: %v %v", f, err)
	}
	for _, find := range []func(context.Context, model.FlowKey) (*model.Flow, error){r.Get, r.Find} {
		if f, err := find(t.Context(), key("bad", 0)); f != nil || err == nil || !strings.Contains(err.Error(), "flow ns.bad: it is no longer valid") {
			t.Errorf("not valid: %v %v", f, err)
		}
	}
}

// TestOvertaken has a flow saved while its revision before is being compiled: that one must not be taken for the latest.
func TestOvertaken(t *testing.T) {
	r := newRig(t, true)
	r.save(t, "f", "one", 0)
	compile := r.compile
	r.compile = func(ctx context.Context, rec *backend.FlowRecord) (*model.Flow, error) {
		r.compile = compile
		r.save(t, "f", "two", 1)
		return compile(ctx, rec)
	}
	if f, err := r.Get(t.Context(), key("f", 0)); err != nil || f.Source != "one" {
		t.Fatal(f, err)
	}
	if f, err := r.Get(t.Context(), key("f", 0)); err != nil || f.Source != "two" {
		t.Errorf("%v %v", f, err)
	}
}

// TestBound keeps no more flows than there is room for, and forgets the oldest.
func TestBound(t *testing.T) {
	r := newRig(t, true)
	for i := range maxCompiled + 1 {
		r.keep(&model.Flow{Tenant: "main", Namespace: "ns", ID: fmt.Sprint(i), Revision: 1}, true, 0)
	}
	if n := len(r.Store.compiled); n > maxCompiled || n != len(r.order) {
		t.Errorf("%d flows are kept, %d in order", n, len(r.order))
	}
	for id, want := range map[string]bool{"0": false, fmt.Sprint(maxCompiled): true} {
		if _, ok := r.Cached(key(id, 0)); ok != want {
			t.Errorf("%s is at hand: %t", id, ok)
		}
	}
}
