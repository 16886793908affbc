package cron

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t testing.TB, expr string) *Schedule {
	t.Helper()
	s, err := Parse(expr, len(strings.Fields(expr)) == 6)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustLoad(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// fires lists n results of Next or Prev, each searched from the one before, as "01-02 15:04:05-07:00"
// with the parts that say nothing left out.
func fires(search func(time.Time) (time.Time, bool), from time.Time, n int) string {
	var out []string
	for range n {
		t, ok := search(from)
		if !ok {
			out = append(out, "none")
			break
		}
		layout := "2006-01-02 15:04:05-07:00"
		if t.Second() == 0 {
			layout = "2006-01-02 15:04-07:00"
		}
		text := t.Format(layout)
		if t.Location() == time.UTC {
			text = strings.TrimSuffix(text, "+00:00")
		}
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(text, fmt.Sprintf("%d-", from.Year())), " 00:00"))
		from = t
	}
	return strings.Join(out, ", ")
}

// A Sunday.
var september = time.Date(2024, 9, 1, 0, 0, 0, 0, time.UTC)

// What the reference's cron library (in Kestra 1.3.34) answered for the same questions.
func TestNext(t *testing.T) {
	tests := []struct{ expr, want string }{
		{"* * * * *", "09-01 00:01, 09-01 00:02"},
		{"*/7 * * * *", "09-01 00:07, 09-01 00:14, 09-01 00:21, 09-01 00:28, 09-01 00:35, 09-01 00:42, 09-01 00:49, 09-01 00:56, 09-01 01:00"},
		{"5/20 * * * *", "09-01 00:05, 09-01 00:25, 09-01 00:45, 09-01 01:05"},
		{"/25 * * * *", "09-01 00:25, 09-01 00:50, 09-01 01:00"},
		{"5-35/10 * * * *", "09-01 00:05, 09-01 00:15, 09-01 00:25, 09-01 00:35, 09-01 01:05"},
		{"1,2,3-5,10/15 * * * *", "09-01 00:01, 09-01 00:02, 09-01 00:03, 09-01 00:04, 09-01 00:05, 09-01 00:10, 09-01 00:25, 09-01 00:40, 09-01 00:55, 09-01 01:01"},
		{"1,1,1 * * * *", "09-01 00:01, 09-01 01:01"},
		{"001 02 * * *", "09-01 02:01, 09-02 02:01"},
		{"0 2-2 * * *", "09-01 02:00, 09-02 02:00"},
		{"  0\t0  *  * *\n", "09-02, 09-03"},
		{"0 0 */10 * *", "09-11, 09-21, 10-01, 10-11, 10-21, 10-31, 11-01"},
		{"0 0 1 */5 *", "11-01, 2025-01-01, 06-01"},
		{"0 0 1 JAN,dec *", "12-01, 2025-01-01, 12-01"},
		{"0 0 1 jan-mar *", "2025-01-01, 02-01, 03-01, 2026-01-01"},
		{"0 0 * * 0", "09-08, 09-15"},
		{"0 0 * * 7", "09-08, 09-15"},
		{"0 0 * * 0,7", "09-08, 09-15"},
		{"0 0 * * Sun", "09-08, 09-15"},
		{"0 0 * * 5-7", "09-06, 09-07, 09-08, 09-13"},
		{"0 0 * * fri-sun", "09-06, 09-07, 09-08, 09-13"},
		{"0 0 * * 0-2", "09-02, 09-03, 09-08"},
		{"0 0 * * mon-FRI", "09-02, 09-03, 09-04, 09-05, 09-06, 09-09"},
		{"0 0 * * */2", "09-03, 09-05, 09-07, 09-08"},
		{"0 0 * * 1/2", "09-02, 09-04, 09-06, 09-08, 09-09"},
		{"0 0 * * sun/2", "09-03, 09-05, 09-07, 09-08"},
		{"0 0 * * 6/2", "09-07, 09-14"},
		// Both day fields restricted: either one will do.
		{"0 0 13 * 5", "09-06, 09-13, 09-20, 09-27, 10-04, 10-11, 10-13"},
		{"0 0 */2 * 5", "09-03, 09-05, 09-06, 09-07"},
		{"0 0 13 * */2", "09-03, 09-05, 09-07, 09-08, 09-10, 09-12, 09-13"},
		{"0 0 1-31 * 5", "09-02, 09-03"},
		{"0 0 13 * 0-6", "09-02, 09-03"},
		{"0 0 1,* * 5", "09-02, 09-03"},
		{"0 0 31 2 1", "2025-02-03, 02-10, 02-17"},
		// `*/1` restricts no more than `*` does.
		{"0 0 */1 * 5", "09-06, 09-13"},
		{"0 0 13 * */1", "09-13, 10-13"},
		{"0 0 31 2 */1", "none"},
		{"0 0 29 2 *", "2028-02-29, 2032-02-29"},
		{"0 0 30 2 *", "none"},
		{"0 0 31 4,6,9,11 *", "none"},
		{"@hourly", "09-01 01:00, 09-01 02:00"},
		{"@daily", "09-02, 09-03"},
		{"@midnight", "09-02, 09-03"},
		{"@weekly", "09-08, 09-15"},
		{"@monthly", "10-01, 11-01"},
		{"@yearly", "2025-01-01, 2026-01-01"},
		{"@annually", "2025-01-01, 2026-01-01"},
		{"*/20 * * * * *", "09-01 00:00:20, 09-01 00:00:40, 09-01 00:01"},
		{"30 0 0 13 * 5", "09-06 00:00:30, 09-13 00:00:30"},
	}
	for _, test := range tests {
		got := fires(mustParse(t, test.expr).Next, september, strings.Count(test.want, ",")+1)
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.expr, got, test.want)
		}
	}
	if got, want := fires(mustParse(t, "0 0 29 2 *").Next, time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC), 1), "2104-02-29"; got != want {
		t.Errorf("across a century that is no leap year: got %s, want %s", got, want)
	}
}

// The nicknames mean the same where seconds are asked for.
func TestNicknameWithSeconds(t *testing.T) {
	s, err := Parse("@daily", true)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fires(s.Next, september, 2), "09-02, 09-03"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The summer time rules, as the reference's cron library applies them.
func TestNextAcrossTransitions(t *testing.T) {
	tests := []struct{ zone, from, expr, want string }{
		// Clocks go from 02:00 to 03:00.
		{"Europe/Paris", "2024-03-30T00:00:00Z", "30 2 * * *", "03-30 02:30+01:00, 04-01 02:30+02:00"},
		{"Europe/Paris", "2024-03-30T23:30:00Z", "0 * * * *", "03-31 01:00+01:00, 03-31 03:00+02:00, 03-31 04:00+02:00"},
		{"Europe/Paris", "2024-03-31T00:10:00Z", "*/30 * * * *", "03-31 01:30+01:00, 03-31 03:00+02:00, 03-31 03:30+02:00"},
		{"Europe/Paris", "2024-03-30T22:30:00Z", "0 2,3 * * *", "03-31 03:00+02:00, 04-01 02:00+02:00"},
		{"America/New_York", "2024-03-09T05:00:00Z", "30 2 * * *", "03-09 02:30-05:00, 03-11 02:30-04:00"},
		{"America/New_York", "2024-03-08T05:00:00Z", "0 9 * * 1-5", "03-08 09:00-05:00, 03-11 09:00-04:00"},
		// Clocks go from 03:00 back to 02:00: what fires less than hourly there does so once…
		{"Europe/Paris", "2024-10-25T22:30:00Z", "30 2 * * *", "10-26 02:30+02:00, 10-27 02:30+02:00, 10-28 02:30+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0 2 * * 0", "10-27 02:00+02:00, 11-03 02:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0 2,4 * * *", "10-27 02:00+02:00, 10-27 04:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "30 */2 * * *", "10-27 02:30+02:00, 10-27 04:30+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0 1,2 * * *", "10-27 01:00+02:00, 10-27 02:00+02:00, 10-28 01:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "30 30 2 * * *", "10-27 02:30:30+02:00, 10-28 02:30:30+01:00"},
		// …and what fires at least hourly does so in both passes.
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0 * * * *", "10-27 01:00+02:00, 10-27 02:00+02:00, 10-27 02:00+01:00, 10-27 03:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "*/30 2 * * *", "10-27 02:00+02:00, 10-27 02:30+02:00, 10-27 02:00+01:00, 10-27 02:30+01:00, 10-28 02:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0 2,3 * * *", "10-27 02:00+02:00, 10-27 02:00+01:00, 10-27 03:00+01:00, 10-28 02:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "0,59 2,4 * * *", "10-27 02:00+02:00, 10-27 02:59+02:00, 10-27 02:00+01:00, 10-27 02:59+01:00, 10-27 04:00+01:00"},
		{"Europe/Paris", "2024-10-26T22:30:00Z", "*/30 5 2 * * *", "10-27 02:05+02:00, 10-27 02:05:30+02:00, 10-27 02:05+01:00, 10-27 02:05:30+01:00, 10-28 02:05+01:00"},
		{"America/New_York", "2024-11-02T04:00:00Z", "30 1 * * *", "11-02 01:30-04:00, 11-03 01:30-04:00, 11-04 01:30-05:00"},
		{"America/New_York", "2024-11-03T04:00:00Z", "15,45 1 * * *", "11-03 01:15-04:00, 11-03 01:45-04:00, 11-03 01:15-05:00, 11-03 01:45-05:00, 11-04 01:15-05:00"},
		{"America/New_York", "2024-11-03T05:57:30Z", "0-59 1 * * *", "11-03 01:58-04:00, 11-03 01:59-04:00, 11-03 01:00-05:00"},
		// Half an hour: 02:00 to 02:30, and 02:00 back to 01:30.
		{"Australia/Lord_Howe", "2024-10-05T14:50:00Z", "*/15 * * * *", "10-06 01:30+10:30, 10-06 01:45+10:30, 10-06 02:30+11:00, 10-06 02:45+11:00"},
		{"Australia/Lord_Howe", "2024-10-05T00:00:00Z", "10 2 * * *", "10-07 02:10+11:00"},
		{"Australia/Lord_Howe", "2024-04-06T14:00:00Z", "*/15 1 * * *", "04-07 01:15+11:00, 04-07 01:30+11:00, 04-07 01:45+11:00, 04-07 01:30+10:30, 04-07 01:45+10:30, 04-08 01:00+10:30"},
		{"Australia/Lord_Howe", "2024-04-06T13:30:00Z", "0,45 1 * * *", "04-07 01:00+11:00, 04-07 01:45+11:00, 04-08 01:00+10:30"},
		{"Australia/Lord_Howe", "2024-04-06T13:30:00Z", "40 * * * *", "04-07 00:40+11:00, 04-07 01:40+11:00, 04-07 01:40+10:30, 04-07 02:40+10:30"},
		{"Australia/Lord_Howe", "2024-04-06T12:00:00Z", "0 * * * *", "04-07 00:00+11:00, 04-07 01:00+11:00, 04-07 02:00+10:30"},
		// Midnight left out, midnight repeated, a whole day left out.
		{"America/Sao_Paulo", "2017-10-13T12:00:00Z", "0 0 * * *", "10-14 00:00-03:00, 10-16 00:00-02:00"},
		{"America/Sao_Paulo", "2018-02-17T12:00:00Z", "30 23 * * *", "02-17 23:30-02:00, 02-18 23:30-03:00"},
		{"America/Sao_Paulo", "2018-02-17T12:00:00Z", "30 23,0 * * *", "02-17 23:30-02:00, 02-17 23:30-03:00, 02-18 00:30-03:00"},
		{"Pacific/Apia", "2011-12-28T12:00:00Z", "0 0 * * *", "12-29 00:00-10:00, 12-31 00:00+14:00"},
		// No transitions, but no whole hours either.
		{"Asia/Kathmandu", "2024-01-01T00:00:01Z", "*/15 * * * *", "01-01 06:00+05:45, 01-01 06:15+05:45"},
		// Where the reference misses dates behind a transition.
		{"Australia/Lord_Howe", "2024-10-05T14:11:00Z", "35 2,5 * * *", "10-06 02:35+11:00, 10-06 05:35+11:00"},
		{"Asia/Beirut", "2024-03-30T23:07:00Z", "19 * 1 * *", "04-01 00:19+03:00, 04-01 01:19+03:00"},
	}
	for _, test := range tests {
		from, err := time.Parse(time.RFC3339, test.from)
		if err != nil {
			t.Fatal(err)
		}
		got := fires(mustParse(t, test.expr).Next, from.In(mustLoad(t, test.zone)), strings.Count(test.want, ",")+1)
		if got != test.want {
			t.Errorf("%s in %s\n got %s\nwant %s", test.expr, test.zone, got, test.want)
		}
	}
}

func TestPrev(t *testing.T) {
	tests := []struct{ zone, from, expr, want string }{
		{"UTC", "2024-09-01T00:00:00Z", "* * * * *", "08-31 23:59, 08-31 23:58"},
		{"UTC", "2024-09-01T00:00:00.5Z", "* * * * *", "09-01, 08-31 23:59"},
		{"UTC", "2024-03-02T00:00:00Z", "0 12 31 * *", "01-31 12:00, 2023-12-31 12:00, 10-31 12:00"},
		{"UTC", "2104-02-28T00:00:00Z", "0 0 29 2 *", "2096-02-29, 2092-02-29"},
		{"UTC", "2024-09-01T00:00:00Z", "0 0 30 2 *", "none"},
		{"UTC", "2024-09-30T00:00:00Z", "0 0 13 * 5", "09-27, 09-20, 09-13, 09-06, 08-30"},
		{"Europe/Paris", "2024-04-01T22:30:00Z", "30 2 * * *", "04-01 02:30+02:00, 03-30 02:30+01:00"},
		{"Europe/Paris", "2024-03-31T01:30:00Z", "0 * * * *", "03-31 03:00+02:00, 03-31 01:00+01:00"},
		{"Europe/Paris", "2024-10-28T22:30:00Z", "30 2 * * *", "10-28 02:30+01:00, 10-27 02:30+02:00, 10-26 02:30+02:00"},
		{"Europe/Paris", "2024-10-28T00:00:00Z", "*/30 2 * * *", "10-27 02:30+01:00, 10-27 02:00+01:00, 10-27 02:30+02:00, 10-27 02:00+02:00, 10-26 02:30+02:00"},
	}
	for _, test := range tests {
		from, err := time.Parse(time.RFC3339, test.from)
		if err != nil {
			t.Fatal(err)
		}
		got := fires(mustParse(t, test.expr).Prev, from.In(mustLoad(t, test.zone)), strings.Count(test.want, ",")+1)
		if got != test.want {
			t.Errorf("%s in %s before %s\n got %s\nwant %s", test.expr, test.zone, test.from, got, test.want)
		}
	}
}

// In UTC, jumping from field to field finds what looking at every minute finds.
func TestNextAgainstScan(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		expr := randomExpr(random)
		s := mustParse(t, expr)
		at := september.Add(time.Duration(random.IntN(400*24*60)) * time.Minute)
		got, ok := s.Next(at)
		scan := at.Add(time.Minute)
		end := at.AddDate(0, 0, 60)
		for scan.Before(end) && !s.matches(scan) {
			scan = scan.Add(time.Minute)
		}
		if scan.Before(end) != (ok && got.Before(end)) || scan.Before(end) && !got.Equal(scan) {
			t.Errorf("%s after %v: got %v, want %v", expr, at, got, scan)
		}
	}
}

// matches says in words what Next computes.
func (s *Schedule) matches(t time.Time) bool {
	day, weekday := has(s.day, t.Day()), has(s.weekday, int(t.Weekday()))
	either := day && weekday || !s.anyDay && !s.anyWeekday && (day || weekday)
	return either && has(s.month, int(t.Month())) && has(s.hour, t.Hour()) && has(s.minute, t.Minute()) && has(s.second, t.Second())
}

// Around every transition, going forth and back visits the same dates.
func TestNextAndPrevAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	zones := []string{"UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"}
	for range 3000 {
		s := mustParse(t, randomExpr(random))
		from := time.Date(2015+random.IntN(10), 1, 1, 0, random.IntN(365*24*60), random.IntN(60), 0, mustLoad(t, zones[random.IntN(len(zones))]))
		checkInverse(t, s, from)
	}
}

func checkInverse(t *testing.T, s *Schedule, from time.Time) {
	t.Helper()
	next, ok := s.Next(from)
	if !ok {
		return
	}
	if !next.After(from) || !s.matches(next) || next.Nanosecond() != 0 {
		t.Fatalf("%s: Next(%v) = %v", s, from, next)
	}
	second, ok := s.Next(next)
	if !ok {
		return
	}
	if back, ok := s.Prev(second); !ok || !back.Equal(next) {
		t.Fatalf("%s: Prev(%v) = %v, but Next(%v) was the former", s, second, back, next)
	}
	if back, ok := s.Prev(next); ok && back.After(from) {
		t.Fatalf("%s: Next(%v) = %v passed over %v", s, from, next, back)
	}
}

func randomExpr(random *rand.Rand) string {
	item := func(f field) string {
		a := f.min + random.IntN(f.max-f.min+1)
		b := a + random.IntN(f.max-a+1)
		step := 1 + random.IntN(f.max)
		return [...]string{
			fmt.Sprint(a), fmt.Sprintf("%d-%d", a, b), fmt.Sprintf("*/%d", step),
			fmt.Sprintf("%d/%d", a, step), fmt.Sprintf("%d-%d/%d", a, b, step),
		}[random.IntN(5)]
	}
	var columns []string
	for _, f := range fields[1:] {
		column := "*"
		if random.IntN(2) == 0 {
			column = item(f)
			for range random.IntN(3) {
				column += "," + item(f)
			}
		}
		columns = append(columns, column)
	}
	return strings.Join(columns, " ")
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		expr, field string
		column      int
		msg         string
	}{
		{"", "", 1, "5 fields are needed (minute, hour, day of month, month, day of week), and there are 0"},
		{"* * * *", "", 1, "5 fields are needed (minute, hour, day of month, month, day of week), and there are 4"},
		{"* * * * * *", "", 1, "5 fields are needed (minute, hour, day of month, month, day of week), and there are 6; seconds must be asked for"},
		{"@every 5m", "", 1, "the nicknames are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"},
		{"@HOURLY", "", 1, "the nicknames are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly"},
		{"60 * * * *", "minute", 1, "the value 60 is not between 0 and 59"},
		{"0 24 * * *", "hour", 3, "the value 24 is not between 0 and 23"},
		{"0  0  0 * *", "day of month", 7, "the value 0 is not between 1 and 31"},
		{"0 0 * 13 *", "month", 7, "the value 13 is not between 1 and 12"},
		{"0 0 * * 1,8", "day of week", 11, "the value 8 is not between 0 and 7"},
		{"99999999999999999999 * * * *", "minute", 1, "the value 99999999999999999999 is not between 0 and 59"},
		{"0 22-2 * * *", "hour", 3, "the range 22-2 ends before it begins"},
		{"0 0 * * 5-1", "day of week", 9, "the range 5-1 ends before it begins"},
		{"0 0 * * SUN-tue", "day of week", 9, "the range SUN-tue ends before it begins"},
		{"*/0 * * * *", "minute", 3, "the step 0 is not between 1 and 59"},
		{"0 1,*/24 * * *", "hour", 7, "the step 24 is not between 1 and 23"},
		{"*/ * * * *", "minute", 3, "a step is missing"},
		{"1/2/3 * * * *", "minute", 3, "`2/3` is not a number"},
		{"1, * * * *", "minute", 3, "a value is missing"},
		{"1,,2 * * * *", "minute", 3, "a value is missing"},
		{"1- * * * *", "minute", 3, "a value is missing"},
		{"-1 * * * *", "minute", 1, "a value is missing"},
		{"1-2-3 * * * *", "minute", 3, "`2-3` is not a number"},
		{"** * * * *", "minute", 1, "`**` is not a number"},
		{"+1 * * * *", "minute", 1, "`+1` is not a number"},
		{"1.5 * * * *", "minute", 1, "`1.5` is not a number"},
		{"mon * * * *", "minute", 1, "`mon` is not a number"},
		{"0 0 * * jan", "day of week", 9, "`jan` is neither a number nor a name of three letters"},
		{"0 0 1 january *", "month", 7, "`january` is neither a number nor a name of three letters"},
		{"0 0 1 anf *", "month", 7, "`anf` is neither a number nor a name of three letters"},
		{"0 0 L * *", "day of month", 5, "`L`: L, W, # and ? are not supported"},
		{"0 0 15W * *", "day of month", 5, "`15W`: L, W, # and ? are not supported"},
		{"0 0 ? * 1", "day of month", 5, "`?`: L, W, # and ? are not supported"},
		{"0 0 * * 5#2", "day of week", 9, "`5#2`: L, W, # and ? are not supported"},
		{"é é * * *", "minute", 1, "`é` is not a number"},
		{"1,é,x * * * *", "minute", 3, "`é` is not a number"},
	}
	for _, test := range tests {
		_, err := Parse(test.expr, false)
		want := &Error{Expr: test.expr, Field: test.field, Column: test.column, Msg: test.msg}
		if diff := cmp.Diff(error(want), err); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.expr, diff)
		}
	}
	_, err := Parse("0 * * * *", true)
	want := `cron expression "0 * * * *": 6 fields are needed (second, minute, hour, day of month, month, day of week), and there are 5`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = Parse("0 24 * * *", false)
	if want := `cron expression "0 24 * * *", column 3, hour: the value 24 is not between 0 and 23`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A zone whose rule leaves the same wall clock time out every year must not be searched for ever.
func TestSearchEnds(t *testing.T) {
	loc := mustLoad(t, "Europe/Paris")
	for _, at := range []time.Time{
		time.Date(2024, 1, 1, 0, 0, 0, 0, loc), time.Date(-5000, 1, 1, 0, 0, 0, 0, loc), time.Date(1, 1, 1, 0, 0, 0, 0, loc),
		time.Date(9999, 12, 31, 23, 59, 59, 0, loc), time.Date(250_000, 1, 1, 0, 0, 0, 0, loc), time.Unix(1<<62, 0),
	} {
		s := mustParse(t, "0 0 30 2 *")
		if got, ok := s.Next(at); ok {
			t.Errorf("Next(%v) = %v", at, got)
		}
		if got, ok := s.Prev(at); ok {
			t.Errorf("Prev(%v) = %v", at, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"* * * * *", "1-5/2,*/3 0 L * mon-fri", "@daily", "0 0 29 2 7", "*/30 */2 1 jan/2 0-7 *", "\t60 é - /"} {
		f.Add(seed, int64(1_711_846_800), false)
	}
	paris := mustLoad(f, "Europe/Paris")
	f.Fuzz(func(t *testing.T, expr string, unix int64, withSeconds bool) {
		s, err := Parse(expr, withSeconds)
		if err != nil {
			e, ok := err.(*Error)
			if !ok || e.Msg == "" || e.Column < 1 || e.Column > len([]rune(expr))+1 {
				t.Fatalf("%q: %#v", expr, err)
			}
			return
		}
		if at := time.Unix(unix, 0).In(paris); at.Year() > firstYear+horizon && at.Year() < lastYear-horizon {
			checkInverse(t, s, at)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	paris := mustLoad(b, "Europe/Paris")
	for _, expr := range []string{"* * * * *", "30 2 * * 1-5", "0 0 29 2 *", "0 0 30 2 *"} {
		b.Run(strings.ReplaceAll(expr, "/", "÷"), func(b *testing.B) {
			s := mustParse(b, expr)
			at := time.Date(2024, 9, 1, 0, 0, 0, 0, paris)
			b.ReportAllocs()
			for b.Loop() {
				s.Next(at)
			}
		})
	}
}
