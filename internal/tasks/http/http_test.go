package http_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	tasks "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.http."

// echo answers with what it was asked, one thing a line.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL.RequestURI())
	for _, name := range []string{"Authorization", "Content-Type", "X-One"} {
		if v := r.Header.Get(name); v != "" && !strings.HasPrefix(v, "multipart/") {
			fmt.Fprintf(w, "%s: %s\n", name, v)
		}
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s", body)
		return
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		fmt.Fprint(w, err)
		return
	}
	var lines []string
	for name, values := range r.MultipartForm.Value {
		lines = append(lines, name+"="+strings.Join(values, ","))
	}
	for name, headers := range r.MultipartForm.File {
		f, err := headers[0].Open()
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		content, _ := io.ReadAll(f)
		lines = append(lines, fmt.Sprintf("%s=file %s: %s", name, headers[0].Filename, content))
	}
	sort.Strings(lines)
	fmt.Fprint(w, strings.Join(lines, "\n"))
}

func server(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
		if code != http.StatusNoContent {
			fmt.Fprint(w, "the reason")
		}
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/target", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/latin", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		_, _ = w.Write([]byte("caf\xe9"))
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) })
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/named", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="../../the report.csv"`)
		fmt.Fprint(w, "1,2")
	})
	mux.HandleFunc("/digest", digestOnly)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// digestOnly answers those who authenticate as RFC 7616 says, with user u and password p.
func digestOnly(w http.ResponseWriter, r *http.Request) {
	given := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+)="?([^",]*)"?`).FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
		given[m[1]] = m[2]
	}
	ha1, ha2 := md5Hex("u:here:p"), md5Hex(r.Method+":"+r.URL.RequestURI())
	want := md5Hex(strings.Join([]string{ha1, "nonce1", given["nc"], given["cnonce"], "auth", ha2}, ":"))
	if given["response"] != want {
		w.Header().Set("WWW-Authenticate", `Digest realm="here", qop="auth", algorithm=MD5, nonce="nonce1"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "welcome %s", body)
}

// TestRequests gives what a server gets, as it answers with it.
func TestRequests(t *testing.T) {
	url := server(t)
	run := sdktest.New(t)
	file := run.File("data.txt", "content")
	for _, c := range []struct{ name, yaml, want string }{
		{"plain", "uri: %s/a b", "GET /a%20b\nContent-Type: application/json\n"},
		{"json", "uri: %s/\nmethod: post\nbody: '{\"a\": 1}'", "POST /\nContent-Type: application/json; charset=UTF-8\n{\"a\": 1}"},
		{"a body written as a map", "uri: %s/\nmethod: PUT\nbody: {a: 1}", "PUT /\nContent-Type: application/json; charset=UTF-8\n{\"a\":1}"},
		{"another charset", "uri: %s/\nmethod: POST\nbody: é\ncontentType: text/plain\noptions: {defaultCharset: ISO-8859-1}",
			"POST /\nContent-Type: text/plain; charset=ISO-8859-1\n�"},
		{"params", "uri: %s/?x=1\nparams: {b: [2, 3], a: 'ä', c: '1 +2'}", "GET /?x=1&a=%C3%A4&b=2&b=3&c=1%20%2B2\nContent-Type: application/json\n"},
		{"headers", "uri: %s/\ncontentType: ''\nheaders: {X-One: '{{ flow.id }}'}", "GET /\nX-One: flow\n"},
		{"form", "uri: %s/\nmethod: POST\nformData: {b: 'x y', a: 1}", "POST /\nContent-Type: application/x-www-form-urlencoded\na=1&b=x+y"},
		{"multipart", "uri: %s/\nmethod: POST\ncontentType: multipart/form-data\nformData: {a: 1, f: " + file + ", g: {name: n.txt, content: " + file + "}, h: [1]}",
			"POST /\na=1\nf=file data.txt: content\ng=file n.txt: content\nh=[1]"},
		{"basic", "uri: %s/\ncontentType: ''\noptions: {auth: {type: BASIC, username: u, password: p}}", "GET /\nAuthorization: Basic dTpw\n"},
		{"basic, as it was", "uri: %s/\ncontentType: ''\noptions: {basicAuthUser: u, basicAuthPassword: p}", "GET /\nAuthorization: Basic dTpw\n"},
		{"bearer", "uri: %s/\ncontentType: ''\noptions: {auth: {type: BEARER, token: t}}", "GET /\nAuthorization: Bearer t\n"},
		{"digest", "uri: %s/digest\nmethod: POST\nbody: friend\noptions: {auth: {type: DIGEST, username: u, password: p}}", "welcome friend"},
		{"redirect", "uri: %s/redirect\nmethod: POST\nbody: again", "POST /target\nContent-Type: application/json; charset=UTF-8\nagain"},
		{"charset of the answer", "uri: %s/latin", "café"},
		{"allowed failure", "uri: %s/status/404\noptions: {allowFailed: true}", "the reason"},
		{"allowed failure, as it was", "uri: %s/status/404\nallowFailed: true", "the reason"},
		{"allowed code", "uri: %s/status/418\noptions: {allowedResponseCodes: [418]}", "the reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := taskstest.Must(t, run, tasks.Types(), "type: "+area+"Request\n"+c.yaml, url)
			var got struct{ Body string }
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Body != c.want {
				t.Errorf("%q, want %q", got.Body, c.want)
			}
		})
	}
}

func TestRequestErrors(t *testing.T) {
	url := server(t)
	for _, c := range []struct{ yaml, want string }{
		{"uri: %s/status/404", "status 404 Not Found and body:\nthe reason"},
		{"uri: %s/status/200\noptions: {allowFailed: true, allowedResponseCodes: [201]}", "status 200"},
		{"uri: %s/large\noptions: {maxContentLength: 1999}", "more than 1999 bytes"},
		{"uri: %s/silent\noptions: {timeout: {readIdleTimeout: PT0.05S}}", "the server was silent for 50ms"},
		{"uri: %s/digest\noptions: {auth: {type: DIGEST, username: u, password: wrong}}", "status 401"},
		{"uri: ftp%.0s://example.com", "not an http or https address"},
		{"uri: %s/\nmethod: 'A B'", "method"},
		{"uri: %s/\nbody: x\noptions: {defaultCharset: none}", `"none" is not known`},
		{"uri: %s/\noptions: {proxy: {address: localhost}}", "options.proxy.port"},
		{"uri: %s/\noptions: {auth: {type: BEARER}}", "needs a token"},
		{"uri: %s/\noptions: {auth: {type: NTLM}}", "NTLM"},
		{"uri: %s/\nmethod: POST\ncontentType: multipart/form-data\nformData: {f: kestra:///none}", "formData: f:"},
	} {
		if err := taskstest.Fails(t, sdktest.New(t), tasks.Types(), "type: "+area+"Request\n"+c.yaml, url); !strings.Contains(err, c.want) {
			t.Errorf("%s: %s, want %q", c.yaml, err, c.want)
		}
	}
}

func TestRequestOutputs(t *testing.T) {
	url := server(t)
	run := sdktest.New(t)
	out := taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s/status/201\nencryptBody: true", area, url)
	var got struct {
		URI           string
		Code          int
		Headers       map[string][]string
		Body          *string
		EncryptedBody struct{ Value, Type string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.URI != url+"/status/201" || got.Code != 201 || got.Headers["content-length"][0] != "10" || got.Body != nil || got.EncryptedBody.Value != "encrypted:the reason" {
		t.Error(out)
	}
	out = taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s/status/204", area, url)
	if strings.Contains(out, "body") {
		t.Error(out)
	}
	out = taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s/redirect\noptions: {followRedirects: false}", area, url)
	if !strings.Contains(out, `"code":307`) {
		t.Error(out)
	}
}

// TestProxy sends a request to a host that is not there through a proxy that answers for it.
func TestProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s by %s", r.URL, r.Header.Get("Proxy-Authorization"))
	}))
	defer proxy.Close()
	port := proxy.URL[strings.LastIndexByte(proxy.URL, ':')+1:]
	out := taskstest.Must(t, sdktest.New(t), tasks.Types(),
		"type: %sRequest\nuri: http://nowhere.invalid/x\noptions: {proxy: {address: 127.0.0.1, port: %s, username: u, password: p}}", area, port)
	if !strings.Contains(out, `"body":"http://nowhere.invalid/x by Basic dTpw"`) {
		t.Error(out)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer s.Close()
	run := sdktest.New(t)
	if err := taskstest.Fails(t, run, tasks.Types(), "type: %sRequest\nuri: %s/", area, s.URL); !strings.Contains(err, "certificate") {
		t.Error(err)
	}
	out := taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s/\noptions: {ssl: {insecureTrustAllCertificates: true}}", area, s.URL)
	if !strings.Contains(out, `"code":200`) {
		t.Error(out)
	}
}

// TestDigestStaysHome does not authenticate to a host that the server redirects to.
func TestDigestStaysHome(t *testing.T) {
	asked := make(chan string, 2)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		w.Header().Set("WWW-Authenticate", `Digest realm="there", qop="auth", algorithm=MD5, nonce="n"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer other.Close()
	home := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer home.Close()
	taskstest.Fails(t, sdktest.New(t), tasks.Types(), "type: %sRequest\nuri: %s\noptions: {auth: {type: DIGEST, username: u, password: p}}", area, home.URL)
	if len(asked) != 1 || <-asked != "" {
		t.Error("the other host was given credentials")
	}
}

func TestLogs(t *testing.T) {
	url := server(t)
	run := sdktest.New(t)
	taskstest.Must(t, run, tasks.Types(), "type: %sRequest\nuri: %s/\nmethod: POST\nbody: asked\noptions: {logs: [REQUEST_HEADERS, REQUEST_BODY, RESPONSE_HEADERS, RESPONSE_BODY], auth: {type: BEARER, token: s3cret}}", area, url)
	text := run.Logged()
	for _, want := range []string{"User-Agent: Windhover", "asked", "answer: 200 OK", "POST /"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log:\n%s", want, text)
		}
	}
	if strings.Contains(strings.Split(text, "body of the answer")[0], "s3cret") {
		t.Error("the token was logged")
	}
}

func TestDownload(t *testing.T) {
	url := server(t)
	run := sdktest.New(t)
	for _, c := range []struct{ yaml, name, content string }{
		{"uri: %s/named", "the%20report.csv", "1,2"},
		{"uri: %s/named\nsaveAs: mine.csv", "/mine.csv", "1,2"},
		{"uri: %s/latin", "/download", "caf\xe9"},
		{"uri: %s/empty\nfailOnEmptyResponse: false", "/download", ""},
	} {
		out := taskstest.Must(t, run, tasks.Types(), "type: "+area+"Download\n"+c.yaml, url)
		var got struct {
			URI    string
			Length int
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(got.URI, c.name) || run.Content(got.URI) != c.content || got.Length != len(c.content) {
			t.Errorf("%s: %s", c.yaml, out)
		}
	}
	if err := taskstest.Fails(t, run, tasks.Types(), "type: %sDownload\nuri: %s/empty", area, url); !strings.Contains(err, "the answer is empty") {
		t.Error(err)
	}
}

func TestEvents(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, ": hi\nid: 1\nevent: piece\nretry: 1500\ndata: {\"text\": \"Hel\"}\n\n")
		w.(http.Flusher).Flush()
		fmt.Fprint(w, "data: {\"text\":\r\ndata: \"lo\"}\r\n\r\n: only a comment\n\ndata:[DONE]")
	}))
	defer s.Close()
	run := sdktest.New(t)
	out := taskstest.Must(t, run, tasks.Types(), "type: %sSseRequest\nuri: %s", area, s.URL)
	want := `{"uri":"` + s.URL + `","events":[{"data":{"text":"Hel"},"id":"1","name":"piece","comment":"hi","retry":"PT1.5S"},{"data":{"text":"lo"}},{"data":"[DONE]"}],"size":3}`
	if withoutNulls(t, out) != withoutNulls(t, want) {
		t.Errorf("%s, want %s", out, want)
	}
	out = taskstest.Must(t, run, tasks.Types(), "type: %sSseRequest\nuri: %s\nconcatJqExpression: .data.text\nfailedOnMissingJq: false", area, s.URL)
	if out != `{"uri":"`+s.URL+`","size":3,"result":"Hello"}` {
		t.Error(out)
	}
	if err := taskstest.Fails(t, run, tasks.Types(), "type: %sSseRequest\nuri: %s\nconcatJqExpression: .data.text", area, s.URL); !strings.Contains(err, "event 3") {
		t.Error(err)
	}
	if err := taskstest.Fails(t, run, tasks.Types(), "type: %sSseRequest\nuri: %s\noptions: {maxContentLength: 50}", area, s.URL); !strings.Contains(err, "more than 50 bytes") {
		t.Error(err)
	}
}

// withoutNulls drops members that are null; a duration may be written as text or in seconds.
func withoutNulls(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	var drop func(any)
	drop = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, e := range x {
				if e == nil {
					delete(x, k)
				}
				if k == "retry" && e == 1.5 {
					x[k] = "PT1.5S"
				}
				drop(e)
			}
		case []any:
			for _, e := range x {
				drop(e)
			}
		}
	}
	drop(v)
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestStops ends a request when the task is told to stop.
func TestStops(t *testing.T) {
	url := server(t)
	task := &tasks.Request{Call: tasks.Call{URI: url + "/silent", Method: "GET", Options: tasks.Options{FollowRedirects: true}}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := task.Run(ctx, sdktest.New(t))
		done <- err
	}()
	cancel()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it did not fail")
		}
	case <-time.After(10 * time.Second):
		t.Error("it goes on")
	}
}
