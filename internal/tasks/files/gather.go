package files

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"

	"github.com/windhover-io/windhover/sdk"
)

// Gather stores what write writes, unless that is nothing: triggers that look for something every now and then leave no empty
// files. It is written to the working directory first. The URI is "" where nothing was stored.
func Gather(ctx context.Context, run sdk.Run, name string, write func(io.Writer) error) (uri string, err error) {
	dir, err := run.WorkDir()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "gathered-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	out := bufio.NewWriterSize(f, 64<<10)
	if err := errors.Join(write(out), out.Flush()); err != nil {
		return "", err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil || size == 0 {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return run.Store(ctx, name, f)
}
