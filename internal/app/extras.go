package app

import (
	"context"
	"fmt"

	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/tasks"
)

// Extras are what a program has beyond the plain one, because the libraries for it would weigh more there than the rest.
type Extras struct {
	// Types are more types for flows.
	Types []plugin.Type
	// Storages open internal storages, by their storage.type.
	Storages map[string]func(context.Context, config.Storage) (storage.Storage, error)
	// Beside runs as long as a worker does; nil for nothing.
	Beside func(context.Context, *App) error
}

// openExtra opens a storage that the plain program has not.
func (a *App) openExtra(ctx context.Context, c config.Storage) (storage.Storage, error) {
	for _, x := range a.extras {
		if open := x.Storages[c.Type]; open != nil {
			return open(ctx, c)
		}
	}
	return nil, fmt.Errorf("storage.type: %s is in %s, not in this program: run that instead, it is this program with more in it", c.Type, tasks.Cloud)
}
