package flow_test

import (
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
	"github.com/windhover-io/windhover/sdk"
)

// The types below stand in for built-in ones that are not registered yet.
type (
	directory struct {
		Tasks          plugin.Tasks   `json:"tasks" required:"true"`
		Errors         plugin.Tasks   `json:"errors"`
		Finally        plugin.Tasks   `json:"finally"`
		Cache          map[string]any `json:"cache"`
		NamespaceFiles map[string]any `json:"namespaceFiles"`
		InputFiles     any            `json:"inputFiles"`
		OutputFiles    []string       `json:"outputFiles"`
	}
	localFiles struct {
		Inputs  any      `json:"inputs"`
		Outputs []string `json:"outputs"`
	}
	sleep struct {
		Duration sdk.Duration `json:"duration" required:"true"`
	}
	stateTask struct {
		Name           string         `json:"name"`
		Namespace      bool           `json:"namespace"`
		TaskrunValue   bool           `json:"taskrunValue"`
		ErrorOnMissing bool           `json:"errorOnMissing"`
		Data           map[string]any `json:"data"`
	}
	kvTask struct {
		Key       string `json:"key" required:"true"`
		Value     any    `json:"value"`
		Namespace string `json:"namespace"`
	}
	fetch struct {
		Namespace   string    `json:"namespace"`
		FlowID      string    `json:"flowId"`
		ExecutionID string    `json:"executionId"`
		TasksID     []string  `json:"tasksId"`
		Level       sdk.Level `json:"level"`
	}
	toggle struct {
		FlowID    string `json:"flowId"`
		Namespace string `json:"namespace"`
		Trigger   string `json:"trigger" required:"true"`
		Enabled   bool   `json:"enabled" static:"true"`
	}
	resume struct {
		ExecutionID string         `json:"executionId"`
		Inputs      map[string]any `json:"inputs"`
	}
	output struct {
		Values map[string]any `json:"values" required:"true"`
	}
	filesOutput struct {
		URIs map[string]string `json:"uris"`
	}
	kvOutput struct {
		Value any `json:"value"`
	}
)

func registry() *plugin.Registry {
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{})
	for _, t := range []plugin.Type{
		{Name: "io.kestra.plugin.core.flow.WorkingDirectory", Aliases: []string{"io.kestra.core.tasks.flows.Worker"},
			Kind: model.KindWorkingDirectory, New: func() any { return &directory{} }},
		{Name: "io.kestra.plugin.core.storage.LocalFiles", New: func() any { return &localFiles{} }, Outputs: filesOutput{}},
		{Name: "io.kestra.plugin.core.flow.Sleep", New: func() any { return &sleep{} }},
		{Name: "io.kestra.plugin.core.state.Get", New: func() any { return &stateTask{} }},
		{Name: "io.kestra.plugin.core.state.Set", New: func() any { return &stateTask{} }},
		{Name: "io.kestra.plugin.core.state.Delete", New: func() any { return &stateTask{} }},
		{Name: "io.kestra.plugin.core.kv.Get", New: func() any { return &kvTask{} }, Outputs: kvOutput{}},
		{Name: "io.kestra.plugin.core.kv.Set", New: func() any { return &kvTask{} }},
		{Name: "io.kestra.plugin.core.log.Fetch", New: func() any { return &fetch{} }},
		{Name: "io.kestra.plugin.core.trigger.Toggle", Aliases: []string{"io.kestra.core.tasks.trigger.Toggle"}, New: func() any { return &toggle{} }},
		{Name: "io.kestra.plugin.core.execution.Resume", New: func() any { return &resume{} }},
		{Name: "io.kestra.plugin.core.output.OutputValues", New: func() any { return &output{} }},
	} {
		if _, ok := reg.Lookup(t.Name); !ok {
			t.Category = plugin.Task
			reg.Add(t)
		}
	}
	return reg
}

var options = flow.Options{Registry: registry(), Tenant: "main"}
