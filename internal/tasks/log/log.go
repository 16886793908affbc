// Package log holds tasks about logs.
package log

import (
	"context"
	"fmt"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package; Fetch and PurgeLogs use the backend's logs.
func Types(b backend.Backend) []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.core.log.Log", Aliases: []string{"io.kestra.core.tasks.log.Log"},
		Category: plugin.Task, Title: "Write to the execution's log.",
		Description: "Writes one message, or each message of a list, to the log of the execution.",
		Examples: []plugin.Example{{Title: "Log two messages as warnings", YAML: `id: warn
type: io.kestra.plugin.core.log.Log
level: WARN
message:
  - "{{ inputs.name }} is late"
  - check {{ flow.id }}`}},
		New: func() any { return &Log{} }, Pure: true,
	}, fetchType(b), purgeType(b)}
}

// Log writes messages to the log.
type Log struct {
	Message any       `json:"message" required:"true" doc:"One message, or a list of messages."`
	Level   sdk.Level `json:"level" default:"INFO" doc:"The level of the messages."`
}

// Run writes the messages.
func (t *Log) Run(_ context.Context, run sdk.Run) (any, error) {
	switch m := t.Message.(type) {
	case []any:
		for _, e := range m {
			run.Log(t.Level, "%s", value.Print(e))
		}
	case *value.Map:
		return nil, fmt.Errorf("message: expected a text or a list of texts, got a map")
	default:
		run.Log(t.Level, "%s", value.Print(m))
	}
	return nil, nil
}
