package redis

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

const (
	// pause is how long an empty list is left alone.
	pause = 100 * time.Millisecond
	// atOnce is how many elements are taken at once.
	atOnce = 50
)

// Listen starts an execution for each element.
func (t *RealtimeTrigger) Listen(ctx context.Context, run sdk.Run, emit sdk.Emit) error {
	q, err := t.open(ctx, run)
	if err != nil {
		return err
	}
	defer q.close()
	list, err := q.left(ctx)
	for err == nil {
		if err = t.emitEach(ctx, run, q, list, emit); err != nil {
			break
		}
		n := atOnce
		if len(list) == 0 {
			n = 1 // it is mostly empty
		}
		if list, err = q.next(ctx, n); err == nil && len(list) == 0 {
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(pause):
			}
		}
	}
	return err
}

func (t *RealtimeTrigger) emitEach(ctx context.Context, run sdk.Run, q *queue, list []element, emit sdk.Emit) error {
	for i, e := range list {
		if err := emit(ctx, e.id, Message{Value: t.value(run, e.text)}); err != nil {
			return errors.Join(err, q.finish(ctx, list[:i]))
		}
	}
	return q.finish(ctx, list)
}

// Poll gathers a batch of elements.
func (t *Trigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	b, err := begin(ctx, run, &t.List, &t.Batch)
	if err != nil {
		return nil, err
	}
	b.URI, err = files.Gather(ctx, run, "elements.ion", func(w io.Writer) error { return b.gather(ctx, run, w) })
	if err != nil || b.Output.Count == 0 {
		b.queue.close()
		return nil, err
	}
	run.Counter("popped.records.count", float64(b.Output.Count), "key", t.Key)
	return b, nil
}

// Run takes a batch of elements into a file. Those of a run that fails are put back.
func (t *ListPop) Run(ctx context.Context, run sdk.Run) (any, error) {
	b, err := begin(ctx, run, &t.List, &t.Batch)
	if err != nil {
		return nil, err
	}
	defer b.queue.close()
	b.URI, err = files.Produce(ctx, run, "elements.ion", func(w io.Writer) error { return b.gather(ctx, run, w) })
	if err != nil {
		return nil, errors.Join(err, b.queue.giveBack(ctx, b.taken))
	}
	if err := b.queue.finish(ctx, b.taken); err != nil {
		return nil, err
	}
	run.Counter("popped.records.count", float64(b.Output.Count), "key", t.Key)
	return b.Output, nil
}

func begin(ctx context.Context, run sdk.Run, l *List, size *Batch) (*batch, error) {
	if size.MaxRecords == nil && size.MaxDuration == nil {
		return nil, errors.New("one of maxRecords and maxDuration is required")
	}
	q, err := l.open(ctx, run)
	return &batch{List: l, size: size, queue: q}, err
}

// batch is what was gathered.
type batch struct {
	Output
	*List
	size  *Batch
	queue *queue
	taken []element
}

// Settle forgets the elements once it is certain that the flow starts. Before, they are found again.
func (b *batch) Settle(ctx context.Context, durable bool) error {
	defer b.queue.close()
	if !durable {
		return nil
	}
	return b.queue.finish(ctx, b.taken)
}

// gather writes elements until there are no more, or enough. What an earlier batch has not finished comes first.
func (b *batch) gather(ctx context.Context, run sdk.Run, w io.Writer) error {
	began := time.Now()
	list, err := b.queue.left(ctx)
	for {
		if err != nil {
			return err
		}
		b.taken = append(b.taken, list...)
		for _, e := range list {
			if _, err := w.Write(append(ion.Append(nil, b.value(run, e.text)), '\n')); err != nil {
				return err
			}
		}
		b.Output.Count = len(b.taken)
		room := b.size.Count
		if b.size.MaxRecords != nil {
			room = min(room, *b.size.MaxRecords-b.Output.Count)
		}
		if room <= 0 || b.size.MaxDuration != nil && time.Since(began) > time.Duration(*b.size.MaxDuration) {
			return nil
		}
		if list, err = b.queue.next(ctx, room); err == nil && len(list) == 0 {
			return nil
		}
	}
}
