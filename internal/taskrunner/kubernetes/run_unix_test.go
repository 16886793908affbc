//go:build unix

package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/kubernetes"
	"github.com/windhover-io/windhover/internal/value"
)

// everywhere are the tests that hold for any API server, also for a real one.
var everywhere = map[string]func(t *testing.T, r *rig){
	"a script with files":           testScript,
	"output of a shell":             testOutput,
	"files come back":               testFiles,
	"a failure":                     testFailure,
	"a kill":                        testKill,
	"a timeout of the task":         testTimeout,
	"waitUntilCompletion":           testCompletion,
	"an image that is not there":    testMissingImage,
	"no node":                       testNoNode,
	"too little memory":             testHungry,
	"an eviction":                   testEviction,
	"somebody deletes the pod":      testDeleted,
	"it is taken up":                testTakenUp,
	"it is begun anew":              testBegunAnew,
	"it is kept":                    testKept,
	"a private registry":            testRegistry,
	"dollars are no variables":      testDollars,
	"a log that breaks":             testBrokenLog,
	"a pod of a worker that died":   testSweep,
	"a program that is not there":   testNoProgram,
	"many lines, none of them lost": testManyLines,
}

func TestRunner(t *testing.T) {
	for name, f := range everywhere {
		t.Run(name, func(t *testing.T) { f(t, newRig(t)) })
	}
}

func testScript(t *testing.T, r *rig) {
	uri := r.run.File("orders.csv", "amount\n1\n41\n")
	out, err := r.task(`type: io.kestra.plugin.scripts.python.Script
beforeCommands:
  - echo before
inputFiles:
  data/orders.csv: ` + uri + `
  name.txt: Ada
env:
  GREETING: hello
outputFiles: ["*.out"]
script: |
  import csv, json, os
  total = sum(int(row["amount"]) for row in csv.DictReader(open("data/orders.csv")))
  open("total.out", "w").write(os.environ["GREETING"] + " " + open("{{ workingDir }}/name.txt").read() + " " + str(total))
  open("{{ outputDir }}/more.txt", "w").write("more")
  print("::" + json.dumps({"outputs": {"total": total}}) + "::")
  print("done")`)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.run.Logged())
	}
	vars, _ := value.AsMap(property(t, out, "vars"))
	if total, _ := vars.Get("total"); value.Print(total) != "42" {
		t.Errorf("vars are %v", vars)
	}
	files, _ := value.AsMap(property(t, out, "outputFiles"))
	for name, want := range map[string]string{"total.out": "hello Ada 42", "more.txt": "more"} {
		if uri, _ := files.Get(name); uri == nil || r.run.Content(value.Print(uri)) != want {
			t.Errorf("%s: %v in %s", name, uri, out)
		}
	}
	contains(t, r.run.Logged(), "before", "done")
	contains(t, out, `"podName":"windhover-`+strings.ToLower(r.run.Is.TaskRunID), `"namespace":"default"`)
}

func testOutput(t *testing.T, r *rig) {
	got, err := r.sh(t.Context(), "", "echo out; echo err >&2; pwd")
	if err != nil || got.ExitCode != 0 {
		t.Fatal(got, err)
	}
	contains(t, r.stdout.String(), "out\n", "err\n", r.root+"/working-dir\n")
	details, ok := got.Details.(kubernetes.Details)
	if !ok || details.Node == "" || details.Namespace != "default" {
		t.Errorf("details are %+v", got.Details)
	}
}

func testFiles(t *testing.T, r *rig) {
	r.file("in.txt", "in")
	r.file("deep/er/in.txt", "deep")
	r.command.OutputFiles = []string{"*.out", "new/**"}
	if _, err := r.sh(t.Context(), "", "cat in.txt deep/er/in.txt > a.out; mkdir new; echo x > new/x; echo no > b.no; ln -s /etc/passwd c.out"); err != nil {
		t.Fatal(err)
	}
	r.has("a.out", "indeep")
	r.has("new/x", "x\n")
	for _, name := range []string{"b.no", "c.out"} {
		if exists(r, name) {
			t.Errorf("%s came back", name)
		}
	}
}

func testFailure(t *testing.T, r *rig) {
	r.command.OutputFiles = []string{"a.out"}
	got, err := r.sh(t.Context(), "", "echo half > a.out; echo why; exit 3")
	if err != nil || got.ExitCode != 3 {
		t.Fatal(got, err)
	}
	r.has("a.out", "half\n")
	contains(t, r.stdout.String(), "why")
}

func testKill(t *testing.T, r *rig) {
	ctx, kill := context.WithCancelCause(t.Context())
	defer kill(nil)
	r.command.Stdout = writer(func(p []byte) { kill(errKilled) })
	_, err := r.sh(ctx, "", "echo runs; sleep 1000")
	if !errors.Is(err, errKilled) {
		t.Errorf("got %v", err)
	}
	r.gone()
}

func testTimeout(t *testing.T, r *rig) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errKilled)
	defer cancel()
	_, err := r.sh(ctx, "killGracePeriod: PT1S", "trap 'echo asked; exit 0' TERM; echo runs; while :; do sleep 0.05; done")
	if !errors.Is(err, errKilled) {
		t.Errorf("got %v", err)
	}
	contains(t, r.stdout.String(), "runs\n", "asked\n")
	r.gone()
}

func testCompletion(t *testing.T, r *rig) {
	_, err := r.sh(t.Context(), "waitUntilCompletion: PT0.3S", "sleep 1000")
	if err == nil || !strings.Contains(err.Error(), "longer than waitUntilCompletion, which is PT0.3S") {
		t.Errorf("got %v", err)
	}
	r.gone()
}

func testMissingImage(t *testing.T, r *rig) {
	r.command.Image = imageMissing
	_, err := r.sh(t.Context(), "", "echo never")
	if err == nil || !strings.Contains(err.Error(), "with the image "+imageMissing+" cannot begin: ImagePullBackOff: Back-off pulling image") {
		t.Errorf("got %v", err)
	}
}

func testNoNode(t *testing.T, r *rig) {
	_, err := r.sh(t.Context(), "waitUntilRunning: PT0.3S\nnodeSelector: {disk: fast}", "echo never")
	if err == nil || !strings.Contains(err.Error(), "the pod does not run after waitUntilRunning, which is PT0.3S: no node was found for it") {
		t.Errorf("got %v", err)
	}
}

func testHungry(t *testing.T, r *rig) {
	r.command.Image = imageHungry
	got, err := r.sh(t.Context(), "resources: {request: {cpu: 100m, memory: 64Mi}, limit: {memory: 128Mi}}", "kill -9 $$")
	if err != nil || got.ExitCode != 137 || !strings.Contains(got.Reason, "it needed more memory than resources.limit.memory allows") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func testEviction(t *testing.T, r *rig) {
	r.command.Stdout = writer(func([]byte) { go r.node.evict("default", "windhover-"+strings.ToLower(r.run.Is.TaskRunID)) })
	got, err := r.sh(t.Context(), "", "echo runs; sleep 1000")
	if err == nil {
		err = errors.New(got.Reason)
	}
	contains(t, err.Error(), "the pod was evicted: The node was low on resource: memory.")
}

func testDeleted(t *testing.T, r *rig) {
	r.command.Stdout = writer(func([]byte) { r.remove() })
	got, err := r.sh(t.Context(), "", "echo runs; sleep 1000")
	// it may be seen that the command has ended before it is seen that the pod is gone
	if err != nil && !strings.Contains(err.Error(), "deleted by somebody else") || err == nil && got.ExitCode != 143 {
		t.Errorf("got %+v, %v", got, err)
	}
	r.gone()
}

// abandon runs a command as a worker does that dies when it has written something.
func abandon(t *testing.T, r *rig, properties, commands string) {
	t.Helper()
	r.command.Args = []string{"/bin/sh", "-c", commands}
	ctx, die := context.WithCancel(t.Context())
	defer die()
	written := make(chan struct{}, 1000)
	r.command.Stdout = writer(func([]byte) { written <- struct{}{} })
	address, clusters := r.address, r.clusters
	cable := newCable(t, address)
	r.address, r.clusters = cable.address, kubernetes.NewAt(r.root)
	r.clusters.Hasty()
	k := r.runner(properties)
	r.address, r.clusters = address, clusters
	ended := make(chan error, 1)
	go func() {
		_, err := k.Run(ctx, r.run, r.command)
		ended <- err
	}()
	select {
	case <-written:
	case err := <-ended:
		t.Fatal(err)
	}
	cable.tear()
	die()
	<-ended
	r.command.Stdout = r.stdout
	r.run.Is.Worker = model.NewID()
	if len(r.pods()) != 1 {
		t.Fatal("the pod is gone")
	}
}

func testTakenUp(t *testing.T, r *rig) {
	r.file("in.txt", "in")
	r.command.OutputFiles = []string{"a.out"}
	commands := "echo one; while [ ! -f go ]; do sleep 0.02; done; echo two; cat in.txt > a.out"
	abandon(t, r, "", commands)
	go r.exec("touch " + r.root + "/working-dir/go")
	got, err := r.sh(t.Context(), "", commands)
	if err != nil || got.ExitCode != 0 {
		t.Fatal(got, err)
	}
	if got := r.stdout.String(); got != "one\ntwo\n" {
		t.Errorf("written was %q", got)
	}
	r.has("a.out", "in")
	contains(t, r.run.Logged(), "of a worker that has died is taken up")
}

func testBegunAnew(t *testing.T, r *rig) {
	abandon(t, r, "", "echo one; sleep 1000")
	got, err := r.sh(t.Context(), "resume: false", "echo two")
	if err != nil || got.ExitCode != 0 || r.stdout.String() != "two\n" {
		t.Errorf("got %v, %v, %q", got, err, r.stdout)
	}
}

func testKept(t *testing.T, r *rig) {
	r.command.OutputFiles = []string{"a.out"}
	for n := range 2 {
		if got, err := r.sh(t.Context(), "delete: false", "echo x > a.out"); err != nil || got.ExitCode != 0 {
			t.Fatal(got, err)
		}
		r.until("the pods end", func() bool {
			ended := 0
			for _, p := range r.pods() {
				if p.Status.Phase == corev1.PodSucceeded {
					ended++
				}
			}
			return ended == n+1
		})
	}
	r.remove()
	r.gone()
}

func testRegistry(t *testing.T, r *rig) {
	r.command.Image = "registry.example.com/team/tool:1"
	seen := make(chan string, 1)
	r.command.Stdout = writer(func([]byte) {
		name := "windhover-" + strings.ToLower(r.run.Is.TaskRunID)
		s, err := r.client.CoreV1().Secrets("default").Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			seen <- err.Error()
			return
		}
		seen <- string(s.Type) + " " + string(s.Data[corev1.DockerConfigJsonKey]) + " " + fmt.Sprint(r.pods()[0].Spec.ImagePullSecrets[0].Name == name)
	})
	if _, err := r.sh(t.Context(), "credentials: {username: ada, password: secret}", "echo runs"); err != nil {
		t.Fatal(err)
	}
	// YWRhOnNlY3JldA== is ada:secret
	want := `kubernetes.io/dockerconfigjson {"auths":{"registry.example.com":{"auth":"YWRhOnNlY3JldA==","password":"secret","username":"ada"}}} true`
	if got := <-seen; got != want {
		t.Errorf("got %s", got)
	}
	list, err := r.client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{LabelSelector: "kestra.io/taskrun-id=" + r.run.Is.TaskRunID})
	if err != nil || len(list.Items) > 0 {
		t.Errorf("secrets are left: %v, %v", list, err)
	}
}

func testDollars(t *testing.T, r *rig) {
	r.command.Env["PRICE"] = "$(HOME) $$5 $"
	if _, err := r.sh(t.Context(), "", `echo "$PRICE"; echo $(echo sub) '$$'`); err != nil {
		t.Fatal(err)
	}
	if got := r.stdout.String(); got != "$(HOME) $$5 $\nsub $$\n" {
		t.Errorf("got %q", got)
	}
}

func testBrokenLog(t *testing.T, r *rig) {
	r.node.cuts = []int{7, 20, 45, 1}
	var want strings.Builder
	for i := range 50 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	if _, err := r.sh(t.Context(), "", "i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); sleep 0.03; done"); err != nil {
		t.Fatal(err)
	}
	if got := r.stdout.String(); got != want.String() {
		t.Errorf("got %q", got)
	}
}

func testManyLines(t *testing.T, r *rig) {
	const n = 20_000
	if _, err := r.sh(t.Context(), "", fmt.Sprintf("seq %d; printf %%200000s; printf end", n)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(r.stdout.String(), "\n")
	if len(lines) != n+1 || lines[n-1] != fmt.Sprint(n) || strings.TrimLeft(lines[n], " ") != "end" || len(lines[n]) != 200_003 {
		t.Errorf("there are %d lines", len(lines))
	}
}

func testNoProgram(t *testing.T, r *rig) {
	r.command.Args = []string{"/no/such/program"}
	got, err := r.runner("").Run(t.Context(), r.run, r.command)
	if err != nil || got.ExitCode != 128 || !strings.Contains(got.Reason, "it could not be started: ") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Pods are deleted whose worker has died and whose task run is over, and no others.
func testSweep(t *testing.T, r *rig) {
	abandon(t, r, "", "echo runs; sleep 1000")
	worker := r.pods()[0].Labels["windhover.io/worker"]
	other := kubernetes.NewAt(r.root) // another worker's process
	other.Use(r.runner(""))
	for _, c := range []struct {
		what    string
		timeout time.Duration // after which the worker counts as dead, 0 for one that is not known
		left    int
	}{{"another installation", 0, 1}, {"a worker that lives", time.Hour, 1}, {"a worker that has died", time.Nanosecond, 0}} {
		b := memory.New()
		defer b.Close()
		if c.timeout > 0 {
			if err := b.Join(t.Context(), backend.Member{ID: worker, Kind: "WORKER", State: backend.MemberRunning, Timeout: c.timeout}); err != nil {
				t.Fatal(err)
			}
		}
		sweeper := kubernetes.Sweeper{Clusters: other, Backend: b, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
		if err := sweeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(r.pods()); n != c.left {
			t.Errorf("of %s %d pods are left", c.what, n)
		}
	}
	r.gone()
}

func TestAPIServerIsAwayForAMoment(t *testing.T) {
	for _, when := range []string{"while it runs", "when it ends"} {
		t.Run(when, func(t *testing.T) {
			r := newRig(t)
			r.command.OutputFiles = []string{"a.out"}
			r.command.Stdout = writer(func(p []byte) {
				if r.stdout.Write(p); strings.Contains(string(p), "one") {
					r.api.leave()
					asked := r.api.asked.Load()
					go func() {
						defer r.api.away.Store(false)
						if when == "while it runs" {
							r.until("it is asked in vain", func() bool { return r.api.asked.Load() > asked+5 })
							return
						}
						r.until("the command ends", func() bool {
							return slices.ContainsFunc(r.pods()[0].Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
								return c.Name == "main" && c.State.Terminated != nil
							})
						})
					}()
				}
			})
			got, err := r.sh(t.Context(), "", "echo one; sleep 0.5; echo two; echo x > a.out")
			if err != nil || got.ExitCode != 0 {
				t.Fatal(got, err)
			}
			if got := r.stdout.String(); got != "one\ntwo\n" {
				t.Errorf("written was %q", got)
			}
			r.has("a.out", "x\n")
			r.gone()
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	r := newRig(t)
	r.api.http.Close()
	_, err := r.sh(t.Context(), "", "echo never")
	if !errors.Is(err, taskrunner.ErrUnavailable) || !strings.Contains(err.Error(), "no Kubernetes API answers at "+r.address) {
		t.Errorf("got %v", err)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	r.token = "guess"
	_, err := r.sh(t.Context(), "", "echo never")
	if err == nil || !strings.Contains(err.Error(), "does not know who asks: see to the token") {
		t.Errorf("got %v", err)
	}
	r.token = "sesame"
	for _, what := range []string{"POST ", "/log", "/exec"} {
		r.file("in.txt", "in")
		r.api.deny.Store(&what)
		_, err = r.sh(t.Context(), "", "echo never")
		if err == nil || !strings.Contains(err.Error(), "not for you") {
			t.Errorf("%s: got %v", what, err)
		}
		r.api.deny.Store(nil)
		r.gone()
	}
}

func exists(r *rig, name string) bool {
	_, err := statBelow(r.command.Dir, name)
	return err == nil
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
