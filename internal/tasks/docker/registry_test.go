package docker_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/windhover-io/windhover/e2e/servers"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	engine "github.com/windhover-io/windhover/internal/taskrunner/docker"
	"github.com/windhover-io/windhover/internal/tasks/docker"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// newRegistry is a registry of images that asks for a password, and where it is.
func newRegistry(t *testing.T, user, password string) string {
	t.Helper()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// An image goes to a private registry and comes back from there, for whoever has its password.
func TestRegistry(t *testing.T) {
	t.Setenv("DOCKER_HOST", servers.Address(t, "docker"))
	host := newRegistry(t, "somebody", "a-password")
	image := host + "/some/where-" + strings.ToLower(model.NewID()) + ":1"
	e := engine.New(engine.Config{})
	reg := plugin.NewRegistry()
	reg.Add(e.Types()...)
	deps := script.Deps{Registry: reg}
	types := append(append(docker.Types(e, deps), script.Types(deps)...), e.Types()...)
	run := func(yaml string) (*sdktest.Run, error) {
		r := sdktest.New(t)
		r.Is.TaskRunID = model.NewID()
		_, err := taskstest.Run(t, r, types, strings.ReplaceAll(yaml, "IMAGE", image))
		return r, err
	}
	present := func() bool { return ask(t, "images", "-q", image) != "" }
	const credentials = "\ncredentials: {username: somebody, password: a-password}"

	if _, err := run("type: io.kestra.plugin.docker.Tag\nsourceImage: busybox\ntargetImage: IMAGE"); err != nil {
		t.Fatal(err)
	}
	if _, err := run("type: io.kestra.plugin.docker.Push\ntags: [IMAGE]"); err == nil || !strings.Contains(err.Error(), "pushing the image "+image) {
		t.Errorf("pushed without a password: %v", err)
	}
	if _, err := run("type: io.kestra.plugin.docker.Push\ntags: [IMAGE]" + credentials); err != nil {
		t.Fatal(err)
	}
	if _, err := run("type: io.kestra.plugin.docker.Rm\nforce: true\nimageIds: [IMAGE]"); err != nil || present() {
		t.Fatalf("the image is there still: %v", err)
	}
	if _, err := run("type: io.kestra.plugin.docker.Pull\nimage: IMAGE\ncredentials: {username: somebody, password: another}"); err == nil || present() {
		t.Errorf("pulled with a wrong password: %v", err)
	}
	if r, err := run("type: io.kestra.plugin.docker.Pull\nimage: IMAGE" + credentials); err != nil || !present() || !strings.Contains(r.Logged(), "pulled the image "+image) {
		t.Errorf("pulled: %v, %s", err, r.Logged())
	}
	if _, err := run("type: io.kestra.plugin.docker.Rm\nforce: true\nimageIds: [IMAGE]"); err != nil {
		t.Fatal(err)
	}
	const script = `
type: io.kestra.plugin.scripts.shell.Commands
containerImage: IMAGE
commands: [echo from the registry]
taskRunner:
  type: io.kestra.plugin.scripts.runner.docker.Docker
  pullPolicy: `
	if _, err := run(script + "NEVER"); err == nil || !strings.Contains(err.Error(), image) {
		t.Errorf("an image that is not there and not to be pulled: %v", err)
	}
	for _, policy := range []string{"IF_NOT_PRESENT", "ALWAYS", "NEVER"} {
		r, err := run(script + policy + `
  config: {auths: {"` + host + `": {username: somebody, password: a-password}}}`)
		if err != nil || !strings.Contains(r.Logged(), "from the registry") {
			t.Errorf("a script with the policy %s: %v, %s", policy, err, r.Logged())
		}
		if pulled := strings.Contains(r.Logged(), "pulled the image"); pulled == (policy == "NEVER") {
			t.Errorf("a script with the policy %s pulls: %v", policy, pulled)
		}
	}
	if _, err := run("type: io.kestra.plugin.docker.Rm\nforce: true\nimageIds: [IMAGE]"); err != nil {
		t.Error(err)
	}
}
