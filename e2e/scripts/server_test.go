//go:build linux

// Package scripts runs flows with scripts through the real server, and looks at what is left of them on the machine.
package scripts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

var client = &http.Client{Timeout: patience}

// server is the real server.
type server struct {
	t         *testing.T
	bin, data string
	port      int
	cmd       *exec.Cmd
	log       *os.File
}

func newServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{t: t, bin: filepath.Join(dir, "windhover"), data: filepath.Join(dir, "data")}
	if out, err := exec.Command("go", "build", "-o", s.bin, "../../cmd/windhover").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if s.log, err = os.Create(filepath.Join(dir, "server.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.end(os.Kill)
		if t.Failed() {
			b, _ := os.ReadFile(s.log.Name())
			t.Logf("the server's log:\n%s", b[max(len(b)-8000, 0):])
		}
	})
	s.start()
	return s
}

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, "server", "local", "--port", fmt.Sprint(s.port), "--data", s.data)
	s.cmd.Env = append(os.Environ(), "WINDHOVER_TASKS_SCRIPTS_RUNNER=PROCESS", "WINDHOVER_TASKS_SCRIPTS_KILLGRACE=1s", "SECRET_TOKEN=aHVudGVyMi1oaWRkZW4=",
		"DATABASE_PASSWORD=of-the-server", "WINDHOVER_SERVER_TERMINATIONGRACEPERIOD=PT0.1S")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.until("the server answers", func() bool {
		resp, err := client.Get(s.url("/ping"))
		return err == nil && resp.Body.Close() == nil
	})
}

// end ends the server by a signal.
func (s *server) end(signal os.Signal) {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(signal)
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// until waits until something holds.
func (s *server) until(what string, holds func() bool) {
	s.t.Helper()
	for late := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			s.t.Fatalf("it does not come to it that %s", what)
		}
	}
}

func (s *server) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path) }

// ask sends a request and reads its answer into v, unless that is nil.
func (s *server) ask(method, path, body string, v any) string {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url("/api/v1/main"+path), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-yaml")
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	if v != nil {
		if err := json.Unmarshal(answer, v); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return string(answer)
}

// execution is what a test looks at.
type execution struct {
	ID    string
	State struct{ Current string }
	Runs  []struct {
		ID      string
		TaskID  string `json:"taskId"`
		State   struct{ Current string }
		Outputs map[string]any
	} `json:"taskRunList"`
}

// outputs are those of a task.
func (x *execution) outputs(task string) map[string]any {
	for _, r := range x.Runs {
		if r.TaskID == task {
			return r.Outputs
		}
	}
	return nil
}

// begin creates an execution of a flow with these tasks.
func (s *server) begin(tasks string) string {
	s.t.Helper()
	id := fmt.Sprintf("flow-%d", rand.Uint32())
	s.ask("POST", "/flows", "id: "+id+"\nnamespace: scripts\ntasks:\n"+tasks, nil)
	var x execution
	s.ask("POST", "/executions/scripts/"+id, "", &x)
	return x.ID
}

// await waits for the end of an execution.
func (s *server) await(id string) (x *execution) {
	s.t.Helper()
	s.until("the execution ends", func() bool {
		x = &execution{}
		s.ask("GET", "/executions/"+id, "", x)
		switch x.State.Current {
		case "SUCCESS", "WARNING", "FAILED", "KILLED":
			return true
		}
		return false
	})
	return x
}

// logged are the lines of an execution's log, each with its level.
func (s *server) logged(id string) string {
	s.t.Helper()
	var lines []struct{ Level, Message string }
	s.ask("GET", "/logs/"+id, "", &lines)
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(l.Level + " " + l.Message + "\n")
	}
	return out.String()
}

// content is that of a stored file.
func (s *server) content(execution, uri string) string {
	s.t.Helper()
	return s.ask("GET", "/executions/"+execution+"/file?path="+url.QueryEscape(uri), "", nil)
}

// nap is a command that sleeps for hours, and that can be told from all others on the machine.
func nap() string { return fmt.Sprintf("sleep %d.%d", 10000+rand.IntN(10000), rand.IntN(1_000_000)) }

// asleep are the numbers of the processes that run a command.
func asleep(command string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		args, err := os.ReadFile(f)
		if err == nil && string(bytes.TrimRight(bytes.ReplaceAll(args, []byte{0}, []byte{' '}), " ")) == command {
			pids = append(pids, filepath.Base(filepath.Dir(f)))
		}
	}
	return pids
}

// nothingLeft checks that no process and no directory is left.
func (s *server) nothingLeft(commands ...string) {
	s.t.Helper()
	for _, c := range commands {
		s.until("no process is left of "+c, func() bool { return len(asleep(c)) == 0 })
	}
	s.until("no file is left", func() bool {
		files, err := filepath.Glob(filepath.Join(s.data, "tmp", "*", "*"))
		return err == nil && len(files) == 0
	})
}

var interrupt = syscall.SIGTERM
