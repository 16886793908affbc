package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newNamespace(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "namespace", Aliases: []string{"namespaces"}, Short: "Work with namespaces, their files and keys"}
	files := &cobra.Command{Use: "files", Short: "Work with the files of a namespace"}
	files.AddCommand(newFilesList(o), newFilesGet(o), newFilesRevisions(o), newFilesUpdate(o), newFilesDelete(o))
	cmd.AddCommand(newNamespaceList(o), files, kvCommands(o))
	return o.connect(cmd)
}

func newNamespaceList(o *options) *cobra.Command {
	p := &paging{}
	var text string
	cmd := &cobra.Command{
		Use: "list", Short: "List namespaces", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := p.query()
			if text != "" {
				q.Set("q", text)
			}
			raw, err := o.client().get(cmd.Context(), "/namespaces/search", q)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"ID", "id"}, {"DESCRIPTION", "description"}})
		},
	}
	cmd.Flags().StringVarP(&text, "query", "q", "", "those whose name contains a text")
	p.flags(cmd)
	return cmd
}

func filesPath(namespace string, rest ...string) string {
	return "/namespaces" + pathOf(namespace) + "/files" + pathOf(rest...)
}

func newFilesList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list NAMESPACE", Short: "List the paths of all files", Args: cobra.ExactArgs(1), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), filesPath(args[0], "search"), url.Values{"q": {""}})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"PATH", ""}})
		},
	}
}

func newFilesRevisions(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "revisions NAMESPACE PATH", Short: "List the revisions of a file that are kept", Args: cobra.ExactArgs(2), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), filesPath(args[0], "revisions"), url.Values{"path": {args[1]}})
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"REVISION", "revision"}})
		},
	}
}

func newFilesGet(o *options) *cobra.Command {
	var revision int
	cmd := &cobra.Command{
		Use: "get NAMESPACE PATH [FILE]", Short: "Print a file, or write it to another file", Args: cobra.RangeArgs(2, 3),
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := request{method: http.MethodGet, path: filesPath(args[0]), query: revisionQuery(revision)}
			r.query.Set("path", args[1])
			if len(args) == 3 {
				return o.client().download(cmd.Context(), r, args[2])
			}
			res, err := o.client().open(cmd.Context(), r)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			_, err = io.Copy(cmd.OutOrStdout(), res.Body)
			return err
		},
	}
	cmd.Flags().IntVar(&revision, "revision", 0, "an older revision; 0 is the latest")
	return cmd
}

func newFilesDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE PATH…", Short: "Delete files, or directories with all that is in them", Args: cobra.MinimumNArgs(2),
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, p := range args[1:] {
				if _, err := o.client().delete(cmd.Context(), filesPath(args[0]), url.Values{"path": {p}}, nil); err != nil {
					return fmt.Errorf("%s: %w", p, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: deleted\n", p)
			}
			return nil
		},
	}
}

func newFilesUpdate(o *options) *cobra.Command {
	d := &deletion{}
	cmd := &cobra.Command{
		Use:   "update NAMESPACE FROM [TO]",
		Short: "Upload a directory to the files of a namespace",
		Long: "Upload a file, or all files below a directory, to a directory of the namespace's files: / unless TO is given.\n" +
			"With --delete, files there that are not in FROM are deleted. Links are followed for files, not for directories.",
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			to := "/"
			if len(args) == 3 {
				to = args[2]
			}
			return o.uploadTree(cmd, args[0], args[1], path.Join("/", to), d.missing)
		},
	}
	d.flags(cmd)
	return cmd
}

// ignoreFile holds patterns of files that the reference does not upload.
const ignoreFile = ".kestraignore"

// uploadTree makes a directory of a namespace's files like a local one.
func (o *options) uploadTree(cmd *cobra.Command, namespace, from, to string, deleteOthers bool) error {
	if _, err := os.Stat(filepath.Join(from, ignoreFile)); err == nil {
		// To upload what somebody wanted to keep private would be worse than to upload nothing.
		return fmt.Errorf("%s has a %s, which is not supported: remove it to upload everything", from, ignoreFile)
	}
	sent := map[string]bool{}
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		target, err := targetOf(from, file, to)
		if err != nil {
			return err
		}
		sent[target] = true
		if err := o.client().upload(cmd.Context(), namespace, file, target); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: uploaded\n", target)
		return nil
	})
	if err != nil || !deleteOthers {
		return err
	}
	return o.deleteFiles(cmd, namespace, to, sent)
}

// targetOf is the path that a file has in the namespace.
func targetOf(from, file, to string) (string, error) {
	rel, err := filepath.Rel(from, file)
	if err != nil {
		return "", err
	}
	if rel == "." { // a single file
		rel = filepath.Base(file)
	}
	return path.Join(to, filepath.ToSlash(rel)), nil
}

func (c *client) upload(ctx context.Context, namespace, file, target string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return errors.New("it is a link to a directory")
	}
	r := request{method: http.MethodPost, path: filesPath(namespace), query: url.Values{"path": {target}}}
	form{{name: "fileContent", file: file}}.on(&r)
	_, err = c.call(ctx, r)
	return err
}

// deleteFiles deletes the files below a directory that are not to be kept.
func (o *options) deleteFiles(cmd *cobra.Command, namespace, dir string, keep map[string]bool) error {
	var have []string
	if err := o.client().getInto(cmd.Context(), filesPath(namespace, "search"), url.Values{"q": {""}}, &have); err != nil {
		return err
	}
	slices.Sort(have)
	for _, p := range have {
		if keep[p] || !strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/") {
			continue
		}
		if _, err := o.client().delete(cmd.Context(), filesPath(namespace), url.Values{"path": {p}}, nil); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: deleted\n", p)
	}
	return nil
}
