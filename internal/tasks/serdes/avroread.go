package serdes

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

const (
	maxBlock = 256 << 20 // bytes of a block of rows, compressed or not
	maxItems = 1 << 24   // of a list or map
	maxDepth = 512
)

var avroConfig = avro.Config{MaxByteSliceSize: maxPiece}.Freeze()

// AvroToIon reads Avro.
type AvroToIon struct {
	From       string     `json:"from" required:"true" doc:"The URI of an Avro object container file."`
	OnBadLines OnBadLines `json:"onBadLines" default:"ERROR" enum:"ERROR,WARN,SKIP" doc:"Accepted: rows that follow a malformed one in its block cannot be found, so the rest of the block is passed over."`
}

// Run converts the file.
func (t *AvroToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	return toIon(ctx, run, t.From, func(r io.Reader, row put) error {
		a, err := openAvro(r)
		if err != nil {
			return err
		}
		for {
			err := a.block(row)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err = t.OnBadLines.handle(run, err); err != nil {
				return err
			}
		}
	})
}

// avroReader reads an object container file a block at a time.
type avroReader struct {
	r      *avro.Reader
	schema avro.Schema
	codec  string
	sync   [16]byte
	rows   int64
}

// openAvro reads the header.
func openAvro(in io.Reader) (*avroReader, error) {
	a := &avroReader{r: avro.NewReader(in, 64<<10, avro.WithReaderConfig(avroConfig))}
	var magic [4]byte
	a.r.Read(magic[:])
	if a.r.Error != nil || magic != [4]byte{'O', 'b', 'j', 1} {
		return nil, errors.New("the file is no Avro object container file")
	}
	meta := map[string][]byte{}
	err := items(a.r, func() error {
		key := a.r.ReadString()
		meta[key] = a.r.ReadBytes()
		return a.r.Error
	})
	a.r.Read(a.sync[:])
	if err != nil || a.r.Error != nil {
		return nil, errors.New("the header of the file is cut off or malformed")
	}
	a.codec = string(meta["avro.codec"])
	if a.schema, err = parseSchema(string(meta["avro.schema"])); err != nil {
		return nil, fmt.Errorf("the schema of the file: %w", err)
	}
	return a, nil
}

// parseSchema reads a schema; none of another file is known to it.
func parseSchema(text string) (avro.Schema, error) {
	return avro.ParseWithCache(text, "", &avro.SchemaCache{})
}

// items calls f for each item of a list or map, which come in blocks.
func items(r *avro.Reader, f func() error) error {
	for n := int64(0); ; {
		count, _ := r.ReadBlockHeader()
		if r.Error != nil || count == 0 {
			return r.Error
		}
		if n += count; count < 0 || n > maxItems {
			return fmt.Errorf("a list or map has more than %d items", maxItems)
		}
		for range count {
			if err := f(); err != nil {
				return err
			}
		}
	}
}

// block gives the rows of the next block, io.EOF after the last one.
func (a *avroReader) block(row put) error {
	a.r.Peek()
	if errors.Is(a.r.Error, io.EOF) {
		return io.EOF
	}
	count, size := a.r.ReadLong(), a.r.ReadLong()
	if a.r.Error != nil || count < 0 || size < 0 || size > maxBlock {
		return fmt.Errorf("row %d: the block of rows is malformed", a.rows+1)
	}
	var packed bytes.Buffer // grows with what is there, not with what is claimed
	for part := make([]byte, min(size, 1<<20)); size > 0 && a.r.Error == nil; size -= int64(len(part)) {
		part = part[:min(int64(len(part)), size)]
		a.r.Read(part)
		packed.Write(part)
	}
	var sync [16]byte
	a.r.Read(sync[:])
	if a.r.Error != nil || sync != a.sync {
		return fmt.Errorf("row %d: the block of rows is cut off or malformed", a.rows+1)
	}
	first := a.rows + 1
	data, err := a.unpack(packed.Bytes())
	if err != nil {
		return fmt.Errorf("row %d: %w", first, err)
	}
	a.rows += count
	r := avro.NewReader(bytes.NewReader(data), 64<<10, avro.WithReaderConfig(avroConfig))
	for n := range count {
		v, err := readAvro(r, a.schema, 0)
		if err != nil {
			return &badRow{fmt.Errorf("row %d: %w", first+n, err)}
		}
		if err := row(v); err != nil {
			return err
		}
	}
	return nil
}

// unpack decompresses a block.
func (a *avroReader) unpack(data []byte) ([]byte, error) {
	switch a.codec {
	case "", "null":
		return data, nil
	case "deflate":
		return limited(flate.NewReader(bytes.NewReader(data)))
	case "bzip2":
		return limited(bzip2.NewReader(bytes.NewReader(data)))
	case "zstandard":
		d, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return limited(d)
	case "snappy": // a checksum of four bytes follows
		if len(data) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		data = data[:len(data)-4]
		if n, err := s2.DecodedLen(data); err != nil || n > maxBlock {
			return nil, errors.New("the block of rows cannot be decompressed")
		}
		return s2.Decode(nil, data)
	}
	return nil, fmt.Errorf("the compression %q is not supported", a.codec)
}

func limited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBlock+1))
	if err == nil && len(data) > maxBlock {
		err = fmt.Errorf("a block of rows has more than %d bytes", maxBlock)
	}
	return data, err
}

// readAvro reads a value of a schema.
func readAvro(r *avro.Reader, schema avro.Schema, depth int) (v any, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values are nested deeper than %d levels", maxDepth)
	}
	switch s := schema.(type) {
	case *avro.RefSchema:
		return readAvro(r, s.Schema(), depth+1)
	case *avro.RecordSchema:
		v, err = readRecord(r, s, depth)
	case *avro.ArraySchema:
		list := []any{}
		err = items(r, func() error {
			item, err := readAvro(r, s.Items(), depth+1)
			list = append(list, item)
			return err
		})
		v = list
	case *avro.MapSchema:
		m := value.NewMap(0)
		err = items(r, func() error {
			key := r.ReadString()
			item, err := readAvro(r, s.Values(), depth+1)
			m.Set(key, item)
			return err
		})
		v = m
	case *avro.UnionSchema:
		i := r.ReadLong()
		if r.Error == nil && (i < 0 || i >= int64(len(s.Types()))) {
			return nil, fmt.Errorf("a union has no type %d", i)
		}
		if r.Error == nil {
			return readAvro(r, s.Types()[i], depth+1)
		}
	case *avro.EnumSchema:
		symbol, ok := s.Symbol(int(r.ReadInt()))
		if !ok && r.Error == nil {
			return nil, fmt.Errorf("the enum %s has not that many symbols", s.Name())
		}
		v = symbol
	case *avro.FixedSchema:
		b := make([]byte, min(s.Size(), maxPiece))
		r.Read(b)
		v = binaryValue(b, s.Logical())
	case *avro.PrimitiveSchema:
		v, err = readPrimitive(r, s)
	}
	if errors.Is(r.Error, io.EOF) {
		r.Error = io.ErrUnexpectedEOF
	}
	return v, errors.Join(err, r.Error)
}

// readRecord reads a record. One that this package has made around a list is that list.
func readRecord(r *avro.Reader, s *avro.RecordSchema, depth int) (any, error) {
	m := value.NewMap(len(s.Fields()))
	for _, f := range s.Fields() {
		v, err := readAvro(r, f.Type(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		m.Set(f.Name(), v)
	}
	if isWrapped(s) {
		v, _ := m.Get("value")
		return v, nil
	}
	return m, nil
}

// isWrapped tells whether a record stands for the list in it: the outermost schema has to be a record.
func isWrapped(s *avro.RecordSchema) bool {
	return s.Name() == "root" && len(s.Fields()) == 1 && s.Fields()[0].Name() == "value" && s.Fields()[0].Type().Type() == avro.Array
}

func readPrimitive(r *avro.Reader, s *avro.PrimitiveSchema) (any, error) {
	switch s.Type() {
	case avro.Boolean:
		return r.ReadBool(), nil
	case avro.Int:
		return date(int64(r.ReadInt()), s.Logical()), nil
	case avro.Long:
		return date(r.ReadLong(), s.Logical()), nil
	case avro.Float:
		return r.ReadFloat(), nil
	case avro.Double:
		return r.ReadDouble(), nil
	case avro.String:
		return r.ReadString(), nil
	case avro.Bytes:
		return binaryValue(r.ReadBytes(), s.Logical()), nil
	}
	return nil, fmt.Errorf("the type %s is not supported", s.Type())
}

// date is a number, or the date or time that it stands for.
func date(n int64, l avro.LogicalSchema) any {
	if l == nil {
		return value.Int(n)
	}
	switch l.Type() {
	case avro.Date:
		return value.LocalDate{T: time.Unix(n*86400, 0).UTC()}
	case avro.TimeMillis:
		return value.LocalTime{T: time.UnixMilli(n).UTC()}
	case avro.TimeMicros:
		return value.LocalTime{T: time.UnixMicro(n).UTC()}
	case avro.TimestampMillis:
		return value.Instant{T: time.UnixMilli(n).UTC()}
	case avro.TimestampMicros:
		return value.Instant{T: time.UnixMicro(n).UTC()}
	case avro.LocalTimestampMillis:
		return value.LocalDateTime{T: time.UnixMilli(n).UTC()}
	case avro.LocalTimestampMicros:
		return value.LocalDateTime{T: time.UnixMicro(n).UTC()}
	}
	return value.Int(n)
}

// binaryValue is base64, or the decimal that bytes stand for.
func binaryValue(b []byte, l avro.LogicalSchema) any {
	d, ok := l.(*avro.DecimalLogicalSchema)
	if !ok {
		return base64.StdEncoding.EncodeToString(b)
	}
	return decimalOf(b, d.Scale())
}

// decimalOf reads a number in two's complement, the most significant byte first.
func decimalOf(b []byte, scale int) value.Decimal {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return value.Decimal{Unscaled: n, Scale: int32(scale)}
}
