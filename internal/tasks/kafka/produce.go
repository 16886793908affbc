package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Run writes messages.
func (t *Produce) Run(ctx context.Context, run sdk.Run) (any, error) {
	p, err := t.producer(ctx, run)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if t.Transactional {
		if err := p.BeginTransaction(); err != nil {
			return nil, err
		}
	}
	n := 0
	err = files.Each(ctx, run, t.From, func(v any, _ int) error {
		r, err := p.record(ctx, v)
		if err != nil {
			return err
		}
		n++
		return p.send(ctx, r)
	})
	if err := p.end(ctx, err); err != nil {
		return nil, err
	}
	run.Counter("records", float64(n))
	return ProduceOutput{n}, nil
}

// producer writes the messages of one run.
type producer struct {
	*kgo.Client
	t          *Produce
	registry   *registry
	key, value serializer

	mu     sync.Mutex
	failed error // the first message that was refused
}

func (t *Produce) producer(ctx context.Context, run sdk.Run) (*producer, error) {
	p := &producer{t: t}
	var err error
	if p.key, err = p.serializer("key", t.KeySerializer, t.KeyAvroSchema); err != nil {
		return nil, err
	}
	if p.value, err = p.serializer("value", t.ValueSerializer, t.ValueAvroSchema); err != nil {
		return nil, err
	}
	opts, err := connection(t.Properties).producing().done(run)
	if err != nil {
		return nil, err
	}
	if t.Transactional {
		// the next attempt has the same, and so ends a transaction that this one has left open
		opts = append(opts, kgo.TransactionalID("windhover-"+run.Info().TaskRunID))
	}
	p.Client, err = connect(ctx, t.Properties["bootstrap.servers"], opts)
	return p, err
}

// serializer writes keys, or values.
type serializer func(ctx context.Context, topic string, v any) ([]byte, error)

func (p *producer) serializer(of, kind, schema string) (serializer, error) {
	switch kind {
	case "PROTOBUF":
		return nil, fmt.Errorf("%sSerializer: PROTOBUF is not supported", of)
	case "AVRO":
		if schema == "" {
			return nil, fmt.Errorf("%sAvroSchema is required where %sSerializer is AVRO", of, of)
		}
		if p.registry == nil {
			var err error
			if p.registry, err = newRegistry(p.t.SerdeProperties, p.t.SchemaRegistryVendor); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context, topic string, v any) ([]byte, error) {
			if v == nil {
				return nil, nil
			}
			return p.registry.write(ctx, topic, of == "key", schema, v)
		}, nil
	}
	return func(_ context.Context, _ string, v any) ([]byte, error) { return serialize(kind, v) }, nil
}

// send hands a message to the client, and tells of one that was refused before.
func (p *producer) send(ctx context.Context, r *kgo.Record) error {
	p.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.failed == nil {
			p.failed = fmt.Errorf("writing to %s: %w", r.Topic, err)
		}
	})
	return p.refused()
}

func (p *producer) refused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// end waits until all is written. Of a transaction nothing is, where something went wrong.
func (p *producer) end(ctx context.Context, err error) error {
	if err == nil || !p.t.Transactional {
		err = errors.Join(err, p.Flush(ctx))
	}
	if failed := p.refused(); failed != nil && !errors.Is(err, failed) {
		err = errors.Join(err, failed)
	}
	if !p.t.Transactional {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err != nil {
		return errors.Join(err, p.AbortBufferedRecords(ctx), p.EndTransaction(ctx, kgo.TryAbort))
	}
	if err := p.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("the transaction cannot be committed: %w", err)
	}
	return nil
}

// record makes a message of a value of from.
func (p *producer) record(ctx context.Context, v any) (*kgo.Record, error) {
	m, ok := value.AsMap(v)
	if !ok {
		return nil, fmt.Errorf("expected a map with key and value, got %s", value.TypeName(v))
	}
	r := &kgo.Record{Topic: p.t.Topic, Partition: anyPartition}
	if topic, _ := m.Get("topic"); topic != nil {
		r.Topic = value.Print(topic)
	}
	if r.Topic == "" {
		return nil, errors.New("topic: neither the task nor the message names one")
	}
	k, _ := m.Get("key")
	content, _ := m.Get("value")
	var err error
	if r.Key, err = p.key(ctx, r.Topic, k); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if r.Value, err = p.value(ctx, r.Topic, content); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	if n, _ := m.Get("partition"); n != nil {
		i, err := whole(n, 32)
		if err != nil || i < 0 {
			return nil, fmt.Errorf("partition: %s is not the number of one", value.Print(n))
		}
		r.Partition = int32(i)
	}
	at, _ := m.Get("timestamp")
	if r.Timestamp, err = timestamp(at); err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	written, _ := m.Get("headers")
	r.Headers, err = headers(written)
	return r, err
}

// timestamp reads when a message is from: a date, or milliseconds; the zero time for none.
func timestamp(v any) (time.Time, error) {
	if v == nil {
		return time.Time{}, nil
	}
	if n, ok := value.AsInt(v); ok {
		return time.UnixMilli(n), nil
	}
	return plugin.ParseTime(value.Print(v))
}

// headers reads a map, or a list of maps as messages that were read have it.
func headers(v any) (out []kgo.RecordHeader, err error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		m, ok := value.AsMap(item)
		if !ok {
			return nil, fmt.Errorf("headers: expected a map, or a list of maps, got %s", value.TypeName(item))
		}
		for name, content := range m.All() {
			h := kgo.RecordHeader{Key: name}
			if content != nil {
				h.Value = []byte(value.Print(content))
			}
			out = append(out, h)
		}
	}
	return out, nil
}

// anyPartition is the partition of a message that names none.
const anyPartition = -1

// choosing takes the partition that a message names, else the one that Kafka's own client would.
type choosing struct{ kgo.Partitioner }

// ForTopic implements kgo.Partitioner.
func (c choosing) ForTopic(topic string) kgo.TopicPartitioner {
	return choosingTopic{c.Partitioner.ForTopic(topic).(kgo.TopicBackupPartitioner)}
}

type choosingTopic struct{ kgo.TopicBackupPartitioner }

// RequiresConsistency tells whether it must be that partition.
func (c choosingTopic) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition != anyPartition || c.TopicBackupPartitioner.RequiresConsistency(r)
}

// PartitionByBackup chooses by what waits for each partition.
func (c choosingTopic) PartitionByBackup(r *kgo.Record, n int, backup kgo.TopicBackupIter) int {
	if r.Partition != anyPartition {
		return int(r.Partition)
	}
	return c.TopicBackupPartitioner.PartitionByBackup(r, n, backup)
}
