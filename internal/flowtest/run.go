package flowtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/config"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/internal/world"
)

const tenant = "main"

// The states of a suite and of a case.
const (
	StateSuccess = "SUCCESS"
	StateFailed  = "FAILED"  // an assertion does not hold, or the execution ended in another state
	StateError   = "ERROR"   // the test could not be run or evaluated
	StateSkipped = "SKIPPED" // it is disabled
)

// Report is what came of a suite.
type Report struct {
	ID        string       `json:"testSuiteId"`
	Namespace string       `json:"namespace"`
	FlowID    string       `json:"flowId"`
	State     string       `json:"state"`
	StartDate time.Time    `json:"startDate"`
	EndDate   time.Time    `json:"endDate"`
	Results   []CaseReport `json:"results"`
}

// CaseReport is what came of a case.
type CaseReport struct {
	ID          string    `json:"testId"`
	Description string    `json:"description,omitempty"`
	State       string    `json:"state"`
	ExecutionID string    `json:"executionId,omitempty"`
	EndedIn     string    `json:"executionState,omitempty"`
	Outcomes    []Outcome `json:"assertionResults"`
	Errors      []Problem `json:"errors"`
	// Log is the lines of the execution from WARN on, for people who look for the reason.
	Log []string `json:"log,omitempty"`
}

// Problem tells why a case could not be run or evaluated, or what else is not as expected.
type Problem struct {
	Message string `json:"message"`
}

func (r *CaseReport) problem(state string, err error) {
	r.State = state
	r.Errors = append(r.Errors, Problem{err.Error()})
}

// Runner runs suites.
type Runner struct {
	// Flows are the sources of all flows that tests may need: those that are tested, and their subflows.
	Flows [][]byte
	// Config has the plugin defaults, variables and keys; its backend and storage are not used.
	Config *config.Config
	Log    *slog.Logger
	// Extras are what the program has beyond the plain one.
	Extras []app.Extras
	// Timeout bounds one case.
	Timeout time.Duration
}

// Run runs a suite. Each case has an installation of its own, so that none sees what another one did.
func (r *Runner) Run(ctx context.Context, s *Suite) *Report {
	out := &Report{ID: s.ID, Namespace: s.Namespace, FlowID: s.FlowID, State: StateSuccess, StartDate: time.Now().UTC(), Results: []CaseReport{}}
	for i := range s.Cases {
		c := &s.Cases[i]
		one := CaseReport{ID: c.ID, Description: c.Description, State: StateSuccess, Outcomes: []Outcome{}, Errors: []Problem{}}
		if s.Disabled || c.Disabled {
			one.State = StateSkipped
		} else if err := r.run(ctx, s, c, &one); err != nil {
			one.problem(StateError, err)
		}
		switch {
		case one.State == StateError:
			out.State = StateError
		case one.State == StateFailed && out.State == StateSuccess:
			out.State = StateFailed
		}
		out.Results = append(out.Results, one)
	}
	if s.Disabled {
		out.State = StateSkipped
	}
	out.EndDate = time.Now().UTC()
	return out
}

// run runs one case.
func (r *Runner) run(ctx context.Context, s *Suite, c *Case, out *CaseReport) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	tasks := slices.Clone(c.Fixtures.Tasks) // whose outputs are evaluated later
	a, err := r.installation(tasks)
	if err != nil {
		return err
	}
	defer func() { _ = a.Stop(context.WithoutCancel(ctx)) }()
	flow, err := r.save(ctx, a, s, c)
	if err != nil {
		return err
	}
	if err := errors.Join(a.Executor(ctx), a.Worker(ctx)); err != nil {
		return err
	}
	files, err := storeFiles(ctx, a, flow, c.Fixtures.Files)
	if err != nil {
		return err
	}
	e, err := execute(ctx, a, flow, c, tasks, files)
	if err != nil {
		return err
	}
	out.ExecutionID, out.EndedIn = e.ID, e.State.Current().String()
	return r.evaluate(ctx, a, flow, e, c, files, out)
}

// installation is Windhover in memory, with the type that stands for the tasks that are replaced.
func (r *Runner) installation(tasks []Task) (*app.App, error) {
	cfg := *r.Config
	cfg.Backend.Type, cfg.Storage.Type, cfg.Tutorial, cfg.Server.Grace = "memory", "memory", false, time.Second
	if cfg.Encryption.SecretKey == "" {
		cfg.Encryption.SecretKey = app.RandomKey()
	}
	a, err := app.New(&cfg, r.Log, r.Extras...)
	if err != nil {
		return nil, err
	}
	a.Registry.Add(typeOfFixtures(tasks))
	return a, nil
}

// save stores all flows, the tested one with its fixtures, and returns that one. Flows that are not valid are passed over
// unless it is that one.
func (r *Runner) save(ctx context.Context, a *app.App, s *Suite, c *Case) (*model.Flow, error) {
	var tested *model.Flow
	for _, src := range r.Flows {
		f, _, err := a.SaveFlow(ctx, tenant, src)
		if err != nil {
			return nil, err
		}
		if f != nil && f.Namespace == s.Namespace && f.ID == s.FlowID {
			tested = f
		}
	}
	if tested == nil {
		return nil, fmt.Errorf("there is no valid flow %s.%s among the files", s.Namespace, s.FlowID)
	}
	src, err := replaceTasks([]byte(tested.Source), c.Fixtures.Tasks)
	if err != nil {
		return nil, err
	}
	f, problems, err := a.SaveFlow(ctx, tenant, src)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("the flow with its fixtures is not valid: %s", problems[0])
	}
	return f, nil
}

// storeFiles puts the files of a case into internal storage and returns their URIs by name.
func storeFiles(ctx context.Context, a *app.App, flow *model.Flow, files *value.Map) (*value.Map, error) {
	out := value.NewMap(files.Len())
	dir, err := storage.Execution{Flow: storage.Flow{Tenant: tenant, Namespace: flow.Namespace, ID: flow.ID}, ID: "fixtures"}.InputDir("files")
	if err != nil {
		return nil, err
	}
	for name, content := range files.All() {
		at, err := dir.Join(name)
		if err != nil {
			return nil, fmt.Errorf("fixtures.files: %w", err)
		}
		if err := a.Storage.Put(ctx, at, strings.NewReader(value.Print(content)), nil); err != nil {
			return nil, fmt.Errorf("fixtures.files: %w", err)
		}
		out.Set(name, at.String())
	}
	return out, nil
}

// fixtureEnv is the context in which fixtures are evaluated: the files, and functions that touch nothing.
type fixtureEnv struct {
	files *value.Map
	expr.Env
}

// Var returns files, or what is around it.
func (e fixtureEnv) Var(name string) (any, bool) {
	if name == "files" {
		return e.files, true
	}
	return e.Env.Var(name)
}

// endedEnv is the context of assertions: that of the execution, whose outputs stand in `execution.outputs` now.
type endedEnv struct {
	fixtureEnv
	e *model.Execution
}

// Var returns a variable.
func (e endedEnv) Var(name string) (any, bool) {
	v, ok := e.fixtureEnv.Var(name)
	m, isMap := value.AsMap(v)
	if name != "execution" || !isMap {
		return v, ok
	}
	outputs, err := value.ParseJSON(e.e.Outputs)
	if err != nil {
		return v, ok
	}
	m = m.Clone()
	m.Set("outputs", outputs)
	return m, true
}

// execute runs the flow to its end.
func execute(ctx context.Context, a *app.App, flow *model.Flow, c *Case, tasks []Task, files *value.Map) (*model.Execution, error) {
	id := model.NewID()
	env := fixtureEnv{files, a.Launcher.Env(ctx, flow, &model.Execution{Tenant: tenant, ID: id, Namespace: flow.Namespace, FlowID: flow.ID})}
	req := launch.Request{Flow: flow.Key(), ID: id, Kind: "TEST"}
	if c.Fixtures.Inputs != nil {
		v, err := a.Templates.RenderValue(c.Fixtures.Inputs, env, expr.Limits{})
		if err != nil {
			return nil, fmt.Errorf("fixtures.inputs: %w", err)
		}
		req.Inputs, _ = value.AsMap(v)
	}
	for i, t := range tasks {
		if t.Outputs == nil {
			continue
		}
		v, err := a.Templates.RenderValue(t.Outputs, env, expr.Limits{})
		if err != nil {
			return nil, fmt.Errorf("the fixture of the task %s: %w", t.ID, err)
		}
		tasks[i].Outputs, _ = value.AsMap(v)
	}
	if t := c.Fixtures.Trigger; t != nil {
		req.Trigger = &model.TriggerInfo{ID: t.ID, Type: t.Type, Variables: value.AppendJSON(nil, t.Variables, value.JSONOptions{KeepNulls: true})}
	}
	changes, stop := a.Backend.Follow(backend.FeedFilter{ExecutionID: id})
	defer stop()
	if _, err := a.Launcher.Create(ctx, req); err != nil {
		return nil, err
	}
	for {
		select {
		case change := <-changes:
			if e := change.Execution; e != nil && e.Engine.Finished {
				return e, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("the execution did not end in time: %w", ctx.Err())
		}
	}
}

// evaluate looks at what came of the execution.
func (r *Runner) evaluate(ctx context.Context, a *app.App, flow *model.Flow, e *model.Execution, c *Case, files *value.Map, out *CaseReport) error {
	if out.EndedIn != c.ExpectedState {
		out.problem(StateFailed, fmt.Errorf("the execution ended in %s, expected %s", out.EndedIn, c.ExpectedState))
		out.Log = lastLines(ctx, a, e.ID)
	}
	runs, err := a.Backend.Executions().TaskRuns(ctx, tenant, e.ID)
	if err != nil {
		return err
	}
	l := a.Launcher
	scope, _ := engine.Scope(engine.Load(flow, e, runs, nil, 0), "", &engine.Env{
		Now: time.Now(), Templates: a.Templates, Location: l.Location, Globals: l.Globals, Envs: l.Envs, Kestra: l.Kestra,
	}, func(name string, args expr.Args) (any, error) {
		return l.World.Call(ctx, world.Caller{Tenant: tenant, Namespace: e.Namespace, FlowID: e.FlowID, ExecutionID: e.ID}, name, args)
	})
	env := endedEnv{fixtureEnv{files, scope}, e}
	render := func(v any) (any, error) {
		if text, ok := v.(string); ok { // which keeps its type where it is one expression
			return a.Templates.Eval(text, env, expr.Limits{})
		}
		return a.Templates.RenderValue(v, env, expr.Limits{})
	}
	for i := range c.Assertions {
		outcomes, err := c.Assertions[i].check(render)
		out.Outcomes = append(out.Outcomes, outcomes...)
		if err != nil {
			out.problem(StateError, fmt.Errorf("assertions[%d]: %w", i, err))
			continue
		}
		for _, o := range outcomes {
			if !o.Success && out.State == StateSuccess {
				out.State = StateFailed
			}
		}
	}
	return nil
}

// maxLines bounds how many lines of a log a report has.
const maxLines = 20

// lastLines are the lines of the execution from WARN on.
func lastLines(ctx context.Context, a *app.App, id string) []string {
	p, err := a.Backend.Logs().Search(ctx, backend.Query{Tenant: tenant, Page: 1, Size: maxLines, NoTotal: true, Sort: []backend.Sort{{By: "timestamp"}},
		Filters: []backend.Filter{
			{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: id},
			{Field: backend.FieldLevel, Op: backend.OpGreaterEq, Value: model.LevelWarn.String()},
		}})
	if err != nil {
		return nil
	}
	var out []string
	for _, line := range p.Results {
		out = append(out, strings.TrimSpace(line.TaskID+": "+line.Message))
	}
	return out
}
