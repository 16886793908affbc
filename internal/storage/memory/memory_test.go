package memory_test

import (
	"testing"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/storage/memory"
	"github.com/windhover-io/windhover/internal/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Storage { return memory.New() })
}
