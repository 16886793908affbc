package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

// Poll gathers a batch of messages.
func (t *Trigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	b, err := begin(ctx, run, &t.Consumer, &t.Batch)
	if err != nil {
		return nil, err
	}
	b.URI, err = files.Gather(ctx, run, "messages.ion", func(w io.Writer) error { return b.gather(ctx, run, w) })
	if err != nil || b.MessagesCount == 0 {
		return nil, errors.Join(err, b.Settle(ctx, err == nil)) // what the filters leave out is done with
	}
	b.measure(run)
	return b, nil
}

// Run reads a batch of messages into a file.
func (t *Consume) Run(ctx context.Context, run sdk.Run) (any, error) {
	b, err := begin(ctx, run, &t.Consumer, &t.Batch)
	if err != nil {
		return nil, err
	}
	b.URI, err = files.Produce(ctx, run, "messages.ion", func(w io.Writer) error { return b.gather(ctx, run, w) })
	if err := errors.Join(err, b.Settle(ctx, err == nil)); err != nil {
		return nil, err
	}
	b.measure(run)
	return b.Output, nil
}

// joining is how long a group may take to give partitions.
const joining = 15 * time.Second

// batch is what is gathered. Its messages are finished once it is certain that they are not lost.
type batch struct {
	Output
	*Consumer
	size   *Batch
	client *kgo.Client
	counts map[string]int            // of each topic
	read   map[partition]*kgo.Record // the last of each partition
	shares []*kgo.Record             // all, where each is finished by itself
}

type partition struct {
	topic string
	n     int32
}

// begin connects and waits for something to read from, which may take a group longer than messages are waited for.
func begin(ctx context.Context, run sdk.Run, c *Consumer, size *Batch) (*batch, error) {
	client, ready, err := c.open(ctx, run)
	if err != nil {
		return nil, err
	}
	select {
	case <-ready:
	case <-time.After(joining):
	case <-ctx.Done():
	}
	return &batch{Consumer: c, size: size, client: client, counts: map[string]int{}, read: map[partition]*kgo.Record{}}, nil
}

// Settle commits the offsets, or acknowledges the messages.
func (b *batch) Settle(ctx context.Context, durable bool) error {
	defer b.release(b.client)
	if !durable {
		return nil
	}
	return b.finish(ctx, b.client, slices.AppendSeq(b.shares, maps.Values(b.read)))
}

func (b *batch) measure(run sdk.Run) {
	for _, topic := range slices.Sorted(maps.Keys(b.counts)) {
		run.Counter("records", float64(b.counts[topic]), "topic", topic)
	}
}

// gather writes messages until there are no more, or enough. A share group takes those of the last poll for done when it is
// polled again, so only what it hands out at once can be a batch.
func (b *batch) gather(ctx context.Context, run sdk.Run, w io.Writer) error {
	limit := time.Duration(b.size.PollDuration)
	if b.size.MaxDuration != nil {
		limit = time.Duration(*b.size.MaxDuration)
	}
	until := time.Now().Add(max(limit, time.Duration(b.size.PollDuration)))
	for time.Now().Before(until) {
		room := b.room()
		if room <= 0 {
			return nil
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
		if b.shared() {
			return nil
		}
	}
	return nil
}

// room is how many messages the next poll may give.
func (b *batch) room() int {
	room := 10 * atOnce
	if b.size.MaxRecords != nil {
		room = min(room, *b.size.MaxRecords-b.MessagesCount)
	}
	return room
}

func (b *batch) poll(ctx context.Context, room int) kgo.Fetches {
	wait := time.Duration(b.size.PollDuration)
	if b.shared() {
		wait += joining // it says nothing of having joined
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return b.client.PollRecords(ctx, room)
}

func (b *batch) write(ctx context.Context, run sdk.Run, w io.Writer, fetches kgo.Fetches) error {
	for _, r := range fetches.Records() {
		if b.shared() {
			b.shares = append(b.shares, r)
		} else {
			b.read[partition{r.Topic, r.Partition}] = r
		}
		if !b.wanted(r) {
			continue
		}
		m, err := b.message(ctx, r)
		if err != nil {
			if err := b.unreadable(ctx, run, b.client, r, err); err != nil {
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
		b.counts[r.Topic]++
	}
	return nil
}
