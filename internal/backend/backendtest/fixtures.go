package backendtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// t0 is when everything in the suite begins: a time of microseconds, as all adapters keep it.
var t0 = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

const tenant = "main"

// isJSON selects JSON, though not bytes of other kinds.
func isJSON(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() }

// sameJSON compares JSON by its text without spaces, so that numbers must keep every digit.
var sameJSON = cmp.FilterPath(isJSON, cmp.Transformer("JSON", func(raw json.RawMessage) string {
	var out bytes.Buffer
	if len(raw) == 0 {
		return ""
	}
	if err := json.Compact(&out, raw); err != nil {
		return "not JSON: " + string(raw)
	}
	return out.String()
}))

// emptyIsNil makes no difference between empty and absent lists and maps.
var emptyIsNil = cmp.FilterPath(func(p cmp.Path) bool { return !isJSON(p) }, cmpopts.EquateEmpty())

// sameMap compares maps of values by their JSON.
var sameMap = cmp.Transformer("Map", func(m *value.Map) string {
	text, _ := m.MarshalJSON() // which never fails
	return string(text)
})

// execution is a running execution of flow company.team/hello that was created at t0.
func execution(id string) *model.Execution {
	return &model.Execution{
		Tenant: tenant, ID: id, Namespace: "company.team", FlowID: "hello", FlowRevision: 1, OriginalID: id,
		Labels:   []model.Label{{Key: model.LabelCorrelation, Value: id}},
		State:    model.NewHistory(model.Created, t0).With(model.Running, t0.Add(time.Millisecond)),
		Metadata: model.Metadata{AttemptNumber: 1, OriginalCreatedDate: t0},
		Engine:   model.EngineState{Format: 1, Now: t0, Admitted: true},
	}
}

// ended returns the execution as it ended, some time after its start.
func ended(e *model.Execution, s model.State, after time.Duration) *model.Execution {
	done := *e
	done.State = append(model.History(nil), e.State...).With(s, e.State.Start().Add(after))
	done.Engine.Finished = true
	return &done
}

// taskRun is the task run of a task, numbered within its execution.
func taskRun(e *model.Execution, task string, seq int) *model.TaskRun {
	return &model.TaskRun{
		Tenant: e.Tenant, ID: model.DeriveID(e.ID, task, strconv.Itoa(seq)), ExecutionID: e.ID, Namespace: e.Namespace, FlowID: e.FlowID,
		TaskID: task, State: model.NewHistory(model.Created, e.State.Start().Add(time.Duration(seq)*time.Millisecond)),
		Engine: model.RunState{Seq: seq},
	}
}

// create is the first transition of an execution.
func create(e *model.Execution, runs ...*model.TaskRun) *model.Transition {
	return &model.Transition{Of: model.ExecutionEntity(e.ID), Version: 1, Execution: e, TaskRuns: runs}
}

func job(e *model.Execution, run *model.TaskRun) *model.Job {
	return &model.Job{
		ID: model.JobID(run.ID, 1), Flow: model.FlowKey{Tenant: e.Tenant, Namespace: e.Namespace, ID: e.FlowID, Revision: 1}, Attempt: 1,
		Execution: model.JobHeader{ID: e.ID, StartDate: e.State.Start(), OriginalID: e.OriginalID, State: model.Running},
		TaskRun:   run, At: t0,
	}
}

func event(id string, to model.Entity) model.Event {
	return model.Event{ID: id, To: to, Kind: model.EventResume, At: t0, Action: &model.Action{By: "someone"}}
}

// idInShard draws an execution id of a shard.
func idInShard(shard int) string {
	for {
		if id := model.NewID(); backend.ShardOf(model.ExecutionEntity(id)) == shard {
			return id
		}
	}
}

// entitiesIn draws n executions of one shard.
func entitiesIn(shard, n int) []model.Entity {
	var list []model.Entity
	for range n {
		list = append(list, model.ExecutionEntity(idInShard(shard)))
	}
	return list
}

func eventIDs(events []model.Event) []string {
	var ids []string
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func executionIDs(list []*model.Execution) []string {
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return ids
}

func jobIDs(list []*model.Job) []string {
	var ids []string
	for _, j := range list {
		ids = append(ids, j.ID)
	}
	return ids
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s-%04d", prefix, n) }

func pointer[T any](v T) *T { return &v }
