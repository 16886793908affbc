// Command windhover-cloud is the command windhover with what would make that too heavy: what runs tasks in Kubernetes, and
// storages of clouds.
package main

import (
	"os"

	"github.com/windhover-io/windhover/internal/cli"
	"github.com/windhover-io/windhover/internal/cloud"
)

func main() { os.Exit(cli.Main(os.Args[1:], cloud.Extras()...)) }
