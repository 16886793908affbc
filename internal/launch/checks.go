package launch

import (
	"context"
	"strings"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// FailedCheck is a check of a flow that does not hold, with its message as people read it.
type FailedCheck struct {
	Message  string `json:"message"`
	Style    string `json:"style"`
	Behavior string `json:"behavior"`
}

// Checks returns the checks that would not hold for an execution with such inputs; it creates nothing. The error is an
// *inputs.Error, or one of the world.
func (l *Launcher) Checks(ctx context.Context, flow *model.Flow, e *model.Execution, given *value.Map) ([]FailedCheck, error) {
	env := &env{ctx: ctx, l: l, flow: flow, e: e}
	if len(flow.Inputs) > 0 {
		resolved, err := l.Inputs.Resolve(flow.Inputs, given, env)
		if err != nil {
			return nil, l.hide(e, err)
		}
		env.inputs = resolved
	}
	return l.failed(flow, env), nil
}

// failed evaluates the checks of the flow. One that cannot be evaluated does not hold.
func (l *Launcher) failed(flow *model.Flow, env *env) []FailedCheck {
	var out []FailedCheck
	for _, c := range flow.Checks {
		text, err := l.Inputs.Templates.Render(c.Condition, env, l.Inputs.Limits)
		if err == nil && expr.Truthy(text) {
			continue
		}
		message := c.Message
		if rendered, err := l.Inputs.Templates.Render(c.Message, env, l.Inputs.Limits); err == nil {
			message = rendered
		}
		out = append(out, FailedCheck{l.Masks.Of(env.e.ID).Replace(message), c.Style, c.Behavior})
	}
	return out
}

// checks decides about an execution. The strongest behaviour of those that fail counts: BLOCK_EXECUTION is an error,
// FAIL_EXECUTION returns why the execution fails.
func (l *Launcher) checks(flow *model.Flow, env *env) (fail string, err error) {
	var blocked, failed []string
	for _, c := range l.failed(flow, env) {
		switch c.Behavior {
		case "FAIL_EXECUTION":
			failed = append(failed, c.Message)
		case "CREATE_EXECUTION":
		default:
			blocked = append(blocked, c.Message)
		}
	}
	if len(blocked) > 0 {
		return "", &BlockedError{blocked}
	}
	return strings.Join(failed, "\n"), nil
}
