package serdes

import (
	"encoding/base64"
	"errors"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/windhover-io/windhover/internal/value"
)

// assembler puts rows together of columns.
type assembler struct {
	fromAvro bool                      // groups with members are unions
	leaves   []format.LogicalTypeValue // what columns stand for, of which the library knows not all
	rows     int64
	columns  [][]parquet.Value // what is left of each column's values in this row
}

// assemble takes a value from the columns below its place.
type assemble func(a *assembler) any

// errMisfit is what the values of a row are that cannot be put together.
var errMisfit = errors.New("the columns do not fit together")

// assemble makes a row.
func (a *assembler) assemble(root assemble, row parquet.Row) (v any, err error) {
	clear(a.columns)
	for i, values := range row.Range {
		if i < len(a.columns) {
			a.columns[i] = values
		}
	}
	defer func() {
		p := recover()
		if failed, ok := p.(error); ok && errors.Is(failed, errMisfit) {
			err = errMisfit
		} else if p != nil {
			panic(p)
		}
	}()
	return root(a), nil
}

// peek is the next value of a column.
func (a *assembler) peek(column int) parquet.Value {
	if len(a.columns[column]) == 0 {
		panic(errMisfit)
	}
	return a.columns[column][0]
}

// take is peek, and goes on.
func (a *assembler) take(column int) parquet.Value {
	v := a.peek(column)
	a.columns[column] = a.columns[column][1:]
	return v
}

// root makes objects of rows, or the list that an object stands for: see isWrapped.
func (a *assembler) root(c *parquet.Column) assemble {
	var leaves int
	inner := a.record(c, &leaves, levels{})
	a.columns = make([][]parquet.Value, leaves)
	fields := c.Columns()
	wrapped := a.fromAvro && len(fields) == 1 && fields[0].Name() == "value" && isList(fields[0]) &&
		(c.Name() == "root" || c.Name() == "io.kestra.plugin.serdes.avro.root")
	if !wrapped {
		return inner
	}
	return func(a *assembler) any {
		m, _ := value.AsMap(inner(a))
		v, _ := m.Get("value")
		return v
	}
}

// node reads what stands at a column, leaves being how many leaves are before it.
func (a *assembler) node(c *parquet.Column, leaves *int, at levels) assemble {
	if c.Repeated() { // without an annotation: a list
		return a.repeated(c, leaves, at, a.element)
	}
	if c.Optional() {
		return a.optional(c, leaves, at, a.element)
	}
	return a.element(c, leaves, at)
}

type build func(c *parquet.Column, leaves *int, at levels) assemble

// element reads a column that is there.
func (a *assembler) element(c *parquet.Column, leaves *int, at levels) assemble {
	switch {
	case c.Leaf():
		return a.leaf(c, leaves)
	case isList(c):
		return a.list(c, leaves, at)
	case isMap(c):
		return a.mapping(c, leaves, at)
	case a.fromAvro && isUnion(c):
		return a.union(c, leaves, at)
	}
	return a.record(c, leaves, at)
}

func (a *assembler) record(c *parquet.Column, leaves *int, at levels) assemble {
	fields := c.Columns()
	reads := make([]assemble, len(fields))
	for i, f := range fields {
		reads[i] = a.node(f, leaves, at)
	}
	return func(a *assembler) any {
		m := value.NewMap(len(fields))
		for i, f := range fields {
			m.Set(f.Name(), reads[i](a))
		}
		return m
	}
}

// optional reads null where no value is defined.
func (a *assembler) optional(c *parquet.Column, leaves *int, at levels, inner build) assemble {
	first := *leaves
	at.def++
	read := inner(c, leaves, at)
	end := *leaves
	return func(a *assembler) any {
		if a.peek(first).DefinitionLevel() >= at.def {
			return read(a)
		}
		for i := first; i < end; i++ {
			a.take(i)
		}
		return nil
	}
}

// repeated reads a list.
func (a *assembler) repeated(c *parquet.Column, leaves *int, at levels, inner build) assemble {
	first := *leaves
	at.rep, at.def = at.rep+1, at.def+1
	read := inner(c, leaves, at)
	end := *leaves
	return func(a *assembler) any {
		list := []any{}
		if a.peek(first).DefinitionLevel() < at.def {
			for i := first; i < end; i++ {
				a.take(i)
			}
			return list
		}
		for {
			list = append(list, read(a))
			if left := a.columns[first]; len(left) == 0 || left[0].RepetitionLevel() < at.rep {
				return list
			}
		}
	}
}

// list reads a group that stands for a list: the repeated field in it is either the element, as it was written once, or a
// group around the element.
func (a *assembler) list(c *parquet.Column, leaves *int, at levels) assemble {
	repeated := c.Columns()[0]
	older := repeated.Leaf() || len(repeated.Columns()) != 1 || repeated.Name() == "array" || repeated.Name() == c.Name()+"_tuple"
	return a.repeated(repeated, leaves, at, func(r *parquet.Column, leaves *int, at levels) assemble {
		if older {
			return a.element(r, leaves, at)
		}
		return a.node(r.Columns()[0], leaves, at)
	})
}

func (a *assembler) mapping(c *parquet.Column, leaves *int, at levels) assemble {
	read := a.repeated(c.Columns()[0], leaves, at, func(r *parquet.Column, leaves *int, at levels) assemble {
		key := a.node(r.Columns()[0], leaves, at)
		item := func(*assembler) any { return nil }
		if len(r.Columns()) == 2 { // a set has keys alone
			item = a.node(r.Columns()[1], leaves, at)
		}
		return func(a *assembler) any {
			k := value.JavaString(key(a))
			return pair{k, item(a)}
		}
	})
	return func(a *assembler) any {
		list, _ := read(a).([]any)
		m := value.NewMap(len(list))
		for _, p := range list {
			p, _ := p.(pair)
			m.Set(p.key, p.v)
		}
		return m
	}
}

func (a *assembler) union(c *parquet.Column, leaves *int, at levels) assemble {
	reads := make([]assemble, len(c.Columns()))
	for i, f := range c.Columns() {
		reads[i] = a.node(f, leaves, at)
	}
	return func(a *assembler) any {
		var v any
		for _, read := range reads {
			if member := read(a); member != nil {
				v = member
			}
		}
		return v
	}
}

func isList(c *parquet.Column) bool {
	return annotated[*format.ListType](c) && len(c.Columns()) == 1 && c.Columns()[0].Repeated()
}

func isMap(c *parquet.Column) bool {
	if !annotated[*format.MapType](c) || len(c.Columns()) != 1 {
		return false
	}
	r := c.Columns()[0]
	return r.Repeated() && !r.Leaf() && (len(r.Columns()) == 1 || len(r.Columns()) == 2)
}

// annotated tells what a group stands for.
func annotated[T format.LogicalTypeValue](c *parquet.Column) bool {
	if c.Leaf() || c.Type() == nil || c.Type().LogicalType() == nil {
		return false
	}
	_, ok := c.Type().LogicalType().Value.(T)
	return ok
}

// isUnion tells whether a group is what a union becomes.
func isUnion(c *parquet.Column) bool {
	for i, f := range c.Columns() {
		if !f.Optional() || f.Name() != "member"+strconv.Itoa(i) {
			return false
		}
	}
	return len(c.Columns()) > 1
}

// leaf reads a value.
func (a *assembler) leaf(c *parquet.Column, leaves *int) assemble {
	index := *leaves
	*leaves++
	convert := conversion(c.Type())
	if _, ok := a.leaves[index].(*format.Float16Type); ok {
		convert = half
	}
	return func(a *assembler) any {
		v := a.take(index)
		if v.IsNull() {
			return nil
		}
		return convert(v)
	}
}

// conversion makes values of what a column holds.
func conversion(t parquet.Type) func(parquet.Value) any {
	if t.LogicalType() != nil {
		if convert := logical(t, t.LogicalType().Value); convert != nil {
			return convert
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(v parquet.Value) any { return v.Boolean() }
	case parquet.Int32:
		return func(v parquet.Value) any { return v.Int32() }
	case parquet.Int64:
		return func(v parquet.Value) any { return value.Int(v.Int64()) }
	case parquet.Float:
		return func(v parquet.Value) any { return v.Float() }
	case parquet.Double:
		return func(v parquet.Value) any { return v.Double() }
	case parquet.Int96:
		return int96
	}
	return func(v parquet.Value) any { return base64.StdEncoding.EncodeToString(v.ByteArray()) }
}

// logical is a conversion to what the values stand for, nil where they stand for themselves.
func logical(t parquet.Type, l format.LogicalTypeValue) func(parquet.Value) any {
	switch x := l.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return func(v parquet.Value) any { return string(v.ByteArray()) }
	case *format.DateType:
		return func(v parquet.Value) any { return value.LocalDate{T: time.Unix(int64(v.Int32())*86400, 0).UTC()} }
	case *format.TimeType:
		return func(v parquet.Value) any { return value.LocalTime{T: instant(whole(t, v), x.Unit)} }
	case *format.TimestampType:
		if x.IsAdjustedToUTC {
			return func(v parquet.Value) any { return value.Instant{T: instant(v.Int64(), x.Unit)} }
		}
		return func(v parquet.Value) any { return value.LocalDateTime{T: instant(v.Int64(), x.Unit)} }
	case *format.IntType:
		return integers(t, x)
	case *format.DecimalType:
		return func(v parquet.Value) any {
			switch t.Kind() {
			case parquet.Int32, parquet.Int64:
				return value.Decimal{Unscaled: big.NewInt(whole(t, v)), Scale: x.Scale}
			}
			return decimalOf(v.ByteArray(), int(x.Scale))
		}
	case *format.UUIDType:
		return func(v parquet.Value) any { return uuidText(v.ByteArray()) }
	case *format.NullType:
		return func(parquet.Value) any { return nil }
	}
	return nil
}

// integers reads whole numbers; those without a sign may be larger than those with one.
func integers(t parquet.Type, x *format.IntType) func(parquet.Value) any {
	switch {
	case x.IsSigned && x.BitWidth <= 32:
		return func(v parquet.Value) any { return v.Int32() }
	case x.IsSigned:
		return func(v parquet.Value) any { return value.Int(v.Int64()) }
	case t.Kind() == parquet.Int32:
		return func(v parquet.Value) any { return value.Int(int64(v.Uint32())) }
	}
	return func(v parquet.Value) any {
		if n := v.Uint64(); n > math.MaxInt64 {
			return new(big.Int).SetUint64(n)
		}
		return value.Int(v.Int64())
	}
}

// whole is a number of 32 or 64 bits.
func whole(t parquet.Type, v parquet.Value) int64 {
	if t.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

// instant is a time that is counted from 1970 on.
func instant(n int64, unit format.TimeUnit) time.Time {
	switch unit.Value.(type) {
	case *format.MilliSeconds:
		return time.UnixMilli(n).UTC()
	case *format.MicroSeconds:
		return time.UnixMicro(n).UTC()
	}
	return time.Unix(n/1e9, n%1e9).UTC()
}

// int96 is the nanoseconds of a day and the Julian day, as older programs write times.
func int96(v parquet.Value) any {
	const epoch = 2440588 // the Julian day of 1970-01-01
	n := v.Int96()
	day := int64(n[2]) - epoch
	return value.Instant{T: time.Unix(day*86400, int64(n[1])<<32|int64(n[0])).UTC()}
}

func uuidText(b []byte) any {
	if len(b) != 16 {
		panic(errMisfit)
	}
	text := new(big.Int).SetBytes(append([]byte{1}, b...)).Text(16)[1:]
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// half is a floating point number of 16 bits, the least significant byte first.
func half(v parquet.Value) any {
	b := v.ByteArray()
	if len(b) != 2 {
		panic(errMisfit)
	}
	n := uint32(b[0]) | uint32(b[1])<<8
	sign, exponent, fraction := n>>15<<31, n>>10&0x1f, n&0x3ff
	switch exponent {
	case 0:
		f := float32(fraction) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
