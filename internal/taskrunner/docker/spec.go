package docker

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/taskrunner"
	"github.com/windhover-io/windhover/internal/taskrunner/leftover"
	"github.com/windhover-io/windhover/sdk"
)

// name is that of the container of a task run, which is what makes it be found again.
func name(info sdk.Info) string {
	if info.TaskRunID == "" {
		return "windhover-" + model.NewID()
	}
	return "windhover-" + info.TaskRunID
}

// spec is the container for a command.
func (r *Runner) spec(c *taskrunner.Command, image string, info sdk.Info) (client.ContainerCreateOptions, error) {
	host, err := r.hostConfig()
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	config := &container.Config{
		Image: image, User: r.User, Cmd: c.Args, Env: environment(c.Env), WorkingDir: r.Seen(c.Dir), Entrypoint: r.EntryPoint,
		Labels: leftover.Labels(info, !r.Delete || !r.Wait), AttachStdout: r.Wait, AttachStderr: r.Wait,
	}
	if r.FileHandlingStrategy == "MOUNT" {
		host.Binds = append([]string{c.Dir + ":" + r.Seen(c.Dir)}, host.Binds...)
	}
	exposed, bindings, err := ports(r.PortBindings)
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	config.ExposedPorts, host.PortBindings = exposed, bindings
	return client.ContainerCreateOptions{Config: config, HostConfig: host, Name: name(info)}, nil
}

func environment(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for name, v := range env {
		out = append(out, name+"="+v)
	}
	slices.Sort(out)
	return out
}

func (r *Runner) hostConfig() (*container.HostConfig, error) {
	if len(r.Volumes) > 0 && !r.engine.cfg.Volumes {
		return nil, fmt.Errorf("volumes: mounting them is not allowed here: an administrator can set %s: true for %s in plugins.configurations",
			volumesName, Name)
	}
	h := &container.HostConfig{
		Binds: slices.Clone(r.Volumes), ExtraHosts: r.ExtraHosts, NetworkMode: container.NetworkMode(r.NetworkMode), Privileged: r.Privileged,
	}
	var err error
	if h.ShmSize, err = size("shmSize", r.ShmSize); err != nil {
		return nil, err
	}
	if r.CPU != nil {
		if r.CPU.CPUs < 0 {
			return nil, errors.New("cpu.cpus: it cannot be negative")
		}
		h.NanoCPUs = int64(r.CPU.CPUs * 1e9)
	}
	for _, d := range r.DeviceRequests {
		h.DeviceRequests = append(h.DeviceRequests, container.DeviceRequest{
			Driver: d.Driver, Count: d.Count, DeviceIDs: d.DeviceIDs, Capabilities: d.Capabilities, Options: d.Options,
		})
	}
	return h, r.Memory.limit(&h.Resources)
}

// limit sets what is to be limited.
func (m *Memory) limit(r *container.Resources) (err error) {
	if m == nil {
		return nil
	}
	if r.Memory, err = size("memory.memory", m.Memory); err != nil {
		return err
	}
	if r.MemoryReservation, err = size("memory.memoryReservation", m.MemoryReservation); err != nil {
		return err
	}
	if m.MemorySwap == "-1" {
		r.MemorySwap = -1
	} else if r.MemorySwap, err = size("memory.memorySwap", m.MemorySwap); err != nil {
		return err
	}
	if m.MemorySwappiness != "" {
		n, err := strconv.ParseInt(m.MemorySwappiness, 10, 64)
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("memory.memorySwappiness: %q is no number from 0 to 100", m.MemorySwappiness)
		}
		r.MemorySwappiness = &n
	}
	if m.OOMKillDisable {
		r.OomKillDisable = &m.OOMKillDisable
	}
	return nil
}

// size reads a number of bytes, "" for none.
func size(property, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := units.RAMInBytes(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is no size such as 512MB", property, text)
	}
	return n, nil
}

// ports reads what is to be published: ip:hostPort:containerPort/protocol, of which only the container's port is required.
func ports(specs []string) (network.PortSet, network.PortMap, error) {
	if len(specs) == 0 {
		return nil, nil, nil
	}
	exposed, bindings := network.PortSet{}, network.PortMap{}
	for _, spec := range specs {
		var b network.PortBinding
		rest, inner := "", spec
		if i := strings.LastIndexByte(spec, ':'); i >= 0 {
			rest, inner = spec[:i], spec[i+1:]
		}
		port, err := network.ParsePort(inner)
		if err != nil {
			return nil, nil, fmt.Errorf("portBindings: %q: %w", spec, err)
		}
		b.HostPort = rest
		if i := strings.LastIndexByte(rest, ':'); i >= 0 {
			b.HostPort = rest[i+1:]
			if b.HostIP, err = netip.ParseAddr(strings.Trim(rest[:i], "[]")); err != nil {
				return nil, nil, fmt.Errorf("portBindings: %q: %w", spec, err)
			}
		}
		if _, err := strconv.ParseUint(b.HostPort, 10, 16); err != nil && b.HostPort != "" {
			return nil, nil, fmt.Errorf("portBindings: %q: %q is no port", spec, b.HostPort)
		}
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], b)
	}
	return exposed, bindings, nil
}
