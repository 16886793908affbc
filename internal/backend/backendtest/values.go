package backendtest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

var valueScenarios = []scenario{
	{"identifiers are compared byte by byte", identifiersByByte},
	{"times keep their microseconds", timesRoundTrip},
	{"text keeps every character", textRoundTrip},
	{"JSON numbers keep every digit", numbersRoundTrip},
	{"everything of an execution comes back", executionRoundTrip},
	{"everything of an event and a job comes back", messagesRoundTrip},
	{"a value that is no JSON is rejected", invalidJSONIsRejected},
}

// identifiersByByte: case, trailing space and the form of an accent make different names everywhere.
func identifiersByByte(t *testing.T, f *fixture) {
	names := []string{"Flow", "flow", "flow ", "flòw", "flo\u0300w", "FLOW"}
	for _, n := range names {
		e := execution(model.NewID())
		e.FlowID = n
		f.commit(create(e))
		_, err := f.b.Flows().Save(f.ctx, backend.FlowRecord{Tenant: tenant, Namespace: "ns", ID: n, Source: "id: " + n, Updated: t0}, 0)
		f.must(err)
		_, err = f.b.Documents().Put(f.ctx, backend.Document{Kind: "kv", Tenant: tenant, Namespace: "ns", ID: n, Body: json.RawMessage(`1`), Created: t0, Updated: t0}, 0)
		f.must(err)
	}
	for _, n := range names {
		page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{{Field: backend.FieldFlowID, Op: backend.OpEquals, Value: n}}})
		f.must(err)
		if page.Total != 1 || len(page.Results) != 1 || page.Results[0].FlowID != n {
			t.Errorf("flow id %q selects %d executions: %v", n, page.Total, page.Results)
		}
		r, err := f.b.Flows().Get(f.ctx, model.FlowKey{Tenant: tenant, Namespace: "ns", ID: n}, false)
		f.must(err)
		if r.ID != n || r.Revision != 1 {
			t.Errorf("flow %q came as %q, revision %d", n, r.ID, r.Revision)
		}
		d, err := f.b.Documents().Get(f.ctx, "kv", tenant, "ns", n)
		f.must(err)
		if d.ID != n || d.Version != 1 {
			t.Errorf("document %q came as %q, version %d", n, d.ID, d.Version)
		}
	}
	_, err := f.b.Flows().Get(f.ctx, model.FlowKey{Tenant: tenant, Namespace: "NS", ID: "flow"}, false)
	f.wantError(err, backend.ErrNotFound)
}

func timesRoundTrip(t *testing.T, f *fixture) {
	for _, at := range []time.Time{
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 1000, time.UTC),
		time.Date(2300, 1, 1, 0, 0, 0, 999000, time.UTC),
		time.Date(2026, 6, 1, 12, 0, 0, 654321000, time.FixedZone("+5:45", 5*3600+45*60)),
	} {
		e := execution(model.NewID())
		e.State = model.NewHistory(model.Created, at)
		e.ScheduleDate = &at
		f.commit(create(e))
		got := f.load(model.ExecutionEntity(e.ID)).Execution
		if !got.State.Start().Equal(at) || !got.ScheduleDate.Equal(at) {
			t.Errorf("%v came back as %v and %v", at, got.State.Start(), got.ScheduleDate)
		}
		page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{{Field: backend.FieldStartDate, Op: backend.OpEquals, Value: at}}})
		f.must(err)
		f.equal(executionIDs(page.Results), []string{e.ID})
	}
}

const strangeText = "nul \x00, tab \t, quote ' \" \\ %_*[]?, ☃ 𝒳 é e\u0301, \u2028, \ufffd, end "

func textRoundTrip(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "task", 0)
	e.Labels = append(e.Labels, model.Label{Key: "strange" + strangeText, Value: strangeText})
	run.Value = pointer(strangeText)
	run.Engine.Error = strangeText
	quoted, err := json.Marshal(map[string]string{"text": strangeText})
	f.must(err)
	e.Inputs = quoted
	f.commit(create(e, run))
	got := f.load(model.ExecutionEntity(e.ID))
	f.equal(got.Execution, e)
	f.equal(got.TaskRuns, []*model.TaskRun{run})

	page, err := f.b.Executions().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10, Filters: []backend.Filter{
		{Field: backend.FieldLabels, Op: backend.OpEquals, Value: e.Labels[1:]}}})
	f.must(err)
	f.equal(executionIDs(page.Results), []string{e.ID})

	line := logLine(e, run, 0, strangeText)
	f.must(f.b.Logs().Append(f.ctx, []model.LogEntry{line}))
	lines, err := f.b.Logs().Search(f.ctx, backend.Query{Tenant: tenant, Size: 10})
	f.must(err)
	if len(lines.Results) != 1 || lines.Results[0].Message != strangeText {
		t.Errorf("the log line came back as %+v", lines.Results)
	}
	source := "id: x\n# " + strings.ReplaceAll(strangeText, "\x00", "") + "\r\n\ttab"
	_, err = f.b.Flows().Save(f.ctx, backend.FlowRecord{Tenant: tenant, Namespace: "ns", ID: "x", Source: source, Updated: t0}, 0)
	f.must(err)
	r, err := f.b.Flows().Get(f.ctx, model.FlowKey{Tenant: tenant, Namespace: "ns", ID: "x"}, false)
	f.must(err)
	f.equal(r.Source, source)
}

const exactNumbers = `{"big":123456789012345678901234567890,"dec":0.10,"exp":1E400,"neg":-0.0,"max":9223372036854775807,` +
	`"order":{"b":1,"a":2},"html":"<a href='x'>&</a>","twice":1,"twice":2}`

func numbersRoundTrip(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	e.Inputs, e.Outputs, e.Variables = json.RawMessage(exactNumbers), json.RawMessage(exactNumbers), json.RawMessage(exactNumbers)
	run := taskRun(e, "task", 0)
	run.Outputs = json.RawMessage(exactNumbers)
	f.commit(create(e, run))
	got := f.load(model.ExecutionEntity(e.ID))
	f.equal(got.Execution, e)
	f.equal(got.TaskRuns, []*model.TaskRun{run})

	_, err := f.b.Documents().Put(f.ctx, backend.Document{Kind: "kv", Tenant: tenant, ID: "n", Body: json.RawMessage(exactNumbers), Created: t0, Updated: t0}, 0)
	f.must(err)
	d, err := f.b.Documents().Get(f.ctx, "kv", tenant, "", "n")
	f.must(err)
	f.equal(d.Body, json.RawMessage(exactNumbers))
}

func executionRoundTrip(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	e.ParentID, e.Kind, e.TraceParent = "parent", "TEST", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	e.Trigger = &model.TriggerInfo{ID: "t", Type: "type", Variables: json.RawMessage(`{"executionId":"x"}`), LogFile: "kestra:///f"}
	e.Breakpoints = []model.TaskBreakpoint{{ID: "a"}, {ID: "b", Value: "1"}}
	e.Engine.Waiting = &model.Waiting{ExecutionID: "x", TaskRunID: "y", Attempt: 2, Iteration: 3}
	e.Engine.ViolatedSLA = []string{"sla"}
	e.Labels = append(e.Labels, model.Label{Key: "a", Value: "1"}, model.Label{Key: "a", Value: "2"})
	run := taskRun(e, "task", 0)
	run.ParentID, run.Value, run.Iteration, run.Dynamic = "p", pointer(""), pointer(0), true
	run.Attempts = []model.Attempt{{State: model.NewHistory(model.Created, t0), LogFile: "f", WorkerID: "w"}}
	run.Engine = model.RunState{Seq: 0, Section: model.SectionFinally, Values: []string{"a", ""}, Turn: 1, Job: 2, Error: "e"}
	f.commit(create(e, run))
	got := f.load(model.ExecutionEntity(e.ID))
	f.equal(got.Execution, e)
	f.equal(got.TaskRuns, []*model.TaskRun{run})
	read, err := f.b.Executions().Get(f.ctx, tenant, e.ID)
	f.must(err)
	f.equal(read, e)
	runs, err := f.b.Executions().TaskRuns(f.ctx, tenant, e.ID)
	f.must(err)
	f.equal(runs, []*model.TaskRun{run})
}

func messagesRoundTrip(t *testing.T, f *fixture) {
	e := execution(model.NewID())
	run := taskRun(e, "task", 0)
	to := model.ExecutionEntity(e.ID)
	ev := model.Event{
		ID: "event", To: to, Kind: model.EventJobEnded, At: t0, Ask: "ask",
		Job: &model.JobReport{ID: "j", TaskRunID: run.ID, Attempt: 3, WorkerID: "w", Started: t0, Ended: t0.Add(time.Second), State: model.Warning,
			Outputs: json.RawMessage(exactNumbers), Error: strangeText, Children: []*model.TaskRun{run}, Logs: []model.LogEntry{logLine(e, run, 7, "x")}},
	}
	j := job(e, run)
	j.Vars = value.MapOf(value.Entry{Key: "inputs", Value: value.MapOf(value.Entry{Key: "n", Value: int64(9223372036854775807)}, value.Entry{Key: "none"})})
	j.Parents = []model.JobParent{{TaskID: "a", TaskRunID: "b", Value: pointer("v"), Iteration: pointer(1)}}
	f.append(ev)
	tr := create(e, run)
	tr.Jobs = []*model.Job{j}
	f.commit(tr)
	if f.h.Reopen != nil {
		f.reopen()
	}
	f.equal(f.receiveEvents(to, 1), []model.Event{ev})
	f.join("w")
	f.equal(f.claim("w", 1), []*model.Job{j})
}

func invalidJSONIsRejected(t *testing.T, f *fixture) {
	good, bad := execution(idInShard(3)), execution(idInShard(3))
	bad.Outputs = json.RawMessage(`{"unfinished":`)
	err := f.commitError(create(good), create(bad))
	rejected(f, err, bad.ID)
	_, err = f.b.Load(f.ctx, f.leases[3], model.ExecutionEntity(good.ID))
	f.wantError(err, backend.ErrNotFound) // nothing of the part was changed
}
