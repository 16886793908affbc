//go:build unix && !linux

package process

import (
	"syscall"
)

type platform struct{}

func (h *host) prepare() error { return nil }

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// spawn starts a process. Limits are not set here: only Linux can set those of another process.
func (h *host) spawn(program string, args []string, attr *syscall.ProcAttr) (int, error) {
	return syscall.ForkExec(program, args, attr)
}

// newMark marks nothing: the environment of other processes cannot be read here.
func (h *host) newMark() string { return "" }

// count is only asked where there is at least one.
func (g *group) count() int { return 1 }

// strays finds none: what has left the group is not known here.
func (g *group) strays() int { return 0 }

func (h *host) outOfMemory() bool { return false }
