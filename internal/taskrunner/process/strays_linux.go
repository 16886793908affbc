package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process leaves the group of its command by making a session of its own, as daemons do. It keeps the environment that it
// was started with, and in there the mark of its command. What has cleared its environment is not found, and nothing else
// tells it apart from processes of other people: who does not trust a script runs it in a container.

// markName is the variable that holds the mark: the namespace of process numbers, the server's number and its start, and the
// command's own number.
const markName = "WINDHOVER_PROCESS="

// ownMarks is what the marks of this server's commands begin with, "" where the system does not tell enough.
func ownMarks() string {
	space, err := os.Readlink("/proc/self/ns/pid")
	pid := os.Getpid()
	started, ok := startOf(pid)
	if err != nil || !ok {
		return ""
	}
	return fmt.Sprintf("%s%s/%d/%s/", markName, space, pid, started)
}

func (h *host) newMark() string {
	if h.marks == "" {
		return ""
	}
	return h.marks + strconv.FormatInt(h.marked.Add(1), 10)
}

// strays ends what has left the group, and what that has started since, and counts it. It looks at the processes that are
// younger than the command, which are few as a rule.
func (g *group) strays() int {
	g.host.leaders.Delete(g.pid)
	if g.mark == "" {
		return 0
	}
	found := map[int]bool{}
	for from, late := g.pid, time.Now().Add(stubborn); time.Now().Before(late); {
		last, running := lastPid(), 0
		for _, pid := range younger(from, last) {
			if g.owns(pid) {
				running++
				found[pid] = true
				end(pid, func() bool { return g.owns(pid) })
			}
		}
		if running == 0 && (last == 0 || last >= lastPid()) {
			break
		}
		if running == 0 {
			from = last // only those that came meanwhile
		} else {
			time.Sleep(pause)
		}
	}
	for pid := range found {
		bury(pid)
	}
	return len(found)
}

// bury waits until a process that was killed has died, where it has become a child of the server; a while after it can no
// longer be asked for its mark.
func bury(pid int) {
	for late := time.Now().Add(stubborn); time.Now().Before(late); time.Sleep(pause) {
		if n, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); n == pid || err != nil && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// owns tells whether a process is one of the command's.
func (g *group) owns(pid int) bool {
	if _, other := g.host.leaders.Load(pid); other || syscall.Kill(pid, 0) != nil {
		return false // most numbers are those of commands, of threads, or nobody's any more
	}
	mark, _ := markOf(pid)
	return mark == g.mark
}

// end kills a process if it still is the one that is meant: between a look and the signal its number may have gone to another
// one, which a handle on it excludes.
func end(pid int, still func() bool) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	if still() {
		_ = p.Kill()
	}
	_ = p.Release()
}

// markOf is the mark of a process, "" if it has none. It is not ok where there is no such process, or none that may be asked.
func markOf(pid int) (mark string, ok bool) {
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for tries := 0; err == nil && len(env) == 0 && tries < 3; tries++ { // it may be between two programs
		if state(pid) == 0 {
			return "", false
		}
		time.Sleep(pause)
		env, err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	}
	if err != nil {
		return "", false
	}
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.HasPrefix(v, []byte(markName)) {
			return string(v), true
		}
	}
	return "", true
}

// many is from how many numbers on it is cheaper to list the processes than to try each number.
const many = 2000

// younger lists processes with numbers above one, up to last: all there are where numbers have begun again, or last is
// not known.
func younger(than, last int) []int {
	var pids []int
	if last >= than && last-than < many {
		for pid := than + 1; pid <= last; pid++ {
			pids = append(pids, pid)
		}
		return pids
	}
	return processes()
}

func processes() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// load is the file that ends with the number that was given out last; it can be read again and again.
var load = sync.OnceValue(func() *os.File {
	f, err := os.Open("/proc/loadavg")
	if err != nil {
		return nil
	}
	return f
})

// lastPid is the number that was given out last, 0 if it is not known.
func lastPid() int {
	var buf [128]byte
	f := load()
	if f == nil {
		return 0
	}
	n, _ := f.ReadAt(buf[:], 0) // the end of the file is told as an error
	line := bytes.TrimSpace(buf[:n])
	last, _ := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	return last
}

// stat is what the kernel tells of a process, from its state on; nil if there is no such process.
func stat(pid int) []string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(line[bytes.LastIndexByte(line, ')')+1:])) // the name before may hold anything
	if len(fields) < 20 {
		return nil
	}
	return fields
}

// state is that of a process as the kernel writes it, 0 if it is gone or has ended.
func state(pid int) byte {
	fields := stat(pid)
	if fields == nil || fields[0] == "Z" || fields[0] == "X" {
		return 0
	}
	return fields[0][0]
}

// startOf is when a process began, in the kernel's ticks.
func startOf(pid int) (string, bool) {
	fields := stat(pid)
	if fields == nil {
		return "", false
	}
	return fields[19], true
}

// count counts the processes of the group that have not ended.
func (g *group) count() (n int) {
	number := strconv.Itoa(g.pid)
	for _, pid := range younger(g.pid-1, lastPid()) {
		if fields := stat(pid); fields != nil && fields[2] == number && fields[0] != "Z" && fields[0] != "X" {
			n++
		}
	}
	return n
}

// sweep ends what servers have left that were killed: processes whose mark names a server of this namespace that is no more.
func sweep() {
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return
	}
	for _, pid := range processes() {
		if mark, ok := markOf(pid); ok && abandoned(mark, space) {
			end(pid, func() bool { m, _ := markOf(pid); return m == mark })
		}
	}
}

// abandoned tells whether the server that a mark names has gone.
func abandoned(mark, space string) bool {
	parts := strings.Split(strings.TrimPrefix(mark, markName), "/")
	if len(parts) != 4 || parts[0] != space {
		return false
	}
	server, err := strconv.Atoi(parts[1])
	if err != nil {
		return false
	}
	started, running := startOf(server)
	return !running || started != parts[2]
}
