package fs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	tasks "github.com/windhover-io/windhover/internal/tasks/fs"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// types allows the directories.
func types(t *testing.T, allowed ...any) []plugin.Type {
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	return tasks.Types(kv.New(b.Documents()), []any{
		map[string]any{"type": "io.kestra.plugin.fs.local", "values": map[string]any{"allowed-paths": allowed}},
		map[string]any{"type": "io.kestra.plugin.fs.sftp", "values": map[string]any{"allowed-paths": []any{"/"}}}, // not of this type
	})
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list are the files below a directory.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func poll(t *testing.T, run *sdktest.Run, types []plugin.Type, format string, args ...any) ([]map[string]any, func(bool) error) {
	t.Helper()
	out, settle, err := taskstest.Poll(t, run, types, "type: io.kestra.plugin.fs.local.Trigger\n"+fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	var found struct{ Files []map[string]any }
	if out != "" {
		if err := json.Unmarshal([]byte(out), &found); err != nil {
			t.Fatal(err)
		}
	}
	return found.Files, settle
}

func TestLocalMove(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	write(t, filepath.Join(in, "a.csv"), "a,b\n")
	write(t, filepath.Join(in, "a.txt"), "no")
	write(t, filepath.Join(in, "deep", "b.csv"), "c,d\n")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(in, "a.csv"), at, at); err != nil {
		t.Fatal(err)
	}
	run, types := sdktest.New(t), types(t, dir)
	props := fmt.Sprintf("from: %s\nregExp: .*\\.csv\naction: MOVE\nmoveDirectory: %s/archive/new", in, dir)
	files, settle := poll(t, run, types, "%s", props)
	if len(files) != 1 {
		t.Fatalf("found %v", files)
	}
	if got := run.Content(files[0]["uri"].(string)); got != "a,b\n" {
		t.Errorf("brought %q", got)
	}
	delete(files[0], "uri")
	const date = "2026-01-02T03:04:05Z"
	want := map[string]any{"localPath": filepath.Join(in, "a.csv"), "name": "a.csv", "parent": in, "size": 4.0, "createdDate": date, "modifiedDate": date,
		"accessedDate": date, "directory": false, "changeType": "CREATE"}
	if d := cmp.Diff(want, files[0]); d != "" {
		t.Error(d)
	}
	if err := settle(true); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"archive/new/a.csv", "in/a.txt", "in/deep/b.csv"}, list(t, dir)); d != "" {
		t.Error(d)
	}
	files, settle = poll(t, run, types, "%s\nrecursive: true", props)
	if len(files) != 1 || files[0]["name"] != "b.csv" {
		t.Fatalf("found %v", files)
	}
	if err := settle(true); err != nil {
		t.Error(err)
	}
}

// Between two allowed directories a file is copied, and replaces one of its name.
func TestLocalMoveElsewhere(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, "a"), "new")
	write(t, filepath.Join(to, "a"), "old")
	_, settle := poll(t, sdktest.New(t), types(t, from, to), "from: %s\naction: MOVE\nmoveDirectory: %s", from, to)
	if err := settle(true); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(to, "a")); string(b) != "new" || err != nil || len(list(t, from)) != 0 || len(list(t, to)) != 1 {
		t.Errorf("%s %v", b, err)
	}
}

func TestLocalLeftInPlace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "1")
	run, types := sdktest.New(t), types(t, dir)
	for i, want := range []string{"CREATE", "", "UPDATE", ""} {
		if i == 2 {
			write(t, filepath.Join(dir, "a"), "another")
		}
		files, settle := poll(t, run, types, "from: %s", dir)
		got := ""
		if len(files) > 0 {
			got = files[0]["changeType"].(string)
		}
		if got != want {
			t.Errorf("look %d: %q", i, got)
		}
		if err := settle(true); err != nil {
			t.Error(err)
		}
	}
}

// No path, no link and no ".." leads out of what is allowed.
func TestLocalAllowed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, filepath.Join(other, "secret"), "x")
	write(t, filepath.Join(dir, "in", "file"), "x")
	for link, target := range map[string]string{"out": other, "in/secret": filepath.Join(other, "secret")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		allowed []any
		props   string
		want    string
	}{
		"nothing is allowed":    {nil, "from: " + dir, "no directory is allowed"},
		"another directory":     {[]any{dir}, "from: " + other, "not within the allowed"},
		"dots":                  {[]any{dir}, "from: " + dir + "/../" + filepath.Base(other), "not within the allowed"},
		"a link":                {[]any{dir}, "from: " + dir + "/out", "not within the allowed"},
		"a name that begins so": {[]any{dir}, "from: " + dir + "x", "not within the allowed"},
		"moving out":            {[]any{dir}, "from: " + dir + "/in\naction: MOVE\nmoveDirectory: " + other, "not within the allowed"},
		"moving nowhere":        {[]any{dir}, "from: " + dir + "/in\naction: MOVE", "moveDirectory is required"},
		"no directory":          {[]any{dir}, "from: " + dir + "/in/file", "not a directory"},
		"a wrong expression":    {[]any{dir}, "from: " + dir + "\nregExp: '('", "regExp"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := taskstest.Poll(t, sdktest.New(t), types(t, tc.allowed...), "type: io.kestra.plugin.fs.local.Trigger\n"+tc.props)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	files, _ := poll(t, sdktest.New(t), types(t, dir), "from: %s/in\nrecursive: true", dir)
	if len(files) != 1 || files[0]["name"] != "file" {
		t.Errorf("links are followed: %v", files)
	}
}
