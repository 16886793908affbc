package javatime

import (
	"strings"
	"testing"
	"time"
)

func zone(t *testing.T, id string) *time.Location {
	t.Helper()
	z, err := Zone(id)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestZone(t *testing.T) {
	at := time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)
	for id, want := range map[string]string{
		"Europe/Paris": "Europe/Paris 7200", "UTC": "UTC 0", "Z": "Z 0", "+02:00": "+02:00 7200", "-3": "-03:00 -10800", "+0530": "+05:30 19800", "GMT+2": "GMT+02:00 7200", "UTC-03:30": "UTC-03:30 -12600", "+01:02:03": "+01:02 3723",
	} {
		name, seconds := zoneID(at.In(zone(t, id))), 0
		if _, seconds = at.In(zone(t, id)).Zone(); strings.TrimSpace(name+" "+itoa(seconds)) != want {
			t.Errorf("%s is %s with %d seconds, expected %s", id, name, seconds, want)
		}
	}
	for _, id := range []string{"", "Local", "Mars/Base", "+19:00", "+2:00", "europe", "../etc/passwd", "/etc/localtime", "GMT+", "+02:60"} {
		if z, err := Zone(id); err == nil {
			t.Errorf("%q gave %v, expected an error", id, z)
		}
	}
}

func itoa(n int) string {
	if n < 0 {
		return "-" + itoa(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// TestInZone has wall times around the changes of the clock of 2024.
func TestInZone(t *testing.T) {
	for _, c := range []struct{ zone, wall, want string }{
		{"Europe/Paris", "2024-03-31T01:59:59", "2024-03-31T01:59:59+01:00"}, {"Europe/Paris", "2024-03-31T02:30:00", "2024-03-31T03:30:00+02:00"}, {"Europe/Paris", "2024-03-31T03:00:00", "2024-03-31T03:00:00+02:00"},
		{"Europe/Paris", "2024-10-27T02:30:00", "2024-10-27T02:30:00+02:00"}, {"Europe/Paris", "2024-10-27T03:00:00", "2024-10-27T03:00:00+01:00"}, {"Australia/Lord_Howe", "2024-10-06T02:15:00", "2024-10-06T02:45:00+11:00"},
		{"America/New_York", "2024-11-03T01:30:00", "2024-11-03T01:30:00-04:00"}, {"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-31T12:00:00+14:00"}, {"Asia/Kathmandu", "2024-01-01T00:00:00", "2024-01-01T00:00:00+05:45"},
	} {
		wall, err := time.Parse("2006-01-02T15:04:05", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := InZone(wall, zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s is %s, expected %s", c.wall, c.zone, got, c.want)
		}
	}
}

func TestAdd(t *testing.T) {
	for _, c := range []struct {
		from   string
		zone   string
		amount int64
		unit   Unit
		want   string
	}{
		{"2024-01-31T10:00:00Z", "UTC", 1, "MONTHS", "2024-02-29T10:00:00Z"}, {"2024-02-29T10:00:00Z", "UTC", -1, "YEARS", "2023-02-28T10:00:00Z"}, {"2024-01-15T10:00:00Z", "UTC", -1, "MONTHS", "2023-12-15T10:00:00Z"},
		{"2024-03-30T02:30:00+01:00", "Europe/Paris", 1, "DAYS", "2024-03-31T03:30:00+02:00"}, {"2024-03-31T01:30:00+01:00", "Europe/Paris", 1, "HOURS", "2024-03-31T03:30:00+02:00"},
		{"2024-10-27T02:30:00+01:00", "Europe/Paris", 0, "DAYS", "2024-10-27T02:30:00+01:00"}, {"2024-10-26T02:30:00+02:00", "Europe/Paris", 1, "DAYS", "2024-10-27T02:30:00+02:00"},
		{"2024-01-01T00:00:00Z", "UTC", 1500, "MILLIS", "2024-01-01T00:00:01.5Z"}, {"2024-01-01T00:00:00Z", "UTC", -1, "NANOS", "2023-12-31T23:59:59.999999999Z"}, {"2024-01-01T00:00:00Z", "UTC", 3, "HALF_DAYS", "2024-01-02T12:00:00Z"},
		{"2024-01-01T00:00:00Z", "UTC", 2, "WEEKS", "2024-01-15T00:00:00Z"}, {"2024-01-01T00:00:00Z", "UTC", -2, "DECADES", "2004-01-01T00:00:00Z"}, {"2024-01-01T00:00:00Z", "UTC", 20_000_000_000, "SECONDS", "2657-10-10T11:33:20Z"},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Add(from.In(zone(t, c.zone)), c.amount, c.unit)
		if err != nil || got.Format(time.RFC3339Nano) != c.want {
			t.Errorf("%s + %d %s is %s (%v), expected %s", c.from, c.amount, c.unit, got.Format(time.RFC3339Nano), err, c.want)
		}
	}
	for amount, unit := range map[int64]Unit{1: "days", 2: "", 3: "FOREVER", 1 << 62: "DAYS", 1 << 61: "SECONDS", 1 << 60: "YEARS", -1 << 63: "MONTHS", -1<<63 + 1: "HOURS"} {
		if got, err := Add(time.Unix(0, 0), amount, unit); err == nil {
			t.Errorf("%d %s gave %v, expected an error", amount, unit, got)
		}
	}
}

func TestParseISO(t *testing.T) {
	for text, want := range map[string]Kind{
		"2024-05-06T07:08:09Z": Zoned, "2024-05-06T07:08+02:00": Zoned, "2024-05-06T07:08:09.123456789-03:30": Zoned, "2024-05-06T07:08:09+02": Zoned, "2024-05-06T07:08:09+02:00[Europe/Paris]": Zoned, "2024-05-06t07:08z": Zoned,
		"2024-05-06T07:08": Local, "2024-05-06T07:08:09.": Local, "2024-05-06T07:08:09.5": Local, "2024-05-06": DateOnly, "+12024-05-06": DateOnly, "2024-02-29": DateOnly,
		"": None, "2024-5-6": None, "2024-02-30": None, "2023-02-29": None, "2024-05-06 07:08": None, "2024-05-06T7:08": None, "2024-05-06T24:00Z": None, "2024-05-06T07:60Z": None, "2024-05-06T07:08:60Z": None, "2024-05-06T": None,
		"2024-05-06T07:08:09+0200": None, "2024-05-06T07Z": None, "2024-05-06Z": None, "2024-05-06T07:08:09.1234567890Z": None, "2024-05-06T07:08:09+02:00[Nowhere]": None, "2024-05-06T07:08:09+19:00": None, "12024-05-06": None,
	} {
		if _, got := ParseISO(text); got != want {
			t.Errorf("%q is of kind %d, expected %d", text, got, want)
		}
	}
}

func TestMalformedPatterns(t *testing.T) {
	for _, p := range []string{"b", "yyyy}", "{", "#", "'open", "]", "ddd", "HHH", "aa", "VVV", "SSSSSSSSSS", "p", "p'x'", "cc", "OO", "vv", "BB", "MMMMMM", strings.Repeat("y", 2000)} {
		if got, err := Format(time.Unix(0, 0).UTC(), p, FindLanguage("en")); err == nil {
			t.Errorf("%.20q gave %q, expected an error", p, got)
		}
	}
}

func TestFindLanguage(t *testing.T) {
	en, fr := FindLanguage("en"), FindLanguage("fr")
	for tag, want := range map[string]*Language{"fr-FR": fr, "fr_CA": fr, "FR": fr, "xx": en, "": en, "en-US": en} {
		if FindLanguage(tag) != want {
			t.Errorf("%q finds another language", tag)
		}
	}
	if FindLanguage("en-GB") == en {
		t.Error("en-GB has words of its own")
	}
}

func FuzzFormatAndParse(f *testing.F) {
	for _, p := range []string{"yyyy-MM-dd HH:mm:ss.SSS XXX", "EEEE d MMMM uuuu h:mm a z", "[yyyy][DDD]'x'pppQ", "G yy w e VV O B", "iso", "full"} {
		f.Add(int64(1714979289), p, "2024-05-06 07:08:09.123 +02:00")
	}
	en := FindLanguage("en")
	f.Fuzz(func(t *testing.T, seconds int64, pattern, text string) {
		at := time.Unix(seconds%100_000_000_000, 0).UTC()
		if s, err := Format(at, pattern, en); err == nil {
			_, _, _ = ParsePattern(s, pattern, en)
		}
		_, _, _ = ParsePattern(text, pattern, en)
		ParseISO(text)
	})
}
