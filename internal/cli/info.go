package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
	"github.com/windhover-io/windhover/internal/value"
)

func newConfig(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Aliases: []string{"configs"}, Short: "Tell about the configuration"}
	properties := &cobra.Command{
		Use: "properties", Short: "List the configuration keys", Args: cobra.NoArgs,
		Long: "List the configuration keys. They stand in the file that --config names, below kestra: or windhover:, or in environment\n" +
			"variables: kestra.server.port is KESTRA_SERVER_PORT or WINDHOVER_SERVER_PORT.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			type property struct {
				Key      string `json:"key"`
				Variable string `json:"variable"`
				Doc      string `json:"description"`
			}
			rows := []property{}
			for _, k := range config.Names() {
				if doc := config.Doc(k); doc != "" {
					name := "WINDHOVER_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(k))
					rows = append(rows, property{"kestra." + k, name, doc})
				}
			}
			if o.output != formatTable {
				return o.printValue(cmd, rows, nil)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, r := range rows { // not as a table: descriptions are not cut
				fmt.Fprintf(w, "%s\t%s\n", r.Key, r.Doc)
			}
			return w.Flush()
		},
	}
	validate := &cobra.Command{
		Use: "validate [FILE]", Short: "Check a configuration file, with the variables of the environment", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := o.config
			if len(args) == 1 {
				path = args[0]
			}
			_, warnings, err := config.Load(path)
			for _, w := range warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the configuration is valid")
			return nil
		},
	}
	cmd.AddCommand(properties, validate)
	o.outputFlag(properties.Flags())
	return cmd
}

func newPlugin(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Aliases: []string{"plugins"}, Short: "Tell about the types that flows are made of"}
	cmd.AddCommand(newPluginList(o), newPluginSearch(o), newPluginDoc(o), needless("install", noInstall, "uninstall"))
	return cmd
}

// types lists the types that this program knows.
func (o *options) types() *plugin.Registry {
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{})
	for _, x := range o.extras {
		reg.Add(x.Types...)
	}
	return reg
}

func newPluginList(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the types", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.printTypes(cmd, "") },
	}
	o.outputFlag(cmd.Flags())
	coreFlag(cmd)
	return cmd
}

func newPluginSearch(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "search TEXT", Short: "List the types whose name or title contains a text", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.printTypes(cmd, args[0]) },
	}
	o.outputFlag(cmd.Flags())
	return cmd
}

func (o *options) printTypes(cmd *cobra.Command, text string) error {
	type row struct {
		Type     string          `json:"type"`
		Category plugin.Category `json:"category"`
		Title    string          `json:"title"`
	}
	rows := []row{}
	for _, t := range o.types().Types("") {
		if strings.Contains(strings.ToLower(t.Name+" "+t.Title), strings.ToLower(text)) {
			rows = append(rows, row{t.Name, t.Category, t.Title})
		}
	}
	return o.printValue(cmd, rows, []column{{"TYPE", "type"}, {"CATEGORY", "category"}, {"TITLE", "title"}})
}

// coreFlag accepts a flag of the reference, which tells its own types from those of others: here there are only the former.
func coreFlag(cmd *cobra.Command) {
	cmd.Flags().Bool("core", true, "accepted and without meaning: all types are part of the program")
	_ = cmd.Flags().MarkHidden("core")
}

func newPluginDoc(o *options) *cobra.Command {
	var dir string
	var schema bool
	cmd := &cobra.Command{
		Use:     "doc TYPE… | --directory DIRECTORY",
		Short:   "Print the documentation of types, or write that of all types to a directory",
		Example: "  windhover plugin doc io.kestra.plugin.core.log.Log\n  windhover plugin doc --directory docs/plugins --schema",
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) > 0) == (dir != "") {
				return errors.New("expected either types or --directory")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return o.types().Names(""), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir != "" {
				return o.writeDocs(dir, schema)
			}
			return o.printDocs(cmd.OutOrStdout(), args, schema)
		},
	}
	cmd.Flags().StringVar(&dir, "directory", "", "where to write a file for each type")
	cmd.Flags().BoolVar(&schema, "schema", false, "the JSON Schema instead of the documentation")
	coreFlag(cmd)
	return cmd
}

// docOf is the documentation of a type, or its JSON Schema.
func docOf(t *plugin.Type, schema bool) ([]byte, error) {
	if !schema {
		return []byte(strings.TrimRight(t.Markdown(), "\n") + "\n"), nil
	}
	var b bytes.Buffer
	err := printRaw(&b, "json", value.AppendJSON(nil, t.Schema(false), value.JSONOptions{}))
	return b.Bytes(), err
}

func (o *options) printDocs(w io.Writer, names []string, schema bool) error {
	reg := o.types()
	for _, name := range names {
		t, ok := reg.Lookup(name)
		if program := reg.Program(name); program != "" {
			return fmt.Errorf("the type %s is in %s, not in this program", name, program)
		}
		if !ok {
			return fmt.Errorf("there is no type %s: `windhover plugin list` lists them", name)
		}
		doc, err := docOf(t, schema)
		if err != nil {
			return err
		}
		if _, err := w.Write(doc); err != nil {
			return err
		}
	}
	return nil
}

func (o *options) writeDocs(dir string, schema bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	extension := ".md"
	if schema {
		extension = ".json"
	}
	for _, t := range o.types().Types("") {
		doc, err := docOf(t, schema)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, t.Name+extension), doc, 0o644); err != nil {
			return err
		}
	}
	return nil
}
