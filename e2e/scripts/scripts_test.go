//go:build linux

package scripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestScripts(t *testing.T) {
	s := newServer(t)
	t.Run("what one writes the next one reads", func(t *testing.T) { handOver(t, s) })
	t.Run("tasks share a directory", func(t *testing.T) { share(t, s) })
	t.Run("failures", func(t *testing.T) { failures(t, s) })
	t.Run("lines are read while the task runs, then it is killed", func(t *testing.T) { live(t, s) })
	t.Run("timeout", func(t *testing.T) { timeout(t, s) })
	t.Run("secrets", func(t *testing.T) { secrets(t, s) })
	s.nothingLeft()
}

func handOver(t *testing.T, s *server) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("SKIPPED: python3 is not on this machine")
	}
	id := s.begin(`
  - id: make
    type: io.kestra.plugin.scripts.shell.Script
    outputFiles: ["*.csv"]
    script: |
      printf 'a,b\n1,2\n3,4\n' > data.csv
      echo '::{"outputs":{"rows":2},"metrics":[{"name":"rows","type":"counter","value":2,"tags":{"file":"data.csv"}}]}::'
      printf '\033[32mgreen\033[0m\n'
      echo careful >&2
  - id: use
    type: io.kestra.plugin.scripts.python.Script
    inputFiles:
      data.csv: "{{ outputs.make.outputFiles['data.csv'] }}"
    env:
      ROWS: "{{ outputs.make.vars.rows }}"
    script: |
      import csv, json, os
      rows = list(csv.DictReader(open("data.csv")))
      assert len(rows) == int(os.environ["ROWS"])
      print("::" + json.dumps({"outputs": {"sum": sum(int(r["b"]) for r in rows)}}) + "::")
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "the sum is {{ outputs.use.vars.sum }}"
`)
	x := s.await(id)
	logged := s.logged(id)
	for _, line := range []string{"INFO \x1b[32mgreen\x1b[0m\n", "ERROR careful\n", "INFO the sum is 6\n"} {
		if !strings.Contains(logged, line) {
			t.Errorf("%q is missing in the log:\n%s", line, logged)
		}
	}
	made := x.outputs("make")
	if x.State.Current != "SUCCESS" || fmt.Sprint(made["exitCode"]) != "0" || fmt.Sprint(made["vars"]) != "map[rows:2]" {
		t.Errorf("it ends in %s and puts out %v", x.State.Current, made)
	}
	if got := s.content(id, made["outputFiles"].(map[string]any)["data.csv"].(string)); got != "a,b\n1,2\n3,4\n" {
		t.Errorf("the file holds %q", got)
	}
	if metrics := s.ask("GET", "/metrics/"+id, "", nil); !strings.Contains(metrics, `"name":"rows"`) {
		t.Errorf("metrics are %s", metrics)
	}
}

func share(t *testing.T, s *server) {
	id := s.begin(`
  - id: together
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles: {first.txt: one}
    outputFiles: ["*.txt"]
    tasks:
      - id: write
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["sed s/one/two/ first.txt > second.txt", "cp {{ workingDir }}/second.txt third.txt"]
      - id: read
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["[ \"$(cat second.txt third.txt)\" = \"two\ntwo\" ] || [ \"$(cat second.txt third.txt)\" = twotwo ]", "ls > list.txt"]
`)
	x := s.await(id)
	if x.State.Current != "SUCCESS" {
		t.Fatalf("it ends in %s: %s", x.State.Current, s.logged(id))
	}
	files := x.outputs("together")["outputFiles"].(map[string]any)
	if got := s.content(id, files["list.txt"].(string)); got != "first.txt\nlist.txt\nsecond.txt\nthird.txt\n" {
		t.Errorf("the directory held %q", got)
	}
}

func failures(t *testing.T, s *server) {
	for _, c := range []struct{ task, state, logged string }{
		{"type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['echo out', 'exit 3']", "FAILED", "ERROR Command failed with exit code 3\n"},
		{"type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['exit 3']\nallowFailure: true", "WARNING", "ERROR Command failed with exit code 3\n"},
		{"type: io.kestra.plugin.scripts.shell.Commands\nwarningOnStdErr: true\ncommands: ['echo x >&2']", "WARNING", "ERROR x\n"},
		{"type: io.kestra.plugin.scripts.shell.Commands\ninterpreter: [no-such-shell, -c]\ncommands: ['true']", "FAILED",
			"ERROR the program no-such-shell is not on this worker: install it there, or run the task in a container\n"},
		{"type: io.kestra.plugin.scripts.shell.Commands\ncommands: ['{{ nothing }}']", "FAILED", ""},
	} {
		id := s.begin("  - id: one\n    " + strings.ReplaceAll(c.task, "\n", "\n    ") + "\n")
		x := s.await(id)
		if logged := s.logged(id); x.State.Current != c.state || !strings.Contains(logged, c.logged) {
			t.Errorf("%s: it ends in %s and logs %s", c.task, x.State.Current, logged)
		}
	}
}

// live follows a task that goes on for hours, and kills it.
func live(t *testing.T, s *server) {
	first, second := nap(), nap()
	id := s.begin(`
  - id: long
    type: io.kestra.plugin.scripts.shell.Script
    script: |
      echo it runs
      setsid ` + first + ` &
      ` + second + `
`)
	s.until("its line can be read", func() bool { return strings.Contains(s.logged(id), "INFO it runs\n") })
	s.until("both run", func() bool { return len(asleep(first)) == 1 && len(asleep(second)) == 1 })
	s.ask("DELETE", "/executions/"+id+"/kill", "", nil)
	if x := s.await(id); x.State.Current != "KILLED" {
		t.Errorf("it ends in %s", x.State.Current)
	}
	s.nothingLeft(first, second)
}

func timeout(t *testing.T, s *server) {
	long := nap()
	id := s.begin(`
  - id: long
    type: io.kestra.plugin.scripts.shell.Commands
    timeout: PT0.5S
    commands: ["trap '' TERM; ` + long + `"]
`)
	x := s.await(id)
	if logged := s.logged(id); x.State.Current != "FAILED" || !strings.Contains(logged, "ERROR Timeout after 00:00:00.500") {
		t.Errorf("it ends in %s and logs %s", x.State.Current, logged)
	}
	s.nothingLeft(long)
}

func secrets(t *testing.T, s *server) {
	id := s.begin(`
  - id: tell
    type: io.kestra.plugin.scripts.shell.Commands
    env: {TOKEN: "{{ secret('TOKEN') }}"}
    commands:
      - echo "the token is $TOKEN and {{ secret('TOKEN') }}"
      - cat /proc/[0-9]*/cmdline | tr '\0' ' ' | grep -c 'hunter2-hid[d]en' || echo in no list
      - echo "the server's is ${DATABASE_PASSWORD-hidden}"
`)
	x := s.await(id)
	logged := s.logged(id)
	for _, line := range []string{"INFO the token is ****** and ******\n", "INFO in no list\n", "INFO the server's is hidden\n"} {
		if !strings.Contains(logged, line) {
			t.Errorf("%s is missing in:\n%s", line, logged)
		}
	}
	if x.State.Current != "SUCCESS" || strings.Contains(logged, "hunter2-hidden") {
		t.Errorf("it ends in %s", x.State.Current)
	}
}

// A worker that stops ends its tasks; they begin again with the next one. So they do when it is killed.
func TestServerEnds(t *testing.T) {
	for name, signal := range map[string]os.Signal{"stopped": interrupt, "killed": os.Kill} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			marks := filepath.Join(t.TempDir(), "marks")
			first, second := nap(), nap()
			id := s.begin(`
  - id: long
    type: io.kestra.plugin.scripts.shell.Script
    script: |
      echo begun >> ` + marks + `
      [ "$(wc -l < ` + marks + `)" = 1 ] || exit 0
      setsid ` + first + ` &
      ` + second + `
`)
			s.until("it runs", func() bool { return len(asleep(first)) == 1 && len(asleep(second)) == 1 })
			s.end(signal)
			if signal == interrupt && len(asleep(first))+len(asleep(second)) > 0 {
				t.Error("processes are left when the server has stopped")
			}
			s.start()
			if x := s.await(id); x.State.Current != "SUCCESS" {
				t.Errorf("it ends in %s: %s", x.State.Current, s.logged(id))
			}
			if b, err := os.ReadFile(marks); err != nil || string(b) != "begun\nbegun\n" {
				t.Errorf("it began %q, %v", b, err)
			}
			s.nothingLeft(first, second)
		})
	}
}
