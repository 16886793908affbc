package process

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// platform is what the host needs to know of the system.
type platform struct {
	marks   string // what the marks of this server's commands begin with
	marked  atomic.Int64
	leaders sync.Map // the numbers of the commands that run
	memory  sync.Mutex
	victims int // the processes that the kernel has killed for memory, when it was last looked
}

func (h *host) prepare() error {
	h.marks = ownMarks()
	h.outOfMemory()
	sweep()
	return nil
}

// attributes make a command the leader of a session, and let the kernel end it with the server. What it has started survives
// a server that is killed; the next one finds it by its mark.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// spawner starts processes from threads that never end: for the kernel, the thread that starts a process is its parent, and
// the process would be ended with that. One process is started at a time; what the others do is to be ready for it.
var spawner = sync.OnceValue(func() chan<- func() {
	starts := make(chan func())
	for range 4 {
		go func() {
			runtime.LockOSThread()
			for start := range starts {
				start()
			}
		}()
	}
	return starts
})

// spawn starts a process. Limits are set when it has begun, which is long before it has read its program; they are to hold
// programs that go wrong, not ones that are out for it.
func (h *host) spawn(program string, args []string, attr *syscall.ProcAttr) (pid int, err error) {
	done := make(chan struct{})
	spawner() <- func() {
		defer close(done)
		if pid, err = syscall.ForkExec(program, args, attr); err == nil {
			h.leaders.Store(pid, true)
			h.cfg.Limits.set(pid)
		}
	}
	<-done
	return pid, err
}

func (l Limits) set(pid int) {
	if l == (Limits{}) {
		return
	}
	for resource, n := range map[int]int64{
		unix.RLIMIT_AS: l.Memory, unix.RLIMIT_FSIZE: l.FileSize, unix.RLIMIT_CPU: int64(l.CPU.Seconds()),
		unix.RLIMIT_NOFILE: l.OpenFiles, unix.RLIMIT_NPROC: l.Processes,
	} {
		if n <= 0 {
			continue
		}
		limit := unix.Rlimit{Cur: uint64(n), Max: uint64(n)}
		_ = unix.Prlimit(pid, resource, &limit, nil) // it fails where the process has ended, or the limit is above the server's own
	}
}

// outOfMemory tells whether the kernel has killed a process for memory since it was last asked. That need not have been of
// ours, but where one of ours was killed at that time it is the likely reason.
func (h *host) outOfMemory() bool {
	h.memory.Lock()
	defer h.memory.Unlock()
	stats, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return false
	}
	_, rest, ok := bytes.Cut(stats, []byte("\noom_kill "))
	if !ok {
		return false
	}
	number, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.Atoi(string(number))
	before := h.victims
	h.victims = n
	return err == nil && n > before
}
