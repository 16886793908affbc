// Package debug holds tasks that help to see what a flow does.
package debug

import (
	"context"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types() []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.debug.Return", Aliases: []string{"io.kestra.core.tasks.debugs.Return"},
			Category: plugin.Task, Title: "Put out a rendered text.",
			Description: "The rendered text becomes the output `value`. It is the simplest way to look at what an expression gives, " +
				"and to hand a computed value to later tasks.",
			Examples: []plugin.Example{{Title: "Put out when the execution began", YAML: `id: began
type: io.kestra.plugin.core.debug.Return
format: "{{ execution.startDate }}"`}},
			New: func() any { return &Return{} }, Outputs: ReturnOutput{}, Pure: true,
		},
		{
			Name: "io.kestra.plugin.core.debug.Echo", Aliases: []string{"io.kestra.core.tasks.debugs.Echo"},
			Category: plugin.Task, Title: "Log a rendered text.", Deprecated: "io.kestra.plugin.core.log.Log",
			New: func() any { return &Echo{} }, Pure: true,
		},
	}
}

// Return puts out a rendered text.
type Return struct {
	Format *string `json:"format" doc:"The text to render."`
}

// ReturnOutput is what Return puts out.
type ReturnOutput struct {
	Value *string `json:"value" doc:"The rendered text."`
}

// Run puts the text out and counts its length, as the reference does.
func (t *Return) Run(_ context.Context, run sdk.Run) (any, error) {
	length := 0
	if t.Format != nil {
		length = len(*t.Format)
	}
	run.Counter("length", float64(length), "format", "text")
	return ReturnOutput{t.Format}, nil
}

// Echo logs a rendered text.
type Echo struct {
	Format string    `json:"format" doc:"The text to render."`
	Level  sdk.Level `json:"level" default:"INFO" doc:"The level to log it with."`
}

// Run logs the text.
func (t *Echo) Run(_ context.Context, run sdk.Run) (any, error) {
	run.Log(t.Level, "%s", t.Format)
	return nil, nil
}
