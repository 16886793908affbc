package process

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/windhover-io/windhover/internal/taskrunner"
)

type platform struct{}

func (h *host) prepare() error { return nil }

// group is a command with all that it starts: a job object, which no process leaves, and which the system ends when the server
// has gone.
type group struct {
	process *os.Process
	job     windows.Handle
	state   *os.ProcessState
}

func (h *host) start(program string, c *taskrunner.Command, env []string, stdout, stderr *os.File) (*group, error) {
	job, err := h.newJob()
	if err != nil {
		return nil, fmt.Errorf("making a job object: %w", err)
	}
	p, err := os.StartProcess(program, c.Args, &os.ProcAttr{
		Dir: c.Dir, Env: env, Files: []*os.File{h.null, stdout, stderr},
		Sys: &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_SUSPENDED},
	})
	if err != nil {
		_ = windows.CloseHandle(job)
		return nil, err
	}
	if err := admit(p.Pid, job); err != nil {
		_ = p.Kill()
		_ = windows.CloseHandle(job)
		return nil, fmt.Errorf("putting it into a job object: %w", err)
	}
	return &group{process: p, job: job}, nil
}

// newJob makes a job object with the configured limits.
func (h *host) newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	if l := h.cfg.Limits; l.Memory > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_PROCESS_MEMORY
		info.ProcessMemoryLimit = uintptr(l.Memory)
	}
	if l := h.cfg.Limits; l.Processes > 0 {
		info.BasicLimitInformation.LimitFlags |= windows.JOB_OBJECT_LIMIT_ACTIVE_PROCESS
		info.BasicLimitInformation.ActiveProcessLimit = uint32(l.Processes)
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job)
		return 0, err
	}
	return job, nil
}

var resume = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtResumeProcess")

// admit puts a process that was started suspended into a job, so that nothing that it starts stays outside, and lets it run.
func admit(pid int, job windows.Handle) error {
	h, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE|windows.PROCESS_SUSPEND_RESUME, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	if err := windows.AssignProcessToJobObject(job, h); err != nil {
		return err
	}
	if status, _, _ := resume.Call(uintptr(h)); status != 0 {
		return fmt.Errorf("resuming it failed with status %#x", status)
	}
	return nil
}

func (g *group) wait() { g.state, _ = g.process.Wait() }

// terminate asks the command to end. Only programs that share a console with the server hear it: if there is none, as in a
// service, nothing is gained by waiting.
func (g *group) terminate() {
	if err := windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(g.process.Pid)); err != nil {
		g.kill()
	}
}

// killedCode is the exit code of processes that this server ends.
const killedCode = 137

func (g *group) kill() { _ = windows.TerminateJobObject(g.job, killedCode) }

// linger waits for nothing: what is left when the command has ended is ended by finish.
func (g *group) linger(<-chan time.Time) {}

func (g *group) finish() (end ending, left int) {
	left = g.running()
	g.kill()
	_ = windows.CloseHandle(g.job)
	if g.state == nil {
		return ending{code: killedCode, reason: "how it ended is not known"}, left
	}
	return ending{code: g.state.ExitCode()}, left
}

// running counts the processes of the job.
func (g *group) running() int {
	var info struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64
		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses     uint32
	}
	const basicAccounting = 1
	if err := windows.QueryInformationJobObject(g.job, basicAccounting, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)), nil); err != nil {
		return 0
	}
	return int(info.ActiveProcesses)
}
