//go:build unix

package kubernetes_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/kubernetes"
	"github.com/windhover-io/windhover/internal/tasks/script"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

// rig is a cluster with one node, and a command for it.
type rig struct {
	t        *testing.T
	run      *sdktest.Run
	client   clientset.Interface // that of the node
	api      *apiServer          // nil where the API server is a real one
	node     *kubelet
	clusters *kubernetes.Clusters
	root     string
	address  string
	token    string
	command  *taskrunner.Command
	stdout   *bytes.Buffer
}

// newRig is a cluster whose API server is played too.
func newRig(t *testing.T) *rig {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() { noneLeft(t, before) })
	api := newAPIServer(t)
	r := rigOn(t, api.Clientset, "node-1", api.http.URL, "sesame")
	r.api, api.kubelet = api, r.node
	return r
}

func rigOn(t *testing.T, client clientset.Interface, node, address, token string) *rig {
	t.Helper()
	r := &rig{t: t, run: sdktest.New(t), client: client, root: filepath.Join(t.TempDir(), "pod"), stdout: &bytes.Buffer{}, address: address, token: token}
	r.node = newKubelet(t, client, node)
	r.clusters = kubernetes.NewAt(r.root)
	r.run.Is.Namespace, r.run.Is.FlowID, r.run.Is.TaskID, r.run.Is.ExecutionID = "company.team", "orders", "pod", model.NewID()
	r.run.Is.TaskRunID, r.run.Is.Worker, r.run.Is.Tenant, r.run.Is.Attempt = model.NewID(), model.NewID(), "main", 1
	dir, err := r.run.WorkDir()
	if err != nil {
		t.Fatal(err)
	}
	r.command = &taskrunner.Command{Dir: dir, Image: "busybox", Stdout: r.stdout, Stderr: r.stdout, Env: map[string]string{}}
	t.Cleanup(func() {
		if left := r.pods(); len(left) > 0 {
			t.Errorf("pods are left: %d", len(left))
			r.remove()
		}
	})
	return r
}

// noneLeft sees that what was started for a test has ended.
func noneLeft(t *testing.T, before int) {
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("there were %d goroutines, and are %d:\n%s", before, n, stacks[:runtime.Stack(stacks, true)])
	}
}

// pods are those of the task run, without those that are on their way out.
func (r *rig) pods() (live []corev1.Pod) {
	list, err := r.client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "kestra.io/taskrun-id=" + r.run.Is.TaskRunID})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			live = append(live, p)
		}
	}
	return live
}

// remove removes what a test has left on purpose.
func (r *rig) remove() {
	k, err := clientset.NewForConfig(&rest.Config{Host: r.address, BearerToken: r.token, TLSClientConfig: rest.TLSClientConfig{Insecure: strings.HasPrefix(r.address, "https")}})
	if err != nil {
		r.t.Fatal(err)
	}
	one := int64(1)
	for _, p := range r.pods() {
		err := k.CoreV1().Pods("default").Delete(context.Background(), p.Name, metav1.DeleteOptions{GracePeriodSeconds: &one})
		if err != nil && !apierrors.IsNotFound(err) {
			r.t.Error(err)
		}
	}
}

// until waits for something to be so.
func (r *rig) until(what string, f func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("in vain: %s", what)
		}
	}
}

// gone waits until no pod of the task run is there any more, not even on its way out.
func (r *rig) gone() {
	r.t.Helper()
	r.until("the pod is gone", func() bool {
		list, err := r.client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "kestra.io/taskrun-id=" + r.run.Is.TaskRunID})
		return err == nil && len(list.Items) == 0
	})
}

func (r *rig) connection() string {
	return "{masterUrl: '" + r.address + "', oauthToken: " + r.token + ", trustCerts: true, watchReconnectInterval: PT0.02S}"
}

// runner is the task runner with these properties.
func (r *rig) runner(yaml string) *kubernetes.Runner {
	r.t.Helper()
	k := taskstest.Decoded[*kubernetes.Runner](r.t, r.run, r.clusters.Types(), "type: "+kubernetes.Name+"\nconfig: "+r.connection()+"\n"+yaml)
	if got := k.Seen(r.command.Dir); got != r.root+"/working-dir" {
		r.t.Fatalf("the working directory is seen as %s", got)
	}
	return k
}

// sh runs commands of a shell.
func (r *rig) sh(ctx context.Context, properties, commands string) (taskrunner.Result, error) {
	r.t.Helper()
	r.command.Args = []string{"/bin/sh", "-c", commands}
	return r.runner(properties).Run(ctx, r.run, r.command)
}

// task runs a task of a script, whose task runner is a pod.
func (r *rig) task(yaml string) (string, error) {
	r.t.Helper()
	reg := plugin.NewRegistry()
	runners := r.clusters.Types()
	reg.Add(runners...)
	types := append(script.Types(script.Deps{Registry: reg, Storage: r.run.Storage()}), r.clusters.Types()...)
	return taskstest.Run(r.t, r.run, types, yaml+"\ncontainerImage: busybox\ntaskRunner:\n  type: "+kubernetes.Name+"\n  config: "+r.connection()+"\n")
}

func (r *rig) file(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.command.Dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) has(name, want string) {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.command.Dir, name))
	if err != nil || string(b) != want {
		r.t.Errorf("%s: got %q, %v, want %q", name, b, err, want)
	}
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in %q", w, text)
		}
	}
}

func property(t *testing.T, json, name string) any {
	t.Helper()
	v, err := value.ParseJSON([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := value.AsMap(v)
	got, _ := m.Get(name)
	return got
}

// cable is the connection of a worker to the API server, which can be torn.
type cable struct {
	address string
	l       net.Listener
	mu      sync.Mutex
	ends    []net.Conn
	wg      sync.WaitGroup
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{}
	if c.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c.address = u.Scheme + "://" + c.l.Addr().String()
	c.wg.Go(func() {
		for {
			near, err := c.l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", u.Host)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.ends = append(c.ends, near, far)
			c.mu.Unlock()
			both := func() { _ = errors.Join(near.Close(), far.Close()) }
			c.wg.Go(func() { defer both(); _, _ = io.Copy(near, far) })
			c.wg.Go(func() { defer both(); _, _ = io.Copy(far, near) })
		}
	})
	t.Cleanup(c.tear)
	return c
}

func (c *cable) tear() {
	_ = c.l.Close()
	c.mu.Lock()
	for _, end := range c.ends {
		_ = end.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
}

var errKilled = errors.New("killed")

func statBelow(dir, name string) (os.FileInfo, error) { return os.Lstat(filepath.Join(dir, name)) }

// exec runs a command in the directories of the pod.
func (r *rig) exec(command string) {
	if out, err := osexec.Command("/bin/sh", "-c", command).CombinedOutput(); err != nil {
		r.t.Errorf("%v: %s", err, out)
	}
}
