// Package docker runs commands in containers of a Docker engine.
//
// A container carries the name of its task run, so that nobody has to look for it: whoever is to run the task again after a
// worker has died finds it when he makes his own. Containers that nobody comes for are removed (see sweep.go).
package docker

import (
	"path/filepath"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Name is the type's name.
const Name = "io.kestra.plugin.scripts.runner.docker.Docker"

// volumesName is the setting of the type that lets flows mount volumes.
const volumesName = "volume-enabled"

// IsSetting tells whether plugins.configurations may hold that setting of that type.
func IsSetting(typ, name string) bool { return typ == Name && name == volumesName }

// Config configures containers of a worker.
type Config struct {
	// Volumes lets flows mount directories of the machine and named volumes: whoever writes a flow can then read and change
	// whatever the engine can.
	Volumes bool
}

// With returns the configuration with the settings of types added: maps with type and values.
func (c Config) With(settings []any) Config {
	for _, s := range settings {
		m, ok := value.AsMap(s)
		if !ok {
			continue
		}
		typ, _ := m.Get("type")
		values, _ := m.Get("values")
		if given, ok := value.AsMap(values); ok && value.Print(typ) == Name {
			if v, ok := given.Get(volumesName); ok {
				c.Volumes = value.Print(v) == "true"
			}
		}
	}
	return c
}

// Connection says which engine is asked, and how it proves to registries who it is.
type Connection struct {
	Host        string       `json:"host" doc:"The engine's address, such as unix:///var/run/docker.sock or tcp://host:2376; unless it is set, DOCKER_HOST of the worker, or the usual socket."`
	Config      any          `json:"config" doc:"The content of a Docker configuration file with credentials of registries: a map, or its JSON. Unless it is set, the worker's own ~/.docker/config.json is used."`
	Credentials *Credentials `json:"credentials" doc:"Credentials of a private registry."`
}

// Credentials are those of a registry.
type Credentials struct {
	Registry      string `json:"registry" doc:"The registry's address; unless it is set, that of the image."`
	Username      string `json:"username" doc:"The user."`
	Password      string `json:"password" doc:"The password."`
	RegistryToken string `json:"registryToken" doc:"A token for the registry."`
	IdentityToken string `json:"identityToken" doc:"A token to get such a token with."`
	Auth          string `json:"auth" doc:"User and password, joined by a colon, in Base64."`
}

// Container are the properties of a container.
type Container struct {
	User           string          `json:"user" doc:"The user in the container."`
	EntryPoint     []string        `json:"entryPoint" doc:"What runs the command; an empty list is that of the image."`
	ExtraHosts     []string        `json:"extraHosts" doc:"More names of hosts, each as name:address."`
	NetworkMode    string          `json:"networkMode" doc:"The network: bridge, host, none, or the name of one."`
	PortBindings   []string        `json:"portBindings" doc:"Ports to publish, each as ip:hostPort:containerPort/protocol; only the container's port is required."`
	Volumes        []string        `json:"volumes" doc:"Volumes to mount, each as from:to:options. They have to be allowed by volume-enabled in plugins.configurations."`
	PullPolicy     string          `json:"pullPolicy" default:"IF_NOT_PRESENT" enum:"IF_NOT_PRESENT,ALWAYS,NEVER" doc:"When the image is pulled."`
	DeviceRequests []DeviceRequest `json:"deviceRequests" doc:"Devices to ask of their drivers, such as graphics processors."`
	CPU            *CPU            `json:"cpu" doc:"Limits of computing time."`
	Memory         *Memory         `json:"memory" doc:"Limits of memory."`
	ShmSize        string          `json:"shmSize" doc:"The size of /dev/shm, such as 128MB."`
	Privileged     bool            `json:"privileged" default:"false" doc:"Whether the container may do to the machine what the engine may."`
	Wait           bool            `json:"wait" default:"true" doc:"Whether to wait for the end of the container. If not, it goes on and is not removed."`
}

// DeviceRequest asks a driver for devices.
type DeviceRequest struct {
	Driver       string            `json:"driver" doc:"The driver, such as nvidia."`
	Count        int               `json:"count" doc:"How many; -1 for all."`
	DeviceIDs    []string          `json:"deviceIds" doc:"Or which ones."`
	Capabilities [][]string        `json:"capabilities" doc:"What the devices have to be able to do: lists, one of which has to be met."`
	Options      map[string]string `json:"options" doc:"Options for the driver."`
}

// CPU limits computing time.
type CPU struct {
	CPUs float64 `json:"cpus" doc:"How many processors it may use, such as 1.5."`
}

// Memory limits memory. Sizes are numbers with a unit: 512MB, 1.5GB; units are powers of 1024.
type Memory struct {
	Memory            string `json:"memory" doc:"How much it may use; a container that needs more is killed."`
	MemorySwap        string `json:"memorySwap" doc:"How much it may use with what is swapped out; -1 for any amount."`
	MemorySwappiness  string `json:"memorySwappiness" doc:"How willingly it is swapped out, from 0 to 100."`
	MemoryReservation string `json:"memoryReservation" doc:"How much it is left with when the machine runs short of memory."`
	KernelMemory      string `json:"kernelMemory" deprecated:"memory" doc:"Accepted and not used: engines have no such limit any more."`
	OOMKillDisable    bool   `json:"oomKillDisable" default:"false" doc:"Whether it waits instead of being killed when it needs more."`
}

// Runner runs a command in a container.
type Runner struct {
	Connection
	Container
	Image                string       `json:"image" deprecated:"containerImage" doc:"The image, before the task's containerImage."`
	FileHandlingStrategy string       `json:"fileHandlingStrategy" default:"VOLUME" enum:"VOLUME,MOUNT" doc:"How files get into the container: VOLUME copies them in and out, MOUNT mounts the working directory, for which the engine has to see the worker's directories."`
	Delete               bool         `json:"delete" default:"true" doc:"Whether the container is removed when it has ended."`
	KillGracePeriod      sdk.Duration `json:"killGracePeriod" default:"PT0S" doc:"How long a container may take to end itself after it was asked to, before it is killed."`
	Resume               bool         `json:"resume" default:"true" doc:"Whether the container of a worker that has died is taken up by the next one, rather than begun anew."`

	engine *Engine
}

var _ taskrunner.Runner = (*Runner)(nil)

// Details are what is put out of a container.
type Details struct {
	ContainerID string `json:"containerId" doc:"The container's id."`
}

// Types lists the type of this package.
func (e *Engine) Types() []plugin.Type {
	return []plugin.Type{{
		Name: Name, Category: plugin.TaskRunner, Title: "Run the commands in a Docker container.",
		Description: "The image is the task's `containerImage`. `{{ workingDir }}` and the variable WORKING_DIR name the working directory; " +
			"input files are there, and `outputFiles` are taken from there. When the task is killed or takes too long, so is the " +
			"container. Everybody who may use the engine can read the variables of its containers.",
		Examples: []plugin.Example{{Title: "A limit of memory", YAML: `id: hello
type: io.kestra.plugin.scripts.shell.Commands
containerImage: busybox
taskRunner:
  type: io.kestra.plugin.scripts.runner.docker.Docker
  memory:
    memory: 512MB
commands:
  - echo hello`}},
		// commands name their own program, so the image's entrypoint is not put before it
		New: func() any { return &Runner{engine: e, Container: Container{EntryPoint: []string{""}}} },
	}}
}

// NewRunner is a runner with the defaults of the type, for tasks that run a container of their own.
func (e *Engine) NewRunner(at Connection, c Container) *Runner {
	return &Runner{Connection: at, Container: c, FileHandlingStrategy: "VOLUME", Delete: true, Resume: true, engine: e}
}

// Seen implements taskrunner.Runner: a directory has the same path in the container, written as Linux does.
func (r *Runner) Seen(path string) string {
	path = filepath.ToSlash(path)
	if drive, rest, ok := strings.Cut(path, ":/"); ok && len(drive) == 1 {
		return "/" + strings.ToLower(drive) + "/" + rest
	}
	return path
}

// Local implements taskrunner.Runner.
func (r *Runner) Local() bool { return false }
