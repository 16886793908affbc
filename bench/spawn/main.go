// Command spawn tells how many tasks a second run one small command each, beside how many processes the machine starts a second
// without a server, how long a task in a container takes beside "docker run", where an engine answers, and how long a gigabyte
// takes from one task to the next, beside how long the disk takes to copy it.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/windhover-io/windhover/bench/serve"
)

func main() {
	server := flag.String("server", "bin/windhover", "binary to start as the server, on the port of -url")
	url := flag.String("url", "http://127.0.0.1:18090", "address of the server")
	rounds := flag.Int("rounds", 5, "how often each is measured; the median is told")
	flag.Parse()
	if err := run(*server, *url, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "spawn:", err)
		os.Exit(1)
	}
}

func run(binary, url string, rounds int) error {
	s, err := serve.Start(binary, url, "")
	if err != nil {
		return err
	}
	defer s.Stop()
	for _, flow := range []string{"docker", "echo1000", "gigabyte"} {
		if err := save(url, flow); err != nil {
			return err
		}
	}
	if err := echo(s, rounds); err != nil {
		return err
	}
	if err := container(s, 2*rounds); err != nil {
		return err
	}
	return gigabyte(s)
}

// tasks is how many tasks the flow echo1000 has.
const tasks = 1000

// echo measures small commands. The two are measured in turns, for the machine may be shared.
func echo(s *serve.Server, rounds int) error {
	if _, err := execute(s.URL, "echo1000"); err != nil { // the first is not like the others
		return err
	}
	var raw, with, ratio []float64
	before := s.CPU()
	for range rounds {
		r, err := spawn()
		if err != nil {
			return err
		}
		took, err := execute(s.URL, "echo1000")
		if err != nil {
			return err
		}
		w := tasks / took.Seconds()
		raw, with, ratio = append(raw, r), append(with, w), append(ratio, r/w)
	}
	cpu := (s.CPU() - before).Seconds() * 1000 / float64(rounds*tasks)
	fmt.Printf("processes that echo ok: %.0f/s without a server, %.0f tasks/s, %.2f times as long, %.2f ms CPU of the server each, %d MB\n",
		median(raw), median(with), median(ratio), cpu, s.Memory()>>20)
	return nil
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// spawn starts as many processes as the flow does and reads what they write, some at once, and tells how many a second.
func spawn() (float64, error) {
	began := time.Now()
	work := make(chan int)
	failed := make(chan error, 8)
	var wg sync.WaitGroup
	for range cap(failed) {
		wg.Go(func() {
			for range work {
				if out, err := exec.Command("/bin/sh", "-c", "echo ok").Output(); err != nil || string(out) != "ok\n" {
					failed <- fmt.Errorf("echo ok: %q, %w", out, err)
					return
				}
			}
		})
	}
	for i := range tasks {
		select {
		case work <- i:
		case err := <-failed:
			return 0, err
		}
	}
	close(work)
	wg.Wait()
	return tasks / time.Since(began).Seconds(), nil
}

// container measures a task that runs a small command in a container, in turns with the engine's own program.
func container(s *serve.Server, rounds int) error {
	plain := func() (time.Duration, error) {
		began := time.Now()
		out, err := exec.Command("docker", "run", "--rm", "busybox", "sh", "-c", "echo ok").CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("docker run: %w: %s", err, out)
		}
		return time.Since(began), nil
	}
	if _, err := plain(); err != nil {
		fmt.Println("a task in a container: NOT MEASURED:", err)
		return nil
	}
	var alone, task, more []float64
	for range rounds {
		a, err := plain()
		if err != nil {
			return err
		}
		t, err := execute(s.URL, "docker")
		if err != nil {
			return err
		}
		alone, task, more = append(alone, ms(a)), append(task, ms(t)), append(more, ms(t-a))
	}
	fmt.Printf("a task in a container: %.0f ms, docker run --rm of the same %.0f ms, %+.0f ms\n", median(task), median(alone), median(more))
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// gigabyte measures a large file: written by a task, stored, and given to the next task; beside three copies of it, which is
// what has to be written.
func gigabyte(s *serve.Server) error {
	took, err := execute(s.URL, "gigabyte")
	if err != nil {
		return err
	}
	memory := s.Memory()
	dir, err := os.MkdirTemp("", "windhover-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	write := exec.Command("sh", "-c", "head -c 1073741824 /dev/zero > one && cp one two && sync two && cp two three")
	write.Dir = dir
	if out, err := write.CombinedOutput(); err != nil {
		return fmt.Errorf("copying: %w: %s", err, out)
	}
	plain := time.Since(began)
	fmt.Printf("a gigabyte from one task to the next: %.1f s, %.1f s for the same with cp, %d MB of memory\n", took.Seconds(), plain.Seconds(), memory>>20)
	return nil
}

func save(url, flow string) error {
	src, err := os.ReadFile(filepath.Join("bench", "flows", flow+".yaml"))
	if err != nil {
		return err
	}
	resp, err := http.Post(url+"/api/v1/main/flows", "application/x-yaml", bytes.NewReader(src))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("creating the flow %s: %s %w", flow, b, err)
	}
	return nil
}

// execute runs a flow to its end.
func execute(url, flow string) (time.Duration, error) {
	began := time.Now()
	resp, err := http.Post(url+"/api/v1/main/executions/bench/"+flow+"?wait=true", "", nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var x struct{ State struct{ Current string } }
	if err := json.NewDecoder(resp.Body).Decode(&x); err != nil {
		return 0, err
	}
	if x.State.Current != "SUCCESS" {
		return 0, fmt.Errorf("%s ends in %s", flow, x.State.Current)
	}
	return time.Since(began), nil
}
