//go:build unix

package script_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// local runs scripts as processes.
var local = script.Config{Runner: script.Process}

// program skips the test where a program is not on the machine.
func program(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("SKIPPED: %s is not on this machine", name)
	}
}

// Scripts of the languages whose interpreters are there, for real: an argument that an expression gives, an output, a file, and
// an exit code.
func TestLanguages(t *testing.T) {
	for area, c := range map[string]struct{ program, script string }{
		"shell": {"sh", "echo '::{\"outputs\":{\"sum\":'$(({{ a }}+2))'}}::'; echo stored > out.txt; exit 3"},
		"python": {"python3", `
import json, sys
print("::" + json.dumps({"outputs": {"sum": {{ a }} + 2}}) + "::")
open("out.txt", "w").write("stored\n")
assert {{ yes }} is True
sys.exit(3)`},
		"node": {"node", `
console.log("::" + JSON.stringify({outputs: {sum: {{ a }} + 2}}) + "::");
require("fs").writeFileSync("out.txt", "stored\n");
process.exit(3);`},
		"ruby": {"ruby", "require 'json'\nputs '::' + {outputs: {sum: {{ a }} + 2}}.to_json + '::'\nFile.write('out.txt', \"stored\\n\")\nexit 3"},
		"perl": {"perl", `print '::{"outputs":{"sum":' . ({{ a }} + 2) . "}}::\n"; open(my $f, '>', 'out.txt'); print $f "stored\n"; close $f; exit 3;`},
		"php":  {"php", `<?php echo '::{"outputs":{"sum":' . ({{ a }} + 2) . "}}::\n"; file_put_contents('out.txt', "stored\n"); exit(3);`},
		"lua":  {"lua", `print('::{"outputs":{"sum":' .. math.floor({{ a }} + 2) .. '}}::'); local f = io.open('out.txt', 'w'); f:write('stored\n'); f:close(); os.exit(3)`},
		"go": {"go", `package main
import ("fmt"; "os")
func main() {
	fmt.Printf("::{\"outputs\":{\"sum\":%%d}}::\n", {{ a }} + 2)
	os.WriteFile("out.txt", []byte("stored\n"), 0o644)
	os.Exit(1)
}`},
		"r":          {"Rscript", `cat('::{"outputs":{"sum":', {{ a }} + 2, '}}::\n', sep=''); cat('stored\n', file='out.txt'); quit(status=3)`},
		"powershell": {"pwsh", `Write-Output ('::{"outputs":{"sum":' + ({{ a }} + 2) + '}}::'); [IO.File]::WriteAllText("$PWD/out.txt", "stored` + "`n" + `"); exit 1`},
		"deno":       {"deno", `console.log("::" + JSON.stringify({outputs: {sum: {{ a }} + 2}}) + "::"); Deno.exit(3);`},
		"bun":        {"bun", `console.log("::" + JSON.stringify({outputs: {sum: {{ a }} + 2}}) + "::"); require("fs").writeFileSync("out.txt", "stored\n"); process.exit(3);`},
		"julia":      {"julia", `println("::{\"outputs\":{\"sum\":$({{ a }} + 2)}}::"); write("out.txt", "stored\n"); exit(3)`},
		"groovy":     {"groovy", `println '::{"outputs":{"sum":' + ({{ a }} + 2) + '}}::'; new File('out.txt').text = 'stored\n'; System.exit(3)`},
	} {
		t.Run(area, func(t *testing.T) {
			program(t, c.program)
			run := sdktest.New(t)
			run.Vars["a"], run.Vars["yes"] = 40, true
			out, err := taskstest.Run(t, run, types(local), "type: io.kestra.plugin.scripts."+area+".Script\noutputFiles: ['*.txt']\nscript: |\n  "+
				strings.ReplaceAll(strings.ReplaceAll(c.script, "%%", "%"), "\n", "\n  "))
			code := map[string]int{"go": 1, "powershell": 1}[area]
			if code == 0 {
				code = 3
			}
			if got := message(err); got != fmt.Sprintf("Command failed with exit code %d", code) {
				t.Errorf("it fails with %q; it logs %s", got, run.Logged())
			}
			var o *sdk.OutputError
			if !errors.As(err, &o) || o.Outputs.(script.Output).ExitCode != code {
				t.Fatalf("it puts out %s, %v", out, err)
			}
			outputs := o.Outputs.(script.Output)
			if sum, _ := outputs.Vars.Get("sum"); fmt.Sprint(sum) != "42" {
				t.Errorf("the sum is %v", sum)
			}
			if uri, _ := outputs.OutputFiles.Get("out.txt"); uri == nil && area != "deno" || uri != nil && run.Content(uri.(string)) != "stored\n" {
				t.Errorf("the file is not stored: %v", outputs.OutputFiles)
			}
			if outputs.OutputFiles.Len() > 1 {
				t.Errorf("files of the task itself are stored: %v", outputs.OutputFiles.Keys())
			}
		})
	}
}

func TestFiles(t *testing.T) {
	run := sdktest.New(t)
	uri := run.File("data.csv", "a,b\n1,2\n")
	run.NamespaceFile("lib/util.sh", "greet() { echo hello $1; }\n")
	run.Vars["inputs"] = map[string]any{"file": uri, "more": map[string]any{"inner.txt": "from an expression"}}
	out := taskstest.Must(t, run, withStorage(run, local), `
type: io.kestra.plugin.scripts.shell.Script
namespaceFiles: {enabled: true}
inputFiles:
  data.csv: "{{ inputs.file }}"
  deep/er/script.sh: "echo in {{ workingDir }}"
  nothing: null
outputFiles: ["**.txt", "sub/*", missing.txt]
script: |
  . lib/util.sh
  greet "$(wc -l < data.csv)" > lines.txt
  mkdir sub; cp {{ inputs.file }} sub/copy
  [ "$(sh deep/er/script.sh)" = "in $WORKING_DIR" ]`)
	for _, part := range []string{`"lines.txt":`, `"sub/copy":`} {
		if !strings.Contains(out, part) {
			t.Errorf("%s is missing in %s", part, out)
		}
	}
	const dir = "kestra:///company/team/flow/executions/execution/tasks/task/taskrun/"
	if got := run.Content(dir + "lines.txt"); got != "hello 2\n" {
		t.Errorf("lines.txt holds %q", got)
	}
	if got := run.Content(dir + "sub/copy"); got != "a,b\n1,2\n" {
		t.Errorf("sub/copy holds %q", got)
	}
	out = taskstest.Must(t, run, withStorage(run, local), `
type: io.kestra.plugin.scripts.shell.Commands
inputFiles: "{{ inputs.more }}"
outputDirectory: true
commands: ["cat inner.txt > {{ outputDir }}/a.txt", "mkdir $OUTPUT_DIR/sub; echo b > $OUTPUT_DIR/sub/b.txt"]`)
	if !strings.Contains(out, `"outputFiles":{"a.txt":"`+dir+`a.txt","sub/b.txt":"`+dir+`sub/b.txt"}`) || run.Content(dir+"a.txt") != "from an expression" {
		t.Errorf("it puts out %s", out)
	}
}

// What stands outside of the working directory is never stored.
func TestOutputFilesStayInside(t *testing.T) {
	run := sdktest.New(t)
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := taskstest.Must(t, run, types(local), `
type: io.kestra.plugin.scripts.shell.Commands
outputFiles: ["**", "../*", "../../**", %s, "link.txt", "dir/**"]
commands:
  - ln -s %s link.txt
  - ln -s %s dir
  - mkfifo pipe`, secret, secret, filepath.Dir(secret))
	if !strings.Contains(out, `"outputFiles":{}`) {
		t.Errorf("it stores %s", out)
	}
}

// Secrets are in no argument of any process: neither those of commands nor those of scripts.
func TestSecretsAreNotInProcessLists(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: processes are looked at in /proc")
	}
	program(t, "python3")
	for _, yaml := range []string{
		"type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['TOKEN={{ secret }}; cat /proc/[0-9]*/cmdline | tr \"\\0\" \" \"']",
		"type: io.kestra.plugin.scripts.shell.Script\ninterpreter: [/usr/bin/env, sh, -c]\nscript: 'TOKEN={{ secret }}; cat /proc/[0-9]*/cmdline | tr \"\\0\" \" \"'",
		"type: io.kestra.plugin.scripts.python.Script\nscript: |\n  import glob\n  token = '{{ secret }}'\n  for f in glob.glob('/proc/[0-9]*/cmdline'):\n    try: print(open(f).read())\n    except OSError: pass",
		"type: io.kestra.plugin.scripts.shell.Commands\nbeforeCommands: ['export X={{ secret }}']\ncommands: ['cat /proc/[0-9]*/cmdline | tr \"\\0\" \" \"']",
	} {
		run := sdktest.New(t)
		run.Vars["secret"] = "hunter2-in-no-list"
		taskstest.Must(t, run, types(local), "%s", yaml)
		if logged := run.Logged(); strings.Contains(logged, "hunter2-in-no-list") || !strings.Contains(logged, "sh") {
			t.Errorf("%s: %s", yaml, logged)
		}
	}
}

func TestEnvironment(t *testing.T) {
	run := sdktest.New(t)
	run.Is.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	run.Vars["more"] = map[string]any{"A": 1, "B": "{{ not rendered }}"}
	taskstest.Must(t, run, types(local), `
type: io.kestra.plugin.scripts.shell.Commands
env: "{{ more }}"
commands: ['echo "$A $B $TRACEPARENT"', 'env | grep -c WINDHOVER_COMMANDS || true']`)
	if got, want := run.Logged(), "1 {{ not rendered }} "+run.Is.TraceParent+"\n0"; got != want {
		t.Errorf("it logs %q, not %q", got, want)
	}
	if got := taskstest.Fails(t, run, types(local), "type: io.kestra.plugin.scripts.shell.Commands\nenv: {'A=B': c}\ncommands: ['true']"); got != `env: "A=B" cannot be an environment variable` {
		t.Errorf("it fails with %q", got)
	}
}

func TestFailFast(t *testing.T) {
	for yaml, want := range map[string]string{
		"commands: ['false', 'echo on']":                                     "Command failed with exit code 1",
		"failFast: false\ncommands: ['false', 'echo on']":                    "",
		"failFast: false\ncommands: ['echo on', 'exit 9']":                   "Command failed with exit code 9",
		"beforeCommands: ['exit 4']\ncommands: ['echo on']":                  "Command failed with exit code 4",
		"interpreter: [/bin/bash, -c]\ncommands: ['false | true', 'exit 5']": "Command failed with exit code 5",
		"commands: ['kill -KILL $$']": "Command failed with exit code 137: it was killed by somebody else than this server (signal 9); " +
			"the kernel does so where memory runs out",
	} {
		_, err := taskstest.Run(t, sdktest.New(t), types(local), "type: io.kestra.plugin.scripts.shell.Commands\n"+yaml)
		if got := message(err); got != want {
			t.Errorf("%s: %q, not %q", yaml, got, want)
		}
	}
}

func TestWarning(t *testing.T) {
	for yaml, want := range map[string]bool{
		"commands: ['echo x >&2']":                        false,
		"warningOnStdErr: true\ncommands: ['echo x >&2']": true,
		"warningOnStdErr: true\ncommands: ['echo x']":     false,
	} {
		if got := outputOf(t, yaml).Warning(); got != want {
			t.Errorf("%s: %v", yaml, got)
		}
	}
}

// outputOf runs commands that succeed.
func outputOf(t *testing.T, yaml string) script.Output {
	t.Helper()
	var got script.Output
	run := sdktest.New(t)
	out, err := taskstest.Decoded[sdk.Task](t, run, types(local), "type: io.kestra.plugin.scripts.shell.Commands\n"+yaml).Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	got = out.(script.Output)
	return got
}

func TestQuota(t *testing.T) {
	cfg := local
	cfg.Quota = 1 << 20
	began := time.Now()
	got := taskstest.Fails(t, sdktest.New(t), types(cfg), "type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['mkdir a; head -c 3000000 /dev/zero > a/b; sleep 300']")
	if !strings.HasPrefix(got, "the working directory is full: it holds 3") || !strings.HasSuffix(got, "more than the 1048576 that tasks.scripts.quota allows") {
		t.Errorf("it fails with %q", got)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it takes %v", took)
	}
	taskstest.Must(t, sdktest.New(t), types(cfg), "type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['head -c 1000000 /dev/zero > a; sleep 0.3']")
}

// counting counts what is logged, and forgets it.
type counting struct {
	*sdktest.Run
	lines, bytes atomic.Int64
	peak         uint64
}

func (c *counting) Log(_ sdk.Level, format string, _ ...any) {
	c.bytes.Add(int64(len(format)))
	if c.lines.Add(1)%500 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.peak = max(c.peak, m.HeapAlloc)
	}
}

// Three hundred megabytes in one line, and a hundred in many: memory stays what it is.
func TestFlood(t *testing.T) {
	const size = 300 << 20
	run := &counting{Run: sdktest.New(t)}
	task := taskstest.Decoded[sdk.Task](t, run.Run, types(local), fmt.Sprintf(`
type: io.kestra.plugin.scripts.shell.Commands
commands: ["head -c %d /dev/zero | tr '\\000' x", "echo", "yes 0123456789 | head -c %d"]`, size, 11*(1<<20)))
	out, err := task.Run(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := run.bytes.Load(), int64(size+10*(1<<20)); got != want {
		t.Errorf("%d bytes are logged, not %d", got, want)
	}
	if got := out.(script.Output).StdOut; got != 1+1<<20 {
		t.Errorf("%d lines are counted", got)
	}
	if run.peak > 64<<20 {
		t.Errorf("it takes %d MB of memory", run.peak>>20)
	}
}

var errKilled = errors.New("killed")

func TestKill(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	run := &noticing{Run: sdktest.New(t), notice: func() { cancel(errKilled) }}
	task := taskstest.Decoded[sdk.Task](t, run.Run, types(local), "type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['echo ready; sleep 1000']")
	if out, err := task.Run(ctx, run); !errors.Is(err, errKilled) || out != nil {
		t.Errorf("it ends with %v, %v", out, err)
	}
}

// noticing calls a function at the first line.
type noticing struct {
	*sdktest.Run
	notice func()
}

func (n *noticing) Log(sdk.Level, string, ...any) { n.notice() }
