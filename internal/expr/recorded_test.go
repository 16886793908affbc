package expr

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// TestRecorded has cases of our own with the answers that Kestra 1.3.34 gave to them on 2026-11-23 (UTC, English): in the
// first file dates, languages and zones, YAML, Ion and number formats, in which a specification of ours could only repeat
// its own mistakes; in the second the whole language, filter by filter, with odd arguments, nulls, white space and errors.
func TestRecorded(t *testing.T) {
	for file, least := range map[string]int{"recorded.json": 500, "recorded2.json": 900} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
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
		if len(in.Cases) < least {
			t.Errorf("%s: only %d cases were found", file, len(in.Cases))
		}
		for _, c := range in.Cases {
			got, err := renderDated(t, c.Expr, string(in.Variables))
			switch {
			case c.Fails && err == nil:
				t.Errorf("%s gave %q, expected an error", c.Expr, got)
			case !c.Fails && (err != nil || got != c.Result):
				t.Errorf("%s gave %q (%v), expected %q", c.Expr, got, err, c.Result)
			}
		}
	}
}

// renderDated is render with variables that are dates of each type, which JSON has not.
func renderDated(t *testing.T, src, variables string) (string, error) {
	tpl, err := Parse(src)
	if err != nil {
		return "", err
	}
	env := newEnv(t, variables)
	at := time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)
	env.vars.Set("d_zdt", value.ZonedDateTime{T: at})
	env.vars.Set("d_inst", value.Instant{T: at})
	env.vars.Set("d_local", value.LocalDateTime{T: at.Truncate(time.Second)})
	env.vars.Set("d_ld", value.LocalDate{T: at.Truncate(24 * time.Hour)})
	return tpl.Render(env, Limits{})
}
