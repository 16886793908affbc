package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

// server starts everything in this process and returns its address.
func server(t *testing.T, change func(*config.Config)) string {
	t.Helper()
	cfg := config.Default()
	cfg.Backend.Type, cfg.Storage.Type, cfg.Tutorial, cfg.Server.Port, cfg.Server.Grace = "memory", "memory", false, 0, time.Second
	if change != nil {
		change(cfg)
	}
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.Background()) })
	for _, start := range []func(context.Context) error{a.Executor, a.Scheduler, a.Worker, a.Webserver} {
		if err := start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return a.URL()
}

// result is what a command did.
type result struct {
	out, errOut string
	err         error
}

// command runs a command as the command line does.
func command(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, errOut bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errOut)
	err := root.ExecuteContext(ctx)
	return result{out.String(), errOut.String(), err}
}

// ok runs a command that has to succeed and returns its output.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	r := command(t, args...)
	if r.err != nil {
		t.Fatalf("%v: %v\n%s", args, r.err, r.errOut)
	}
	return r.out
}

// okJSON runs a command with -o json and reads its output.
func okJSON[T any](t *testing.T, args ...string) T {
	t.Helper()
	var v T
	out := ok(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v printed no JSON: %v\n%s", args, err, out)
	}
	return v
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}

// write writes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func logFlow(id string) string {
	return "id: " + id + "\nnamespace: company.team\ntasks:\n  - id: say\n    type: io.kestra.plugin.core.log.Log\n    message: hello from " + id + "\n"
}

func ids(flows []flowKey) string {
	var out []string
	for _, f := range flows {
		out = append(out, f.ID)
	}
	return strings.Join(out, " ")
}

type found[T any] struct {
	Results []T `json:"results"`
}

func TestFlows(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"a.yaml": logFlow("a"), "sub/b.yml": logFlow("b"), "sub/readme.txt": "not a flow"})

	contains(t, ok(t, "flow", "create", filepath.Join(dir, "a.yaml")), "NAMESPACE", "company.team", "a")
	if again := command(t, "flow", "create", filepath.Join(dir, "a.yaml")); !errors.Is(again.err, errFailed) {
		t.Errorf("a flow was created twice: %v", again.err)
	} else {
		contains(t, again.errOut, "a.yaml: ", "Flow id already exists")
	}
	if got := ok(t, "flow", "get", "company.team", "a"); got != logFlow("a") {
		t.Errorf("source:\n%s", got)
	}

	ok(t, "flow", "updates", dir)
	list := okJSON[found[flowKey]](t, "flow", "list", "--namespace", "company")
	if got := ids(list.Results); got != "a b" && got != "b a" {
		t.Errorf("flows: %s", got)
	}

	type revision struct{ Revision int }
	before := okJSON[revision](t, "flow", "get", "company.team", "a").Revision
	changed := write(t, map[string]string{"a.yaml": logFlow("a") + "description: changed\n"})
	updated := okJSON[[]revision](t, "flow", "update", filepath.Join(changed, "a.yaml"))
	if len(updated) != 1 || updated[0].Revision != before+1 {
		t.Errorf("update after revision %d: %+v", before, updated)
	}
	if got := ok(t, "flow", "get", "company.team", "a", "--revision", "1"); got != logFlow("a") {
		t.Errorf("revision 1:\n%s", got)
	}

	contains(t, ok(t, "namespace", "list", "--query", "company"), "company.team")
	target := filepath.Join(t.TempDir(), "new", "directory")
	contains(t, ok(t, "flow", "export", target, "-n", "company"), "flows.zip")
	if info, err := os.Stat(filepath.Join(target, "flows.zip")); err != nil || info.Size() == 0 {
		t.Errorf("export: %v", err)
	}

	contains(t, ok(t, "flow", "delete", "company.team", "b"), "company.team.b: deleted")
	gone := command(t, "flow", "delete", "company.team", "b")
	var told *apiError
	if !errors.As(gone.err, &told) || told.Status != 404 {
		t.Errorf("deleting what is not there: %v", gone.err)
	}
}

func TestFlowsLikeADirectory(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string // %dir is the directory
		want string
	}{
		{"updates keeps", []string{"flow", "updates", "%dir"}, "a old"},
		{"updates deletes", []string{"flow", "updates", "%dir", "--delete"}, "a"},
		{"updates deletes in a namespace", []string{"flow", "updates", "%dir", "--delete", "--namespace", "company"}, "a"},
		{"namespace keeps", []string{"flow", "namespace", "update", "company.team", "%dir", "--no-delete"}, "a old"},
		{"namespace deletes", []string{"flow", "namespace", "update", "company.team", "%dir", "--delete"}, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("WINDHOVER_SERVER", server(t, nil))
			dir := write(t, map[string]string{"old.yaml": logFlow("old"), "new/a.yaml": logFlow("a")})
			ok(t, "flow", "create", filepath.Join(dir, "old.yaml"))
			for i, a := range c.args {
				c.args[i] = strings.ReplaceAll(a, "%dir", filepath.Join(dir, "new"))
			}
			ok(t, c.args...)
			list := okJSON[found[flowKey]](t, "flow", "list")
			if got := ids(list.Results); got != c.want {
				t.Errorf("flows: %s, want %s", got, c.want)
			}
		})
	}
}

func TestFlowValidate(t *testing.T) {
	url := server(t, nil)
	dir := write(t, map[string]string{
		"good.yaml": logFlow("good"), "bad.yaml": "id: bad\nnamespace: company.team\ntasks:\n  - id: say\n    type: io.kestra.plugin.core.log.Lgo\n",
		"includes.yaml": strings.ReplaceAll(logFlow("includes"), "hello", "[[> greeting.txt]]"), "greeting.txt": "good day\n",
	})
	for _, where := range [][]string{nil, {"--server", url}} {
		r := command(t, append([]string{"flow", "validate", dir}, where...)...)
		if !errors.Is(r.err, errFailed) {
			t.Errorf("%v: %v", where, r.err)
		}
		contains(t, r.out, "good.yaml: valid", "includes.yaml: valid")
		contains(t, r.errOut, "bad.yaml:line 5,", "Lgo", "1 of 3 files")
	}
	contains(t, ok(t, "flow", "expand", filepath.Join(dir, "includes.yaml")), "message: good day from includes")
	contains(t, ok(t, "flow", "dot", filepath.Join(dir, "good.yaml")), "digraph", `label="say"`)
}

// What only the other program has is told of, with its place.
func TestTypesOfTheOtherProgram(t *testing.T) {
	const name = "io.kestra.plugin.ee.kubernetes.runner.Kubernetes"
	dir := write(t, map[string]string{"pod.yaml": "id: pod\nnamespace: company.team\ntasks:\n  - id: say\n    type: io.kestra.plugin.scripts.shell.Commands\n" +
		"    commands: [echo]\n    taskRunner:\n      type: " + name + "\n"})
	r := command(t, "flow", "validate", dir)
	if !errors.Is(r.err, errFailed) {
		t.Errorf("got %v", r.err)
	}
	contains(t, r.errOut, "pod.yaml:line 8,", name+"` is in windhover-cloud, not in this program", "run windhover-cloud instead")
	if r := command(t, "plugin", "doc", name); r.err == nil || !strings.Contains(r.err.Error(), "is in windhover-cloud") {
		t.Errorf("got %v", r.err)
	}
}

func TestKeys(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	file := filepath.Join(write(t, map[string]string{"v.json": `{"a": [1, 2]}`}), "v.json")
	for _, c := range []struct {
		args             []string
		wantType, wanted string
	}{
		{[]string{"limit", "10"}, "NUMBER", "10"},
		{[]string{"text", "10", "--type", "STRING"}, "STRING", `"10"`},
		{[]string{"flag", "true", "-t", "boolean"}, "BOOLEAN", "true"},
		{[]string{"doc", "--file-value", file}, "JSON", `{"a":[1,2]}`},
		{[]string{"odd/key ü", "x", "-e", "PT1H"}, "", ""},
	} {
		r := command(t, append([]string{"kv", "set", "company.team"}, c.args...)...)
		if c.wantType == "" { // the server refuses the key, but it arrives as it was given
			if r.err == nil {
				t.Errorf("%v was accepted", c.args)
			}
			continue
		}
		if r.err != nil {
			t.Errorf("%v: %v", c.args, r.err)
			continue
		}
		got := okJSON[struct {
			Type  string
			Value json.RawMessage
		}](t, "kv", "get", "company.team", c.args[0])
		var compact bytes.Buffer
		if err := json.Compact(&compact, got.Value); err != nil || got.Type != c.wantType || compact.String() != c.wanted {
			t.Errorf("%v: %s %s, want %s %s", c.args, got.Type, got.Value, c.wantType, c.wanted)
		}
	}
	if got := ok(t, "namespace", "kv", "get", "company.team", "limit"); got != "10\n" {
		t.Errorf("value: %q", got)
	}
	for _, args := range [][]string{{"k", "x", "--type", "NUMBER"}, {"k", "1", "--type", "FLOAT"}, {"k"}, {"k", "v", "-f", file}, {"k", "v", "-e", "soon"}} {
		if r := command(t, append([]string{"kv", "set", "company.team"}, args...)...); r.err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
	contains(t, ok(t, "kv", "list", "company.team"), "KEY", "limit", "text")
	contains(t, ok(t, "kv", "delete", "company.team", "limit"), "limit: deleted")
	if r := command(t, "kv", "delete", "company.team", "limit"); !errors.Is(r.err, errFailed) {
		t.Errorf("deleting what is not there: %v", r.err)
	}
}

func TestNamespaceFiles(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"main.py": "print(1)", "lib/ü b.txt": "deep"})
	files := []string{"namespace", "files"}
	run := func(args ...string) string { t.Helper(); return ok(t, append(files, args...)...) }

	contains(t, run("update", "company.team", dir), "/main.py: uploaded", "/lib/ü b.txt: uploaded")
	run("update", "company.team", filepath.Join(dir, "main.py"), "copies")
	list := okJSON[[]string](t, append(files, "list", "company.team")...)
	if got := strings.Join(list, "|"); got != "/copies/main.py|/lib/ü b.txt|/main.py" {
		t.Errorf("files: %s", got)
	}
	if got := run("get", "company.team", "lib/ü b.txt"); got != "deep" {
		t.Errorf("content: %q", got)
	}

	if err := os.Remove(filepath.Join(dir, "main.py")); err != nil {
		t.Fatal(err)
	}
	contains(t, run("update", "company.team", dir, "--delete"), "/main.py: deleted", "/copies/main.py: deleted")
	run("delete", "company.team", "/lib/ü b.txt")
	if got := okJSON[[]string](t, append(files, "list", "company.team")...); len(got) != 0 {
		t.Errorf("files are left: %v", got)
	}

	private := write(t, map[string]string{".kestraignore": "secret.txt", "secret.txt": "s"})
	if r := command(t, append(files, "update", "company.team", private)...); r.err == nil {
		t.Error("files were uploaded despite a .kestraignore")
	}
}

func TestTemplates(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"old.yaml": logFlow("old"), "new/a.yaml": logFlow("a")})
	ok(t, "template", "create", filepath.Join(dir, "old.yaml"))
	ok(t, "template", "update", filepath.Join(dir, "old.yaml"))
	contains(t, ok(t, "template", "get", "company.team", "old"), "id: old", "hello from old")
	target := t.TempDir()
	contains(t, ok(t, "template", "export", target), "templates.zip")
	ok(t, "template", "namespace", "update", "company.team", filepath.Join(dir, "new"), "--delete")
	list := okJSON[found[flowKey]](t, "template", "list", "-n", "company")
	if got := ids(list.Results); got != "a" {
		t.Errorf("templates: %s", got)
	}
	ok(t, "template", "delete", "company.team", "a")
}

func TestConnection(t *testing.T) {
	url := server(t, func(c *config.Config) {
		c.Server.BasicAuth.Enabled, c.Server.BasicAuth.Username, c.Server.BasicAuth.Password = true, "ada", "s3cret:x"
	})
	for _, c := range []struct {
		name string
		args []string
		want string // in the error; "" if it succeeds
	}{
		{"right", []string{"--server", url + "/", "--user", "ada:s3cret:x"}, ""},
		{"without scheme", []string{"--server", strings.TrimPrefix(url, "http://"), "--user", "ada:s3cret:x"}, ""},
		{"header", []string{"--server", url, "--header", "Authorization=Basic YWRhOnMzY3JldDp4"}, ""},
		{"nobody", []string{"--server", url}, "Unauthorized"},
		{"wrong password", []string{"--server", url, "--user", "ada:x"}, "Unauthorized"},
		{"no password", []string{"--server", url, "--user", "ada"}, "expected NAME:PASSWORD"},
		{"other tenant", []string{"--server", url, "--user", "ada:s3cret:x", "--tenant", "other"}, "Not Found"},
		{"no server", []string{"--server", "http://127.0.0.1:1"}, "the server does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := command(t, append([]string{"sys", "info"}, c.args...)...)
			if (r.err == nil) != (c.want == "") || r.err != nil && !strings.Contains(r.err.Error(), c.want) {
				t.Errorf("error %v, want %q", r.err, c.want)
			}
			if c.want == "" {
				contains(t, r.out, "memory")
			}
		})
	}
}

func TestPasswordIsNotInHelp(t *testing.T) {
	t.Setenv("WINDHOVER_USER", "ada:s3cret")
	if out := ok(t, "flow", "list", "--help"); strings.Contains(out, "s3cret") {
		t.Error("the help shows the password of the environment")
	}
}

func TestPlugins(t *testing.T) {
	const logType = "io.kestra.plugin.core.log.Log"
	contains(t, ok(t, "plugin", "list"), "TYPE", logType)
	contains(t, ok(t, "plugin", "doc", logType), "# Log", "`message`")
	dir := t.TempDir()
	ok(t, "plugins", "doc", "--directory", dir, "--schema")
	b, err := os.ReadFile(filepath.Join(dir, logType+".json"))
	if err != nil || !json.Valid(b) {
		t.Errorf("schema: %v\n%s", err, b)
	}
	if r := command(t, "plugin", "doc", "io.kestra.Nothing"); r.err == nil {
		t.Error("there is documentation of a type that there is not")
	}
}

func TestCompletion(t *testing.T) {
	t.Setenv("WINDHOVER_SERVER", server(t, nil))
	dir := write(t, map[string]string{"a.yaml": logFlow("a")})
	ok(t, "flow", "updates", dir)
	contains(t, ok(t, "__complete", "execution", "create", ""), "company.team\n")
	contains(t, ok(t, "__complete", "execution", "create", "company.team", ""), "a\n")
	id := okJSON[struct{ ID string }](t, "execution", "create", "company.team", "a", "--wait").ID
	contains(t, ok(t, "__complete", "execution", "get", ""), id+"\tcompany.team.a SUCCESS\n", ":36\n")
	if out := ok(t, "__complete", "execution", "kill", id, ""); strings.Contains(out, id) {
		t.Errorf("an id twice:\n%s", out)
	}
	contains(t, ok(t, "__complete", "flow", "list", "-o", ""), "table\njson\nyaml\n")
	contains(t, ok(t, "completion", "bash"), "__start_windhover")
}
