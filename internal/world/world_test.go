package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	storagememory "github.com/windhover-io/windhover/internal/storage/memory"
	taskhttp "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/value"
)

// secrets are those of every namespace.
type secrets map[string]string

func (s secrets) Secret(_ context.Context, _, namespace, key string) (string, error) {
	if v, ok := s[key]; ok {
		return v + " for " + namespace, nil
	}
	if v, ok := s[namespace+"/"+key]; ok {
		return v, nil
	}
	return "", errors.New("cannot find secret for key '" + key + "'")
}

var caller = Caller{Tenant: "main", Namespace: "a.b", FlowID: "f", ExecutionID: "e"}

func newWorld(t *testing.T) *World {
	t.Helper()
	b := memory.New()
	t.Cleanup(func() { _ = b.Close() })
	files := storagememory.New()
	for path, content := range map[string]string{"/a/b/_files/dir/x.txt": "of a.b", "/a/_files/y.txt": "of a", "/a/b/_files/empty": "", "/a/b/f/executions/e/tasks/t/r/z.txt": "of a task"} {
		uri, err := storage.Parse("main", "kestra://"+path)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.Put(t.Context(), uri, strings.NewReader(content), nil); err != nil {
			t.Fatal(err)
		}
	}
	store := kv.New(b.Documents())
	for _, p := range []kv.Put{{Namespace: "a", Key: "up", Value: "above"}, {Namespace: "a.b", Key: "n", Value: int32(7)}, {Namespace: "other", Key: "o", Value: true}} {
		p.Tenant = "main"
		if err := store.Set(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	return &World{
		Backend: b, Storage: files, HTTP: taskhttp.Fetch, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Secrets: secrets{"K": "the secret", "a.b/JSON": `{"user":"ada","n":[1]}`, "a.b/TEXT": "no JSON"},
	}
}

func args(pairs ...any) (out expr.Args) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, expr.Arg{Name: pairs[i].(string), Value: pairs[i+1]})
	}
	return out
}

// object makes a map of pairs.
func object(pairs ...any) *value.Map {
	m := value.NewMap(len(pairs) / 2)
	for i := 0; i < len(pairs); i += 2 {
		m.Set(pairs[i].(string), pairs[i+1])
	}
	return m
}

// TestLookups has what functions find, and what they say when they find nothing.
func TestLookups(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		args expr.Args
		want string // as it prints; after "!" what an error says
	}{
		{"kv", args("key", "n"), "7"},
		{"kv", args("key", "up"), "above"},
		{"kv", args("key", "o", "namespace", "other"), "true"},
		{"kv", args("key", "up", "namespace", "other"), "!'up' does not exist in the namespace 'other'"},
		{"kv", args("key", "none"), "!'none' does not exist in the namespace 'a.b'"},
		{"kv", args("key", "none", "errorOnMissing", false), ""},
		{"secret", args("key", "K"), "the secret for a.b"},
		{"secret", args("key", "K", "namespace", "x"), "the secret for x"},
		{"secret", args("key", "JSON", "subkey", "user"), "ada"},
		{"secret", args("key", "JSON", "subkey", "none"), "!has no subkey 'none'"},
		{"secret", args("key", "TEXT", "subkey", "x"), "!is not a JSON object"},
		{"secret", args("key", "NONE"), "!cannot find secret"},
		{"read", args("path", "dir/x.txt"), "of a.b"},
		{"read", args("path", "nsfile:///dir/x.txt"), "of a.b"},
		{"read", args("path", "y.txt", "namespace", "a"), "of a"},
		{"read", args("path", "kestra:///a/b/f/executions/e/tasks/t/r/z.txt"), "of a task"},
		{"read", args("path", "kestra:///a/b/_files/dir/x.txt"), "!not an execution file"},
		{"read", args("path", "file:///etc/passwd"), "!files of the host cannot be read"},
		{"read", args("path", "../../a/_files/y.txt"), "!"},
		{"read", args("path", "none.txt"), "!file 'none.txt' was not found"},
		{"fileSize", args("path", "dir/x.txt"), "6"},
		{"fileExists", args("path", "dir/x.txt"), "true"},
		{"fileExists", args("path", "none.txt"), "false"},
		{"isFileEmpty", args("path", "empty"), "true"},
		{"isFileEmpty", args("path", "dir/x.txt"), "false"},
		{"isFileEmpty", args("path", "none.txt"), "!was not found"},
		{"fileURI", args("path", "/dir/x.txt"), "kestra:///a/b/_files/dir/x.txt"},
		{"fileURI", args("path", "../x"), "!"},
		{"now", nil, "2026-01-02T03:04:05Z"},
		{"randomInt", args("lower", int64(3), "upper", int64(4)), "3"},
		{"nanoId", args("length", int64(5), "alphabet", "é"), "ééééé"},
		{engine.CallStore, args("task", "t", "taskRun", "r", "name", "1.ion", "value", value.MapOf(value.Entry{Key: "o", Value: "x"})), "kestra:///a/b/f/executions/e/tasks/t/r/1.ion"},
		{"read", args("path", "kestra:///a/b/f/executions/e/tasks/t/r/1.ion"), "{o:\"x\"}\n"},
		{"subflow", args("namespace", "a", "id", "f"), "!for the inputs of a flow"},
		{"nothing", nil, "!nothing() is not available here"},
	} {
		v, err := w.Call(t.Context(), caller, c.name, c.args)
		said, fails := strings.CutPrefix(c.want, "!")
		if fails != (err != nil) || fails && !strings.Contains(err.Error(), said) || !fails && value.Print(v) != said {
			t.Errorf("%s(%v) gave %q (%v), expected %q", c.name, c.args, value.Print(v), err, c.want)
		}
	}
}

// TestRevealed tells the caller of secrets, and of the members that were taken from one.
func TestRevealed(t *testing.T) {
	w := newWorld(t)
	var told []string
	c := caller
	c.Secret = func(list ...string) { told = append(told, list...) }
	for _, a := range []expr.Args{args("key", "K"), args("key", "JSON", "subkey", "user"), args("key", "NONE")} {
		_, _ = w.Call(t.Context(), c, "secret", a)
	}
	if diff := cmp.Diff([]string{"the secret for a.b", `{"user":"ada","n":[1]}`, "ada"}, told); diff != "" {
		t.Error(diff)
	}
}

// TestDrawn has what functions draw: its form, and that it differs.
func TestDrawn(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		args expr.Args
		form string
	}{
		"uuid":      {nil, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`},
		"id":        {nil, `^[0-9A-Za-z]{19,23}$`},
		"ksuid":     {nil, `^[0-9A-Za-z]{27}$`},
		"nanoId":    {args("length", int64(21), "alphabet", "abcdefghij"), `^[a-j]{21}$`},
		"randomInt": {args("lower", int64(-1_000_000_000), "upper", int64(1_000_000_000)), `^-?\d+$`},
	} {
		seen := map[string]bool{}
		for range 20 {
			v, err := w.Call(t.Context(), caller, name, c.args)
			text := value.Print(v)
			if err != nil || !regexp.MustCompile(c.form).MatchString(text) {
				t.Errorf("%s() gave %s (%v)", name, text, err)
			}
			seen[text] = true
		}
		if len(seen) < 19 {
			t.Errorf("%s() drew only %d of 20", name, len(seen))
		}
	}
	if v, err := w.Call(t.Context(), caller, "randomPort", nil); err != nil || !regexp.MustCompile(`^\d{4,5}$`).MatchString(value.Print(v)) {
		t.Errorf("a port: %v %v", v, err)
	}
}

// TestHTTP has answers by what they hold, and requests that are not sent.
func TestHTTP(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json":
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(rw, `{"method":%q,"q":%q,"h":%q}`, r.Method, r.URL.RawQuery, r.Header.Get("X-One"))
		case "/told":
			user, password, _ := r.BasicAuth()
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(rw, "%s %s | %s | %s | %s", user, password, r.Header.Get("Accept"), r.Header.Get("Content-Type"), body)
		case "/yaml":
			rw.Header().Set("Content-Type", "application/yaml")
			fmt.Fprint(rw, "a: [1, 2]")
		case "/large":
			_, _ = rw.Write(make([]byte, maxHTTPBody+1))
		case "/bad":
			rw.WriteHeader(http.StatusTeapot)
		default:
			fmt.Fprint(rw, "text")
		}
	}))
	defer s.Close()
	for _, c := range []struct {
		args expr.Args
		want string
	}{
		{args("uri", s.URL), "text"},
		{args("uri", s.URL+"/json?a=1", "method", "PUT", "query", value.MapOf(value.Entry{Key: "b", Value: int32(2)}), "headers", value.MapOf(value.Entry{Key: "X-One", Value: "h"})),
			`{"method":"PUT","q":"a=1&b=2","h":"h"}`},
		{args("uri", s.URL+"/yaml"), `{"a":[1,2]}`},
		{args("uri", s.URL+"/bad"), "!answered with status 418"},
		{args("uri", s.URL+"/bad", "options", object("allowFailed", true)), ""},
		{args("uri", s.URL, "options", object("allowedResponseCodes", []any{int32(201)})), "!answered with status 200"},
		{args("uri", s.URL+"/told"), "  | application/json | application/json | "},
		{args("uri", s.URL+"/told", "method", "POST", "body", object("a", true), "options", object("auth", object("type", "BASIC", "username", "ada", "password", "pw"))),
			`ada pw | application/json | application/json; charset=UTF-8 | {"a":true}`},
		{args("uri", s.URL+"/told", "accept", "text/plain", "contentType", "text/x", "body", "b"), "  | text/plain | text/x; charset=UTF-8 | b"},
		{args("uri", s.URL+"/told", "accept", "text/plain", "headers", object("accept", "text/html")), "  | text/html | application/json | "},
		{args("uri", s.URL, "options", "none"), "!options"},
		{args("uri", s.URL+"/large"), "!has more than"},
		{args("uri", "file:///etc/passwd"), "!is not an http or https address"},
		{args("uri", "http://127.0.0.1:1/"), "!http: "},
	} {
		v, err := w.Call(t.Context(), caller, "http", c.args)
		said, fails := strings.CutPrefix(c.want, "!")
		if fails != (err != nil) || fails && !strings.Contains(err.Error(), said) || !fails && value.Print(v) != said {
			t.Errorf("http(%v) gave %q (%v), expected %q", c.args, value.Print(v), err, c.want)
		}
	}
}

// TestErrorLogs lists the ERROR lines of the caller's execution: all that it has logged, also those that are still being
// written, and those that cannot be yet.
func TestErrorLogs(t *testing.T) {
	w := newWorld(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	line := func(execution, message string, level model.Level, seq int) model.LogEntry {
		return model.LogEntry{Tenant: "main", Namespace: "a.b", FlowID: "f", ExecutionID: execution, TaskID: "t", TaskRunID: "r", Level: level, Message: message, Timestamp: at.Add(time.Duration(seq)), Seq: seq}
	}
	write := func(lines ...model.LogEntry) {
		if err := w.Backend.Logs().Append(context.Background(), lines); err != nil {
			t.Error(err)
		}
	}
	write(line("e", "one", model.LevelError, 0), line("e", "two", model.LevelInfo, 1), line("other", "three", model.LevelError, 2))
	late := &lateLogs{Backend: w.Backend, asked: func(n int) {
		if n == 2 { // when the first search has not found it
			write(line("e", "late", model.LevelError, 3))
		}
	}}
	w.Backend = late
	c := caller
	c.Errors, c.Unwritten = 2, []model.LogEntry{line("e", "unwritten", model.LevelError, 4)}
	v, err := w.Call(t.Context(), c, "errorLogs", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range v.([]any) {
		message, _ := l.(*value.Map).Get("message")
		got = append(got, value.Print(message))
	}
	if diff := cmp.Diff([]string{"one", "late", "unwritten"}, got); diff != "" {
		t.Error(diff)
	}
	c.ExecutionID, c.Errors, c.Unwritten, late.searches = "none", 0, nil, 0
	if v, err := w.Call(t.Context(), c, "errorLogs", nil); err != nil || len(v.([]any)) != 0 || late.searches != 1 {
		t.Errorf("without errors: %v (%v) after %d searches", v, err, late.searches)
	}
}

// lateLogs tells before each search of logs which one it is.
type lateLogs struct {
	backend.Backend
	searches int
	asked    func(n int)
}

func (b *lateLogs) Logs() backend.Logs { return searched{b.Backend.Logs(), b} }

type searched struct {
	backend.Logs
	by *lateLogs
}

func (s searched) Search(ctx context.Context, q backend.Query) (backend.Page[model.LogEntry], error) {
	s.by.searches++
	s.by.asked(s.by.searches)
	return s.Logs.Search(ctx, q)
}
