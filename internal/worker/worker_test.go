package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// TestEnds has what comes of a task, by what it does.
func TestEnds(t *testing.T) {
	for _, c := range []struct {
		name    string
		task    model.Task
		do      func(context.Context, sdk.Run) (any, error)
		state   model.State
		outputs string
		err     string
	}{
		{name: "outputs", do: func(context.Context, sdk.Run) (any, error) { return map[string]any{"a": 1}, nil }, state: model.Success, outputs: `{"a":1}`},
		{name: "nothing", do: func(context.Context, sdk.Run) (any, error) { return nil, nil }, state: model.Success},
		{name: "error", do: func(context.Context, sdk.Run) (any, error) { return nil, errors.New("no") }, state: model.Failed, err: "no"},
		{name: "error with outputs", do: func(context.Context, sdk.Run) (any, error) {
			return nil, &sdk.OutputError{Err: errors.New("half"), Outputs: map[string]any{"done": 1}}
		}, state: model.Failed, outputs: `{"done":1}`, err: "half"},
		{name: "warning", do: func(context.Context, sdk.Run) (any, error) { return warned{N: 2}, nil }, state: model.Warning, outputs: `{"n":2}`},
		{name: "panic", do: func(context.Context, sdk.Run) (any, error) { panic("oh") }, state: model.Failed, err: "internal error in do: oh"},
		{name: "nil map", do: func(context.Context, sdk.Run) (any, error) { var m map[string]int; m["x"]++; return nil, nil }, state: model.Failed,
			err: "internal error in do: assignment to entry in nil map"},
		{name: "too large", do: func(context.Context, sdk.Run) (any, error) {
			return map[string]any{"a": strings.Repeat("x", maxOutputs)}, nil
		}, state: model.Failed, err: "store them as a file"},
		{name: "not JSON", do: func(context.Context, sdk.Run) (any, error) { return map[string]any{"a": func() {}}, nil }, state: model.Failed, err: "its outputs cannot be stored"},
		{name: "bad property", task: model.Task{Props: value.MapOf(value.Entry{Key: "value", Value: "{{ nothing }}"})}, state: model.Failed, err: "nothing"},
		{name: "bad timeout", task: model.Task{Timeout: "soon"}, state: model.Failed, err: "timeout:"},
		{name: "unknown type", task: model.Task{Type: "io.example.Absent"}, state: model.Failed, err: "does not know the task type io.example.Absent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.do = c.do
			task := c.task
			task.ID = "t"
			if task.Type == "" {
				task.Type = "do"
			}
			report := r.execute(t.Context(), r.job(&task), &finding{})
			if report.State != c.state || string(report.Outputs) != c.outputs || !strings.Contains(report.Error, c.err) || (c.err == "") != (report.Error == "") {
				t.Errorf("%s %s %q", report.State, report.Outputs, report.Error)
			}
			if failed := report.State == model.Failed; failed {
				if logged := strings.Join(messages(r.backend.lines), "\n"); !strings.Contains(logged, c.err) {
					t.Errorf("the log does not say why: %q", logged)
				}
			}
		})
	}
	r := newRig(t)
	job := r.job(&model.Task{ID: "t", Type: "do"})
	delete(r.flow.ByID, "t")
	if report := r.execute(t.Context(), job, &finding{}); report.State != model.Failed || !strings.Contains(report.Error, "has no task t") {
		t.Errorf("a task that the flow has not: %s %q", report.State, report.Error)
	}
}

type warned struct {
	N int `json:"n"`
}

func (warned) Warning() bool { return true }

// TestTimeout stops a task when its time is over.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.do = func(ctx context.Context, _ sdk.Run) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
		began := time.Now()
		report := r.execute(t.Context(), r.job(&model.Task{ID: "t", Type: "do", Timeout: "PT1M30S"}), &finding{})
		if report.State != model.Failed || report.Error != "Timeout after 00:01:30.000" || time.Since(began) != 90*time.Second {
			t.Errorf("%s %q after %s", report.State, report.Error, time.Since(began))
		}
	})
}

// TestKill stops a task that runs, one that was claimed and has not begun, and one whose order to stop came before it did.
func TestKill(t *testing.T) {
	for _, when := range []string{"while it runs", "before it begins", "before it is claimed"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			job := r.job(&model.Task{ID: "t", Type: "do"})
			r.do = func(ctx context.Context, _ sdk.Run) (any, error) {
				if when == "while it runs" {
					r.cancel(job.ID)
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}
			if when == "before it is claimed" {
				r.cancel(job.ID)
			}
			ctx := r.enter(t.Context(), job.ID)
			if when == "before it begins" {
				r.cancel(job.ID)
			}
			r.run(ctx, job)
			r.leave(job.ID)
			synctest.Wait()
			last := r.backend.events[len(r.backend.events)-1]
			if last.Kind != model.EventJobEnded || last.Job.State != model.Killed {
				t.Errorf("killed %s it is reported as %s %s", when, last.Kind, last.Job.State)
			}
		})
	}
}

// TestStop leaves a job alone that a stopping worker has interrupted: it is handed out again.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, stop := context.WithCancelCause(t.Context())
		r.do = func(ctx context.Context, _ sdk.Run) (any, error) {
			stop(errStopped)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		r.run(ctx, r.job(&model.Task{ID: "t", Type: "do"}))
		synctest.Wait()
		if len(r.backend.events) != 1 || r.backend.events[0].Kind != model.EventJobStarted {
			t.Errorf("reported: %v", r.backend.events)
		}
	})
}

// TestReports appends a report until it is stored.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.backend.fail = 4
		job := r.job(&model.Task{ID: "t", Type: "do"})
		job.Pure = true
		r.run(t.Context(), job)
		time.Sleep(time.Minute) // of the bubble: nothing waits
		synctest.Wait()
		if len(r.backend.events) != 1 || r.backend.tries != 5 {
			t.Fatalf("%d events after %d tries", len(r.backend.events), r.backend.tries)
		}
		e := r.backend.events[0]
		if e.Job.State != model.Success || e.Job.WorkerID != "w" || e.To != model.ExecutionEntity("e") || e.ID != "run.jobEnded" {
			t.Errorf("reported: %+v", e)
		}
	})
}

// TestLogs has the order of lines, their levels, and lines that are too long.
func TestLogs(t *testing.T) {
	for _, pure := range []bool{true, false} {
		r := newRig(t)
		long := strings.Repeat("é", maxLine)
		r.do = func(_ context.Context, run sdk.Run) (any, error) {
			run.Log(sdk.LevelDebug, "below the level")
			for i := range 3 {
				run.Log(sdk.LevelInfo, "line %d", i)
			}
			run.Log(sdk.LevelError, "%d%% sure", 100)
			run.Log(sdk.LevelInfo, "100%") // without arguments it is no format
			run.Log(sdk.LevelWarn, "%s", long)
			return nil, nil
		}
		job := r.job(&model.Task{ID: "t", Type: "do", LogLevel: model.LevelInfo})
		job.Pure = pure
		report := r.execute(t.Context(), job, &finding{})
		lines := append(report.Logs, r.backend.lines...)
		if pure != (len(report.Logs) > 0) {
			t.Errorf("pure %t: %d lines go with the report", pure, len(report.Logs))
		}
		got := messages(lines)
		if diff := cmp.Diff([]string{"line 0", "line 1", "line 2", "100% sure", "100%"}, got[:5]); diff != "" {
			t.Error(diff)
		}
		if strings.Join(got[5:], "") != long || len(got) != 7 {
			t.Errorf("a long line is in %d parts", len(got)-5)
		}
		for i, l := range lines {
			if l.Seq != i || l.TaskRunID != "run" || *l.Attempt != 0 || i > 0 && l.Timestamp.Before(lines[i-1].Timestamp) {
				t.Errorf("line %d: %+v", i, l)
			}
		}
	}
}

// TestMetrics has what a task measures.
func TestMetrics(t *testing.T) {
	r := newRig(t)
	r.do = func(_ context.Context, run sdk.Run) (any, error) {
		run.Counter("rows", 3, "table", "orders", "odd")
		run.Timer("load", 1500*time.Millisecond)
		run.Gauge("free", 0.5)
		return nil, nil
	}
	report := r.execute(t.Context(), r.job(&model.Task{ID: "t", Type: "do"}), &finding{})
	var got []string
	for _, m := range report.Metrics {
		got = append(got, fmt.Sprint(m.Type, " ", m.Name, " ", m.Value, " ", m.Tags, " ", m.TaskRunID))
	}
	if diff := cmp.Diff([]string{"counter rows 3 map[table:orders] run", "timer load 1500 map[] run", "gauge free 0.5 map[] run"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestDirectory runs the tasks of a WorkingDirectory in one job: each sees what those before it have put out, a retry is
// within the job, and the first that fails ends it.
func TestDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		child := func(id, text string) *model.Task {
			c := &model.Task{ID: id, Type: "do", Props: value.MapOf(value.Entry{Key: "value", Value: text})}
			r.flow.ByID[id] = c
			return c
		}
		second := child("second", "{{ outputs.first.value }} and {{ taskrun.attemptsCount }}")
		second.Retry = &model.Retry{Type: "constant", Interval: time.Minute, MaxAttempts: 3}
		skipped := child("skipped", "x")
		skipped.RunIf = "{{ outputs.first.value == 'other' }}"
		job := r.job(&model.Task{ID: "wd", Type: "dir", Kind: model.KindWorkingDirectory, Tasks: []*model.Task{child("first", "one"), skipped, second, child("third", "{{ nothing }}"), child("fourth", "x")}})
		tries := 0
		var dirs []string
		r.do = func(_ context.Context, run sdk.Run) (any, error) {
			dir, err := run.WorkDir()
			dirs = append(dirs, dir)
			if run.Info().TaskID == "second" {
				if tries++; tries < 3 {
					return nil, errors.New("not yet")
				}
			}
			text, _ := run.Render("{{ task.id }}", nil)
			return map[string]any{"value": text, "seen": run.Info().Attempt}, err
		}
		began := time.Now()
		report := r.execute(t.Context(), job, &finding{})
		var got []string
		for _, c := range report.Children {
			got = append(got, fmt.Sprintf("%s %s %d %s", c.TaskID, c.State.Current(), len(c.Attempts), c.Outputs))
		}
		want := []string{`first SUCCESS 1 {"seen":1,"value":"first"}`, "skipped SKIPPED 1 ", `second SUCCESS 3 {"seen":3,"value":"second"}`, "third FAILED 1 "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if report.State != model.Failed || time.Since(began) != 2*time.Minute {
			t.Errorf("%s after %s", report.State, time.Since(began))
		}
		for _, d := range dirs {
			if d != dirs[0] {
				t.Errorf("the directories differ: %v", dirs)
			}
		}
	})
}

// TestMasks has what a worker lets out of what it was let in: secrets that functions reveal, that stand encrypted among the
// variables, that a task names itself.
func TestMasks(t *testing.T) {
	encrypted := value.MapOf(value.Entry{Key: "type", Value: model.EncryptedType}, value.Entry{Key: "value", Value: "aW4gdGhlIGlucHV0cw=="}) // in the inputs
	r := newRig(t)
	r.do = func(_ context.Context, run sdk.Run) (any, error) {
		a, err := run.Render("{{ secret('A') }} {{ secret('B') | base64encode }} {{ inputs.s | urlencode }}", nil)
		run.Mask("named by hand")
		run.Log(sdk.LevelInfo, "%s, named by hand", a)
		run.Counter("m", 1, "in the inputs", "the secret A")
		panic(fmt.Sprint(a, err))
	}
	report := r.execute(t.Context(), r.job(&model.Task{ID: "t", Type: "do"}, value.Entry{Key: "inputs", Value: value.MapOf(value.Entry{Key: "s", Value: encrypted})}), &finding{})
	out := fmt.Sprint(report.Error, messages(report.Logs), messages(r.backend.lines), report.Metrics, r.log)
	for _, secret := range []string{"the secret A", "dGhlIHNlY3JldCBC", "in+the+inputs", "named by hand", "in the inputs"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is in %s", secret, out)
		}
	}
	if n := strings.Count(out, mask.Stars); n < 10 {
		t.Errorf("only %d secrets are hidden, in %s", n, out)
	}
}
