// Package leftover marks what task runners make outside the worker, such as containers and pods, and tells when nobody will
// come for it any more: it outlives its worker, and whoever runs the task again may take it up.
package leftover

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/sdk"
)

// The labels. Those of the reference are what people look for.
const (
	TaskRun   = "kestra.io/taskrun-id"
	Execution = "kestra.io/execution-id"
	Worker    = "windhover.io/worker" // the incarnation of the worker that has made it
	Tenant    = "windhover.io/tenant"
	Kept      = "windhover.io/kept" // set on what is not ours to remove
)

// Labels are those of what is made for a task run.
func Labels(info sdk.Info, kept bool) map[string]string {
	m := map[string]string{
		"kestra.io/namespace": info.Namespace, "kestra.io/flow-id": info.FlowID, "kestra.io/task-id": info.TaskID,
		Execution: info.ExecutionID, TaskRun: info.TaskRunID, "kestra.io/taskrun-attempt": strconv.Itoa(info.Attempt),
		Worker: info.Worker, Tenant: info.Tenant,
	}
	if kept {
		m[Kept] = "true"
	}
	return m
}

// Abandoned tells whether nobody will come for what has these labels.
func Abandoned(ctx context.Context, b backend.Backend, members []backend.Member, labels map[string]string) (bool, error) {
	at := slices.IndexFunc(members, func(m backend.Member) bool { return m.ID == labels[Worker] })
	if at >= 0 && members[at].State != backend.MemberLost {
		return false, nil
	}
	e, err := b.Executions().Get(ctx, labels[Tenant], labels[Execution])
	if errors.Is(err, backend.ErrNotFound) {
		return at >= 0, nil // of a trigger, or of an execution that was deleted; or of another installation
	}
	if err != nil {
		return false, err
	}
	if e.State.Current().Terminated() {
		return true, nil
	}
	runs, err := b.Executions().TaskRuns(ctx, labels[Tenant], e.ID)
	if err != nil {
		return false, err
	}
	for _, run := range runs {
		if run.ID == labels[TaskRun] {
			return run.State.Current().Terminated(), nil
		}
	}
	return false, nil
}
