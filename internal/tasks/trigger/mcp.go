package trigger

import (
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
)

func mcpToolType() plugin.Type {
	return plugin.Type{
		Name: "io.kestra.plugin.core.trigger.McpToolTrigger", Category: plugin.Trigger, Trigger: model.TriggerTool,
		Title: "Offer the flow as a tool to clients of the Model Context Protocol.",
		Description: "The flow's inputs are the tool's parameters. There is no server of that protocol here yet, so that nothing starts " +
			"the flow by this trigger.",
		Examples: []plugin.Example{{Title: "Look an order up", YAML: `id: lookup
type: io.kestra.plugin.core.trigger.McpToolTrigger
toolName: order_lookup
title: Look an order up
toolDescription: Returns the state of an order.
annotations:
  readOnly: true`}},
		New: func() any { return &McpToolTrigger{} },
	}
}

// McpToolTrigger offers the flow as a tool.
type McpToolTrigger struct {
	ToolName        string           `json:"toolName" required:"true" static:"true" pattern:"^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$" doc:"The tool's name; at most 64 characters."`
	Title           string           `json:"title" required:"true" static:"true" doc:"Its name for people."`
	ToolDescription string           `json:"toolDescription" required:"true" static:"true" doc:"What it does, for those that choose a tool."`
	Annotations     *ToolAnnotations `json:"annotations" static:"true" doc:"What clients may expect of it."`
	McpServer       string           `json:"mcpServer" default:"default" static:"true" doc:"The server that offers it."`
}

// ToolAnnotations say what clients may expect of a tool.
type ToolAnnotations struct {
	ReadOnly     bool `json:"readOnly" default:"false" doc:"It changes nothing."`
	OpenWorld    bool `json:"openWorld" default:"true" doc:"It reaches systems outside."`
	Destructive  bool `json:"destructive" default:"true" doc:"What it changes may be lost."`
	Idempotent   bool `json:"idempotent" default:"false" doc:"Calling it twice is like calling it once."`
	ReturnDirect bool `json:"returnDirect" default:"false" doc:"Its answer is meant for people as it is."`
}
