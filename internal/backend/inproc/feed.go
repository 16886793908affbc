package inproc

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// feed finds the followers of a change without looking at those of other executions.
type feed struct {
	byID map[string][]*follower
	wide []*follower // those that follow more than one execution
}

// follower keeps the newest change of each execution until its reader takes it.
type follower struct {
	filter backend.FeedFilter
	stop   chan struct{}

	mu      sync.Mutex
	pending map[string]backend.Change
	order   []string
	more    signal
}

func (f *feed) init() { f.byID = map[string][]*follower{} }

func (f *feed) add(fo *follower) {
	if id := fo.filter.ExecutionID; id != "" {
		f.byID[id] = append(f.byID[id], fo)
	} else {
		f.wide = append(f.wide, fo)
	}
}

func (f *feed) remove(fo *follower) {
	is := func(other *follower) bool { return other == fo }
	id := fo.filter.ExecutionID
	if id == "" {
		f.wide = slices.DeleteFunc(f.wide, is)
	} else if left := slices.DeleteFunc(f.byID[id], is); len(left) > 0 {
		f.byID[id] = left
	} else {
		delete(f.byID, id)
	}
}

func (f *feed) publishTransition(t *model.Transition) {
	if len(f.byID) == 0 && len(f.wide) == 0 || t.Of.Kind != model.EntityExecution {
		return
	}
	change := backend.Change{ExecutionID: t.Of.ID, Execution: t.Execution, Deleted: t.Deleted, TaskRuns: t.TaskRuns,
		Partial: len(t.DropRuns) > 0}
	if t.Execution != nil || t.Deleted || len(t.TaskRuns) > 0 || len(t.DropRuns) > 0 {
		f.publish(change)
	} else if len(t.Logs) > 0 {
		f.publishLog(&t.Logs[0])
	}
}

func (f *feed) publish(c backend.Change) {
	for _, fo := range f.byID[c.ExecutionID] {
		if fo.selects(c.Execution) {
			fo.push(c)
		}
	}
	for _, fo := range f.wide {
		if fo.selects(c.Execution) {
			fo.push(c)
		}
	}
}

// publishLog tells those who asked for log lines that an execution has new ones.
func (f *feed) publishLog(line *model.LogEntry) {
	tell := func(fo *follower) {
		w := fo.filter
		if w.Logs && w.CorrelationID == "" && (w.Namespace == "" || w.Namespace == line.Namespace) &&
			(w.FlowID == "" || w.FlowID == line.FlowID) {
			fo.push(backend.Change{ExecutionID: line.ExecutionID})
		}
	}
	for _, fo := range f.byID[line.ExecutionID] {
		tell(fo)
	}
	for _, fo := range f.wide {
		tell(fo)
	}
}

// selects tells whether the follower wants the change. Without a header it cannot be told, and it is passed on.
func (fo *follower) selects(e *model.Execution) bool {
	w := fo.filter
	if e == nil {
		return true
	}
	if w.Namespace != "" && w.Namespace != e.Namespace || w.FlowID != "" && w.FlowID != e.FlowID {
		return false
	}
	return w.CorrelationID == "" || slices.Contains(e.Labels, model.Label{Key: model.LabelCorrelation, Value: w.CorrelationID})
}

// push replaces an older change of the same execution that has not been read; one without a header adds to it.
func (fo *follower) push(c backend.Change) {
	fo.mu.Lock()
	defer fo.mu.Unlock()
	old, waits := fo.pending[c.ExecutionID]
	switch {
	case !waits:
		fo.order = append(fo.order, c.ExecutionID)
	case c.Execution == nil && !c.Deleted && len(c.TaskRuns) == 0:
		c = old
	default:
		if c.Execution == nil {
			c.Execution = old.Execution
		}
		c.TaskRuns = append(old.TaskRuns[:len(old.TaskRuns):len(old.TaskRuns)], c.TaskRuns...)
		c.Partial = c.Partial || old.Partial
	}
	if len(c.TaskRuns) > backend.MaxChangedRuns {
		c.TaskRuns, c.Partial = nil, true
	}
	fo.pending[c.ExecutionID] = c
	fo.more.fire()
}

func (fo *follower) next() (c backend.Change, ok bool, more <-chan struct{}) {
	fo.mu.Lock()
	defer fo.mu.Unlock()
	if len(fo.order) == 0 {
		return c, false, fo.more.wait()
	}
	c = fo.pending[fo.order[0]]
	delete(fo.pending, fo.order[0])
	fo.order = fo.order[1:]
	return c, true, nil
}

func (fo *follower) pump(out chan<- backend.Change, closing <-chan struct{}) {
	defer close(out)
	for {
		c, ok, more := fo.next()
		if ok {
			select {
			case out <- c:
				continue
			case <-fo.stop:
			case <-closing:
			}
			return
		}
		select {
		case <-more:
		case <-fo.stop:
			return
		case <-closing:
			return
		}
	}
}

// Follow is backend.Feed.
func (c *Core) Follow(f backend.FeedFilter) (<-chan backend.Change, func()) {
	out := make(chan backend.Change)
	fo := &follower{filter: f, stop: make(chan struct{}), pending: map[string]backend.Change{}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		close(out)
		return out, func() {}
	}
	c.feed.add(fo)
	c.goroutines.Go(func() { fo.pump(out, c.stop) })
	return out, sync.OnceFunc(func() {
		c.mu.Lock()
		c.feed.remove(fo)
		c.mu.Unlock()
		close(fo.stop)
	})
}

// Deleted says that executions were deleted by other means than a transition.
func (c *Core) Deleted(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.dropJobsOf(id)
		c.feed.publish(backend.Change{ExecutionID: id, Deleted: true})
	}
}

// Logged tells followers of new log lines.
func (c *Core) Logged(lines []model.LogEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.feed.byID) == 0 && len(c.feed.wide) == 0 {
		return
	}
	last := ""
	for i := range lines {
		if id := lines[i].ExecutionID; id != "" && id != last {
			c.feed.publishLog(&lines[i])
			last = id
		}
	}
}

// Ask is backend.Feed.
func (c *Core) Ask(ctx context.Context, e model.Event) (model.Answer, error) {
	if err := c.ready(ctx); err != nil {
		return model.Answer{}, err
	}
	answers := make(chan model.Answer, 1)
	if err := c.expect(e.Ask, answers); err != nil {
		return model.Answer{}, err
	}
	defer c.forget(e.Ask)
	appended := make(chan error, 1)
	c.Append([]model.Event{e}, func(err error) { appended <- err })
	for {
		select {
		case a := <-answers:
			return a, nil
		case err := <-appended:
			if err != nil {
				return model.Answer{}, err
			}
			appended = nil
		case <-ctx.Done():
			return model.Answer{}, ctx.Err()
		case <-c.stop:
			return model.Answer{}, backend.ErrClosed
		}
	}
}

func (c *Core) expect(ask string, answers chan<- model.Answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ask == "" {
		return fmt.Errorf("event without an ask: %w", backend.ErrInvalid)
	}
	if c.asks[ask] != nil {
		return fmt.Errorf("ask %s: %w", ask, backend.ErrConflict)
	}
	c.asks[ask] = answers
	return nil
}

func (c *Core) forget(ask string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asks, ask)
}

func (c *Core) answer(a model.Answer) {
	if waiting := c.asks[a.Ask]; waiting != nil {
		waiting <- a
		delete(c.asks, a.Ask) // its channel holds one
	}
}
