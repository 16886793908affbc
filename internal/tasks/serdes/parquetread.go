package serdes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"github.com/windhover-io/windhover/sdk"
)

// avroSchemaKey is where programs that come from Avro keep the schema that they wrote a file with.
const avroSchemaKey = "parquet.avro.schema"

// ParquetToIon reads Parquet.
type ParquetToIon struct {
	From string `json:"from" required:"true" doc:"The URI of a Parquet file."`
}

// Run converts the file. It is read at many places, so it is copied into the working directory first.
func (t *ParquetToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	file, size, err := spool(ctx, run, t.From)
	if err != nil {
		return nil, err
	}
	defer discard(file)
	out, err := storeIon(ctx, run, "rows.ion", func(row put) error {
		return guard(func() error { return readParquet(file, size, row) })
	})
	if err == nil {
		run.Counter("records", float64(out.Size))
	}
	return out, err
}

// spool copies a file into the working directory.
func spool(ctx context.Context, run sdk.Run, from string) (*os.File, int64, error) {
	r, err := run.Open(ctx, from)
	if err != nil {
		return nil, 0, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	dir, err := run.WorkDir()
	if err != nil {
		return nil, 0, err
	}
	file, err := os.CreateTemp(dir, ".spool-*")
	if err != nil {
		return nil, 0, err
	}
	size, err := io.Copy(file, r)
	if err != nil {
		discard(file)
		return nil, 0, err
	}
	return file, size, nil
}

// discard closes and removes a file that nothing needs any more.
func discard(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// readParquet gives the rows of a file, a group of rows after the other.
func readParquet(r io.ReaderAt, size int64, row put) error {
	if err := checkFooter(r, size); err != nil {
		return fmt.Errorf("the file is no Parquet file: %w", err)
	}
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("the file is no Parquet file: %w", err)
	}
	_, fromAvro := file.Lookup(avroSchemaKey)
	a := &assembler{fromAvro: fromAvro}
	for _, e := range file.Metadata().Schema[1:] {
		if e.NumChildren.V == 0 {
			a.leaves = append(a.leaves, e.LogicalType.Value)
		}
	}
	root := a.root(file.Root())
	return groups(r, size, file, func(group parquet.RowGroup) error { return a.group(group, root, row) })
}

func (a *assembler) group(group parquet.RowGroup, root assemble, row put) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	few := make([]parquet.Row, fewRows)
	for {
		n, err := rows.ReadRows(few)
		for _, r := range few[:n] {
			a.rows++
			v, err := a.assemble(root, r)
			if err == nil {
				err = row(v)
			}
			if err != nil {
				return fmt.Errorf("row %d: %w", a.rows, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", a.rows+1, err)
		}
		if n == 0 {
			return io.ErrNoProgress
		}
	}
}
