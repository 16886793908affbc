package kubernetes_test

import (
	"io"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/taskrunner/kubernetes"
)

// A log that breaks at any place, twice, is handed on whole, also where several lines have one time.
func TestLogThatBreaksAnywhere(t *testing.T) {
	const log = "2026-01-02T03:04:05.1Z one\n2026-01-02T03:04:05.2Z two\n2026-01-02T03:04:05.2Z two\n2026-01-02T03:04:05.2Z \n2026-01-02T03:04:06Z end"
	const want = "one\ntwo\ntwo\n\nend"
	for i := range len(log) + 1 {
		for j := i; j <= len(log); j += 3 {
			var got strings.Builder
			err := kubernetes.Log(func(p []byte) error { got.Write(p); return nil },
				strings.NewReader(log[:i]), strings.NewReader(log[:j]), io.LimitReader(strings.NewReader(log), int64(len(log))))
			if err != nil || got.String() != want {
				t.Fatalf("broken at %d and %d: got %q, %v", i, j, got.String(), err)
			}
		}
	}
}

func TestLogWithoutTimes(t *testing.T) {
	if err := kubernetes.Log(func([]byte) error { return nil }, strings.NewReader("hello there\n")); err == nil {
		t.Error("it was taken for a log")
	}
}
