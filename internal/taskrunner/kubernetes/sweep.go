package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
)

// A pod outlives its worker. If its task run is handed to another worker, that one takes it up; if it is not, because it was
// killed meanwhile, say, nobody comes, and the pod is deleted here. Several installations may use one cluster, and each deletes
// only what it knows to be its own. A pod of this process that nobody looks after any more could not be deleted when it ended.

// Sweeper deletes pods whose workers have died and whose task runs are over.
type Sweeper struct {
	Clusters *Clusters
	Backend  backend.Backend
	Log      *slog.Logger
	Every    time.Duration
}

// Run sweeps now and then, until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	if _, err := s.Clusters.connect(nil, ""); err != nil {
		s.Log.Debug("this worker has no cluster of its own", "reason", err)
	}
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("looking for pods of dead workers failed", "error", err)
		}
		if err := pause(ctx, s.Every); err != nil {
			return ctx.Err()
		}
	}
}

// Sweep looks once at every cluster that is in use, and at the worker's own.
func (s *Sweeper) Sweep(ctx context.Context) error {
	var errs []error
	for _, k := range s.Clusters.list() {
		errs = append(errs, s.sweep(ctx, k))
	}
	return errors.Join(errs...)
}

func (s *Sweeper) sweep(ctx context.Context, k *cluster) error {
	list, err := k.CoreV1().Pods(k.namespace).List(ctx, metav1.ListOptions{LabelSelector: leftover.Worker + ",!" + leftover.Kept})
	if unreachable(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return nil // it may have been another's token, which is over by now
	}
	if err != nil || len(list.Items) == 0 {
		return err
	}
	members, err := s.Backend.List(ctx)
	if err != nil {
		return err
	}
	for i := range list.Items {
		pod := &list.Items[i]
		minded, ours := s.Clusters.minds(pod.Name, pod.Labels[leftover.Worker])
		if minded || pod.DeletionTimestamp != nil {
			continue
		}
		abandoned := ours
		if !ours {
			if abandoned, err = leftover.Abandoned(ctx, s.Backend, members, pod.Labels); err != nil {
				return err
			}
		}
		if abandoned {
			s.delete(ctx, k, pod)
		}
	}
	return nil
}

func (s *Sweeper) delete(ctx context.Context, k *cluster, pod *corev1.Pod) {
	seconds := int64(1)
	err := k.CoreV1().Pods(k.namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &seconds, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	for _, secret := range pod.Spec.ImagePullSecrets {
		if secret.Name == pod.Name {
			err = errors.Join(err, k.CoreV1().Secrets(k.namespace).Delete(ctx, secret.Name, metav1.DeleteOptions{}))
		}
	}
	s.Log.Info("deleted the pod of a worker that has died", "pod", pod.Name, "namespace", k.namespace, "taskRun", pod.Labels[leftover.TaskRun], "error", err)
}
