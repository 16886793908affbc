package serdes

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// Files that are hostile are errors, and take no more memory than they have bytes for.
func FuzzAvro(f *testing.F) {
	for _, codec := range []string{"null", "deflate", "snappy", "zstandard"} {
		content, err := os.ReadFile("testdata/sales-" + codec + ".avro")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		a, err := openAvro(bytes.NewReader(content))
		if err != nil {
			return
		}
		rows := int64(0)
		for err == nil {
			err = a.block(func(any) error { rows++; return nil })
		}
		if errors.Is(err, io.EOF) && rows != a.rows {
			t.Errorf("%d rows of %d", rows, a.rows)
		}
	})
}

// Files that are hostile are errors, whatever the library makes of them.
// The seeds are small: it takes long to make a large one that is found smaller.
func FuzzParquet(f *testing.F) {
	for _, name := range []string{"int96", "uuid"} {
		content, err := os.ReadFile("testdata/" + name + ".parquet")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		rows := 0
		err := guard(func() error {
			return readParquet(bytes.NewReader(content), int64(len(content)), func(any) error {
				if rows++; rows > 1e5 {
					return io.EOF
				}
				return nil
			})
		})
		if err == nil && rows > 1e5 {
			t.Errorf("%d rows", rows)
		}
	})
}

// Whatever a file of CSV is, it comes to an end, and its fields are no more than there are bytes.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2", "\"a\"\"b\"\r\n", "\"open", "\r\r\n", ",\"x\"y,\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := &csvReader{r: bufio.NewReaderSize(strings.NewReader(text), 16), separator: ",", quote: "\"", maxRecord: 1 << 10, maxField: 1 << 10}
		for n := 0; ; n++ {
			fields, err := c.read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.As(err, new(*badRow)) {
				t.Fatal(err)
			}
			if len(strings.Join(fields, "")) > len(text) || n > len(text) {
				t.Fatalf("%d records, the last of them %q", n, fields)
			}
		}
	})
}
