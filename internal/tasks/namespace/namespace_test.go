package namespace_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/namespace"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

const area = "io.kestra.plugin.core.namespace."

// files reads the output of that name.
func files(t *testing.T, out string) map[string]string {
	t.Helper()
	var got struct{ Files map[string]string }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return got.Files
}

func keys(m map[string]string) string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// exists tells whether company.team has a file.
func exists(t *testing.T, run *sdktest.Run, path string) bool {
	t.Helper()
	uri, err := storage.NamespaceFile("main", "company.team", path, 1)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := storage.Exists(t.Context(), run.Storage(), uri)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestUploadFiles(t *testing.T) {
	for _, c := range []struct{ how, want string }{
		{"filesMap: {scripts/a.py: URI, /b.py: URI}", "/b.py /scripts/a.py"},
		{"filesMap: '{\"a.py\": \"URI\"}'\ndestination: sub", "/sub/a.py"},
		{"files: {x/a.py: URI}\ndestination: /sub/", "/sub/x/a.py"},
		{"files: {a.py: URI}", "/a.py"},
		{"files: [URI]\ndestination: sub/dir", "/sub/dir/in.py"},
		{"files: ['*.sql', 'deep/**']", "/deep/c.txt /deep/d.sql /q.sql"},
		{"files: ['glob:**.sql', URI]\ndestination: /x/", "/x/deep/d.sql /x/in.py /x/q.sql"},
		{"files: ['*.none']", ""},
	} {
		run := sdktest.New(t)
		uri := run.File("in.py", "print()")
		dir, err := run.WorkDir()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"q.sql", "deep/c.txt", "deep/d.sql"} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out := taskstest.Must(t, run, namespace.Types(run.Storage()), "type: %sUploadFiles\nnamespace: other.place\n%s", area, strings.ReplaceAll(c.how, "URI", uri))
		got := files(t, out)
		if keys(got) != c.want {
			t.Errorf("%s: %s, want %s", c.how, keys(got), c.want)
		}
		for path, at := range got {
			if !strings.HasPrefix(at, "kestra:///other/place/_files/") || !strings.HasSuffix(at, path) || run.Content(at) == "" {
				t.Errorf("%s: %s is at %s", c.how, path, at)
			}
		}
	}
}

func TestUploadConflicts(t *testing.T) {
	run := sdktest.New(t)
	there, given := run.NamespaceFile("a.txt", "old"), run.File("a.txt", "new")
	types := namespace.Types(run.Storage())
	const yaml = "type: %sUploadFiles\nnamespace: '{{ flow.namespace }}'\nfilesMap: {a.txt: '%s'}\nconflict: %s"
	if err := taskstest.Fails(t, run, types, yaml, area, given, "ERROR"); !strings.Contains(err, "already exists") {
		t.Error(err)
	}
	if out := taskstest.Must(t, run, types, yaml, area, given, "SKIP"); out != `{"files":{}}` || run.Content(there) != "old" {
		t.Errorf("%s, %s", out, run.Content(there))
	}
	taskstest.Must(t, run, types, yaml, area, given, "OVERWRITE")
	if run.Content(there) != "new" {
		t.Error("it was not overwritten")
	}
	if err := taskstest.Fails(t, run, types, "type: %sUploadFiles\nnamespace: a\nfilesMap: {../../b: '%s'}", area, given); !strings.Contains(err, "..") {
		t.Error(err)
	}
	if err := taskstest.Fails(t, run, types, "type: %sUploadFiles\nnamespace: a", area); !strings.Contains(err, "files or filesMap is required") {
		t.Error(err)
	}
}

func TestDownloadFiles(t *testing.T) {
	run := sdktest.New(t)
	for _, name := range []string{"a.sql", "sub/b.sql", "c.txt"} {
		run.NamespaceFile(name, name)
	}
	for _, c := range []struct{ how, want string }{
		{"files: '**.sql'", "/a.sql /sub/b.sql"},
		{"files: [a.sql, 'regex:.*txt']", "/a.sql /c.txt"},
		{"files: '[\"c.txt\"]'", "/c.txt"},
		{"files: none", ""},
	} {
		out := taskstest.Must(t, run, namespace.Types(run.Storage()), "type: %sDownloadFiles\nnamespace: company.team\ndestination: copies\n%s", area, c.how)
		got := files(t, out)
		if keys(got) != c.want {
			t.Errorf("%s: %s, want %s", c.how, keys(got), c.want)
		}
		for path, uri := range got {
			if run.Content(uri) != path[1:] || !strings.HasSuffix(uri, "/tasks/task/taskrun/copies"+path) {
				t.Errorf("%s: %s", path, uri)
			}
		}
	}
}

func TestDeleteFiles(t *testing.T) {
	run := sdktest.New(t)
	for _, name := range []string{"a.tmp", "sub/deep/b.tmp", "sub/c.txt", "empty/d.tmp"} {
		run.NamespaceFile(name, name)
	}
	out := taskstest.Must(t, run, namespace.Types(run.Storage()), "type: %sDeleteFiles\nnamespace: company.team\nfiles: ['**.tmp']\ndeleteParentFolder: true", area)
	if got := keys(files(t, out)); got != "/a.tmp /empty/d.tmp /sub/deep/b.tmp" {
		t.Error(got)
	}
	for path, want := range map[string]bool{"a.tmp": false, "sub/c.txt": true, "sub/deep": false, "empty": false} {
		if exists(t, run, path) != want {
			t.Errorf("%s is there: %v", path, !want)
		}
	}
}

func TestPurgeFiles(t *testing.T) {
	run := sdktest.New(t)
	at := func(path string) storage.URI {
		uri, err := storage.NamespaceFile(run.Info().Tenant, run.Info().Namespace, path, 1)
		if err != nil {
			t.Fatal(err)
		}
		return uri
	}
	for _, path := range []string{"s/a.txt", "s/a.txt", "s/a.txt", "s/a.txt", "b.sql", "b.sql", "b.sql"} {
		if err := storage.PutRevision(t.Context(), run.Storage(), at(path), strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	purge := func(properties, want string) {
		t.Helper()
		if out := taskstest.Must(t, run, namespace.Types(run.Storage()), "type: %sPurgeFiles\n"+properties, area); out != want {
			t.Errorf("%s: %s, want %s", properties, out, want)
		}
	}
	purge("namespaces: [elsewhere]", `{"size":0}`)
	purge("filePattern: '*.txt'\nbehavior: {type: version, keepAmount: 3}", `{"size":1}`)
	purge("behavior: {type: version, before: '2020-01-01T00:00:00Z'}", `{"size":0}`)
	purge("namespacePattern: '*'", `{"size":4}`)
	if got, err := storage.Revisions(t.Context(), run.Storage(), at("s/a.txt")); err != nil || len(got) != 1 {
		t.Errorf("the newest is to stay: %v %v", got, err)
	}
}
