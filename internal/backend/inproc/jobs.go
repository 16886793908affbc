package inproc

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
)

// jobs keeps the jobs that have not ended.
type jobs struct {
	byID        map[string]*outJob
	byExecution map[string]map[string]*outJob
	groups      map[string]*group
}

// outJob is a job that is out: waiting in its group's queue (place is set), claimed (worker is set), or about to be
// withdrawn (neither is).
type outJob struct {
	job       *model.Job
	ahead     *Op // the op that is to make it durable, nil once it is
	place     *list.Element
	worker    string
	since     time.Time
	cancelled bool
}

// group is the queue of one worker group.
type group struct {
	waiting list.List // of *outJob, oldest first
	arrived signal
}

func (q *jobs) init() {
	q.byID = map[string]*outJob{}
	q.byExecution = map[string]map[string]*outJob{}
	q.groups = map[string]*group{}
}

func (q *jobs) group(name string) *group {
	g := q.groups[name]
	if g == nil {
		g = &group{}
		q.groups[name] = g
	}
	return g
}

// queue lets the job be claimed, unless it is out already. An ahead of nil says that it is durable.
func (q *jobs) queue(j *model.Job, ahead *Op) {
	if out := q.byID[j.ID]; out != nil {
		if ahead == nil {
			out.ahead = nil
		}
		return
	}
	out := q.add(j)
	out.ahead = ahead
	q.enqueue(out)
}

func (q *jobs) add(j *model.Job) *outJob {
	out := &outJob{job: j, since: time.Now().UTC()}
	q.byID[j.ID] = out
	siblings := q.byExecution[j.Entity().ID]
	if siblings == nil {
		siblings = map[string]*outJob{}
		q.byExecution[j.Entity().ID] = siblings
	}
	siblings[j.ID] = out
	return out
}

func (q *jobs) enqueue(out *outJob) {
	g := q.group(out.job.Group)
	out.place = g.waiting.PushBack(out)
	g.arrived.fire()
}

func (q *jobs) dequeue(out *outJob) {
	if out.place != nil {
		q.group(out.job.Group).waiting.Remove(out.place)
		out.place = nil
	}
}

// requeue lets a job be claimed whose withdrawal failed; its worker is told at once that it is cancelled.
func (q *jobs) requeue(id string) {
	if out := q.byID[id]; out != nil && out.place == nil && out.worker == "" {
		q.enqueue(out)
	}
}

// takeBack removes a job that op had queued ahead.
func (q *jobs) takeBack(id string, op *Op) {
	if out := q.byID[id]; out != nil && out.ahead == op {
		q.drop(id)
	}
}

func (q *jobs) drop(id string) {
	out := q.byID[id]
	if out == nil {
		return
	}
	q.dequeue(out)
	delete(q.byID, id)
	siblings := q.byExecution[out.job.Entity().ID]
	delete(siblings, id)
	if len(siblings) == 0 {
		delete(q.byExecution, out.job.Entity().ID)
	}
}

// adopt takes over a job that an earlier process left.
func (c *Core) adopt(left LeftJob) {
	out := c.jobs.add(left.Job)
	out.worker = left.Worker
	switch {
	case left.Worker != "":
	case left.Cancelled:
		c.withdraw(out)
	default:
		c.jobs.enqueue(out)
	}
}

// dropJobsOf ends the jobs of an execution that was deleted. Whoever runs one is told to stop.
func (c *Core) dropJobsOf(executionID string) {
	for id, out := range c.jobs.byExecution[executionID] {
		if m := c.members.alive(out.worker); m != nil && !out.cancelled {
			m.cancels.push(id)
		}
		c.jobs.drop(id)
	}
}

// cancel tells the worker of a job to stop it, or withdraws a job that nobody has claimed.
func (c *Core) cancel(id string) {
	out := c.jobs.byID[id]
	if out == nil || out.cancelled {
		return
	}
	if out.worker == "" {
		c.jobs.dequeue(out)
		c.withdraw(out)
		return
	}
	out.cancelled = true
	if m := c.members.alive(out.worker); m != nil {
		m.cancels.push(id)
	}
}

// withdraw reports a job that nobody has claimed as killed.
func (c *Core) withdraw(out *outJob) {
	out.cancelled = true
	now := time.Now().UTC()
	op := &Op{Withdrawn: []string{out.job.ID}}
	if c.enqueue(op) {
		c.putAhead(op, -1, &model.Event{
			ID: out.job.ID + "/withdrawn", To: out.job.Entity(), Kind: model.EventJobEnded, At: now,
			Job: &model.JobReport{ID: out.job.ID, TaskRunID: out.job.TaskRunID(), Attempt: out.job.Attempt, Ended: now, State: model.Killed},
		})
	}
}

// Claim is backend.Jobs. That a job is claimed becomes durable a moment later: should the process die before, the job is
// simply handed out once more. That of a pure job is not even written.
func (c *Core) Claim(ctx context.Context, worker, groupName string, max int) ([]*model.Job, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, backend.ErrClosed
		}
		m := c.members.alive(worker)
		if m == nil {
			c.mu.Unlock()
			return nil, fmt.Errorf("worker %s: %w", worker, backend.ErrFenced)
		}
		g := c.jobs.group(groupName)
		if claimed := c.claim(m, g, max); len(claimed) > 0 {
			c.mu.Unlock()
			return claimed, nil
		}
		arrived := g.arrived.wait()
		c.mu.Unlock()
		select {
		case <-arrived:
		case <-m.ended:
		case <-ctx.Done():
		case <-c.stop:
		}
	}
}

func (c *Core) claim(m *member, g *group, max int) []*model.Job {
	var claimed []*model.Job
	op := &Op{}
	for g.waiting.Len() > 0 && len(claimed) < max {
		out := g.waiting.Remove(g.waiting.Front()).(*outJob)
		out.place, out.worker, out.since = nil, m.ID, time.Now().UTC()
		if out.cancelled {
			m.cancels.push(out.job.ID)
		}
		if !out.job.Pure {
			op.Claims = append(op.Claims, Claim{out.job.ID, m.ID})
		}
		claimed = append(claimed, out.job)
	}
	if len(op.Claims) > 0 {
		c.enqueue(op)
	}
	return claimed
}

// Cancels is backend.Jobs.
func (c *Core) Cancels(ctx context.Context, worker string) (<-chan string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, backend.ErrClosed
	}
	m := c.members.alive(worker)
	if m == nil {
		return nil, fmt.Errorf("worker %s: %w", worker, backend.ErrFenced)
	}
	out := make(chan string)
	c.goroutines.Go(func() { m.cancels.pump(out, ctx.Done(), c.stop) })
	return out, nil
}

// Orphans is backend.Jobs.
func (c *Core) Orphans(ctx context.Context, max int) ([]*model.Job, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var orphans []*model.Job
	for _, out := range c.jobs.byID {
		if len(orphans) == max {
			break
		}
		if out.worker != "" && c.members.alive(out.worker) == nil {
			orphans = append(orphans, out.job)
		}
	}
	return orphans, nil
}

// Queued is backend.Jobs.
func (c *Core) Queued(ctx context.Context) (map[string]int, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	queued := map[string]int{}
	for name, g := range c.jobs.groups {
		if n := g.waiting.Len(); n > 0 {
			queued[name] = n
		}
	}
	return queued, nil
}

// Waiting is backend.Jobs.
func (c *Core) Waiting(ctx context.Context, id string) (backend.JobStatus, error) {
	if err := c.ready(ctx); err != nil {
		return backend.JobStatus{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.jobs.byID[id]
	if out == nil {
		return backend.JobStatus{}, fmt.Errorf("job %s: %w", id, backend.ErrNotFound)
	}
	return backend.JobStatus{Job: out.job, Worker: out.worker, Since: out.since}, nil
}

// JobsOf lists the ids of an execution's jobs that have not ended, sorted.
func (c *Core) JobsOf(executionID string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for id := range c.jobs.byExecution[executionID] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
