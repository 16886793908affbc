// Command load creates executions of a flow through the REST API, from so many clients at once, and tells how many ended in
// a second and how long they took. With -server it starts the server itself and tells what it cost in CPU and memory.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type options struct {
	url, server, flow, source string
	clients, count            int
	wait                      bool
	data                      string
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "http://127.0.0.1:18090", "address of the server")
	flag.StringVar(&o.server, "server", "", "binary to start as the server, on the port of -url")
	flag.StringVar(&o.data, "data", "", "data directory of the started server; a temporary one unless set, - for memory")
	flag.StringVar(&o.flow, "flow", "bench.one", "namespace.id of the flow")
	flag.StringVar(&o.source, "source", "", "file with the flow, created first; a one-task flow unless set")
	flag.IntVar(&o.clients, "clients", 64, "clients at once")
	flag.IntVar(&o.count, "n", 20000, "executions in all")
	flag.BoolVar(&o.wait, "wait", true, "wait for the end of each execution within its request")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

const oneTask = `id: one
namespace: bench
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: hello}
`

func run(o options) error {
	var pid int
	if o.server != "" {
		stop, p, err := startServer(o)
		if err != nil {
			return err
		}
		defer stop()
		pid = p
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.clients, MaxConnsPerHost: o.clients}}
	if err := createFlow(client, o); err != nil {
		return err
	}
	namespace, id := o.flow[:strings.LastIndexByte(o.flow, '.')], o.flow[strings.LastIndexByte(o.flow, '.')+1:]
	url := o.url + "/api/v1/main/executions/" + namespace + "/" + id
	if o.wait {
		url += "?wait=true"
	}
	before := cpu(pid)
	took, latencies, err := fire(client, url, o)
	if err != nil {
		return err
	}
	if !o.wait {
		if err := drained(client, o, namespace, id); err != nil {
			return err
		}
	}
	report(o, took, latencies, cpu(pid)-before, pid)
	return nil
}

// fire sends all requests and returns how long it took, and how long each of them.
func fire(client *http.Client, url string, o options) (time.Duration, []time.Duration, error) {
	var left atomic.Int64
	left.Store(int64(o.count))
	latencies := make([][]time.Duration, o.clients)
	failed := make(chan error, o.clients)
	var wg sync.WaitGroup
	began := time.Now()
	for c := range o.clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				t := time.Now()
				resp, err := client.Post(url, "", nil)
				if err != nil {
					failed <- err
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					failed <- fmt.Errorf("status %d", resp.StatusCode)
					return
				}
				latencies[c] = append(latencies[c], time.Since(t))
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	close(failed)
	if err := <-failed; err != nil {
		return 0, nil, err
	}
	return took, slices.Concat(latencies...), nil
}

func report(o options, took time.Duration, l []time.Duration, used time.Duration, pid int) {
	slices.Sort(l)
	at := func(q float64) time.Duration {
		return l[min(int(q*float64(len(l))), len(l)-1)].Round(10 * time.Microsecond)
	}
	fmt.Printf("%d executions, %d clients: %.0f/s, p50 %v, p99 %v, max %v", o.count, o.clients, float64(o.count)/took.Seconds(), at(0.5), at(0.99), at(1))
	if pid != 0 {
		fmt.Printf(", %.3f ms CPU each, %d MB", used.Seconds()*1000/float64(o.count), memory(pid)>>20)
	}
	fmt.Println()
}

func startServer(o options) (stop func(), pid int, err error) {
	dir := o.data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "windhover-bench-"); err != nil {
			return nil, 0, err
		}
	}
	port := o.url[strings.LastIndexByte(o.url, ':')+1:]
	args := []string{"server", "local", "--port", port, "--log-level", "warn"}
	if dir == "-" {
		args = append(args, "--memory")
	} else {
		args = append(args, "--data", dir)
	}
	cmd := exec.Command(o.server, args...)
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if o.data == "" {
			_ = os.RemoveAll(dir)
		}
	}
	for {
		resp, err := http.Get(o.url + "/ping")
		if err == nil {
			_ = resp.Body.Close()
			fmt.Printf("first answer %v after the start\n", time.Since(began).Round(time.Millisecond))
			return stop, cmd.Process.Pid, nil
		}
		if time.Since(began) > 30*time.Second {
			stop()
			return nil, 0, errors.New("the server does not answer")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func createFlow(client *http.Client, o options) error {
	src := []byte(oneTask)
	if o.source != "" {
		var err error
		if src, err = os.ReadFile(o.source); err != nil {
			return err
		}
	}
	resp, err := client.Post(o.url+"/api/v1/main/flows", "application/x-yaml", bytes.NewReader(src))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK && !bytes.Contains(b, []byte("already exists")) {
		return fmt.Errorf("creating the flow: %s", b)
	}
	return nil
}

// drained waits until no execution of the flow is under way.
func drained(client *http.Client, o options, namespace, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	url := o.url + "/api/v1/main/executions/search?size=1&state=CREATED&state=RUNNING&state=QUEUED&namespace=" + namespace + "&flowId=" + id
	for ctx.Err() == nil {
		resp, err := client.Get(url)
		if err != nil {
			return err
		}
		var page struct{ Total int }
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil || page.Total == 0 {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}

// cpu is the CPU time that a process has used, from /proc; 0 where there is none.
func cpu(pid int) time.Duration {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory is the resident memory of a process in bytes.
func memory(pid int) int {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb << 10
		}
	}
	return 0
}
