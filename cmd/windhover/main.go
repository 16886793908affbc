// Command windhover runs and schedules flows.
package main

import (
	"os"

	"github.com/windhover-io/windhover/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
