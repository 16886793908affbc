package conformance

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// recorded is one recorded outcome.
type recorded struct {
	Flow      string         `json:"flow"`
	Namespace string         `json:"namespace"`
	ID        string         `json:"id"`
	Inputs    map[string]any `json:"inputs"`
	Outcome
}

// sharedDir finds the recordings; tests that need them skip loudly where they are absent.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("WINDHOVER_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "conformance")); err != nil {
		t.Skip("SKIPPED: no recordings of the reference: set WINDHOVER_SHARED to the folder that has conformance/")
	}
	return dir
}

func TestFlows(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "conformance")
	setEnv(t)
	a := start(t)
	createFlows(t, a, filepath.Join(dir, "flows"))
	files, err := filepath.Glob(filepath.Join(dir, "outcomes", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no outcomes", err)
	}
	exceptions := readExceptions(t)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var want recorded
		if err := json.Unmarshal(src, &want); err != nil {
			t.Fatal(err)
		}
		want.Namespace, want.ID = strings.Trim(want.Namespace, `"`), strings.Trim(want.ID, `"`) // recorded as written
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		t.Run(name, func(t *testing.T) {
			got := run(t, a, want)
			differences := Differences(want.Outcome, got)
			if reason, ok := exceptions[name]; ok {
				if len(differences) == 0 {
					t.Errorf("it ends as recorded, the exception is not needed: %s", reason)
				}
				return
			}
			for _, d := range differences {
				t.Error(d)
			}
		})
	}
}

// readExceptions reads where ours differs on purpose, with the reasons.
func readExceptions(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile("exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal(src, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// setEnv sets what was set when the outcomes were recorded.
func setEnv(t *testing.T) {
	for k, v := range map[string]string{
		"SECRET_PASSWORD": "cGFzc3dk", "SECRET_MY_SECRET": "c2VjcmV0VmFsdWU=", "SECRET_WEBHOOK_KEY": "c2VjcmV0S2V5",
		"ENV_TEST1": "true", "ENV_TEST2": "Pass by env",
	} {
		t.Setenv(k, v)
	}
}

// start starts everything in this process.
func start(t *testing.T) *app.App {
	t.Helper()
	cfg := config.Default()
	cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
	cfg.Encryption.SecretKey = "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK"
	cfg.Server.Grace = time.Second
	cfg.Variables.Globals = value.MapOf(value.Entry{Key: "string", Value: "string"}, value.Entry{Key: "int", Value: int32(1)},
		value.Entry{Key: "bool", Value: true}, value.Entry{Key: "nested", Value: value.MapOf(value.Entry{Key: "int", Value: int32(2)})})
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	a, err := app.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, component := range []func(context.Context) error{a.Executor, a.Worker} {
		if err := component(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := a.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}

func createFlows(t *testing.T, a *app.App, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.y*ml"))
	sort.Strings(files)
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		saved, problems, err := a.SaveFlow(context.Background(), "main", src)
		if err != nil {
			t.Fatal(f, err)
		}
		if saved == nil {
			t.Logf("%s is not valid here: %v", filepath.Base(f), problems)
		}
	}
}

// run runs a recorded flow with its inputs and returns how it ended.
func run(t *testing.T, a *app.App, r recorded) Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	id := model.NewID()
	given := value.NewMap(len(r.Inputs))
	for k, v := range r.Inputs {
		if f, ok := v.(map[string]any); ok && f["file"] != nil {
			e := storage.Execution{Flow: storage.Flow{Tenant: "main", Namespace: r.Namespace, ID: r.ID}, ID: id}
			dir, err := e.InputDir(k)
			if err != nil {
				t.Fatal(err)
			}
			uri, err := dir.Join("file.txt")
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Storage.Put(ctx, uri, strings.NewReader(f["file"].(string)), nil); err != nil {
				t.Fatal(err)
			}
			v = uri.String()
		}
		if m, ok := v.(map[string]any); ok {
			b, _ := json.Marshal(m)
			v = string(b)
		}
		given.Set(k, value.Normalize(v))
	}
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	_, err := a.Launcher.Create(ctx, launch.Request{Flow: model.FlowKey{Tenant: "main", Namespace: r.Namespace, ID: r.ID}, ID: id, Inputs: given})
	if err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.Engine.Finished || c.Execution != nil && c.Execution.State.Current() == model.Retried {
				return outcome(t, a, c.Execution)
			}
		case <-ctx.Done():
			e, _ := a.Backend.Executions().Get(context.Background(), "main", id)
			t.Fatalf("the execution did not finish: %+v", e)
		}
	}
}

func outcome(t *testing.T, a *app.App, e *model.Execution) Outcome {
	t.Helper()
	runs, err := a.Backend.Executions().TaskRuns(context.Background(), "main", e.ID)
	if err != nil {
		t.Fatal(err)
	}
	doc := map[string]any{"state": map[string]any{"current": e.State.Current().String()}}
	var list []any
	for _, r := range runs {
		m := map[string]any{"id": r.ID, "taskId": r.TaskID, "state": map[string]any{"current": r.State.Current().String()}, "outputs": decode(t, r.Outputs)}
		if r.ParentID != "" {
			m["parentTaskRunId"] = r.ParentID
		}
		if r.Value != nil {
			m["value"] = *r.Value
		}
		var attempts []any
		for _, at := range r.Attempts {
			attempts = append(attempts, map[string]any{"state": map[string]any{"current": at.State.Current().String()}})
		}
		m["attempts"] = attempts
		list = append(list, m)
	}
	doc["taskRunList"], doc["outputs"] = list, decode(t, e.Outputs)
	var labels []any
	for _, l := range e.Labels {
		labels = append(labels, map[string]any{"key": l.Key, "value": l.Value})
	}
	doc["labels"] = labels
	return Normal(doc)
}

func decode(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
