package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/sdk"
)

// Produce stores what write writes, as it is written, and returns the file's URI. Where write fails nothing is stored.
func Produce(ctx context.Context, run sdk.Run, name string, write func(io.Writer) error) (string, error) {
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		out := bufio.NewWriterSize(pw, 64<<10)
		err := write(out)
		if err == nil {
			err = out.Flush()
		}
		_ = pw.CloseWithError(err) // of a pipe it never fails
		done <- err
	}()
	uri, err := run.Store(ctx, name, pr)
	_ = pr.CloseWithError(errNotStored)
	if wrote := <-done; wrote != nil && !errors.Is(wrote, errNotStored) {
		return "", wrote
	}
	return uri, err
}

var errNotStored = errors.New("the file was not stored")

// maxRow bounds one row, in bytes.
const maxRow = 64 << 20

// Rows calls f with each line of a file, without its end, and with its number from 1. The line is only valid until f returns.
func Rows(ctx context.Context, run sdk.Run, uri string, f func(row []byte, n int) error) error {
	r, err := run.Open(ctx, uri)
	if err != nil {
		return err
	}
	defer r.Close()
	return Lines(r, f)
}

// Lines is Rows for what a reader gives.
func Lines(r io.Reader, f func(row []byte, n int) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxRow)
	n := 0
	for s.Scan() {
		n++
		if err := f(s.Bytes(), n); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("row %d: %w", n+1, err)
	}
	return nil
}

// Locate finds the place of a file that a task names: by a URI of internal storage, or of a file of the task's namespace.
func Locate(run sdk.Run, uri string) (storage.URI, error) {
	info := run.Info()
	if path, ok := strings.CutPrefix(uri, "nsfile:///"); ok {
		return storage.NamespaceFile(info.Tenant, info.Namespace, path, 1)
	}
	return storage.Parse(info.Tenant, uri)
}

// Extension returns the last extension of a path or URI with its dot, "" if there is none.
func Extension(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[i:]
	}
	return ""
}
