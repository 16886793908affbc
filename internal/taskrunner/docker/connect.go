package docker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/moby/client"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/windhover-io/windhover/internal/taskrunner"
)

// Engine is what all that use Docker in one process share: its connections, and the containers that run for it.
type Engine struct {
	cfg Config

	mu      sync.Mutex
	daemons map[string]*Daemon
	busy    map[string]bool // the names of the containers that are looked after
}

// New returns what connects to engines when it is first needed.
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, daemons: map[string]*Daemon{}, busy: map[string]bool{}}
}

// Daemon is an engine that is connected to.
type Daemon struct {
	*client.Client
	Host string

	mu      sync.Mutex
	bounded *bool // whether its log is bounded by us, once that is known
}

// Connect returns the engine at an address, "" for the worker's own. It asks nothing of it yet.
func (e *Engine) Connect(host string) (*Daemon, error) {
	host = address(host)
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := e.daemons[host]; d != nil {
		return d, nil
	}
	c, err := client.New(client.WithTLSClientConfigFromEnv(), client.WithHost(host), client.WithAPIVersionFromEnv(), client.WithTraceProvider(noop.NewTracerProvider()))
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	d := &Daemon{Client: c, Host: host}
	e.daemons[host] = d
	return d, nil
}

// address is that of an engine: as it is given, of the environment, or the usual socket.
func address(host string) string {
	if host == "" {
		host = os.Getenv(client.EnvOverrideHost)
	}
	switch {
	case host != "" && !strings.Contains(host, "://"):
		return "tcp://" + host
	case host != "":
		return host
	}
	for _, socket := range []string{"/var/run/docker.sock", filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "docker.sock"), "/dind/docker.sock"} {
		if info, err := os.Stat(socket); err == nil && info.Mode().Type() == os.ModeSocket {
			return "unix://" + socket
		}
	}
	return client.DefaultDockerHost
}

// Explain makes an error of the engine say what can be done, where it does not answer at all.
func (d *Daemon) Explain(err error) error {
	if err == nil || !client.IsErrConnectionFailed(err) {
		return err
	}
	return &unavailable{fmt.Errorf("no Docker engine answers at %s: start it there, or tell with host or DOCKER_HOST where it is "+
		"and see that the worker may use it", d.Host)}
}

// unavailable is taskrunner.ErrUnavailable with a text of its own.
type unavailable struct{ error }

func (*unavailable) Is(target error) bool { return target == taskrunner.ErrUnavailable }

// boundsLogs tells whether the engine keeps what containers write in files that have no end unless they are given one.
func (d *Daemon) boundsLogs(ctx context.Context) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bounded == nil {
		info, err := d.Info(ctx, client.InfoOptions{})
		if err != nil {
			return false // whatever is wrong will be told by what follows
		}
		bounded := info.Info.LoggingDriver == "json-file"
		d.bounded = &bounded
	}
	return *d.bounded
}
