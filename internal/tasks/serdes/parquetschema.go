package serdes

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/hamba/avro/v2"
	"github.com/parquet-go/parquet-go"
)

// stripe writes a value that converter.convert gave into columns, nil into all that lie below its place. Rep is the repetition
// level of the value's first leaf, def the definition level that is reached above the value.
type stripe func(s *striper, v any, rep, def int)

// striper takes rows apart into columns and gathers those of a few rows.
type striper struct {
	write   stripe
	columns [][]parquet.Value
	names   []string // of records above, while the schema is built
}

// levels are those that the places above allow.
type levels struct{ rep, def int }

// parquetSchema is the Parquet schema of an Avro record, laid out as other programs that come from Avro do it, but for lists:
// they have three levels, so that their elements may be null.
func parquetSchema(record *avro.RecordSchema) (*parquet.Schema, *striper, error) {
	s := &striper{}
	node, write, err := s.record(record, levels{})
	if err != nil {
		return nil, nil, err
	}
	s.write = write
	return parquet.NewSchema(record.FullName(), node), s, nil
}

// row is a record's values, column by column.
func (s *striper) row(v any) parquet.Row {
	for i := range s.columns {
		s.columns[i] = s.columns[i][:0]
	}
	s.write(s, v, 0, 0)
	n := 0
	for _, c := range s.columns {
		n += len(c)
	}
	row := make(parquet.Row, 0, n)
	for _, c := range s.columns {
		row = append(row, c...)
	}
	return row
}

// field is one of an ordered group; that of the library sorts them.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is part of the interface; rows are given as columns, so nothing asks for it.
func (f field) Value(base reflect.Value) reflect.Value { return base.MapIndex(reflect.ValueOf(f.name)) }

// group has its fields in order.
type group struct {
	parquet.Group
	fields []parquet.Field
}

func newGroup(fields []field) parquet.Node {
	g := group{Group: parquet.Group{}}
	for _, f := range fields {
		g.Group[f.name] = f.Node
		g.fields = append(g.fields, f)
	}
	return g
}

func (g group) Fields() []parquet.Field { return g.fields }

func (s *striper) record(record *avro.RecordSchema, at levels) (parquet.Node, stripe, error) {
	if slices.Contains(s.names, record.FullName()) {
		return nil, nil, fmt.Errorf("the record %s contains itself, which Parquet cannot express", record.FullName())
	}
	s.names = append(s.names, record.FullName())
	defer func() { s.names = s.names[:len(s.names)-1] }()
	var fields []field
	var places []int
	var writes []stripe
	for i, f := range record.Fields() {
		if isNull(f.Type()) { // it says nothing, and Parquet has no such type
			continue
		}
		node, write, err := s.node(f.Type(), at)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		fields, places, writes = append(fields, field{node, f.Name()}), append(places, i), append(writes, write)
	}
	if len(fields) == 0 {
		return nil, nil, fmt.Errorf("the record %s has no field with a value, which Parquet cannot express", record.FullName())
	}
	return newGroup(fields), func(s *striper, v any, rep, def int) {
		values, _ := v.([]any)
		for i, write := range writes {
			if values == nil {
				write(s, nil, rep, def)
			} else {
				write(s, values[places[i]], rep, def)
			}
		}
	}, nil
}

// isNull tells whether a schema allows null alone.
func isNull(schema avro.Schema) bool {
	if u, ok := schema.(*avro.UnionSchema); ok {
		return !slices.ContainsFunc(u.Types(), func(t avro.Schema) bool { return t.Type() != avro.Null })
	}
	return schema.Type() == avro.Null
}

func (s *striper) node(schema avro.Schema, at levels) (parquet.Node, stripe, error) {
	switch x := schema.(type) {
	case *avro.RefSchema:
		return s.node(x.Schema(), at)
	case *avro.RecordSchema:
		return s.record(x, at)
	case *avro.UnionSchema:
		return s.union(x, at)
	case *avro.ArraySchema:
		return s.list(x, at)
	case *avro.MapSchema:
		return s.mapping(x, at)
	}
	return s.leaf(schema)
}

// union is what may be absent, where it is one type and null, or else a group with a member for each type, one of which is there.
func (s *striper) union(u *avro.UnionSchema, at levels) (parquet.Node, stripe, error) {
	nullable, types := false, []avro.Schema{}
	for _, t := range u.Types() {
		if t.Type() == avro.Null {
			nullable = true
		} else {
			types = append(types, t)
		}
	}
	if len(types) == 0 {
		return nil, nil, errors.New("a list or map of nulls has no Parquet type")
	}
	if nullable {
		at.def++
	}
	var node parquet.Node
	var write stripe
	var err error
	if len(types) == 1 {
		node, write, err = s.node(types[0], at)
	} else {
		node, write, err = s.members(types, at)
	}
	if err != nil {
		return nil, nil, err
	}
	places := make([]int, len(u.Types())) // the member that each type is
	for i, n := 0, 0; i < len(places); i++ {
		places[i] = n
		if u.Types()[i].Type() == avro.Null {
			places[i] = -1
		} else {
			n++
		}
	}
	several := len(types) > 1
	inner := func(s *striper, v any, rep, def int) {
		c, ok := v.(chosen)
		switch {
		case !ok || places[c.index] < 0:
			write(s, nil, rep, def)
			return
		case nullable:
			def++
		}
		if several {
			write(s, chosen{places[c.index], c.v}, rep, def)
		} else {
			write(s, c.v, rep, def)
		}
	}
	if nullable {
		node = parquet.Optional(node)
	}
	return node, inner, nil
}

func (s *striper) members(types []avro.Schema, at levels) (parquet.Node, stripe, error) {
	at.def++
	var fields []field
	var writes []stripe
	for i, t := range types {
		node, write, err := s.node(t, at)
		if err != nil {
			return nil, nil, err
		}
		fields, writes = append(fields, field{parquet.Optional(node), fmt.Sprintf("member%d", i)}), append(writes, write)
	}
	return newGroup(fields), func(s *striper, v any, rep, def int) {
		c, ok := v.(chosen)
		for i, write := range writes {
			if ok && i == c.index {
				write(s, c.v, rep, def+1)
			} else {
				write(s, nil, rep, def)
			}
		}
	}, nil
}

func (s *striper) list(a *avro.ArraySchema, at levels) (parquet.Node, stripe, error) {
	at.rep, at.def = at.rep+1, at.def+1
	node, write, err := s.node(a.Items(), at)
	if err != nil {
		return nil, nil, err
	}
	return parquet.List(node), func(s *striper, v any, rep, def int) {
		list, _ := v.([]any)
		if len(list) == 0 {
			write(s, nil, rep, def)
			return
		}
		for i, item := range list {
			if i > 0 {
				rep = at.rep
			}
			write(s, item, rep, def+1)
		}
	}, nil
}

func (s *striper) mapping(m *avro.MapSchema, at levels) (parquet.Node, stripe, error) {
	at.rep, at.def = at.rep+1, at.def+1
	_, writeKey, err := s.leaf(avro.NewPrimitiveSchema(avro.String, nil))
	if err != nil {
		return nil, nil, err
	}
	node, write, err := s.node(m.Values(), at)
	if err != nil {
		return nil, nil, err
	}
	return parquet.Map(parquet.String(), node), func(s *striper, v any, rep, def int) {
		pairs, _ := v.([]pair)
		if len(pairs) == 0 {
			writeKey(s, nil, rep, def)
			write(s, nil, rep, def)
			return
		}
		for i, p := range pairs {
			if i > 0 {
				rep = at.rep
			}
			writeKey(s, p.key, rep, def+1)
			write(s, p.v, rep, def+1)
		}
	}, nil
}

// leaf is a column.
func (s *striper) leaf(schema avro.Schema) (parquet.Node, stripe, error) {
	node, err := leafNode(schema)
	if err != nil {
		return nil, nil, err
	}
	kind := node.Type().Kind()
	var symbols []string
	if e, ok := schema.(*avro.EnumSchema); ok {
		symbols = e.Symbols()
	}
	index := len(s.columns)
	s.columns = append(s.columns, nil)
	return node, func(s *striper, v any, rep, def int) {
		s.columns[index] = append(s.columns[index], parquetValue(v, kind, symbols).Level(rep, def, index))
	}, nil
}

// leafNode is the type of a column. The library's own types are physical ones with what they stand for.
func leafNode(schema avro.Schema) (parquet.Node, error) {
	if l, ok := schema.(avro.LogicalTypeSchema); ok && l.Logical() != nil {
		switch l.Logical().Type() {
		case avro.Decimal:
			d, _ := l.Logical().(*avro.DecimalLogicalSchema)
			typ := parquet.ByteArrayType
			if f, ok := schema.(*avro.FixedSchema); ok {
				typ = parquet.FixedLenByteArrayType(f.Size())
			}
			return parquet.Decimal(d.Scale(), d.Precision(), typ), nil
		case avro.Date:
			return parquet.Date(), nil
		case avro.TimeMillis:
			return parquet.Time(parquet.Millisecond), nil
		case avro.TimeMicros:
			return parquet.Time(parquet.Microsecond), nil
		case avro.TimestampMillis:
			return parquet.Timestamp(parquet.Millisecond), nil
		case avro.TimestampMicros:
			return parquet.Timestamp(parquet.Microsecond), nil
		case avro.LocalTimestampMillis:
			return parquet.TimestampAdjusted(parquet.Millisecond, false), nil
		case avro.LocalTimestampMicros:
			return parquet.TimestampAdjusted(parquet.Microsecond, false), nil
		}
	}
	switch schema.Type() {
	case avro.Boolean:
		return parquet.Leaf(parquet.BooleanType), nil
	case avro.Int:
		return parquet.Leaf(parquet.Int32Type), nil
	case avro.Long:
		return parquet.Leaf(parquet.Int64Type), nil
	case avro.Float:
		return parquet.Leaf(parquet.FloatType), nil
	case avro.Double:
		return parquet.Leaf(parquet.DoubleType), nil
	case avro.Bytes:
		return parquet.Leaf(parquet.ByteArrayType), nil
	case avro.String:
		return parquet.String(), nil
	case avro.Enum:
		return parquet.Enum(), nil
	case avro.Fixed:
		if f, ok := schema.(*avro.FixedSchema); ok && f.Size() > 0 {
			return parquet.Leaf(parquet.FixedLenByteArrayType(f.Size())), nil
		}
	}
	return nil, fmt.Errorf("the type %s has no Parquet type", schema)
}

func parquetValue(v any, kind parquet.Kind, symbols []string) parquet.Value {
	switch x := v.(type) {
	case bool:
		return parquet.BooleanValue(x)
	case int32:
		if symbols != nil {
			return parquet.ByteArrayValue([]byte(symbols[x]))
		}
		return parquet.Int32Value(x)
	case int64:
		return parquet.Int64Value(x)
	case float32:
		return parquet.FloatValue(x)
	case float64:
		return parquet.DoubleValue(x)
	case string:
		return parquet.ByteArrayValue([]byte(x))
	case []byte:
		if kind == parquet.FixedLenByteArray {
			return parquet.FixedLenByteArrayValue(x)
		}
		return parquet.ByteArrayValue(x)
	}
	return parquet.NullValue()
}
