// Command idle starts a server and tells what it costs while nothing happens.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/windhover-io/windhover/bench/serve"
)

func main() {
	binary := flag.String("server", "bin/windhover", "binary to start")
	url := flag.String("url", "http://127.0.0.1:18090", "address to start it on")
	data := flag.String("data", "", "its data directory; a temporary one unless set")
	span := flag.Duration("for", 30*time.Second, "how long it is watched")
	flag.Parse()
	s, err := serve.Start(*binary, *url, *data)
	if err != nil {
		fmt.Fprintln(os.Stderr, "idle:", err)
		os.Exit(1)
	}
	time.Sleep(2 * time.Second) // what the start does in the background
	before := s.CPU()
	time.Sleep(*span)
	fmt.Printf("first answer after %v, then %d MB and %.2f %% of a core for %v\n",
		s.Took.Round(time.Millisecond), s.Memory()>>20, 100*(s.CPU()-before).Seconds()/span.Seconds(), *span)
	s.Stop()
}
