package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

var errQuota = errors.New("the working directory is full")

const (
	// often and seldom bound how often a directory is measured; one with very many files is measured less often, so that a
	// small part of the time goes into it.
	often  = 100 * time.Millisecond
	seldom = 10 * time.Second
)

// watch ends the context when the directory holds more than quota bytes. Stop ends the watching.
func watch(ctx context.Context, dir string, quota int64) (watched context.Context, stop func()) {
	if quota <= 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for wait := often; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			began := time.Now()
			if size := sizeOf(dir); size > quota {
				cancel(fmt.Errorf("%w: it holds %d bytes, more than the %d that tasks.scripts.quota allows", errQuota, size, quota))
				return
			}
			wait = min(max(often, 20*time.Since(began)), seldom)
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// sizeOf is what the files below a directory hold, as far as they can be read.
func sizeOf(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil //nolint:nilerr // files come and go while it is measured
		}
		if info, err := e.Info(); err == nil {
			total += occupied(info)
		}
		return nil
	})
	return total
}
