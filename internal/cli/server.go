package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
)

func newServer(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "server", Short: "Start a server"}
	cmd.AddCommand(newServerLocal(o), newServerKind(o, "standalone", "Start all components in one process", all))
	for kind, doc := range map[string]string{
		"executor":  "Start the component that moves executions",
		"worker":    "Start the component that runs tasks",
		"webserver": "Start the API and the web UI",
	} {
		cmd.AddCommand(newServerKind(o, kind, doc, []string{kind}))
	}
	return cmd
}

var all = []string{"executor", "worker", "webserver"}

func newServerLocal(o *options) *cobra.Command {
	var port int
	var host, data string
	var inMemory bool
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
			return serve(cmd.Context(), cfg, o.logger(slog.LevelInfo), all)
		},
	}
	cmd.Flags().IntVar(&port, "port", 8080, "port to listen on")
	cmd.Flags().StringVar(&host, "host", "127.0.0.1", "address to listen on")
	cmd.Flags().StringVar(&data, "data", "data", "directory of the database and the files")
	cmd.Flags().BoolVar(&inMemory, "memory", false, "keep nothing")
	return cmd
}

func newServerKind(o *options, kind, doc string, components []string) *cobra.Command {
	return &cobra.Command{
		Use: kind, Short: doc, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := o.load()
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, o.logger(slog.LevelInfo), components)
		},
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

// serve runs components until the context ends, then stops them.
func serve(ctx context.Context, cfg *config.Config, log *slog.Logger, components []string) error {
	began := time.Now()
	a, err := app.New(cfg, log)
	if err != nil {
		return err
	}
	start := map[string]func(context.Context) error{"executor": a.Executor, "worker": a.Worker, "webserver": a.Webserver}
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
