//go:build unix

package process

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/windhover-io/windhover/internal/taskrunner"
)

// group is a command with all that it starts: a session and a process group of their own. Nothing of it has a terminal that it
// could ask somebody for a password on.
type group struct {
	host *host
	pid  int // of the command, and the number of the group
	mark string

	status syscall.WaitStatus // once wait has returned
}

func (h *host) start(program string, c *taskrunner.Command, env []string, stdout, stderr *os.File) (*group, error) {
	g := &group{host: h, mark: h.newMark()}
	if g.mark != "" {
		env = append(env, g.mark)
	}
	pid, err := h.spawn(program, c.Args, &syscall.ProcAttr{
		Dir: c.Dir, Env: env, Files: []uintptr{h.null.Fd(), stdout.Fd(), stderr.Fd()}, Sys: attributes(),
	})
	if err != nil {
		return nil, err
	}
	g.pid = pid
	return g, nil
}

// wait waits until the command has ended. Others of its group may still run.
func (g *group) wait() {
	for {
		if _, err := syscall.Wait4(g.pid, &g.status, 0, nil); !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// A group's number is not given to another one while one of its processes is there, so a signal cannot reach anybody else but
// in the moment between the end of the last of them and the signal; numbers are given in a circle, so even then it would have
// to go round in that moment.
func (g *group) signal(s syscall.Signal) error { return syscall.Kill(-g.pid, s) }

// terminate asks all of the group to end.
func (g *group) terminate() { _ = g.signal(syscall.SIGTERM) }

// kill ends all of the group.
func (g *group) kill() { _ = g.signal(syscall.SIGKILL) }

// pause is how long is waited between two looks at a group that is ending.
const pause = 2 * time.Millisecond

// linger waits until all of the group have ended, or for the channel.
func (g *group) linger(end <-chan time.Time) {
	for g.running() > 0 {
		select {
		case <-end:
			return
		case <-time.After(5 * pause):
		}
	}
}

// stubborn bounds how long a process may take to die that was killed; one that waits for a disk or a network drive does not
// die before that answers.
const stubborn = 5 * time.Second

// finish ends what is left of the group and what has got away from it, and tells how the command ended and how many processes
// it had left running.
func (g *group) finish() (end ending, left int) {
	left = g.running()
	if left > 0 {
		g.kill()
	}
	for late := time.Now().Add(stubborn); left > 0 && g.running() > 0 && time.Now().Before(late); {
		time.Sleep(pause)
	}
	for reaped(-g.pid) {
		continue
	}
	return g.host.ending(g.status), left + g.strays()
}

// reaped takes note of the end of a process, or of one of a group (-pid), so that the system forgets it. Only a server that is
// the first process of its container has such children: those whose parents have ended.
func reaped(pid int) bool {
	n, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	return err == nil && n > 0
}

// running counts the processes of the group. Once the command itself has ended this is one system call where it leaves none.
func (g *group) running() int {
	if err := g.signal(0); errors.Is(err, syscall.ESRCH) {
		return 0
	}
	return g.count()
}

// ending tells how a command ended. A shell that tells of a signal does so by a code above 128.
func (h *host) ending(s syscall.WaitStatus) ending {
	switch {
	case s.Signaled():
		return ending{128 + int(s.Signal()), h.signalled(s.Signal(), "it was")}
	case s.ExitStatus() > 128 && s.ExitStatus() < 160:
		return ending{s.ExitStatus(), h.signalled(syscall.Signal(s.ExitStatus()-128), "a process of it may have been")}
	}
	return ending{code: s.ExitStatus()}
}

func (h *host) signalled(s syscall.Signal, what string) string {
	switch {
	case s != syscall.SIGKILL:
		return fmt.Sprintf("%s ended by signal %d (%s)", what, int(s), s)
	case h.outOfMemory():
		return what + " killed by the kernel, for memory ran out (signal 9)"
	}
	return what + " killed by somebody else than this server (signal 9); the kernel does so where memory runs out"
}
