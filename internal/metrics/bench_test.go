package metrics

import (
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// BenchmarkOneTask measures what is counted of an execution with one task: every execution pays it.
func BenchmarkOneTask(b *testing.B) {
	flow := &model.Flow{Tenant: "main", Namespace: "company.team", ID: "flow", Revision: 1, ByID: map[string]*model.Task{"t": {ID: "t", Type: "task"}}}
	m := New(func(model.FlowKey) (*model.Flow, bool) { return flow, true })
	now := time.Now()
	created := &model.Execution{Tenant: "main", Namespace: flow.Namespace, FlowID: flow.ID, State: model.NewHistory(model.Created, now)}
	begun, ended := *created, *created
	begun.State, begun.Engine.Admitted = model.History{{State: model.Created, Date: now}, {State: model.Running, Date: now}}, true
	ended.State, ended.Engine = begun.State.With(model.Success, now), begun.Engine
	run := &model.TaskRun{TaskID: "t", State: created.State}
	done := *run
	done.State = ended.State
	job := &model.Job{Flow: flow.Key(), At: now}
	report := &model.JobReport{State: model.Success}
	b.ReportAllocs()
	for b.Loop() {
		m.Committed(&model.Transition{Execution: &begun, TaskRuns: []*model.TaskRun{run}, RunsBefore: []*model.TaskRun{nil}, Jobs: []*model.Job{job}})
		m.JobStarted(job, "task", "")(report, false)
		m.Committed(&model.Transition{Execution: &ended, Before: &begun, TaskRuns: []*model.TaskRun{&done}, RunsBefore: []*model.TaskRun{run}, JobsDone: []string{"t"}})
	}
}
