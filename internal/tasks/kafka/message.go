package kafka

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/windhover-io/windhover/internal/value"
)

// message makes a record what flows see of it.
func (c *Consumer) message(ctx context.Context, r *kgo.Record) (Message, error) {
	m := Message{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC(), Headers: []Header{}}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, Header{h.Key: text(h.Value)})
	}
	var err error
	if m.Key, err = c.deserialize(ctx, c.KeyDeserializer, r.Key); err != nil {
		return m, fmt.Errorf("its key: %w", err)
	}
	if m.Value, err = c.deserialize(ctx, c.ValueDeserializer, r.Value); err != nil {
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

// deserialize reads a key or a value.
func (c *Consumer) deserialize(ctx context.Context, kind string, b []byte) (any, error) {
	if kind == "AVRO" && b != nil {
		return c.registry.read(ctx, b)
	}
	return deserialize(kind, b)
}

// deserialize reads as Kafka's own deserializer of that name does.
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

// serialize writes a key or a value as Kafka's own serializer of that name does. A text that says a number, a UUID or, as
// base64, bytes is taken for it: that is what a rendered expression is.
func serialize(kind string, v any) ([]byte, error) {
	switch {
	case v == nil:
		return nil, nil
	case kind == "JSON":
		return value.AppendJSON(nil, v, value.JSONOptions{}), nil
	case kind == "VOID":
		return nil, errors.New("with VOID there is none")
	}
	text := value.Print(v)
	switch kind {
	case "STRING":
		return []byte(text), nil
	case "SHORT", "INTEGER", "LONG":
		n, err := whole(v, 8*sizes[kind])
		if err != nil {
			return nil, fmt.Errorf("%q is no %s", text, kind)
		}
		return binary.BigEndian.AppendUint64(nil, uint64(n))[8-sizes[kind]:], nil
	case "FLOAT", "DOUBLE":
		f, err := strconv.ParseFloat(text, 8*sizes[kind])
		if err != nil {
			return nil, fmt.Errorf("%q is no %s", text, kind)
		}
		if kind == "FLOAT" {
			return binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f))), nil
		}
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), nil
	case "UUID":
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no UUID", text)
		}
		return []byte(id.String()), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("bytes are written as base64: %w", err)
	}
	return b, nil
}

// whole reads a whole number that fits into so many bits.
func whole(v any, bits int) (int64, error) {
	if f, ok := v.(float64); ok && f == math.Trunc(f) {
		return strconv.ParseInt(strconv.FormatFloat(f, 'f', -1, 64), 10, bits)
	}
	return strconv.ParseInt(value.Print(v), 10, bits)
}
