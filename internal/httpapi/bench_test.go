package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkCreate creates executions of a flow without inputs, one after the other, over a real connection.
func BenchmarkCreate(b *testing.B) {
	s := start(b, nil)
	s.yaml("POST", "/flows", "id: one\nnamespace: bench\ntasks:\n  - {id: a, type: io.kestra.plugin.core.debug.Return, format: x}\n").is(200)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := http.Post(s.url+"/api/v1/executions/bench/one", "application/json", strings.NewReader(""))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status)
		}
	}
}
