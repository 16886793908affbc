package model

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT1H30M": 90 * time.Minute, "P1D": 24 * time.Hour, "P1W": 168 * time.Hour, "PT0.2S": 200 * time.Millisecond,
		"pt1s": time.Second, "-PT1S": -time.Second, "P1DT1H": 25 * time.Hour, "30": 30 * time.Second, "1.5": 1500 * time.Millisecond,
		"PT250.000000001S": 250*time.Second + 1,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1Y", "P1M", "1h", "PT1D", "P1H", "PTS", "PT1", "P1DT", "1e300", "PT--1S"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%s was read as %v", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"PT0S": 0, "PT0.063S": 63 * time.Millisecond, "PT1M1.527S": 61527 * time.Millisecond, "PT25H": 25 * time.Hour, "PT-1.5S": -1500 * time.Millisecond,
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v: %s, not %s", d, got, want)
		}
	}
}
