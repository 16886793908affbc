package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/windhover-io/windhover/internal/taskrunner"
)

// statuses are those of all containers.
func statuses(pod *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

// state is that of a container; nothing is set before the cluster tells of it.
func state(pod *corev1.Pod, name string) corev1.ContainerState {
	for _, s := range statuses(pod) {
		if s.Name == name {
			return s.State
		}
	}
	return corev1.ContainerState{}
}

// takesFiles tells whether the container runs that takes the files, or the command already.
func takesFiles(pod *corev1.Pod) (bool, error) {
	if state(pod, initContainer).Running != nil {
		return true, nil
	}
	return hasBegun(pod)
}

// hasBegun tells whether the command runs, or has ended.
func hasBegun(pod *corev1.Pod) (bool, error) {
	if s := state(pod, mainContainer); s.Running != nil || s.Terminated != nil {
		return true, nil
	}
	return false, trouble(pod)
}

// hasEnded tells whether the command has ended.
func hasEnded(pod *corev1.Pod) (bool, error) {
	if state(pod, mainContainer).Terminated != nil {
		return true, nil
	}
	return false, failed(pod)
}

// givesFiles tells whether the container runs that keeps the files of a command that has ended.
func givesFiles(pod *corev1.Pod) (bool, error) {
	switch s := state(pod, outContainer); {
	case s.Running != nil:
		return true, nil
	case s.Terminated != nil:
		return false, fmt.Errorf("the container %s has ended: %s", outContainer, told(s.Terminated.Reason, s.Terminated.Message))
	}
	return false, trouble(pod)
}

// hopeless are the reasons for which a container waits that nobody but its author can do away with. A pull that has failed is tried
// again by the cluster, but it would have to be another image, or a registry that is there.
var hopeless = []string{
	"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "CreateContainerConfigError",
	"CreateContainerError", "RunContainerError", "CrashLoopBackOff", "PreStartHookError",
}

// trouble tells why the command of a pod will not begin, nil if it may.
func trouble(pod *corev1.Pod) error {
	for _, s := range statuses(pod) {
		w, t := s.State.Waiting, s.State.Terminated
		switch {
		case w != nil && slices.Contains(hopeless, w.Reason):
			return fmt.Errorf("the container %s with the image %s cannot begin: %s", s.Name, s.Image, told(w.Reason, w.Message))
		case t != nil && t.ExitCode != 0 && s.Name != mainContainer && isInit(pod, s.Name):
			return fmt.Errorf("the container %s has failed with exit code %d before the command began: %s", s.Name, t.ExitCode, told(t.Reason, t.Message))
		}
	}
	return failed(pod)
}

func isInit(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == name })
}

// failed tells why the pod as a whole has ended, nil if it has not.
func failed(pod *corev1.Pod) error {
	switch {
	case pod.Status.Phase == corev1.PodFailed && pod.Status.Reason == "Evicted":
		return fmt.Errorf("the pod was evicted: %s", told("", pod.Status.Message))
	case pod.Status.Phase == corev1.PodFailed, pod.Status.Phase == corev1.PodSucceeded:
		return fmt.Errorf("the pod has ended without the command: %s", told(pod.Status.Reason, pod.Status.Message))
	}
	return nil
}

// situation says what a pod waits for.
func situation(pod *corev1.Pod) string {
	for _, s := range statuses(pod) {
		if w := s.State.Waiting; w != nil && w.Reason != "PodInitializing" {
			return fmt.Sprintf("the container %s with the image %s waits: %s", s.Name, s.Image, told(w.Reason, w.Message))
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			return "no node was found for it: " + told(c.Reason, c.Message)
		}
	}
	if pod.Spec.NodeName == "" {
		return "no node was found for it"
	}
	return "it is " + string(pod.Status.Phase)
}

// told joins what a cluster says.
func told(reason, message string) string {
	text := strings.Join(slices.DeleteFunc([]string{reason, strings.TrimSpace(message)}, func(s string) bool { return s == "" }), ": ")
	if text == "" {
		return "the cluster does not say why"
	}
	return text
}

// outcome is how a command has ended.
func outcome(pod *corev1.Pod) taskrunner.Result {
	t := state(pod, mainContainer).Terminated
	r := taskrunner.Result{ExitCode: int(t.ExitCode)}
	switch {
	case t.ExitCode == 0:
	case pod.Status.Reason == "Evicted":
		r.Reason = "the pod was evicted: " + told("", pod.Status.Message)
	case t.Reason == "OOMKilled":
		r.Reason = "it was killed by the kernel, for it needed more memory than resources.limit.memory allows"
	case t.Reason == "ContainerStatusUnknown":
		r.Reason = "what became of it is not known, its node was lost"
	case t.Reason == "ContainerCannotRun" || t.Reason == "StartError":
		r.Reason = "it could not be started: " + told("", t.Message)
	case t.Message != "":
		r.Reason = strings.TrimSpace(t.Message)
	case t.ExitCode == 137:
		r.Reason = "it was killed by signal 9, by somebody else than this server"
	case t.ExitCode == 143:
		r.Reason = "it was ended by signal 15"
	}
	return r
}
