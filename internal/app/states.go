package app

import (
	"context"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/httpapi"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks/state"
)

// MigrateStates turns states of the flows that there are from files into keys; see state.Migrate.
func (a *App) MigrateStates(ctx context.Context) ([]state.Migrated, error) {
	var flows []storage.Flow
	q := backend.Query{Tenant: httpapi.Tenant, Page: 1, Size: 1000, NoTotal: true, Sort: []backend.Sort{{By: "id"}}}
	for {
		page, err := a.Backend.Flows().Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Results {
			flows = append(flows, storage.Flow{Tenant: f.Tenant, Namespace: f.Namespace, ID: f.ID})
		}
		if page.Cursor == "" || len(page.Results) < q.Size {
			return state.Migrate(ctx, a.Storage, kv.New(a.Backend.Documents()), flows)
		}
		q.After = page.Cursor
	}
}
