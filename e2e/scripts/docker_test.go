//go:build linux

package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/e2e/servers"
)

// engine is a real Docker engine.
type engine struct {
	t    *testing.T
	host string
}

func newEngine(t *testing.T) *engine {
	e := &engine{t, servers.Address(t, "docker")}
	t.Setenv("DOCKER_HOST", e.host)
	return e
}

// ask asks the engine by its own command line.
func (e *engine) ask(args ...string) string {
	e.t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("docker %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// of are the containers of an execution.
func (e *engine) of(execution string, more ...string) []string {
	e.t.Helper()
	return strings.Fields(e.ask(append([]string{"ps", "-aq", "--no-trunc", "--filter", "label=kestra.io/execution-id=" + execution}, more...)...))
}

const dockerTask = `
  - id: task
    type: io.kestra.plugin.scripts.shell.Script
    containerImage: busybox
    taskRunner:
      type: io.kestra.plugin.scripts.runner.docker.Docker
`

func TestDocker(t *testing.T) {
	e := newEngine(t)
	s := newServer(t)
	t.Run("outputs and files", func(t *testing.T) { dockerFiles(t, s, e) })
	t.Run("the older form", func(t *testing.T) { dockerOlder(t, s, e) })
	t.Run("failures", func(t *testing.T) { dockerFailures(t, s, e) })
	t.Run("it is killed", func(t *testing.T) { dockerKilled(t, s, e) })
	t.Run("ten at once", func(t *testing.T) { dockerMany(t, s, e) })
	t.Run("tasks share a directory", func(t *testing.T) { dockerShared(t, s) })
	s.nothingLeft()
}

func (e *engine) nothingLeft(execution string) {
	e.t.Helper()
	if left := e.of(execution); len(left) > 0 {
		e.t.Errorf("containers are left: %v", left)
	}
}

func dockerFiles(t *testing.T, s *server, e *engine) {
	for _, strategy := range []string{"VOLUME", "MOUNT"} {
		id := s.begin(dockerTask + `
      fileHandlingStrategy: ` + strategy + `
    env: {TOKEN: "{{ secret('TOKEN') }}"}
    inputFiles: {in.txt: given}
    outputFiles: ["*.out"]
    script: |
      cp in.txt a.out
      echo more > "{{ outputDir }}/b.out"
      echo '::{"outputs":{"n":3}}::'
      echo "token $TOKEN"
      echo careful >&2
`)
		x := s.await(id)
		out := x.outputs("task")
		files, _ := out["outputFiles"].(map[string]any)
		a, _ := files["a.out"].(string)
		b, _ := files["b.out"].(string)
		vars, _ := out["vars"].(map[string]any)
		logged := s.logged(id)
		if x.State.Current != "SUCCESS" || vars["n"] != 3.0 || s.content(id, a) != "given" || s.content(id, b) != "more\n" {
			t.Errorf("%s: it ends in %s with %v", strategy, x.State.Current, out)
		}
		if !strings.Contains(logged, "ERROR careful") || strings.Contains(logged, "hunter2-hidden") {
			t.Errorf("%s: the log is %s", strategy, logged)
		}
		if details, _ := out["taskRunner"].(map[string]any); details["containerId"] == nil {
			t.Errorf("%s: the runner tells %v", strategy, details)
		}
		e.nothingLeft(id)
	}
}

func dockerOlder(t *testing.T, s *server, e *engine) {
	id := s.begin(`
  - id: task
    type: io.kestra.plugin.scripts.shell.Commands
    runner: DOCKER
    docker: {image: busybox, pullPolicy: NEVER, memory: {memory: 64MB}}
    commands: ["cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1; true"]
  - id: default
    type: io.kestra.plugin.scripts.shell.Commands
    runner: DOCKER
    commands: [echo of the language]
`)
	x := s.await(id)
	if logged := s.logged(id); x.State.Current != "SUCCESS" || !strings.Contains(logged, "INFO 67108864\n") || !strings.Contains(logged, "of the language") {
		t.Errorf("it ends in %s: %s", x.State.Current, logged)
	}
	e.nothingLeft(id)
}

func dockerFailures(t *testing.T, s *server, e *engine) {
	for name, c := range map[string]struct{ more, want string }{
		"exit code":     {"    script: exit 9", "Command failed with exit code 9"},
		"memory":        {"      memory: {memory: 64MB}\n    script: x=$(head -c 200000000 /dev/zero | tr '\\0' x)", "needed more memory than memory.memory allows"},
		"timeout":       {"    timeout: PT1S\n    script: trap '' TERM; while :; do sleep 0.1; done", "Timeout after 00:00:01.000"},
		"missing image": {"      pullPolicy: NEVER\n      image: missing:1\n    script: echo", "the image missing:1 is not there, and pullPolicy NEVER does not pull it"},
		"volumes":       {"      volumes: ['/:/host']\n    script: echo", "an administrator can set volume-enabled: true"},
		"no engine":     {"      host: unix:///nowhere/docker.sock\n    script: echo", "no Docker engine answers at unix:///nowhere/docker.sock: start it there"},
	} {
		id := s.begin(dockerTask + c.more + "\n")
		x := s.await(id)
		if logged := s.logged(id); x.State.Current != "FAILED" || !strings.Contains(logged, c.want) {
			t.Errorf("%s: it ends in %s: %s", name, x.State.Current, logged)
		}
		e.nothingLeft(id)
	}
}

func dockerKilled(t *testing.T, s *server, e *engine) {
	id := s.begin(dockerTask + "    script: sleep 1000 & sleep 1000\n")
	s.until("the container runs", func() bool { return len(e.of(id, "--filter", "status=running")) == 1 })
	s.ask("DELETE", "/executions/"+id+"/kill", "", nil)
	if x := s.await(id); x.State.Current != "KILLED" {
		t.Errorf("it ends in %s", x.State.Current)
	}
	s.until("the container is gone", func() bool { return len(e.of(id)) == 0 })
}

func dockerMany(t *testing.T, s *server, e *engine) {
	id := s.begin(`
  - id: all
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    concurrencyLimit: 0
    tasks:
      - id: one
        type: io.kestra.plugin.scripts.shell.Commands
        containerImage: busybox
        taskRunner: {type: io.kestra.plugin.scripts.runner.docker.Docker}
        commands: ["echo number {{ taskrun.value }}."]
`)
	x := s.await(id)
	logged := s.logged(id)
	for _, n := range []string{"1", "5", "10"} {
		if !strings.Contains(logged, "number "+n+".") {
			t.Errorf("%s is missing", n)
		}
	}
	if x.State.Current != "SUCCESS" {
		t.Errorf("it ends in %s: %s", x.State.Current, logged)
	}
	e.nothingLeft(id)
}

func dockerShared(t *testing.T, s *server) {
	task := func(id, command string) string {
		return `
      - id: ` + id + `
        type: io.kestra.plugin.scripts.shell.Commands
        containerImage: busybox
        taskRunner: {type: io.kestra.plugin.scripts.runner.docker.Docker}
        commands: ["` + command + `"]`
	}
	id := s.begin(`
  - id: dir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:` + task("write", "echo passed on > note.txt") + task("read", "cat note.txt") + "\n")
	if x := s.await(id); x.State.Current != "SUCCESS" || !strings.Contains(s.logged(id), "INFO passed on\n") {
		t.Errorf("it ends in %s: %s", x.State.Current, s.logged(id))
	}
}

// A container outlives its worker. The next one takes it up, even if it has ended meanwhile; if its task is killed instead,
// the container is removed.
func TestDockerWorkerDies(t *testing.T) {
	e := newEngine(t)
	for name, c := range map[string]struct {
		script, want string
		begun        string
	}{
		"it runs on":           {"      resume: true\n", "SUCCESS", "begun\n"},
		"it begins once more":  {"      resume: false\n", "SUCCESS", "begun\nbegun\n"},
		"it ends meanwhile":    {"", "SUCCESS", "begun\n"},
		"it is killed instead": {"", "KILLED", "begun\n"},
	} {
		t.Run(name, func(t *testing.T) {
			marks := t.TempDir()
			t.Setenv("WINDHOVER_TASKS_SCRIPTS_DOCKER_VOLUMEENABLED", "true")
			s := newServer(t)
			id := s.begin(dockerTask + `
      volumes: ["` + marks + `:/marks"]
` + c.script + `
    outputFiles: [result.txt]
    script: |
      echo begun >> /marks/begun
      echo '::{"outputs":{"before":1}}::'
      while [ ! -e /marks/go ]; do sleep 0.05; done
      echo done > result.txt
`)
			begun := func() string {
				b, _ := os.ReadFile(filepath.Join(marks, "begun"))
				return string(b)
			}
			goOn := func() {
				if err := os.WriteFile(filepath.Join(marks, "go"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.until("it has begun", func() bool { return begun() == "begun\n" && len(e.of(id, "--filter", "status=running")) == 1 })
			s.end(os.Kill)
			if got := e.of(id, "--filter", "status=running"); len(got) != 1 {
				t.Fatalf("the container of the dead worker: %v", got)
			}
			if name == "it ends meanwhile" {
				goOn()
				s.until("it has ended", func() bool { return len(e.of(id, "--filter", "status=exited")) == 1 })
			}
			s.start()
			if c.want == "KILLED" {
				s.ask("DELETE", "/executions/"+id+"/kill", "", nil)
			} else {
				s.until("it has begun as often as it is to", func() bool { return begun() == c.begun })
				goOn()
			}
			x := s.await(id)
			if x.State.Current != c.want || begun() != c.begun {
				t.Errorf("it ends in %s, and began %q: %s", x.State.Current, begun(), s.logged(id))
			}
			if c.want == "SUCCESS" {
				out := x.outputs("task")
				files, _ := out["outputFiles"].(map[string]any)
				uri, _ := files["result.txt"].(string)
				vars, _ := out["vars"].(map[string]any)
				if vars["before"] != 1.0 || s.content(id, uri) != "done\n" {
					t.Errorf("the outputs are %v", out)
				}
			}
			s.until("the container is gone", func() bool { return len(e.of(id)) == 0 })
		})
	}
}
