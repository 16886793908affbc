package fs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/kv"
	tasks "github.com/windhover-io/windhover/internal/tasks/fs"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// key is a private key of the user, as a property.
func key(t *testing.T, property, name string) string {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(servers.Dir("sshd"), name))
	if err != nil {
		t.Fatal(err)
	}
	return property + ": |\n  " + string(bytes.ReplaceAll(bytes.TrimSpace(pem), []byte("\n"), []byte("\n  "))) + "\n"
}

func TestKeys(t *testing.T) {
	_, head := login(t)
	run := sdktest.New(t)
	for _, k := range []string{key(t, "keyfile", "user_key"), key(t, "keyfile", "locked_key") + "passphrase: a long one\n"} {
		taskstest.Must(t, run, types(t), "%s", "type: io.kestra.plugin.fs.sftp.List\nfrom: /none\n"+head+k)
	}
	got := taskstest.Fails(t, run, types(t), "%s", "type: io.kestra.plugin.fs.sftp.List\nfrom: /none\n"+head+key(t, "keyfile", "locked_key")+"passphrase: wrong\n")
	if why, _, _ := strings.Cut(got, "\n"); !strings.Contains(why, "keyfile") || strings.Contains(why, "wrong") {
		t.Error(got)
	}
}

// command runs commands on the real server.
func command(t *testing.T, run *sdktest.Run, props string, commands ...string) (string, error) {
	t.Helper()
	_, head := login(t)
	yaml := "type: io.kestra.plugin.fs.ssh.Command\n" + head + props + "commands:\n"
	for _, c := range commands {
		quoted, _ := json.Marshal(c)
		yaml += "  - " + string(quoted) + "\n"
	}
	return taskstest.Run(t, run, types(t), yaml)
}

func TestCommand(t *testing.T) {
	run := sdktest.New(t)
	run.Vars["who"] = "Ada"
	out, err := command(t, run, "password: windhover\nenv: {GREETING: 'hello {{ who }}', OTHER: x}\n",
		"cd /tmp", "echo $GREETING from $PWD", "echo oops >&2", `echo '::{"outputs":{"n":3},"metrics":[{"name":"rows","type":"counter","value":2}]}::'`, "printf unended")
	if err != nil || out != `{"vars":{"n":3},"exitCode":0}` {
		t.Errorf("%s %v", out, err)
	}
	slices.SortStableFunc(run.Logs, func(a, b sdktest.Line) int { return int(a.Level) - int(b.Level) }) // two outputs
	want := []sdktest.Line{{Level: sdk.LevelInfo, Text: "hello Ada from /tmp"}, {Level: sdk.LevelInfo, Text: "unended"}, {Level: sdk.LevelWarn, Text: "the server does not accept the environment variable OTHER"}, {Level: sdk.LevelError, Text: "oops"}}
	if d := cmp.Diff(want, run.Logs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]sdktest.Metric{{Type: "counter", Name: "rows", Value: 2}}, run.Metrics); d != "" {
		t.Error(d)
	}
	out, err = command(t, run, "password: windhover\n", `echo '::{"outputs":{"n":4}}::'`, "exit 3")
	var partial *sdk.OutputError
	if !errors.As(err, &partial) || !strings.Contains(err.Error(), "exit code 3") {
		t.Fatalf("%s %v", out, err)
	}
	if o := partial.Outputs.(tasks.CommandOutput); o.ExitCode != 3 || value.Print(o.Vars) != `{"n":4}` {
		t.Errorf("%+v", o)
	}
	if _, err = command(t, run, "password: windhover\n", "kill -9 $$"); err == nil || !strings.Contains(err.Error(), "signal KILL") {
		t.Error(err)
	}
}

func TestCommandLogin(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	host, head := login(t)
	at := strings.Trim(strings.Split(strings.Split(head, "port: ")[1], "\n")[0], "'")
	pub, err := os.ReadFile(filepath.Join(servers.Dir("sshd"), "host_key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	public := key(t, "privateKey", "locked_key") + "authMethod: PUBLIC_KEY\nprivateKeyPassphrase: a long one\n"
	for _, c := range []struct{ known, props, want string }{
		{"", public, ""},
		{"", public + "proxyCommand: exec bash -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3'\n", ""},
		{"", public + "proxyCommand: exit 1\n", "handshake failed"},
		{"", "password: wrong-secret\n", "does not let windhover-sftp in"},
		{"", "", "password is required"},
		{"", "authMethod: PUBLIC_KEY\n", "privateKey is required"},
		{"", "authMethod: OPEN_SSH\n", "allow-open-ssh-config"},
		{"", public + "strictHostKeyChecking: 'yes'\n", "known_hosts"},
		{"other.example.com " + string(pub), public + "strictHostKeyChecking: ask\n", "key is unknown"},
		{knownhosts.Normalize(net.JoinHostPort(host, at)) + " " + string(pub), public + "strictHostKeyChecking: 'yes'\n", ""},
		{"", public + "strictHostKeyChecking: perhaps\n", "neither yes nor no"},
	} {
		if c.known != "" {
			write(t, filepath.Join(home, ".ssh", "known_hosts"), c.known)
		}
		_, err := command(t, sdktest.New(t), c.props, "true")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wrong-secret")) {
			t.Errorf("%s: %v", c.props, err)
		}
	}
}

// TestOpenSSH: where it is allowed, a server may be called what the worker's configuration calls it.
func TestOpenSSH(t *testing.T) {
	host, head := login(t)
	at := strings.Trim(strings.Split(strings.Split(head, "port: ")[1], "\n")[0], "'")
	config := filepath.Join(t.TempDir(), "config")
	write(t, config, "Host web\n  HostName "+host+"\n  Port "+at+"\n  User windhover-sftp\n  IdentityFile "+path.Join(servers.Dir("sshd"), "user_key")+"\nHost far\n  ProxyJump web\n")
	b := memory.New()
	t.Cleanup(func() { b.Close() })
	allowed := tasks.Types(kv.New(b.Documents()), []any{map[string]any{"type": "io.kestra.plugin.fs.ssh.Command", "values": map[string]any{"allow-open-ssh-config": true}}})
	yaml := "type: io.kestra.plugin.fs.ssh.Command\nauthMethod: OPEN_SSH\nopenSSHConfigPath: " + config + "\ncommands: ['true']\nhost: "
	taskstest.Must(t, sdktest.New(t), allowed, "%s", yaml+"web")
	for name, want := range map[string]string{"far": "ProxyJump", "none": "no IdentityFile"} {
		if got := taskstest.Fails(t, sdktest.New(t), allowed, "%s", yaml+name); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestCommandEnds: commands that ignore it are ended with their task.
func TestCommandEnds(t *testing.T) {
	run := sdktest.New(t)
	_, head := login(t)
	ctx, cancel := context.WithCancel(t.Context())
	yaml := "type: io.kestra.plugin.fs.ssh.Command\n" + head + "password: windhover\ncommands: ['echo $$; exec sleep 600']"
	task := taskstest.Decoded[sdk.Task](t, run, types(t), yaml)
	ended := make(chan error, 1)
	go func() {
		_, err := task.Run(ctx, run)
		ended <- err
	}()
	for end := time.Now().Add(20 * time.Second); run.Logged() == "" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	pid, err := strconv.Atoi(run.Logged())
	if err != nil {
		t.Fatal(err)
	}
	sleeper, err := os.FindProcess(pid) // the server is this machine
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !errors.Is(sleeper.Signal(syscall.Signal(0)), os.ErrProcessDone); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("its process lives on")
		}
	}
}
