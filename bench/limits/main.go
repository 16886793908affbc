// Command limits measures what bounds the figures of a machine: how many fdatasync its disk does in a second, one after the
// other, and how many small requests a bare HTTP server on loopback answers.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := disk(); err != nil {
		return err
	}
	return loopback()
}

// disk appends 4 KiB and syncs, for two seconds.
func disk() error {
	f, err := os.CreateTemp("", "windhover-limits-")
	if err != nil {
		return err
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }()
	block := make([]byte, 4096)
	var took []time.Duration
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		t := time.Now()
		if _, err := f.Write(block); err != nil {
			return err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return err
		}
		took = append(took, time.Since(t))
	}
	slices.Sort(took)
	fmt.Printf("fdatasync: %d/s, p50 %v, p99 %v\n", len(took)/2, took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond))
	return nil
}

// loopback sends small requests from 64 clients, for two seconds.
func loopback() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 700)) })}
	go func() { _ = srv.Serve(l) }()
	defer func() { _ = srv.Close() }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range 64 {
		wg.Go(func() {
			for time.Since(began) < 2*time.Second {
				resp, err := client.Post("http://"+l.Addr().String(), "", nil)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				n.Add(1)
			}
		})
	}
	wg.Wait()
	fmt.Printf("loopback HTTP, 64 clients, client included: %d/s\n", n.Load()/2)
	return nil
}
