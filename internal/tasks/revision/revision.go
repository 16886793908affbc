// Package revision holds tasks about the revisions of flows.
package revision

import (
	"context"
	"errors"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package; they use the backend's flows and executions.
func Types(b backend.Backend) []plugin.Type {
	return []plugin.Type{{
		Name: "io.kestra.plugin.core.flow.PurgeFlows", Category: plugin.Task, Title: "Delete old revisions of flows.",
		Description: "Deletes revisions that newer ones have replaced. The latest revision of a flow stays, and so does every one that an " +
			"execution still runs. An execution whose revision is gone cannot be restarted.",
		Examples: []plugin.Example{{Title: "Keep ten revisions of each flow", YAML: `id: purge
type: io.kestra.plugin.core.flow.PurgeFlows
namespace: company.team
behavior:
  keepAmount: 10`}},
		New: func() any { return &PurgeFlows{backend: b} }, Outputs: PurgeFlowsOutput{},
	}}
}

// PurgeFlows deletes old revisions.
type PurgeFlows struct {
	Namespace string    `json:"namespace" doc:"The namespace, with those below it unless a flow is named; all namespaces unless it is set."`
	FlowID    string    `json:"flowId" doc:"The flow; all unless it is set."`
	Behavior  *Behavior `json:"behavior" doc:"Which revisions to delete; all but the latest unless it is set."`
	backend   backend.Backend
}

// Behavior says which revisions are deleted.
type Behavior struct {
	Type       string     `json:"type" default:"version" enum:"version" doc:"By revision, the only kind."`
	Before     *time.Time `json:"before" doc:"Revisions from before this date."`
	KeepAmount *int       `json:"keepAmount" min:"1" doc:"How many revisions of each flow to keep."`
}

// PurgeFlowsOutput is what PurgeFlows puts out.
type PurgeFlowsOutput struct {
	Size int `json:"size" doc:"How many revisions were deleted."`
}

// Run goes through the flows, a page at a time.
func (t *PurgeFlows) Run(ctx context.Context, run sdk.Run) (any, error) {
	if t.Behavior != nil && t.Behavior.Before == nil && t.Behavior.KeepAmount == nil {
		return nil, errors.New("behavior: before or keepAmount is required")
	}
	q := backend.Query{Tenant: run.Info().Tenant, Page: 1, Size: 200, NoTotal: true, Sort: []backend.Sort{{By: "id"}}}
	if t.Namespace != "" {
		op := backend.OpPrefix
		if t.FlowID != "" {
			op = backend.OpEquals
		}
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldNamespace, Op: op, Value: t.Namespace})
	}
	if t.FlowID != "" {
		q.Filters = append(q.Filters, backend.Filter{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: t.FlowID})
	}
	out := PurgeFlowsOutput{}
	for {
		page, err := t.backend.Flows().Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Results {
			n, err := t.purge(ctx, model.FlowKey{Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID})
			if err != nil {
				return nil, err
			}
			out.Size += n
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			break
		}
		q.After = page.Cursor
	}
	run.Log(sdk.LevelInfo, "deleted %d revisions", out.Size)
	return out, nil
}

// purge deletes revisions of one flow.
func (t *PurgeFlows) purge(ctx context.Context, key model.FlowKey) (int, error) {
	all, err := t.backend.Flows().Revisions(ctx, key)
	if err != nil {
		return 0, err
	}
	keep := 1
	if t.Behavior != nil && t.Behavior.KeepAmount != nil {
		keep = *t.Behavior.KeepAmount
	}
	var doomed []int
	for _, r := range all[:max(0, len(all)-keep)] {
		if t.Behavior != nil && t.Behavior.Before != nil && !r.Updated.Before(*t.Behavior.Before) {
			continue
		}
		used, err := t.used(ctx, key, r.Revision)
		if err != nil {
			return 0, err
		}
		if !used {
			doomed = append(doomed, r.Revision)
		}
	}
	if len(doomed) == 0 {
		return 0, nil
	}
	return len(doomed), t.backend.Flows().DropRevisions(ctx, key, doomed)
}

// used tells whether an execution of the revision has not ended.
func (t *PurgeFlows) used(ctx context.Context, key model.FlowKey, revision int) (bool, error) {
	var ended []string
	for _, s := range model.States() {
		if s.Terminated() {
			ended = append(ended, s.String())
		}
	}
	page, err := t.backend.Executions().Search(ctx, backend.Query{
		Tenant: key.Tenant, Page: 1, Size: 1, NoTotal: true,
		Filters: []backend.Filter{
			{Field: backend.FieldNamespace, Op: backend.OpEquals, Value: key.Namespace},
			{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: key.ID},
			{Field: backend.FieldRevision, Op: backend.OpEquals, Value: revision},
			{Field: backend.FieldState, Op: backend.OpNotIn, Value: ended},
		},
	})
	return len(page.Results) > 0, err
}
