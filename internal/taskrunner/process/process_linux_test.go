package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestLimits(t *testing.T) {
	cfg := Config{Limits: Limits{Memory: 1 << 30, FileSize: 1 << 20, CPU: time.Hour, OpenFiles: 64}}
	command := shell(t, "sleep 0.2; ulimit -v; ulimit -t; ulimit -n; head -c 5000000 /dev/zero > big || echo refused; wc -c < big")
	if _, err := runner(cfg).Run(t.Context(), sdktest.New(t), command); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(command.Stdout), "1048576\n3600\n64\nrefused\n1048576\n"; got != want {
		t.Errorf("it writes %q, not %q", got, want)
	}
}

// serve is set where the test program plays a server that is going to be killed.
const serve = "WINDHOVER_TEST_SERVE"

func TestMain(m *testing.M) {
	if script := os.Getenv(serve); script != "" {
		play(script)
	}
	os.Exit(m.Run())
}

// play runs a command until the program is killed, or tells what children it has had to take over.
func play(script string) {
	t := &testing.T{}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Println(err)
	}
	command := shellIn(os.TempDir(), script)
	command.Stdout = os.Stdout
	_, err := runner(Config{}).Run(context.Background(), sdktest.New(t), command)
	fmt.Println("ended:", err)
	fmt.Println("children:", unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil))
	os.Exit(1)
}

// A server that is the first process of a container inherits what its commands leave behind, and buries it.
func TestNoZombies(t *testing.T) {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serve+"=setsid "+nap(t)+" & (sleep 0.01 &) ; (setsid sh -c '"+nap(t)+" & "+nap(t)+"' &) ; sleep 0.2")
	out, _ := server.Output() // it always says that it failed
	if want := "ended: <nil>\nchildren: no child processes\n"; string(out) != want {
		t.Errorf("the server says %q, not %q", out, want)
	}
}

// A server that is killed takes its commands with it; what those have started is ended when the next server begins.
func TestServerIsKilled(t *testing.T) {
	first, second := nap(t), nap(t)
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), serve+"=setsid "+first+" & echo ready; exec "+second)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		t.Fatalf("the server says %q, %v", line, err)
	}
	wait(t, "both run", func() bool { return asleep(first) == 1 && asleep(second) == 1 })
	sweep()
	if asleep(first) != 1 || asleep(second) != 1 {
		t.Fatal("commands of a server that runs are ended")
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait() // it was killed
	wait(t, "the command ends", func() bool { return asleep(second) == 0 })
	sweep()
	wait(t, "what it started ends", func() bool { return asleep(first) == 0 })
}

// wait waits until something holds.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it does not come to it that", what)
		}
	}
}

func TestAbandoned(t *testing.T) {
	own := ownMarks()
	space, _, _ := strings.Cut(strings.TrimPrefix(own, markName), "/")
	started, _ := startOf(os.Getpid())
	for mark, want := range map[string]bool{
		own + "1": false, // this server runs
		fmt.Sprintf("%s%s/%d/%s1/1", markName, space, os.Getpid(), started): true, // its number is another one's now
		markName + space + "/99999999/1/1":                                  true,
		markName + "pid:[1]/99999999/1/1":                                   false, // a container's, which is none of our business
		markName + "x":                                                      false,
		"":                                                                  false,
	} {
		if got := abandoned(mark, space); got != want {
			t.Errorf("%q: %v", mark, got)
		}
	}
}

func BenchmarkTrue(b *testing.B) {
	typ := Types(Config{})[0]
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := typ.New().(*Runner).Run(b.Context(), nil, shellIn("/", "echo ok")); err != nil {
				b.Fatal(err)
			}
		}
	})
}
