package execution

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

func countType(b backend.Backend) plugin.Type {
	return plugin.Type{
		Name: "io.kestra.plugin.core.execution.Count", Aliases: []string{"io.kestra.core.tasks.executions.Counts"},
		Category: plugin.Task, Title: "Count executions of flows or namespaces.",
		Description: "Counts the executions that began within a span of time, for each flow or namespace, and puts out those numbers for " +
			"which an expression gives true. Its variable `count` is the number.",
		Deprecated: "the API of the server",
		Examples: []plugin.Example{{Title: "Find out whether a flow has not run for a day", YAML: `id: idle
type: io.kestra.plugin.core.execution.Count
flows:
  - namespace: company.team
    flowId: report
startDate: "{{ now() | dateAdd(-1, 'DAYS') }}"
expression: "{{ count == 0 }}"`}},
		New: func() any { return &Count{backend: b} }, Outputs: CountOutput{},
	}
}

// Count counts executions.
type Count struct {
	Flows      []Flow         `json:"flows" doc:"The flows to count for."`
	Namespaces []string       `json:"namespaces" doc:"The namespaces to count for, each without those below it."`
	States     []plugin.State `json:"states" doc:"The states that executions are counted in; all unless it is set."`
	StartDate  time.Time      `json:"startDate" required:"true" doc:"The date from which on executions have begun."`
	EndDate    *time.Time     `json:"endDate" doc:"The date up to which they have begun."`
	Expression sdk.Template   `json:"expression" required:"true" doc:"What has to be true for a number to be put out; it reads the number as count."`
	backend    backend.Backend
}

// Flow names a flow.
type Flow struct {
	Namespace string `json:"namespace" required:"true" doc:"The flow's namespace."`
	FlowID    string `json:"flowId" required:"true" doc:"The flow's id."`
}

// CountOutput is what Count puts out.
type CountOutput struct {
	Results []CountResult `json:"results" doc:"The numbers for which the expression is true."`
	Total   int           `json:"total" doc:"Their sum."`
}

// CountResult is the number of one flow or namespace.
type CountResult struct {
	Namespace string `json:"namespace" doc:"The namespace."`
	FlowID    string `json:"flowId,omitempty" doc:"The flow; absent where a namespace is counted."`
	Count     int    `json:"count" doc:"How many executions there are."`
}

// Run counts for each flow and namespace.
func (t *Count) Run(ctx context.Context, run sdk.Run) (any, error) {
	if len(t.Flows) == 0 && len(t.Namespaces) == 0 {
		return nil, errors.New("flows or namespaces are required")
	}
	out := CountOutput{Results: []CountResult{}}
	of := append([]Flow{}, t.Flows...)
	for _, ns := range t.Namespaces {
		of = append(of, Flow{Namespace: ns})
	}
	for _, f := range of {
		n, err := t.count(ctx, run.Info().Tenant, f)
		if err != nil {
			return nil, err
		}
		text, err := run.Render(string(t.Expression), map[string]any{"count": n})
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "true" {
			out.Results = append(out.Results, CountResult{f.Namespace, f.FlowID, n})
			out.Total += n
		}
	}
	return out, nil
}

func (t *Count) count(ctx context.Context, tenant string, f Flow) (int, error) {
	q := backend.CountQuery{Query: backend.Query{Tenant: tenant, Filters: []backend.Filter{
		{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: f.Namespace},
		{Field: backend.FieldStartDate, Op: backend.OpGreaterEq, Value: t.StartDate},
	}}}
	if f.FlowID != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: f.FlowID})
	}
	if t.EndDate != nil {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldStartDate, Op: backend.OpLessEq, Value: *t.EndDate})
	}
	if len(t.States) > 0 {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldState, Op: backend.OpIn, Value: names(t.States)})
	}
	counts, err := t.backend.Executions().Count(ctx, q)
	n := 0
	for _, c := range counts {
		n += c.Count
	}
	return n, err
}

func names(states []plugin.State) []string {
	out := make([]string, len(states))
	for i, s := range states {
		out[i] = string(s)
	}
	return out
}
