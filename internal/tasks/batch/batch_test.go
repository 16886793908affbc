package batch_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/tasks/batch"
	"github.com/windhover-io/windhover/internal/tasks/taskstest"
	"github.com/windhover-io/windhover/sdk"
	"github.com/windhover-io/windhover/sdk/sdktest"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		rows, batch string
		want        []string
	}{
		{"a\nb\nc\n", "{}", []string{"a\n", "b\n", "c\n"}},
		{"a\nb\nc", "{rows: 2}", []string{"a\nb\n", "c\n"}},
		{"", "{rows: 2}", nil},
		{"a\nb\nc\n", "{partitions: 2}", []string{"a\nc\n", "b\n"}},
		{"aa\nbb\ncc\n", "{bytes: '4'}", []string{"aa\nbb\n", "cc\n"}},
		{"x1\ny2\nx3\nnone\n", "{regexPattern: '^([xy])'}", []string{"x1\nx3\n", "y2\n"}},
		{"a;b;c", "{rows: 2, separator: ';'}", []string{"a;b;", "c;"}},
	} {
		run := sdktest.New(t)
		uri := run.File("items", c.rows)
		out := taskstest.Must(t, run, batch.Types(nil), "type: io.kestra.plugin.core.flow.ForEachItem$ForEachItemSplit\nitems: %s\nbatch: %s", uri, c.batch)
		var got struct{ Splits string }
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		uris := strings.Fields(run.Content(got.Splits))
		if !slices.Equal(uris, run.Batched) && len(uris)+len(run.Batched) > 0 {
			t.Errorf("%s: %v were handed on, %v stored", c.batch, run.Batched, uris)
		}
		var contents []string
		for _, u := range uris {
			contents = append(contents, run.Content(u))
		}
		if !slices.Equal(contents, c.want) {
			t.Errorf("%q by %s: %q, want %q", c.rows, c.batch, contents, c.want)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	run := sdktest.New(t)
	uri := run.File("items", "a\n")
	for how, want := range map[string]string{
		"items: plain text":                              "not the URI",
		"items: kestra:///none":                          "not found",
		"items: " + uri + "\nbatch: {rows: 0}":           "at least one",
		"items: " + uri + "\nbatch: {partitions: 0}":     "at least one",
		"items: " + uri + "\nbatch: {bytes: much}":       "not a size",
		"items: " + uri + "\nbatch: {regexPattern: '('}": "batch.regexPattern",
	} {
		if err := taskstest.Fails(t, run, batch.Types(nil), "type: io.kestra.plugin.core.flow.ForEachItem$ForEachItemSplit\n%s", how); !strings.Contains(err, want) {
			t.Errorf("%s: %s", how, err)
		}
	}
}

// TestMerge puts the outputs of the batches' executions together, in the order of the batches; one batch has no execution
// and one no outputs.
func TestMerge(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	execution := func(id, outputs string) *model.Execution {
		e := &model.Execution{Tenant: "main", ID: id, Namespace: "company.team", FlowID: "flow", FlowRevision: 1, OriginalID: id, State: model.NewHistory(model.Created, start)}
		if outputs != "" {
			e.Outputs = json.RawMessage(outputs)
		}
		return e
	}
	for _, c := range []struct {
		outputs []string // by batch; "-" has no execution
		want    string
	}{
		{[]string{`{"n":1}`, "-", "", `{"n":4}`}, "{\"n\":1}\n{\"n\":4}\n"},
		{[]string{"-", ""}, ""},
	} {
		o := taskstest.NewOwner(t)
		items := &model.TaskRun{
			Tenant: "main", ID: "items", ExecutionID: "execution", Namespace: "company.team", FlowID: "flow", TaskID: "each_items", ParentID: "parent",
			State: model.NewHistory(model.Created, start), Engine: model.RunState{Batches: len(c.outputs)},
		}
		o.Store(execution("execution", ""), items)
		for i, outputs := range c.outputs {
			if outputs != "-" {
				o.Store(execution(model.DeriveID("child", "items", "0", strconv.Itoa(i)), outputs))
			}
		}
		run := sdktest.New(t)
		run.Is.TaskID, run.Is.ParentTaskRunID = "each_merge", "parent"
		out := taskstest.Must(t, run, batch.Types(o), "type: io.kestra.plugin.core.flow.ForEachItem$ForEachItemMergeOutputs")
		var got struct{ SubflowOutputs string }
		if out != "" {
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
		}
		content := ""
		if got.SubflowOutputs != "" {
			content = run.Content(got.SubflowOutputs)
		}
		if content != c.want {
			t.Errorf("%q: %q, want %q", c.outputs, content, c.want)
		}
	}
	run := sdktest.New(t)
	if out := taskstest.Must(t, run, batch.Types(nil), "type: io.kestra.plugin.core.flow.ForEachItem$ForEachItemMergeOutputs\nwait: false"); out != "" {
		t.Errorf("of executions that nobody waits for it puts out %s", out)
	}
	run.Is.TaskID = "each_merge"
	taskstest.Fails(t, run, batch.Types(taskstest.NewOwner(t)), "type: io.kestra.plugin.core.flow.ForEachItem$ForEachItemMergeOutputs")
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "2KB": 2048, " 3 mb ": 3 << 20, "1GB": 1 << 30, "0": 0, "MB": 0, "1.5MB": 0, "99999999999TB": 0, "-1": 0} {
		got, err := batch.Bytes(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestSleep(t *testing.T) {
	taskstest.Must(t, sdktest.New(t), batch.Types(nil), "type: io.kestra.plugin.core.flow.Sleep\nduration: PT0.001S")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&batch.Sleep{Duration: sdk.Duration(time.Hour)}).Run(ctx, sdktest.New(t)); err == nil {
		t.Error("it does not stop")
	}
}
