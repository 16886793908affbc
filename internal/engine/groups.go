package engine

import (
	"fmt"

	"github.com/windhover-io/windhover/internal/model"
)

// workerGroup returns the group whose workers are to run a task, "" for the default one. ok is false when there is nothing
// to hand out: nobody serves the group and its fallback does not wait, which has ended the task or the execution.
func (x *turn) workerGroup(n *node) (key string, ok bool) {
	group := n.task.WorkerGroup
	if group == nil {
		group = x.s.Flow.WorkerGroup
	}
	if group == nil {
		return "", true
	}
	key, err := x.render(n, group.Key)
	if err != nil {
		x.notBegun(n, fmt.Errorf("workerGroup: %w", err))
		return "", false
	}
	if key == "" || x.env.Staffed == nil || x.env.Staffed(key) {
		return key, true
	}
	switch group.Fallback {
	case "FAIL":
		x.notBegun(n, fmt.Errorf("no worker serves the group %s", key))
		return "", false
	case "CANCEL":
		x.log(n, model.LevelWarn, "no worker serves the group %s: the execution is cancelled", key)
		x.terminate(n, model.Cancelled)
		return "", false
	case "IGNORE":
		return "", true
	}
	return key, true // it waits until a worker comes
}
