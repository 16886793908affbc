package backend

import (
	"hash/fnv"

	"github.com/windhover-io/windhover/internal/model"
)

// slots is the number of hash slots that the shards of a kind divide, so that their number can change without rehashing
// every id.
const slots = 4096

// ShardOf returns the shard of an entity, from 0 to Shards-1.
func ShardOf(e model.Entity) int {
	kind := ExecutionShards
	if e.Kind == model.EntityTrigger {
		kind = TriggerShards
	}
	first, end := kind.Range()
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(e.Kind)})
	_, _ = h.Write([]byte(e.ID))
	return first + int(h.Sum32()%slots)*(end-first)/slots
}
