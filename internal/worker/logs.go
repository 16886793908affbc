package worker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/shard"
)

const (
	// maxLine is the length of a log line, in bytes; longer ones are split.
	maxLine = 10 << 10
	// maxCarried is how many bytes of log a job's report carries.
	maxCarried = 64 << 10
	// maxLines is how many lines one attempt may log; then a mark says that the log was cut.
	maxLines = 1_000_000
	// flushEvery and flushAt bound how long, and how many, lines wait to be written together.
	flushEvery = 100 * time.Millisecond
	flushAt    = 500
)

// runLog collects the lines of one attempt.
type runLog struct {
	rc      *run
	carry   bool // the lines go with the report
	mu      sync.Mutex
	seq     int
	size    int
	pending []model.LogEntry
	errors  int // lines of level ERROR
	min     model.Level
	file    *logFile // where the task keeps its log as a file
}

func newRunLog(rc *run, carry bool) *runLog {
	l := &runLog{rc: rc, carry: carry, min: rc.task.LogLevel}
	if rc.task.LogToFile {
		l.file = newLogFile(rc.w.cfg.TmpDir, rc.taskRun)
	}
	return l
}

// add takes a line. The timestamps of parts of a long line differ, so that they sort in order.
func (l *runLog) add(at time.Time, level model.Level, text string) {
	if level < l.min {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.add(at, level, text)
		return
	}
	l.put(at, level, text)
}

// put takes a line for the log of the execution.
func (l *runLog) put(at time.Time, level model.Level, text string) {
	for part := range split(text) {
		if l.seq > maxLines {
			return
		}
		if l.seq == maxLines {
			level, part = model.LevelWarn, "the log of this attempt is cut here: it has too many lines"
		}
		t := l.rc.taskRun
		attempt := len(t.Attempts)
		l.pending = append(l.pending, model.LogEntry{
			Tenant: t.Tenant, Namespace: t.Namespace, FlowID: t.FlowID, TaskID: t.TaskID, ExecutionID: t.ExecutionID, TaskRunID: t.ID,
			Attempt: &attempt, TriggerID: l.rc.job.Execution.TriggerID, Timestamp: at, Level: level, Thread: "worker", Message: part,
			Kind: l.rc.job.Execution.Kind, Seq: l.seq,
		})
		if level == model.LevelError {
			l.errors++
		}
		l.seq++
		l.size += len(part)
		at = at.Add(time.Millisecond)
	}
	if !l.carry || l.size > maxCarried {
		l.carry = false
		l.rc.w.logs.add(l.pending)
		l.pending = nil
	}
}

// finish returns the lines that go with the report; all others are durable when it returns. Where the log is kept as a file,
// file is its URI.
func (l *runLog) finish() (lines []model.LogEntry, file string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		var err error
		if file, err = l.file.store(l.rc); err != nil {
			l.put(now(), model.LevelError, "the log of this task, which is kept as a file, could not be stored: "+err.Error())
		}
		l.file = nil
	}
	if l.carry {
		return l.pending, file
	}
	l.rc.w.logs.flush()
	return nil, file
}

// discard removes a log file that finish has not stored.
func (l *runLog) discard() {
	if l.file != nil {
		l.file.remove()
	}
}

// split cuts a text into lines of at most maxLine bytes, between characters.
func split(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "␀"), "�")
		for len(text) > maxLine {
			cut := maxLine
			for !utf8.RuneStart(text[cut]) {
				cut--
			}
			if !yield(text[:cut]) {
				return
			}
			text = text[cut:]
		}
		yield(text)
	}
}

// logWriter writes the lines of all running jobs, gathered.
type logWriter struct {
	b    backend.Backend
	log  *slog.Logger
	mu   sync.Mutex
	buf  []model.LogEntry
	tick *time.Timer
	wr   sync.Mutex // one write at a time
	ctx  context.Context
	end  context.CancelFunc
}

func newLogWriter(b backend.Backend, log *slog.Logger) *logWriter {
	w := &logWriter{b: b, log: log}
	w.ctx, w.end = context.WithCancel(context.Background())
	return w
}

func (w *logWriter) add(lines []model.LogEntry) {
	w.mu.Lock()
	w.buf = append(w.buf, lines...)
	full := len(w.buf) >= flushAt
	if w.tick == nil && len(w.buf) > 0 {
		w.tick = time.AfterFunc(flushEvery, w.flush)
	}
	w.mu.Unlock()
	if full {
		w.flush()
	}
}

// flush writes what has gathered and waits until it is durable. A writer that cannot write holds up the tasks that log,
// rather than filling the memory.
func (w *logWriter) flush() {
	w.wr.Lock()
	defer w.wr.Unlock()
	w.mu.Lock()
	lines := w.buf
	w.buf = nil
	if w.tick != nil {
		w.tick.Stop()
		w.tick = nil
	}
	w.mu.Unlock()
	if len(lines) == 0 {
		return
	}
	err := shard.Insist(w.ctx, func() error { return w.b.Logs().Append(w.ctx, lines) }, func(err error) {
		w.log.Warn("writing log lines failed, trying again", "lines", len(lines), "error", err)
	})
	if err != nil {
		w.log.Error("log lines are lost", "lines", len(lines), "error", err)
	}
}

// closeTime is how long a backend that is away is waited for at the end.
const closeTime = 10 * time.Second

func (w *logWriter) close() {
	late := time.AfterFunc(closeTime, w.end)
	defer late.Stop()
	w.flush()
	w.end()
}
