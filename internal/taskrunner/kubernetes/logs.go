package kubernetes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// place is how far a log was handed on: up to some bytes of the n-th of the lines that have one time.
type place struct {
	time  time.Time
	n     int
	bytes int64
}

// logs hands on what the command writes until it has ended and all of that was read. A stream that breaks is taken up where it
// broke. It goes on beside what looks at the pod, and so knows its name only.
func (x *execution) logs(ctx context.Context, pod string, ended <-chan struct{}) error {
	var at place
	for {
		over := false // whether it had ended before it was asked
		select {
		case <-ended:
			over = true
		default:
		}
		err := x.stream(ctx, pod, &at)
		switch {
		case ctx.Err() != nil, over && (err == nil || !passing(err)):
			return nil //nolint:nilerr // what cannot be read any more is gone
		case err != nil && !passing(err) && !apierrors.IsNotFound(err) && !apierrors.IsBadRequest(err):
			return err
		}
		var wait <-chan struct{} // there is no end to wait for any more
		if !over {
			wait = ended
		}
		t := time.NewTimer(x.again)
		select {
		case <-wait:
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// stream hands on the log from a place, for as long as the server tells of it.
func (x *execution) stream(ctx context.Context, pod string, at *place) error {
	options := &corev1.PodLogOptions{Container: mainContainer, Follow: true, Timestamps: true}
	if !at.time.IsZero() {
		since := metav1.NewTime(at.time) // to the second
		options.SinceTime = &since
	}
	r, err := x.pods().GetLogs(pod, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	return at.copy(r, func(p []byte) error {
		x.handed.Add(int64(len(p)))
		_, err := x.command.Stdout.Write(p)
		return err
	})
}

// stampLength is how long the time before a line is at most, with the space behind it.
const stampLength = len(time.RFC3339Nano) + 1

// copy hands on what comes after a place. Each line begins with its time. Lines are not gathered, as they may be of any length.
func (at *place) copy(r io.Reader, write func([]byte) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var now time.Time // of the line that is read
	n, skip, inside := 0, int64(0), false
	for {
		if !inside {
			stamp, err := in.ReadSlice(' ')
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
			t, err := time.Parse(time.RFC3339Nano, string(bytes.TrimRight(stamp[:min(len(stamp), stampLength)], " \n")))
			if err != nil {
				return errors.New("a line of the log has no time")
			}
			if n++; !t.Equal(now) {
				now, n = t, 1
			}
			skip = at.known(now, n)
		}
		part, err := in.ReadSlice('\n')
		inside = len(part) == 0 || part[len(part)-1] != '\n'
		fresh := part
		if skip > 0 {
			fresh = part[min(skip, int64(len(part))):]
			skip -= int64(len(part) - len(fresh))
		}
		if len(fresh) > 0 && skip >= 0 {
			if failed := write(fresh); failed != nil {
				return failed
			}
			at.bytes += int64(len(fresh))
		}
		if !inside {
			skip = 0
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// known is how much of a line was handed on before: all of it, -1, or so many bytes. A line after the place becomes the place.
func (at *place) known(t time.Time, n int) int64 {
	switch {
	case t.Before(at.time) || t.Equal(at.time) && n < at.n:
		return -1
	case t.Equal(at.time) && n == at.n:
		return at.bytes
	}
	*at = place{time: t, n: n}
	return 0
}
