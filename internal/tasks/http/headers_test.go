package http_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	tasks "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// oddNames answers as servers do that write the names of headers in their own way: first a preliminary answer, then the
// headers. The first request to /moved is sent on.
func oddNames(w http.ResponseWriter, r *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	body := r.Header.Get("traceparent")
	if r.URL.Path == "/moved" {
		_, _ = io.WriteString(conn, "HTTP/1.1 302 Found\r\nlocation: /\r\nX-First-Hop: 1\r\nContent-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nx-l")
	_, _ = fmt.Fprintf(conn, "ower: a\r\nX-UPPER: b\r\nX-UPPER: c\r\nETag: d\r\ncontent-length: %d\r\n\r\n%s", len(body), body)
}

func TestHeaderNames(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	want := []string{`"x-lower":["a"]`, `"x-upper":["b","c"]`, `"etag":["d"]`, `"content-length":["55"]`, `"body":"` + parent + `"`}
	plain, sealed := httptest.NewServer(http.HandlerFunc(oddNames)), httptest.NewTLSServer(http.HandlerFunc(oddNames))
	defer plain.Close()
	defer sealed.Close()
	for _, url := range []string{plain.URL, plain.URL + "/moved", sealed.URL, sealed.URL + "/moved"} {
		run := sdktest.New(t)
		run.Is.TraceParent = parent // which is passed on
		out := taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s\noptions: {ssl: {insecureTrustAllCertificates: true}}", area, url)
		for _, part := range want {
			if !strings.Contains(out, part) {
				t.Errorf("%s: %s is not in %s", url, part, out)
			}
		}
		if strings.Contains(out, "first-hop") || strings.Contains(out, "early") {
			t.Errorf("%s: headers of other answers in %s", url, out)
		}
	}
}
