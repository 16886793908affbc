package directory_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/directory"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// decode makes a WorkingDirectory of its properties.
func decode(t *testing.T, run *sdktest.Run, yaml string) *directory.WorkingDirectory {
	t.Helper()
	parsed, err := yamltext.Read(yaml)
	if err != nil {
		t.Fatal(err)
	}
	props, _ := value.AsMap(parsed)
	reg := plugin.NewRegistry()
	reg.Add(directory.Types(run.Storage())...)
	typ, _ := reg.Lookup("io.kestra.core.tasks.flows.Worker")
	v, err := typ.Decode(props, func(text string, _ bool) (any, error) { return run.Render(text, nil) })
	if err != nil {
		t.Fatal(err)
	}
	return v.(*directory.WorkingDirectory)
}

// contents reads all files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		got[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func workDir(t *testing.T, run *sdktest.Run) string {
	t.Helper()
	dir, err := run.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBefore(t *testing.T) {
	for _, c := range []struct {
		yaml string
		want map[string]string
	}{
		{"inputFiles: {a.txt: 'in {{ flow.id }}', sub/b.txt: URI, c.txt: nsfile:///code/main.py}",
			map[string]string{"a.txt": "in flow", "sub/b.txt": "stored", "c.txt": "main"}},
		{"inputFiles: '{\"a.txt\": \"x\"}'", map[string]string{"a.txt": "x"}},
		{"inputFiles: {../../out.txt: x}", map[string]string{"out.txt": "x"}},
		{"namespaceFiles: {enabled: true}", map[string]string{"code/main.py": "main", "code/test.py": "test", "readme.md": "readme"}},
		{"namespaceFiles: {include: ['code/*'], exclude: ['**/test.py']}", map[string]string{"code/main.py": "main"}},
		{"namespaceFiles: {include: [readme.md], folderPerNamespace: true}", map[string]string{"company.team/readme.md": "readme"}},
		{"namespaceFiles: {enabled: false}", map[string]string{}},
		{"namespaceFiles: {include: [readme.md]}\ninputFiles: {readme.md: mine}", map[string]string{"readme.md": "mine"}},
	} {
		run := sdktest.New(t)
		uri := run.File("in.txt", "stored")
		run.NamespaceFile("code/main.py", "main")
		run.NamespaceFile("code/test.py", "test")
		run.NamespaceFile("readme.md", "readme")
		if err := decode(t, run, "tasks: []\n"+strings.ReplaceAll(c.yaml, "URI", uri)).Before(t.Context(), run); err != nil {
			t.Errorf("%s: %v", c.yaml, err)
			continue
		}
		if got := contents(t, workDir(t, run)); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.yaml, got, c.want)
		}
	}
}

func TestAfter(t *testing.T) {
	run := sdktest.New(t)
	wd := decode(t, run, "inputFiles: {a.txt: one, sub/b.txt: two, c.csv: three}\noutputFiles: ['**/*.txt', none.txt]")
	if err := wd.Before(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	out, err := wd.After(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	files := out.(directory.Output).OutputFiles
	if got := files.Keys(); !slices.Equal(got, []string{"a.txt", "sub/b.txt"}) {
		t.Fatal(got)
	}
	for name, want := range map[string]string{"a.txt": "one", "sub/b.txt": "two"} {
		uri, _ := files.Get(name)
		if got := run.Content(uri.(string)); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestCache keeps files from one run to the next, for each value of a loop its own.
func TestCache(t *testing.T) {
	first := sdktest.New(t)
	wd := decode(t, first, "inputFiles: {deps/a.lib: lib, other.txt: x}\ncache: {patterns: ['deps/**'], ttl: PT1H}")
	if err := wd.Before(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := wd.After(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	another := "another"
	for _, c := range []struct {
		yaml  string
		value *string
		want  map[string]string
	}{
		{"cache: {patterns: ['deps/**'], ttl: PT1H}", nil, map[string]string{"deps/a.lib": "lib"}},
		{"cache: {patterns: ['deps/**'], ttl: PT0S}", nil, map[string]string{}},
		{"cache: {patterns: ['deps/**']}", &another, map[string]string{}},
	} {
		next := sdktest.New(t)
		next.Is.Value = c.value
		wd := decode(t, first, c.yaml) // with the storage of the first
		if err := wd.Before(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, workDir(t, next)); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.yaml, got, c.want)
		}
	}
}
