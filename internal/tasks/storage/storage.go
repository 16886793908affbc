// Package storage holds tasks about files.
package storage

import (
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/storage"
)

const (
	area  = "io.kestra.plugin.core.storage."
	older = "io.kestra.core.tasks.storages."
)

// Types lists the types of this package. They use internal storage, and a purge looks which executions have ended.
func Types(store storage.Storage, b backend.Backend) []plugin.Type {
	return []plugin.Type{
		localFilesType(), concatType(), splitType(), reverseType(), writeType(), filterType(), deduplicateType(),
		sizeType(store), deleteType(store), purgeCurrentType(store), purgeStorageType(store, b),
	}
}
