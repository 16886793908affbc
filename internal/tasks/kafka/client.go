package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// connect connects, and sees that a broker answers: else a wrong address would be silence.
func connect(ctx context.Context, servers string, opts []kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := client.Ping(asking); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker of %s answers: %w", servers, err)
	}
	return client, nil
}

// open connects. The channel is closed once there is something to read from.
func (c *Consumer) open(ctx context.Context, run sdk.Run) (*kgo.Client, <-chan struct{}, error) {
	opts, err := connection(c.Properties).consuming().done(run)
	if err != nil {
		return nil, nil, err
	}
	what, err := c.subscription()
	if err != nil {
		return nil, nil, err
	}
	if err := c.readers(); err != nil {
		return nil, nil, err
	}
	ready := make(chan struct{})
	if c.grouped() {
		var once sync.Once
		opts = append(opts, kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { once.Do(func() { close(ready) }) }))
	} else {
		close(ready)
	}
	client, err := connect(ctx, c.Properties["bootstrap.servers"], append(opts, what...))
	return client, ready, err
}

// readers sees that keys and values can be read.
func (c *Consumer) readers() (err error) {
	for property, d := range map[string]string{"keyDeserializer": c.KeyDeserializer, "valueDeserializer": c.ValueDeserializer} {
		switch d {
		case "PROTOBUF":
			return fmt.Errorf("%s: PROTOBUF is not supported", property)
		case "AVRO":
			if c.registry, err = newRegistry(c.SerdeProperties, c.SchemaRegistryVendor); err != nil {
				return err
			}
		}
	}
	return nil
}

// group is the consumer group, "" for none.
func (c *Consumer) group() string {
	if c.GroupID != "" {
		return c.GroupID
	}
	return c.Properties["group.id"]
}

// shared tells whether messages are handed out one by one, to whoever asks.
func (c *Consumer) shared() bool { return c.GroupType == "SHARE" }

// grouped tells whether a group remembers by offsets what was read.
func (c *Consumer) grouped() bool { return c.group() != "" && len(c.Partitions) == 0 && !c.shared() }

// subscription says what is read, and from where on.
func (c *Consumer) subscription() ([]kgo.Opt, error) {
	topics, err := c.topics()
	switch {
	case err != nil:
		return nil, err
	case c.shared():
		return c.share(topics)
	case c.grouped():
		opts := []kgo.Opt{kgo.ConsumerGroup(c.group()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeTopics(topics...)}
		if c.TopicPattern != "" {
			opts = append(opts, kgo.ConsumeRegex())
		}
		return opts, nil
	case c.TopicPattern != "":
		return nil, errors.New("topicPattern needs a groupId")
	}
	from := kgo.NewOffset().AtStart()
	if c.Since != "" {
		at, err := time.Parse(time.RFC3339, c.Since)
		if err != nil {
			return nil, fmt.Errorf("since: %q is not a date with time and offset", c.Since)
		}
		from = kgo.NewOffset().AfterMilli(at.UnixMilli())
	}
	if len(c.Partitions) == 0 {
		return []kgo.Opt{kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(from)}, nil
	}
	of := map[int32]kgo.Offset{}
	for _, p := range c.Partitions {
		of[int32(p)] = from
	}
	parts := map[string]map[int32]kgo.Offset{}
	for _, t := range topics {
		parts[t] = of
	}
	return []kgo.Opt{kgo.ConsumePartitions(parts)}, nil
}

// share is the subscription of a share group.
func (c *Consumer) share(topics []string) ([]kgo.Opt, error) {
	switch {
	case c.group() == "":
		return nil, errors.New("groupType: SHARE needs a groupId")
	case c.TopicPattern != "":
		return nil, errors.New("groupType: SHARE knows no topicPattern")
	case len(c.Partitions) > 0:
		return nil, errors.New("groupType: SHARE knows no partitions")
	case c.Since != "":
		return nil, errors.New("groupType: SHARE knows no since")
	}
	return []kgo.Opt{kgo.ShareGroup(c.group()), kgo.ConsumeTopics(topics...)}, nil
}

func (c *Consumer) topics() ([]string, error) {
	switch {
	case c.Topic == nil && c.TopicPattern == "":
		return nil, errors.New("one of topic and topicPattern is required")
	case c.Topic != nil && c.TopicPattern != "":
		return nil, errors.New("only one of topic and topicPattern may be set")
	case c.TopicPattern != "":
		return []string{"^(?:" + c.TopicPattern + ")$"}, nil
	}
	if list, ok := c.Topic.([]any); ok {
		out := make([]string, len(list))
		for i, t := range list {
			out[i] = value.Print(t)
		}
		return out, nil
	}
	return []string{value.Print(c.Topic)}, nil
}

// finish tells the group what is done with, also when the trigger is stopped: else it would come again.
func (c *Consumer) finish(ctx context.Context, client *kgo.Client, done []*kgo.Record) error {
	if len(done) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	switch {
	case c.shared():
		client.MarkAcks(acknowledgements[c.AcknowledgeType], done...)
		return client.FlushAcks(ctx)
	case c.grouped():
		return client.CommitRecords(ctx, done...)
	}
	return nil
}

// release gives back what a share group has handed out and nobody has finished.
func (c *Consumer) release(client *kgo.Client) {
	if c.shared() {
		client.MarkAcks(kgo.AckRelease) // those of the last poll that have no mark yet
	}
	client.CloseAllowingRebalance()
}

var acknowledgements = map[string]kgo.AckStatus{
	"ACCEPT": kgo.AckAccept, "RELEASE": kgo.AckRelease, "REJECT": kgo.AckReject, "RENEW": kgo.AckRenew,
}
