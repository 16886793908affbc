// Command load creates executions of a flow through the REST API, from so many clients at once, and tells how many ended in
// a second and how long they took. With -server it starts the server itself and tells what it cost in CPU and memory.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windhover-io/windhover/bench/serve"
)

type options struct {
	url, server, flow, source string
	clients, count            int
	rate                      float64
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
	flag.Float64Var(&o.rate, "rate", 0, "executions begun a second, whether or not earlier ones have ended; 0: as fast as the clients can")
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
	var server *serve.Server
	if o.server != "" {
		var err error
		if server, err = serve.Start(o.server, o.url, o.data); err != nil {
			return err
		}
		defer server.Stop()
		fmt.Printf("first answer %v after the start\n", server.Took.Round(time.Millisecond))
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
	before := server.CPU()
	took, latencies, err := fire(client, url, o)
	if err != nil {
		return err
	}
	if !o.wait {
		if err := drained(client, o, namespace, id); err != nil {
			return err
		}
	}
	report(o, took, latencies, server.CPU()-before, server)
	return nil
}

// fire sends all requests and returns how long it took, and how long each of them. In an open loop, at a rate, a request's
// time counts from the moment at which it was due.
func fire(client *http.Client, url string, o options) (time.Duration, []time.Duration, error) {
	latencies := make([][]time.Duration, o.clients)
	failed := make(chan error, o.clients)
	var wg sync.WaitGroup
	began := time.Now()
	due := schedule(began, o)
	for c := range o.clients {
		wg.Go(func() {
			for t := range due {
				if o.rate == 0 {
					t = time.Now()
				}
				if err := post(client, url); err != nil {
					failed <- err
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

// schedule hands out the moments at which requests are due; without a rate, all at once.
func schedule(began time.Time, o options) <-chan time.Time {
	due := make(chan time.Time, o.count)
	go func() {
		defer close(due)
		for i := range o.count {
			at := began
			if o.rate > 0 {
				at = began.Add(time.Duration(float64(i) / o.rate * float64(time.Second)))
				time.Sleep(time.Until(at))
			}
			due <- at
		}
	}()
	return due
}

func post(client *http.Client, url string) error {
	resp, err := client.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func report(o options, took time.Duration, l []time.Duration, used time.Duration, server *serve.Server) {
	slices.Sort(l)
	at := func(q float64) time.Duration {
		return l[min(int(q*float64(len(l))), len(l)-1)].Round(10 * time.Microsecond)
	}
	fmt.Printf("%d executions, %d clients: %.0f/s, p50 %v, p99 %v, max %v", o.count, o.clients, float64(o.count)/took.Seconds(), at(0.5), at(0.99), at(1))
	if server != nil {
		fmt.Printf(", %.3f ms CPU each, %d MB", used.Seconds()*1000/float64(o.count), server.Memory()>>20)
	}
	fmt.Println()
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
