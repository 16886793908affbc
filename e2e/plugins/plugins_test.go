// Package plugins runs flows with tasks of the reference's plugins through a real installation, against the real servers that
// scripts/services starts. What does not run is skipped, and says so.
package plugins

import (
	"bytes"
	"embed"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windhover-io/windhover/e2e/installation"
	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

//go:embed flows/*.yaml
var flows embed.FS

// written is what the installation logs, from several goroutines.
type written struct {
	mu sync.Mutex
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Buffer.Write(p)
}

func TestFlows(t *testing.T) {
	name := "t-" + strings.ToLower(model.NewID())
	for flow, c := range map[string]struct {
		server string
		inputs func(address string) map[string]string
		told   string
	}{
		"kafka": {"kafka", func(at string) map[string]string { return map[string]string{"servers": at, "topic": name} }, "2 written, 2 read"},
		"redis": {"redis", func(at string) map[string]string { return map[string]string{"url": at, "key": name} }, `3: "lamps" "tables" "chairs"`},
		"s3": {"s3", func(at string) map[string]string {
			return map[string]string{"endpoint": at, "secret": "windhover-secret", "dir": name}
		}, "22 bytes, 1 archived"},
		"sftp": {"sshd", func(at string) map[string]string {
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			host, port, _ := net.SplitHostPort(u.Host)
			return map[string]string{"host": host, "port": port, "user": u.User.Username(), "password": "windhover", "dir": name}
		}, "2 lines, report.csv of 22 bytes"},
	} {
		t.Run(flow, func(t *testing.T) {
			inputs := value.NewMap(0)
			for k, v := range c.inputs(servers.Address(t, c.server)) {
				inputs.Set(k, v)
			}
			log := &written{}
			a := installation.Start(t, installation.Config(), slog.New(slog.NewTextHandler(log, nil)), (*app.App).Executor, (*app.App).Worker)
			if got := told(t, a, flow, inputs); got != c.told {
				t.Errorf("it tells %q", got)
			}
			log.mu.Lock()
			defer log.mu.Unlock()
			if strings.Contains(log.String(), "windhover-secret") {
				t.Error("the secret is logged")
			}
		})
	}
}

// told runs a flow and returns what its last task puts out.
func told(t *testing.T, a *app.App, name string, inputs *value.Map) string {
	t.Helper()
	src, err := flows.ReadFile("flows/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, problems, err := a.SaveFlow(t.Context(), "main", src)
	if err != nil || f == nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	id := model.NewID()
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	if _, err := a.Launcher.Create(t.Context(), launch.Request{Flow: f.Key(), ID: id, Inputs: inputs}); err != nil {
		t.Fatal(err)
	}
	var end *model.Execution
	for limit := time.After(time.Minute); end == nil; {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.Engine.Finished {
				end = c.Execution
			}
		case <-limit:
			t.Fatal("it does not end")
		}
	}
	runs, err := a.Backend.Executions().TaskRuns(t.Context(), "main", id)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if end.State.Current() != model.Success {
			t.Errorf("%s: %s %s", r.TaskID, r.State.Current(), r.Outputs)
		}
		if r.TaskID != "told" {
			continue
		}
		out, err := value.ParseJSON(r.Outputs)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := value.AsMap(out)
		text, _ := m.Get("value")
		return value.Print(text)
	}
	return ""
}
