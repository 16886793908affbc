package backend

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// Validate checks the query. Its errors are ErrInvalid.
func (q CountQuery) Validate() error {
	switch q.By {
	case "", "namespace", "flow":
	case "task":
		if !q.TaskRuns {
			return fmt.Errorf("executions counted by task: %w", ErrInvalid)
		}
	default:
		return fmt.Errorf("counted by %q: %w, one of namespace, flow, task", q.By, ErrInvalid)
	}
	if q.Bucket < 0 {
		return fmt.Errorf("bucket of %v: %w", q.Bucket, ErrInvalid)
	}
	return q.Query.Validate(ExecutionFields, nil)
}

// BucketOf returns when the bucket of a start date begins. Days, weeks (from Monday) and, for 28 days and more, months
// follow the calendar of Location; shorter buckets are counted from its midnight.
func (q CountQuery) BucketOf(t time.Time) time.Time {
	if q.Bucket == 0 {
		return time.Time{}
	}
	loc := q.Location
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	y, m, d := t.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, loc)
	switch {
	case q.Bucket < day:
		return midnight.Add(t.Sub(midnight) / q.Bucket * q.Bucket)
	case q.Bucket < week:
		return midnight
	case q.Bucket < 4*week:
		return time.Date(y, m, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, loc)
	default:
		return time.Date(y, m, 1, 0, 0, 0, 0, loc)
	}
}

// Add merges what o has counted.
func (c *Count) Add(o Count) {
	if o.Count == 0 {
		return
	}
	if o.Ended > 0 {
		if c.Ended == 0 || o.Min < c.Min {
			c.Min = o.Min
		}
		c.Max = max(c.Max, o.Max)
	}
	c.Count += o.Count
	c.Ended += o.Ended
	c.Sum += o.Sum
}

// Counter gathers counts by bucket, group and state.
type Counter struct {
	query  CountQuery
	counts map[Count]*Count
}

// NewCounter begins to count for the query.
func NewCounter(q CountQuery) *Counter {
	return &Counter{query: q, counts: map[Count]*Count{}}
}

// Add counts c, whose Bucket is a start date.
func (cs *Counter) Add(c Count) {
	key := Count{Bucket: cs.query.BucketOf(c.Bucket), State: c.State}
	switch cs.query.By {
	case "namespace":
		key.Namespace = c.Namespace
	case "flow":
		key.Namespace, key.FlowID = c.Namespace, c.FlowID
	case "task":
		key.TaskID = c.TaskID
	}
	sum := cs.counts[key]
	if sum == nil {
		fresh := key
		sum = &fresh
		cs.counts[key] = sum
	}
	sum.Add(c)
}

// Counts returns the sums, ordered by bucket, group and state.
func (cs *Counter) Counts() []Count {
	all := make([]Count, 0, len(cs.counts))
	for _, c := range cs.counts {
		all = append(all, *c)
	}
	slices.SortFunc(all, compareCounts)
	return all
}

func compareCounts(a, b Count) int {
	return cmp.Or(a.Bucket.Compare(b.Bucket), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.FlowID, b.FlowID),
		cmp.Compare(a.TaskID, b.TaskID), cmp.Compare(a.State, b.State))
}

// CountOf is the count of one record.
func CountOf(namespace, flowID, taskID string, h model.History) Count {
	c := Count{Bucket: h.Start(), Namespace: namespace, FlowID: flowID, TaskID: taskID, State: h.Current(), Count: 1}
	if end, ended := h.End(); ended {
		d := end.Sub(h.Start())
		c.Ended, c.Sum, c.Min, c.Max = 1, d, d, d
	}
	return c
}
