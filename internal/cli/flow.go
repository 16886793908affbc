package cli

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func newFlow(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "flow", Short: "Work with flows"}
	cmd.AddCommand(newFlowValidate(o))
	return cmd
}

func newFlowValidate(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE|DIRECTORY…",
		Short: "Check flow files, without a server",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg := config.Default()
			cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
			a, err := app.New(cfg, o.logger(slog.LevelWarn))
			if err != nil {
				return err
			}
			defer func() { _ = a.Stop(cmd.Context()) }()
			files, err := yamlFiles(args)
			if err != nil {
				return err
			}
			bad := 0
			for _, f := range files {
				src, err := os.ReadFile(f)
				if err != nil {
					return err
				}
				problems := a.ValidateFlow("main", src)
				printProblems(cmd.ErrOrStderr(), f, src, problems)
				if yamldoc.HasErrors(problems) {
					bad++
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: valid\n", f)
			}
			if bad > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d files are not valid\n", bad, len(files))
				return errFailed
			}
			return nil
		},
	}
}

// yamlFiles lists files, and the YAML files below directories.
func yamlFiles(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, arg)
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
