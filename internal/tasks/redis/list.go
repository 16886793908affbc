package redis

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

func listTypes() []plugin.Type {
	return []plugin.Type{
		{
			Name: area + "list.ListPush", Aliases: []string{area + "ListPush"}, Category: plugin.Task, Title: "Put elements at the head of a list.",
			Description: "Each element is put before those that are there, so the last one is the first afterwards. Rows of a file are read as they are needed.",
			Examples: []plugin.Example{{Title: "Two orders", YAML: `id: push
type: io.kestra.plugin.redis.list.ListPush
url: redis://localhost:6379/0
key: orders
from:
  - order 1
  - order 2`}},
			New: func() any { return &ListPush{} }, Outputs: Count{},
		},
		{
			Name: area + "list.ListPop", Aliases: []string{area + "ListPop"}, Category: plugin.Task, Title: "Take elements from the head of a list into a file.",
			Description: "Takes elements until the list is empty, or there are enough. They are kept in a hash beside the list until the file is " +
				"stored: an attempt that fails puts them back, and one whose worker died leaves them to the next.",
			Examples: []plugin.Example{{Title: "At most a hundred orders", YAML: `id: pop
type: io.kestra.plugin.redis.list.ListPop
url: redis://localhost:6379/0
key: orders
serdeType: JSON
maxRecords: 100`}},
			New: func() any { return &ListPop{} }, Outputs: Output{},
		},
		{
			Name: area + "pubsub.Publish", Aliases: []string{area + "Publish"}, Category: plugin.Task, Title: "Publish messages in a channel.",
			Description: "Whoever listens to the channel hears them; nobody else ever does.",
			Examples: []plugin.Example{{Title: "A word to all", YAML: `id: publish
type: io.kestra.plugin.redis.pubsub.Publish
url: redis://localhost:6379/0
channel: news
from:
  - "{{ execution.id }} has begun"`}},
			New: func() any { return &Publish{} }, Outputs: Count{},
		},
	}
}

// ListPush puts elements at the head of a list.
type ListPush struct {
	Connection
	Key       string `json:"key" required:"true" doc:"The key of the list."`
	From      any    `json:"from" required:"true" doc:"The elements: a list, or the URI of a file of Ion or JSON lines."`
	SerdeType string `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What elements are written as. A text that is written as JSON has to be some already."`
	BatchSize int    `json:"batchSize" default:"500" min:"1" doc:"How many elements are sent at once."`
}

// Publish publishes messages in a channel.
type Publish struct {
	Connection
	Channel   string `json:"channel" required:"true" doc:"The channel."`
	From      any    `json:"from" required:"true" doc:"The messages: a list, or the URI of a file of Ion or JSON lines."`
	SerdeType string `json:"serdeType" default:"STRING" enum:"STRING,JSON" doc:"What messages are written as. A text that is written as JSON has to be some already."`
}

// ListPop takes elements from the head of a list.
type ListPop struct {
	List
	Batch
}

// Count is how many there were.
type Count struct {
	Count int64 `json:"count" doc:"How many there were."`
}

// Run puts the elements.
func (t *ListPush) Run(ctx context.Context, run sdk.Run) (any, error) {
	n, err := t.send(ctx, run, t.From, t.SerdeType, t.BatchSize, func(c *redis.Client, texts []any) error {
		return c.LPush(ctx, t.Key, texts...).Err()
	})
	if err != nil {
		return nil, err
	}
	run.Counter("inserted.records.count", float64(n))
	return Count{n}, nil
}

// Run publishes the messages.
func (t *Publish) Run(ctx context.Context, run sdk.Run) (any, error) {
	const atOnce = 500
	n, err := t.send(ctx, run, t.From, t.SerdeType, atOnce, func(c *redis.Client, texts []any) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, text := range texts {
				p.Publish(ctx, t.Channel, text)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	run.Counter("published.records.count", float64(n))
	return Count{n}, nil
}

// send hands over what from stands for, some at a time, and counts it.
func (c *Connection) send(ctx context.Context, run sdk.Run, from any, serde string, atOnce int, some func(*redis.Client, []any) error) (n int64, err error) {
	client, err := c.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer closed(client)
	var texts []any
	flush := func() error {
		if len(texts) == 0 {
			return nil
		}
		err := some(client, texts)
		if err == nil {
			n += int64(len(texts))
		}
		texts = texts[:0]
		return err
	}
	err = files.Each(ctx, run, from, func(v any, _ int) error {
		text, err := encode(serde, v)
		if err != nil {
			return err
		}
		if texts = append(texts, text); len(texts) < atOnce {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil && n > 0 {
		err = fmt.Errorf("%w (the %d before are sent)", err, n)
	}
	return n, err
}
