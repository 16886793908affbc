package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// settings are a configuration for tests: in memory, on any port.
func settings(t *testing.T) *config.Config {
	t.Helper()
	c := config.Default()
	c.Backend.Type, c.Storage.Type, c.Tutorial, c.Server.Port, c.Server.Grace = "memory", "memory", false, 0, 5*time.Second
	c.Tasks.TmpDir = t.TempDir()
	return c
}

func open(t *testing.T, c *config.Config) *app.App {
	t.Helper()
	a, err := app.New(c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func stop(t *testing.T, a *app.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func start(t *testing.T, a *app.App, components ...func(context.Context) error) {
	t.Helper()
	for _, c := range components {
		if err := c(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// get asks the web server and returns the status and the body.
func get(t *testing.T, a *app.App, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const flow = "id: hello\nnamespace: company.team\ntasks:\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: x}\n"

// save stores a flow.
func save(t *testing.T, a *app.App, src string) *model.Flow {
	t.Helper()
	f, problems, err := a.SaveFlow(t.Context(), "main", []byte(src))
	if err != nil || f == nil {
		t.Fatal(err, problems)
	}
	return f
}

// run runs a flow until it is in a state.
func run(t *testing.T, a *app.App, f *model.Flow, until model.State) *model.Execution {
	t.Helper()
	id := model.NewID()
	changes, unfollow := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer unfollow()
	if _, err := a.Launcher.Create(t.Context(), launch.Request{Flow: f.Key(), ID: id}); err != nil {
		t.Fatal(err)
	}
	limit := time.After(20 * time.Second)
	for {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.State.Current() == until {
				return c.Execution
			}
		case <-limit:
			t.Fatalf("the execution was never %s", until)
		}
	}
}

func TestComponentsComeAndGo(t *testing.T) {
	a := open(t, settings(t))
	if a.Addr() != "" || a.URL() != "" {
		t.Errorf("nobody listens yet, at %q", a.URL())
	}
	start(t, a, a.Executor, a.Worker, a.Webserver)
	if s, body := get(t, a, "/health"); s != 200 || !strings.Contains(body, "UP") {
		t.Errorf("health: %d %s", s, body)
	}
	if s, body := get(t, a, "/health/readiness"); s != 200 || !strings.Contains(body, "UP") {
		t.Errorf("readiness: %d %s", s, body)
	}
	if s, body := get(t, a, "/ping"); s != 200 || body != "pong" {
		t.Errorf("ping: %d %s", s, body)
	}
	if e := run(t, a, save(t, a, flow), model.Success); e.FlowID != "hello" {
		t.Errorf("%+v", e)
	}
	members, err := a.Backend.List(t.Context())
	if err != nil || len(members) != 3 {
		t.Errorf("%v %v", members, err)
	}
	addr := a.Addr()
	stop(t, a)
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("the web server listens after its stop")
	}
	if err := a.Backend.Ping(t.Context()); !errors.Is(err, backend.ErrClosed) {
		t.Errorf("the backend is open after the stop: %v", err)
	}
}

// Each component can run without the others; what it needs comes later, or from another process.
func TestComponentsAlone(t *testing.T) {
	for name, component := range map[string]func(*app.App) func(context.Context) error{
		"executor":  func(a *app.App) func(context.Context) error { return a.Executor },
		"worker":    func(a *app.App) func(context.Context) error { return a.Worker },
		"webserver": func(a *app.App) func(context.Context) error { return a.Webserver },
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, settings(t))
			start(t, a, component(a))
			stop(t, a)
		})
	}
	stop(t, open(t, settings(t))) // and without any
}

func TestReadinessAsksTheBackend(t *testing.T) {
	a := open(t, settings(t))
	start(t, a, a.Webserver)
	if err := a.Backend.Close(); err != nil {
		t.Fatal(err)
	}
	if s, body := get(t, a, "/health/readiness"); s != 503 || !strings.Contains(body, "DOWN") {
		t.Errorf("readiness without a backend: %d %s", s, body)
	}
	if s, _ := get(t, a, "/health/liveness"); s != 200 {
		t.Errorf("the process lives all the same: %d", s)
	}
	_ = a.Stop(context.Background())
}

// A stop waits for tasks that run, and what they did is kept.
func TestStopDrains(t *testing.T) {
	c := settings(t)
	c.Backend.Type, c.Backend.Path, c.Storage.Type, c.Storage.Path = "sqlite", filepath.Join(t.TempDir(), "data"), "local", ""
	a := open(t, c)
	start(t, a, a.Executor, a.Worker)
	f := save(t, a, "id: slow\nnamespace: company.team\ntasks:\n  - {id: sleep, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.2S}\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: x}\n")
	e := run(t, a, f, model.Running)
	stop(t, a)

	again := open(t, c)
	defer stop(t, again)
	stored, err := again.Backend.Executions().Get(t.Context(), "main", e.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Engine.Finished {
		return // it was done before the stop
	}
	changes, unfollow := again.Backend.Follow(backend.FeedFilter{ExecutionID: e.ID})
	defer unfollow()
	start(t, again, again.Executor, again.Worker)
	limit := time.After(20 * time.Second)
	for {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.Engine.Finished {
				if s := c.Execution.State.Current(); s != model.Success {
					t.Errorf("after a stop and a start it ends in %s", s)
				}
				return
			}
		case <-limit:
			t.Fatal("what was begun before the stop does not go on")
		}
	}
}

func TestWhatCannotStart(t *testing.T) {
	for want, change := range map[string]func(*config.Config){
		`there is no backend "paper"`: func(c *config.Config) { c.Backend.Type = "paper" },
		"encryption.secret-key":       func(c *config.Config) { c.Encryption.SecretKey = "short" },
		"plugins.defaults":            func(c *config.Config) { c.Plugins.Defaults = []any{"nonsense"} },
		"plugins.configurations":      func(c *config.Config) { c.Plugins.Configurations = []any{"nonsense"} },
	} {
		c := settings(t)
		change(c)
		if _, err := app.New(c, slog.New(slog.NewTextHandler(io.Discard, nil))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := settings(t)
	c.Server.Port = l.Addr().(*net.TCPAddr).Port
	a := open(t, c)
	defer stop(t, a)
	if err := a.Webserver(t.Context()); err == nil {
		t.Error("the port was taken twice")
	}
}

// One process at a time has a SQLite directory, and what a dead one left in the working directories is gone.
func TestOneProcessADirectory(t *testing.T) {
	c := settings(t)
	c.Backend.Type, c.Backend.Path, c.Tasks.TmpDir = "sqlite", filepath.Join(t.TempDir(), "data"), ""
	a := open(t, c)
	if _, err := app.New(c, a.Log); err == nil {
		t.Error("two processes have one directory")
	}
	left := filepath.Join(c.Backend.Path, "tmp", "task-1", "x")
	if err := errors.Join(os.MkdirAll(left, 0o755)); err != nil {
		t.Fatal(err)
	}
	start(t, a, a.Worker)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("a dead process's working directory is left: %v", err)
	}
	stop(t, a)
}

func TestTutorial(t *testing.T) {
	c := settings(t)
	c.Tutorial = true
	a := open(t, c)
	defer stop(t, a)
	start(t, a, a.Webserver)
	_, body := get(t, a, "/api/v1/flows/search?size=100")
	var found struct{ Total int }
	if err := json.Unmarshal([]byte(body), &found); err != nil || found.Total < 3 {
		t.Errorf("%v: %s", err, body)
	}
	if err := a.Tutorial(t.Context()); err != nil { // not a second time
		t.Error(err)
	}
	if p, err := a.Backend.Flows().Search(t.Context(), backend.Query{Tenant: "main"}); err != nil || p.Total != found.Total {
		t.Errorf("%d flows after another start, %d before: %v", p.Total, found.Total, err)
	}
}

// Both keys of plugin defaults count, the older first; of settings of types those that are properties do, after them.
func TestPluginDefaults(t *testing.T) {
	const typ = "io.kestra.plugin.core.debug.Return"
	values := func(typ string, entries ...value.Entry) any {
		return value.MapOf(value.Entry{Key: "type", Value: typ}, value.Entry{Key: "values", Value: value.MapOf(entries...)})
	}
	c := settings(t)
	c.Tasks.Defaults = []any{values(typ, value.Entry{Key: "format", Value: "from tasks"})}
	c.Plugins.Defaults = []any{values(typ, value.Entry{Key: "format", Value: "from plugins"}, value.Entry{Key: "description", Value: "also this"})}
	c.Plugins.Configurations = []any{values("io.kestra.plugin.core.log.Log",
		value.Entry{Key: "message", Value: "from settings"}, value.Entry{Key: "unheardOf", Value: true})}
	a := open(t, c)
	defer stop(t, a)
	f := save(t, a, "id: d\nnamespace: n\ntasks:\n- {id: r, type: "+typ+"}\n- {id: l, type: io.kestra.plugin.core.log.Log}\n")
	if got, _ := f.ByID["r"].Props.Get("format"); got != "from tasks" || f.ByID["r"].Description != "also this" {
		t.Errorf("the defaults give %v, %q", got, f.ByID["r"].Description)
	}
	if got, _ := f.ByID["l"].Props.Get("message"); got != "from settings" {
		t.Errorf("the settings give %v", got)
	}
}

func TestVariables(t *testing.T) {
	t.Setenv("ENV_TEAM", "a")
	c := settings(t)
	c.URL, c.Environment.Name = "https://flows.example.org", "test"
	a := open(t, c)
	defer stop(t, a)
	start(t, a, a.Executor, a.Worker)
	f := save(t, a, "id: vars\nnamespace: company.team\ntasks:\n  - {id: give, type: io.kestra.plugin.core.debug.Return, format: \"{{ envs.team }} {{ kestra.environment }} {{ kestra.url }}\"}\n"+
		"outputs:\n  - {id: all, type: STRING, value: \"{{ outputs.give.value }}\"}\n")
	if e := run(t, a, f, model.Success); !strings.Contains(string(e.Outputs), "a test https://flows.example.org") {
		t.Errorf("outputs: %s", e.Outputs)
	}
}
