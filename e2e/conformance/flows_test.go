package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/e2e/installation"
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

// TestFlows runs every recorded flow through the real server on each backend and holds how it ends against the record.
func TestFlows(t *testing.T) {
	dir := filepath.Join(sharedDir(t), "conformance")
	setEnv(t)
	for _, backend := range []string{"memory", "sqlite"} {
		t.Run(backend, func(t *testing.T) { runAll(t, dir, backend) })
	}
}

func runAll(t *testing.T, dir, backend string) {
	url := start(t, backend)
	createFlows(t, url, filepath.Join(dir, "flows"))
	files, err := filepath.Glob(filepath.Join(dir, "outcomes", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no outcomes", err)
	}
	exceptions := readExceptions(t)
	for _, f := range files {
		want := readOutcome(t, f)
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			differences := Differences(want.Outcome, run(t, url, want))
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

func readOutcome(t *testing.T, path string) recorded {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want recorded
	if err := json.Unmarshal(src, &want); err != nil {
		t.Fatal(err)
	}
	want.Namespace, want.ID = strings.Trim(want.Namespace, `"`), strings.Trim(want.ID, `"`) // recorded as written
	return want
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

// start starts everything in this process, the web server on a free port, and returns its address.
func start(t *testing.T, backend string) string {
	t.Helper()
	cfg := installation.Config()
	cfg.Backend.Type, cfg.Backend.Path, cfg.Storage.Type = backend, t.TempDir(), "local"
	cfg.Encryption.SecretKey = "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK"
	cfg.Variables.Globals = value.MapOf(value.Entry{Key: "string", Value: "string"}, value.Entry{Key: "int", Value: int32(1)},
		value.Entry{Key: "bool", Value: true}, value.Entry{Key: "nested", Value: value.MapOf(value.Entry{Key: "int", Value: int32(2)})})
	a := installation.Start(t, cfg, nil, installation.All...)
	return "http://" + a.Addr() + "/api/v1/main"
}

func createFlows(t *testing.T, url, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.y*ml"))
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(url+"/flows", "application/x-yaml", bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Logf("%s is refused: %s", filepath.Base(f), b)
		}
	}
}

// run runs a recorded flow with its inputs and returns how it ended.
func run(t *testing.T, url string, r recorded) Outcome {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for k, v := range r.Inputs {
		if err := writeInput(w, k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/executions/"+r.Namespace+"/"+r.ID+"?wait=true", &form)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s %v", resp.StatusCode, b, err)
	}
	var execution map[string]any
	if err := json.Unmarshal(b, &execution); err != nil {
		t.Fatal(err)
	}
	return Normal(execution)
}

// writeInput writes an input as clients do: files as files, everything else as text.
func writeInput(w *multipart.Writer, name string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		if content, ok := v["file"].(string); ok {
			part, err := w.CreateFormFile(name, name)
			if err == nil {
				_, err = io.WriteString(part, content)
			}
			return err
		}
	case string:
		return w.WriteField(name, v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.WriteField(name, string(b))
}
