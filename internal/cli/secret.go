package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func newSecret(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "secret", Aliases: []string{"secrets"}, Short: "Work with the secrets that the server stores"}
	cmd.AddCommand(newSecretList(o), newSecretSet(o), newSecretDelete(o))
	return o.connect(cmd)
}

func secretPath(namespace string, key ...string) string {
	return "/namespaces" + pathOf(namespace) + "/secrets" + pathOf(key...)
}

func newSecretList(o *options) *cobra.Command {
	p := &paging{}
	cmd := &cobra.Command{
		Use: "list [NAMESPACE]", Short: "List secrets, without their values", Args: cobra.MaximumNArgs(1), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/secrets"
			if len(args) == 1 {
				path = secretPath(args[0])
			}
			raw, err := o.client().get(cmd.Context(), path, p.query())
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"NAMESPACE", "namespace"}, {"KEY", "key"}, {"DESCRIPTION", "description"}})
		},
	}
	p.flags(cmd)
	return cmd
}

func newSecretSet(o *options) *cobra.Command {
	var description string
	cmd := &cobra.Command{
		Use: "set NAMESPACE KEY", Short: "Store a secret, whose value is read from standard input", Args: cobra.ExactArgs(2),
		Long: "Store a secret. Its value is read from standard input, so that it stands neither in the list of processes nor in the\n" +
			"history of the shell; one line break at its end is dropped. The server needs an encryption key.",
		Example:           "  windhover secret set company.team DB_PASSWORD < password.txt",
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := io.ReadAll(bufio.NewReader(cmd.InOrStdin()))
			if err != nil {
				return err
			}
			v := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
			if v == "" {
				return errors.New("standard input has no value")
			}
			_, err = o.client().sendJSON(cmd.Context(), http.MethodPut, secretPath(args[0]), nil,
				map[string]string{"key": args[1], "value": v, "description": description})
			return err
		},
	}
	cmd.Flags().StringVar(&description, "description", "", "what the secret is for")
	return cmd
}

func newSecretDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE KEY…", Short: "Delete secrets", Args: cobra.MinimumNArgs(2), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, key := range args[1:] {
				if _, err := o.client().delete(cmd.Context(), secretPath(args[0], key), nil, nil); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: deleted\n", key)
			}
			return nil
		},
	}
}
