package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Env is what a step is given besides the state and the event.
type Env struct {
	// Now is the owner's clock.
	Now time.Time
	// Templates parses expressions, once each.
	Templates *expr.Cache
	Limits    expr.Limits
	Location  *time.Location
	// Flow finds a compiled flow that the owner has at hand; a revision of 0 asks for the latest. known is false when it
	// would have to look first, which makes the step ask for it. A nil flow that is known does not exist.
	Flow func(key model.FlowKey) (flow *model.Flow, known bool)
	// Large is from how many task runs on a step is not left when it lacks an answer (see defer.go); 0 is 256.
	Large int
	// Answers are those to the needs of an earlier try of the same step, by Need.Key.
	Answers map[string]Answer
	// Globals, Envs and Kestra are the configured context variables of those names.
	Globals, Envs, Kestra *value.Map
	// Decrypt reveals an encrypted value to the expressions of an execution; nil where no key is configured.
	Decrypt func(execution, text string) (string, error)
	// Hide hides what Decrypt and functions have revealed to the execution, in texts for people; nil hides nothing.
	Hide func(execution, text string) string
	// Staffed tells whether a worker group has a worker that is alive; nil takes it for granted.
	Staffed func(group string) bool
	// Inputs validates and completes the inputs of an execution that a step creates (see package inputs).
	Inputs func(flow *model.Flow, given *value.Map, e expr.Env) (json.RawMessage, error)
	// Listeners are the triggers that want to hear that an execution has come to a state; nil when there are none.
	Listeners func(e *model.Execution, s model.State) []Listener
	// OutputValue converts a rendered flow output to its declared type.
	OutputValue func(out *model.Output, v any) (any, error)
}

// Need is something that a step has to know before it can decide.
type Need struct {
	Key  string
	Flow *model.FlowKey // a flow to be looked up, or
	Call string         // a function of the expression language that touches the world, with its arguments
	Args expr.Args
	// TaskRunID is the task run whose expression asks, "" for the execution's own.
	TaskRunID string
	// Errors are the lines of level ERROR that the step has added to the log, for errorLogs(): nobody can read them yet.
	Errors []model.LogEntry
}

// Answer is what came of a Need.
type Answer struct {
	Value any
	Flow  *model.Flow
	Err   error
}

// needs is how a step that lacks an answer is left: as an error through expressions, as a panic through the engine.
type needs []Need

func (n needs) Error() string { return "unanswered: " + n[0].Key }

// Fatal says that it is not about what is being evaluated: whoever gathers errors passes it on at once.
func (n needs) Fatal() bool { return true }

// unique leaves out what is asked for more than once.
func (n needs) unique() needs {
	seen := make(map[string]bool, len(n))
	return slices.DeleteFunc(n, func(one Need) bool {
		again := seen[one.Key]
		seen[one.Key] = true
		return again
	})
}

// gather does a part of a step that others do not depend on, and notes what it lacks. The step is left when all parts have
// been tried, so that everything is asked for at once.
func (n *needs) gather(f func()) {
	defer func() {
		if r := recover(); r != nil {
			missing, ok := r.(needs)
			if !ok {
				panic(r)
			}
			*n = append(*n, missing...)
		}
	}()
	f()
}

func (e *Env) flow(key model.FlowKey) *model.Flow {
	if f, known := e.Flow(key); known {
		return f
	}
	k := fmt.Sprintf("flow %s/%s/%s@%d", key.Tenant, key.Namespace, key.ID, key.Revision)
	if a, ok := e.Answers[k]; ok {
		return a.Flow
	}
	panic(needs{{Key: k, Flow: &key}})
}

// call answers a function that touches the world from what was looked up for this step. The time is the event's, so that
// a repeated step sees the same.
func (x *turn) call(n *node, name string, args expr.Args) (any, error) {
	key := []byte("call " + name)
	taskRun := ""
	if n != nil {
		taskRun = n.run.ID
		key = append(append(key, ' '), taskRun...)
	}
	for _, a := range args {
		key = append(append(append(key, ' '), a.Name...), '=')
		key = value.AppendJSON(key, a.Value, value.JSONOptions{KeepNulls: true})
	}
	if a, ok := x.env.Answers[string(key)]; ok {
		return a.Value, a.Err
	}
	need := Need{Key: string(key), Call: name, Args: args, TaskRunID: taskRun}
	if name == "errorLogs" {
		need.Errors = slices.DeleteFunc(slices.Clone(x.t.Logs), func(l model.LogEntry) bool { return l.Level < model.LevelError })
	}
	return nil, needs{need}
}

// checked passes an error on, unless it says that an answer is missing: then the step is left.
func checked(err error) error {
	var n needs
	if errors.As(err, &n) {
		panic(n)
	}
	return err
}

// render evaluates a text in the context of a task run, or of the execution if n is nil.
func (x *turn) render(n *node, text string) (string, error) {
	s, err := x.env.Templates.Render(text, x.scope(n), x.env.Limits)
	return s, checked(err)
}

// eval is render that keeps the type of a text that is one expression.
func (x *turn) eval(n *node, text string) (any, error) {
	v, err := x.env.Templates.Eval(text, x.scope(n), x.env.Limits)
	return v, checked(err)
}

// renderValue renders the keys and text leaves of a value.
func (x *turn) renderValue(n *node, v any) (any, error) {
	if s, ok := v.(string); ok {
		return x.render(n, s)
	}
	out, err := x.env.Templates.RenderValue(v, x.scope(n), x.env.Limits)
	return out, checked(err)
}

// renderProp renders a property of a task.
func (x *turn) renderProp(n *node, name string) (any, error) {
	v, _ := n.task.Props.Get(name)
	out, err := x.renderValue(n, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// renderStructure is renderProp for a list or a map, which may also stand there as its JSON text.
func (x *turn) renderStructure(n *node, name string) (any, error) {
	v, err := x.renderProp(n, name)
	text, ok := v.(string)
	if err != nil || !ok {
		return v, err
	}
	if v, err = value.ParseJSON([]byte(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

func (x *turn) renderInt(n *node, name string, otherwise int) (int, error) {
	v, err := x.renderProp(n, name)
	if err != nil || v == nil || v == "" {
		return otherwise, err
	}
	if s, ok := v.(string); ok {
		d, ok := value.ParseDecimal(s)
		if !ok {
			return 0, fmt.Errorf("%s: %q is not a number", name, s)
		}
		v = int64(d.Float64())
	}
	i, ok := value.AsInt(v)
	if !ok {
		return 0, fmt.Errorf("%s: %s is not a whole number", name, value.Print(v))
	}
	return int(i), nil
}

// truthy evaluates a condition: a text that is blank, 0, -0 or false is false, any other is true.
func (x *turn) truthy(n *node, text string) (bool, error) {
	s, err := x.render(n, text)
	return expr.Truthy(s), err
}
