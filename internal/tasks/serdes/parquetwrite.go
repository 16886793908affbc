package serdes

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/windhover-io/windhover/sdk"
)

// IonToParquet writes Parquet.
type IonToParquet struct {
	From               string     `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines: a row each, an object or a list."`
	CompressionCodec   string     `json:"compressionCodec" default:"GZIP" enum:"UNCOMPRESSED,SNAPPY,GZIP,ZSTD" doc:"How columns are compressed."`
	ParquetVersion     string     `json:"parquetVersion" default:"V2" enum:"V1,V2" doc:"The version of the format of pages."`
	RowGroupSize       int64      `json:"rowGroupSize" default:"134217728" min:"1" doc:"How large a group of rows becomes, in bytes."`
	PageSize           int        `json:"pageSize" default:"1048576" min:"1" doc:"How large a page of a column becomes, in bytes before it is compressed."`
	DictionaryPageSize int        `json:"dictionaryPageSize" default:"1048576" min:"1" doc:"How large the dictionary of a column may become, in bytes; what follows is written plainly."`
	OnBadLines         OnBadLines `json:"onBadLines" default:"ERROR" enum:"ERROR,WARN,SKIP" doc:"What becomes of rows that do not match the schema."`
	AvroConversion
}

var codecs = map[string]compress.Codec{
	"UNCOMPRESSED": &parquet.Uncompressed, "SNAPPY": &parquet.Snappy, "GZIP": &parquet.Gzip, "ZSTD": &parquet.Zstd,
}

// Run converts the file.
func (t *IonToParquet) Run(ctx context.Context, run sdk.Run) (any, error) {
	record, err := t.schema(ctx, run, t.From)
	if err != nil {
		return nil, err
	}
	c, err := t.converter()
	if err != nil {
		return nil, err
	}
	schema, striper, err := parquetSchema(record)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	avroText, err := fullSchema(record)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	dir, err := run.WorkDir()
	if err != nil {
		return nil, err
	}
	return fromIon(ctx, run, t.From, "rows.parquet", func(w io.Writer, rows *rows) error {
		return guard(func() error {
			out := &parquetWriter{striper: striper, groupSize: t.RowGroupSize}
			out.Writer = parquet.NewWriter(w, append(t.options(dir), schema, parquet.KeyValueMetadata(avroSchemaKey, string(avroText)))...)
			skipped := int64(0)
			err := rows.each(func(row any) error {
				v, err := c.row(record, row)
				if err != nil {
					skipped++
					return t.OnBadLines.handle(run, &badRow{rows.wrap(err)})
				}
				return out.write(v)
			})
			rows.n -= skipped
			if err == nil {
				err = out.flush()
			}
			return errors.Join(err, out.Close())
		})
	})
}

// options are those of the writer. A group of rows waits on the disk for its end, so memory holds a page of each column.
func (t *IonToParquet) options(dir string) []parquet.WriterOption {
	version := 2
	if t.ParquetVersion == "V1" {
		version = 1
	}
	return []parquet.WriterOption{
		parquet.Compression(codecs[t.CompressionCodec]),
		parquet.DataPageVersion(version),
		parquet.DataPageStatistics(true),
		parquet.PageBufferSize(t.PageSize),
		parquet.DictionaryMaxBytes(int64(t.DictionaryPageSize)),
		parquet.ColumnPageBuffers(parquet.NewFileBufferPool(dir, ".parquet-column-*")),
		parquet.CreatedBy("windhover", "", ""),
	}
}

// fewRows is how many rows are handed over at once.
const fewRows = 64

// parquetWriter ends groups of rows by their size.
type parquetWriter struct {
	*parquet.Writer
	striper   *striper
	few       []parquet.Row
	groupSize int64
	before    int64 // the size of the groups that have ended
}

func (w *parquetWriter) write(v any) error {
	w.few = append(w.few, w.striper.row(v))
	if len(w.few) < fewRows {
		return nil
	}
	return w.flush()
}

// flush hands over the rows that have gathered.
func (w *parquetWriter) flush() error {
	if _, err := w.WriteRows(w.few); err != nil {
		return err
	}
	w.few = w.few[:0]
	if w.Size()-w.before < w.groupSize {
		return nil
	}
	err := w.Flush()
	w.before = w.Size()
	return err
}

// guard makes an error of a panic: the library panics where what a file or schema says is out of the ordinary, and what reads
// or writes may run beside the task, where nobody else would catch it.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("Parquet: %v", p)
		}
	}()
	return f()
}
