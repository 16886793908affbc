package backend

import (
	"bytes"
	"encoding/json"

	"github.com/windhover-io/windhover/internal/model"
)

// StartedBy returns the id of the execution that started e, as a subflow or by a flow trigger, or "". It is what
// TRIGGER_EXECUTION_ID and CHILD_FILTER look at.
func StartedBy(e *model.Execution) string {
	if e.Trigger == nil || !bytes.Contains(e.Trigger.Variables, []byte(`"executionId"`)) {
		return ""
	}
	var v struct {
		ExecutionID string `json:"executionId"`
	}
	if json.Unmarshal(e.Trigger.Variables, &v) != nil {
		return ""
	}
	return v.ExecutionID
}
