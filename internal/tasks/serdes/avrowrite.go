package serdes

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/hamba/avro/v2"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/sdk"
)

// IonToAvro writes Avro.
type IonToAvro struct {
	From       string     `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines: a row each, an object or a list."`
	OnBadLines OnBadLines `json:"onBadLines" default:"ERROR" enum:"ERROR,WARN,SKIP" doc:"What becomes of rows that do not match the schema."`
	AvroConversion
}

// Run converts the file.
func (t *IonToAvro) Run(ctx context.Context, run sdk.Run) (any, error) {
	schema, err := t.schema(ctx, run, t.From)
	if err != nil {
		return nil, err
	}
	c, err := t.converter()
	if err != nil {
		return nil, err
	}
	return fromIon(ctx, run, t.From, "rows.avro", func(w io.Writer, rows *rows) error {
		out, err := newAvroWriter(w, schema)
		if err != nil {
			return err
		}
		skipped := int64(0)
		err = rows.each(func(row any) error {
			v, err := c.row(schema, row)
			if err != nil {
				skipped++
				return t.OnBadLines.handle(run, &badRow{rows.wrap(err)})
			}
			return out.write(v)
		})
		rows.n -= skipped
		return errors.Join(err, out.flush())
	})
}

// schema is that which the flow gives, or one that the rows match.
func (t *AvroConversion) schema(ctx context.Context, run sdk.Run, from string) (*avro.RecordSchema, error) {
	text := t.Schema
	if text == "" {
		r, err := run.Open(ctx, from)
		if err != nil {
			return nil, fmt.Errorf("from: %w", err)
		}
		defer r.Close()
		most := t.NumberOfRowsToScan
		if t.InferAllFields {
			most = -1
		}
		if text, err = inferSchema(&rows{Decoder: ion.NewDecoder(r), ctx: ctx}, most); err != nil {
			return nil, fmt.Errorf("schema: none is given and none can be found: %w", err)
		}
	}
	schema, err := parseSchema(text)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	record, ok := schema.(*avro.RecordSchema)
	if !ok {
		return nil, fmt.Errorf("schema: expected a record, got %s", schema.Type())
	}
	return record, nil
}

// blockSize is when a block of rows is written, in bytes before they are compressed.
const blockSize = 64 << 10

// avroWriter writes an object container file.
type avroWriter struct {
	schema avro.Schema
	out    *avro.Writer
	sync   [16]byte
	block  *avro.Writer
	rows   int64
}

// newAvroWriter writes the header.
func newAvroWriter(w io.Writer, schema avro.Schema) (*avroWriter, error) {
	text, err := fullSchema(schema)
	if err != nil {
		return nil, err
	}
	a := &avroWriter{schema: schema, out: avro.NewWriter(w, 4<<10), block: avro.NewWriter(io.Discard, blockSize)}
	_, _ = rand.Read(a.sync[:]) // it never fails
	_, _ = a.out.Write([]byte{'O', 'b', 'j', 1})
	a.out.WriteLong(2)
	a.out.WriteString("avro.schema")
	a.out.WriteBytes(text)
	a.out.WriteString("avro.codec")
	a.out.WriteString("deflate")
	a.out.WriteLong(0)
	_, _ = a.out.Write(a.sync[:])
	return a, a.out.Flush()
}

// fullSchema prints a schema with its logical types, defaults and aliases.
func fullSchema(s avro.Schema) ([]byte, error) {
	m, ok := s.(interface{ MarshalJSON() ([]byte, error) })
	if !ok {
		return []byte(s.String()), nil
	}
	return m.MarshalJSON()
}

func (a *avroWriter) write(v any) error {
	writeAvro(a.block, a.schema, v)
	a.rows++
	if a.block.Buffered() < blockSize {
		return a.block.Error
	}
	return a.flush()
}

// flush writes a block of the rows that have gathered.
func (a *avroWriter) flush() error {
	if a.rows == 0 {
		return a.out.Error
	}
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(a.block.Buffer()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	a.out.WriteLong(a.rows)
	a.out.WriteLong(int64(packed.Len()))
	_, _ = a.out.Write(packed.Bytes())
	_, _ = a.out.Write(a.sync[:])
	a.rows = 0
	a.block.Reset(io.Discard)
	return errors.Join(a.block.Error, a.out.Flush())
}

// writeAvro writes what converter.convert gives.
func writeAvro(w *avro.Writer, schema avro.Schema, v any) {
	switch s := schema.(type) {
	case *avro.RefSchema:
		writeAvro(w, s.Schema(), v)
		return
	case *avro.RecordSchema:
		for i, item := range v.([]any) {
			writeAvro(w, s.Fields()[i].Type(), item)
		}
		return
	case *avro.UnionSchema:
		u := v.(chosen)
		w.WriteLong(int64(u.index))
		writeAvro(w, s.Types()[u.index], u.v)
		return
	case *avro.ArraySchema:
		list := v.([]any)
		if len(list) > 0 {
			w.WriteLong(int64(len(list)))
		}
		for _, item := range list {
			writeAvro(w, s.Items(), item)
		}
		w.WriteLong(0)
		return
	case *avro.MapSchema:
		list := v.([]pair)
		if len(list) > 0 {
			w.WriteLong(int64(len(list)))
		}
		for _, p := range list {
			w.WriteString(p.key)
			writeAvro(w, s.Values(), p.v)
		}
		w.WriteLong(0)
		return
	case *avro.FixedSchema:
		_, _ = w.Write(v.([]byte))
		return
	}
	switch x := v.(type) {
	case bool:
		w.WriteBool(x)
	case int32:
		w.WriteInt(x)
	case int64:
		w.WriteLong(x)
	case float32:
		w.WriteFloat(x)
	case float64:
		w.WriteDouble(x)
	case string:
		w.WriteString(x)
	case []byte:
		w.WriteBytes(x)
	}
}
