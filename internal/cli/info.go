package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Tell about the configuration"}
	cmd.AddCommand(&cobra.Command{
		Use: "properties", Short: "List the configuration keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, k := range config.Names() {
				if doc := config.Doc(k); doc != "" {
					fmt.Fprintf(w, "kestra.%s\t%s\n", k, doc)
				}
			}
			return w.Flush()
		},
	})
	return cmd
}

func newPlugin(*options) *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "Tell about the types that flows are made of"}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List the types", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reg := plugin.NewRegistry()
			tasks.Register(reg, tasks.Deps{})
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, t := range reg.Types("") {
				fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.Category, t.Title)
			}
			return w.Flush()
		},
	})
	return cmd
}
