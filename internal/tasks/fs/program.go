package fs

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// plain is what may be put into the command of a shell as it is.
var plain = regexp.MustCompile(`^[A-Za-z0-9._@:-]*$`)

// byProgram connects by the input and output of a command.
func byProgram(command string, host hostConfig) (net.Conn, error) {
	for _, v := range []string{host.name, host.port, host.user} {
		if !plain.MatchString(v) {
			return nil, fmt.Errorf("proxyCommand: %q has characters that mean something to a shell", v)
		}
	}
	command = strings.NewReplacer("%h", host.name, "%p", host.port, "%r", host.user, "%%", "%").Replace(command)
	shell := []string{"/bin/sh", "-c", command}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd.exe", "/c", command}
	}
	cmd := exec.Command(shell[0], shell[1:]...)
	for _, name := range []string{"PATH", "HOME", "SystemRoot", "USERPROFILE", "TEMP", "TMP"} { // the server's secrets are none of its business
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// pipes of the system, unlike those of exec, are not closed by Wait while somebody still reads
	out, into, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = into
	if err := errors.Join(cmd.Start(), into.Close()); err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("proxyCommand: %w", err)
	}
	return &programConn{out, in, cmd}, nil
}

// programConn is a connection by a command.
type programConn struct {
	io.ReadCloser
	in  io.WriteCloser
	cmd *exec.Cmd
}

func (c *programConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close ends the command.
func (c *programConn) Close() error {
	err := errors.Join(c.in.Close(), c.cmd.Process.Kill())
	_ = c.cmd.Wait() // that it was killed is no news
	return errors.Join(err, c.ReadCloser.Close())
}

// A command has no address and knows no deadlines: handshake and wait close the connection instead.

func (c *programConn) LocalAddr() net.Addr              { return programAddr{} }
func (c *programConn) RemoteAddr() net.Addr             { return programAddr{} }
func (c *programConn) SetDeadline(time.Time) error      { return nil }
func (c *programConn) SetReadDeadline(time.Time) error  { return nil }
func (c *programConn) SetWriteDeadline(time.Time) error { return nil }

type programAddr struct{}

func (programAddr) Network() string { return "program" }
func (programAddr) String() string  { return "0.0.0.0:0" }
