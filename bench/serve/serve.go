// Package serve starts a server to be measured, and tells what it costs.
package serve

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Server is a process under measurement. A nil Server costs nothing.
type Server struct {
	URL  string
	Took time.Duration // from the start of the process to its first answer

	cmd  *exec.Cmd
	temp string
}

// Start starts the binary as a local server at the URL and waits for its first answer. The data directory is a temporary
// one when data is "", none when it is "-".
func Start(binary, url, data string) (*Server, error) {
	s := &Server{URL: url}
	args := []string{"server", "local", "--port", url[strings.LastIndexByte(url, ':')+1:], "--log-level", "warn"}
	switch data {
	case "-":
		args = append(args, "--memory")
	case "":
		dir, err := os.MkdirTemp("", "windhover-bench-")
		if err != nil {
			return nil, err
		}
		s.temp = dir
		args = append(args, "--data", dir)
	default:
		args = append(args, "--data", data)
	}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		resp, err := http.Get(url + "/ping")
		if err == nil {
			_ = resp.Body.Close()
			s.Took = time.Since(began)
			return s, nil
		}
		if time.Since(began) > 30*time.Second {
			s.Stop()
			return nil, errors.New("the server does not answer")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Stop ends the server and removes its temporary directory.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	if err := s.cmd.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "the server ended with:", err)
	}
	if s.temp != "" {
		_ = os.RemoveAll(s.temp)
	}
}

// CPU is the CPU time that the server has used, from /proc; 0 where there is none.
func (s *Server) CPU() time.Duration {
	if s == nil {
		return 0
	}
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Memory is the resident memory of the server in bytes.
func (s *Server) Memory() int {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb << 10
		}
	}
	return 0
}
