//go:build unix

package kubernetes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// kubelet plays a node of a cluster, and the scheduler: it binds pods to itself and runs their containers as processes of this
// machine, in directories of it. What an image has is what this machine has; a few images have a meaning of their own.
type kubelet struct {
	t      *testing.T
	client kubernetes.Interface
	node   string
	cuts   []int // after how many lines the next streams of logs break

	mu   sync.Mutex
	pods map[types.UID]*podRun
	wg   sync.WaitGroup
}

// The images that are not there, and that are killed by the kernel.
const (
	imageMissing = "registry.example.com/missing:1"
	imageHungry  = "hungry"
)

// podRun is a pod that runs.
type podRun struct {
	k          *kubelet
	ns, name   string
	ctx        context.Context
	stop       context.CancelCauseFunc
	mu         sync.Mutex
	containers map[string]*containerRun
}

// containerRun is a container that runs, or has run.
type containerRun struct {
	cmd   *exec.Cmd
	mu    sync.Mutex
	more  *sync.Cond
	lines []logLine
	over  bool
}

type logLine struct {
	at   time.Time
	text []byte
}

// Write keeps what the container writes, by lines.
func (c *containerRun) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(p) {
		if n := len(c.lines); n > 0 && !bytes.HasSuffix(c.lines[n-1].text, []byte("\n")) {
			c.lines[n-1].text = append(c.lines[n-1].text, line...)
			continue
		}
		c.lines = append(c.lines, logLine{time.Now(), bytes.Clone(line)})
	}
	c.more.Broadcast()
	return len(p), nil
}

// newKubelet starts a node, which is stopped with the test.
func newKubelet(t *testing.T, client kubernetes.Interface, node string) *kubelet {
	k := &kubelet{t: t, client: client, node: node, pods: map[types.UID]*podRun{}}
	ctx, cancel := context.WithCancel(context.Background())
	k.wg.Go(func() { k.loop(ctx) })
	t.Cleanup(func() {
		cancel()
		k.wg.Wait()
	})
	return k
}

func (k *kubelet) loop(ctx context.Context) {
	for ctx.Err() == nil {
		w, err := k.client.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{})
		if err != nil {
			k.t.Error(err)
			return
		}
		list, err := k.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			k.t.Error(err)
			return
		}
		for i := range list.Items {
			k.see(ctx, &list.Items[i])
		}
		open := true
		for open {
			select {
			case <-ctx.Done():
				open = false
			case e, ok := <-w.ResultChan():
				if open = ok; ok {
					if p, is := e.Object.(*corev1.Pod); is && e.Type != "DELETED" {
						k.see(ctx, p)
					}
				}
			}
		}
		w.Stop()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.pods {
		r.stop(errors.New("the node stops"))
	}
}

// see looks at a pod: it is run, or ended.
func (k *kubelet) see(ctx context.Context, p *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.pods[p.UID]
	switch {
	case p.DeletionTimestamp != nil && r != nil:
		r.stop(errDeleted)
	case p.DeletionTimestamp != nil, r != nil, len(p.Spec.NodeSelector) > 0, p.Status.Phase == corev1.PodFailed:
	case p.Spec.NodeName == "" || p.Spec.NodeName == k.node:
		r = &podRun{k: k, ns: p.Namespace, name: p.Name, containers: map[string]*containerRun{}}
		r.ctx, r.stop = context.WithCancelCause(context.WithoutCancel(ctx))
		k.pods[p.UID] = r
		k.wg.Go(func() { r.run(p.DeepCopy()) })
	}
}

var errDeleted = errors.New("deleted")

func (r *podRun) pods() interface {
	Get(context.Context, string, metav1.GetOptions) (*corev1.Pod, error)
} {
	return r.k.client.CoreV1().Pods(r.ns)
}

// oneAtATime is held where a pod is read and then written: the fake client does not see what has changed in between.
var oneAtATime sync.Mutex

// update changes the status of a pod.
func (r *podRun) update(change func(*corev1.PodStatus)) {
	oneAtATime.Lock()
	defer oneAtATime.Unlock()
	for {
		p, err := r.pods().Get(context.Background(), r.name, metav1.GetOptions{})
		if err != nil {
			return
		}
		change(&p.Status)
		_, err = r.k.client.CoreV1().Pods(r.ns).UpdateStatus(context.Background(), p, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return
		}
	}
}

func (r *podRun) run(p *corev1.Pod) {
	defer r.k.forget(p)
	if p.Spec.NodeName == "" {
		if err := r.bind(p); err != nil {
			r.k.t.Error(err)
			return
		}
	}
	var dirs []string
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, m := range c.VolumeMounts {
			if strings.HasPrefix(m.Name, "kestra-") && !slices.Contains(dirs, m.MountPath) {
				dirs = append(dirs, m.MountPath)
			}
		}
	}
	for _, d := range dirs {
		if err := errors.Join(os.RemoveAll(d), os.MkdirAll(d, 0o777)); err != nil {
			r.k.t.Error(err)
		}
	}
	r.containersOf(p)
	<-r.ctx.Done() // it is deleted
	for _, d := range dirs {
		_ = os.RemoveAll(d)
	}
	zero := int64(0)
	err := r.k.client.CoreV1().Pods(r.ns).Delete(context.Background(), r.name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
	if err != nil && !apierrors.IsNotFound(err) && context.Cause(r.ctx) == errDeleted {
		r.k.t.Error(err)
	}
}

func (k *kubelet) forget(p *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pods, p.UID)
}

// bind is what a scheduler does. The fake client does not know what a binding means.
func (r *podRun) bind(p *corev1.Pod) error {
	pods := r.k.client.CoreV1().Pods(r.ns)
	if _, ok := r.k.client.(*fake.Clientset); ok {
		oneAtATime.Lock()
		defer oneAtATime.Unlock()
		now, err := pods.Get(context.Background(), p.Name, metav1.GetOptions{})
		if err == nil {
			now.Spec.NodeName = r.k.node
			_, err = pods.Update(context.Background(), now, metav1.UpdateOptions{})
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	return pods.Bind(context.Background(), &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, UID: p.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: r.k.node},
	}, metav1.CreateOptions{})
}

// containersOf runs the containers, until they have ended or the pod is to.
func (r *podRun) containersOf(p *corev1.Pod) {
	for _, c := range p.Spec.InitContainers {
		if code := r.container(c, true); code != 0 {
			r.update(func(s *corev1.PodStatus) { s.Phase = corev1.PodFailed })
			return
		}
	}
	var wg sync.WaitGroup
	codes := make([]int, len(p.Spec.Containers))
	for i, c := range p.Spec.Containers {
		wg.Go(func() { codes[i] = r.container(c, false) })
	}
	wg.Wait()
	if r.ctx.Err() != nil {
		return
	}
	phase := corev1.PodSucceeded
	if slices.ContainsFunc(codes, func(c int) bool { return c != 0 }) {
		phase = corev1.PodFailed
	}
	r.update(func(s *corev1.PodStatus) { s.Phase = phase })
}

// tell says how a container is.
func (r *podRun) tell(c corev1.Container, first bool, state corev1.ContainerState) {
	r.update(func(s *corev1.PodStatus) {
		list := &s.ContainerStatuses
		if first {
			list = &s.InitContainerStatuses
		} else if state.Running != nil {
			s.Phase = corev1.PodRunning
		}
		now := corev1.ContainerStatus{Name: c.Name, Image: c.Image, State: state}
		at := slices.IndexFunc(*list, func(o corev1.ContainerStatus) bool { return o.Name == c.Name })
		if at < 0 {
			*list = append(*list, now)
		} else {
			(*list)[at] = now
		}
	})
}

// container runs one container to its end and returns its exit code.
func (r *podRun) container(c corev1.Container, first bool) int {
	if c.Image == imageMissing {
		r.tell(c, first, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"}})
		r.tell(c, first, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image: not found"}})
		<-r.ctx.Done()
		return 1
	}
	run := &containerRun{}
	run.more = sync.NewCond(&run.mu)
	run.cmd = exec.Command(c.Command[0])
	run.cmd.Args = nil
	for _, arg := range c.Command {
		run.cmd.Args = append(run.cmd.Args, expanded(arg))
	}
	run.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, e := range c.Env {
		run.cmd.Env = append(run.cmd.Env, e.Name+"="+expanded(e.Value))
	}
	run.cmd.Dir, run.cmd.Stdout, run.cmd.Stderr = c.WorkingDir, run, run
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.mu.Lock()
	r.containers[c.Name] = run
	r.mu.Unlock()
	ended := &corev1.ContainerStateTerminated{}
	if err := run.cmd.Start(); err != nil {
		ended.ExitCode, ended.Reason, ended.Message = 128, "StartError", err.Error()
	} else {
		r.tell(c, first, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}})
		ended.ExitCode = int32(r.wait(run))
	}
	if c.Image == imageHungry && ended.ExitCode != 0 {
		ended.ExitCode, ended.Reason = 137, "OOMKilled"
	}
	run.mu.Lock()
	run.over = true
	run.more.Broadcast()
	run.mu.Unlock()
	r.tell(c, first, corev1.ContainerState{Terminated: ended})
	return int(ended.ExitCode)
}

// wait waits for the end of a container, and ends it when the pod is to: it is asked to, and killed after a second.
func (r *podRun) wait(run *containerRun) int {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = run.cmd.Wait()
	}()
	select {
	case <-done:
	case <-r.ctx.Done():
		_ = syscall.Kill(-run.cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(time.Second):
		}
		_ = syscall.Kill(-run.cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
	if s, ok := run.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return 128 + int(s.Signal())
	}
	return run.cmd.ProcessState.ExitCode()
}

// expanded is a text as Kubernetes reads it, where no variable is named: $$ is a dollar.
func expanded(text string) string {
	if i := strings.Index(strings.ReplaceAll(text, "$$", ""), "$("); i >= 0 {
		return "a variable would be replaced in " + text
	}
	return strings.ReplaceAll(text, "$$", "$")
}

func (k *kubelet) find(ns, name string) *podRun {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.pods {
		if r.ns == ns && r.name == name {
			return r
		}
	}
	return nil
}

func (r *podRun) find(name string) *containerRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.containers[name]
}

// evict ends a pod, as a node does that runs short of something.
func (k *kubelet) evict(ns, name string) {
	r := k.find(ns, name)
	r.update(func(s *corev1.PodStatus) {
		s.Phase, s.Reason, s.Message = corev1.PodFailed, "Evicted", "The node was low on resource: memory."
	})
	for _, c := range []string{"main", "out-files"} {
		if run := r.find(c); run != nil {
			_ = syscall.Kill(-run.cmd.Process.Pid, syscall.SIGKILL)
		}
	}
}

// ServeHTTP is what an API server asks of a kubelet.
func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(path.Clean(r.URL.Path), "/"), "/")
	if len(parts) < 4 {
		http.NotFound(w, r)
		return
	}
	pod := k.find(parts[1], parts[2])
	if pod == nil || pod.find(parts[len(parts)-1]) == nil {
		http.Error(w, "container not found", http.StatusNotFound)
		return
	}
	c := pod.find(parts[len(parts)-1])
	switch parts[0] {
	case "containerLogs":
		k.log(w, r, c)
	case "exec":
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, r, executor{c}, parts[2], "", parts[len(parts)-1], r.URL.Query()["command"], options, time.Minute, 10*time.Second,
			remotecommand.SupportedStreamingProtocols)
	default:
		http.NotFound(w, r)
	}
}

// log tells what a container has written, and goes on until it has ended.
func (k *kubelet) log(w http.ResponseWriter, r *http.Request, c *containerRun) {
	var since time.Time
	if text := r.URL.Query().Get("sinceTime"); text != "" {
		since, _ = time.Parse(time.RFC3339, text)
	}
	stop := context.AfterFunc(r.Context(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.more.Broadcast()
	})
	defer stop()
	w.WriteHeader(http.StatusOK)
	told, cut := 0, 0
	k.mu.Lock()
	if len(k.cuts) > 0 {
		cut, k.cuts = k.cuts[0], k.cuts[1:]
	}
	k.mu.Unlock()
	for i := 0; ; i++ {
		c.mu.Lock()
		for i >= len(c.lines) && !c.over && r.Context().Err() == nil || i == len(c.lines)-1 && !c.over && !bytes.HasSuffix(c.lines[i].text, []byte("\n")) && r.Context().Err() == nil {
			c.more.Wait()
		}
		if i >= len(c.lines) || r.Context().Err() != nil {
			c.mu.Unlock()
			return
		}
		line := c.lines[i]
		c.mu.Unlock()
		if line.at.Before(since) {
			continue
		}
		text := append([]byte(line.at.UTC().Format(time.RFC3339Nano)+" "), line.text...)
		if told++; cut > 0 && told > cut {
			_, _ = w.Write(text[:len(text)/2])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(text)
		_ = http.NewResponseController(w).Flush()
	}
}

// executor runs a command beside a container that runs.
type executor struct{ c *containerRun }

func (e executor) ExecInContainer(_ context.Context, _, _, _ string, line []string, in io.Reader, out, errOut io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	e.c.mu.Lock()
	over := e.c.over
	e.c.mu.Unlock()
	if over {
		return fmt.Errorf("container not found")
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}
