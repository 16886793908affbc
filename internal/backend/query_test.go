package backend

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzCursor(f *testing.F) {
	f.Add("", 1)
	f.Add(EncodeCursor([]any{"a", int64(-7)}), 2)
	f.Add("WzFlOTldCg", 1)
	f.Fuzz(func(t *testing.T, cursor string, n int) {
		values, err := DecodeCursor(cursor, n)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again, err := DecodeCursor(EncodeCursor(values), n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, again); diff != "" {
			t.Fatalf("a cursor changed (-want +got):\n%s", diff)
		}
	})
}

func TestBucketOf(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skipf("SKIPPED: no time zones here: %v", err)
	}
	at := time.Date(2026, 3, 29, 14, 50, 0, 0, paris) // a Sunday; summer time began at 2:00
	for bucket, want := range map[time.Duration]time.Time{
		time.Hour:           time.Date(2026, 3, 29, 14, 0, 0, 0, paris),
		24 * time.Hour:      time.Date(2026, 3, 29, 0, 0, 0, 0, paris),
		7 * 24 * time.Hour:  time.Date(2026, 3, 23, 0, 0, 0, 0, paris),
		30 * 24 * time.Hour: time.Date(2026, 3, 1, 0, 0, 0, 0, paris),
		0:                   {},
	} {
		q := CountQuery{Bucket: bucket, Location: paris}
		if got := q.BucketOf(at.UTC()); !got.Equal(want) {
			t.Errorf("bucket of %v begins at %v, want %v", bucket, got, want)
		}
	}
}
