package model

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration as flows write it: ISO-8601 (P1D, PT1H30M, PT0.5S, -PT1S), where a day is 24 hours, or a
// number of seconds. Years and months have no fixed length and are refused.
func ParseDuration(text string) (time.Duration, error) {
	s := strings.ToUpper(strings.TrimSpace(text))
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return seconds(f, text)
	}
	sign := 1.0
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = -1, s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	if len(s) < 3 || s[0] != 'P' {
		return 0, badDuration(text)
	}
	total, rest, units := 0.0, s[1:], "WD"
	for len(rest) > 0 {
		if rest[0] == 'T' {
			if units == "HMS" || len(rest) == 1 {
				return 0, badDuration(text)
			}
			units, rest = "HMS", rest[1:]
			continue
		}
		end := strings.IndexAny(rest, "YMWDHS")
		if end <= 0 || !strings.ContainsRune(units, rune(rest[end])) {
			return 0, badDuration(text)
		}
		n, err := strconv.ParseFloat(strings.Replace(rest[:end], ",", ".", 1), 64)
		if err != nil {
			return 0, badDuration(text)
		}
		total += n * unitSeconds[rest[end]]
		rest = rest[end+1:]
	}
	return seconds(sign*total, text)
}

var unitSeconds = map[byte]float64{'W': 7 * 86400, 'D': 86400, 'H': 3600, 'M': 60, 'S': 1}

func seconds(f float64, text string) (time.Duration, error) {
	if math.IsNaN(f) || math.Abs(f) > math.MaxInt64/2/float64(time.Second) {
		return 0, badDuration(text)
	}
	return time.Duration(math.Round(f * float64(time.Second))), nil
}

func badDuration(text string) error {
	return fmt.Errorf("%q is not a duration: expected ISO-8601 such as PT1H30M or P1D, or a number of seconds", text)
}

// FormatDuration writes a duration in ISO-8601 as the API does: PT1H1M1.5S, PT0S.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteString("PT")
	neg := ""
	if d < 0 {
		neg, d = "-", -d
	}
	if h := d / time.Hour; h > 0 {
		fmt.Fprintf(&b, "%s%dH", neg, h)
	}
	if m := d % time.Hour / time.Minute; m > 0 {
		fmt.Fprintf(&b, "%s%dM", neg, m)
	}
	if s := d % time.Minute; s > 0 {
		fmt.Fprintf(&b, "%s%d", neg, s/time.Second)
		if frac := s % time.Second; frac > 0 {
			b.WriteString(strings.TrimRight(fmt.Sprintf(".%09d", frac), "0"))
		}
		b.WriteByte('S')
	}
	return b.String()
}
