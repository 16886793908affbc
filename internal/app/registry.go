package app

import (
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks"
)

// registry lists every type that this process knows.
func (a *App) registry() *plugin.Registry {
	reg := plugin.NewRegistry()
	tasks.Register(reg, tasks.Deps{Backend: a.Backend, Storage: a.Storage, KV: kv.New(a.Backend.Documents())})
	return reg
}
