// Package kubernetes runs commands in pods of a Kubernetes cluster.
//
// The worker and the pod share no disk. A container that runs before the command (init-files) takes the files of the working
// directory, one beside it (out-files) waits until what has to come back was fetched; both by an archive through exec.
//
// A pod carries the name of its task run, so that nobody has to look for it: whoever is to run the task again after a worker
// has died finds it when he makes his own. Pods that nobody comes for are removed (see sweep.go).
package kubernetes

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/sdk"
)

// Name is the type's name.
const Name = "io.kestra.plugin.ee.kubernetes.runner.Kubernetes"

// Aliases are the names that the type has had.
var Aliases = []string{
	"io.kestra.plugin.ee.kubernetes.runner.KubernetesTaskRunner",
	"io.kestra.plugin.kubernetes.runner.Kubernetes", "io.kestra.plugin.kubernetes.runner.KubernetesTaskRunner",
}

// Runner runs a command in a pod.
type Runner struct {
	Config               *Connection       `json:"config" doc:"The cluster, and who asks it. Unless it is set: what the worker finds as a pod of a cluster, else its kubeconfig."`
	Namespace            string            `json:"namespace" doc:"The namespace of the pod; unless it is set, that of config, or default."`
	PullPolicy           string            `json:"pullPolicy" default:"ALWAYS" enum:"ALWAYS,IF_NOT_PRESENT,NEVER,Always,IfNotPresent,Never" doc:"When the image is pulled."`
	Credentials          *Credentials      `json:"credentials" doc:"Credentials of a private registry. They are put into a secret beside the pod, which goes with it."`
	Labels               map[string]string `json:"labels" doc:"Labels of the pod, besides those that tell what it runs."`
	NodeSelector         map[string]string `json:"nodeSelector" doc:"Labels that a node has to have for the pod."`
	Resources            *Resources        `json:"resources" doc:"What the container of the command asks for, and may use at most."`
	ServiceAccountName   string            `json:"serviceAccountName" doc:"The service account of the pod; unless it is set, that of the namespace."`
	PodSpec              any               `json:"podSpec" raw:"true" doc:"More of the pod, as Kubernetes describes it: tolerations, affinity, volumes. Its containers run beside the command, but for one called main, which adds to the container of the command."`
	ContainerSpec        any               `json:"containerSpec" raw:"true" doc:"More of the container of the command, as Kubernetes describes it: env, securityContext, volumeMounts. What the runner sets itself stays."`
	ContainerDefaultSpec any               `json:"containerDefaultSpec" raw:"true" doc:"What holds for each container of the pod, unless the container has it otherwise. Variables and mounts are added."`
	FileSideCarSpec      any               `json:"fileSideCarSpec" raw:"true" doc:"More of the containers that move files."`
	FileSidecar          *FileSidecar      `json:"fileSidecar" doc:"The containers that move files."`
	SyncWorkingDirectory bool              `json:"syncWorkingDirectory" default:"false" doc:"Whether the whole working directory is fetched afterwards, rather than outputFiles alone."`
	WaitUntilRunning     sdk.Duration      `json:"waitUntilRunning" default:"PT10M" doc:"How long the pod may take to be placed, to pull its images and to begin."`
	WaitUntilCompletion  sdk.Duration      `json:"waitUntilCompletion" default:"PT1H" doc:"How long the command may take, unless the task has a timeout."`
	WaitForLogs          sdk.Duration      `json:"waitForLogs" alias:"waitForLogInterval" default:"PT30S" doc:"How long is waited at most for the rest of the log when the command has ended. There is no wait when all of it is there."`
	Delete               bool              `json:"delete" default:"true" doc:"Whether the pod is deleted when the command has ended."`
	KillGracePeriod      sdk.Duration      `json:"killGracePeriod" default:"PT0S" doc:"How long the command may take to end itself when it was killed."`
	Resume               bool              `json:"resume" default:"true" doc:"Whether the pod of a worker that has died is taken up by the next one, rather than begun anew."`

	clusters *Clusters
	base     string // the working directory on the worker
}

var _ taskrunner.Runner = (*Runner)(nil)

// Credentials are those of a registry.
type Credentials struct {
	Registry string `json:"registry" doc:"The registry's address; unless it is set, that of the image."`
	Username string `json:"username" doc:"The user."`
	Password string `json:"password" doc:"The password."`
	Auth     string `json:"auth" doc:"User and password, joined by a colon, in Base64."`
}

// Resources are what a container asks for and may use.
type Resources struct {
	Request *Amount `json:"request" doc:"What a node has to have left for it."`
	Limit   *Amount `json:"limit" doc:"What it may use at most; one that needs more memory is killed."`
}

// Amount is an amount of computing time and of memory.
type Amount struct {
	CPU    string `json:"cpu" doc:"Processors, such as 1.5 or 500m."`
	Memory string `json:"memory" doc:"Memory, such as 512Mi."`
}

// FileSidecar are the containers that move files.
type FileSidecar struct {
	Image       string `json:"image" default:"busybox" doc:"Their image. It has to have sh, tar, mkdir, rm and sleep."`
	Resources   any    `json:"resources" doc:"Their resources, as Kubernetes describes them: requests and limits."`
	DefaultSpec any    `json:"defaultSpec" doc:"What holds for them, instead of containerDefaultSpec."`
}

// Details are what is put out of a pod.
type Details struct {
	Pod       string `json:"podName" doc:"The pod's name."`
	Namespace string `json:"namespace" doc:"Its namespace."`
	Node      string `json:"nodeName" doc:"The node that it ran on."`
}

// Types lists the type of this package.
func (c *Clusters) Types() []plugin.Type {
	return []plugin.Type{{
		Name: Name, Aliases: Aliases, Category: plugin.TaskRunner, Title: "Run the commands in a pod of Kubernetes.",
		Description: "The image is the task's `containerImage`. `{{ workingDir }}` and the variable WORKING_DIR name the working directory; " +
			"input files are there, and `outputFiles` are taken from there. When the task is killed or takes too long, the pod is deleted. " +
			"Everybody who may read the pods of the namespace can read the variables of the command.\n\n" +
			"Whom `config` names has to be allowed in the namespace: get, list, watch, create and delete of pods; get of pods/log; get and " +
			"create of pods/exec; with `credentials`, also create and delete of secrets.",
		Examples: []plugin.Example{{Title: "A limit of memory, in a cluster of its own", YAML: `id: hello
type: io.kestra.plugin.scripts.shell.Commands
containerImage: busybox
taskRunner:
  type: io.kestra.plugin.ee.kubernetes.runner.Kubernetes
  namespace: jobs
  config:
    masterUrl: https://cluster.example.com:6443
    caCertData: "{{ secret('CLUSTER_CA') }}"
    oauthToken: "{{ secret('CLUSTER_TOKEN') }}"
  resources:
    limit:
      memory: 512Mi
commands:
  - echo hello`}},
		New: func() any { return &Runner{clusters: c} },
	}}
}

// workDir is the working directory in a pod.
func (r *Runner) workDir() string { return r.clusters.root + "/working-dir" }

// marks is where files tell the containers that move files that they may end.
func (r *Runner) marks() string { return r.clusters.root + "/marks" }

// Seen implements taskrunner.Runner. The first path that is asked for is the working directory.
func (r *Runner) Seen(name string) string {
	if r.base == "" {
		r.base = name
	}
	below, err := filepath.Rel(r.base, name)
	if err != nil || !filepath.IsLocal(below) {
		return filepath.ToSlash(name)
	}
	return path.Join(r.workDir(), filepath.ToSlash(below))
}

// Local implements taskrunner.Runner.
func (r *Runner) Local() bool { return false }

// policy is when an image is pulled, as Kubernetes writes it.
func (r *Runner) policy() string {
	switch strings.ToUpper(strings.ReplaceAll(r.PullPolicy, "_", "")) {
	case "IFNOTPRESENT":
		return "IfNotPresent"
	case "NEVER":
		return "Never"
	}
	return "Always"
}
