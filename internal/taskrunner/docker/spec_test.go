package docker

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
	"github.com/windhover-io/windhover/sdk"
)

// decode reads a runner as it stands in a flow.
func decode(t *testing.T, e *Engine, yaml string) *Runner {
	t.Helper()
	reg := plugin.NewRegistry()
	reg.Add(e.Types()...)
	typ, _ := reg.Lookup(Name)
	doc, problems := yamldoc.Parse([]byte(yaml), yamldoc.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	given, _ := value.AsMap(doc.Value())
	v, err := typ.Decode(given, func(text string, _ bool) (any, error) { return text, nil })
	if err != nil {
		t.Fatal(err)
	}
	return v.(*Runner)
}

var (
	command = &taskrunner.Command{Args: []string{"sh", "-c", "true"}, Env: map[string]string{"B": "2", "A": "1"}, Dir: "/tmp/work"}
	info    = sdk.Info{
		Tenant: "main", Namespace: "company", FlowID: "flow", ExecutionID: "exec", TaskRunID: "run", TaskID: "task", Attempt: 2, Worker: "worker",
	}
	ofInfo = map[string]string{
		"kestra.io/namespace": "company", "kestra.io/flow-id": "flow", "kestra.io/task-id": "task", "kestra.io/execution-id": "exec",
		"kestra.io/taskrun-id": "run", "kestra.io/taskrun-attempt": "2", "windhover.io/worker": "worker", "windhover.io/tenant": "main",
	}
)

// Each property has its place in what the engine is asked for.
func TestSpec(t *testing.T) {
	plain := func() client.ContainerCreateOptions {
		labels := map[string]string{}
		for k, v := range ofInfo {
			labels[k] = v
		}
		return client.ContainerCreateOptions{
			Name: "windhover-run", HostConfig: &container.HostConfig{},
			Config: &container.Config{
				Image: "busybox", Cmd: []string{"sh", "-c", "true"}, Env: []string{"A=1", "B=2"}, WorkingDir: "/tmp/work", Entrypoint: []string{""},
				Labels: labels, AttachStdout: true, AttachStderr: true,
			},
		}
	}
	seventy, yes := int64(70), true
	for yaml, change := range map[string]func(c *container.Config, h *container.HostConfig){
		"type: x":                     func(*container.Config, *container.HostConfig) {},
		"user: nobody":                func(c *container.Config, _ *container.HostConfig) { c.User = "nobody" },
		"entryPoint: [tini, --]":      func(c *container.Config, _ *container.HostConfig) { c.Entrypoint = []string{"tini", "--"} },
		"extraHosts: ['db:10.0.0.1']": func(_ *container.Config, h *container.HostConfig) { h.ExtraHosts = []string{"db:10.0.0.1"} },
		"networkMode: host":           func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = "host" },
		"privileged: true":            func(_ *container.Config, h *container.HostConfig) { h.Privileged = true },
		"shmSize: 128MB":              func(_ *container.Config, h *container.HostConfig) { h.ShmSize = 128 << 20 },
		"cpu: {cpus: 1.5}":            func(_ *container.Config, h *container.HostConfig) { h.NanoCPUs = 1_500_000_000 },
		"volumes: ['/data:/data:ro']": func(_ *container.Config, h *container.HostConfig) { h.Binds = []string{"/data:/data:ro"} },
		"{fileHandlingStrategy: MOUNT, volumes: ['v:/v']}": func(_ *container.Config, h *container.HostConfig) {
			h.Binds = []string{"/tmp/work:/tmp/work", "v:/v"}
		},
		"memory: {memory: 512Mb}":           func(_ *container.Config, h *container.HostConfig) { h.Memory = 512 << 20 },
		"memory: {memory: 0.5GB}":           func(_ *container.Config, h *container.HostConfig) { h.Memory = 512 << 20 },
		"memory: {memory: 4096}":            func(_ *container.Config, h *container.HostConfig) { h.Memory = 4096 },
		"memory: {memorySwap: -1}":          func(_ *container.Config, h *container.HostConfig) { h.MemorySwap = -1 },
		"memory: {memorySwap: 1GB}":         func(_ *container.Config, h *container.HostConfig) { h.MemorySwap = 1 << 30 },
		"memory: {memorySwappiness: 70}":    func(_ *container.Config, h *container.HostConfig) { h.MemorySwappiness = &seventy },
		"memory: {memoryReservation: 64kb}": func(_ *container.Config, h *container.HostConfig) { h.MemoryReservation = 64 << 10 },
		"memory: {oomKillDisable: true}":    func(_ *container.Config, h *container.HostConfig) { h.OomKillDisable = &yes },
		"memory: {kernelMemory: 64MB}":      func(*container.Config, *container.HostConfig) {},
		"deviceRequests: [{driver: nvidia, count: -1, deviceIds: [a], capabilities: [[gpu, compute]], options: {o: v}}]": func(_ *container.Config, h *container.HostConfig) {
			h.DeviceRequests = []container.DeviceRequest{{
				Driver: "nvidia", Count: -1, DeviceIDs: []string{"a"}, Capabilities: [][]string{{"gpu", "compute"}}, Options: map[string]string{"o": "v"},
			}}
		},
		"portBindings: ['8080:80', '127.0.0.1:53:53/udp', '[::1]:1:80', '90']": func(c *container.Config, h *container.HostConfig) {
			p80, p53, p90 := network.MustParsePort("80/tcp"), network.MustParsePort("53/udp"), network.MustParsePort("90/tcp")
			c.ExposedPorts = network.PortSet{p80: {}, p53: {}, p90: {}}
			h.PortBindings = network.PortMap{
				p80: {{HostPort: "8080"}, {HostIP: netip.MustParseAddr("::1"), HostPort: "1"}},
				p53: {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: "53"}}, p90: {{}},
			}
		},
		"delete: false": func(c *container.Config, _ *container.HostConfig) { c.Labels["windhover.io/kept"] = "true" },
		"wait: false": func(c *container.Config, _ *container.HostConfig) {
			c.Labels["windhover.io/kept"], c.AttachStdout, c.AttachStderr = "true", false, false
		},
	} {
		want := plain()
		change(want.Config, want.HostConfig)
		got, err := decode(t, New(Config{Volumes: true}), yaml).spec(command, "busybox", info)
		if err != nil {
			t.Errorf("%s: %v", yaml, err)
			continue
		}
		same := cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b network.Port) bool { return a == b })}
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s (-want +got):\n%s", yaml, diff)
		}
	}
}

func TestSpecErrors(t *testing.T) {
	for yaml, want := range map[string]string{
		"shmSize: lots":                   `shmSize: "lots" is no size such as 512MB`,
		"memory: {memory: -1}":            `memory.memory: "-1" is no size such as 512MB`,
		"memory: {memorySwappiness: 101}": `memory.memorySwappiness: "101" is no number from 0 to 100`,
		"cpu: {cpus: -1}":                 "cpu.cpus: it cannot be negative",
		"portBindings: ['x']":             `portBindings: "x": `,
		"portBindings: ['99999:80']":      `portBindings: "99999:80": "99999" is no port`,
		"portBindings: ['nowhere:80:80']": `portBindings: "nowhere:80:80": `,
		"volumes: ['/etc:/etc']":          "volumes: mounting them is not allowed here",
	} {
		if _, err := decode(t, New(Config{}), yaml).spec(command, "busybox", info); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

func TestVolumesSetting(t *testing.T) {
	of := func(typ string, v any) []any {
		return []any{map[string]any{"type": typ, "values": map[string]any{"volume-enabled": v}}}
	}
	for name, c := range map[string]struct {
		given    Config
		settings []any
		want     bool
	}{
		"none":    {Config{}, nil, false},
		"set":     {Config{}, of(Name, true), true},
		"text":    {Config{}, of(Name, "true"), true},
		"unset":   {Config{Volumes: true}, of(Name, false), false},
		"another": {Config{}, of("io.kestra.plugin.core.log.Log", true), false},
		"older":   {Config{Volumes: true}, []any{"nonsense"}, true},
	} {
		if got := c.given.With(c.settings).Volumes; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSeen(t *testing.T) {
	r := &Runner{}
	for path, want := range map[string]string{"/tmp/a b": "/tmp/a b", "C:/Users/x": "/c/Users/x"} {
		if got := r.Seen(path); got != want {
			t.Errorf("%s is seen as %s", path, got)
		}
	}
}
