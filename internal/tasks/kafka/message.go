package kafka

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/value"
)

// message makes a record what flows see of it.
func (c *Consumer) message(r *kgo.Record) (Message, error) {
	m := Message{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC(), Headers: []Header{}}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, Header{h.Key: text(h.Value)})
	}
	var err error
	if m.Key, err = deserialize(c.KeyDeserializer, r.Key); err != nil {
		return m, fmt.Errorf("its key: %w", err)
	}
	if m.Value, err = deserialize(c.ValueDeserializer, r.Value); err != nil {
		return m, fmt.Errorf("its value: %w", err)
	}
	return m, nil
}

// key identifies a record. A topic that was made again has the same offsets, but not the same times; another group reads all
// of it anew, on purpose.
func (c *Consumer) key(r *kgo.Record) string {
	return fmt.Sprintf("%s %s/%d/%d/%d", c.group(), r.Topic, r.Partition, r.Offset, r.Timestamp.UnixMilli())
}

// wanted tells whether a record has the headers that are asked for. Of several of one name the last counts.
func (c *Consumer) wanted(r *kgo.Record) bool {
	for name, want := range c.HeaderFilters {
		has, is := false, ""
		for _, h := range r.Headers {
			if h.Key == name {
				has, is = true, string(h.Value)
			}
		}
		if !has || is != want {
			return false
		}
	}
	return true
}

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b))) // what is no text becomes replacement characters
}

// sizes are those of numbers, in bytes.
var sizes = map[string]int{"SHORT": 2, "INTEGER": 4, "LONG": 8, "FLOAT": 4, "DOUBLE": 8}

// deserialize reads a key or a value as Kafka's own deserializer of that name does.
func deserialize(kind string, b []byte) (any, error) {
	if b == nil || kind == "VOID" {
		return nil, nil
	}
	if n, ok := sizes[kind]; ok && n != len(b) {
		return nil, fmt.Errorf("it has %d bytes, and a value of the type %s has %d", len(b), kind, n)
	}
	switch kind {
	case "STRING":
		return text(b), nil
	case "SHORT":
		return value.Int(int64(int16(binary.BigEndian.Uint16(b)))), nil
	case "INTEGER":
		return value.Int(int64(int32(binary.BigEndian.Uint32(b)))), nil
	case "LONG":
		return int64(binary.BigEndian.Uint64(b)), nil
	case "FLOAT":
		return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
	case "DOUBLE":
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case "UUID":
		id, err := uuid.ParseBytes(b)
		return id.String(), err
	case "JSON":
		return value.ParseJSON(b)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}
