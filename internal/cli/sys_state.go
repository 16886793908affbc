package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func newSysStateStore(o *options) *cobra.Command {
	var data string
	migrate := &cobra.Command{
		Use: "migrate", Short: "Turn states that are files into keys", Args: cobra.NoArgs,
		Long: "Turn the states that older installations of Kestra kept as files into keys of the key-value store, where the tasks of\n" +
			"io.kestra.plugin.core.state look for them, and delete those files. The configured storage has to hold the files, and the\n" +
			"database the flows that they belong to. Keys that are there already are kept. No server may use the database meanwhile.",
		Example: "  windhover sys state-store migrate --data data\n  windhover sys state-store migrate --config windhover.yaml",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			a, err := o.open(data)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Stop(cmd.Context())) }()
			done, err := a.MigrateStates(cmd.Context())
			return errors.Join(err, o.printValue(cmd, done, []column{{"NAMESPACE", "namespace"}, {"KEY", "key"}, {"FILE", "file"}, {"KEPT", "kept"}}))
		},
	}
	dataFlag(migrate, &data)
	cmd := &cobra.Command{Use: "state-store", Short: "Look after the states of flows"}
	cmd.AddCommand(migrate)
	return cmd
}
