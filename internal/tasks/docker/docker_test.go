package docker_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	engine "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks/docker"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func ask(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Errorf("docker %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// An image is built, named, run, and removed, by a real engine.
func TestTasks(t *testing.T) {
	t.Setenv("DOCKER_HOST", servers.Address(t, "docker"))
	types := docker.Types(engine.New(engine.Config{}), script.Deps{Registry: plugin.NewRegistry()})
	run := func(yaml string) (*sdktest.Run, string, error) {
		r := sdktest.New(t)
		r.Is.TaskRunID = model.NewID()
		out, err := taskstest.Run(t, r, types, yaml)
		return r, out, err
	}
	image := "windhover-test-" + strings.ToLower(model.NewID())
	built, out, err := run(`
type: io.kestra.plugin.docker.Build
tags: [` + image + `:1, "https://` + image + `:2"]
pull: false
dockerfile: |
  FROM busybox
  ARG WORD
  COPY words.txt /words.txt
  RUN echo $WORD >> /words.txt
  CMD ["cat", "/words.txt"]
buildArgs: {WORD: second}
labels: {of: test}
inputFiles: {words.txt: "first\n"}`)
	id := ask(t, "image", "inspect", "-f", "{{.Id}} {{.Config.Labels.of}}", image+":2")
	if err != nil || id != strings.TrimSuffix(strings.TrimPrefix(out, `{"imageId":"`), `"}`)+" test" || !strings.Contains(built.Logged(), "COPY words.txt") {
		t.Fatalf("the build gives %s, %v, and the image is %s", out, err, id)
	}
	if _, _, err := run("type: io.kestra.plugin.docker.cli.Tag\nsourceImage: " + image + ":1\ntargetImage: " + image); err != nil {
		t.Error(err)
	}
	r, _, err := run("type: io.kestra.plugin.docker.cli.Run\ncontainerImage: " + image + "\npullPolicy: NEVER")
	if err != nil || !strings.Contains(r.Logged(), "first") || !strings.Contains(r.Logged(), "second") {
		t.Errorf("the image's command: %v, %s", err, r.Logged())
	}
	r, out, err = run("type: io.kestra.plugin.docker.Run\ncontainerImage: busybox\nenv: {A: b}\ninputFiles: {in: given}\noutputFiles: [out]\ncommands: [sh, -c, 'echo $A; cp in out; exit 3']")
	if err == nil || err.Error() != "Command failed with exit code 3" || !strings.Contains(r.Logged(), "b") {
		t.Errorf("a command: %v, %s, %s", err, out, r.Logged())
	}
	_, out, err = run("type: io.kestra.plugin.docker.Run\ncontainerImage: busybox\nwait: false\ncommands: [sleep, '1000']")
	_, container, _ := strings.Cut(out, `"containerId":"`)
	container, _, _ = strings.Cut(container, `"`)
	if err != nil || ask(t, "inspect", "-f", "{{.State.Running}}", container) != "true" {
		t.Errorf("one that is not waited for: %v, %s", err, out)
	}
	if _, _, err = run("type: io.kestra.plugin.docker.Stop\nkill: true\ncontainerId: " + container); err != nil {
		t.Error(err)
	}
	if _, _, err = run("type: io.kestra.plugin.docker.Rm\ncontainerIds: [" + container + "]"); err == nil || !strings.Contains(err.Error(), "No such container") {
		t.Errorf("a container that is gone: %v", err)
	}
	if _, _, err = run("type: io.kestra.plugin.docker.Rm\nforce: true\nimageIds: [" + image + ":1, " + image + ":2, " + image + ":latest]"); err != nil {
		t.Error(err)
	}
	if left := ask(t, "images", "-q", image); left != "" {
		t.Errorf("images are left: %s", left)
	}
}

func TestErrors(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	types := docker.Types(engine.New(engine.Config{}), script.Deps{Registry: plugin.NewRegistry()})
	for yaml, want := range map[string]string{
		"type: io.kestra.plugin.docker.Pull\nimage: busybox":                                 "no Docker engine answers at unix:///nowhere/docker.sock",
		"type: io.kestra.plugin.docker.Run\ncontainerImage: busybox":                         "no Docker engine answers at unix:///nowhere/docker.sock",
		"type: io.kestra.plugin.docker.Build\ntags: [x]\ndockerfile: FROM busybox":           "no Docker engine answers at unix:///nowhere/docker.sock",
		"type: io.kestra.plugin.docker.Build\ntags: []\ndockerfile: FROM busybox":            "tags: at least one is required",
		"type: io.kestra.plugin.docker.Build\ntags: [x]\ndockerfile: F\nplatforms: [linux]":  `platforms: "linux" is none such as linux/amd64`,
		"type: io.kestra.plugin.docker.Stop\ncontainerId: x\nhost: unix:///elsewhere/a.sock": "no Docker engine answers at unix:///elsewhere/a.sock",
	} {
		if _, err := taskstest.Run(t, sdktest.New(t), types, yaml); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}
