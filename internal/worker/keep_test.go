package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// TestCache runs a task again only if its properties come to something else, or the time of what it has put out is over.
func TestCache(t *testing.T) {
	r := newRig(t)
	ran := 0
	r.do = func(_ context.Context, run sdk.Run) (any, error) {
		ran++
		text, err := run.Render("{{ inputs.x }}", nil)
		if text == "bad" {
			err = errors.New("bad")
		}
		return map[string]any{"n": ran}, err
	}
	cache := &model.TaskCache{Enabled: true, TTL: time.Hour}
	for i, step := range []struct {
		x     string
		loop  string
		cache *model.TaskCache
		n     string // what is put out: a count of the runs
	}{
		{"a", "", cache, "1"}, {"a", "", cache, "1"}, {"b", "", cache, "2"}, {"a", "", cache, "1"},
		{"a", "v", cache, "3"}, {"a", "v", cache, "3"}, {"a", "w", cache, "4"},
		{"a", "", &model.TaskCache{Enabled: false}, "5"}, {"a", "", nil, "6"},
		{"a", "", &model.TaskCache{Enabled: true, TTL: time.Nanosecond}, "7"}, {"a", "", cache, "7"}, {"a", "", &model.TaskCache{Enabled: true}, "7"},
		{"bad", "", cache, ""}, {"bad", "", cache, ""},
	} {
		job := r.job(&model.Task{ID: "t", Type: "do", Cache: step.cache, Props: value.MapOf(value.Entry{Key: "value", Value: "{{ inputs.x }}"})},
			value.Entry{Key: "inputs", Value: value.MapOf(value.Entry{Key: "x", Value: step.x})})
		if step.loop != "" {
			job.TaskRun.Value = &step.loop
		}
		report := r.execute(t.Context(), job, &finding{})
		if step.n == "" {
			if report.State != model.Failed {
				t.Errorf("step %d: %s", i, report.State)
			}
			continue
		}
		if got := string(report.Outputs); report.State != model.Success || got != fmt.Sprintf(`{"n":%s}`, step.n) {
			t.Errorf("step %d: %s %s, not %s", i, report.State, got, step.n)
		}
	}
	if ran != 9 { // the failing one ran both times
		t.Errorf("it ran %d times", ran)
	}
}

// TestCacheDamaged runs a task whose entry in the cache cannot be read, and one whose storage cannot take any.
func TestCacheDamaged(t *testing.T) {
	r := newRig(t)
	task := &model.Task{ID: "t", Type: "do", Cache: &model.TaskCache{Enabled: true}}
	rc := r.newRun(t.Context(), r.job(task), r.flow, task, r.job(task).TaskRun)
	at, err := rc.cacheFile()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.files.Put(t.Context(), at, strings.NewReader("no archive"), nil); err != nil {
		t.Fatal(err)
	}
	report := r.execute(t.Context(), r.job(task), &finding{})
	if report.State != model.Success || !strings.Contains(strings.Join(messages(r.backend.lines), "\n"), "the cache of the task cannot be read") {
		t.Errorf("%s %q", report.State, messages(r.backend.lines))
	}
}

// TestSweep deletes what is too old in the cache of a task, and nothing else.
func TestSweep(t *testing.T) {
	synctest.Test(t, testSweep) // where time stands still
}

func testSweep(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	task := &model.Task{ID: "t", Type: "do", Cache: &model.TaskCache{Enabled: true, TTL: time.Hour}}
	rc := r.newRun(ctx, r.job(task), r.flow, task, r.job(task).TaskRun)
	flow := storage.Flow{Tenant: "main", Namespace: "ns", ID: "f"}
	var at []storage.URI
	for _, key := range []string{"old", "new"} {
		uri, err := flow.CacheFile("t", key)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.files.Put(ctx, uri, strings.NewReader("x"), nil); err != nil {
			t.Fatal(err)
		}
		at = append(at, uri)
		if key == "old" {
			time.Sleep(time.Hour + 1)
		}
	}
	if err := rc.sweep(ctx, at[1]); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true} {
		if there, err := storage.Exists(ctx, r.files, at[i]); err != nil || there != want {
			t.Errorf("entry %d: there %t (%v)", i, there, err)
		}
	}
}

// TestLogToFile keeps the log of a task as a file, whether it fails or not, and leaves nothing behind.
func TestLogToFile(t *testing.T) {
	r := newRig(t)
	r.do = func(_ context.Context, run sdk.Run) (any, error) {
		secret, _ := run.Render("{{ secret('A') }}", nil)
		run.Log(sdk.LevelInfo, "one")
		run.Log(sdk.LevelWarn, "two\nlines of %s", secret)
		return nil, errors.New("boom")
	}
	job := r.job(&model.Task{ID: "t", Type: "do", LogToFile: true})
	job.Pure = true
	report := r.execute(t.Context(), job, &finding{})
	if len(report.Logs)+len(r.backend.lines) > 0 {
		t.Errorf("lines went elsewhere too: %v %v", report.Logs, r.backend.lines)
	}
	if !regexp.MustCompile(`^kestra:///ns/f/executions/e/tasks/t/run/log-\w+\.txt$`).MatchString(report.LogFile) {
		t.Fatalf("the file is %q", report.LogFile)
	}
	uri, err := storage.Parse("main", report.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := r.files.Get(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(obj)
	if err != nil {
		t.Fatal(err)
	}
	undated := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `).ReplaceAllString(string(content), "")
	want := "INFO  worker flow.main.ns.f.t one\nWARN  worker flow.main.ns.f.t two\nlines of ******\nERROR worker flow.main.ns.f.t boom\n"
	if diff := cmp.Diff(want, undated); diff != "" {
		t.Error(diff)
	}

	r.do = func(context.Context, sdk.Run) (any, error) { return nil, nil }
	if report := r.execute(t.Context(), job, &finding{}); report.LogFile != "" {
		t.Errorf("a task that logs nothing has a file: %s", report.LogFile)
	}
	if left, err := os.ReadDir(r.cfg.TmpDir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
