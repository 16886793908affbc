package serdes

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/hamba/avro/v2"
)

// AvroValue writes and reads single values of a schema, without a header, as messages carry them.
type AvroValue struct {
	schema  avro.Schema
	convert *converter
}

// NewAvroValue reads a schema. Texts are converted where the schema wants a number or a date, and only null is null.
func NewAvroValue(schema string) (*AvroValue, error) {
	s, err := parseSchema(schema)
	if err != nil {
		return nil, err
	}
	c := &AvroConversion{
		TrueValues: []string{"true"}, FalseValues: []string{"false"}, DecimalSeparator: ".",
		DateFormat: "yyyy-MM-dd[XXX]", TimeFormat: "HH:mm[:ss][.SSSSSSSSS][.SSSSSS][.SSS][XXX]", DatetimeFormat: "yyyy-MM-dd'T'HH:mm[:ss][.SSSSSSSSS][.SSSSSS][.SSS][XXX]",
	}
	conv, err := c.converter()
	return &AvroValue{s, conv}, err
}

// Name is the full name of a record, enum or fixed, "" for other types.
func (a *AvroValue) Name() string {
	if n, ok := a.schema.(avro.NamedSchema); ok {
		return n.FullName()
	}
	return ""
}

// Append appends a value.
func (a *AvroValue) Append(dst []byte, v any) ([]byte, error) {
	converted, err := a.convert.convert(a.schema, v)
	if err != nil {
		return nil, err
	}
	w := avro.NewWriter(io.Discard, 512)
	writeAvro(w, a.schema, converted)
	return append(dst, w.Buffer()...), w.Error
}

// Read reads a value, which has to fill the data.
func (a *AvroValue) Read(data []byte) (any, error) {
	r := avro.NewReader(bytes.NewReader(data), max(len(data), 1), avro.WithReaderConfig(avroConfig))
	v, err := readAvro(r, a.schema, 0)
	if err != nil {
		return nil, fmt.Errorf("it is no value of its schema: %w", err)
	}
	if r.Peek(); !errors.Is(r.Error, io.EOF) {
		return nil, errors.New("it is no value of its schema: bytes are left over")
	}
	return v, nil
}
