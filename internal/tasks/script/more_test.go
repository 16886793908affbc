//go:build unix

package script_test

import (
	"archive/zip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner/process"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// wheel makes a package of Python, with a module and a program.
func wheel(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "probe-1.0-py3-none-any.whl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for name, content := range map[string]string{
		"probe/__init__.py":                    "def main():\n    print('program')\n",
		"probe-1.0.dist-info/METADATA":         "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
		"probe-1.0.dist-info/WHEEL":            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"probe-1.0.dist-info/entry_points.txt": "[console_scripts]\nprobe = probe:main\n",
		"probe-1.0.dist-info/RECORD":           "probe/__init__.py,,\nprobe-1.0.dist-info/METADATA,,\nprobe-1.0.dist-info/WHEEL,,\nprobe-1.0.dist-info/entry_points.txt,,\nprobe-1.0.dist-info/RECORD,,\n",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDependencies(t *testing.T) {
	program(t, "python3")
	cfg := local
	cfg.CacheDir = t.TempDir()
	whl := wheel(t, t.TempDir())
	yaml := "type: io.kestra.plugin.scripts.python.Script\ndependencies: ['" + whl + "']\nscript: |\n  import probe, sys\n  probe.main()\n  print(sys.prefix)"
	prefixes := map[string]bool{}
	for range 2 {
		run := sdktest.New(t)
		taskstest.Must(t, run, types(cfg), "%s", yaml)
		lines := strings.Split(run.Logged(), "\n")
		if lines[len(lines)-2] != "program" {
			t.Fatalf("it logs %s", run.Logged())
		}
		prefixes[lines[len(lines)-1]] = true
	}
	if err := os.Remove(whl); err != nil { // from here on it cannot be installed again
		t.Fatal(err)
	}
	run := sdktest.New(t)
	taskstest.Must(t, run, types(cfg), "type: io.kestra.plugin.scripts.python.Commands\ndependencies: ['%s']\ncommands: [probe, 'python -c \"import sys; print(sys.prefix)\"']", whl)
	lines := strings.Split(run.Logged(), "\n")
	prefixes[lines[len(lines)-1]] = true
	if len(prefixes) != 1 {
		t.Errorf("it is installed more than once: %v", prefixes)
	}
	got := taskstest.Fails(t, sdktest.New(t), types(cfg), "type: io.kestra.plugin.scripts.python.Commands\ndependencies: ['%s']\ndependencyCacheEnabled: false\ncommands: [probe]", whl)
	if !strings.HasPrefix(got, "dependencies: python failed with exit code 1: ") {
		t.Errorf("without the cache it fails with %q", got)
	}
	left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "python", "*", "bin", "python"))
	if len(left) != 1 {
		t.Errorf("the cache holds %v", left)
	}
}

func TestMissingPython(t *testing.T) {
	got := taskstest.Fails(t, sdktest.New(t), types(local), "type: io.kestra.plugin.scripts.python.Script\npythonVersion: '2.0'\npackageManager: PIP\ndependencies: [x]\nscript: x")
	if got != "dependencies: python2.0 is not on this worker: install it there, or run the task in a container" {
		t.Errorf("it fails with %q", got)
	}
}

func TestOlder(t *testing.T) {
	const dir = "kestra:///company/team/flow/executions/execution/tasks/task/taskrun/"
	run := sdktest.New(t)
	out := taskstest.Must(t, run, types(script.Config{}), `
type: io.kestra.core.tasks.scripts.Bash
outputFiles: [first]
outputDirs: [many]
inputFiles: {in.txt: "path {{ outputFiles.first }}"}
commands:
  - echo 1 > {{ outputFiles.first }}
  - '[ "$(cat in.txt)" = "path {{ temp.first }}" ]'
  - mkdir {{ outputDirs.many }}/sub; echo 2 > {{ outputDirs.many }}/sub/two.txt
  - echo '::{"outputs":{"a":1}}::'`)
	for _, part := range []string{`{"vars":{"a":1},"stdOutLineCount":1,"stdErrLineCount":0,"exitCode":0,"files":{"first":"`, `"outputFiles":{"first":"` + dir + "first_", `"many/sub/two.txt":"` + dir + `sub/two.txt"`} {
		if !strings.Contains(out, part) {
			t.Errorf("%s is missing in %s", part, out)
		}
	}
	if got := taskstest.Fails(t, run, types(script.Config{}), "type: io.kestra.core.tasks.scripts.Bash\noutputFiles: [../x]\ncommands: ['true']"); got != `outputFiles: "../x" is to be a name` {
		t.Errorf("it fails with %q", got)
	}
	if got := taskstest.Fails(t, run, types(script.Config{}), "type: io.kestra.core.tasks.scripts.Bash\ncommands: [false, 'exit 3']"); got != "Command failed with exit code 1" {
		t.Errorf("it fails with %q", got)
	}
}

func TestOlderPython(t *testing.T) {
	program(t, "python3")
	run := sdktest.New(t)
	out := taskstest.Must(t, run, types(script.Config{}), `
type: io.kestra.core.tasks.scripts.Python
pythonPath: python3
args: ["{{ flow.id }}"]
inputFiles:
  main.py: |
    import sys
    from kestra import Kestra
    Kestra.outputs({"argument": sys.argv[1]})
    Kestra.counter("rows", 3, {"table": "t"})
    Kestra.timer("took", 1.5)
    Kestra.timer("run", lambda: None)`)
	if !strings.HasPrefix(out, `{"vars":{"argument":"flow"}`) || len(run.Metrics) != 3 || run.Metrics[1].Value != 1500 {
		t.Errorf("it puts out %s and measures %v", out, run.Metrics)
	}
	if got := taskstest.Fails(t, sdktest.New(t), types(script.Config{}), "type: io.kestra.core.tasks.scripts.Python"); got != "inputFiles: main.py is missing, which holds the script" {
		t.Errorf("it fails with %q", got)
	}
}

func TestOlderNode(t *testing.T) {
	program(t, "node")
	run := sdktest.New(t)
	out := taskstest.Must(t, run, types(script.Config{}), `
type: io.kestra.core.tasks.scripts.Node
args: [a]
inputFiles:
  main.js: |
    const kestra = require("./kestra");
    kestra.outputs({argument: process.argv[2]});
    kestra.timer("run", (end) => end());`)
	if !strings.HasPrefix(out, `{"vars":{"argument":"a"}`) || len(run.Metrics) != 1 {
		t.Errorf("it puts out %s and measures %v", out, run.Metrics)
	}
}

// dated remembers the dates of lines.
type dated struct {
	*sdktest.Run
	lines []string
}

func (d *dated) Log(_ sdk.Level, text string, _ ...any) { d.lines = append(d.lines, text) }

func (d *dated) LogAt(at time.Time, _ sdk.Level, text string) {
	d.lines = append(d.lines, at.Format(time.RFC3339Nano)+"|"+text)
}

func TestDatedLines(t *testing.T) {
	run := &dated{Run: sdktest.New(t)}
	task := taskstest.Decoded[sdk.Task](t, run.Run, types(local), `
type: io.kestra.plugin.scripts.shell.Commands
logIsoFormat: true
commands: ["echo '2026-01-02T03:04:05.678Z it begins'", "echo no date"]`)
	if _, err := task.Run(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(run.lines, "\n"), "2026-01-02T03:04:05.678Z|it begins\nno date"; got != want {
		t.Errorf("it logs %q, not %q", got, want)
	}
}

func TestTriggers(t *testing.T) {
	owner := taskstest.NewOwner(t)
	reg := plugin.NewRegistry()
	reg.Add(process.Types(process.Config{})...)
	all := append(script.Types(script.Deps{Registry: reg, KV: kv.New(owner.Documents()), Config: local}), process.Types(process.Config{})...)
	file := filepath.Join(t.TempDir(), "there")
	poll := func(yaml string, durable bool) bool {
		t.Helper()
		run := sdktest.New(t)
		run.Is.TriggerID = "watch"
		out, settle, err := taskstest.Poll(t, run, all, yaml)
		if err := errors.Join(err, settle(durable)); err != nil {
			t.Fatal(err)
		}
		return out != ""
	}
	edge := "type: io.kestra.plugin.scripts.shell.CommandsTrigger\nexitCondition: exit 0\ncommands: ['[ -f " + file + " ]']"
	each := "type: io.kestra.plugin.scripts.shell.ScriptTrigger\nexitCondition: EXIT 1\nedge: false\nscript: '[ -f " + file + " ]'"
	vars := "type: io.kestra.plugin.scripts.shell.ScriptTrigger\nexitCondition: 'state=(ready|done)'\nedge: false\nscript: echo '::{\"outputs\":{\"state\":\"%s\",\"n\":1}}::'"
	steps := []struct {
		what string
		got  func() bool
		want bool
	}{
		{"nothing is there", func() bool { return poll(edge, true) }, false},
		{"each time", func() bool { return poll(each, true) }, true},
		{"each time again", func() bool { return poll(each, true) }, true},
		{"it is there, but the flow did not hear of it", func() bool { return errors.Join(os.WriteFile(file, nil, 0o600)) == nil && poll(edge, false) }, true},
		{"it hears of it", func() bool { return poll(edge, true) }, true},
		{"once", func() bool { return poll(edge, true) }, false},
		{"not each time", func() bool { return poll(each, true) }, false},
		{"it has gone", func() bool { return os.Remove(file) != nil || poll(edge, true) }, false},
		{"it is there again", func() bool { return os.WriteFile(file, nil, 0o600) == nil && poll(edge, true) }, true},
		{"outputs match", func() bool { return poll(strings.Replace(vars, "%s", "ready", 1), true) }, true},
		{"outputs do not match", func() bool { return poll(strings.Replace(vars, "%s", "broken", 1), true) }, false},
	}
	for _, s := range steps {
		if got := s.got(); got != s.want {
			t.Errorf("%s: %v", s.what, got)
		}
	}
}
