// Package cli is the command line: it reads arguments, calls the app or a server, and prints.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
)

// options are the flags that every command has.
type options struct {
	logLevel string
	config   string
	verbose  bool
	conn     connection
	output   string // table, json or yaml
	extras   []app.Extras
}

// errFailed ends the process with status 1 when the reason has been printed already.
var errFailed = errors.New("failed")

// Main runs the command line and returns the exit status. The extras are what the program has beyond the plain one.
func Main(args []string, extras ...app.Extras) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(extras...)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errFailed):
		fmt.Fprintln(os.Stderr, "windhover: "+err.Error())
	}
	return 1
}

func newRoot(extras ...app.Extras) *cobra.Command {
	o := &options{extras: extras}
	root := &cobra.Command{
		Use:           "windhover",
		Short:         "Run and schedule flows",
		Long:          "Windhover runs and schedules flows: tasks, conditions, loops, retries and triggers described in YAML.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       app.Version,
	}
	root.PersistentFlags().StringVarP(&o.logLevel, "log-level", "l", "", "least level of the program's own log: debug, info, warn, error")
	root.PersistentFlags().StringVarP(&o.config, "config", "c", "", "configuration file")
	root.PersistentFlags().Bool("internal-log", false, "accepted and without meaning")
	root.PersistentFlags().StringP("plugins", "p", "", "accepted and without meaning: types are part of the program")
	for _, name := range []string{"internal-log", "plugins"} { // the reference has them
		_ = root.PersistentFlags().MarkHidden(name)
	}
	root.PersistentFlags().BoolVarP(&o.verbose, "verbose", "v", false, "log more, the same as --log-level debug")
	root.AddCommand(newServer(o), newRun(o), newEval(), newConfig(o), newPlugin(o), newFlow(o), newExecution(o), newKV(o),
		newNamespace(o), newTemplate(o), newTrigger(o), newSecret(o), newSys(o), needless("migrate", noMigration))
	for _, cmd := range root.Commands() {
		refuseUnknown(cmd)
	}
	return root
}

// refuseUnknown makes a group of commands, and those in it, refuse names that it does not have: left alone it prints its
// help as if all were well.
func refuseUnknown(group *cobra.Command) {
	for _, cmd := range group.Commands() {
		refuseUnknown(cmd)
	}
	if group.Runnable() || !group.HasSubCommands() {
		return
	}
	group.Args = cobra.ArbitraryArgs
	group.SuggestionsMinimumDistance = 2 // SuggestionsFor alone does not set what it is by default
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = ", did you mean " + strings.Join(near, " or ") + "?"
		}
		return fmt.Errorf("%s has no command %q%s", cmd.CommandPath(), args[0], hint)
	}
}

// logger writes the program's own log to standard error.
func (o *options) logger(otherwise slog.Level) *slog.Logger { return o.loggerTo(os.Stderr, otherwise) }

func (o *options) loggerTo(w io.Writer, otherwise slog.Level) *slog.Logger {
	level := otherwise
	if o.logLevel != "" {
		if err := level.UnmarshalText([]byte(strings.ToUpper(o.logLevel))); err != nil {
			level = otherwise
		}
	}
	if o.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
