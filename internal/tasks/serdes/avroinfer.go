package serdes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/windhover-io/windhover/internal/value"
)

// shape is what is known of the values at one place.
type shape struct {
	types  []string // of those that are neither lists nor objects, in the order in which they were seen
	fields *value.Map
	items  *shape
}

// inferSchema finds the schema of the first rows, all of them where most is negative. Every field may be null.
func inferSchema(rows *rows, most int) (string, error) {
	root := &shape{}
	for n := 0; n != most; n++ {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = rows.wrap(root.add(row))
		}
		if err != nil {
			return "", err
		}
	}
	switch {
	case len(root.types) > 0 || root.fields == nil && root.items == nil:
		return "", errors.New("expected rows that are objects or lists")
	case root.fields != nil && root.items != nil:
		return "", errors.New("some rows are objects, others are lists")
	}
	names := map[string]int{}
	var schema any
	if root.fields != nil {
		schema = root.record("root", names)
	} else {
		schema = recordSchema("root", names, []any{map[string]any{"name": "value", "type": map[string]any{"type": "array", "items": root.items.schema("root_items", names)}}})
	}
	text, err := json.Marshal(schema)
	return string(text), err
}

// add takes a value into account.
func (s *shape) add(v any) error {
	if list, ok := v.([]any); ok {
		if s.items == nil {
			s.items = &shape{}
		}
		for _, item := range list {
			if err := s.items.add(item); err != nil {
				return err
			}
		}
		return nil
	}
	if m, ok := value.AsMap(v); ok {
		return s.addFields(m)
	}
	t, err := typeOf(v)
	if err != nil || t == "" {
		return err
	}
	for _, known := range s.types {
		if known == t {
			return nil
		}
	}
	s.types = append(s.types, t)
	return nil
}

func (s *shape) addFields(m *value.Map) error {
	if s.fields == nil {
		s.fields = value.NewMap(m.Len())
	}
	for k, item := range m.All() {
		known, ok := s.fields.Get(k)
		field, _ := known.(*shape)
		if !ok {
			field = &shape{}
			s.fields.Set(k, field)
		}
		if err := field.add(item); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return nil
}

// typeOf is the JSON of a scalar's type, "" for null.
func typeOf(v any) (string, error) {
	switch v.(type) {
	case nil:
		return "", nil
	case bool:
		return `"boolean"`, nil
	case int32:
		return `"int"`, nil
	case int64:
		return `"long"`, nil
	case float32:
		return `"float"`, nil
	case float64:
		return `"double"`, nil
	case string, value.Decimal, *big.Int:
		return `"string"`, nil
	case value.Instant, value.ZonedDateTime, value.LocalDateTime:
		return `{"type":"long","logicalType":"local-timestamp-millis"}`, nil
	case value.LocalDate:
		return `{"type":"int","logicalType":"date"}`, nil
	case value.LocalTime:
		return `{"type":"int","logicalType":"time-millis"}`, nil
	}
	return "", fmt.Errorf("a value of the type %s has no Avro type", value.TypeName(v))
}

// schema is a union of null and what was seen.
func (s *shape) schema(name string, names map[string]int) any {
	union := []any{"null"}
	for _, t := range s.types {
		union = append(union, json.RawMessage(t))
	}
	if s.fields != nil {
		union = append(union, s.record(name, names))
	}
	if s.items != nil {
		var items any = "string"
		if s.items.known() {
			items = s.items.schema(name+"_items", names)
		}
		union = append(union, map[string]any{"type": "array", "items": items})
	}
	if len(union) == 1 {
		return "null"
	}
	return union
}

func (s *shape) known() bool { return len(s.types) > 0 || s.fields != nil || s.items != nil }

func (s *shape) record(name string, names map[string]int) any {
	fields := make([]any, 0, s.fields.Len())
	for k, f := range s.fields.All() {
		fields = append(fields, map[string]any{"name": k, "type": f.(*shape).schema(k, names), "default": nil})
	}
	return recordSchema(name, names, fields)
}

// recordSchema is that of a record under a name that no other has.
func recordSchema(name string, names map[string]int, fields []any) any {
	names[name]++
	if n := names[name]; n > 1 {
		name = fmt.Sprintf("%s_%d", name, n)
	}
	return map[string]any{"type": "record", "name": name, "namespace": "io.kestra.plugin.serdes.avro", "fields": fields}
}
