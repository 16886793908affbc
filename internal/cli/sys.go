package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
)

func newSys(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "sys", Short: "Look after an installation"}
	cmd.AddCommand(&cobra.Command{
		Use: "info", Short: "Tell about this program and the server", Args: cobra.NoArgs,
		Long: "Tell the version of this program, and of the server its address, version and backend. The exit status is 0 when the\n" +
			"server answers.",
		RunE: o.sysInfo,
	})
	return o.connect(cmd)
}

// sysInfo prints what is known, also where the server does not answer.
func (o *options) sysInfo(cmd *cobra.Command, _ []string) error {
	info := struct {
		Client  string `json:"client"`
		Server  string `json:"server"`
		Version string `json:"version,omitempty"`
		Backend string `json:"backend,omitempty"`
	}{Client: app.Version, Server: o.conn.server}
	raw, err := o.client().get(cmd.Context(), "/configs", nil)
	if err != nil && errors.Is(err, context.Canceled) {
		return err
	}
	if err == nil {
		if jsonErr := json.Unmarshal(raw, &info); jsonErr != nil {
			err = fmt.Errorf("the server's answer cannot be read: %w", jsonErr)
		}
	}
	columns := []column{{"CLIENT", "client"}, {"SERVER", "server"}, {"VERSION", "version"}, {"BACKEND", "backend"}}
	return errors.Join(o.printValue(cmd, info, columns), err)
}
