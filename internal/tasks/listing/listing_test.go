package listing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// shelf is a place that is a map of names to versions.
type shelf struct {
	files  map[string]string
	moved  []string
	broken error // of removing
	part   bool  // it does not tell all
	closed bool
}

func (s *shelf) List(context.Context) ([]File, bool, error) {
	var out []File
	for name, version := range s.files {
		out = append(out, File{Key: name, Version: version, Modified: time.Unix(int64(len(version)), 0)})
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Key, b.Key) })
	return out, !s.part, nil
}

func (s *shelf) Open(_ context.Context, f File) (io.ReadCloser, error) {
	if s.files[f.Key] == "vanishing" {
		return nil, fmt.Errorf("%s: %w", f.Key, fs.ErrNotExist)
	}
	return io.NopCloser(strings.NewReader("content of " + f.Key)), nil
}

func (s *shelf) Current(_ context.Context, f File) (string, error) { return s.files[f.Key], nil }

func (s *shelf) Delete(_ context.Context, f File) error {
	if s.broken == nil {
		delete(s.files, f.Key)
	}
	return s.broken
}

func (s *shelf) Move(ctx context.Context, f File) error {
	if s.broken == nil {
		s.moved = append(s.moved, f.Key)
	}
	return s.Delete(ctx, f)
}

func (s *shelf) Close() { s.closed = true }

// watching is a trigger on a shelf.
type watching struct {
	*testing.T
	*shelf
	run   *sdktest.Run
	store *kv.Store
	look  Look
}

func watch(t *testing.T, action string) *watching {
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	w := &watching{T: t, shelf: &shelf{files: map[string]string{}}, run: sdktest.New(t), store: kv.New(b.Documents())}
	w.look = Look{Watch: Watch{On: onBoth, MaxFiles: 25}, Action: action, KV: w.store, Place: w.shelf, Trigger: "watch"}
	return w
}

// finds looks once and returns what starts the flow, such as "CREATE a".
func (w *watching) finds(want ...string) *Found {
	w.Helper()
	look := w.look
	found, err := look.Find(w.Context(), w.run)
	if err != nil {
		w.Fatal(err)
	}
	var got []string
	for _, f := range found.Files {
		got = append(got, f.Change+" "+f.Key)
		if content := w.run.Content(f.URI); content != "content of "+f.Key {
			w.Errorf("stored: %s", content)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("found: %s", d)
	}
	return found
}

func (w *watching) settle(f *Found, durable bool) {
	w.Helper()
	if err := f.Settle(w.Context(), durable); err != nil {
		w.Error(err)
	}
	if !w.closed {
		w.Error("the place is not closed")
	}
}

func TestLeftInPlace(t *testing.T) {
	w := watch(t, None)
	w.files = map[string]string{"a": "1", "b": "1"}
	f := w.finds("CREATE a", "CREATE b")
	w.settle(f, false)
	f = w.finds("CREATE a", "CREATE b") // nobody has heard of them
	w.settle(f, true)
	w.settle(w.finds(), true)
	w.files["a"] = "2"
	w.settle(w.finds("UPDATE a"), true)
	w.settle(w.finds(), true)
	delete(w.files, "a")
	w.settle(w.finds(), true)
	w.files["a"] = "2"
	w.settle(w.finds("CREATE a"), true) // it was away
	w.part = true
	delete(w.files, "a")
	w.settle(w.finds(), true)
	w.files["a"] = "2"
	w.settle(w.finds(), true) // as far as is known it was not
}

func TestOn(t *testing.T) {
	for on, want := range map[string][2][]string{
		onCreate: {{"CREATE a"}, nil},
		onUpdate: {nil, {"UPDATE a"}},
		onBoth:   {{"CREATE a"}, {"UPDATE a"}},
	} {
		t.Run(on, func(t *testing.T) {
			w := watch(t, None)
			w.look.On = on
			w.files["a"] = "1"
			w.settle(w.finds(want[0]...), true)
			w.files["a"] = "2"
			w.settle(w.finds(want[1]...), true)
			w.settle(w.finds(), true)
		})
	}
}

func TestRemoved(t *testing.T) {
	for _, action := range []string{Move, Delete} {
		t.Run(action, func(t *testing.T) {
			w := watch(t, action)
			w.look.On = onUpdate // counts for files that stay only
			w.files = map[string]string{"a": "1"}
			w.settle(w.finds("CREATE a"), false)
			f := w.finds("CREATE a")
			if len(w.files) != 1 {
				t.Error("it was removed before anybody heard of it")
			}
			w.settle(f, true)
			if len(w.files) != 0 || (len(w.moved) == 1) != (action == Move) {
				t.Errorf("left %v, moved %v", w.files, w.moved)
			}
			w.files["a"] = "1"
			w.settle(w.finds("CREATE a"), true) // the same again is a new file
			if _, err := w.store.Get(t.Context(), "main", "company.team", "company.team_flow_watch"); !errors.Is(err, backend.ErrNotFound) {
				t.Errorf("something is remembered: %v", err)
			}
		})
	}
}

// What was told of and could not be removed is not told of again, but removed as soon as that is possible.
func TestRemovedLater(t *testing.T) {
	w := watch(t, Delete)
	w.files = map[string]string{"a": "1"}
	w.broken = errors.New("read-only")
	if err := w.finds("CREATE a").Settle(t.Context(), true); err == nil {
		t.Error("the failure is not told")
	}
	w.settle(w.finds(), true)
	if !strings.Contains(w.run.Logged(), "read-only") {
		t.Error("the reason is not logged")
	}
	w.broken = nil
	w.settle(w.finds(), true)
	if len(w.files) != 0 {
		t.Error("it is still there")
	}
}

// A file that was replaced after it was brought is not removed.
func TestReplacedMeanwhile(t *testing.T) {
	w := watch(t, Delete)
	w.files = map[string]string{"a": "1"}
	f := w.finds("CREATE a")
	w.files["a"] = "2"
	w.settle(f, true)
	w.settle(w.finds("CREATE a"), true)
	if len(w.files) != 0 {
		t.Error("it is still there")
	}
}

func TestLimitAndOrder(t *testing.T) {
	w := watch(t, None)
	w.files = map[string]string{"x/a": "333", "x/b": "1", "w/c": "22"}
	w.look.MaxFiles = 2
	w.look.Order = Order("LAST_MODIFIED_DESC")
	w.settle(w.finds("CREATE x/a", "CREATE w/c"), true)
	w.settle(w.finds("CREATE x/b"), true)
	for name, want := range map[string]int{"NAME_ASC": -1, "NAME_DESC": 1, "LAST_MODIFIED_ASC": 1, "LAST_MODIFIED_DESC": -1} {
		if got := Order(name)(File{Key: "z/a", Modified: time.Unix(2, 0)}, File{Key: "a/b", Modified: time.Unix(1, 0)}); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
	if Order("NONE") != nil {
		t.Error("NONE is an order")
	}
}

func TestVanishing(t *testing.T) {
	w := watch(t, Delete)
	w.files = map[string]string{"a": "vanishing", "b": "1"}
	w.settle(w.finds("CREATE b"), true)
}

func TestStateKeyAndTTL(t *testing.T) {
	w := watch(t, None)
	ttl := sdk.Duration(time.Nanosecond)
	w.look.StateKey, w.look.StateTTL = "mine", &ttl
	w.files = map[string]string{"a": "1"}
	w.settle(w.finds("CREATE a"), true)
	w.settle(w.finds("CREATE a"), true) // forgotten
	w.look.StateTTL = nil
	w.settle(w.finds("CREATE a"), true)
	if e, err := w.store.Get(t.Context(), "main", "company.team", "mine"); err != nil || e.Type != kv.JSON {
		t.Errorf("%v %v", e, err)
	}
	if err := w.store.Set(t.Context(), kv.Put{Tenant: "main", Namespace: "company.team", Key: "mine", Value: "something else"}); err != nil {
		t.Fatal(err)
	}
	look := w.look
	if _, err := look.Find(t.Context(), w.run); err == nil || !strings.Contains(err.Error(), "mine") {
		t.Errorf("a key of another meaning: %v", err)
	}
}

func TestNames(t *testing.T) {
	if a, b := NameOf("x/a.csv"), NameOf("y/a.csv"); a == b || !strings.HasSuffix(a, ".csv") {
		t.Errorf("%s %s", a, b)
	}
	if n := NameOf("a.b/c?d=../e"); strings.ContainsAny(n, "/?.") {
		t.Error(n)
	}
}
