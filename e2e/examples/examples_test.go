// Package examples runs the flows that newcomers start from.
package examples

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	flows "github.com/windhover-io/windhover/examples"
	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/yamldoc"
)

// expected is how examples end, where that is not SUCCESS, and what they put out.
var (
	expected = map[string]model.State{"retry": model.Warning}
	inputs   = map[string]*value.Map{"subflow-child": value.MapOf(value.Entry{Key: "order", Value: "chairs"})}
	outputs  = map[string]string{
		"for-each/together":     `{"value":"0: NORTH, 1: EAST, 2: SOUTH, 3: WEST"}`,
		"dag/join":              `{"value":"12 orders of 5 customers"}`,
		"parallel/summary":      `{"value":"left is fine, after first"}`,
		"subflow/told":          `{"value":"chairs cost 60"}`,
		"inputs/show":           `{"values":{"title":"acme on team","channels":"mail, chat","since":"2026-01-01"}}`,
		"poll-until-ready/wait": `{"iterationCount":3}`,
		"python/told":           `{"value":"the orders are worth 200"}`,
		"csv-report/told":       `{"value":"region,orders,amount\nnorth,2,140.0\nsouth,1,80.0\n"}`,
	}
)

func TestExamples(t *testing.T) {
	cfg := config.Default()
	cfg.Backend.Type, cfg.Storage.Type, cfg.Server.Grace = "memory", "memory", time.Second
	a, err := app.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, component := range []func(context.Context) error{a.Executor, a.Scheduler, a.Worker} {
		if err := component(ctx); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	entries, err := flows.Files.ReadDir(".")
	if err != nil || len(entries) < 10 {
		t.Fatal("too few examples", err)
	}
	var saved []*model.Flow
	for _, e := range entries {
		src, err := flows.Files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, problems, err := a.SaveFlow(ctx, "main", src)
		if err != nil || f == nil {
			t.Fatalf("%s: %v %v", e.Name(), problems, err)
		}
		for _, p := range problems {
			if p.Severity == yamldoc.Warning {
				t.Errorf("%s: an example should not be warned of: %s", e.Name(), p)
			}
		}
		saved = append(saved, f)
	}
	for _, f := range saved {
		t.Run(f.ID, func(t *testing.T) { runExample(ctx, t, a, f) })
	}
}

func runExample(ctx context.Context, t *testing.T, a *app.App, f *model.Flow) {
	id := model.NewID()
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	if _, err := a.Launcher.Create(ctx, launch.Request{Flow: f.Key(), ID: id, Inputs: inputs[f.ID]}); err != nil {
		t.Fatal(err)
	}
	var end *model.Execution
	for end == nil {
		select {
		case c := <-changes:
			if c.Execution != nil && c.Execution.Engine.Finished {
				end = c.Execution
			}
		case <-ctx.Done():
			t.Fatal("it does not end")
		}
	}
	want := model.Success
	if s, ok := expected[f.ID]; ok {
		want = s
	}
	if got := end.State.Current(); got != want {
		t.Errorf("it ends in %s, not %s", got, want)
	}
	runs, err := a.Backend.Executions().TaskRuns(ctx, "main", id)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range outputs {
		flow, task, _ := strings.Cut(key, "/")
		if flow != f.ID {
			continue
		}
		for _, r := range runs {
			if r.TaskID == task && string(r.Outputs) != want {
				t.Errorf("%s puts out %s, not %s", task, r.Outputs, want)
			}
		}
	}
}
