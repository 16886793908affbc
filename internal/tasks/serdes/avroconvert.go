package serdes

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hamba/avro/v2"

	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/value"
)

// AvroConversion says how values become those of a schema.
type AvroConversion struct {
	Schema             string   `json:"schema" doc:"The Avro schema of the rows, a record. Without it the rows say what they are."`
	NumberOfRowsToScan int      `json:"numberOfRowsToScan" default:"100" min:"1" doc:"How many rows are looked at to find the schema."`
	InferAllFields     bool     `json:"inferAllFields" default:"false" doc:"Whether all rows are looked at to find the schema, and nullValues are null in fields of every type."`
	TrueValues         []string `json:"trueValues" default:"[\"t\",\"true\",\"enabled\",\"1\",\"on\",\"yes\"]" doc:"The texts that are true."`
	FalseValues        []string `json:"falseValues" default:"[\"f\",\"false\",\"disabled\",\"0\",\"off\",\"no\",\"\"]" doc:"The texts that are false."`
	NullValues         []string `json:"nullValues" default:"[\"\",\"#N/A\",\"#N/A N/A\",\"#NA\",\"-1.#IND\",\"-1.#QNAN\",\"-NaN\",\"1.#IND\",\"1.#QNAN\",\"NA\",\"n/a\",\"nan\",\"null\"]" doc:"The texts that are null."`
	DateFormat         string   `json:"dateFormat" default:"yyyy-MM-dd[XXX]" doc:"The pattern of dates that are texts."`
	TimeFormat         string   `json:"timeFormat" default:"HH:mm[:ss][.SSSSSS][XXX]" doc:"The pattern of times that are texts."`
	DatetimeFormat     string   `json:"datetimeFormat" default:"yyyy-MM-dd'T'HH:mm[:ss][.SSSSSS][XXX]" doc:"The pattern of dates with times that are texts."`
	DecimalSeparator   string   `json:"decimalSeparator" default:"." doc:"The character before the fraction of numbers that are texts."`
	StrictSchema       bool     `json:"strictSchema" default:"false" doc:"Whether a row with more fields than the schema is an error."`
	TimeZoneID         string   `json:"timeZoneId" doc:"The time zone of dates without one; that of the system unless it is set."`
}

// converter makes values of a schema.
type converter struct {
	*AvroConversion
	zone *time.Location
}

func (t *AvroConversion) converter() (*converter, error) {
	z, err := zone(t.TimeZoneID)
	return &converter{t, z}, err
}

// chosen is a value of a union: which of its types it has.
type chosen struct {
	index int
	v     any
}

// pair is an entry of a map.
type pair struct {
	key string
	v   any
}

// positional are the names of fields that stand for columns of a file without a header.
var positional = regexp.MustCompile(`^col[0-9]+$`)

// row makes a record of a row: an object by its names, a list, or an object with col0, col1 and so on, by its order.
func (c *converter) row(s *avro.RecordSchema, row any) (any, error) {
	if list, ok := row.([]any); ok {
		if len(s.Fields()) == 1 && s.Fields()[0].Type().Type() == avro.Array {
			v, err := c.convert(s.Fields()[0].Type(), list)
			return []any{v}, err
		}
		return c.columns(s, list)
	}
	m, ok := value.AsMap(row)
	if !ok {
		return nil, fmt.Errorf("expected an object or a list, got %s", value.TypeName(row))
	}
	if m.Len() == 0 || slices.ContainsFunc(m.Keys(), func(k string) bool { return !positional.MatchString(k) }) {
		return c.record(s, m)
	}
	list := make([]any, len(s.Fields()))
	for i := range list {
		list[i], _ = m.Get("col" + strconv.Itoa(i))
	}
	if c.StrictSchema && m.Len() > len(list) {
		return nil, c.tooMany(s, m.Len())
	}
	return c.columns(s, list)
}

func (c *converter) tooMany(s *avro.RecordSchema, n int) error {
	return fmt.Errorf("the row has %d fields, the schema %d", n, len(s.Fields()))
}

func (c *converter) columns(s *avro.RecordSchema, list []any) (any, error) {
	if c.StrictSchema && len(list) > len(s.Fields()) {
		return nil, c.tooMany(s, len(list))
	}
	m := value.NewMap(len(list))
	for i, f := range s.Fields() {
		if i < len(list) {
			m.Set(f.Name(), list[i])
		}
	}
	return c.record(s, m)
}

func (c *converter) record(s *avro.RecordSchema, m *value.Map) (any, error) {
	if c.StrictSchema && m.Len() > len(s.Fields()) {
		return nil, c.tooMany(s, m.Len())
	}
	out := make([]any, len(s.Fields()))
	for i, f := range s.Fields() {
		v, _ := m.Get(f.Name())
		for _, alias := range f.Aliases() {
			if v != nil {
				break
			}
			v, _ = m.Get(alias)
		}
		var err error
		if out[i], err = c.convert(f.Type(), v); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return out, nil
}

// convert makes a value of a schema: []any for records and lists, []pair for maps, chosen for unions, []byte for bytes and
// fixed, int32 for enums, otherwise what the schema's type is called in Go.
func (c *converter) convert(schema avro.Schema, v any) (any, error) {
	if text, ok := v.(string); ok && c.InferAllFields && contains(c.NullValues, text) {
		v = nil
	}
	switch s := schema.(type) {
	case *avro.RefSchema:
		return c.convert(s.Schema(), v)
	case *avro.RecordSchema:
		m, ok := value.AsMap(v)
		if !ok {
			return nil, unfit(schema, v)
		}
		return c.record(s, m)
	case *avro.ArraySchema:
		return c.list(s, v)
	case *avro.MapSchema:
		return c.mapping(s, v)
	case *avro.UnionSchema:
		for i, t := range s.Types() {
			if item, err := c.convert(t, v); err == nil {
				return chosen{i, item}, nil
			}
		}
		return nil, unfit(schema, v)
	case *avro.EnumSchema:
		if i := slices.Index(s.Symbols(), value.JavaString(v)); i >= 0 {
			return int32(i), nil
		}
		return nil, unfit(schema, v)
	case *avro.FixedSchema:
		return c.fixed(s, v)
	case *avro.NullSchema:
		if text, ok := v.(string); v == nil || ok && contains(c.NullValues, text) {
			return nil, nil
		}
	case *avro.PrimitiveSchema:
		if s.Logical() != nil {
			return c.logical(s, v)
		}
		return c.primitive(s, v)
	}
	return nil, unfit(schema, v)
}

// mismatch is the error of a value that a schema does not allow. Unions meet it all the time, so its text waits to be asked for.
type mismatch struct {
	schema avro.Schema
	v      any
}

func unfit(s avro.Schema, v any) error { return &mismatch{s, v} }

func (m *mismatch) Error() string {
	text := value.Print(m.v)
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return fmt.Sprintf("%s %q is no value of the schema %s", value.TypeName(m.v), text, m.schema.String())
}

func contains(list []string, text string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, text) })
}

func (c *converter) list(s *avro.ArraySchema, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, unfit(s, v)
	}
	out := make([]any, len(list))
	for i, item := range list {
		var err error
		if out[i], err = c.convert(s.Items(), item); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return out, nil
}

func (c *converter) mapping(s *avro.MapSchema, v any) (any, error) {
	m, ok := value.AsMap(v)
	if !ok {
		return nil, unfit(s, v)
	}
	out := make([]pair, 0, m.Len())
	for k, item := range m.All() {
		converted, err := c.convert(s.Values(), item)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out = append(out, pair{k, converted})
	}
	return out, nil
}

func (c *converter) fixed(s *avro.FixedSchema, v any) (any, error) {
	if l, ok := s.Logical().(*avro.DecimalLogicalSchema); ok {
		return c.decimal(s, l, v, s.Size())
	}
	b := []byte(value.JavaString(v))
	if len(b) != s.Size() {
		return nil, unfit(s, v)
	}
	return b, nil
}

func (c *converter) primitive(s *avro.PrimitiveSchema, v any) (any, error) {
	text, isText := v.(string)
	switch s.Type() {
	case avro.Boolean:
		n, isInt := value.AsInt(v)
		b, isBool := v.(bool)
		switch {
		case isBool:
			return b, nil
		case isText && contains(c.TrueValues, text), !isText && isInt && n == 1:
			return true, nil
		case isText && contains(c.FalseValues, text), !isText && isInt && n == 0:
			return false, nil
		}
	case avro.Int:
		if n, ok := integer(v); ok && n == int64(int32(n)) {
			return int32(n), nil
		}
	case avro.Long:
		if n, ok := integer(v); ok {
			return n, nil
		}
	case avro.Float:
		if f, ok := c.float(v); ok {
			return float32(f), nil
		}
	case avro.Double:
		if f, ok := c.float(v); ok {
			return f, nil
		}
	case avro.String:
		if v != nil {
			return value.JavaString(v), nil
		}
	case avro.Bytes:
		if v != nil {
			return []byte(value.JavaString(v)), nil
		}
	}
	return nil, unfit(s, v)
}

// integer reads a whole number.
func integer(v any) (int64, bool) {
	switch x := v.(type) {
	case string:
		n, err := strconv.ParseInt(x, 10, 64)
		return n, err == nil
	case int32, int64:
		return value.AsInt(x)
	case *big.Int:
		return x.Int64(), x.IsInt64()
	}
	return 0, false
}

func (c *converter) float(v any) (float64, bool) {
	if text, ok := v.(string); ok {
		f, err := strconv.ParseFloat(strings.Replace(text, c.DecimalSeparator, ".", 1), 64)
		return f, err == nil || math.IsInf(f, 0)
	}
	if !value.IsNumber(v) {
		return 0, false
	}
	return value.AsFloat(v)
}

// logical makes a value of a date, a time, a decimal or a UUID.
func (c *converter) logical(s *avro.PrimitiveSchema, v any) (any, error) {
	switch s.Logical().Type() {
	case avro.Decimal:
		return c.decimal(s, s.Logical().(*avro.DecimalLogicalSchema), v, 0)
	case avro.UUID:
		text, _ := v.(string)
		if !uuid.MatchString(text) {
			return nil, unfit(s, v)
		}
		return text, nil
	case avro.Date:
		t, err := c.date(s, v)
		return int32(math.Floor(float64(t.Unix()) / 86400)), err
	case avro.TimeMillis:
		t, err := c.time(s, v)
		return int32(t / time.Millisecond), err
	case avro.TimeMicros:
		t, err := c.time(s, v)
		return int64(t / time.Microsecond), err
	case avro.TimestampMillis:
		t, err := c.moment(s, v, time.UnixMilli)
		return t.UnixMilli(), err
	case avro.TimestampMicros:
		t, err := c.moment(s, v, time.UnixMicro)
		return t.UnixMicro(), err
	case avro.LocalTimestampMillis:
		t, err := c.moment(s, v, time.UnixMilli)
		return wall(t.In(c.zone)).UnixMilli(), err
	case avro.LocalTimestampMicros:
		t, err := c.moment(s, v, time.UnixMicro)
		return wall(t.In(c.zone)).UnixMicro(), err
	}
	return c.primitive(s, v)
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// wall is the date and time of a clock in UTC that shows the same.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func (c *converter) date(s avro.Schema, v any) (time.Time, error) {
	var t time.Time
	switch x := v.(type) {
	case string:
		parsed, _, err := javatime.ParsePattern(x, c.DateFormat, javatime.FindLanguage(""))
		if err != nil {
			return t, err
		}
		t = parsed
	case value.LocalDate:
		t = x.T
	case value.LocalDateTime:
		t = x.T
	case value.ZonedDateTime:
		t = x.T
	case value.Instant:
		t = x.T.In(c.zone)
	default:
		return t, unfit(s, v)
	}
	t = wall(t)
	return t.Truncate(24 * time.Hour), nil
}

// time is how long it is since midnight.
func (c *converter) time(s avro.Schema, v any) (time.Duration, error) {
	var t time.Time
	switch x := v.(type) {
	case string:
		// A pattern of times has no date, which javatime wants.
		parsed, _, err := javatime.ParsePattern("1970-01-01 "+x, "yyyy-MM-dd "+c.TimeFormat, javatime.FindLanguage(""))
		if err != nil {
			return 0, err
		}
		t = parsed
	case value.LocalTime:
		t = x.T
	default:
		return 0, unfit(s, v)
	}
	t = wall(t)
	return t.Sub(t.Truncate(24 * time.Hour)), nil
}

// moment is a point on the time line; numbers are counted from 1970 on.
func (c *converter) moment(s avro.Schema, v any, count func(int64) time.Time) (time.Time, error) {
	switch x := v.(type) {
	case string:
		if n, err := strconv.ParseInt(x, 10, 64); err == nil {
			return count(n), nil
		}
		t, kind, err := javatime.ParsePattern(x, c.DatetimeFormat, javatime.FindLanguage(""))
		if err != nil || kind == javatime.Zoned {
			return t, err
		}
		return c.local(t), nil
	case int64:
		return count(x), nil
	case value.LocalDateTime:
		return c.local(x.T), nil
	case value.ZonedDateTime:
		return x.T, nil
	case value.Instant:
		return x.T, nil
	}
	return time.Time{}, unfit(s, v)
}

// local is the moment at which a clock in the time zone shows a date and time.
func (c *converter) local(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone)
}

// decimal makes the bytes of a decimal, size of them where it is fixed.
func (c *converter) decimal(s avro.Schema, l *avro.DecimalLogicalSchema, v any, size int) (any, error) {
	var d value.Decimal
	ok := false
	if text, isText := v.(string); isText {
		d, ok = value.ParseDecimal(strings.Replace(text, c.DecimalSeparator, ".", 1))
	} else if value.IsNumber(v) {
		d, ok = value.DecimalOf(v)
	}
	if !ok {
		return nil, unfit(s, v)
	}
	n, err := rescaled(d, l.Scale())
	if err != nil || len(new(big.Int).Abs(n).String()) > l.Precision() {
		return nil, unfit(s, v)
	}
	b := complement(n)
	if size == 0 {
		return b, nil
	}
	if len(b) > size {
		return nil, unfit(s, v)
	}
	fill := byte(0)
	if n.Sign() < 0 {
		fill = 0xff
	}
	return append(slices.Repeat([]byte{fill}, size-len(b)), b...), nil
}

// rescaled is a decimal's number at another scale, rounded to the even neighbour where it is in the middle.
func rescaled(d value.Decimal, scale int) (*big.Int, error) {
	shift := scale - int(d.Scale)
	if shift < -1000 || shift > 1000 {
		return nil, errors.New("the number is out of range")
	}
	pow := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(shift, -shift))), nil)
	if shift >= 0 {
		return pow.Mul(pow, d.Unscaled), nil
	}
	q, r := new(big.Int).QuoRem(d.Unscaled, pow, new(big.Int))
	r.Abs(r).Lsh(r, 1)
	if cmp := r.Cmp(pow); cmp > 0 || cmp == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(int64(d.Unscaled.Sign())))
	}
	return q, nil
}

// complement is a number in two's complement, in as few bytes as hold it.
func complement(n *big.Int) []byte {
	if n.Sign() >= 0 {
		b := n.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return b
	}
	size := new(big.Int).Not(n).BitLen()/8 + 1
	return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size))).FillBytes(make([]byte, size))
}
