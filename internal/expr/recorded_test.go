package expr

import (
	"encoding/json"
	"os"
	"testing"
)

// TestRecorded has cases of our own with the answers that Kestra 1.3.34 gave to them on 2026-11-23 (UTC, English): dates,
// languages and zones, YAML, Ion and number formats, in which a specification of ours could only repeat its own mistakes.
func TestRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Variables json.RawMessage
		Cases     []struct {
			Expr, Result string
			Fails        bool
		}
	}
	if err := json.Unmarshal(data, &in); err != nil {
		t.Fatal(err)
	}
	if len(in.Cases) < 500 {
		t.Errorf("only %d cases were found", len(in.Cases))
	}
	for _, c := range in.Cases {
		got, err := render(t, c.Expr, string(in.Variables))
		switch {
		case c.Fails && err == nil:
			t.Errorf("%s gave %q, expected an error", c.Expr, got)
		case !c.Fails && (err != nil || got != c.Result):
			t.Errorf("%s gave %q (%v), expected %q", c.Expr, got, err, c.Result)
		}
	}
}
