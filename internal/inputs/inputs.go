// Package inputs turns what somebody gives a flow into the inputs of an execution: defaults, dependencies between inputs,
// conversion to the declared types, validation. It is pure; expressions are evaluated against an Env.
package inputs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// Resolver resolves inputs. Its fields are set once and only read afterwards.
type Resolver struct {
	Templates *expr.Cache
	Limits    expr.Limits
	// Encrypt turns the text of a SECRET input into its stored form; nil where no key is configured.
	Encrypt func(text string) (string, error)
}

// Value is what came of one input.
type Value struct {
	Input   *model.Input
	Value   any
	Enabled bool // its dependencies hold; a disabled input is left out and its errors do not matter
	Default bool // nothing was given, the default was taken
	Errors  []string
}

// Error lists what is wrong with inputs, all of it.
type Error struct{ Problems []string }

// Error joins the problems.
func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// Resolve returns the inputs of an execution as a nested map: an id with dots names a member of a map. The error is an
// *Error, or one of the Env that says an answer is missing.
func (r *Resolver) Resolve(declared []*model.Input, given *value.Map, env expr.Env) (*value.Map, error) {
	values, err := r.Check(declared, given, env)
	if err != nil {
		return nil, err
	}
	var problems []string
	out := value.NewMap(len(values))
	for _, v := range values {
		if !v.Enabled {
			continue
		}
		for _, p := range v.Errors {
			problems = append(problems, fmt.Sprintf("Invalid value for input `%s`. Cause: %s", v.Input.ID, p))
		}
		if len(v.Errors) > 0 {
			continue
		}
		if err := nest(out, strings.Split(v.Input.ID, "."), v.Value); err != nil {
			problems = append(problems, fmt.Sprintf("Invalid value for input `%s`. Cause: %v", v.Input.ID, err))
		}
	}
	if len(problems) > 0 {
		return nil, &Error{problems}
	}
	return out, nil
}

// Check resolves every input and says what is wrong with each. The error is one of the Env only.
func (r *Resolver) Check(declared []*model.Input, given *value.Map, env expr.Env) ([]Value, error) {
	c := &check{r: r, env: env, given: given, byID: map[string]*model.Input{}, done: map[string]*Value{}}
	all := flatten(declared)
	for _, in := range all {
		c.byID[in.ID] = in
	}
	out := make([]Value, 0, len(all))
	for _, in := range all {
		v := c.resolve(in)
		if c.fatal != nil {
			return nil, c.fatal
		}
		out = append(out, *v)
	}
	return out, nil
}

// flatten puts the inputs of forms beside the others, under the form's id.
func flatten(declared []*model.Input) []*model.Input {
	var out []*model.Input
	for _, in := range declared {
		if in.Type != "FORM" {
			out = append(out, in)
			continue
		}
		for _, sub := range flatten(in.Inputs) {
			c := *sub
			c.ID = in.ID + "." + sub.ID
			out = append(out, &c)
		}
	}
	return out
}

// check is one resolution under way.
type check struct {
	r     *Resolver
	env   expr.Env
	given *value.Map
	byID  map[string]*model.Input
	done  map[string]*Value
	fatal error
}

// resolve resolves an input after those that it depends on. An input that is met again on the way depends on itself; the
// flow's validation refuses that.
func (c *check) resolve(in *model.Input) *Value {
	if v, ok := c.done[in.ID]; ok {
		return v
	}
	v := &Value{Input: in, Enabled: true}
	c.done[in.ID] = v
	c.dependencies(in, v)
	if !v.Enabled {
		return v
	}
	raw, given := lookup(c.given, in.ID)
	if !given || raw == nil {
		v.Default = true
		raw = c.defaults(in, v)
	}
	options := c.options(in, v)
	if raw == nil && len(options) > 0 && flag(in, "autoSelectFirst") {
		if raw = options[0]; in.Type == "MULTISELECT" {
			raw = []any{options[0]}
		}
	}
	if len(v.Errors) > 0 || c.fatal != nil {
		return v
	}
	if raw == nil {
		if in.Required {
			v.Errors = append(v.Errors, "Missing required input:"+in.ID)
		}
		return v
	}
	parsed, err := c.r.parse(in, raw, options)
	if err != nil {
		v.Errors = append(v.Errors, err.Error())
		return v
	}
	v.Value = parsed
	return v
}

// dependencies decides whether an input is asked for at all.
func (c *check) dependencies(in *model.Input, v *Value) {
	if in.DependsOn == nil {
		return
	}
	for _, id := range in.DependsOn.Inputs {
		if dep := c.byID[id]; dep != nil && id != in.ID && !c.resolve(dep).Enabled {
			v.Enabled = false
			return
		}
	}
	if in.DependsOn.Condition == "" {
		return
	}
	holds, err := c.eval(in.DependsOn.Condition, in)
	if err != nil {
		v.Errors = append(v.Errors, "Invalid condition: "+err.Error())
	}
	v.Enabled = holds == true
}

func (c *check) defaults(in *model.Input, v *Value) any {
	out, err := c.render(in.Defaults, in)
	if err != nil {
		v.Errors = append(v.Errors, err.Error())
	}
	return out
}

func (c *check) render(v any, in *model.Input) (any, error) {
	if text, ok := v.(string); ok {
		return c.eval(text, in)
	}
	return v, nil
}

// options are the values that a SELECT or MULTISELECT allows: listed, or the result of an expression.
func (c *check) options(in *model.Input, v *Value) []string {
	if e, _ := in.Props.Get("expression"); e != nil {
		got, err := c.eval(value.Print(e), in)
		if err != nil {
			v.Errors = append(v.Errors, err.Error())
			return nil
		}
		list, ok := got.([]any)
		if !ok {
			v.Errors = append(v.Errors, "Invalid expression result. Expected a list of strings, got "+value.TypeName(got))
			return nil
		}
		return texts(list)
	}
	for _, name := range []string{"values", "options"} {
		if list, _ := in.Props.Get(name); list != nil {
			l, _ := list.([]any)
			return texts(l)
		}
	}
	return nil
}

// texts lists the values of options, which are texts or maps with a label and a value.
func texts(list []any) []string {
	var out []string
	for _, e := range list {
		if m, ok := e.(*value.Map); ok {
			e, _ = m.Get("value")
		}
		if e != nil {
			out = append(out, value.Print(e))
		}
	}
	return out
}

// eval evaluates an expression of an input; inputs in it are those that it says it depends on.
func (c *check) eval(text string, in *model.Input) (any, error) {
	known := value.NewMap(4)
	if in.DependsOn != nil {
		for _, id := range in.DependsOn.Inputs {
			if dep := c.byID[id]; dep != nil && id != in.ID {
				if v := c.resolve(dep); v.Enabled {
					_ = nest(known, strings.Split(id, "."), v.Value)
				}
			}
		}
	}
	v, err := c.r.Templates.Eval(text, &env{c.env, known}, c.r.Limits)
	if err != nil {
		var placed *expr.EvalError
		if errors.As(err, &placed) && placed.Err != nil && c.fatal == nil {
			c.fatal = fatalOf(placed.Err)
		}
	}
	return v, err
}

// Fatal marks errors of an Env that are not about the inputs: resolving stops and they are returned as they are.
type Fatal interface{ Fatal() bool }

func fatalOf(err error) error {
	var f Fatal
	if errors.As(err, &f) && f.Fatal() {
		return err
	}
	return nil
}

// env is an Env in which the inputs are those that may be read.
type env struct {
	expr.Env
	inputs *value.Map
}

// Var returns a variable.
func (e *env) Var(name string) (any, bool) {
	if name == "inputs" {
		return e.inputs, e.inputs.Len() > 0
	}
	if e.Env == nil {
		return nil, false
	}
	return e.Env.Var(name)
}

// Call calls a function.
func (e *env) Call(name string, args expr.Args) (any, error) {
	if e.Env == nil {
		return nil, fmt.Errorf("%s() cannot be called here", name)
	}
	return e.Env.Call(name, args)
}

// lookup finds an input among what was given: by its id as it stands, or nested by its dots.
func lookup(given *value.Map, id string) (any, bool) {
	if v, ok := given.Get(id); ok {
		return v, true
	}
	head, rest, dotted := strings.Cut(id, ".")
	if !dotted {
		return nil, false
	}
	sub, _ := given.Get(head)
	m, ok := sub.(*value.Map)
	if !ok {
		return nil, false
	}
	return lookup(m, rest)
}

func nest(m *value.Map, path []string, v any) error {
	if len(path) == 1 {
		if m.Has(path[0]) {
			return fmt.Errorf("it is also the beginning of another input's id")
		}
		m.Set(path[0], v)
		return nil
	}
	sub, ok := m.Get(path[0])
	next, isMap := sub.(*value.Map)
	if ok && !isMap {
		return fmt.Errorf("the beginning of its id is another input")
	}
	if !ok {
		next = value.NewMap(1)
		m.Set(path[0], next)
	}
	return nest(next, path[1:], v)
}

func flag(in *model.Input, name string) bool {
	v, _ := in.Props.Get(name)
	return v == true
}
