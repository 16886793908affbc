package serdes

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// The library makes room for what a file claims, and for whatever comes out of a compressed page. So what a hostile file could
// take the worker's memory with is looked at before the library reads it.

// maxPageValues is how many values a page may have.
const maxPageValues = 1 << 26

// checkFooter looks at how long the footer claims to be.
func checkFooter(r io.ReaderAt, size int64) error {
	var tail [8]byte
	if _, err := r.ReadAt(tail[:], size-int64(len(tail))); err != nil || string(tail[4:]) != "PAR1" {
		return errors.New("it does not end as one")
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:])); n > size-int64(len(tail)) {
		return errors.New("its footer is cut off")
	}
	return nil
}

// groups gives the groups of rows of a file, each checked before it is read.
func groups(r io.ReaderAt, size int64, file *parquet.File, read func(parquet.RowGroup) error) error {
	for i, group := range file.RowGroups() {
		for _, c := range file.Metadata().RowGroups[i].Columns {
			if err := checkColumn(r, size, c.MetaData); err != nil {
				return fmt.Errorf("group of rows %d: %w", i+1, err)
			}
		}
		if err := read(group); err != nil {
			return err
		}
	}
	return nil
}

// checkColumn looks at the pages of a column.
func checkColumn(r io.ReaderAt, size int64, m format.ColumnMetaData) error {
	start := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < start {
		start = m.DictionaryPageOffset
	}
	end := start + m.TotalCompressedSize
	if start < 0 || m.TotalCompressedSize < 0 || end < start || end > size {
		return errors.New("a column lies outside the file")
	}
	for start < end {
		section := io.NewSectionReader(r, start, end-start)
		n, err := checkPage(section, m.Codec)
		if err != nil {
			return err
		}
		start += n
	}
	return nil
}

// checkPage returns how long a page is.
func checkPage(r *io.SectionReader, codec format.CompressionCodec) (int64, error) {
	buffered := bufio.NewReaderSize(r, 1<<10)
	var head format.PageHeader
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(buffered)).Decode(&head); err != nil {
		return 0, fmt.Errorf("the header of a page: %w", err)
	}
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	at -= int64(buffered.Buffered())
	v2 := head.DataPageHeaderV2.V
	levels := int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength) // they are not compressed
	packed, plain := int64(head.CompressedPageSize), int64(head.UncompressedPageSize)
	switch {
	case packed < 0 || plain < 0 || at+packed > r.Size() || levels < 0 || levels > min(packed, plain):
		return 0, errors.New("a page lies outside its column")
	case plain > maxBlock:
		return 0, fmt.Errorf("a page has more than %d bytes", maxBlock)
	case max(head.DataPageHeader.V.NumValues, v2.NumValues, head.DictionaryPageHeader.V.NumValues) > maxPageValues:
		return 0, fmt.Errorf("a page has more than %d values", maxPageValues)
	}
	content := io.NewSectionReader(r, at+levels, packed-levels)
	if v2.IsCompressed.Valid && !v2.IsCompressed.V {
		codec = format.Uncompressed
	}
	if plain -= levels; content.Size() > 0 {
		if err := checkPacked(content, codec, plain); err != nil {
			return 0, fmt.Errorf("a page cannot be decompressed: %w", err)
		}
	}
	return at + packed, nil
}

// checkPacked makes sure that no more than a number of bytes comes out of compressed ones, and that something does.
func checkPacked(r *io.SectionReader, codec format.CompressionCodec, plain int64) error {
	var out io.Reader
	switch codec {
	case format.Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		out = z
	case format.Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return err
		}
		defer z.Close()
		out = z
	case format.Brotli:
		out = brotli.NewReader(r)
	case format.Snappy, format.Lz4Raw:
		return checkBlock(r, codec, plain)
	default:
		return nil
	}
	n, err := io.Copy(io.Discard, io.LimitReader(out, plain+1))
	if err == nil && n > plain {
		return errTooLong
	}
	return err
}

var errTooLong = errors.New("it is longer than it says")

// checkBlock is checkPacked for what is decompressed as a whole.
func checkBlock(r *io.SectionReader, codec format.CompressionCodec, plain int64) error {
	var packed bytes.Buffer
	if _, err := packed.ReadFrom(r); err != nil {
		return err
	}
	if codec == format.Snappy {
		n, err := s2.DecodedLen(packed.Bytes())
		if err == nil && int64(n) > plain {
			return errTooLong
		}
		return err
	}
	_, err := lz4.UncompressBlock(packed.Bytes(), make([]byte, plain))
	return err
}
