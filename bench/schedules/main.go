// Command schedules gives a server very many schedules and measures how late they fire, and what it costs to wait for them.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/bench/serve"
)

type options struct {
	server, url string
	count       int
	span        time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "bin/windhover", "binary to start")
	flag.StringVar(&o.url, "url", "http://127.0.0.1:18090", "address to start it on")
	flag.IntVar(&o.count, "n", 10_000, "schedules, four to a flow")
	flag.DurationVar(&o.span, "for", time.Minute, "how long each of the two measurements takes")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "schedules:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	s, err := serve.Start(o.server, o.url, "")
	if err != nil {
		return err
	}
	defer s.Stop()
	// Far away first: that is what waiting costs.
	if err := declare(o, func(int) string { return "0 0 0 1 1 *" }); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	before := s.CPU()
	time.Sleep(o.span)
	fmt.Printf("%d schedules that are not due: %.2f %% of a core, %d MB\n", o.count, 100*(s.CPU()-before).Seconds()/o.span.Seconds(), s.Memory()>>20)
	// Then each of them once a minute, as many in every second.
	if err := declare(o, func(i int) string { return fmt.Sprintf("%d * * * * *", i%60) }); err != nil {
		return err
	}
	from := time.Now().Add(5 * time.Second)
	before = s.CPU()
	time.Sleep(5*time.Second + o.span)
	used := s.CPU() - before
	delays, err := late(o, from, from.Add(o.span))
	if err != nil {
		return err
	}
	if len(delays) == 0 {
		return errors.New("nothing was executed")
	}
	slices.Sort(delays)
	at := func(q float64) time.Duration {
		return delays[min(int(q*float64(len(delays))), len(delays)-1)].Round(10 * time.Microsecond)
	}
	fmt.Printf("%d schedules, each once a minute: %d executions in %v, late by p50 %v, p99 %v, max %v; %.1f %% of a core\n",
		o.count, len(delays), o.span, at(0.5), at(0.99), at(1), 100*used.Seconds()/(o.span.Seconds()+5))
	return nil
}

// declare saves flows with the schedules.
func declare(o options, cron func(i int) string) error {
	for i := 0; i < o.count; i += 4 {
		var b strings.Builder
		fmt.Fprintf(&b, "id: flow%d\nnamespace: bench\ntasks:\n  - {id: one, type: io.kestra.plugin.core.debug.Return, format: hello}\ntriggers:\n", i)
		for k := i; k < min(i+4, o.count); k++ {
			fmt.Fprintf(&b, "  - {id: t%d, type: io.kestra.plugin.core.trigger.Schedule, withSeconds: true, cron: %q}\n", k, cron(k))
		}
		req, err := http.NewRequest(http.MethodPost, o.url+"/api/v1/main/flows/bulk?delete=false", strings.NewReader(b.String()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/x-yaml")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("saving a flow: status %d", resp.StatusCode)
		}
	}
	return nil
}

// late lists how long after its date each execution was created, of those whose dates lie in a span of time.
func late(o options, from, to time.Time) ([]time.Duration, error) {
	var delays []time.Duration
	for page := 1; ; page++ {
		var list struct {
			Results []struct {
				State   struct{ StartDate time.Time }
				Trigger struct{ Variables struct{ Date time.Time } }
			}
		}
		resp, err := http.Get(fmt.Sprintf("%s/api/v1/main/executions/search?size=1000&page=%d&sort=state.startDate:asc", o.url, page))
		if err != nil {
			return nil, err
		}
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		for _, e := range list.Results {
			if date := e.Trigger.Variables.Date; !date.Before(from) && date.Before(to) {
				delays = append(delays, e.State.StartDate.Sub(date))
			}
		}
		if len(list.Results) < 1000 {
			return delays, nil
		}
	}
}
