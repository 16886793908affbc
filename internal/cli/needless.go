package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// needless is a command of the reference that has nothing to do here. It says so to those who look for it, and fails: a script
// must not take it for done.
func needless(use, why string, aliases ...string) *cobra.Command {
	return &cobra.Command{
		Use: use, Aliases: aliases, Short: "Not needed: " + why, Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return errors.New(why) },
	}
}

const (
	noQueue      = "there is no queue that could be lost or would have to be cleaned: events are stored with what they change"
	noMigration  = "there is nothing to migrate: servers bring their database to their version by themselves, see `windhover sys database migrate`"
	noIndexer    = "there is no indexer: what is committed can be found"
	noController = "there is no controller: workers take their jobs from the backend, start `windhover server worker`"
	noListeners  = "who listens to an execution is read from the flows: nothing can be lost that would have to be restored"
	noInstall    = "all types are part of the program: there is nothing to install, see `windhover plugin list`"
)
