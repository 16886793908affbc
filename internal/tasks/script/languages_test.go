package script_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/process"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// inVariable is where shells find their commands, and byVariable what they are given in place of them.
const (
	inVariable = "WINDHOVER_COMMANDS"
	byVariable = `eval "unset WINDHOVER_COMMANDS; ${WINDHOVER_COMMANDS?}"`
)

// recorder is a task runner that runs nothing. It remembers what it was to run, with the files that were there, and as one of
// them the commands that it was to have in its environment.
type recorder struct {
	Elsewhere bool `json:"elsewhere" default:"true" doc:"Whether it is a container."`

	dir, image string
	args       []string
	env        map[string]string
	files      map[string]string
}

var recorded *recorder

func (r *recorder) Seen(path string) string {
	if !r.Elsewhere {
		return path
	}
	if r.dir == "" {
		r.dir = path // the first that is asked for is the working directory
	}
	return "/work" + filepath.ToSlash(strings.TrimPrefix(path, r.dir))
}

func (r *recorder) Local() bool { return !r.Elsewhere }

func (r *recorder) Run(_ context.Context, _ sdk.Run, c *taskrunner.Command) (taskrunner.Result, error) {
	r.args, r.env, r.image, r.files = c.Args, c.Env, c.Image, map[string]string{}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return taskrunner.Result{}, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			content, err := os.ReadFile(filepath.Join(c.Dir, e.Name()))
			if err != nil {
				return taskrunner.Result{}, err
			}
			r.files[named(e.Name())] = strings.ReplaceAll(named(string(content)), c.Dir, "DIR")
		}
	}
	if text, ok := c.Env[inVariable]; ok {
		r.files[inVariable] = strings.ReplaceAll(named(text), c.Dir, "DIR")
	}
	for i := range r.args {
		r.args[i] = strings.ReplaceAll(named(r.args[i]), c.Dir, "DIR")
	}
	_, err = io.WriteString(c.Stdout, "ran\n")
	recorded = r
	return taskrunner.Result{Details: map[string]any{"containerId": "c1"}}, err
}

// named replaces what is new in each name.
func named(text string) string {
	return regexp.MustCompile(`(script|commands|file|requirements|packages|output)-[0-9A-Za-z]{20,24}`).ReplaceAllString(text, "$1-ID")
}

// types are the types of this package with task runners beside them.
func types(cfg script.Config) []plugin.Type {
	runners := append(process.Types(cfg.Process), plugin.Type{
		Name: "test.Recorder", Category: plugin.TaskRunner, New: func() any { return &recorder{} },
	})
	reg := plugin.NewRegistry()
	reg.Add(slices.Clone(runners)...)
	return append(script.Types(script.Deps{Registry: reg, Config: cfg}), runners...)
}

const python = `if [ -n "$VIRTUAL_ENV" ]; then exec "$VIRTUAL_ENV/bin/python" /work/script-ID.py; fi
if command -v python3 >/dev/null; then exec python3 /work/script-ID.py; fi
exec python /work/script-ID.py`

// What is executed for a script of each language.
func TestScriptOfEachLanguage(t *testing.T) {
	for area, want := range map[string]struct{ image, file, commands string }{
		"shell":      {"ubuntu", "", "set -e\nTEXT"},
		"python":     {"python:3.13-slim", "script-ID.py", "set -e\n" + python},
		"node":       {"node", "script-ID.js", "set -e\nexec node /work/script-ID.js"},
		"ruby":       {"ruby", "script-ID.rb", "set -e\nexec ruby /work/script-ID.rb"},
		"perl":       {"perl", "script-ID.pl", "set -e\nexec perl /work/script-ID.pl"},
		"php":        {"php", "script-ID.php", "set -e\nexec php /work/script-ID.php"},
		"lua":        {"nickblah/lua", "script-ID.lua", "set -e\nexec lua /work/script-ID.lua"},
		"go":         {"golang", "script-ID.go", "set -e\nexec go run /work/script-ID.go"},
		"deno":       {"denoland/deno", "script-ID.ts", "set -e\nexec deno run /work/script-ID.ts"},
		"bun":        {"oven/bun", "script-ID.ts", "set -e\nexec bun run /work/script-ID.ts"},
		"r":          {"r-base", "script-ID.R", "set -e\nexec Rscript /work/script-ID.R"},
		"julia":      {"julia", "script-ID.jl", "set -e\nexec julia /work/script-ID.jl"},
		"groovy":     {"groovy", "script-ID.groovy", "set -e\nexec groovy /work/script-ID.groovy"},
		"jbang":      {"jbangdev/jbang-action", "script-ID.java", "set -e\nexec jbang --quiet /work/script-ID.java"},
		"powershell": {"ghcr.io/kestra-io/powershell:latest", "script-ID.ps1", "$ErrorActionPreference = 'Stop'\n& /work/script-ID.ps1"},
		"dotnet": {"mcr.microsoft.com/dotnet/sdk:10.0", "script-ID.csx", "echo '##kestra:log:debug##'\nset -e\n" +
			"dotnet tool install -g dotnet-script --ignore-failed-sources || true\nexport PATH=\"$PATH:$HOME/.dotnet/tools\"\n" +
			"echo '##kestra:log:info##'\nexec dotnet-script /work/script-ID.csx"},
	} {
		t.Run(area, func(t *testing.T) {
			taskstest.Must(t, sdktest.New(t), types(script.Config{}), `
type: io.kestra.plugin.scripts.%s.Script
taskRunner: {type: test.Recorder}
script: TEXT`, area)
			args, list := []string{"/bin/sh", "-c", byVariable}, inVariable
			if area == "powershell" {
				args = []string{"pwsh", "-NoProfile", "-NonInteractive", "-Command", ". '/work/commands-ID.ps1'"}
				list = "commands-ID.ps1"
			}
			files := map[string]string{list: want.commands}
			if want.file != "" {
				files[want.file] = "TEXT"
			}
			if diff := cmp.Diff(args, recorded.args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(files, recorded.files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if recorded.image != want.image {
				t.Errorf("the image is %s", recorded.image)
			}
		})
	}
}

func TestCommandsOfEachLanguage(t *testing.T) {
	for _, area := range []string{"shell", "python", "node", "ruby", "perl", "php", "lua", "go", "deno", "bun", "r", "julia", "groovy", "jbang", "dotnet"} {
		taskstest.Must(t, sdktest.New(t), types(script.Config{}), `
type: io.kestra.plugin.scripts.%s.Commands
taskRunner: {type: test.Recorder}
containerImage: "of:{{ flow.id }}"
commands: [one, two]`, area)
		if diff := cmp.Diff(map[string]string{inVariable: "set -e\none\ntwo"}, recorded.files); diff != "" {
			t.Errorf("%s (-want +got):\n%s", area, diff)
		}
		if recorded.image != "of:flow" {
			t.Errorf("%s: the image is %s", area, recorded.image)
		}
	}
}

// How properties change what is executed.
func TestWhatIsExecuted(t *testing.T) {
	shell := []string{"/bin/sh", "-c", byVariable}
	for _, c := range []struct {
		name, yaml string
		args       []string
		files      map[string]string
	}{
		{"no end at the first failure", "failFast: false\ncommands: [one, two]", shell, map[string]string{inVariable: "one\ntwo"}},
		{"commands before", "beforeCommands: [first]\ncommands: [one]", shell,
			map[string]string{inVariable: "echo '##kestra:log:debug##'\nset -e\nfirst\necho '##kestra:log:info##'\none"}},
		{"another shell", `interpreter: [/usr/bin/env, bash, -e, -c]
commands: [one]`, []string{"/usr/bin/env", "bash", "-e", "-c", ". '/work/commands-ID.sh'"}, map[string]string{"commands-ID.sh": "set -e\none"}},
		{"a shell without -c", "interpreter: [bash]\ncommands: [one]", []string{"bash", "/work/commands-ID.sh"}, map[string]string{"commands-ID.sh": "set -e\none"}},
		{"an interpreter that is no shell", "interpreter: [python, -c]\ncommands: ['print(1)', 'print(2)']", []string{"python", "-c", "print(1)\nprint(2)"}, map[string]string{}},
		{"no interpreter", "interpreter: []\ncommands: [echo, 'a b']", []string{"echo", "a b"}, map[string]string{}},
		{"expressions", `commands: ["{{ flow.id }} {{ workingDir }}", "{{ outputFiles['a.txt'] }}"]
outputFiles: [a.txt, '*.csv']`, shell, map[string]string{inVariable: "set -e\nflow /work\n/work/a.txt"}},
		{"an expression that gives a list", `commands: "{{ ['one', 'two'] }}"`, shell, map[string]string{inVariable: "set -e\none\ntwo"}},
		{"an output directory", "outputDirectory: true\ncommands: ['{{ outputDir }}']", shell, map[string]string{inVariable: "set -e\n/work/output-ID"}},
		{"an output directory that is only mentioned", "commands: ['{{ outputDir }}']", shell, map[string]string{inVariable: "set -e\n/work/output-ID"}},
		{"for cmd.exe", `interpreter: ['C:\Windows\System32\cmd.exe', /c]
targetOS: WINDOWS
beforeCommands: [first]
commands: [one]`, []string{`C:\Windows\System32\cmd.exe`, "/c", `.\commands-ID.cmd`}, map[string]string{"commands-ID.cmd": strings.ReplaceAll(`@echo off
echo ##kestra:log:debug##
if not %errorlevel%==0 exit /b %errorlevel%
first
if not %errorlevel%==0 exit /b %errorlevel%
echo ##kestra:log:info##
if not %errorlevel%==0 exit /b %errorlevel%
one
if not %errorlevel%==0 exit /b %errorlevel%
`, "\n", "\r\n")}},
		{"Windows without an interpreter", "targetOS: WINDOWS\nfailFast: false\ncommands: [one]", []string{"cmd.exe", "/d", "/c", `.\commands-ID.cmd`},
			map[string]string{"commands-ID.cmd": "@echo off\r\none\r\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			taskstest.Must(t, sdktest.New(t), types(script.Config{}), "type: io.kestra.plugin.scripts.shell.Commands\ntaskRunner: {type: test.Recorder}\n%s", c.yaml)
			if diff := cmp.Diff(c.args, recorded.args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.files, recorded.files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// A shell is given its commands in a variable; what is too long for one, or has to pass by another program, comes in a file.
func TestWhereCommandsAre(t *testing.T) {
	long := "echo " + strings.Repeat("x", 150_000)
	for _, c := range []struct {
		interpreter, command string
		args                 []string
		variable, file       string
	}{
		{"[/bin/bash, -c]", "one", []string{"/bin/bash", "-c", byVariable}, "set -e\none", ""},
		{"[/bin/sh, -c]", long, []string{"/bin/sh", "-c", ". 'DIR/commands-ID.sh'"}, "", "set -e\n" + long},
		{"[sudo, -u, nobody, bash, -c]", "one", []string{"sudo", "-u", "nobody", "bash", "-c", ". 'DIR/commands-ID.sh'"}, "", "set -e\none"},
	} {
		taskstest.Must(t, sdktest.New(t), types(script.Config{}), `
type: io.kestra.plugin.scripts.shell.Commands
taskRunner: {type: test.Recorder, elsewhere: false}
interpreter: %s
commands: [%s]`, c.interpreter, c.command)
		if diff := cmp.Diff(c.args, recorded.args); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
		if recorded.files[inVariable] != c.variable || recorded.files["commands-ID.sh"] != c.file {
			t.Errorf("%s: the variable holds %.50q, the file %.50q", c.interpreter, recorded.files[inVariable], recorded.files["commands-ID.sh"])
		}
	}
}

func TestPythonWords(t *testing.T) {
	for source, want := range map[string]string{
		"x = {{ false }}":           "true, false, null = True, False, None\nx = false",
		"print('untrue')":           "print('untrue')",
		"from __future__ import x ": "from __future__ import x ",
	} {
		taskstest.Must(t, sdktest.New(t), types(script.Config{}), "type: io.kestra.plugin.scripts.python.Script\ntaskRunner: {type: test.Recorder}\nscript: %q", source)
		if got := recorded.files["script-ID.py"]; got != want {
			t.Errorf("%s: the file holds %q", source, got)
		}
	}
}

// In a container the dependencies are installed there.
func TestDependenciesInContainer(t *testing.T) {
	taskstest.Must(t, sdktest.New(t), types(script.Config{}), `
type: io.kestra.plugin.scripts.python.Commands
taskRunner: {type: test.Recorder}
dependencies: [requests, "pandas>=2"]
commands: [python main.py]`)
	want := map[string]string{
		"requirements-ID.txt": "requests\npandas>=2\n",
		inVariable: "echo '##kestra:log:debug##'\nset -e\npython -m pip install --quiet --target /work/packages-ID --requirement /work/requirements-ID.txt\n" +
			"echo '##kestra:log:info##'\npython main.py",
	}
	if diff := cmp.Diff(want, recorded.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := named(recorded.env["PYTHONPATH"]); got != "/work/packages-ID" {
		t.Errorf("PYTHONPATH is %s", got)
	}
}

func TestJBang(t *testing.T) {
	taskstest.Must(t, sdktest.New(t), types(script.Config{}), `
type: io.kestra.plugin.scripts.jbang.Script
taskRunner: {type: test.Recorder}
extension: .kt
quiet: false
script: x`)
	if got := recorded.files[inVariable]; got != "set -e\nexec jbang /work/script-ID.kt" {
		t.Errorf("it runs %q", got)
	}
}

// Which task runner a task has.
func TestChosenRunner(t *testing.T) {
	const missing = "this server has no task runner io.kestra.plugin.scripts.runner.docker.Docker"
	for _, c := range []struct{ runner, yaml, fails string }{
		{"", "", missing + "; the task names no task runner, so it is to run in a container: to run it as a process of the worker, set its " +
			"taskRunner to {type: io.kestra.plugin.core.runner.Process}, or tasks.scripts.runner to PROCESS for all tasks"},
		{script.Process, "", ""},
		{"", "runner: PROCESS", ""},
		{script.Process, "runner: DOCKER", missing},
		{"", "taskRunner: {type: io.kestra.plugin.core.runner.Process}", ""},
		{script.Process, "docker: {image: x}", ""},
	} {
		yaml := "type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['true']\n" + c.yaml
		_, err := taskstest.Run(t, sdktest.New(t), types(script.Config{Runner: c.runner}), yaml)
		if got := message(err); got != c.fails {
			t.Errorf("%s with %q: %q, not %q", c.yaml, c.runner, got, c.fails)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// withStorage are the types that find namespace files where the run has them.
func withStorage(run *sdktest.Run, cfg script.Config) []plugin.Type {
	reg := plugin.NewRegistry()
	reg.Add(process.Types(cfg.Process)...)
	return append(script.Types(script.Deps{Registry: reg, Storage: run.Storage(), Config: cfg}), process.Types(cfg.Process)...)
}
