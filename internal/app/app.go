// Package app is the composition root: it builds the components of a process from a configuration, wires them by hand and
// starts and stops them. It is the only package that imports every adapter.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/backend/memory"
	"github.com/windhover-io/windhover/internal/backend/sqlite"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/executor"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/flowstore"
	"github.com/windhover-io/windhover/internal/httpapi"
	"github.com/windhover-io/windhover/internal/inputs"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/metrics"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/purge"
	"github.com/windhover-io/windhover/internal/scheduler"
	"github.com/windhover-io/windhover/internal/secret"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/local"
	storagememory "github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/storage/s3"
	"github.com/windhover-io/windhover/internal/taskrunner/docker"
	taskhttp "github.com/windhover-io/windhover/internal/tasks/http"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/worker"
	"github.com/windhover-io/windhover/internal/world"
)

// App is the components of one process. What is exported is for the command line and for tests.
type App struct {
	Config    *config.Config
	Log       *slog.Logger
	Backend   backend.Backend
	Storage   storage.Storage
	Registry  *plugin.Registry
	Templates *expr.Cache
	Flows     *flowstore.Store
	Listeners *flowstore.Listeners
	Inputs    *inputs.Resolver
	Secrets   *secret.Store
	Masks     *mask.Book
	World     *world.World
	Cipher    *Cipher
	Launcher  *launch.Launcher
	Metrics   *metrics.Metrics
	Skip      executor.Skip // executions that this process does not move

	extras       []Extras
	docker       *docker.Engine
	envs, kestra *value.Map
	defaults     []flow.Default
	stops        []func(context.Context)
	tmp, addr    string
}

// Version is the version of the binary, set when it is linked.
var Version = "dev"

// New builds the components that every kind of process has and opens the backend.
func New(cfg *config.Config, log *slog.Logger, extras ...Extras) (*App, error) {
	a := &App{Config: cfg, Log: log, Templates: expr.NewCache(8192), Masks: &mask.Book{}, extras: extras}
	a.Templates.Recursive = cfg.Variables.Recursive
	var err error
	if a.Cipher, err = NewCipher(cfg.Encryption.SecretKey); err != nil {
		return nil, err
	}
	if err := a.openBackend(); err != nil {
		return nil, err
	}
	if err := a.openStorage(); err != nil {
		return nil, errors.Join(err, a.Backend.Close())
	}
	var invalid []string
	a.Secrets, invalid = secret.New(a.Backend.Documents(), a.Cipher.encrypt(), a.Cipher.decrypt(), a.Masks)
	for _, name := range invalid {
		log.Warn("an environment variable is not base64 and is left out of the secrets", "name", name)
	}
	if err := a.Secrets.Learn(context.Background(), httpapi.Tenant); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the secrets that are to be hidden: %w", err), a.Backend.Close())
	}
	a.World = &world.World{Backend: a.Backend, Storage: a.Storage, Secrets: a.Secrets, HTTP: taskhttp.Fetch}
	a.Inputs = &inputs.Resolver{Templates: a.Templates, Encrypt: a.Cipher.encrypt()}
	a.envs, a.kestra = a.environment(), a.kestraVariable()
	a.Registry = a.registry()
	if a.defaults, err = a.pluginDefaults(); err != nil {
		return nil, errors.Join(err, a.Backend.Close())
	}
	a.Flows = flowstore.New(a.Backend.Flows(), a.compile, a.Backend.Caps().RunAhead)
	a.Metrics = metrics.New(a.Flows.Cached)
	a.Listeners = flowstore.NewListeners(a.Flows, a.Backend.Triggers(), httpapi.Tenant)
	a.Launcher = &launch.Launcher{
		Backend: a.Backend, Flows: a.Flows, Inputs: a.Inputs, World: a.World, Globals: cfg.Variables.Globals, Envs: a.envs, Kestra: a.kestra,
		Location: time.Local, Decrypt: a.Cipher.decrypt(), Masks: a.Masks,
	}
	return a, nil
}

func (a *App) openBackend() (err error) {
	switch a.Config.Backend.Type {
	case "memory":
		a.Backend = memory.New()
	case "sqlite":
		a.Backend, err = sqlite.Open(a.Config.Backend.Path)
	default:
		err = fmt.Errorf("there is no backend %q", a.Config.Backend.Type)
	}
	return err
}

func (a *App) openStorage() (err error) {
	c := a.Config.Storage
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch c.Type {
	case "memory":
		a.Storage = storagememory.New()
		return nil
	case "minio":
		c.S3.Endpoint, c.S3.PathStyle = c.MinIO.URL(), true
		fallthrough
	case "s3":
		a.Storage, err = s3.Open(ctx, c.S3)
		return err
	case "gcs", "azure":
		a.Storage, err = a.openExtra(ctx, c)
		return err
	}
	path := c.Path
	if path == "" {
		path = filepath.Join(a.Config.Backend.Path, "storage")
	}
	a.Storage, err = local.Open(path)
	return err
}

// environment is the context variable envs: environment variables with the configured prefix, without it, in small letters.
func (a *App) environment() *value.Map {
	m := value.NewMap(4)
	for _, kv := range os.Environ() {
		name, v, _ := strings.Cut(kv, "=")
		rest, ok := strings.CutPrefix(name, a.Config.Variables.EnvPrefix)
		if ok && rest != "" && a.Config.Variables.EnvPrefix != "" {
			m.Set(strings.ToLower(rest), v)
		}
	}
	return m
}

func (a *App) kestraVariable() *value.Map {
	m := value.NewMap(2)
	if n := a.Config.Environment.Name; n != "" {
		m.Set("environment", n)
	}
	if u := a.Config.URL; u != "" {
		m.Set("url", u)
	}
	return m
}

// Executor starts the loops that step executions.
func (a *App) Executor(ctx context.Context) error {
	member, err := a.join(ctx, "EXECUTOR", "")
	if err != nil {
		return err
	}
	traced, err := a.traces(ctx)
	if err != nil {
		return err
	}
	committed := func(tr *model.Transition) {
		a.Metrics.Committed(tr)
		if traced != nil {
			traced(tr)
		}
	}
	if err := a.Listeners.Refresh(ctx); err != nil {
		return err
	}
	ex := executor.New(executor.Config{
		Backend: a.Backend, Resolver: resolver{a}, Log: a.Log, Member: member, Committed: committed, Skip: a.Skip,
		Env: engine.Env{
			Templates: a.Templates, Location: time.Local, Globals: a.Config.Variables.Globals, Envs: a.envs, Kestra: a.kestra,
			Decrypt: a.reveal(), Hide: a.hide, Staffed: (&groups{members: a.Backend}).Staffed, Inputs: a.resolveInputs, OutputValue: a.Inputs.Output,
			Listeners: a.Listeners.Of,
		},
	})
	a.start("executor", ex.Run)
	if a.Config.Retention.Enabled() {
		r := &purge.Retention{
			Purger: purge.Purger{Backend: a.Backend, Storage: a.Storage}, Policy: a.Config.Retention, Tenant: httpapi.Tenant, Log: a.Log,
		}
		a.start("retention", r.Run)
	}
	return nil
}

// Scheduler starts the loops that move triggers.
func (a *App) Scheduler(ctx context.Context) error {
	member, err := a.join(ctx, "SCHEDULER", "")
	if err != nil {
		return err
	}
	s := scheduler.New(scheduler.Config{
		Backend: a.Backend, Flows: a.Flows, Launcher: a.Launcher, Log: a.Log, Masks: a.Masks, Member: member,
	})
	a.start("scheduler", s.Run)
	return nil
}

// Worker starts a worker.
func (a *App) Worker(ctx context.Context) error {
	member, err := a.join(ctx, "WORKER", a.Config.Worker.Group)
	if err != nil {
		return err
	}
	tmp, err := a.workDirs()
	if err != nil {
		return err
	}
	a.Metrics.Threads(a.Config.Worker.Group, a.Config.Worker.Threads)
	w := worker.New(worker.Config{
		Backend: a.Backend, Flows: a.Flows, Registry: a.Registry, Functions: a.World, Launcher: a.Launcher, Storage: a.Storage, Templates: a.Templates,
		Location: time.Local, Globals: a.Config.Variables.Globals, Envs: a.envs, Kestra: a.kestra,
		Encrypt: a.Cipher.encrypt(), Decrypt: a.Cipher.decrypt(), Masks: a.Masks, Log: a.Log, Member: member, Group: a.Config.Worker.Group,
		Threads: a.Config.Worker.Threads, TmpDir: tmp, Grace: a.Config.Server.Grace,
		TraceParent: a.traceParent(), Began: a.Metrics.JobStarted,
	})
	a.start("worker", w.Run)
	sweeper := &docker.Sweeper{Engine: a.docker, Backend: a.Backend, Log: a.Log, Every: sweepEvery}
	a.start("containers", sweeper.Run)
	for _, x := range a.extras {
		if x.Beside != nil {
			a.start("beside the worker", func(ctx context.Context) error { return x.Beside(ctx, a) })
		}
	}
	return nil
}

// workDirs is where tasks get their working directories: as configured, below the data directory, or a temporary one. The path is
// absolute: commands see it from within, where a relative one would lead astray.
func (a *App) workDirs() (string, error) {
	switch {
	case a.Config.Tasks.TmpDir != "":
		return filepath.Abs(a.Config.Tasks.TmpDir)
	case a.Config.Backend.Type == "sqlite": // this process has the directory to itself: what is left there is a dead one's
		dir, err := filepath.Abs(filepath.Join(a.Config.Backend.Path, "tmp"))
		if err != nil {
			return "", err
		}
		if err := os.RemoveAll(dir); err != nil { // another user's, from a container; or in use, on Windows. It is in nobody's way
			a.Log.Warn("removing what working directories hold failed", "dir", dir, "error", err)
		}
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "windhover-")
	a.tmp = dir
	return dir, err
}

// start runs a component; Stop ends it, the last one first.
func (a *App) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			a.Log.Error("a component ended", "component", name, "error", err)
		}
	})
	a.stops = append(a.stops, func(context.Context) {
		cancel()
		wg.Wait()
	})
}

// Stop ends the components, lets running tasks finish for the grace period and closes the backend.
func (a *App) Stop(ctx context.Context) error {
	for i := len(a.stops) - 1; i >= 0; i-- {
		a.stops[i](ctx)
	}
	err := a.Backend.Close()
	if a.tmp != "" {
		err = errors.Join(err, os.RemoveAll(a.tmp))
	}
	return err
}

// join makes a component known and keeps it alive until the process stops.
func (a *App) join(ctx context.Context, kind, group string) (string, error) {
	host, _ := os.Hostname()
	m := backend.Member{
		ID: model.NewID(), Kind: kind, Host: host, Group: group, State: backend.MemberRunning, Started: time.Now().UTC(),
		Timeout: beatTimeout, Version: Version,
	}
	if err := a.Backend.Join(ctx, m); err != nil {
		return "", err
	}
	a.start("heartbeat", func(ctx context.Context) error {
		t := time.NewTicker(beatEvery)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return a.Backend.Leave(context.WithoutCancel(ctx), m.ID)
			case <-t.C:
				if err := a.Backend.Beat(ctx, m.ID, backend.MemberRunning); err != nil {
					a.Log.Warn("a heartbeat failed", "component", kind, "error", err)
				}
			}
		}
	})
	return m.ID, nil
}

const (
	beatEvery = 3 * time.Second
	// sweepEvery is how often is looked for containers that nobody comes for.
	sweepEvery  = 30 * time.Second
	beatTimeout = 20 * time.Second
)
