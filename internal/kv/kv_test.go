package kv

import (
	"errors"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/value"
)

// store is a store with a clock that the test moves.
func store(t *testing.T) (*Store, *time.Time) {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	s := New(b.Documents())
	now := time.Now().UTC().Add(time.Hour) // the backend has a clock of its own, and drops what has expired by that
	s.now = func() time.Time { return now }
	return s, &now
}

// TestTypes has the types that values get, by themselves or because they are asked for, and what they come back as.
func TestTypes(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name string
		in   any
		ask  Type
		typ  Type
		out  string // as expressions print it
		err  bool
	}{
		{"text", "hello", "", String, "hello", false},
		{"a text that looks like a date", "2024-01-02", "", String, "2024-01-02", false},
		{"a text that looks like a date, asked for", "2024-01-02", String, String, "2024-01-02", false},
		{"a text that looks like a number", "12", String, String, "12", false},
		{"a duration is one by itself", "PT1H", "", Duration, "PT1H", false},
		{"unless a text is asked for", "PT1H", String, String, "PT1H", false},
		{"number", int32(12), "", Number, "12", false},
		{"number of a text", "1.50", Number, Number, "1.5", false},
		{"no number", "x", Number, Number, "", true},
		{"boolean", true, "", Boolean, "true", false},
		{"boolean of a text", "TRUE", Boolean, Boolean, "true", false},
		{"moment", value.Instant{T: at}, "", DateTime, "2024-01-02T03:04:05Z", false},
		{"moment of a text, in UTC", "2024-01-02T04:04:05+01:00", DateTime, DateTime, "2024-01-02T03:04:05Z", false},
		{"no moment", "2024-01-02", DateTime, DateTime, "", true},
		{"date", value.LocalDate{T: at}, "", Date, "2024-01-02", false},
		{"date of a moment's text", "2024-01-02T04:04:05Z", Date, Date, "2024-01-02", false},
		{"no date", "2024-13-02", Date, Date, "", true},
		{"duration of a text", "P1DT2H", Duration, Duration, "PT26H", false},
		{"no duration", "soon", Duration, Duration, "", true},
		{"list", []any{int32(1), "a"}, "", JSON, `[1,"a"]`, false},
		{"JSON of a text", `{"a":[1]}`, JSON, JSON, `{"a":[1]}`, false},
		{"no JSON", `{"a"`, JSON, JSON, "", true},
		{"no such type", "x", "BLOB", "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := store(t)
			err := s.Set(t.Context(), Put{Tenant: "main", Namespace: "ns", Key: "k", Value: c.in, Type: c.ask})
			if c.err {
				if err == nil {
					t.Error("it was stored")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.Get(t.Context(), "main", "ns", "k")
			if err != nil {
				t.Fatal(err)
			}
			if got := value.Print(e.Value); e.Type != c.typ || got != c.out {
				t.Errorf("%s %s, not %s %s", e.Type, got, c.typ, c.out)
			}
		})
	}
}

// TestFromRequest has what the body of a request means.
func TestFromRequest(t *testing.T) {
	for raw, want := range map[string]Type{
		`12`: Number, `1.5`: Number, `true`: Boolean, `[1]`: JSON, `{"a":1}`: JSON, `null`: JSON, `"words"`: String, `words`: String,
		`2024-01-02`: Date, `"2024-01-02"`: String, `2024-01-02T03:04:05Z`: DateTime, `"2024-01-02T03:04:05Z"`: String,
		`PT5S`: Duration, `"PT5S"`: Duration, ` 12 `: Number, ``: String,
	} {
		if got := typeOf(FromRequest(raw)); got != want {
			t.Errorf("%s is a %s, not a %s", raw, got, want)
		}
	}
}

// TestDates: a key that is set again keeps when it was created.
func TestDates(t *testing.T) {
	s, now := store(t)
	first := *now
	for range 2 {
		if err := s.Set(t.Context(), Put{Tenant: "main", Namespace: "ns", Key: "k", Value: "v"}); err != nil {
			t.Fatal(err)
		}
		e, err := s.Get(t.Context(), "main", "ns", "k")
		if err != nil || !e.Created.Equal(first) || !e.Updated.Equal(*now) {
			t.Errorf("created %v and updated %v at %v, %v", e.Created, e.Updated, *now, err)
		}
		*now = now.Add(time.Hour)
	}
}

// TestLifetime moves the clock to the end of a value's time.
func TestLifetime(t *testing.T) {
	s, now := store(t)
	put := Put{Tenant: "main", Namespace: "ns", Key: "k", Value: "v", TTL: time.Minute}
	if err := s.Set(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Minute - 1)
	if _, err := s.Get(t.Context(), "main", "ns", "k"); err != nil {
		t.Errorf("gone before its time: %v", err)
	}
	*now = now.Add(1)
	if _, err := s.Get(t.Context(), "main", "ns", "k"); !errors.Is(err, ErrExpired) {
		t.Errorf("still there when its time is over: %v", err)
	}
	if gone, err := s.Expired(t.Context(), "main"); err != nil || len(gone) != 1 || gone[0].Key != "k" || !gone[0].Expires.Equal(*now) {
		t.Errorf("expired are %v, %v", gone, err)
	}
	put.TTL, put.KeepExisting = 0, true
	if err := s.Set(t.Context(), put); err != nil {
		t.Errorf("what has expired is in nobody's way: %v", err)
	}
	if err := s.Set(t.Context(), put); !errors.Is(err, ErrExists) {
		t.Errorf("an existing value was overwritten: %v", err)
	}
	put.TTL = -1
	if err := s.Set(t.Context(), put); err == nil {
		t.Error("a negative time to live was accepted")
	}
}

// TestForget has keys whose value the backend has dropped: they have expired until somebody forgets them, or sets them again.
func TestForget(t *testing.T) {
	s, now := store(t)
	*now = time.Now().UTC().Add(-2 * time.Minute) // so that the backend, which has a clock of its own, drops the values at once
	set := func(key string, ttl time.Duration) {
		t.Helper()
		if err := s.Set(t.Context(), Put{Tenant: "main", Namespace: "ns", Key: key, Value: "v", TTL: ttl}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(key string, want error) {
		t.Helper()
		if _, err := s.Get(t.Context(), "main", "ns", key); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
	for _, key := range []string{"purged", "deleted", "set"} {
		set(key, time.Minute)
	}
	*now = now.Add(2 * time.Minute)
	expect("purged", ErrExpired)
	if was, err := s.Forget(t.Context(), "main", "ns", "purged"); err != nil || !was {
		t.Errorf("forgetting: %v %v", was, err)
	}
	if was, err := s.Delete(t.Context(), "main", "ns", "deleted"); err != nil || was {
		t.Errorf("deleting what has expired: %v %v", was, err)
	}
	set("set", 0)
	expect("purged", backend.ErrNotFound)
	expect("deleted", backend.ErrNotFound)
	expect("set", nil)
	if gone, err := s.Expired(t.Context(), "main"); err != nil || len(gone) != 0 {
		t.Errorf("expired are still %v, %v", gone, err)
	}
}

// TestKeys has what may be a key, and where keys are found.
func TestKeys(t *testing.T) {
	s, _ := store(t)
	for key, ok := range map[string]bool{"a": true, "A.b-c_1": true, "9": true, "": false, "-a": false, "a b": false, "a/b": false, "é": false} {
		err := s.Set(t.Context(), Put{Tenant: "main", Namespace: "a.b", Key: key, Value: "v"})
		if ok != (err == nil) || !ok && !errors.Is(err, ErrKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := s.Set(t.Context(), Put{Tenant: "main", Namespace: "a", Key: "up", Value: "above"}); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Inherited(t.Context(), "main", "a.b.c", "up"); err != nil || e.Value != "above" || e.Namespace != "a" {
		t.Errorf("a key of a namespace above was not found: %v %v", e, err)
	}
	for _, ns := range []string{"b", "ab"} {
		if _, err := s.Inherited(t.Context(), "main", ns, "up"); !errors.Is(err, backend.ErrNotFound) {
			t.Errorf("found from %s: %v", ns, err)
		}
	}
	list, err := s.List(t.Context(), "main", "a.b")
	if err != nil || len(list) != 3 {
		t.Errorf("%d keys (%v), not 3", len(list), err)
	}
	if was, err := s.Delete(t.Context(), "main", "a.b", "a"); err != nil || !was {
		t.Errorf("deleting: %v %v", was, err)
	}
	if was, err := s.Delete(t.Context(), "main", "a.b", "a"); err != nil || was {
		t.Errorf("deleting again: %v %v", was, err)
	}
}
