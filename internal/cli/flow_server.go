package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/yamldoc"
)

// validate has the server check a flow.
func (c *client) validate(ctx context.Context, src []byte) ([]yamldoc.Problem, error) {
	raw, err := c.sendYAML(ctx, http.MethodPost, "/flows/validate", nil, src)
	if err != nil {
		return nil, err
	}
	var told []struct {
		Constraints string `json:"constraints"`
		Problems    []struct {
			Severity, Path, Message, Suggestion string
			Line, Column                        int
		} `json:"problems"`
	}
	if err := json.Unmarshal(raw, &told); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	var out []yamldoc.Problem
	for _, v := range told {
		for _, p := range v.Problems {
			severity := yamldoc.Warning
			if p.Severity == yamldoc.Error.String() {
				severity = yamldoc.Error
			}
			out = append(out, yamldoc.Problem{Severity: severity, Line: p.Line, Column: p.Column, Path: p.Path, Message: p.Message, Suggestion: p.Suggestion})
		}
		if len(v.Problems) == 0 && v.Constraints != "" { // a server that does not tell places
			out = append(out, yamldoc.Problem{Severity: yamldoc.Error, Message: v.Constraints})
		}
	}
	return out, nil
}

func newFlowCreate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "create FILE…", Short: "Create flows", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachFile(cmd, args, readFlow, flowColumns, func(src []byte) ([]byte, error) {
				return o.client().sendYAML(cmd.Context(), http.MethodPost, "/flows", nil, src)
			})
		},
	}
}

func newFlowUpdate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "update FILE [NAMESPACE ID]", Short: "Store a new revision of a flow",
		Long: "Store a new revision of a flow that there is. Namespace and id are those in the file unless they are given.",
		Args: cobra.MatchAll(cobra.RangeArgs(1, 3), func(_ *cobra.Command, args []string) error {
			if len(args) == 2 {
				return errors.New("a namespace needs an id")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachFile(cmd, args[:1], readFlow, flowColumns, func(src []byte) ([]byte, error) {
				key := args[1:]
				if len(key) == 0 {
					namespace, id, err := keyOf(src)
					if err != nil {
						return nil, err
					}
					key = []string{namespace, id}
				}
				return o.client().sendYAML(cmd.Context(), http.MethodPut, "/flows"+pathOf(key...), nil, src)
			})
		},
	}
}

// documents joins sources into one body, with lines of dashes between them.
func documents(files []string, read func(path string) ([]byte, error)) ([]byte, error) {
	var b bytes.Buffer
	for _, f := range files {
		src, err := read(f)
		if err != nil {
			return nil, err
		}
		if b.Len() > 0 {
			b.WriteString("\n---\n")
		}
		b.Write(src)
	}
	return b.Bytes(), nil
}

func newFlowUpdates(o *options) *cobra.Command {
	var namespace string
	d := &deletion{}
	cmd := &cobra.Command{
		Use:   "updates DIRECTORY",
		Short: "Create or update the flows of a directory",
		Long: "Create or update the flows in the YAML files below a directory: all of them, or none if one of them is not valid.\n" +
			"With --delete, flows that are not in the directory are deleted: those of --namespace and below it, or else those of the\n" +
			"namespaces that the directory has flows of.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := flowsBelow(args[0])
			if err != nil {
				return err
			}
			q := url.Values{"delete": {strconv.FormatBool(d.missing && namespace != "")}}
			if namespace != "" {
				q.Set("namespace", namespace)
				q.Set("allowNamespaceChild", "true")
			}
			raw, err := o.client().sendYAML(cmd.Context(), http.MethodPost, "/flows/bulk", q, src)
			if err == nil && d.missing && namespace == "" {
				err = o.deleteOthers(cmd, raw)
			}
			if err != nil {
				return err
			}
			return o.print(cmd, raw, flowColumns)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "the namespace that the flows have to be in, or below")
	d.flags(cmd)
	return cmd
}

func flowsBelow(dir string) ([]byte, error) {
	files, err := yamlFiles([]string{dir})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no YAML files", dir)
	}
	return documents(files, readFlow)
}

// flowKey names a flow in an answer.
type flowKey struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
}

// deleteOthers deletes the flows that are not in an answer, from the namespaces that are.
func (o *options) deleteOthers(cmd *cobra.Command, saved []byte) error {
	var keep []flowKey
	if err := json.Unmarshal(saved, &keep); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	done := map[string]bool{}
	for _, k := range keep {
		if done[k.Namespace] {
			continue
		}
		done[k.Namespace] = true
		var have []flowKey
		if err := o.client().getInto(cmd.Context(), "/flows"+pathOf(k.Namespace), nil, &have); err != nil {
			return err
		}
		for _, f := range have {
			if slices.Contains(keep, f) {
				continue
			}
			if _, err := o.client().delete(cmd.Context(), "/flows"+pathOf(f.Namespace, f.ID), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s.%s: deleted\n", f.Namespace, f.ID)
		}
	}
	return nil
}

func newFlowDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE ID", Short: "Delete a flow", Args: cobra.ExactArgs(2), ValidArgsFunction: o.completeFlow,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := o.client().delete(cmd.Context(), "/flows"+pathOf(args...), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s.%s: deleted\n", args[0], args[1])
			return nil
		},
	}
}

func newFlowExport(o *options) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use: "export DIRECTORY", Short: "Write the sources of flows to flows.zip in a directory", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{}
			setFilter(q, "namespace", "PREFIX", namespace)
			target := filepath.Join(args[0], "flows.zip")
			err := o.client().download(cmd.Context(), request{method: http.MethodGet, path: "/flows/export/by-query", query: q}, target)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), target)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	return cmd
}

func newFlowNamespace(o *options) *cobra.Command {
	d := &deletion{}
	var override bool
	update := &cobra.Command{
		Use:   "update NAMESPACE DIRECTORY",
		Short: "Create or update the flows of a namespace",
		Long: "Create or update the flows of a namespace from the YAML files below a directory: all of them, or none if one of them\n" +
			"is not valid. With --delete, flows of the namespace that are not in the directory are deleted.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := flowsBelow(args[1])
			if err != nil {
				return err
			}
			q := url.Values{"delete": {strconv.FormatBool(d.missing)}, "override": {strconv.FormatBool(override)}}
			raw, err := o.client().sendYAML(cmd.Context(), http.MethodPost, "/flows"+pathOf(args[0]), q, src)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, flowColumns)
		},
	}
	d.flags(update)
	update.Flags().BoolVar(&override, "override-namespaces", false, "put the flows into the namespace, whichever their files name")
	export := &cobra.Command{
		Use: "export NAMESPACE DIRECTORY", Short: "Write the sources of the flows of a namespace to files", Args: cobra.ExactArgs(2),
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.exportSources(cmd, args[0], args[1])
		},
	}
	cmd := &cobra.Command{Use: "namespace", Short: "Work with the flows of a namespace"}
	cmd.AddCommand(update, export)
	return cmd
}

// exportSources writes a file for each flow of a namespace.
func (o *options) exportSources(cmd *cobra.Command, namespace, dir string) error {
	var flows []flowKey
	if err := o.client().getInto(cmd.Context(), "/flows"+pathOf(namespace), nil, &flows); err != nil {
		return err
	}
	if len(flows) == 0 {
		return fmt.Errorf("there are no flows in %s", namespace)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range flows {
		var stored struct {
			Source string `json:"source"`
		}
		err := o.client().getInto(cmd.Context(), "/flows"+pathOf(f.Namespace, f.ID), url.Values{"source": {"true"}}, &stored)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.Base(f.ID)+".yaml")
		if err := os.WriteFile(target, []byte(stored.Source), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), target)
	}
	return nil
}
