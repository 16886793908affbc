package cli

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

func newFlow(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "flow", Aliases: []string{"flows"}, Short: "Work with flows"}
	cmd.AddCommand(newFlowValidate(o), newFlowExpand(), newFlowDot(o), newFlowTest(o), newFlowList(o), newFlowGet(o), newFlowCreate(o), newFlowUpdate(o),
		newFlowUpdates(o), newFlowDelete(o), newFlowExport(o), newFlowNamespace(o))
	return o.connect(cmd)
}

// readFlow reads the source of a flow, with the files in it that it includes as [[> file]].
func readFlow(path string) ([]byte, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	src, err = flow.Expand(src, func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(filepath.Dir(path), file)) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return src, nil
}

// compiler is an app that only compiles.
func (o *options) compiler() (*app.App, error) {
	cfg := config.Default()
	if o.config != "" {
		var err error
		if cfg, err = o.load(); err != nil {
			return nil, err
		}
	}
	cfg.Backend.Type, cfg.Storage.Type = "memory", "memory"
	return app.New(cfg, o.logger(slog.LevelWarn), o.extras...)
}

func newFlowValidate(o *options) *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:   "validate FILE|DIRECTORY…",
		Short: "Check flow files; no server is needed",
		Long: "Check flow files and tell everything that is wrong with them, each with its line.\n" +
			"They are checked here unless --server is given: then the server checks them, with its templates and plugin defaults.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := yamlFiles(args)
			if err != nil {
				return err
			}
			check, done, err := o.checker(cmd, cmd.Flags().Changed("server") && !local)
			if err != nil {
				return err
			}
			defer done()
			return o.validateFiles(cmd, files, check)
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "check without a server, also where --server is given")
	return cmd
}

// checker returns what checks a flow: a server, or this process.
func (o *options) checker(cmd *cobra.Command, remote bool) (check func([]byte) ([]yamldoc.Problem, error), done func(), err error) {
	if remote {
		return func(src []byte) ([]yamldoc.Problem, error) { return o.client().validate(cmd.Context(), src) }, func() {}, nil
	}
	a, err := o.compiler()
	if err != nil {
		return nil, nil, err
	}
	return func(src []byte) ([]yamldoc.Problem, error) { return a.ValidateFlow("main", src), nil }, func() { _ = a.Stop(cmd.Context()) }, nil
}

// checkedFile is what is wrong with a file, for programs.
type checkedFile struct {
	File     string        `json:"file"`
	Valid    bool          `json:"valid"`
	Problems []fileProblem `json:"problems"`
}

type fileProblem struct {
	Severity   string `json:"severity"`
	Line       int    `json:"line"`
	Column     int    `json:"column"`
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}

func checked(file string, problems []yamldoc.Problem) checkedFile {
	out := checkedFile{file, !yamldoc.HasErrors(problems), []fileProblem{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, fileProblem{p.Severity.String(), p.Line, p.Column, p.Path, p.Message, p.Suggestion})
	}
	return out
}

func (o *options) validateFiles(cmd *cobra.Command, files []string, check func([]byte) ([]yamldoc.Problem, error)) error {
	bad := 0
	all := []checkedFile{}
	for _, f := range files {
		src, err := readFlow(f)
		if err != nil {
			return err
		}
		problems, err := check(src)
		if err != nil {
			return err
		}
		if yamldoc.HasErrors(problems) {
			bad++
		}
		if o.output != formatTable {
			all = append(all, checked(f, problems))
			continue
		}
		printProblems(cmd.ErrOrStderr(), f, src, problems)
		if !yamldoc.HasErrors(problems) {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: valid\n", f)
		}
	}
	if o.output != formatTable {
		if err := o.printValue(cmd, all, nil); err != nil {
			return err
		}
	}
	if bad > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d files are not valid\n", bad, len(files))
		return errFailed
	}
	return nil
}

func newFlowExpand() *cobra.Command {
	return &cobra.Command{
		Use:   "expand FILE",
		Short: "Print a flow with the files in it that it includes as [[> file]]",
		Long: "Print a flow with the files in it that it includes as [[> file]]. Such files are included too when flows are checked,\n" +
			"created or updated. New flows better use the read function and namespace files.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := readFlow(args[0])
			if err == nil {
				_, err = cmd.OutOrStdout().Write(src)
			}
			return err
		},
	}
}

func newFlowDot(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "dot FILE",
		Short:   "Print a flow's graph in the language of Graphviz",
		Example: "  windhover flow dot hello.yaml | dot -Tsvg > hello.svg",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := o.compiler()
			if err != nil {
				return err
			}
			defer func() { _ = a.Stop(cmd.Context()) }()
			f, err := saveFile(cmd.Context(), a, args[0], cmd.ErrOrStderr())
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(flow.Dot(f), "\n"))
			}
			return err
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

// flowColumns are what a table shows of flows.
var flowColumns = []column{{"NAMESPACE", "namespace"}, {"ID", "id"}, {"REVISION", "revision"}, {"DISABLED", "disabled"}, {"UPDATED", "updated"}}

func newFlowList(o *options) *cobra.Command {
	p := &paging{}
	var namespace, text string
	cmd := &cobra.Command{
		Use: "list", Short: "List flows", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := p.query()
			setFilter(q, "namespace", "PREFIX", namespace)
			setFilter(q, "q", "EQUALS", text)
			raw, err := o.client().get(cmd.Context(), "/flows/search", q)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, flowColumns)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	cmd.Flags().StringVarP(&text, "query", "q", "", "those that contain a text")
	p.flags(cmd)
	return cmd
}

func newFlowGet(o *options) *cobra.Command {
	var revision int
	cmd := &cobra.Command{
		Use: "get NAMESPACE ID", Short: "Print the source of a flow", Args: cobra.ExactArgs(2), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := map[string][]string{"source": {"true"}}
			if revision > 0 {
				q["revision"] = []string{fmt.Sprint(revision)}
			}
			raw, err := o.client().call(cmd.Context(), request{method: http.MethodGet, path: "/flows" + pathOf(args...), query: q})
			if err != nil {
				return err
			}
			if o.output != formatTable {
				return o.print(cmd, raw, nil)
			}
			return printMember(cmd.OutOrStdout(), raw, "source")
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "an older revision; 0 is the latest")
	return cmd
}
