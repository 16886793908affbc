package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// away is a backend that takes log lines from a time on.
type away struct {
	backend.Logs
	back  time.Time
	lines []model.LogEntry
}

type awayBackend struct {
	backend.Backend
	logs *away
}

func (b awayBackend) Logs() backend.Logs { return b.logs }

func (a *away) Append(_ context.Context, lines []model.LogEntry) error {
	if time.Now().Before(a.back) {
		return fmt.Errorf("no connection: %w", backend.ErrUnavailable)
	}
	a.lines = append(a.lines, lines...)
	return nil
}

// Lines wait for a backend that is away, however long, but for its end a worker does not wait long.
func TestLinesWait(t *testing.T) {
	for name, tc := range map[string]struct {
		away time.Duration
		stop bool
		want int
		told string
	}{
		"an hour":              {away: time.Hour, want: 1, told: "trying again"},
		"longer than the stop": {away: time.Hour, stop: true, want: 0, told: "log lines are lost"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told strings.Builder
				logs := &away{back: time.Now().Add(tc.away)}
				w := newLogWriter(awayBackend{logs: logs}, slog.New(slog.NewTextHandler(&told, nil)))
				w.add([]model.LogEntry{{Message: "line"}})
				began := time.Now()
				if tc.stop {
					w.close()
					if took := time.Since(began); took > closeTime+time.Second {
						t.Errorf("the stop took %s", took)
					}
				} else {
					w.flush()
					w.close()
				}
				if len(logs.lines) != tc.want || !strings.Contains(told.String(), tc.told) {
					t.Errorf("%d lines are stored, and this is told: %s", len(logs.lines), told.String())
				}
			})
		})
	}
}
