package cloud

import (
	"context"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/azure"
	"github.com/windhover-io/windhover/internal/storage/gcs"
)

// storages keep files in the clouds of Google and Microsoft.
func storages() app.Extras {
	return app.Extras{Storages: map[string]func(context.Context, config.Storage) (storage.Storage, error){
		"gcs": func(ctx context.Context, c config.Storage) (storage.Storage, error) {
			return gcs.Open(ctx, gcs.Config(c.GCS))
		},
		"azure": func(ctx context.Context, c config.Storage) (storage.Storage, error) {
			return azure.Open(ctx, azure.Config(c.Azure))
		},
	}}
}
