package sqlite

import (
	"context"
	"sync"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/sqlbase"
	"github.com/windhover-io/windhover/internal/model"
)

// logWriter writes log lines and metrics in a file and a transaction of their own: whatever has gathered, like the state.
type logWriter struct {
	conn   *conn
	enc    *sqlbase.Encoder
	logged func([]model.LogEntry)

	mu      sync.Mutex
	closed  bool
	pending []*logBatch
	work    chan struct{} // holds a token while pending is not empty
	done    chan struct{} // closed when the goroutine has ended
}

// logBatch is what one caller hands in: lines and metrics, or a deletion.
type logBatch struct {
	lines   []model.LogEntry
	metrics []model.Metric
	do      func() error
	result  chan error
}

func newLogWriter(c *conn) *logWriter {
	return &logWriter{conn: c, enc: sqlbase.NewEncoder(), work: make(chan struct{}, 1), done: make(chan struct{})}
}

// start begins to write; logged is told of lines that were stored.
func (w *logWriter) start(logged func([]model.LogEntry)) {
	w.logged = logged
	go w.run()
}

// close writes what was handed in and ends the goroutine.
func (w *logWriter) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.work)
	}
	w.mu.Unlock()
	<-w.done
}

// write waits until lines and metrics are stored.
func (w *logWriter) write(lines []model.LogEntry, metrics []model.Metric) error {
	if len(lines) == 0 && len(metrics) == 0 {
		return nil
	}
	return w.handIn(context.Background(), &logBatch{lines: lines, metrics: metrics})
}

func (w *logWriter) handIn(ctx context.Context, b *logBatch) error {
	b.result = make(chan error, 1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return backend.ErrClosed
	}
	w.pending = append(w.pending, b)
	select {
	case w.work <- struct{}{}:
	default:
	}
	w.mu.Unlock()
	select {
	case err := <-b.result:
		return unavailable(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *logWriter) run() {
	defer close(w.done)
	for open := true; open; {
		_, open = <-w.work
		w.mu.Lock()
		batches := w.pending
		w.pending = nil
		w.mu.Unlock()
		if len(batches) > 0 {
			w.writeAll(batches)
		}
	}
}

// writeAll writes all batches in one transaction, or each by itself if that fails: one that cannot be stored harms no other.
func (w *logWriter) writeAll(batches []*logBatch) {
	err := w.conn.transaction(func() error {
		for _, b := range batches {
			if err := w.writeBatch(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(batches) > 1 {
		for _, b := range batches {
			w.writeAll([]*logBatch{b})
		}
		return
	}
	for _, b := range batches {
		if err == nil && len(b.lines) > 0 {
			w.logged(b.lines)
		}
		b.result <- err
	}
}

const (
	insertLine = `INSERT INTO logs (tenant, namespace, flow_id, execution_id, task_id, task_run_id, attempt, line, trigger_id, at, level, thread, message, kind)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	insertMetric = `INSERT INTO metrics (tenant, namespace, flow_id, execution_id, task_id, task_run_id, type, name, value, at, tags, kind)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func (w *logWriter) writeBatch(b *logBatch) error {
	if b.do != nil {
		return b.do()
	}
	for i := range b.lines {
		l := &b.lines[i]
		attempt, line := int64(-1), any(nil)
		if l.Attempt != nil {
			attempt = int64(*l.Attempt)
		}
		if l.TaskRunID != "" {
			line = int64(l.Seq)
		}
		if _, err := w.conn.exec(insertLine, l.Tenant, l.Namespace, l.FlowID, l.ExecutionID, l.TaskID, l.TaskRunID, attempt, line,
			l.TriggerID, sqlbase.Micros(l.Timestamp), int64(l.Level), l.Thread, l.Message, l.Kind); err != nil {
			return err
		}
	}
	for i := range b.metrics {
		m := &b.metrics[i]
		tags := "{}"
		if len(m.Tags) > 0 {
			var err error
			if tags, err = w.enc.Encode(m.Tags); err != nil {
				return err
			}
		}
		if _, err := w.conn.exec(insertMetric, m.Tenant, m.Namespace, m.FlowID, m.ExecutionID, m.TaskID, m.TaskRunID, m.Type, m.Name, m.Value,
			sqlbase.Micros(m.Timestamp), tags, m.Kind); err != nil {
			return err
		}
	}
	return nil
}
