// Package serdes holds tasks that convert files between Ion, which is what tasks hand each other, and formats of others. Rows
// are converted as they are read: memory does not grow with the file, where the format allows that.
package serdes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

const area = "io.kestra.plugin.serdes."

// maxPiece bounds what of a file is held at once, in bytes: a document of YAML, a text or a block of Avro.
const maxPiece = 64 << 20

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{
		task("csv", "CsvToIon", "CsvReader", "Convert a CSV file to Ion.", func() any { return &CsvToIon{} }, Output{}),
		task("csv", "IonToCsv", "CsvWriter", "Convert an Ion file to CSV.", func() any { return &IonToCsv{} }, Output{}),
		task("json", "JsonToIon", "JsonReader", "Convert a file of JSON, or of JSON lines, to Ion.", func() any { return &JsonToIon{} }, Output{}),
		task("json", "IonToJson", "JsonWriter", "Convert an Ion file to JSON lines, or to JSON.", func() any { return &IonToJson{} }, Output{}),
		task("avro", "AvroToIon", "AvroReader", "Convert an Avro file to Ion.", func() any { return &AvroToIon{} }, Output{}),
		task("avro", "IonToAvro", "AvroWriter", "Convert an Ion file to Avro.", func() any { return &IonToAvro{} }, Output{}),
		task("parquet", "ParquetToIon", "ParquetReader", "Convert a Parquet file to Ion.", func() any { return &ParquetToIon{} }, Output{}),
		task("parquet", "IonToParquet", "ParquetWriter", "Convert an Ion file to Parquet.", func() any { return &IonToParquet{} }, Output{}),
		task("excel", "ExcelToIon", "", "Convert the sheets of an Excel file to Ion.", func() any { return &ExcelToIon{} }, ExcelOutput{}),
		task("excel", "IonToExcel", "", "Convert Ion files to an Excel file.", func() any { return &IonToExcel{} }, Output{}),
		task("yaml", "YamlToIon", "", "Convert a YAML file to Ion, a row each document.", func() any { return &YamlToIon{} }, Output{}),
		task("yaml", "IonToYaml", "", "Convert an Ion file to YAML, a document each row.", func() any { return &IonToYaml{} }, Output{}),
		task("xml", "XmlToIon", "XmlReader", "Convert an XML file to Ion.", func() any { return &XMLToIon{} }, Output{}),
		task("xml", "IonToXml", "XmlWriter", "Convert an Ion file to XML.", func() any { return &IonToXML{} }, Output{}),
	}
}

func task(format, name, older, title string, create func() any, outputs any) plugin.Type {
	t := plugin.Type{
		Name: area + format + "." + name, Category: plugin.Task, Title: title, New: create, Outputs: outputs,
		Examples: []plugin.Example{{Title: title, YAML: "id: convert\ntype: " + area + format + "." + name + "\nfrom: \"{{ inputs.file }}\""}},
	}
	if older != "" {
		t.Aliases = []string{area + format + "." + older}
	}
	return t
}

// Output is what conversions put out.
type Output struct {
	URI  string `json:"uri" doc:"The URI of the file that was written."`
	Size int64  `json:"size" doc:"How many rows it has."`
}

// badRow is an error of one row, after which the next one can be read.
type badRow struct{ err error }

func (b *badRow) Error() string { return b.err.Error() }
func (b *badRow) Unwrap() error { return b.err }

// OnBadLines says what becomes of rows that cannot be converted.
type OnBadLines string

// handle returns the error that ends the task, nil where the row is passed over.
func (o OnBadLines) handle(run sdk.Run, err error) error {
	if bad := (*badRow)(nil); o == "ERROR" || !errors.As(err, &bad) {
		return err
	}
	if o == "WARN" {
		run.Log(sdk.LevelWarn, "bad line is passed over: %s", err)
	}
	return nil
}

// put takes a row.
type put func(row any) error

// toIon stores the rows that read gives as a file of Ion, a row a line.
func toIon(ctx context.Context, run sdk.Run, from string, read func(r io.Reader, row put) error) (out Output, err error) {
	r, err := run.Open(ctx, from)
	if err != nil {
		return out, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	if out, err = storeIon(ctx, run, "rows.ion", func(row put) error { return read(r, row) }); err == nil {
		run.Counter("records", float64(out.Size))
	}
	return out, err
}

// storeIon stores the rows that read gives.
func storeIon(ctx context.Context, run sdk.Run, name string, read func(put) error) (out Output, err error) {
	var line []byte
	out.URI, err = files.Produce(ctx, run, name, func(w io.Writer) error {
		return read(func(row any) error {
			line = append(ion.Append(line[:0], row), '\n')
			out.Size++
			if _, err := w.Write(line); err != nil {
				return err
			}
			return ctx.Err()
		})
	})
	return out, err
}

// rows are those of a file of Ion or JSON lines.
type rows struct {
	*ion.Decoder
	ctx context.Context
	n   int64
}

// next returns the next row, io.EOF after the last one.
func (r *rows) next() (any, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	v, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, err
	}
	r.n++
	return v, r.wrap(err)
}

// wrap says in which row something went wrong.
func (r *rows) wrap(err error) error {
	if bad := (*badRow)(nil); err == nil || errors.As(err, &bad) { // the latter says where it is
		return err
	}
	return fmt.Errorf("row %d: %w", r.n, err)
}

// oneOrSeveral calls one with the only row there is, or else another with each of several.
func (r *rows) oneOrSeveral(one, another func(row any) error) (several bool, err error) {
	first, err := r.next()
	if errors.Is(err, io.EOF) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	err = r.each(func(row any) error {
		if !several {
			several = true
			if err := another(first); err != nil {
				return err
			}
		}
		return another(row)
	})
	if err == nil && !several {
		err = one(first)
	}
	return several, err
}

// each calls f with each row; its errors name the row.
func (r *rows) each(f func(row any) error) error {
	for {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = r.wrap(f(row))
		}
		if err != nil {
			return err
		}
	}
}

// fromIon stores what write makes of the rows of a file.
func fromIon(ctx context.Context, run sdk.Run, from, name string, write func(w io.Writer, rows *rows) error) (out Output, err error) {
	r, err := run.Open(ctx, from)
	if err != nil {
		return out, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	in := &rows{Decoder: ion.NewDecoder(r), ctx: ctx}
	out.URI, err = files.Produce(ctx, run, name, func(w io.Writer) error { return write(w, in) })
	if err != nil {
		return out, err
	}
	out.Size = in.n
	run.Counter("records", float64(out.Size))
	return out, nil
}

// charset finds an encoding; nil stands for UTF-8.
func charset(name string) (encoding.Encoding, error) {
	if strings.EqualFold(name, "UTF-8") || strings.EqualFold(name, "UTF8") {
		return nil, nil
	}
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil {
		return nil, fmt.Errorf("charset: %q is not supported", name)
	}
	return enc, nil
}

// decoded gives a file as UTF-8. The byte order mark of one that is UTF-8 is dropped.
func decoded(r io.Reader, name string) (io.Reader, error) {
	enc, err := charset(name)
	switch {
	case err != nil:
		return nil, err
	case enc == nil:
		return skipMark(r)
	}
	return enc.NewDecoder().Reader(r), nil
}

// skipMark drops a byte order mark.
func skipMark(r io.Reader) (io.Reader, error) {
	head := make([]byte, 3)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return io.MultiReader(strings.NewReader(strings.TrimPrefix(string(head[:n]), "\uFEFF")), r), nil
}

// encoded returns a writer of UTF-8 that writes a character set. What the set does not have is an error.
func encoded(w io.Writer, name string) (io.WriteCloser, error) {
	enc, err := charset(name)
	switch {
	case err != nil:
		return nil, err
	case enc == nil:
		return nopCloser{w}, nil
	}
	return closing{enc.NewEncoder().Writer(w)}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// closing closes a writer that can be.
type closing struct{ io.Writer }

func (c closing) Close() error {
	if c, ok := c.Writer.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// zone finds a time zone; "" is that of the system.
func zone(id string) (*time.Location, error) {
	if id == "" {
		return time.Local, nil
	}
	z, err := javatime.Zone(id)
	if err != nil {
		return nil, fmt.Errorf("timeZoneId: %w", err)
	}
	return z, nil
}
