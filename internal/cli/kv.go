package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// newKV returns the commands of the key-value store; they stand both as `kv` and as `namespace kv`.
func newKV(o *options) *cobra.Command { return o.connect(kvCommands(o)) }

func kvCommands(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "kv", Short: "Work with the key-value store"}
	cmd.AddCommand(newKVList(o), newKVGet(o), newKVSet(o), newKVDelete(o))
	return cmd
}

func kvPath(namespace string, key ...string) string {
	return "/namespaces" + pathOf(namespace) + "/kv" + pathOf(key...)
}

func newKVList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list NAMESPACE", Short: "List the keys of a namespace", Args: cobra.ExactArgs(1), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), kvPath(args[0]), nil)
			if err != nil {
				return err
			}
			return o.print(cmd, raw, []column{{"KEY", "key"}, {"VERSION", "version"}, {"UPDATED", "updateDate"}, {"EXPIRES", "expirationDate"}, {"DESCRIPTION", "description"}})
		},
	}
}

func newKVGet(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "get NAMESPACE KEY", Short: "Print the value of a key", Args: cobra.ExactArgs(2), ValidArgsFunction: o.completeNamespace,
		Long: "Print the value of a key; -o json and -o yaml print its type too.",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := o.client().get(cmd.Context(), kvPath(args[0], args[1]), nil)
			if err != nil {
				return err
			}
			if o.output == formatTable {
				return printMember(cmd.OutOrStdout(), raw, "value")
			}
			return o.print(cmd, raw, nil)
		},
	}
}

// kvTypes are the types that a value can be said to have.
var kvTypes = []string{"STRING", "NUMBER", "BOOLEAN", "DATETIME", "DATE", "DURATION", "JSON"}

func newKVSet(o *options) *cobra.Command {
	var expiration, typ, file, description string
	cmd := &cobra.Command{
		Use:     "set NAMESPACE KEY [VALUE]",
		Aliases: []string{"update"},
		Short:   "Set a key",
		Long: "Set a key. Without a type, a value that is JSON or a date is taken as such, and any other as text. With --type STRING\n" +
			"it is text even if it looks like a number.",
		Example:           "  windhover kv set company.team limit 10\n  windhover kv set company.team settings --file-value settings.json --expiration P7D",
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := kvValue(args[2:], file)
			if err == nil {
				v, err = typedValue(typ, v)
			}
			if err != nil {
				return err
			}
			h := http.Header{}
			for name, s := range map[string]string{"ttl": expiration, "description": description} {
				if s != "" {
					h.Set(name, s)
				}
			}
			_, err = o.client().call(cmd.Context(), request{method: http.MethodPut, path: kvPath(args[0], args[1]), body: strings.NewReader(v),
				contentType: "text/plain", header: h})
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&expiration, "expiration", "e", "", "how long the key stays, such as PT1H or P7D; for ever without it")
	f.StringVarP(&typ, "type", "t", "", "the type of the value: "+strings.Join(kvTypes, ", "))
	f.StringVarP(&file, "file-value", "f", "", "file to read the value from")
	f.StringVar(&description, "description", "", "what the key is for")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(kvTypes, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func kvValue(args []string, file string) (string, error) {
	if (len(args) == 1) == (file != "") {
		return "", errors.New("expected either a value or --file-value")
	}
	if file == "" {
		return args[0], nil
	}
	b, err := os.ReadFile(file)
	return string(b), err
}

// typedValue is the body that gives a key a value of a type.
func typedValue(typ, v string) (string, error) {
	var parsed any
	isJSON := json.Unmarshal([]byte(v), &parsed) == nil
	ok := true
	switch strings.ToUpper(typ) {
	case "", "DATETIME", "DATE", "DURATION":
	case "STRING":
		b, err := json.Marshal(v)
		return string(b), err
	case "NUMBER":
		_, ok = parsed.(float64)
	case "BOOLEAN":
		_, ok = parsed.(bool)
	case "JSON":
		ok = isJSON
	default:
		return "", fmt.Errorf("--type %s: expected one of %s", typ, strings.Join(kvTypes, ", "))
	}
	if !ok {
		return "", fmt.Errorf("the value is no %s", strings.ToUpper(typ))
	}
	return v, nil
}

func newKVDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAMESPACE KEY…", Short: "Delete keys", Args: cobra.MinimumNArgs(2), ValidArgsFunction: o.completeNamespace,
		RunE: func(cmd *cobra.Command, args []string) error {
			missing := 0
			for _, key := range args[1:] {
				raw, err := o.client().delete(cmd.Context(), kvPath(args[0], key), nil, nil)
				if err != nil {
					return err
				}
				if string(raw) == "false" {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s: there is no such key\n", key)
					missing++
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: deleted\n", key)
			}
			if missing > 0 {
				return errFailed
			}
			return nil
		},
	}
}
