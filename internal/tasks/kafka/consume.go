package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

// atOnce is how many records are taken before their offsets are committed. A group waits for that long with giving the
// partitions to others.
const atOnce = 200

// Listen starts an execution for each message.
func (t *RealtimeTrigger) Listen(ctx context.Context, run sdk.Run, emit sdk.Emit) error {
	client, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	for {
		fetches := client.PollRecords(ctx, atOnce)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := failure(run, fetches); err != nil {
			return err
		}
		done, err := t.emitAll(ctx, run, client, fetches, emit)
		if committed := t.commit(ctx, client, done); err == nil {
			err = committed
		}
		if err != nil {
			return err
		}
		client.AllowRebalance()
	}
}

// failure is why nothing can be read. What the client mends by itself is only logged.
func failure(run sdk.Run, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled) {
			continue
		}
		if !kerr.IsRetriable(e.Err) {
			return fmt.Errorf("reading %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
		run.Log(sdk.LevelWarn, "reading %s/%d: %s", e.Topic, e.Partition, e.Err)
	}
	return nil
}

// emitAll starts an execution for each record: those of a partition in their order, partitions beside each other. It returns
// the last record of each partition that is done with.
func (t *RealtimeTrigger) emitAll(ctx context.Context, run sdk.Run, client *kgo.Client, fetches kgo.Fetches, emit sdk.Emit) (done []*kgo.Record, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		wg.Go(func() {
			last, failed := t.emitEach(ctx, run, client, p.Records, emit)
			mu.Lock()
			defer mu.Unlock()
			if last != nil {
				done = append(done, last)
			}
			err = errors.Join(err, failed)
		})
	})
	wg.Wait()
	return done, err
}

func (t *RealtimeTrigger) emitEach(ctx context.Context, run sdk.Run, client *kgo.Client, records []*kgo.Record, emit sdk.Emit) (last *kgo.Record, err error) {
	for _, r := range records {
		if t.wanted(r) {
			m, err := t.message(r)
			if err == nil {
				err = emit(ctx, t.key(r), m)
			} else {
				err = t.unreadable(ctx, run, client, r, err)
			}
			if err != nil {
				return last, fmt.Errorf("the message %s/%d/%d: %w", r.Topic, r.Partition, r.Offset, err)
			}
		}
		last = r
	}
	return last, nil
}

// unreadable does with a message that is not what it should be what the flow says.
func (c *Consumer) unreadable(ctx context.Context, run sdk.Run, client *kgo.Client, r *kgo.Record, reason error) error {
	if c.OnSerdeError == nil {
		return reason
	}
	run.Log(sdk.LevelWarn, "the message %s/%d/%d is passed over: %s", r.Topic, r.Partition, r.Offset, reason)
	switch c.OnSerdeError.Type {
	case "DLQ":
		if c.OnSerdeError.Topic == "" {
			return errors.New("onSerdeError: a topic is required for DLQ")
		}
		return client.ProduceSync(ctx, &kgo.Record{Topic: c.OnSerdeError.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers}).FirstErr()
	case "STORE":
		uri, err := run.Store(ctx, fmt.Sprintf("unreadable-%d-%d", r.Partition, r.Offset), bytes.NewReader(r.Value))
		if err == nil {
			run.Log(sdk.LevelWarn, "it is stored as %s", uri)
		}
		return err
	}
	return nil
}

// commit tells the group what is done with, also when the trigger is stopped: else it would come again.
func (c *Consumer) commit(ctx context.Context, client *kgo.Client, done []*kgo.Record) error {
	if !c.grouped() || len(done) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return client.CommitRecords(ctx, done...)
}

// Poll gathers a batch of messages.
func (t *Trigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	ready := make(chan struct{})
	var once sync.Once
	var more []kgo.Opt
	if t.grouped() {
		more = append(more, kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { once.Do(func() { close(ready) }) }))
	} else {
		close(ready)
	}
	client, err := t.open(ctx, more...)
	if err != nil {
		return nil, err
	}
	b := &batch{t: t, client: client}
	select {
	case <-ready: // joining a group may take longer than messages are waited for
	case <-time.After(joining):
	case <-ctx.Done():
	}
	if b.URI, err = files.Gather(ctx, run, "messages.ion", func(w io.Writer) error { return b.gather(ctx, run, w) }); err != nil || b.MessagesCount == 0 {
		err = errors.Join(err, t.commit(ctx, client, b.passedOver(err)))
		client.CloseAllowingRebalance()
		return nil, err
	}
	run.Counter("records", float64(b.MessagesCount))
	return b, nil
}

// joining is how long a group may take to give partitions.
const joining = 15 * time.Second

// batch is what was gathered. Its messages are committed once it is certain that the flow starts.
type batch struct {
	Output
	t      *Trigger
	client *kgo.Client
	done   []*kgo.Record
}

// passedOver are the records to commit where no message counts: those that the filters leave out.
func (b *batch) passedOver(err error) []*kgo.Record {
	if err != nil {
		return nil
	}
	return b.done
}

// Settle commits the offsets.
func (b *batch) Settle(ctx context.Context, durable bool) error {
	defer b.client.CloseAllowingRebalance()
	if !durable {
		return nil
	}
	return b.t.commit(ctx, b.client, b.done)
}

// gather writes messages until there are no more, or enough.
func (b *batch) gather(ctx context.Context, run sdk.Run, w io.Writer) error {
	limit := time.Duration(b.t.PollDuration)
	if b.t.MaxDuration != nil {
		limit = time.Duration(*b.t.MaxDuration)
	}
	until := time.Now().Add(max(limit, time.Duration(b.t.PollDuration)))
	for time.Now().Before(until) {
		room := atOnce
		if b.t.MaxRecords != nil {
			if room = min(room, *b.t.MaxRecords-b.MessagesCount); room <= 0 {
				return nil
			}
		}
		fetches := b.poll(ctx, room)
		if err := failure(run, fetches); err != nil {
			return err
		}
		if fetches.NumRecords() == 0 {
			return ctx.Err()
		}
		if err := b.write(ctx, run, w, fetches); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) poll(ctx context.Context, room int) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.t.PollDuration))
	defer cancel()
	return b.client.PollRecords(ctx, room)
}

func (b *batch) write(ctx context.Context, run sdk.Run, w io.Writer, fetches kgo.Fetches) error {
	for _, r := range fetches.Records() {
		b.done = append(b.done, r)
		if !b.t.wanted(r) {
			continue
		}
		m, err := b.t.message(r)
		if err != nil {
			if err := b.t.unreadable(ctx, run, b.client, r, err); err != nil {
				return fmt.Errorf("the message %s/%d/%d: %w", r.Topic, r.Partition, r.Offset, err)
			}
			continue
		}
		v, err := plugin.Value(m)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(ion.Append(nil, v), '\n')); err != nil {
			return err
		}
		b.MessagesCount++
	}
	return nil
}
