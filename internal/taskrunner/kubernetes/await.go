package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

// errGone is why a pod is no longer waited for.
var errGone = errors.New("the pod was deleted by somebody else")

// await looks at the pod as it changes until that is enough, or there is no use in waiting. A cluster that is out of reach for a
// while is waited for.
func (x *execution) await(ctx context.Context, enough func(*corev1.Pod) (bool, error)) error {
	return x.persist(ctx, func() error {
		for {
			done, err := x.follow(ctx, enough)
			if done || err != nil {
				return err
			}
			if err := pause(ctx, x.again); err != nil {
				return err
			}
		}
	})
}

// follow looks at the pod, and at what becomes of it for as long as the server tells.
func (x *execution) follow(ctx context.Context, enough func(*corev1.Pod) (bool, error)) (bool, error) {
	pod, err := x.pods().Get(ctx, x.pod.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && pod.UID != x.pod.UID {
		return false, errGone
	}
	if err != nil {
		return false, err
	}
	x.pod = pod
	if done, err := enough(pod); done || err != nil {
		return done, err
	}
	w, err := x.pods().Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, pod.Name).String(), ResourceVersion: pod.ResourceVersion,
	})
	if err != nil {
		return false, err
	}
	defer w.Stop()
	for e := range w.ResultChan() {
		pod, ok := e.Object.(*corev1.Pod)
		switch {
		case !ok: // what was to be told is too old, say
			return false, nil
		case e.Type == watch.Deleted || pod.UID != x.pod.UID:
			return false, errGone
		}
		x.pod = pod
		if done, err := enough(pod); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// persist does something again for as long as the cluster is out of reach, and its patience lasts.
func (x *execution) persist(ctx context.Context, f func() error) error {
	var since time.Time
	for {
		began := time.Now()
		err := f()
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		if err == nil || !passing(err) {
			return err
		}
		if since.IsZero() || time.Since(began) > 2*x.again { // it was there in between
			since = time.Now()
		}
		if time.Since(since) > patience {
			return fmt.Errorf("the cluster was out of reach for %s: %w", patience, err)
		}
		if err := pause(ctx, x.again); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
