package httpapi

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/model"
)

// A log that is followed tells each line once, also those that are stored after newer ones.
func TestLogTail(t *testing.T) {
	b := memory.New()
	defer b.Close()
	a := New(Config{Backend: b, Settings: config.Default(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	began := time.Now().UTC().Truncate(time.Second)
	line := func(run string, seq int, after time.Duration) model.LogEntry {
		return model.LogEntry{Tenant: Tenant, Namespace: "n", FlowID: "f", ExecutionID: "e", TaskRunID: run, Attempt: new(int), Seq: seq,
			Timestamp: began.Add(after), Level: model.LevelInfo, Message: fmt.Sprint(run, seq)}
	}
	tail := &logTail{seen: map[lineKey]bool{}, query: backend.Query{Tenant: Tenant, Filters: []backend.Filter{
		{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: "e"}}}}
	for _, step := range []struct {
		stored []model.LogEntry
		last   bool
		want   []string
	}{
		{[]model.LogEntry{line("a", 0, 0), line("a", 1, 0)}, false, []string{"a0", "a1"}},
		{nil, false, nil},
		{[]model.LogEntry{line("a", 2, time.Minute), line("b", 0, time.Minute-overlap)}, false, []string{"b0", "a2"}},
		{[]model.LogEntry{line("c", 0, time.Second), line("a", 3, time.Minute)}, false, []string{"a3"}}, // c is late
		{[]model.LogEntry{{Tenant: Tenant, Namespace: "n", FlowID: "f", ExecutionID: "e", Timestamp: began, Level: model.LevelInfo, Message: "of none"}}, true, []string{"of none", "c0"}},
		{nil, true, nil},
	} {
		if err := b.Logs().Append(t.Context(), step.stored); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := tail.read(t.Context(), a, step.last, func(l *model.LogEntry) { got = append(got, l.Message) }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("read %v, want %v", got, step.want)
		}
	}
}
