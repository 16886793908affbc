package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
	"github.com/windhover-io/windhover/sdk"
)

// patience is how long a cluster may be out of reach while a command runs in it.
const patience = 5 * time.Minute

// execution is one run of a command.
type execution struct {
	*Runner
	cluster *cluster
	run     sdk.Run
	command *taskrunner.Command
	again   time.Duration // between a connection that was lost and the next one
	fetch   bool          // whether files have to come back
	spec    *corev1.Pod
	pull    *corev1.Secret // nil for none
	pod     *corev1.Pod    // as it was seen last, nil until it is made
	taken   bool           // it was begun by a worker that has died
	doubt   bool           // it may have been made, but nobody has said so
	handed  atomic.Int64   // bytes of the log
}

// Run implements taskrunner.Runner.
func (r *Runner) Run(ctx context.Context, run sdk.Run, c *taskrunner.Command) (taskrunner.Result, error) {
	if c.Image == "" {
		return taskrunner.Result{}, errors.New("containerImage: a pod needs an image")
	}
	k, err := r.clusters.connect(r.Config, r.Namespace)
	if err != nil {
		return taskrunner.Result{}, err
	}
	x := &execution{Runner: r, cluster: k, run: run, command: c, again: time.Second}
	if r.Config != nil {
		x.again = time.Duration(r.Config.WatchReconnectInterval)
	}
	x.fetch = c.OutputDir != "" || len(c.OutputFiles) > 0 || x.whole()
	vars := map[string]any{"workingDir": r.workDir()}
	if c.OutputDir != "" {
		vars["outputDir"] = r.Seen(c.OutputDir)
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return taskrunner.Result{}, err
	}
	b := &builder{Runner: r, run: run, command: c, image: c.Image, vars: vars, send: len(entries) > 0, fetch: x.fetch}
	if x.spec, err = b.pod(); err != nil {
		return taskrunner.Result{}, err
	}
	if r.Credentials != nil {
		if x.pull, err = r.Credentials.secret(x.spec, c.Image); err != nil {
			return taskrunner.Result{}, err
		}
	}
	result, err := x.do(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, k.explain(err)
}

func (x *execution) pods() typed.PodInterface { return x.cluster.CoreV1().Pods(x.cluster.namespace) }

func (x *execution) do(ctx context.Context) (result taskrunner.Result, err error) {
	defer x.clusters.mind(x.run.Info().Worker, x.spec.Name)()
	if err := x.open(ctx); err != nil {
		return result, errors.Join(err, x.close(ctx, false))
	}
	result, err = x.attend(ctx)
	if failed := x.close(ctx, err == nil && !x.Delete); failed != nil {
		x.run.Log(sdk.LevelWarn, "the pod %s could not be deleted: %v", x.pod.Name, failed)
	}
	result.Details = Details{Pod: x.pod.Name, Namespace: x.cluster.namespace, Node: x.pod.Spec.NodeName}
	return result, err
}

// open makes the pod, or finds one that runs already.
func (x *execution) open(ctx context.Context) error {
	err := x.create(ctx)
	if apierrors.IsAlreadyExists(err) {
		err = x.meet(ctx)
	}
	if err == nil && !x.taken {
		x.run.Log(sdk.LevelDebug, "made the pod %s in the namespace %s", x.pod.Name, x.cluster.namespace)
	}
	return err
}

// create makes the pod. It is not given up when the task is killed meanwhile: what the cluster makes has to be known.
func (x *execution) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.clusters.stubborn)
	defer cancel()
	if x.pull != nil {
		x.pull.Name = x.spec.Name
		x.spec.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: x.pull.Name}}
		secrets := x.cluster.CoreV1().Secrets(x.cluster.namespace)
		_, err := secrets.Create(ctx, x.pull, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("credentials: %w", err)
		}
	}
	made, err := x.pods().Create(ctx, x.spec, metav1.CreateOptions{})
	switch {
	case err == nil:
		x.pod = made
	case utilnet.IsConnectionRefused(err):
	case unreachable(err) || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err):
		x.doubt = true
	}
	return err
}

// meet decides about a pod of the same task run that is there already: that of a worker that has died is taken up, or deleted
// if that is not wanted; one that was kept stays beside a new one.
func (x *execution) meet(ctx context.Context) error {
	there, err := x.pods().Get(ctx, x.spec.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return x.create(ctx)
	}
	if err != nil {
		return err
	}
	info := x.run.Info()
	kept := there.Labels[leftover.Kept] != "" && state(there, mainContainer).Running == nil
	orphan := there.Labels[leftover.Worker] != label(info.Worker) && there.Labels[leftover.TaskRun] == label(info.TaskRunID)
	switch {
	case there.DeletionTimestamp != nil:
	case kept || !orphan:
		x.spec.Name += "-" + strings.ToLower(model.NewID())
		defer x.clusters.mind(info.Worker, x.spec.Name)()
		return x.create(ctx)
	case x.Resume && x.useful(there):
		x.pod, x.taken = there, true
		x.run.Log(sdk.LevelInfo, "the pod %s of a worker that has died is taken up", there.Name)
		return nil
	}
	x.pod = there
	if err := x.remove(ctx, 0); err != nil {
		return err
	}
	x.pod = nil
	return x.create(ctx)
}

// useful tells whether the pod of a worker that has died can still give what is wanted: it got its files, and those that have
// to come back are there.
func (x *execution) useful(pod *corev1.Pod) bool {
	main := state(pod, mainContainer)
	return main.Running != nil || main.Terminated != nil && (!x.fetch || state(pod, outContainer).Running != nil)
}

// attend sees the command through: its files go in, what it writes is handed on, its files come back.
func (x *execution) attend(ctx context.Context) (taskrunner.Result, error) {
	if err := x.begin(ctx); err != nil {
		return taskrunner.Result{}, err
	}
	bounded, cancel := x.completion(ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	written, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	logged := make(chan error, 1)
	pod := x.pod.Name
	go func() {
		err := x.logs(written, pod, ended)
		if err != nil {
			err = fmt.Errorf("reading the log of the pod: %w", err)
			cancel(err)
		}
		logged <- err
	}()
	err := x.await(bounded, hasEnded)
	close(ended)
	if err != nil {
		if failed := x.remove(ctx, time.Duration(x.KillGracePeriod)); failed != nil { // it may go on and write for ever
			x.run.Log(sdk.LevelWarn, "the pod %s could not be ended: %v", x.pod.Name, failed)
			stop()
		}
		_ = x.settle(logged, stop)
		return taskrunner.Result{}, err
	}
	if err := x.settle(logged, stop); err != nil {
		return taskrunner.Result{}, err
	}
	result := outcome(x.pod)
	return result, x.download(ctx)
}

// completion bounds how long the command may take, where the task itself does not.
func (x *execution) completion(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	bounded, cancel := context.WithCancelCause(ctx)
	if _, ok := ctx.Deadline(); ok || x.WaitUntilCompletion <= 0 {
		return bounded, cancel
	}
	t := time.AfterFunc(time.Duration(x.WaitUntilCompletion), func() {
		cancel(fmt.Errorf("the command took longer than waitUntilCompletion, which is %s", model.FormatDuration(time.Duration(x.WaitUntilCompletion))))
	})
	return bounded, func(cause error) { t.Stop(); cancel(cause) }
}

// begin waits until the command runs, and gives it its files.
func (x *execution) begin(ctx context.Context) error {
	limit := time.Duration(x.WaitUntilRunning)
	slow := errors.New("slow")
	bounded, cancel := context.WithTimeoutCause(ctx, limit, slow)
	defer cancel()
	err := x.await(bounded, takesFiles)
	if err == nil && !x.taken && state(x.pod, mainContainer).Running == nil {
		err = x.upload(bounded)
	}
	if err == nil {
		err = x.await(bounded, hasBegun)
	}
	if errors.Is(err, slow) || err != nil && ctx.Err() == nil && errors.Is(context.Cause(bounded), slow) {
		return fmt.Errorf("the pod does not run after waitUntilRunning, which is %s: %s", model.FormatDuration(limit), situation(x.pod))
	}
	return err
}

// settle waits until everything that the command has written was handed on. It goes on waiting as long as there is more.
func (x *execution) settle(logged <-chan error, stop func()) error {
	for {
		before := x.handed.Load()
		late := time.NewTimer(max(time.Duration(x.WaitForLogs), x.again))
		select {
		case err := <-logged:
			late.Stop()
			return err
		case <-late.C:
		}
		if x.handed.Load() == before {
			stop()
			x.run.Log(sdk.LevelWarn, "the rest of the log of the pod %s did not come within waitForLogs", x.pod.Name)
			return <-logged
		}
	}
}

// close deletes the pod, whatever it does, and the secret that it was pulled with.
func (x *execution) close(ctx context.Context, kept bool) error {
	var err error
	if x.pull != nil {
		err = x.drop(ctx, func(ctx context.Context) error {
			return x.cluster.CoreV1().Secrets(x.cluster.namespace).Delete(ctx, x.pull.Name, metav1.DeleteOptions{})
		})
	}
	switch {
	case kept || x.pod == nil && !x.doubt:
		return err
	case x.pod == nil: // the task fails for that; what is there all the same is found by the sweeper
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.again)
		defer cancel()
		_ = x.delete(0)(ctx)
		return err
	}
	return errors.Join(err, x.drop(ctx, x.delete(0)))
}

// delete asks for the deletion of the pod. A grace of nothing is a second: the pod is gone when it has ended then, and not before.
func (x *execution) delete(grace time.Duration) func(context.Context) error {
	seconds := max(1, int64(math.Ceil(grace.Seconds())))
	options := metav1.DeleteOptions{GracePeriodSeconds: &seconds}
	name := x.spec.Name
	if x.pod != nil {
		name, options.Preconditions = x.pod.Name, &metav1.Preconditions{UID: &x.pod.UID}
	}
	return func(ctx context.Context) error { return x.pods().Delete(ctx, name, options) }
}

// drop makes sure that something is deleted, even while the cluster is out of reach for a moment.
func (x *execution) drop(ctx context.Context, what func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.clusters.stubborn)
	defer cancel()
	err := x.persist(ctx, func() error { return what(ctx) })
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// remove deletes the pod and waits until it is gone: nothing runs in it then.
func (x *execution) remove(ctx context.Context, grace time.Duration) error {
	if err := x.drop(ctx, x.delete(grace)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), grace+x.clusters.stubborn, errors.New("it was deleted, but it is still there"))
	defer cancel()
	err := x.await(ctx, func(*corev1.Pod) (bool, error) { return false, nil })
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}
