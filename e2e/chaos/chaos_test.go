// Package chaos kills the real server at random moments, restarts it, and sees that nothing that was acknowledged is lost,
// doubled or ended differently.
package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/examples"
)

// flows are the examples that a run mixes: those that end by themselves.
var flows = []string{
	"hello-world", "for-each", "errors-and-finally", "retry", "dag", "branches", "parallel", "subflow", "poll-until-ready", "variables", "approval",
}

const (
	executions = 200
	kills      = 12
	patience   = 90 * time.Second
)

var client = &http.Client{Timeout: 10 * time.Second}

// server is a server of which a test may take the life.
type server struct {
	t    *testing.T
	bin  string
	dir  string
	port int
	cmd  *exec.Cmd
	log  *os.File
}

func newServer(t *testing.T) *server {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "windhover")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/windhover").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, bin: bin, dir: filepath.Join(t.TempDir(), "data"), port: port, log: log}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("the server's log:\n%s", tail(b, 8000))
		}
	})
	return s
}

func tail(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

func (s *server) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path) }

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, "server", "local", "--port", fmt.Sprint(s.port), "--data", s.dir)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for limit := time.Now().Add(20 * time.Second); ; {
		resp, err := client.Get(s.url("/ping"))
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(limit) {
			s.t.Fatal("the server does not answer")
		}
		time.Sleep(5 * time.Millisecond) // it is starting: there is nothing else to wait for
	}
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// create asks for an execution; ok tells whether the server has acknowledged it.
func (s *server) create(flow string) (id string, ok bool) {
	resp, err := client.Post(s.url("/api/v1/main/executions/tutorial/"+flow), "", nil)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	var x struct{ ID string }
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&x) != nil {
		return "", false
	}
	return x.ID, true
}

// execution is what a test looks at.
type execution struct {
	ID    string
	State struct{ Current string }
	Runs  []struct {
		ID     string
		TaskID string `json:"taskId"`
		Parent string `json:"parentTaskRunId"`
		Value  string
		State  struct{ Current string }
	} `json:"taskRunList"`
}

func (s *server) get(id string) (*execution, error) {
	resp, err := client.Get(s.url("/api/v1/main/executions/" + id))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", b)
	}
	x := &execution{}
	return x, json.Unmarshal(b, x)
}

// await waits until an execution has ended.
func (s *server) await(id string) *execution {
	s.t.Helper()
	for limit := time.Now().Add(patience); ; {
		x, err := s.get(id)
		if err != nil {
			s.t.Fatalf("execution %s was acknowledged: %v", id, err)
		}
		switch x.State.Current {
		case "SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED":
			return x
		}
		if time.Now().After(limit) {
			s.t.Fatalf("execution %s is still %s: %s", id, x.State.Current, s.explain(id))
		}
		time.Sleep(10 * time.Millisecond) // polled: a stream would end with every kill
	}
}

func (s *server) explain(id string) string {
	resp, err := client.Get(s.url("/api/v1/main/executions/" + id + "/explain"))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// outcome is how an execution ended, without what differs from run to run.
func (x *execution) outcome() string {
	names := map[string]string{}
	for _, r := range x.Runs {
		name := r.TaskID + "[" + r.Value + "]"
		if r.Parent != "" {
			name = names[r.Parent] + "/" + name
		}
		names[r.ID] = name
	}
	lines := make([]string, 0, len(x.Runs))
	for _, r := range x.Runs {
		lines = append(lines, names[r.ID]+" "+r.State.Current)
	}
	sort.Strings(lines)
	return x.State.Current + "\n" + strings.Join(lines, "\n")
}

func createFlows(t *testing.T, s *server) {
	t.Helper()
	entries, err := examples.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		src, err := examples.Files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Post(s.url("/api/v1/main/flows"), "application/x-yaml", bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK && !strings.Contains(string(b), "already exists") {
			t.Fatalf("%s: %s", e.Name(), b)
		}
	}
}

// TestKills runs a mix of executions while the server is killed again and again. Every one that was acknowledged ends as it
// does without kills.
func TestKills(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: killing servers takes a while")
	}
	s := newServer(t)
	s.start()
	createFlows(t, s)
	want := map[string]string{}
	for _, f := range flows {
		id, ok := s.create(f)
		if !ok {
			t.Fatalf("%s was not created", f)
		}
		want[f] = s.await(id).outcome()
	}
	rng := rand.New(rand.NewSource(1))
	acknowledged := map[string]string{} // id to flow
	next := 0
	for range kills {
		deadline := time.Now().Add(time.Duration(20+rng.Intn(400)) * time.Millisecond)
		for time.Now().Before(deadline) && next < executions {
			f := flows[next%len(flows)]
			if id, ok := s.create(f); ok {
				acknowledged[id] = f
			}
			next++
		}
		s.kill()
		s.start()
	}
	for ; next < executions; next++ {
		f := flows[next%len(flows)]
		if id, ok := s.create(f); ok {
			acknowledged[id] = f
		}
	}
	t.Logf("%d executions were acknowledged across %d kills", len(acknowledged), kills)
	for id, f := range acknowledged {
		if got := s.await(id).outcome(); got != want[f] {
			t.Errorf("%s %s ended differently:\n%s\n\nnot\n\n%s", f, id, got, want[f])
		}
	}
}
