package kubernetes

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// The containers of a pod.
const (
	mainContainer = "main"
	initContainer = "init-files"
	outContainer  = "out-files"
)

// name is that of the pod of a task run, which is what makes it be found again.
func name(info sdk.Info) string {
	id := info.TaskRunID
	if id == "" {
		id = model.NewID()
	}
	return "windhover-" + strings.ToLower(id) // names know no capitals
}

// builder makes the pod for a command.
type builder struct {
	*Runner
	run     sdk.Run
	command *taskrunner.Command
	image   string
	vars    map[string]any // of expressions in specs
	send    bool           // whether there are files for the command
	fetch   bool           // whether files have to come back
}

// pod is the pod, with the properties of the runner over what podSpec has.
func (b *builder) pod() (*corev1.Pod, error) {
	given, err := b.given("podSpec", b.PodSpec)
	if err != nil {
		return nil, err
	}
	own, beside, err := b.containers(given)
	if err != nil {
		return nil, err
	}
	given["containers"] = append(own, beside...)
	if b.send {
		first, err := b.mover(initContainer, "ready")
		if err != nil {
			return nil, err
		}
		others, _ := given["initContainers"].([]any)
		given["initContainers"] = append([]any{first}, others...)
	}
	spec := corev1.PodSpec{}
	if err := strict(given, &spec); err != nil {
		return nil, fmt.Errorf("podSpec: %w", err)
	}
	for _, v := range []string{"kestra-files", "kestra-marks"} {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: v, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	}
	spec.RestartPolicy = corev1.RestartPolicyNever
	if b.ServiceAccountName != "" {
		spec.ServiceAccountName = b.ServiceAccountName
	}
	if len(b.NodeSelector) > 0 {
		spec.NodeSelector = merged(spec.NodeSelector, b.NodeSelector)
	}
	info := b.run.Info()
	labels := merged(b.Labels, leftover.Labels(info, !b.Delete))
	for k, v := range labels {
		labels[k] = label(v)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name(info), Labels: labels}, Spec: spec}
	return pod, nil
}

// containers are that of the command with the one that keeps its files, and those that podSpec adds.
func (b *builder) containers(podSpec map[string]any) (own, beside []any, err error) {
	defaults, err := b.given("containerDefaultSpec", b.ContainerDefaultSpec)
	if err != nil {
		return nil, nil, err
	}
	more, err := b.given("containerSpec", b.ContainerSpec)
	if err != nil {
		return nil, nil, err
	}
	listed, _ := podSpec["containers"].([]any)
	for _, c := range listed {
		m, ok := c.(map[string]any)
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("podSpec.containers: expected maps, got %v", c)
		case m["name"] == mainContainer:
			more = merge(m, more)
		default:
			beside = append(beside, merge(defaults, m))
		}
	}
	main, err := b.main()
	if err != nil {
		return nil, nil, err
	}
	own = append(own, merge(defaults, merge(more, main)))
	if b.fetch {
		out, err := b.mover(outContainer, "ended")
		if err != nil {
			return nil, nil, err
		}
		own = append(own, out)
	}
	return own, beside, nil
}

// main is the container of the command.
func (b *builder) main() (map[string]any, error) {
	c := corev1.Container{
		Name: mainContainer, Image: b.image, WorkingDir: b.workDir(), ImagePullPolicy: corev1.PullPolicy(b.policy()),
		VolumeMounts: []corev1.VolumeMount{{Name: "kestra-files", MountPath: b.workDir()}},
	}
	for _, name := range slices.Sorted(maps.Keys(b.command.Env)) {
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: literal(b.command.Env[name])})
	}
	for _, arg := range b.command.Args {
		c.Command = append(c.Command, literal(arg))
	}
	if r := b.Resources; r != nil {
		var err error
		if c.Resources.Requests, err = r.Request.list("resources.request"); err != nil {
			return nil, err
		}
		if c.Resources.Limits, err = r.Limit.list("resources.limit"); err != nil {
			return nil, err
		}
	}
	return plain(c)
}

// literal makes Kubernetes take a text as it is: it would replace $(NAME) by a variable, and takes $$ for a dollar.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

func (a *Amount) list(property string) (corev1.ResourceList, error) {
	if a == nil {
		return nil, nil
	}
	list := corev1.ResourceList{}
	for _, f := range []struct {
		name corev1.ResourceName
		text string
	}{{corev1.ResourceCPU, a.CPU}, {corev1.ResourceMemory, a.Memory}} {
		if f.text == "" {
			continue
		}
		q, err := resource.ParseQuantity(f.text)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %q is no amount such as 500m or 512Mi", property, f.name, f.text)
		}
		list[f.name] = q
	}
	return list, nil
}

// mover is a container that moves files. It waits for a mark, and ends when it is asked to.
func (b *builder) mover(name, mark string) (map[string]any, error) {
	sidecar := b.FileSidecar
	if sidecar == nil {
		sidecar = &FileSidecar{Image: "busybox"}
	}
	c := corev1.Container{
		Name: name, Image: sidecar.Image,
		Command: []string{"sh", "-c", "trap 'exit 0' TERM; while [ ! -f " + b.marks() + "/" + mark + " ]; do sleep 0.2; done"},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "kestra-files", MountPath: b.workDir()}, {Name: "kestra-marks", MountPath: b.marks()},
		},
	}
	own, err := plain(c)
	if err != nil {
		return nil, err
	}
	if sidecar.Resources != nil {
		if own["resources"], err = b.given("fileSidecar.resources", sidecar.Resources); err != nil {
			return nil, err
		}
	}
	more, err := b.given("fileSideCarSpec", b.FileSideCarSpec)
	if err != nil {
		return nil, err
	}
	property, spec := "containerDefaultSpec", b.ContainerDefaultSpec
	if sidecar.DefaultSpec != nil {
		property, spec = "fileSidecar.defaultSpec", sidecar.DefaultSpec
	}
	defaults, err := b.given(property, spec)
	return merge(defaults, merge(more, own)), err
}

// given renders a property that is a piece of a pod's description.
func (b *builder) given(property string, v any) (map[string]any, error) {
	if v == nil {
		return map[string]any{}, nil
	}
	rendered, err := b.run.RenderTyped(v, b.vars)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", property, err)
	}
	m := map[string]any{}
	text, ok := rendered.(string)
	if !ok {
		text = string(value.AppendJSON(nil, rendered, value.JSONOptions{}))
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("%s: expected a map", property)
	}
	return m, nil
}

// merge puts the fields of a container over those of another. Variables and mounts are added to those that are there.
func merge(below, above map[string]any) map[string]any {
	out := maps.Clone(below)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range above {
		switch v := v.(type) {
		case map[string]any:
			if m, ok := out[k].(map[string]any); ok {
				out[k] = merge(m, v)
				continue
			}
		case []any:
			if l, ok := out[k].([]any); ok && lists[k] != "" {
				out[k] = joined(l, v, lists[k])
				continue
			}
		}
		out[k] = v
	}
	return out
}

// lists are the lists that are joined, with what tells their elements apart.
var lists = map[string]string{"env": "name", "volumeMounts": "mountPath", "volumeDevices": "devicePath", "ports": "containerPort"}

func joined(below, above []any, key string) []any {
	out := slices.Clone(below)
	for _, v := range above {
		id := field(v, key)
		out = append(slices.DeleteFunc(out, func(o any) bool { return id != nil && field(o, key) == id }), v)
	}
	return out
}

func field(v any, key string) any {
	m, _ := v.(map[string]any)
	return m[key]
}

// plain is an object of the API as a map.
func plain(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	m := map[string]any{}
	return m, json.Unmarshal(b, &m)
}

// strict reads a map into an object of the API, which has to have every field of it.
func strict(m map[string]any, to any) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func merged(below, above map[string]string) map[string]string {
	out := maps.Clone(below)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, above)
	return out
}

// label makes a text one that a label may have: at most 63 characters, a letter or digit at both ends.
func label(text string) string {
	clean := strings.Map(func(r rune) rune {
		if alphanumeric(r) || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, text)
	return strings.TrimFunc(clean[:min(len(clean), 63)], func(r rune) bool { return !alphanumeric(r) })
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// secret is what the cluster pulls the image with.
func (c *Credentials) secret(pod *corev1.Pod, image string) (*corev1.Secret, error) {
	registry := c.Registry
	if registry == "" {
		named, err := reference.ParseNormalizedNamed(image)
		if err != nil {
			return nil, fmt.Errorf("containerImage: %w", err)
		}
		if registry = reference.Domain(named); registry == "docker.io" {
			registry = "https://index.docker.io/v1/"
		}
	}
	auth := c.Auth
	if auth == "" {
		auth = base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password))
	}
	content, err := json.Marshal(map[string]any{"auths": map[string]any{registry: map[string]string{"username": c.Username, "password": c.Password, "auth": auth}}})
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Labels: pod.Labels}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: content},
	}, nil
}
