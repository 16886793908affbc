package storage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/sdk"
)

func reverseType() plugin.Type {
	return plugin.Type{
		Name: area + "Reverse", Aliases: []string{older + "Reverse"}, Category: plugin.Task, Title: "Reverse a file, last row first.",
		Description: "Stores a file with the rows of another in reverse order. It may be larger than the memory.",
		Examples: []plugin.Example{{Title: "Newest first", YAML: `id: newest
type: io.kestra.plugin.core.storage.Reverse
from: "{{ inputs.log }}"`}},
		New: func() any { return &Reverse{} }, Outputs: URIOutput{},
	}
}

// Reverse reverses a file.
type Reverse struct {
	From      string `json:"from" required:"true" doc:"The URI of the file."`
	Separator string `json:"separator" default:"\n" doc:"What rows end with."`
	Charset   string `json:"charset" default:"UTF-8" doc:"The encoding of the file; every one in which ASCII characters are single bytes."`
}

// Run copies the file, as storage can only be read forwards, and reads the copy from its end.
func (t *Reverse) Run(ctx context.Context, run sdk.Run) (any, error) {
	sep, err := t.separator()
	if err != nil {
		return nil, err
	}
	tmp, size, err := t.local(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	defer func() { _, _ = tmp.Close(), os.Remove(tmp.Name()) }()
	uri, err := files.Produce(ctx, run, "reversed"+files.Extension(t.From), func(w io.Writer) error {
		return reverse(w, tmp, size, sep)
	})
	if err != nil {
		return nil, err
	}
	return URIOutput{uri}, nil
}

// separator is what rows end with in the file's encoding.
func (t *Reverse) separator() ([]byte, error) {
	enc, err := htmlindex.Get(t.Charset)
	if err != nil || strings.HasPrefix(strings.ToLower(t.Charset), "utf-16") {
		return nil, fmt.Errorf("charset: %q is not supported", t.Charset)
	}
	sep, err := enc.NewEncoder().Bytes([]byte(t.Separator))
	if err != nil || len(sep) == 0 {
		return nil, fmt.Errorf("separator: %q cannot separate rows", t.Separator)
	}
	return sep, nil
}

func (t *Reverse) local(ctx context.Context, run sdk.Run) (*os.File, int64, error) {
	r, err := run.Open(ctx, t.From)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	tmp, err := os.CreateTemp("", "windhover-reverse-")
	if err != nil {
		return nil, 0, err
	}
	size, err := io.Copy(tmp, r)
	if err != nil {
		_, _ = tmp.Close(), os.Remove(tmp.Name())
		return nil, 0, err
	}
	return tmp, size, nil
}

// reverse writes the rows of r from the last to the first, each with the separator after it.
func reverse(w io.Writer, r io.ReaderAt, size int64, sep []byte) error {
	b := backward{r: r, sep: sep, start: size}
	end := size
	if at, err := b.last(size); err != nil {
		return err
	} else if at >= 0 && at+int64(len(sep)) == size {
		end = at // what ends with a separator has no empty row after it
	} else if size == 0 {
		return nil
	}
	for {
		at, err := b.last(end)
		if err != nil {
			return err
		}
		begin := int64(0)
		if at >= 0 {
			begin = at + int64(len(sep))
		}
		if _, err := io.Copy(w, io.NewSectionReader(r, begin, end-begin)); err != nil {
			return err
		}
		if _, err := w.Write(sep); err != nil {
			return err
		}
		if at < 0 {
			return nil
		}
		end = at
	}
}

// block is how much of a file is read at once, in bytes.
const block = 64 << 10

// backward finds separators from the end of a file on, and has one block of it in memory.
type backward struct {
	r     io.ReaderAt
	sep   []byte
	buf   []byte
	start int64 // where buf begins in the file
}

// last returns where the last separator before end begins, -1 if there is none. Each end is at most the one before.
func (b *backward) last(end int64) (int64, error) {
	for {
		if n := min(end-b.start, int64(len(b.buf))); n > 0 {
			if i := bytes.LastIndex(b.buf[:n], b.sep); i >= 0 {
				return b.start + int64(i), nil
			}
		}
		if b.start == 0 {
			return -1, nil
		}
		// The blocks overlap by less than a separator, which may lie across their border.
		next := max(0, b.start-block)
		length := min(b.start+int64(len(b.sep))-1, end) - next
		if int64(cap(b.buf)) < length {
			b.buf = make([]byte, length)
		}
		b.buf = b.buf[:length]
		if _, err := b.r.ReadAt(b.buf, next); err != nil && err != io.EOF {
			return 0, err
		}
		b.start = next
	}
}
