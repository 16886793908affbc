package script

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr/javaregex"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// Watch are the properties of triggers that run something and look how it ends.
type Watch struct {
	ExitCondition  string         `json:"exitCondition" required:"true" doc:"When the flow starts: exit 1 means the exit code 1; anything else is a regular expression that is looked for in the outputs of a run that succeeds, written as {name=value, other=value}."`
	Interval       sdk.Duration   `json:"interval" default:"PT60S" static:"true" doc:"How long to wait after each run."`
	Edge           bool           `json:"edge" default:"true" doc:"Whether the flow starts only when the condition holds that did not hold before, rather than each time."`
	ContainerImage string         `json:"containerImage" doc:"The image of the container, for task runners that need one."`
	TaskRunner     *plugin.Plugin `json:"taskRunner" category:"taskRunners" doc:"Where it runs; unless it is set, where tasks.scripts.runner says."`
	Env            any            `json:"env" raw:"true" doc:"Environment variables: a map."`

	deps *Deps
	lang *language
}

// PollOutput is the variable trigger of executions that such a trigger started.
type PollOutput struct {
	Timestamp time.Time  `json:"timestamp" doc:"When it ran."`
	Condition string     `json:"condition" doc:"The condition that holds."`
	ExitCode  int        `json:"exitCode" doc:"The exit code."`
	Vars      *value.Map `json:"vars" doc:"The outputs of a run that succeeded."`

	settle func(ctx context.Context) error
}

// Settle remembers that the condition holds, once it is certain that the flow has heard of it.
func (o *PollOutput) Settle(ctx context.Context, durable bool) error {
	if !durable || o.settle == nil {
		return nil
	}
	return o.settle(ctx)
}

// ScriptTrigger runs a script.
type ScriptTrigger struct {
	Watch
	Script sdk.Template `json:"script" required:"true" doc:"The script."`
}

// Poll runs it.
func (t *ScriptTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	task := Script{Common: t.common(), Script: t.Script}
	return t.look(ctx, run, task.Run)
}

// CommandsTrigger runs commands.
type CommandsTrigger struct {
	Watch
	Commands []sdk.Template `json:"commands" required:"true" doc:"The commands, in their order."`
}

// Poll runs them.
func (t *CommandsTrigger) Poll(ctx context.Context, run sdk.Run) (any, error) {
	task := Commands{Common: t.common(), Commands: t.Commands}
	return t.look(ctx, run, task.Run)
}

func (p *Watch) common() Common {
	return Common{
		deps: p.deps, lang: p.lang, TaskRunner: p.TaskRunner, ContainerImage: p.ContainerImage, Env: p.Env, FailFast: true, TargetOS: "AUTO",
	}
}

// look runs the task and tells of it if the condition holds.
func (p *Watch) look(ctx context.Context, run sdk.Run, task func(context.Context, sdk.Run) (any, error)) (any, error) {
	found := &PollOutput{Timestamp: time.Now().UTC(), Condition: p.ExitCondition}
	outputs, err := task(ctx, run)
	var failed *sdk.OutputError
	switch {
	case errors.As(err, &failed):
		found.ExitCode = failed.Outputs.(Output).ExitCode
	case err != nil:
		return nil, err
	default:
		found.Vars = outputs.(Output).Vars
	}
	holds := found.holds()
	if !p.Edge {
		if !holds {
			return nil, nil
		}
		return found, nil
	}
	m := memory{store: p.deps.KV, info: run.Info()}
	before, err := m.held(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case holds && !before:
		found.settle = m.remember
		return found, nil
	case !holds && before:
		return nil, m.forget(ctx)
	}
	return nil, nil
}

var exitCode = regexp.MustCompile(`(?i)^\s*exit\s+(\d+)\s*$`)

// holds tells whether the condition holds.
func (o *PollOutput) holds() bool {
	if m := exitCode.FindStringSubmatch(o.Condition); m != nil {
		n, err := strconv.Atoi(m[1])
		return err == nil && n == o.ExitCode
	}
	condition := strings.TrimSpace(o.Condition)
	if condition == "" || o.Vars.Len() == 0 {
		return false
	}
	vars := value.JavaString(o.Vars)
	re, err := javaregex.Compile(condition, javaregex.Limits{Time: time.Second})
	if err != nil {
		return strings.Contains(vars, condition)
	}
	found, err := re.Find(vars)
	return err == nil && found != nil
}

// memory remembers of a trigger whether its condition held, in the key-value store of its namespace.
type memory struct {
	store *kv.Store
	info  sdk.Info
}

func (m memory) key() string {
	return strings.Join([]string{m.info.Namespace, m.info.FlowID, m.info.TriggerID}, "_")
}

func (m memory) held(ctx context.Context) (bool, error) {
	_, err := m.store.Get(ctx, m.info.Tenant, m.info.Namespace, m.key())
	if errors.Is(err, backend.ErrNotFound) || errors.Is(err, kv.ErrExpired) {
		return false, nil
	}
	return err == nil, err
}

func (m memory) remember(ctx context.Context) error {
	return m.store.Set(ctx, kv.Put{
		Tenant: m.info.Tenant, Namespace: m.info.Namespace, Key: m.key(), Value: true, Type: kv.Boolean, Description: "the condition of a trigger holds",
	})
}

func (m memory) forget(ctx context.Context) error {
	_, err := m.store.Delete(ctx, m.info.Tenant, m.info.Namespace, m.key())
	return err
}

func (l *language) triggerTypes(deps *Deps) []plugin.Type {
	about := "Runs every `interval` and starts the flow when `exitCondition` holds. What cannot be run at all is an error of the trigger, " +
		"which is tried again after the interval."
	watch := func() Watch { return Watch{deps: deps, lang: l} }
	head := "id: watch\ntype: " + area + l.area
	return []plugin.Type{
		{
			Name: area + l.area + ".ScriptTrigger", Category: plugin.Trigger, Trigger: model.TriggerPolling,
			Title: "Start the flow by how a script ends: " + l.title + ".", Description: about,
			Examples: []plugin.Example{{Title: "When a script succeeds", YAML: head + ".ScriptTrigger\ninterval: PT5M\nexitCondition: exit 0\nscript: |\n  " +
				strings.ReplaceAll(l.example, "\n", "\n  ")}},
			New: func() any { return &ScriptTrigger{Watch: watch()} }, Outputs: PollOutput{},
		},
		{
			Name: area + l.area + ".CommandsTrigger", Category: plugin.Trigger, Trigger: model.TriggerPolling,
			Title: "Start the flow by how commands end: " + l.title + ".", Description: about,
			Examples: []plugin.Example{{Title: "When commands fail", YAML: head + ".CommandsTrigger\ninterval: PT5M\nexitCondition: exit 1\ncommands:\n  - " + l.command}},
			New:      func() any { return &CommandsTrigger{Watch: watch()} }, Outputs: PollOutput{},
		},
	}
}
