package engine

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// TestWorkerGroups has what becomes of a task by who serves the group that is to run it.
func TestWorkerGroups(t *testing.T) {
	for _, c := range []struct {
		name           string
		ofTask, ofFlow *model.WorkerGroup
		group          string // of the job, "-" if there is none
		task, ends     model.State
	}{
		{"no group", nil, nil, "", model.Submitted, model.Running},
		{"a group with workers", &model.WorkerGroup{Key: "staffed", Fallback: "FAIL"}, nil, "staffed", model.Submitted, model.Running},
		{"its key is an expression", &model.WorkerGroup{Key: "{{ 'staf' ~ 'fed' }}"}, nil, "staffed", model.Submitted, model.Running},
		{"its key gives nothing", &model.WorkerGroup{Key: "{{ '' }}"}, nil, "", model.Submitted, model.Running},
		{"its key cannot be rendered", &model.WorkerGroup{Key: "{{ nothing }}"}, nil, "-", model.Failed, model.Failed},
		{"the flow's group", nil, &model.WorkerGroup{Key: "staffed"}, "staffed", model.Submitted, model.Running},
		{"the task's before the flow's", &model.WorkerGroup{Key: "staffed"}, &model.WorkerGroup{Key: "empty", Fallback: "FAIL"}, "staffed", model.Submitted, model.Running},
		{"nobody there", &model.WorkerGroup{Key: "empty"}, nil, "empty", model.Submitted, model.Running},
		{"nobody there, wait", &model.WorkerGroup{Key: "empty", Fallback: "WAIT"}, nil, "empty", model.Submitted, model.Running},
		{"nobody there, fail", &model.WorkerGroup{Key: "empty", Fallback: "FAIL"}, nil, "-", model.Failed, model.Failed},
		{"nobody there, cancel", &model.WorkerGroup{Key: "empty", Fallback: "CANCEL"}, nil, "-", model.Cancelled, model.Cancelled},
		{"nobody there, ignore", &model.WorkerGroup{Key: "empty", Fallback: "IGNORE"}, nil, "", model.Submitted, model.Running},
	} {
		t.Run(c.name, func(t *testing.T) {
			task := &model.Task{ID: "t", Type: "test", Kind: model.KindRunnable, Props: value.NewMap(0), WorkerGroup: c.ofTask}
			flow := &model.Flow{Tenant: "main", Namespace: "n", ID: "f", Revision: 1, Tasks: []*model.Task{task}, WorkerGroup: c.ofFlow, ByID: map[string]*model.Task{"t": task}}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			env := &Env{
				Now: now, Templates: expr.NewCache(10), Location: time.UTC, Staffed: func(group string) bool { return group == "staffed" },
				Flow: func(model.FlowKey) (*model.Flow, bool) { return flow, true },
			}
			res := Step(New(), &model.Event{ID: "create", To: model.ExecutionEntity("e"), Kind: model.EventCreate, At: now, Create: &model.NewExecution{Execution: &model.Execution{
				Tenant: "main", ID: "e", OriginalID: "e", Namespace: "n", FlowID: "f", FlowRevision: 1, State: model.NewHistory(model.Created, now),
			}}}, env)
			tr := res.Transition
			group := "-"
			if len(tr.Jobs) == 1 {
				group = tr.Jobs[0].Group
			}
			if task, ends := tr.TaskRuns[0].State.Current(), tr.Execution.State.Current(); group != c.group || task != c.task || ends != c.ends {
				t.Errorf("handed to %q, the task is %s, the execution %s", group, task, ends)
			}
		})
	}
}
