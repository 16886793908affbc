package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

// server is a whole Windhover in memory, and a client of it.
type server struct {
	t   testing.TB
	url string
	// user and password are sent where they are set.
	user, password string
}

// start starts a server; change may change its configuration first.
func start(t testing.TB, change func(*config.Config)) *server {
	t.Helper()
	cfg := config.Default()
	cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
	cfg.Server.Port, cfg.Server.Grace, cfg.Tutorial, cfg.Tasks.TmpDir = 0, time.Second, false, t.TempDir()
	if change != nil {
		change(cfg)
	}
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for _, component := range []func(context.Context) error{a.Executor, a.Scheduler, a.Worker, a.Webserver} {
		if err := component(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return &server{t: t, url: "http://" + a.Addr()}
}

// answer is a response that was read.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// send sends a request below /api/v1 unless the path is complete.
func (s *server) send(method, path, contentType, body string) *answer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if !strings.HasPrefix(path, "//") {
		path = "/api/v1" + path
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+strings.Replace(path, "//", "/", 1), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if s.user != "" {
		req.SetBasicAuth(s.user, s.password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &answer{s.t, method + " " + path, resp.StatusCode, resp.Header, b}
}

func (s *server) get(path string) *answer { s.t.Helper(); return s.send("GET", path, "", "") }

func (s *server) json(method, path, body string) *answer {
	s.t.Helper()
	return s.send(method, path, "application/json", body)
}

func (s *server) yaml(method, path, body string) *answer {
	s.t.Helper()
	return s.send(method, path, "application/x-yaml", body)
}

// form sends a form; a name with an @ before it is a file's.
func (s *server) form(path string, fields map[string]string) *answer {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, content := range fields {
		part, err := w.CreateFormField(name)
		if file, ok := strings.CutPrefix(name, "@"); ok {
			part, err = w.CreateFormFile(file, file+".txt")
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.send("POST", path, w.FormDataContentType(), b.String())
}

// is checks the status.
func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s answers %d, expected %d: %s", a.what, a.status, status, a.body)
	}
	return a
}

// value reads the body, and the members on the way that is named: at("state", "current").
func (a *answer) at(way ...any) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.body, &v); err != nil {
		a.t.Fatalf("%s answers no JSON: %s", a.what, a.body)
	}
	for _, step := range way {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				a.t.Fatalf("%s: no element %d on the way %v: %s", a.what, step, way, a.body)
			}
			v = l[step]
		}
	}
	return v
}

// has checks one value.
func (a *answer) has(want any, way ...any) *answer {
	a.t.Helper()
	if got := a.at(way...); got != want {
		a.t.Fatalf("%s: %v is %v, expected %v: %s", a.what, way, got, want, a.body)
	}
	return a
}

// id is the id in the body.
func (a *answer) id() string {
	a.t.Helper()
	id, _ := a.at("id").(string)
	return id
}

// await follows an execution until it is in a state.
func (s *server) await(id, state string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/api/v1/executions/"+id+"/follow", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var x struct{ State struct{ Current string } }
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &x) == nil && x.State.Current == state {
			return
		}
	}
	s.t.Fatalf("execution %s was never %s: %v", id, state, lines.Err())
}
