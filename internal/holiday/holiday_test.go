package holiday

import (
	"strings"
	"testing"
	"time"
)

func TestIs(t *testing.T) {
	for _, c := range []struct {
		date, country, part string
		want                bool
	}{
		{"2026-12-25", "DE", "", true},
		{"2026-07-14", "FR", "", true},
		{"2026-07-14", "de", "", false},
		{"2026-07-04", "US", "", true},
		{"2026-07-03", "US", "", true}, // observed, since the fourth is a Saturday
		{"2026-01-06", "DE", "", false},
		{"2026-01-06", "DE", "BY", true},
		{"2026-01-06", "DE", "DE-BY", true},
		{"2026-01-06", "DE", "BE", false},
		{"2026-04-06", "GB", "", true}, // Easter Monday
		{"2026-01-26", "AU", "NSW", true},
	} {
		date, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Is(date, c.country, c.part); err != nil || got != c.want {
			t.Errorf("%s in %s %s: %v, %v", c.date, c.country, c.part, got, err)
		}
	}
	for country, want := range map[string]string{"": "needs a country", "XX": "nothing is known of the public holidays of XX"} {
		if _, err := Is(time.Now(), country, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", country, err)
		}
	}
}
