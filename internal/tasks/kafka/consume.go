package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/sdk"
)

// atOnce is how many records are taken before their offsets are committed. A group waits for that long with giving the
// partitions to others.
const atOnce = 200

// Listen starts an execution for each message.
func (t *RealtimeTrigger) Listen(ctx context.Context, run sdk.Run, emit sdk.Emit) error {
	client, _, err := t.open(ctx, run)
	if err != nil {
		return err
	}
	defer t.release(client)
	for {
		fetches := client.PollRecords(ctx, atOnce)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := failure(run, fetches); err != nil {
			return err
		}
		done, err := t.emitAll(ctx, run, client, fetches, emit)
		if finished := t.finish(ctx, client, done); err == nil {
			err = finished
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
// the records to finish.
func (t *RealtimeTrigger) emitAll(ctx context.Context, run sdk.Run, client *kgo.Client, fetches kgo.Fetches, emit sdk.Emit) (done []*kgo.Record, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		wg.Go(func() {
			n, failed := t.emitEach(ctx, run, client, p.Records, emit)
			mu.Lock()
			defer mu.Unlock()
			done = append(done, t.last(p.Records[:n])...)
			err = errors.Join(err, failed)
		})
	})
	wg.Wait()
	return done, err
}

// last is all that has to be finished of records of one partition: the last one, unless each is handed out by itself.
func (c *Consumer) last(records []*kgo.Record) []*kgo.Record {
	if c.shared() || len(records) == 0 {
		return records
	}
	return records[len(records)-1:]
}

// emitEach returns how many records are done with.
func (t *RealtimeTrigger) emitEach(ctx context.Context, run sdk.Run, client *kgo.Client, records []*kgo.Record, emit sdk.Emit) (n int, err error) {
	for _, r := range records {
		if t.wanted(r) {
			m, err := t.message(ctx, r)
			if err == nil {
				err = emit(ctx, t.key(r), m)
			} else {
				err = t.unreadable(ctx, run, client, r, err)
			}
			if err != nil {
				return n, fmt.Errorf("the message %s/%d/%d: %w", r.Topic, r.Partition, r.Offset, err)
			}
		}
		n++
	}
	return n, nil
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
