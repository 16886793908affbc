package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

func newServer(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "server", Short: "Start a server"}
	cmd.AddCommand(newServerLocal(o), newServerKind(o, "standalone", "Start all components in one process", all),
		needless("indexer", noIndexer), needless("controller", noController))
	for kind, doc := range map[string]string{
		"executor":  "Start the component that moves executions",
		"scheduler": "Start the component that moves triggers",
		"worker":    "Start the component that runs tasks",
		"webserver": "Start the API and the web UI",
	} {
		cmd.AddCommand(newServerKind(o, kind, doc, []string{kind}))
	}
	return cmd
}

var all = []string{"executor", "scheduler", "worker", "webserver"}

func newServerLocal(o *options) *cobra.Command {
	var port int
	var host, data, flows string
	var inMemory, noTutorials bool
	var skip skipOptions
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Start everything on this machine, with an embedded database",
		Long: "Start everything in one process with an embedded database. It listens on loopback only, unless --host says otherwise.\n" +
			"Data is kept in a directory and survives a crash; with --memory nothing is kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			flags := cmd.Flags()
			if flags.Changed("port") {
				cfg.Server.Port = port
			}
			if flags.Changed("host") {
				cfg.Server.Host = host
			}
			if flags.Changed("data") || o.config == "" {
				cfg.Backend.Path = data
			}
			if inMemory {
				cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
			}
			if noTutorials {
				cfg.Tutorial = false
			}
			return o.serve(cmd.Context(), cfg, all, flows, skip)
		},
	}
	cmd.Flags().IntVar(&port, "port", 8080, "port to listen on")
	cmd.Flags().StringVar(&host, "host", "127.0.0.1", "address to listen on")
	cmd.Flags().StringVar(&data, "data", "data", "directory of the database and the files")
	cmd.Flags().BoolVar(&inMemory, "memory", false, "keep nothing")
	cmd.Flags().StringVarP(&flows, "flow-path", "f", "", "a file or directory of flows to create or update at start")
	cmd.Flags().BoolVar(&noTutorials, "no-tutorials", false, "leave out the tutorial flows")
	skip.add(cmd.Flags())
	return cmd
}

// kindOptions are the flags of the commands that start components.
type kindOptions struct {
	port, threads int
	group, flows  string
	noTutorials   bool
	skip          skipOptions
}

func newServerKind(o *options, kind, doc string, components []string) *cobra.Command {
	k := &kindOptions{}
	cmd := &cobra.Command{
		Use: kind, Short: doc, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			k.apply(cmd, cfg)
			return o.serve(cmd.Context(), cfg, components, k.flows, k.skip)
		},
	}
	f := cmd.Flags()
	if slices.Contains(components, "webserver") {
		f.IntVar(&k.port, "port", 0, "port to listen on, instead of the configured one")
		f.BoolVar(&k.noTutorials, "no-tutorials", false, "leave out the tutorial flows")
		f.Bool("no-indexer", false, "accepted and without meaning: what is committed can be found")
		_ = f.MarkHidden("no-indexer")
	}
	if slices.Contains(components, "worker") {
		name, short := "thread", "t"
		if kind == "standalone" { // as the reference calls it
			name, short = "worker-thread", ""
		}
		f.IntVarP(&k.threads, name, short, 0, "how many tasks run at once, instead of the configured number")
		f.StringVarP(&k.group, "worker-group", "g", "", "the worker group to serve")
	}
	if slices.Contains(components, "executor") {
		k.skip.add(f)
	}
	if kind == "standalone" {
		f.StringVarP(&k.flows, "flow-path", "f", "", "a file or directory of flows to create or update at start")
	}
	return cmd
}

// apply puts the flags that were given over the configuration.
func (k *kindOptions) apply(cmd *cobra.Command, cfg *config.Config) {
	f := cmd.Flags()
	if f.Changed("port") {
		cfg.Server.Port = k.port
	}
	if f.Changed("thread") || f.Changed("worker-thread") {
		cfg.Worker.Threads = k.threads
	}
	if f.Changed("worker-group") {
		cfg.Worker.Group = k.group
	}
	if k.noTutorials {
		cfg.Tutorial = false
	}
}

// load reads the configuration and tells of what in it has no meaning.
func (o *options) load() (*config.Config, error) {
	cfg, warnings, err := config.Load(o.config)
	for _, w := range warnings {
		o.logger(slog.LevelInfo).Warn("configuration", "problem", w)
	}
	return cfg, err
}

// gcPercent is how much garbage a server lets gather, in percent of what it holds: twice Go's own. An execution is mostly
// short-lived objects, and this saves a fifth of its CPU time for some megabytes. GOGC overrides it.
const gcPercent = 200

// serve runs components until the context ends, then stops them. Flows of a path are created or updated first.
func (o *options) serve(ctx context.Context, cfg *config.Config, components []string, flows string, skip skipOptions) error {
	if problems := cfg.Validate(); len(problems) > 0 { // flags may have made it wrong
		return errors.New(strings.Join(problems, "\n"))
	}
	skipped, err := skip.parse()
	if err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	log, began := o.logger(slog.LevelInfo), time.Now()
	a, err := app.New(cfg, log, o.extras...)
	if err != nil {
		return err
	}
	if a.Skip = skipped; skipped.Any() {
		log.Warn("executions are skipped: they stay as they are until an executor runs that does not skip them",
			"executions", skip.executions, "flows", skip.flows, "namespaces", skip.namespaces, "tenants", skip.tenants)
	}
	if flows != "" {
		if err := saveFlows(ctx, a, flows); err != nil {
			_ = a.Stop(context.WithoutCancel(ctx))
			return err
		}
	}
	start := map[string]func(context.Context) error{"executor": a.Executor, "scheduler": a.Scheduler, "worker": a.Worker, "webserver": a.Webserver}
	for _, c := range components {
		if err := start[c](ctx); err != nil {
			_ = a.Stop(context.WithoutCancel(ctx))
			return fmt.Errorf("starting the %s: %w", c, err)
		}
	}
	log.Info("windhover is ready", "url", a.URL(), "backend", a.Backend.Caps().Name, "took", time.Since(began).Round(time.Millisecond))
	<-ctx.Done()
	log.Info("stopping")
	return a.Stop(context.WithoutCancel(ctx))
}

// saveFlows creates or updates the flows in files, and tells of all that are not valid.
func saveFlows(ctx context.Context, a *app.App, path string) error {
	files, err := yamlFiles([]string{path})
	if err != nil {
		return err
	}
	for _, file := range files {
		if _, saveErr := saveFile(ctx, a, file, os.Stderr); saveErr != nil && !errors.Is(saveErr, errFailed) {
			return saveErr
		} else if saveErr != nil {
			err = errFailed
		}
	}
	return err
}
