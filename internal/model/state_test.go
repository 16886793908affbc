package model

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestStateNames(t *testing.T) {
	for _, s := range States() {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(b, &back); err != nil || back != s {
			t.Errorf("%s came back as %s (%v)", b, back, err)
		}
	}
	if _, err := ParseState("success"); err == nil {
		t.Error("names are in capitals")
	}
}

func TestHistory(t *testing.T) {
	t0 := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := NewHistory(Created, t0).With(Running, t0.Add(time.Second))
	same := h.With(Running, t0.Add(time.Minute))
	if len(same) != 2 {
		t.Errorf("moving to the current state added an entry: %v", same)
	}
	if _, ended := h.End(); ended {
		t.Error("a running history has no end")
	}
	done := h.With(Success, t0.Add(3*time.Second))
	if d := done.Duration(t0.Add(time.Hour)); d != 3*time.Second {
		t.Errorf("duration %v", d)
	}
	if h.Current() != Running {
		t.Errorf("the older snapshot moved to %v", h.Current())
	}
}

// clientID is how clients tell an id from other words.
var clientID = regexp.MustCompile(`^[0-9A-Za-z]{19,23}$`)

func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2000 {
		for _, id := range []string{NewID(), DeriveID("execution", string(rune('a'+i)), "task")} {
			if !clientID.MatchString(id) || !strings.ContainsAny(id, "0123456789") ||
				strings.ToLower(id) == id || strings.ToUpper(id) == id {
				t.Fatalf("%q does not look like an id", id)
			}
			if seen[id] {
				t.Fatalf("%q came twice", id)
			}
			seen[id] = true
		}
	}
	if DeriveID("a", "bc") != DeriveID("a", "bc") || DeriveID("a", "bc") == DeriveID("ab", "c") {
		t.Error("derived ids depend on the parts and on nothing else")
	}
}
