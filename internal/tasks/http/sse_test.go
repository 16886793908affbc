package http

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzEvents reads whatever a server may send: as many events as there are blocks with data, whatever ends the lines.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "data:a\rdata:b\r\r", "\ufeffdata: {\"a\":1}\r\n\r\nid\n\n", ":\n\n\n", "retry: x\ndata", "data: \x00\xff\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		events, err := readEvents(bytes.NewReader(stream), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if data := strings.Count(string(stream), "data"); len(events) > data {
			t.Fatalf("%d events of %d times data", len(events), data)
		}
		unix := bytes.ReplaceAll(bytes.ReplaceAll(stream, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		again, err := readEvents(bytes.NewReader(unix), 1<<20)
		if err != nil || len(again) != len(events) {
			t.Fatalf("%d events with other ends of lines, %v, want %d", len(again), err, len(events))
		}
	})
}
