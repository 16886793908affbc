package cli

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/value"
)

var templateColumns = []column{{"NAMESPACE", "namespace"}, {"ID", "id"}, {"DESCRIPTION", "description"}}

func newTemplate(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "template", Aliases: []string{"templates"}, Short: "Work with templates of tasks"}
	namespace := &cobra.Command{Use: "namespace", Short: "Work with the templates of a namespace"}
	namespace.AddCommand(newTemplateNamespaceUpdate(o))
	cmd.AddCommand(newTemplateList(o), newTemplateGet(o), newTemplateValidate(o), newTemplateCreate(o), newTemplateUpdate(o), newTemplateDelete(o), newTemplateExport(o), namespace)
	return o.connect(cmd)
}

func newTemplateList(o *options) *cobra.Command {
	p := &paging{}
	var namespace string
	cmd := &cobra.Command{
		Use: "list", Short: "List templates", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := p.query()
			setFilter(q, "namespace", "PREFIX", namespace)
			raw, err := o.client().get(cmd.Context(), "/templates/search", q)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, templateColumns)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	p.flags(cmd)
	return cmd
}

func newTemplateGet(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "get NAMESPACE ID", Short: "Print a template as YAML, or with -o json as JSON", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), "/templates"+pathOf(args...), nil)
			if err != nil {
				return err
			}
			format := o.output
			if format == formatTable {
				format = "yaml"
			}
			return printRaw(cmd.OutOrStdout(), format, raw)
		},
	}
}

// newTemplateValidate checks templates as flows are checked, whose form they have.
func newTemplateValidate(o *options) *cobra.Command {
	cmd := newFlowValidate(o)
	cmd.Short = "Check template files; no server is needed"
	cmd.Long = "Check template files and tell everything that is wrong with them, each with its line."
	return cmd
}

func newTemplateCreate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "create FILE…", Short: "Create templates", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachFile(cmd, args, os.ReadFile, templateColumns, func(src []byte) ([]byte, error) {
				return o.client().sendYAML(cmd.Context(), http.MethodPost, "/templates", nil, src)
			})
		},
	}
}

func newTemplateUpdate(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "update FILE…", Short: "Change templates that there are", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachFile(cmd, args, os.ReadFile, templateColumns, func(src []byte) ([]byte, error) {
				namespace, id, err := keyOf(src)
				if err != nil {
					return nil, err
				}
				return o.client().sendYAML(cmd.Context(), http.MethodPut, "/templates"+pathOf(namespace, id), nil, src)
			})
		},
	}
}

func newTemplateDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE ID", Short: "Delete a template", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := o.client().delete(cmd.Context(), "/templates"+pathOf(args...), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s.%s: deleted\n", args[0], args[1])
			return nil
		},
	}
}

// templates reads all templates of a namespace, and of those below it with "PREFIX" as the operation.
func (o *options) templates(cmd *cobra.Command, operation, namespace string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for p := (paging{page: 1, size: 500}); ; p.page++ {
		q := p.query()
		q.Set("sort", "id:asc")
		setFilter(q, "namespace", operation, namespace)
		var found struct {
			Results []json.RawMessage `json:"results"`
		}
		if err := o.client().getInto(cmd.Context(), "/templates/search", q, &found); err != nil {
			return nil, err
		}
		out = append(out, found.Results...)
		if len(found.Results) < p.size {
			return out, nil
		}
	}
}

func newTemplateExport(o *options) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use: "export DIRECTORY", Short: "Write templates to templates.zip in a directory", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := o.templates(cmd, "PREFIX", namespace)
			if err != nil {
				return err
			}
			target := filepath.Join(args[0], "templates.zip")
			if err := writeTemplates(target, list); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), target)
			return nil
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "those of a namespace and of those below it")
	return cmd
}

func writeTemplates(path string, list []json.RawMessage) (err error) {
	f, err := createFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := zip.NewWriter(f)
	for _, raw := range list {
		v, err := value.ParseJSON(raw)
		if err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		w, err := z.Create(value.Print(at(v, "namespace")) + "." + value.Print(at(v, "id")) + ".yml")
		if err != nil {
			return err
		}
		if err := writeYAML(w, v); err != nil {
			return err
		}
	}
	return z.Close()
}

func newTemplateNamespaceUpdate(o *options) *cobra.Command {
	d := &deletion{}
	cmd := &cobra.Command{
		Use: "update NAMESPACE DIRECTORY", Short: "Create or update the templates of a namespace", Args: cobra.ExactArgs(2),
		Long: "Create or update the templates of a namespace from the YAML files below a directory. With --delete, templates of the\n" +
			"namespace that are not in the directory are deleted.",
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := yamlFiles(args[1:])
			if err != nil {
				return err
			}
			keep := map[string]bool{}
			err = o.eachFile(cmd, files, os.ReadFile, templateColumns, func(src []byte) ([]byte, error) {
				namespace, id, err := keyOf(src)
				if err == nil && namespace != args[0] {
					err = fmt.Errorf("the template %s.%s does not belong to %s", namespace, id, args[0])
				}
				if err != nil {
					return nil, err
				}
				keep[id] = true
				return o.saveTemplate(cmd, namespace, id, src)
			})
			if err != nil || !d.missing {
				return err
			}
			return o.deleteTemplates(cmd, args[0], keep)
		},
	}
	d.flags(cmd)
	return cmd
}

// saveTemplate updates a template, or creates it where there is none.
func (o *options) saveTemplate(cmd *cobra.Command, namespace, id string, src []byte) ([]byte, error) {
	raw, err := o.client().sendYAML(cmd.Context(), http.MethodPut, "/templates"+pathOf(namespace, id), nil, src)
	var told *apiError
	if errors.As(err, &told) && told.Status == http.StatusNotFound {
		return o.client().sendYAML(cmd.Context(), http.MethodPost, "/templates", url.Values{}, src)
	}
	return raw, err
}

func (o *options) deleteTemplates(cmd *cobra.Command, namespace string, keep map[string]bool) error {
	list, err := o.templates(cmd, "EQUALS", namespace)
	if err != nil {
		return err
	}
	for _, raw := range list {
		var t flowKey
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		if keep[t.ID] {
			continue
		}
		if _, err := o.client().delete(cmd.Context(), "/templates"+pathOf(namespace, t.ID), nil, nil); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s.%s: deleted\n", namespace, t.ID)
	}
	return nil
}
