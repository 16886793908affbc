package schedule

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// The environment of a process that is to be killed: where it works, and with how many schedulers.
const (
	envDir        = "WINDHOVER_TEST_DIR"
	envSchedulers = "WINDHOVER_TEST_SCHEDULERS"
)

// killedPlan is how much is tested with processes that are killed: a day of 40 schedules, or a month of 2,000.
func killedPlan() plan {
	if os.Getenv("WINDHOVER_LONG") != "" {
		return size()
	}
	return plan{schedules: 40, span: 24 * time.Hour}
}

// TestKilled: the whole process is killed with -9 at random moments and started again, over and over, while its clock runs
// through the span; it stands a few minutes back after each start. Each date is executed once.
func TestKilled(t *testing.T) {
	for _, schedulers := range []int{1, 5} {
		t.Run(fmt.Sprint(schedulers, " schedulers"), func(t *testing.T) {
			dir := t.TempDir()
			r := rand.New(rand.NewPCG(2, uint64(schedulers)))
			kills, patience := 0, time.Duration(0)
			for !exists(filepath.Join(dir, "done")) {
				before, _ := os.ReadFile(filepath.Join(dir, "clock"))
				if lived(t, dir, "TestProcess", schedulers, patience+time.Duration(100+r.IntN(900))*time.Millisecond) {
					break
				}
				kills++
				if after, _ := os.ReadFile(filepath.Join(dir, "clock")); string(after) == string(before) {
					patience += 500 * time.Millisecond // a machine that is busy hardly comes to begin
				}
			}
			t.Logf("%d kills", kills)
			if kills == 0 {
				t.Error("it was never killed")
			}
			p := killedPlan()
			a := open(t, dir)
			compare(t, executed(t, a.Backend), expected(p, begins, begins.Add(p.span)))
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// begins is when the clock of a synctest bubble begins.
var begins = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lived starts a process, which is a test, and kills it after a while; true if it had come to its end before.
func lived(t *testing.T, dir, test string, schedulers int, while time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), envDir+"="+dir, envSchedulers+"="+strconv.Itoa(schedulers))
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	kill := time.NewTimer(while)
	defer kill.Stop()
	select {
	case err := <-ended:
		if err != nil {
			text, _ := os.ReadFile(out.Name())
			t.Fatalf("the process failed by itself: %v\n%s", err, text)
		}
		return true
	case <-kill.C:
		_ = cmd.Process.Kill()
		<-ended
		return false
	}
}

// TestProcess is the process that is killed; by itself it does nothing.
func TestProcess(t *testing.T) {
	dir := os.Getenv(envDir)
	if dir == "" {
		t.Skip("it is for TestKilled to start")
	}
	schedulers, err := strconv.Atoi(os.Getenv(envSchedulers))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { live(t, dir, schedulers) })
}

// live lets the clock run on from where an earlier process has noted it last.
func live(t *testing.T, dir string, schedulers int) {
	p := killedPlan()
	clock := filepath.Join(dir, "clock")
	goOn(t, clock)
	a := open(t, dir)
	save(t, a, p)
	var all []*mortal
	for i := range schedulers {
		all = append(all, begin(t, a, fmt.Sprint("scheduler-", i)))
	}
	synctest.Wait()
	end := begins.Add(p.span)
	for time.Now().Before(end) {
		note(t, clock, time.Now().Add(-5*time.Minute))
		time.Sleep(min(20*time.Minute, time.Until(end)))
	}
	time.Sleep(50 * time.Second)
	for _, m := range all {
		m.kill()
		<-m.done
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	note(t, filepath.Join(dir, "done"), time.Now())
}

// goOn lets the clock go on from where it was noted.
func goOn(t *testing.T, clock string) {
	t.Helper()
	text, err := os.ReadFile(clock)
	if err != nil {
		return // it begins
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(at))
}

// note writes a time, all or nothing.
func note(t *testing.T, path string, at time.Time) {
	t.Helper()
	if at.Before(begins) {
		return
	}
	if err := os.WriteFile(path+".new", []byte(at.UTC().Format(time.RFC3339)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
