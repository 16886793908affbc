// Package examples holds flows that a newcomer may want to start from. Each is run by a test.
package examples

import "embed"

// Files are the flows.
//
//go:embed *.yaml
var Files embed.FS

// Tutorial names the flows that `server local` puts into an empty installation.
var Tutorial = []string{"hello-world.yaml", "inputs.yaml", "for-each.yaml", "errors-and-finally.yaml", "dag.yaml", "approval.yaml"}
