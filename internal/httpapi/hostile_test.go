package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/config"
)

// stackMarks are what a stack or an inner detail would show in an answer.
var stackMarks = []string{"goroutine ", ".go:", "runtime error", "panic", "sqlite", "0x"}

// refused checks that an answer is the client's error, told as JSON, and tells nothing of the inside.
func (a *answer) refused(t *testing.T, status int) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s answers %d, expected %d: %.300s", a.what, a.status, status, a.body)
		return
	}
	a.t = t
	if message, _ := a.at("message").(string); message == "" {
		t.Errorf("%s has no message: %.300s", a.what, a.body)
	}
	for _, mark := range stackMarks {
		if bytes.Contains(a.body, []byte(mark)) {
			t.Errorf("%s tells %q: %.300s", a.what, mark, a.body)
		}
	}
}

const bomb = `id: x
namespace: a
a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]
tasks: [*g, *g, *g, *g, *g, *g, *g, *g, *g]
`

func TestHostileRequests(t *testing.T) {
	s := start(t, nil)
	s.yaml("POST", "/flows", hello).is(200)
	s.form("/namespaces/company.team/files?path=a.txt", map[string]string{"@fileContent": "a"}).is(200)
	x := s.form("/executions/company.team/hello?wait=true", map[string]string{"name": "bob"}).is(200).id()
	const (
		json, yaml, text, form = "application/json", "application/x-yaml", "text/plain", "multipart/form-data; boundary=b"
		files                  = "/namespaces/company.team/files"
	)
	deep := strings.Repeat("[", 100_000)
	deepObject := strings.Repeat(`{"a":`, 100_000)
	large := strings.Repeat("x", 17<<20)
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
	}{
		// bodies that are no documents
		{"POST", "/flows", yaml, "", 422},
		{"POST", "/flows", yaml, "id: [", 422},
		{"POST", "/flows", yaml, "id: \xff\xfe", 422},
		{"POST", "/flows", yaml, deep, 422},
		{"POST", "/flows", yaml, bomb, 422},
		{"POST", "/flows", yaml, large, 413},
		{"POST", "/flows", json, deep, 400},
		{"POST", "/flows", json, deepObject, 400},
		{"POST", "/flows", json, `{"id": "a"`, 400},
		{"PUT", "/flows/company.team/hello", yaml, "id: other\nnamespace: company.team\ntasks: []", 422},
		{"PATCH", "/flows/company.team/hello/say", json, deepObject, 400},
		{"PATCH", "/flows/company.team/hello/nothing", json, `{"id": "nothing", "type": "io.kestra.plugin.core.log.Log", "message": "x"}`, 404},
		{"POST", "/flows/validate", yaml, "", 422},
		{"POST", "/flows/validate/task", yaml, deepObject, 200}, // what is wrong is the answer
		{"POST", "/flows/bulk", yaml, bomb, 422},
		{"POST", "/flows/import", form, "nonsense", 400},
		{"POST", "/flows/import", form, "--b\r\nContent-Disposition: form-data; name=\"fileUpload\"; filename=\"a.zip\"\r\n\r\nPK\x03\x04nonsense\r\n--b--\r\n", 400},
		{"POST", "/templates", yaml, bomb, 422},
		{"POST", "/templates", yaml, deep, 422},
		{"POST", "/templates/company.team", yaml, bomb, 422},
		{"POST", "/templates/validate", yaml, "", 422},
		{"POST", "/executions/company.team/hello", json, deepObject, 400},
		{"POST", "/executions/company.team/hello", json, `["name"]`, 400},
		{"POST", "/executions/company.team/hello", yaml, "name: bob", 415},
		{"POST", "/executions/company.team/hello", form, "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + large + "\r\n--b--\r\n", 413},
		{"POST", "/executions/company.team/hello", form, "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n\xff\xfe\r\n--b--\r\n", 422},
		{"POST", "/executions/company.team/hello", form, "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ncut", 400},
		{"POST", "/executions/company.team/hello", "multipart/form-data", "x", 400},
		{"POST", "/executions/company.team/hello?labels=nocolon", "", "", 422},
		{"POST", "/executions/company.team/hello?scheduleDate=soon", "", "", 422},
		{"POST", "/executions/company.team/hello?revision=x", "", "", 422},
		{"DELETE", "/executions/by-ids", json, deepObject, 400},
		{"DELETE", "/executions/by-ids", json, `{"ids": 1}`, 400},
		{"POST", "/executions/restart/by-ids", json, `nonsense`, 400},
		{"POST", "/executions/" + x + "/labels", json, `{"a": "b"}`, 400},
		{"POST", "/executions/" + x + "/state", json, deepObject, 400},
		{"POST", "/executions/" + x + "/change-status?status=DONE", "", "", 422},
		{"POST", "/executions/" + x + "/eval", text, strings.Repeat("x", 2<<20), 413},
		{"POST", "/executions/latest", json, deepObject, 400},
		{"POST", "/stats/logs/daily", json, `{"startDate": "0001-01-01T00:00:00Z"}`, 422},
		{"POST", "/stats/executions/daily", json, `{"startDate": "yesterday"}`, 422},
		{"PUT", "/namespaces/company.team/kv/a", text, large, 413},
		{"PUT", "/namespaces/company.team/kv/a", text, "\xff\xfe", 422},
		{"PUT", "/namespaces/company.team/kv/..%2fa", text, "x", 422},
		{"PUT", "/namespaces/company.team/kv/a%00", text, "x", 400},
		{"DELETE", "/namespaces/company.team/kv", json, deepObject, 400},
		{"POST", "/namespaces", json, `{"id": "../x"}`, 422},
		{"PUT", "/triggers", json, deepObject, 400},
		{"DELETE", "/triggers/delete/by-query", json, `{"filters": [{"field": "nonsense", "operation": "EQUALS", "value": 1}]}`, 422},
		// paths that lead elsewhere
		{"GET", files + "?path=../../etc/passwd", "", "", 422},
		{"GET", files + "?path=%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", "", 422},
		{"GET", files + "?path=..%5c..%5cetc", "", "", 422},
		{"GET", files + "?path=a%00.txt", "", "", 400},
		{"GET", files + "?path=%ff", "", "", 400},
		{"GET", files + "?path=%zz", "", "", 400},
		{"GET", files + "?path=/etc/passwd", "", "", 404}, // below the namespace's files, where it is not
		{"GET", files + "?path=kestra:///company/team/_files/a.txt", "", "", 404},
		{"GET", files + "?path=" + strings.Repeat("a/", 3000), "", "", 422},
		{"GET", files + "?path=" + strings.Repeat("a", 3000), "", "", 422},
		{"GET", files + "?path=a.txt&revision=0", "", "", 422},
		{"GET", files + "?path=", "", "", 422},
		{"POST", files + "?path=../x", form, "--b\r\nContent-Disposition: form-data; name=\"fileContent\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n", 422},
		{"POST", files + "?path=x", form, "nonsense", 400},
		{"POST", files + "?path=x", "multipart/form-data", "x", 400},
		{"POST", files + "/directory?path=a/../../..", "", "", 422},
		{"PUT", files + "?from=a.txt&to=../../a.txt", "", "", 422},
		{"DELETE", files + "?path=..", "", "", 422},
		{"GET", "/namespaces/..%2f..%2fetc/files?path=passwd", "", "", 422},
		{"GET", "/namespaces/%2e%2e/files?path=passwd", "", "", 422},
		{"GET", "/namespaces/a%00b/files/directory", "", "", 400},
		{"GET", "/namespaces/a%ffb/files/directory", "", "", 400},
		{"GET", "/executions/" + x + "/file?path=/etc/passwd", "", "", 422},
		{"GET", "/executions/" + x + "/file?path=file:///etc/passwd", "", "", 422},
		{"GET", "/executions/" + x + "/file?path=kestra:///company/team/hello/executions/" + x + "/../../../../../x", "", "", 422},
		{"GET", "/executions/" + x + "/file?path=kestra:///company/team/hello/executions/" + x + "/tasks/%252e%252e/x", "", "", 422},
		{"GET", "/executions/" + x + "/file/preview?path=kestra:///company/team/_files/a.txt", "", "", 422},
		{"GET", "/executions/..%2f..%2fx", "", "", 404},
		// searches that cannot be
		{"GET", "/flows/search?size=1000000000", "", "", 422},
		{"GET", "/flows/search?page=9000000000000000000&size=1000", "", "", 422},
		{"GET", "/namespaces/search?page=9000000000000000000&size=1000", "", "", 422},
		{"GET", "/executions/search?page=-1", "", "", 422},
		{"GET", "/executions/search?sort=nonsense:asc", "", "", 422},
		{"GET", "/executions/search?sort=id:sideways", "", "", 422},
		{"GET", "/executions/search?filters[nonsense][EQUALS]=x", "", "", 422},
		{"GET", "/executions/search?filters[namespace][NONSENSE]=x", "", "", 422},
		{"GET", "/executions/search?filters[namespace][REGEX]=(", "", "", 422},
		{"GET", "/executions/search?filters[state][EQUALS]=DONE", "", "", 422},
		{"GET", "/executions/search?filters[startDate][EQUALS]=yesterday", "", "", 422},
		{"GET", "/executions/search?filters[namespace", "", "", 422},
		{"GET", "/logs/search?filters[minLevel][EQUALS]=LOUD", "", "", 422},
		{"GET", "/executions/search?q=%00", "", "", 400},
		{"GET", "/executions/search?q=%ff", "", "", 400},
		{"GET", "/executions/search?%ff=x", "", "", 400},
		{"GET", "/metrics/aggregates/company.team/hello/m?aggregation=median", "", "", 422},
		{"GET", "/nothing", "", "", 404},
		{"BREW", "/flows/search", "", "", 405},
		{"DELETE", "/flows", "", "", 405},
	} {
		a := s.send(c.method, c.path, c.contentType, c.body)
		if len(a.what) > 120 {
			a.what = a.what[:120] + "…"
		}
		if c.status == 200 {
			a.t = t
			a.is(200)
			continue
		}
		a.refused(t, c.status)
	}
	s.get("/flows/company.team/hello").is(200) // and nothing else is harmed
}

func TestBodiesAreBounded(t *testing.T) {
	s := start(t, func(c *config.Config) { c.Server.MaxRequest = 1 << 20 })
	content := strings.Repeat("x", 2<<20)
	s.yaml("POST", "/flows", hello).is(200)
	s.form("/namespaces/company.team/files?path=a.txt", map[string]string{"@fileContent": content}).refused(t, 413)
	s.get("/namespaces/company.team/files?path=a.txt").is(404) // no half of it is left
	s.form("/executions/company.team/hello", map[string]string{"name": content}).refused(t, 413)
	s.send("PUT", "/namespaces/company.team/kv/a", "text/plain", content).refused(t, 413)
	s.form("/flows/import", map[string]string{"@fileUpload": content}).refused(t, 413)
}

func TestPathsAreDecodedOnce(t *testing.T) {
	s := start(t, nil)
	s.form("/namespaces/company.team/files?path=a%2520b.txt", map[string]string{"@fileContent": "x"}).is(200)
	s.get("/namespaces/company.team/files/search?q=").has("/a%20b.txt", 0)
	// A slash that is encoded belongs to the key, of which the answer then speaks.
	a := s.send("PUT", "/namespaces/company.team/kv/a%2Fb%20c", "text/plain", "1").is(422)
	if message, _ := a.at("message").(string); !strings.Contains(message, "a/b c") {
		t.Errorf("the key arrived as something else: %s", message)
	}
}

// A client that sends half a request must not keep anything else waiting, and is dropped.
func TestHalfARequest(t *testing.T) {
	s := start(t, nil)
	addr := strings.TrimPrefix(s.url, "http://")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /api/v1/flows HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-yaml\r\nContent-Length: 100\r\n\r\nid: a\n")
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
	b := make([]byte, 1024)
	n, _ := conn.Read(b)
	_ = conn.Close()
	if n > 0 && !strings.HasPrefix(string(b[:n]), fmt.Sprintf("HTTP/1.1 %d", http.StatusBadRequest)) {
		t.Errorf("half a flow is answered with %.100s", b[:n])
	}
	s.get("/flows/search").has(0.0, "total")
}
